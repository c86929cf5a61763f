"""RTF: paragraphs, headings by style, tables, notes, headers and footers, in any code page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html import escape

from trainer.convert.readers.drawings import table_html
from trainer.convert.readers.html import html_to_markdown
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding, Json

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|([\r\n]+)|([^\\{}\r\n]+)", re.IGNORECASE
)
_CHARACTERS = {
    "tab": "\t", "cell": "", "line": "\n", "emdash": "—", "endash": "–", "emspace": " ", "enspace": " ", "qmspace": " ",
    "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "lbr": "\n", "softline": "\n", "zwj": "\u200d", "zwnj": "\u200c", "ltrmark": "\u200e", "rtlmark": "\u200f",
}  # fmt: skip
_SILENT_NAMES = """
aftncn aftnsep aftnsepc atndate atnid atnparent atnref atntime atrfend atrfstart background bkmkend bkmkstart
blipuid buptim category colorschememapping colortbl comment company creatim datafield datastore doccomm docvar
factoidname falt fchars ffdeftext ffentrymcr ffentrytext ffexitmcr ffformat ffhelptext ffl ffname ffstattext filetbl
fldinst fname fonttbl formfield ftncn ftnsep ftnsepc generator hlinkbase htmltag latentstyles lchars
listoverridetable listtable listtext manager mhtmltag mmathPr nextfile nonesttables nonshppict objdata object
oldcprops oldpprops oldsprops oldtprops operator panose passwordhash pgptbl picprop pict pnseclvl pntext printim
private protusertbl revtbl revtim rsidtbl sp stylesheet svb tc template themedata userprops vern wgrffmtfilter xe
xmlnstbl
"""
_SILENT = frozenset(_SILENT_NAMES.split())
"""Destinations without words of the document."""
_PLAIN = frozenset(("field", "fldrslt", "result", "rtf", "shp", "shpinst", "shppict", "shprslt", "shptxt", "ud", "upr"))
_NOTES = {"footnote": "f", "annotation": "c"}
_FURNITURE = frozenset(("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"))
_ABOUT = {"title": "title", "author": "author", "subject": "subject", "keywords": "keywords"}
_CODEPAGES = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""Python's names for the character sets of fonts."""
_OPEN, _CLOSE = "\ue000", "\ue001"
_DEEPEST = 1_000


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001  (the seam's signature)
    """The document's words; pictures and embedded objects are left out and told."""
    if not content.lstrip()[:5].lower().startswith(b"{\\rtf"):
        raise ConversionError("no RTF", where=Where(shown), hint="an RTF file starts with {\\rtf")
    markdown, meta, pictures, is_whole = rtf_to_markdown(content)
    findings = []
    if pictures:
        message = f"left out: {pictures} picture{'s' if pictures > 1 else ''} or embedded objects"
        findings.append(Finding("left_out", "note", message, Where(shown)))
    if not is_whole:
        message = "it ends in the middle: what follows is lost"
        findings.append(Finding("cut_off", "warning", message, Where(shown), hint="get the whole file"))
    return DocumentText(markdown, shown, meta=meta, findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class _State:
    """What holds inside a group."""

    destination: str = ""
    switches: frozenset[str] = frozenset()
    """What is on: `b`, `i`, `s` for struck, `hidden`, `cell` for paragraphs of a table."""
    font: int = 0
    skip: int = 1
    """Bytes that stand for a Unicode character in old readers."""
    style: int = 0


@dataclass(slots=True)
class _Story:
    """The blocks of the document, of a note, or of a header."""

    blocks: list[str] = field(default_factory=list)
    runs: list[tuple[str, str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def write(self, words: str, marks: str) -> None:
        if self.runs and self.runs[-1][1] == marks:
            words = self.runs.pop()[0] + words
        self.runs.append((words, marks))

    def inline(self) -> str:
        parts = []
        for words, marks in self.runs:
            html = escape(words).replace("\n", "<br>")
            if words.strip():
                for mark in marks:
                    html = f"<{mark}>{html}</{mark}>"
            parts.append(html)
        self.runs = []
        return "".join(parts)

    def end_table(self) -> None:
        if any(cell.strip() for cell in self.cells):
            self.end_row()
        if self.rows:
            width = max(len(row) for row in self.rows)
            rows = [row + [""] * (width - len(row)) for row in self.rows]
            self.blocks.append(table_html(rows) if width > 1 else "".join(f"<p>{row[0]}</p>" for row in rows))
            self.rows = []

    def end_cell(self) -> None:
        html = self.inline()
        if self.cells and self.cells[-1].endswith("\ue002"):
            self.cells[-1] = self.cells[-1].removesuffix("\ue002") + html
        else:
            self.cells.append(html)

    def end_row(self) -> None:
        self.rows.append([cell.removesuffix("\ue002").strip() for cell in self.cells])
        self.cells = []

    def end_paragraph(self, *, in_table: bool, level: int | None) -> None:
        html = self.inline()
        if in_table:  # a paragraph that another one follows in the same cell
            if self.cells and self.cells[-1].endswith("\ue002"):
                self.cells[-1] = f"{self.cells[-1].removesuffix(chr(0xE002))}{html} \ue002"
            elif html:
                self.cells.append(f"{html} \ue002")
            return
        self.end_table()
        if html.strip():
            tag = f"h{min(level, 6)}" if level else "p"
            self.blocks.append(f"<{tag}>{html}</{tag}>")


def rtf_to_markdown(content: bytes) -> tuple[str, dict[str, Json], int, bool]:
    """The document as Markdown, what it says of itself, how many pictures are left out, and whether it is whole."""
    reader = _Reader(content)
    reader.read()
    return reader.markdown(), reader.meta, reader.pictures, reader.is_whole


class _Reader:
    """Walks through the tokens of an RTF file, group by group."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        declared = re.search(rb"\\ansicpg(\d{1,5})", content[:2000])
        self._codepage = _codec(int(declared[1])) if declared else "cp1252"
        if b"\\mac" in content[:60]:
            self._codepage = "mac_roman"
        self._fonts = _fonts(content)
        self._levels = _levels(content)
        self._state = _State()
        self._states: list[_State] = []
        self._main = self._story = _Story()
        self._stories: list[tuple[int, str, _Story]] = []
        self._notes: list[tuple[str, str]] = []
        self._furniture: dict[str, list[str]] = {"header": [], "footer": []}
        self._about: dict[str, list[str]] = {}
        self._bytes = bytearray()
        self._skipped = 0
        self._star = False
        self.pictures = 0
        self.is_whole = False

    @property
    def meta(self) -> dict[str, Json]:
        """What the file says of itself."""
        values = {name: " ".join("".join(words).split()) for name, words in self._about.items()}
        return {name: words for name, words in values.items() if words}

    def markdown(self) -> str:
        """All that was read."""
        self._main.end_paragraph(in_table=False, level=None)
        html = "".join([*self._furniture["header"], *self._main.blocks, *self._furniture["footer"]])
        markdown = re.sub(f"{_OPEN}([a-z]\\d+){_CLOSE}", r"[^\1]", html_to_markdown(html))
        if self._notes:
            markdown = "\n".join(
                [markdown.rstrip("\n"), "", *(f"[^{name}]: {words}" for name, words in self._notes), ""]
            )
        return markdown

    def read(self) -> None:
        """Take in the whole file."""
        at = 0
        while at < len(self._content) and not self.is_whole:
            token = _TOKEN.match(self._content, at)
            if token is None:
                at += 1
                continue
            at = token.end()
            word, number, code, symbol, brace, _, words = token.groups()
            if code is None and words is None:
                self._flush()
            if word == b"bin" and number:
                at += max(int(number), 0)
            elif word is not None:
                self._control(word.decode("ascii"), int(number) if number else None)
            elif symbol is not None:
                self._symbol(symbol)
            elif brace is not None:
                self._brace(brace)
            elif code is not None or words is not None:
                self._take(bytes([int(code, 16)]) if code is not None else words)
        self._flush()

    def _brace(self, brace: bytes) -> None:
        if brace == b"{":
            if len(self._states) < _DEEPEST:
                self._states.append(self._state)
            self._star = False
            return
        while self._stories and self._stories[-1][0] >= len(self._states):
            self._end_story()
        if self._states:
            self._state = self._states.pop()
        self.is_whole = not self._states

    def _end_story(self) -> None:
        _, kind, outer = self._stories.pop()
        story, self._story = self._story, outer
        story.end_paragraph(in_table=False, level=None)
        html = "".join(story.blocks)
        if kind in _NOTES:
            words = " ".join(html_to_markdown(html).split())
            if words:
                name = f"{_NOTES[kind]}{len(self._notes) + 1}"
                self._notes.append((name, words))
                outer.write(f"{_OPEN}{name}{_CLOSE}", "")
        elif re.sub(r"<[^>]*>|\s|\d", "", html) and html not in self._furniture[kind[:6]]:
            self._furniture[kind[:6]].append(html)

    def _control(self, word: str, number: int | None) -> None:
        state = self._state
        if word == "u" and number is not None:
            self._write(chr(number % 65536))
            self._skipped = state.skip
        elif word == "uc":
            self._state = replace(state, skip=min(max(number or 0, 0), 8))
        elif self._star and word not in _NOTES and word not in _ABOUT and word not in _PLAIN:
            self._state = replace(state, destination="silent")
            self._star = False
        elif word in _SILENT:
            self.pictures += word in ("pict", "object") and state.destination != "silent"
            self._state = replace(state, destination="silent")
        elif word in _NOTES or word in _FURNITURE:
            if state.destination != "silent":
                self._stories.append((len(self._states), word, self._story))
                self._story = _Story()
                self._state = replace(state, switches=state.switches - {"cell"})
        elif word in _ABOUT and state.destination in ("info", "silent"):
            self._state = replace(state, destination=word)
        elif word == "info":
            self._state = replace(state, destination="info")
        else:
            self._format(word, number)
        self._star = False

    def _format(self, word: str, number: int | None) -> None:
        state = self._state
        if word in ("par", "sect", "page"):
            self._end_paragraph()
        elif word in ("cell", "nestcell", "row", "nestrow") and state.destination == "":
            (self._story.end_cell if word.endswith("cell") else self._story.end_row)()
        elif word in _CHARACTERS:
            self._write(_CHARACTERS[word])
        elif word in _SWITCHES:
            switch = frozenset((_SWITCHES[word],))
            switches = state.switches - switch if number == 0 else state.switches | switch
            self._state = replace(state, switches=switches)
        elif word == "f":
            self._state = replace(state, font=number or 0)
        elif word == "s":
            self._state = replace(state, style=number or 0)
        elif word == "pard":
            self._state = replace(state, switches=state.switches - {"cell"}, style=0)
        elif word == "plain":
            self._state = replace(state, switches=state.switches & {"cell"})
        elif word == "trowd" and "cell" not in state.switches and self._story.runs:
            self._end_paragraph()

    def _end_paragraph(self) -> None:
        if self._state.destination == "":
            level = self._levels.get(self._state.style)
            self._story.end_paragraph(in_table="cell" in self._state.switches, level=level)

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._star = True
        elif symbol in (b"\r", b"\n"):
            self._end_paragraph()
        elif symbol in (b"\\", b"{", b"}"):
            self._take(symbol)
            self._flush()
        elif symbol in _SYMBOLS:
            self._write(_SYMBOLS[symbol])

    def _take(self, content: bytes) -> None:
        """Collect bytes of text: characters of two bytes may be written as two codes."""
        if self._skipped:
            skipped = min(self._skipped, len(content))
            self._skipped -= skipped
            content = content[skipped:]
        self._bytes += content

    def _flush(self) -> None:
        if self._bytes:
            codec = self._fonts.get(self._state.font) or self._codepage
            self._write(bytes(self._bytes).decode(codec, "replace"))
            self._bytes.clear()

    def _write(self, words: str) -> None:
        state = self._state
        if state.destination in _ABOUT:
            self._about.setdefault(_ABOUT[state.destination], []).append(words)
        elif state.destination == "" and "hidden" not in state.switches:
            self._story.write(words, "".join(mark for mark in "bis" if mark in state.switches))


_SWITCHES = {"b": "b", "i": "i", "strike": "s", "striked": "s", "v": "hidden", "htmlrtf": "hidden", "intbl": "cell"}
_SYMBOLS = {b"~": "\u00a0", b"_": "\u2011", b"-": "", b"|": "", b":": ""}


def _codec(number: int) -> str:
    name = {65001: "utf-8", 10000: "mac_roman", 0: "cp1252"}.get(number, f"cp{number}")
    try:
        b"".decode(name)
    except LookupError:
        return "cp1252"
    return name


def _fonts(content: bytes) -> dict[int, str]:
    """The code pages of fonts that have one of their own."""
    table = content[: content.find(b"\\colortbl")] if b"\\colortbl" in content else content[:100_000]
    pairs = re.findall(rb"\\f(\d{1,5})(?:\\[a-eg-z][a-z]*-?\d*|\\f[a-z]+-?\d*)*?\\fcharset(\d{1,3})", table)
    return {int(font): _CODEPAGES[int(number)] for font, number in pairs if int(number) in _CODEPAGES and int(number)}


def _levels(content: bytes) -> dict[int, int]:
    """The levels of styles that are headings."""
    start = content.find(b"\\stylesheet")
    table = content[start : start + 200_000] if start >= 0 else b""
    levels: dict[int, int] = {}
    for number, style in re.findall(rb"\{(?:\\\*)?\\s(\d{1,5})\b([^{}]*+)\}", table):
        # the name stands last, behind the last control word; one pattern for both takes quadratic time
        name = style.removesuffix(b";").replace(b"\\", b";").rpartition(b";")[2]
        if heading := re.search(rb"(?i)heading ?([1-9])\Z", name.strip()):
            levels[int(number)] = int(heading[1])
    return levels
