"""HTML as a document: what can be said in Markdown, safely; scripts, styles and forms are left out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from trainer.convert.readers.encoding import decode
from trainer.core.readings import DocumentText, ReadOptions

CAPTION = "Table: "
"""What a paragraph starts with that is the caption of the table after it."""

_SILENT = frozenset(
    (
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "form",
        "button",
        "select",
        "iframe",
        "object",
        "nav",
        "ix:header",
    )
)
"""What holds no words for a reader; `ix:header` is where inline XBRL keeps its contexts and units out of sight."""
_VOID = frozenset(
    ("br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "area", "base", "embed", "track")
)
_MARKS = {
    "strong": ("**", "**"),
    "b": ("**", "**"),
    "em": ("*", "*"),
    "i": ("*", "*"),
    "del": ("~~", "~~"),
    "s": ("~~", "~~"),
    "sub": ("<sub>", "</sub>"),
    "sup": ("<sup>", "</sup>"),
}
"""What stands around the words of an inline element: without it 10<sup>6</sup> would be 106."""
_BLOCK_NAMES = (
    "p div section article main header footer figure figcaption details summary address aside dl dt dd body html "
    "caption center fieldset"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_ESCAPED = re.compile(r"([\\`*_\[\]<>~|$])")
_BLOCK_START = re.compile(r"^(\s{0,3})([#+=>-]|\d{1,9}(?=[.)]))")
_ITEM = re.compile(r"[ >]*(?:-|\d{1,9}\.) ")
_UNSAFE = re.compile(r"(?:javascript|vbscript|data|file):", re.IGNORECASE)
_DEEPEST = 60
"""Lists and quotations inside each other; deeper ones are read at this depth, which the Markdown reader takes."""
_MOST_SPANNED = 60
"""Columns or rows that a cell of a table that people read takes."""


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:
    """The document in an HTML page."""
    decoded = decode(content, shown, options.encoding)
    return DocumentText(html_to_markdown(decoded.text), shown, findings=decoded.findings)


def html_to_markdown(html: str) -> str:
    """The page's content as Markdown; its `<title>` as front matter where it has no heading of the first level."""
    parser = _Parser()
    parser.feed(_closed(html))
    parser.close()
    text = parser.finish()
    title = " ".join("".join(parser.title).split())
    if title and not re.search(r"^# ", text, re.MULTILINE):
        return f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n{text}"
    return text


def _closed(html: str) -> str:
    """The page with marks as text that open a comment or a tag and never close it.

    Python's parser would search the rest of the page again for each of them.
    """
    last = html.rfind(">") + 1
    html = html[:last] + html[last:].replace("<", "&lt;")
    last = html.rfind("-->") + 1
    return html[:last] + html[last:].replace("<!--", "&lt;!--")


@dataclass(slots=True)
class _Span:
    """An inline element that is open, and the pieces of Markdown in it so far."""

    tag: str
    address: str = ""
    pieces: list[str] = field(default_factory=list)


class _Parser(HTMLParser):
    """Collects blocks of Markdown; `prefixes` is what every line of the open block starts with."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self._blocks: list[str] = []
        self._spans = [_Span("")]
        self._silent: list[str] = []
        self._prefixes: list[str] = []
        self._marker = ""
        self._lists: list[int | None] = []
        self._open: list[str] = []
        """Lists, items and quotations that are open: the end tags of items may be left out."""
        self._verbatim: list[str] | None = None
        self._language = ""
        self._rows: list[list[str]] | None = None
        self._spans_of_cell = (1, 1)
        self._covered: dict[int, tuple[int, str]] = {}
        """By column, in how many further rows of the table a cell above stands, and with what words."""
        self._list_ended: int | None = None
        """How many blocks there were where a numbered list ended last."""
        self._in_title = self._in_cell = self._tight = self._follows_list = False

    def parse_html_declaration(self, at: int) -> int:
        """Step over a declaration; what is none of HTML's is a comment up to the next `>`, as browsers have it."""
        if self.rawdata.startswith("<!--", at):
            return self.parse_comment(at)
        end = self.rawdata.find(">", at)
        return end + 1 if end >= 0 else len(self.rawdata)

    def finish(self) -> str:
        """All blocks as one text."""
        if self._rows is not None:
            self._end_block("table")
        if self._verbatim is not None:
            self.handle_endtag("pre")
        self._flush()
        return "\n".join(self._blocks).strip("\n") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent:
            return
        if tag == "title":
            self._in_title = True
        elif tag == "pre":
            self._flush()
            self._verbatim = []
            self._language = _language(attributes)
        elif tag == "code" and self._verbatim == []:
            self._language = self._language or _language(attributes)
        elif self._verbatim is not None or self._spans[-1].tag == "code":
            return
        elif tag in _MARKS or tag in ("code", "a"):
            self._spans.append(_Span(tag, attributes.get("href", "")))
        elif tag == "img":
            self._write(f"![{_escape(attributes.get('alt', ''))}]({_address(attributes.get('src', ''))})")
        elif tag == "br":
            self._write(" " if self._rows is not None else "\\\n")
        else:
            self._start_block(tag, attributes)

    def _start_block(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("td", "th"):
            self._end_cell()
            self._in_cell = True
            across, down = attributes.get("colspan", ""), attributes.get("rowspan", "")
            self._spans_of_cell = (_span(across), _span(down))
        elif tag == "tr" and self._rows is not None:
            self._end_row()
            self._rows.append([])
        elif tag == "table":
            self._flush()
            if self._rows is None:
                self._rows, self._covered = [], {}
        elif self._rows is not None:
            self._write(" ")
        elif tag in ("ul", "ol"):
            self._flush()
            self._open.append(tag)
            start = attributes.get("start", "1")
            number = int(start) if re.fullmatch("[0-9]{1,9}", start) else 1
            self._lists.append(number if tag == "ol" else None)
            self._follows_list = tag == "ol" and self._list_ended == len(self._blocks)
        elif tag == "li":
            if self._open[-1:] == ["li"]:
                self._end_block("li")
            self._flush()
            self._open.append("li")
            self._open_item(attributes.get("value", ""))
        elif tag == "blockquote":
            self._flush()
            self._open.append("blockquote")
            self._prefixes.append("> " if len(self._prefixes) < _DEEPEST else "")
        elif tag == "hr":
            self._flush()
            self._put("---")
        elif re.fullmatch("h[1-6]", tag) or tag in _BLOCKS:
            self._flush()

    def _open_item(self, value: str) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None and re.fullmatch("[0-9]{1,9}", value):
            number = int(value)
        marker = "- " if number is None else f"{number}. "
        if self._lists and number is not None:
            self._lists[-1] = number + 1
        if len(self._prefixes) < _DEEPEST:
            self._marker += marker
            self._prefixes.append(" " * len(marker))
        else:
            self._prefixes.append("")
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
            code, self._verbatim = "".join(self._verbatim).strip("\n"), None
            ticks = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", code))])
            self._put(f"{ticks}{self._language}\n{code}\n{ticks}")
        elif self._verbatim is not None or tag in _VOID:
            return
        elif tag in _MARKS or tag in ("code", "a"):
            self._close_span(tag)
        else:
            self._end_block(tag)

    def _close_span(self, tag: str) -> None:
        """Close an inline element and those that were left open in it; an end tag without a start is passed over."""
        if tag not in [span.tag for span in self._spans[-_DEEPEST:]]:
            return
        while self._spans[-1].tag != tag:
            self._fold()
        self._fold()

    def _fold(self) -> None:
        """Write the innermost open element as Markdown into the one around it."""
        span = self._spans.pop()
        inside = "".join(span.pieces)
        if span.tag == "code":
            self._write(_code(inside, in_cell=self._in_cell))
        elif span.tag == "a":
            self._write(f"[{inside}]({_address(span.address)})" if inside.strip() else inside)
        else:
            words = inside.strip()
            lead, trail = inside[: len(inside) - len(inside.lstrip())], inside[len(inside.rstrip()) :]
            before, after = _MARKS[span.tag]
            self._write(f"{lead}{before}{words}{after}{trail}" if words else inside)

    def _end_block(self, tag: str) -> None:
        if tag in ("td", "th") and self._rows is not None:
            self._end_cell()
        elif tag == "table" and self._rows is not None:
            self._end_row()
            rows, self._rows = [row for row in self._rows if row], None
            self._put_table(rows)
        elif re.fullmatch("h[1-6]", tag):
            if words := " ".join(self._inline().split()):
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
        if self._lists and self._open:
            self._list_ended = len(self._blocks) if self._lists.pop() is not None else None
            self._open.pop()

    def _end_indented(self, tag: str) -> None:
        self._flush()
        if self._open[-1:] == [tag]:
            self._open.pop()
            self._prefixes.pop()
            if tag == "li":
                self._marker = ""

    def _end_cell(self) -> None:
        words = " ".join(self._inline().split())
        if self._in_cell and self._rows:
            row, (across, down) = self._rows[-1], self._spans_of_cell
            while len(row) in self._covered:
                row.append(self._covered[len(row)][1])
            if down > 1:
                repeated = words if across == 1 and re.search(r"[^\W\d_]", words) else ""
                self._covered.update({len(row) + more: (down, repeated) for more in range(across)})
            row += [words, *[""] * (across - 1)]
        elif words:
            self._put(f"{CAPTION}{words}")
        self._in_cell = False

    def _end_row(self) -> None:
        """Close a row, with the cells of those above it that reach into it."""
        self._end_cell()
        if not self._rows:
            return
        row = self._rows[-1]
        while any(column >= len(row) for column in self._covered):
            row.append(self._covered.get(len(row), (0, ""))[1])
        self._covered = {column: (down - 1, words) for column, (down, words) in self._covered.items() if down > 1}

    def handle_data(self, data: str) -> None:
        """Take words."""
        if self._in_title:
            self.title.append(data)
        elif self._silent:
            return
        elif self._verbatim is not None:
            self._verbatim.append(data)
        else:
            self._write(data if self._spans[-1].tag == "code" else _escape(re.sub(r"\s+", " ", data)))

    def _write(self, piece: str) -> None:
        self._spans[-1].pieces.append(piece)

    def _inline(self) -> str:
        """The inline Markdown that was collected; what is open is closed before, and opened again after it."""
        again = [_Span(span.tag, span.address) for span in self._spans[1:]]
        while len(self._spans) > 1:
            self._fold()
        inline = "".join(self._spans[0].pieces)
        self._spans = [_Span(""), *(again if len(again) < _DEEPEST else [])]
        return inline

    def _flush(self) -> None:
        if self._rows is not None:
            return
        words = re.sub(r"[ \t]+", " ", self._inline()).strip().removesuffix("\\").strip()
        if words:
            self._put("\n".join(_BLOCK_START.sub(r"\1\\\2", line) for line in words.split("\n")))

    def _put(self, block: str) -> None:
        """Add a block, its lines prefixed; the first line of an item carries the item's marker."""
        prefix = "".join(self._prefixes)
        marker, self._marker = self._marker, ""
        if self._follows_list and marker.strip()[:-1].isdecimal():  # nothing else parts two lists in Markdown
            self._blocks += ["", f"{prefix[: len(prefix) - len(marker)]}<!-- -->"]
        self._follows_list = self._follows_list and not marker
        first = prefix[: len(prefix) - len(marker)] + marker if len(prefix) >= len(marker) else marker
        lines = block.split("\n")
        text = "\n".join([f"{first}{lines[0]}", *(f"{prefix}{line}".rstrip() for line in lines[1:])])
        if self._blocks and not (marker and self._tight and _ITEM.match(self._blocks[-1])):
            is_quoted = ">" in prefix and self._blocks[-1].startswith(prefix)
            self._blocks.append(prefix.rstrip() if is_quoted else "")
        self._blocks.append(text)

    def _put_table(self, rows: list[list[str]]) -> None:
        if not rows:
            return
        width = max(len(row) for row in rows)
        lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
        self._put("\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]]))


def _span(value: str) -> int:
    """The columns or rows that a cell takes."""
    return min(int(value), _MOST_SPANNED) if re.fullmatch("[1-9][0-9]{0,3}", value) else 1


def _code(inside: str, *, in_cell: bool) -> str:
    """Inline code between as many backticks as it takes; a pipe in a table's cell is escaped there too."""
    if not inside.strip():
        return inside
    ticks = "`" * (max((len(run) for run in re.findall("`+", inside)), default=0) + 1)
    pad = " " if inside[:1] == "`" or inside[-1:] == "`" else ""
    words = " ".join(inside.split())
    return f"{ticks}{pad}{words.replace('|', chr(92) + '|') if in_cell else words}{pad}{ticks}"


def _language(attributes: dict[str, str]) -> str:
    """The language that the class of a block of code names, as highlighters have it."""
    named = re.search(r"(?:^|\s)(?:language|lang)-([\w+#.-]+)", attributes.get("class", ""))
    return named[1] if named else ""


def _escape(words: str) -> str:
    return _ESCAPED.sub(r"\\\1", words)


def _address(address: str) -> str:
    address = address.strip()
    if _UNSAFE.match(re.sub(r"[\s\x00-\x1f]", "", address[:200])):
        return ""
    return f"<{address}>" if re.search(r"[\s()<>]", address) and not re.search(r"[<>\n]", address) else address
