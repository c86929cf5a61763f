"""HTML as a document: what can be said in Markdown, safely; scripts, styles and forms are left out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from trainer.convert.base import Options
from trainer.convert.document import Document, parse_markdown
from trainer.convert.readers.text import decoded

_SILENT = frozenset(
    ("script", "style", "template", "noscript", "svg", "form", "button", "select", "iframe", "object", "nav")
)
_VOID = frozenset(
    ("br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "area", "base", "embed", "track")
)
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_BLOCKS = frozenset(
    (
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "figure",
        "figcaption",
        "details",
        "summary",
        "address",
        "aside",
        "dl",
        "dt",
        "dd",
        "body",
        "html",
        "caption",
        "center",
        "fieldset",
    )
)
_ESCAPED = re.compile(r"([\\`*_\[\]<>~|$])")


def read(content: bytes, *, shown: str, options: Options) -> Document:  # noqa: ARG001  (the seam's signature)
    """The document in an HTML page."""
    return parse_markdown(html_to_markdown(decoded(content, shown)), shown=shown)


def html_to_markdown(html: str) -> str:
    """The page's content as Markdown; its `<title>` as front matter where it has no heading of the first level."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    text = parser.finish()
    if parser.title and not re.search(r"^# ", text, re.MULTILINE):
        import json

        return f"---\ntitle: {json.dumps(parser.title, ensure_ascii=False)}\n---\n{text}"
    return text


class _Parser(HTMLParser):
    """Collects blocks of Markdown; `prefix` is what every line of the open block starts with."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._blocks: list[str] = []
        self._inline = ""
        self._silent: list[str] = []
        self._prefixes: list[str] = []
        self._markers: list[str] = []
        self._lists: list[int | None] = []
        self._links: list[str] = []
        self._verbatim: str | None = None
        self._rows: list[list[str]] | None = None
        self._in_title = False
        self._tight = False
        self._open: list[str] = []
        """Lists and items that are open: their end tags may be left out."""
        self._in_cell = False

    def finish(self) -> str:
        """All blocks as one text."""
        self._flush()
        return "\n".join(self._blocks).strip("\n") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        said = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent:
            return
        if tag == "title":
            self._in_title = True
        elif tag == "pre":
            self._flush()
            self._verbatim = ""
        elif self._verbatim is not None:
            return
        elif tag in _MARKS:
            self._inline += _MARKS[tag]
        elif tag == "code":
            self._inline += "\0"
        elif tag == "a":
            self._links.append(said.get("href", ""))
            self._inline += "["
        elif tag == "img":
            self._inline += f"![{_escape(said.get('alt', ''))}]({_address(said.get('src', ''))})"
        elif tag == "br":
            self._inline += " " if self._rows is not None else "\\\n"
        else:
            self._start_block(tag, said)

    def _start_block(self, tag: str, said: dict[str, str]) -> None:
        if tag in ("td", "th"):
            self._end_cell()
            self._in_cell = True
            self._inline = ""
        elif tag == "tr" and self._rows is not None:
            self._end_cell()
            self._rows.append([])
        elif tag == "table":
            self._flush()
            self._rows = []
        elif tag in ("ul", "ol"):
            self._flush()
            self._open.append(tag)
            start = said.get("start", "1")
            self._lists.append((int(start) if start.isdigit() else 1) if tag == "ol" else None)
        elif tag == "li":
            if self._open[-1:] == ["li"]:
                self._end_block("li")
            self._flush()
            self._open.append("li")
            self._open_item()
        elif tag == "blockquote":
            self._flush()
            self._prefixes.append("> ")
        elif tag == "hr":
            self._flush()
            self._put("---")
        elif re.fullmatch("h[1-6]", tag) or tag in _BLOCKS:
            self._flush()

    def _open_item(self) -> None:
        number = self._lists[-1] if self._lists else None
        marker = "- " if number is None else f"{number}. "
        if self._lists and number is not None:
            self._lists[-1] = number + 1
        self._markers.append(marker)
        self._prefixes.append(" " * len(marker))
        self._tight = True

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag == "title":
            self._in_title = False
        elif tag == "pre" and self._verbatim is not None:
            code, self._verbatim = self._verbatim.strip("\n"), None
            ticks = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", code)), 3)
            self._put(f"{ticks}\n{code}\n{ticks}")
        elif self._verbatim is not None or tag in _VOID:
            return
        elif tag in _MARKS:
            self._close_mark(_MARKS[tag])
        elif tag == "code":
            self._close_code()
        elif tag == "a" and self._links:
            self._inline += f"]({_address(self._links.pop())})"
        else:
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag in ("td", "th") and self._rows is not None:
            self._end_cell()
        elif tag == "table" and self._rows is not None:
            self._end_cell()
            rows, self._rows = [row for row in self._rows if row], None
            self._put_table(rows)
        elif re.fullmatch("h[1-6]", tag):
            words = " ".join(self._inline.split())
            self._inline = ""
            if words:
                self._put(f"{'#' * int(tag[1])} {words}")
        elif tag in ("ul", "ol"):
            self._end_list()
        elif tag in ("li", "blockquote"):
            self._end_indented(tag)
        elif tag in _BLOCKS:
            self._flush()

    def _end_list(self) -> None:
        if self._open[-1:] == ["li"]:
            self._end_indented("li")
        self._flush()
        if self._lists:
            self._lists.pop()
            self._open.pop()

    def _end_indented(self, tag: str) -> None:
        self._flush()
        if tag == "li":
            if self._open[-1:] != ["li"]:
                return
            self._open.pop()
            self._markers = []
        if self._prefixes:
            self._prefixes.pop()

    def _end_cell(self) -> None:
        if self._in_cell and self._rows:
            self._rows[-1].append(" ".join(self._inline.split()))
        self._in_cell = False
        self._inline = ""

    def handle_data(self, data: str) -> None:
        """Take words."""
        if self._in_title:
            self.title = " ".join(f"{self.title}{data}".split())
        elif self._silent:
            return
        elif self._verbatim is not None:
            self._verbatim += data
        elif "\0" in self._inline and self._inline.count("\0") % 2:
            self._inline += data
        else:
            self._inline += _escape(re.sub(r"\s+", " ", data))

    def _close_mark(self, mark: str) -> None:
        before, _, inside = self._inline.rpartition(mark)
        stripped = inside.strip()
        lead = inside[: len(inside) - len(inside.lstrip())]
        trail = inside[len(inside.rstrip()) :]
        self._inline = f"{before}{lead}{mark}{stripped}{mark}{trail}" if stripped else f"{before}{inside}"

    def _close_code(self) -> None:
        before, _, inside = self._inline.rpartition("\0")
        ticks = "`" * (max((len(run) for run in re.findall("`+", inside)), default=0) + 1)
        pad = " " if inside[:1] == "`" or inside[-1:] == "`" else ""
        self._inline = f"{before}{ticks}{pad}{' '.join(inside.split())}{pad}{ticks}" if inside.strip() else before

    def _flush(self) -> None:
        words = re.sub(r"[ \t]+", " ", self._inline).strip().removesuffix("\\").strip()
        if self._rows is not None:
            return
        self._inline = ""
        if words:
            self._put(re.sub(r"(?m)^(\s*)([#+=>-]|\d+(?=[.)]))", r"\1\\\2", words))

    def _put(self, block: str) -> None:
        """Add a block, its lines prefixed; the first line of an item carries the item's marker."""
        prefix = "".join(self._prefixes)
        marker = "".join(self._markers)
        first = prefix
        if marker:
            first = prefix[: len(prefix) - len(marker)] + marker if len(prefix) >= len(marker) else marker
        lines = block.split("\n")
        text = "\n".join([f"{first}{lines[0]}", *(f"{prefix}{line}".rstrip() for line in lines[1:])])
        if self._blocks and not (marker and self._tight and self._blocks[-1].lstrip(" >").startswith(("- ", "1"))):
            quoted = ">" in prefix and self._blocks[-1].startswith(prefix)
            self._blocks.append(prefix.rstrip() if quoted else "")
        self._markers = []
        self._blocks.append(text)

    def _put_table(self, rows: list[list[str]]) -> None:
        if not rows:
            return
        width = max(len(row) for row in rows)
        lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
        self._put("\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]]))


def _escape(words: str) -> str:
    return _ESCAPED.sub(r"\\\1", words)


def _address(address: str) -> str:
    address = address.strip()
    if re.match(r"(?:javascript|vbscript|data|file):", re.sub(r"[\s\x00-\x1f]", "", address), re.IGNORECASE):
        return ""
    return f"<{address}>" if re.search(r"[\s()<>]", address) and not re.search(r"[<>\n]", address) else address
