r"""Front matter: a YAML mapping between `---` lines at the start of a Markdown file, and what looks like a slip in it.

>>> parts = split_front_matter("---\ntitle: Overview\n---\nWords.\n")
>>> parts.meta, parts.body, parts.body_line
({'title': 'Overview'}, 'Words.\n', 4)
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from trainer.core.errors import Problem, UsageError, Where
from trainer.core.yamltext import YamlDocument, load_yaml

_BLANK = re.compile(r"\ufeff?(?:[ \t]*\n)*")
_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_LIKE_CLOSING = re.compile(r"^[ \t]*(?:--|-{4,}|[–—]+|\+{3}|\*{3}|={3,})[ \t]*$", re.MULTILINE)
_ANY_CLOSING = re.compile(rf"{_CLOSING.pattern}|{_LIKE_CLOSING.pattern}", re.MULTILINE)
_ANY_KEY = r"[A-Za-z_][\w-]*"
_PAIR = re.compile(r"([A-Za-z_][\w-]*):[ \t]+(.*)")
_CODE_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """A file in two: what its front matter says, and its body."""

    front: YamlDocument | None
    """None where the file has no front matter."""
    body: str
    body_line: int
    """The line of the file on which the body starts, counted from 1."""
    slip: Problem | None = None
    """What looks like front matter and is none: not closed, too late, only comments, broken YAML."""

    @property
    def meta(self) -> dict[str, Any]:
        """The values by key, numbers as they are spelt; empty where there is no front matter."""
        return self.front.spelt() if self.front else {}


def split_front_matter(text: str, *, shown: str = "document.md", keys: Collection[str] = ()) -> Parts:
    """The front matter and the body of `text`; a first block that is no mapping belongs to the body.

    With `keys`, the only ones that front matter may hold here, blank lines may stand before it, and whatever starts
    with one of them is taken for a slip where it is not front matter. Without, any document is expected: rules and
    headings between rules are ordinary text, and lines `key: words` count even where a colon breaks the YAML.
    """
    key = "|".join(map(re.escape, keys)) or _ANY_KEY
    blank = _BLANK.match(text)
    assert blank is not None
    opening = _OPENING.match(text, blank.end())
    if opening is None or (not keys and blank[0].strip("\ufeff")):
        return Parts(None, text, 1, _late(text, key, shown, keys))
    line = text.count("\n", 0, opening.end())
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        gap = r"(?:[ \t]*(?:#[^\n]*)?\n)*" if keys else ""
        if re.compile(rf"{gap}(?:{key})[ \t]*:(?:[ \t\n]|\Z)").match(text, opening.end()):
            like = _LIKE_CLOSING.search(text, opening.end())
            return Parts(None, text, 1, _not_closed(text, like.start() if like else None, Where(shown, line)))
        return Parts(None, text, 1)
    block, where = text[opening.end() : closing.start()], Where(shown, line)
    try:
        document = load_yaml(block, shown=shown, first_line=line + 1)
    except UsageError as error:
        document = YamlDocument(_pairs(block) if not keys else None)
        if document.value is None:
            broken = re.search(rf"^(?:{key})[ \t]*:", block, re.MULTILINE) if keys else None
            like = _LIKE_CLOSING.search(block) if broken else None
            slip = _not_closed(text, opening.end() + like.start(), where) if like else error.problems[0]
            return Parts(None, text, 1, slip if broken else None)
    if isinstance(document.value, dict):
        return Parts(document, text[closing.end() :], text.count("\n", 0, closing.end()) + 1)
    comment = r"^[ \t]*#" if keys else rf"^[ \t]*#[ \t]*(?:{key}):(?:[ \t]|$)"
    if document.value is None and re.search(comment, block, re.MULTILINE):
        hint = "take the # from a key, or remove the block"
        return Parts(None, text, 1, Problem("the front matter holds only comments", where, hint))
    return Parts(None, text, 1)


def _not_closed(text: str, like: int | None, where: Where) -> Problem:
    hint = "write --- on a line of its own below its last key"
    if like is not None:
        line = text.count("\n", 0, like) + 1
        hint = f'line {line} reads "{text[like:].partition(chr(10))[0].strip()}": write --- there'
    return Problem("the front matter is not closed", where, hint)


def _late(text: str, key: str, shown: str, keys: Collection[str]) -> Problem | None:
    """That front matter stands too late, or under a wrong opening: a closed block of keys outside code."""
    opening = re.compile(rf"^(---|--|-{{4,}}|\+{{3}}|[–—]+)[ \t]*\n(?=(?:{key}):[ \t\n])", re.MULTILINE)
    blank = _BLANK.match(text)
    # without known keys only the first line that is not blank can be meant, for rules are ordinary text
    match = opening.search(text) if keys else blank and opening.match(text, blank.end())
    if not match or _CODE_FENCE.search(text, 0, match.start()):
        return None
    closing = _ANY_CLOSING.search(text, match.end())
    try:
        value = load_yaml(text[match.end() : closing.start()], shown=shown).value if closing else None
    except UsageError:
        return None
    if not isinstance(value, dict) or (keys and not set(value) <= set(keys)):
        return None
    where = Where(shown, text.count("\n", 0, match.start()) + 1)
    if match[1] != "---":
        return Problem(f'front matter is opened by ---, not by "{match[1]}"', where, "write --- there")
    return Problem("front matter must be the first thing in a file", where, "move the block to the top")


def _pairs(block: str) -> dict[str, str] | None:
    """The block as lines `key: words`, or None where one of them is something else."""
    pairs = [_PAIR.fullmatch(line) for line in block.splitlines() if line.strip()]
    if not pairs or not all(pairs):
        return None
    return {pair[1]: _unquoted(pair[2].strip()) for pair in pairs if pair}


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
