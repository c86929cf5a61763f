r"""An instruction's body, cut into what is filled in and what stays as it is, byte for byte.

`{NAME}` is filled in where NAME is declared. `{{ … }}` and `{% … %}` are Jinja where they name something declared.
Every other brace belongs to JSON, LaTeX, a shell, CSS, Go or another template language, and stays:

- in code and mathematics, all that names nothing declared;
- in prose, what stands glued to the text before it (`\frac{{a}}`, `${{ secrets.KEY }}`, `<p>{{ x }}`), what is written
  without spaces and near no declared name (`{{x}}`), what names nothing at all (`{{ 2 }}`), and what is not Jinja
  (`{{ .Values.x }}`, `{{#each rows}}`, `{% csrf_token %}`).

What is left is Jinja in prose that names only undeclared things: an error, since it is most often a misspelling.
`{% raw %} … {% endraw %}` protects anything, `{NAME}` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from trainer.core.errors import nearest
from trainer.prompts import markdown
from trainer.prompts.pieces import BRANCHES, CLOSERS, OPENERS, STRING, TAGS, Piece, names_in

_LONGEST = 4000

_START = re.compile(r"\{(?:\{|%|[A-Za-z_])")
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL = re.compile(r"\{\{[ \t]*([A-Za-z_]\w*)[^{}\n]*\}\}|\{([A-Za-z_]\w*)\}")
_RAW = re.compile(r"\{%[-+]?[ \t]*raw[ \t]*[-+]?%\}(.*?)\{%[-+]?[ \t]*endraw[ \t]*[-+]?%\}", re.DOTALL)
_TAG = re.compile(r"\{%[-+]?\s*([a-z]+)\b")
_MARK = re.compile(rf"{STRING.pattern}|\{{\{{|\{{%|\n\n|%\}}|[{{}}]")
_BREAKS = ("{{", "{%", "\n\n")
# A word, a shell's $, LaTeX's ^ and \, a tag, an attribute, a brace; _ only after a letter, for _{{ x }}_ is emphasis.
_GLUE = re.compile(r"[^\W_]\Z|[$^\\{}\]>]\Z|[\w}]_\Z|=[\"']?\Z")
_FOREIGN = re.compile(r"\{\{[-+]?\s*(?:[^\w\s\"'(\[{-]|(?:end|else|break|continue|this)\b)|\s\.[A-Za-z]|:=|=>")
_TIGHT = re.compile(r"\{\{\S[\s\S]*(?<=\S)\}\}")


def cut(body: str, declared: Set[str]) -> tuple[Piece, ...]:
    """The body in pieces, in order: literal text, `{NAME}`, and what may be Jinja."""
    return tuple(_joined(_Cutter(body, declared).pieces()))


def misspellings(body: str, pieces: Sequence[Piece], declared: Set[str]) -> list[tuple[str, str | None, int]]:
    """What stays as written though it may be meant: the words, the declared name they look like, and their offset.

    That is all that looks much like a declared name, and in prose each `{{name}}` that stands alone.
    """
    literals = [
        (braces, piece.start + braces.start())
        for piece in pieces
        if piece.kind == "text"
        for braces in _LITERAL.finditer(piece.text)
    ]
    code = markdown.code(body) if any(braces[1] for braces, _ in literals) else None
    found = []
    for braces, at in literals:
        name = braces[1] or braces[2]
        close = None if name in declared else nearest(name, declared)
        stands_alone = code is not None and braces[0] == f"{{{{{name}}}}}" and at not in code
        if close or (stands_alone and not _GLUE.search(body[max(0, at - 2) : at])):
            found.append((braces[0], close, at))
    return found


class _Cutter:
    """Walks a body once; remembers which blocks are open and which names they bind."""

    def __init__(self, body: str, declared: Set[str]) -> None:
        self.body = body
        self.known = set(declared)
        self.code = markdown.code(body)
        self.open: list[tuple[str, bool]] = []
        self.last = {closing: body.rfind(closing) for closing in ("}}", "%}", "endraw")}

    def pieces(self) -> Iterator[Piece]:
        done = 0
        while start := _START.search(self.body, done):
            yield Piece("text", self.body[done : start.start()], done)
            piece, done = self.piece(start.start())
            yield piece
        yield Piece("text", self.body[done:], done)

    def piece(self, at: int) -> tuple[Piece, int]:
        two = self.body[at : at + 2]
        if two == "{{":
            return self.expression(at)
        if two == "{%":
            return self.statement(at)
        name = _NAME.match(self.body, at)
        if name and name[1] in self.known:
            return Piece("name", name[1], at), name.end()
        return Piece("text", "{", at), at + 1

    def expression(self, at: int) -> tuple[Piece, int]:
        end = self.end(at, "}}")
        if end:
            piece = Piece("expression", self.body[at:end], at)
            if self.is_ours(piece):
                return piece, end
        step = 1 if self.body.startswith("{{{", at) else 2
        return Piece("text", "{" * step, at), at + step

    def is_ours(self, piece: Piece) -> bool:
        if piece.text.startswith("{{{"):
            return False
        names = names_in(piece)
        if any(name in self.known for name, _ in names):
            return True
        if not names or piece.start in self.code or self.is_glued(piece.start) or _FOREIGN.search(piece.text):
            return False
        if _TIGHT.fullmatch(piece.text) and not any(nearest(name, self.known) for name, _ in names):
            return False
        return is_jinja(piece.text)

    def is_glued(self, at: int) -> bool:
        return bool(_GLUE.search(self.body[max(0, at - 2) : at]))

    def statement(self, at: int) -> tuple[Piece, int]:
        if at < self.last["endraw"] and (raw := _RAW.match(self.body, at)):
            return Piece("raw", raw[1], raw.start(1)), raw.end()
        end, tag = self.end(at, "%}"), _TAG.match(self.body, at)
        if end and tag and tag[1] in TAGS:
            piece = Piece("statement", self.body[at:end], at)
            if self.belongs(piece, tag[1]):
                return piece, end
        return Piece("text", "{%", at), at + 2

    def belongs(self, piece: Piece, tag: str) -> bool:
        if tag in CLOSERS or tag in BRANCHES:
            return self.follows(piece, tag)
        names = {name for name, _ in names_in(piece)} - {tag}
        ours = bool(names & self.known) or (piece.start not in self.code and _is_statement(piece.text, tag))
        if ours:
            self.known |= _bound(piece.text, tag)
        if tag in OPENERS and not (tag == "set" and "=" in piece.text):
            self.open.append((tag, ours))
        return ours

    def follows(self, piece: Piece, tag: str) -> bool:
        wanted = CLOSERS.get(tag)
        depth = next((n for n in range(len(self.open) - 1, -1, -1) if wanted in (None, self.open[n][0])), None)
        if depth is None:
            return piece.start not in self.code
        ours = self.open[depth][1]
        if wanted:
            del self.open[depth:]
        return ours

    def end(self, at: int, closing: str) -> int | None:
        """Where the construct that opens at `at` ends, quotes and nested braces considered."""
        if at > self.last[closing]:
            return None
        depth, position = 0, at + 2
        while mark := _MARK.search(self.body, position, at + _LONGEST):
            position = mark.end()
            if mark[0] in _BREAKS:
                return None
            if depth == 0 and self.body.startswith(closing, mark.start()):
                return mark.start() + 2
            depth += {"{": 1, "}": -1}.get(mark[0], 0)
            if depth < 0:
                return None
        return None


def is_jinja(text: str) -> bool:
    """Whether the text alone parses as Jinja."""
    from trainer.prompts.jinja import parses

    return parses(text)


def _is_statement(text: str, tag: str) -> bool:
    closing = f"{{% end{tag} %}}" if tag in OPENERS and not (tag == "set" and "=" in text) else ""
    return is_jinja(text + closing)


def _bound(text: str, tag: str) -> set[str]:
    if tag == "for":
        found = re.search(r"\bfor\s+(.+?)\s+in\b", text, re.DOTALL)
        return {*re.findall(r"[A-Za-z_]\w*", found[1]), "loop"} if found else set()
    if tag in ("set", "with"):
        return set(re.findall(r"([A-Za-z_]\w*)\s*(?:=(?!=)|,|[-+]?%\})", text)) - {tag}
    if tag in ("macro", "call"):
        return set(re.findall(r"[A-Za-z_]\w*", text)) | {"caller"}
    return set()


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces with neighbouring texts made one."""
    text: list[str] = []
    start = 0
    for piece in pieces:
        if piece.kind == "text":
            start = start if text else piece.start
            text.append(piece.text)
            continue
        if joined := "".join(text):
            yield Piece("text", joined, start)
        text.clear()
        yield piece
    if joined := "".join(text):
        yield Piece("text", joined, start)
