"""Word documents, transitional and strict: every part with words in it, as the document that Word shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

from trainer.convert.readers.drawings import drawn_parts, paragraphs_of_drawing, table_html
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.package import Package, Relationship, attribute, child, children, local, properties
from trainer.core.errors import Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around the name of a note, where HTML has no mark that becomes Markdown's."""
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s*([1-9])\Z", re.IGNORECASE)
_DEEPEST_LIST = 9
_MOST_SPANNED = 60


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001  (the seam's signature)
    """Headings, paragraphs, lists and tables; text boxes, headers, footers, notes and comments; charts and diagrams.

    What was deleted in tracked changes and what is hidden is left out and told; so are pictures and what is embedded.
    """
    package = Package(content, shown)
    main = _main_part(package)
    document = _Document(package)
    body = document.part(main)
    relations = package.relations(main)
    heads = document.parts_of(relations, "header")
    feet = document.parts_of(relations, "footer")
    notes = document.notes(relations)
    markdown = html_to_markdown("".join([*heads, body, *feet]))
    markdown = re.sub(f"{_OPEN}([a-z]\\d+){_CLOSE}", r"[^\1]", markdown)
    if notes:
        markdown = "\n".join([markdown.rstrip("\n"), "", *notes, ""])
    core = next((one.target for one in package.relations("").values() if one.kind == "core-properties"), "")
    meta = properties(package.optional(core) if core else None)
    return DocumentText(markdown, shown, meta=meta, findings=document.findings())


def _main_part(package: Package) -> str:
    for relation in package.relations("").values():
        if relation.kind == "officeDocument" and relation.target in package:
            return relation.target
    if "word/document.xml" in package:
        return "word/document.xml"
    raise package.fault("no Word document in it")


@dataclass(frozen=True, slots=True)
class _Style:
    """What a paragraph style says of the paragraphs it is for."""

    level: int | None = None
    """Of a heading, from 1."""
    list_id: str | None = None
    list_level: int = 0


@dataclass(frozen=True, slots=True)
class _Level:
    """How the items at a level of a numbered list count."""

    definition: str
    start: int
    restart: int | None = None
    """Where this list begins anew, though its definition has counted on."""


@dataclass(slots=True)
class _Blocks:
    """The blocks of a story as HTML, and the lists that are open."""

    pieces: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """The number of the last item of each open list."""

    def add(self, html: str) -> None:
        self.close_lists(0)
        self.pieces.append(html)

    def add_item(self, html: str, level: int, number: int | None) -> None:
        """An item of a list, with its number; one that does not follow on begins another list."""
        tag = "ul" if number is None else "ol"
        self.close_lists(level + 1)
        if len(self.lists) == level + 1 and (
            self.lists[-1] != tag or (number is not None and number != self.numbers[level] + 1)
        ):
            self.close_lists(level)
        while len(self.lists) <= level:
            start = f' start="{number}"' if number is not None and len(self.lists) == level else ""
            self.pieces.append(f"<{tag}{start}>")
            self.lists.append(tag)
            self.numbers.append(0)
        self.numbers[level] = number or 0
        self.pieces.append(f"<li>{html}")

    def close_lists(self, depth: int) -> None:
        while len(self.lists) > depth:
            self.numbers.pop()
            self.pieces.append(f"</{self.lists.pop()}>")

    def html(self) -> str:
        self.close_lists(0)
        return "".join(self.pieces)


class _Document:
    """The parts of one Word document on their way to HTML; counts what is left out."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._left_out: Counter[str] = Counter()
        self._cited: list[str] = []
        folder = _main_part(package).rpartition("/")[0]
        kinds = {one.kind: one.target for one in package.relations(_main_part(package)).values()}
        self._styles = self._read_styles(kinds.get("styles", f"{folder}/styles.xml"))
        self._levels = self._read_numbering(kinds.get("numbering", f"{folder}/numbering.xml"))
        self._counts: dict[str, list[int | None]] = {}
        """By list definition, the number of the last item at each level."""
        self._restarted: set[tuple[str, int]] = set()
        self._relations: dict[str, Relationship] = {}

    def part(self, name: str) -> str:
        """A part's story as HTML."""
        outer, self._relations = self._relations, self._package.relations(name)
        root = self._package.xml(name)
        body = child(root, "body")
        blocks = _Blocks()
        self._story(root if body is None else body, blocks)
        self._relations = outer
        return blocks.html()

    def parts_of(self, relations: dict[str, Relationship], kind: str) -> list[str]:
        """The different stories of all parts of a kind, those without words left out."""
        names = sorted({one.target for one in relations.values() if one.kind == kind and one.target in self._package})
        stories = dict.fromkeys(self.part(name) for name in names)
        return [story for story in stories if re.sub(r"<[^>]*>|\s|\d", "", story)]

    def notes(self, relations: dict[str, Relationship]) -> list[str]:
        """Footnotes, endnotes and comments as Markdown's notes, in the order in which the text cites them."""
        notes: dict[str, str] = {}
        for kind, prefix in (("footnotes", "f"), ("endnotes", "e"), ("comments", "c")):
            part = next((one.target for one in relations.values() if one.kind == kind), "")
            if part not in self._package:
                continue
            outer, self._relations = self._relations, self._package.relations(part)
            for note in children(self._package.xml(part), "footnote", "endnote", "comment"):
                if attribute(note, "type") in ("separator", "continuationSeparator", "continuationNotice"):
                    continue
                blocks = _Blocks()
                self._story(note, blocks)
                words = " ".join(html_to_markdown(blocks.html()).split())
                author = attribute(note, "author") if kind == "comments" else None
                if words:
                    notes[f"{prefix}{attribute(note, 'id')}"] = f"{author}: {words}" if author else words
            self._relations = outer
        cited = [name for name in dict.fromkeys(self._cited) if name in notes]
        order = [*cited, *(name for name in notes if name not in cited)]
        return [f"[^{name}]: {notes[name]}" if name in cited else f"{notes[name]}\n" for name in order]

    def findings(self) -> tuple[Finding, ...]:
        """What was left out, in words."""
        where = Where(self._package.shown)
        return tuple(
            Finding("left_out", "note", f"left out: {count} {what if count > 1 else what.removesuffix('s')}", where)
            for what, count in sorted(self._left_out.items())
        )

    def _story(self, parent: Any, blocks: _Blocks) -> None:
        for element in parent:
            name = local(element)
            if name == "p":
                self._paragraph(element, blocks)
            elif name == "tbl":
                self._table(element, blocks)
            elif name == "sdt":
                content = child(element, "sdtContent")
                if content is not None:
                    self._story(content, blocks)
            elif name in ("customXml", "ins", "moveTo", "smartTag"):
                self._story(element, blocks)
            elif name == "AlternateContent":
                self._story(_alternative(element), blocks)
            elif name == "altChunk":
                self._left_out["embedded documents"] += 1

    def _paragraph(self, paragraph: Any, blocks: _Blocks) -> None:
        inline, boxes, drawn = _Inline(), _Blocks(), set[str]()
        self._runs(paragraph, inline, boxes, drawn, address="")
        html = inline.html()
        level, list_id, list_level = self._outline(paragraph)
        if not re.sub(r"<[^>]*>", "", html).strip():
            pass
        elif level is not None:
            blocks.add(f"<h{min(level, 6)}>{html}</h{min(level, 6)}>")
        elif list_id not in (None, "0"):
            depth = min(list_level, _DEEPEST_LIST)
            blocks.add_item(html, depth, self._numbered(str(list_id), depth))
        else:
            blocks.add(f"<p>{html}</p>")
        if boxes.pieces:
            blocks.add(boxes.html())
        for piece in drawn_parts(self._package, self._relations, drawn):
            blocks.add(piece)

    def _runs(self, parent: Any, inline: _Inline, boxes: _Blocks, drawn: set[str], *, address: str) -> None:
        for element in parent:
            name = local(element)
            if name == "r":
                self._run(element, inline, boxes, drawn, address)
            elif name in ("del", "moveFrom"):
                self._left_out["deleted passages"] += 1
            elif name == "hyperlink":
                relation = self._relations.get(attribute(element, "id") or "")
                target = relation.target if relation and relation.external else ""
                self._runs(element, inline, boxes, drawn, address=target or address)
            elif name == "sdt":
                content = child(element, "sdtContent")
                if content is not None:
                    self._runs(content, inline, boxes, drawn, address=address)
            elif name == "AlternateContent":
                self._runs(_alternative(element), inline, boxes, drawn, address=address)
            elif name in ("oMath", "oMathPara"):
                words = "".join(piece.text or "" for piece in element.iter("{*}t"))
                inline.add(words, "", address)
            elif name not in ("pPr", "rPr"):
                self._runs(element, inline, boxes, drawn, address=address)

    def _run(self, run: Any, inline: _Inline, boxes: _Blocks, drawn: set[str], address: str) -> None:
        marks, is_hidden = _marks(child(run, "rPr"))
        for element in run:
            name = local(element)
            if name in ("drawing", "pict", "object", "AlternateContent"):
                self._drawing(_alternative(element) if name == "AlternateContent" else element, inline, boxes, drawn)
            elif is_hidden:
                self._left_out["hidden passages"] += name == "t"
            elif name == "t":
                inline.add(element.text or "", marks, address)
            elif name in _CHARACTERS:
                inline.add(_CHARACTERS[name], marks, address)
            elif name == "sym":
                code = attribute(element, "char") or ""
                inline.add(_symbol(code), marks, address)
            elif name in ("footnoteReference", "endnoteReference", "commentReference"):
                reference = f"{name[0]}{attribute(element, 'id')}"
                if re.fullmatch(r"[a-z]\d+", reference):
                    self._cited.append(reference)
                    inline.add(f"{_OPEN}{reference}{_CLOSE}", "", "")
            elif name == "ruby":
                words = "".join(piece.text or "" for piece in element.iter("{*}t"))
                inline.add(words, marks, address)
            elif name == "delText":
                self._left_out["deleted passages"] += 1

    def _drawing(self, drawing: Any, inline: _Inline, boxes: _Blocks, drawn: set[str]) -> None:
        """Text boxes as blocks, a picture by its description, charts and diagrams by their identifiers."""
        contents = [content for content in drawing.iter("{*}txbxContent") if not _is_fallback(content, drawing)]
        for content in contents:
            if not any(local(outer) == "txbxContent" for outer in content.iterancestors()):
                self._story(content, boxes)
        if not contents:
            for words in [*paragraphs_of_drawing(drawing), *_word_art(drawing)]:
                boxes.add(f"<p>{escape(words)}</p>")
        for element in drawing.iter("{*}docPr", "{*}imagedata", "{*}blip", "{*}chart", "{*}relIds", "{*}OLEObject"):
            name = local(element)
            if name == "docPr" and (words := " ".join((element.get("descr") or "").split())):
                inline.add(words, "i", "")
            elif name in ("blip", "imagedata"):
                self._left_out["pictures"] += 1
            elif name == "OLEObject":
                self._left_out["embedded objects"] += 1
            elif name in ("chart", "relIds"):
                drawn.update(str(value) for value in element.attrib.values())

    def _table(self, table: Any, blocks: _Blocks) -> None:
        rows = [[*self._cells(row)] for row in _rows_of(table)]
        rows = [row for row in rows if row]
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame around text, not a table
            blocks.add(rows[0][0])
        elif rows:
            blocks.add(table_html([[_flat(cell) for cell in row] for row in rows]))

    def _cells(self, row: Any) -> Iterator[str]:
        """The cells of a row as HTML; those that another one covers are empty."""
        before = _number(child(row, "trPr", "gridBefore"))
        yield from [""] * min(before, _MOST_SPANNED)
        for cell in _cells_of(row):
            merge = child(cell, "tcPr", "vMerge")
            blocks = _Blocks()
            self._story(cell, blocks)
            covered = merge is not None and attribute(merge, "val") != "restart"
            yield "" if covered and not re.sub(r"<[^>]*>", "", blocks.html()).strip() else blocks.html()
            spanned = _number(child(cell, "tcPr", "gridSpan"))
            yield from [""] * min(spanned - 1, _MOST_SPANNED)

    def _outline(self, paragraph: Any) -> tuple[int | None, str | None, int]:
        """A paragraph's level as a heading, and its list and level in it."""
        settings = child(paragraph, "pPr")
        if settings is None:
            return None, None, 0
        named = child(settings, "pStyle")
        style = self._styles.get(attribute(named, "val") or "", _Style()) if named is not None else _Style()
        outline = child(settings, "outlineLvl")
        level = _number(outline) + 1 if outline is not None and _number(outline) < 9 else style.level
        numbering = child(settings, "numPr")
        if numbering is None:
            return level, style.list_id, style.list_level
        list_id = child(numbering, "numId")
        return (
            level,
            attribute(list_id, "val") if list_id is not None else style.list_id,
            _number(child(numbering, "ilvl")),
        )

    def _read_styles(self, part: str) -> dict[str, _Style]:
        root = self._package.optional(part)
        if root is None:
            return {}
        elements = {attribute(one, "styleId") or "": one for one in children(root, "style")}
        return {name: self._style(name, elements) for name in elements}

    def _style(self, name: str, elements: dict[str, Any]) -> _Style:
        """A style with what it takes over from those it is based on."""
        level, list_id, list_level = None, None, 0
        visited: set[str] = set()
        while name in elements and name not in visited:
            visited.add(name)
            style = elements[name]
            title, outline = child(style, "name"), child(style, "pPr", "outlineLvl")
            words = (attribute(title, "val") or "") if title is not None else ""
            if level is None and (heading := _HEADING.match(words)):
                level = int(heading[1])
            elif level is None and words.lower() == "title":
                level = 1
            elif level is None and outline is not None and _number(outline) < 9:
                level = _number(outline) + 1
            numbering = child(style, "pPr", "numPr")
            if list_id is None and numbering is not None:
                identifier = child(numbering, "numId")
                list_id = attribute(identifier, "val") if identifier is not None else None
                list_level = _number(child(numbering, "ilvl"))
            base = child(style, "basedOn")
            name = (attribute(base, "val") or "") if base is not None else ""
        return _Style(level, list_id, list_level)

    def _numbered(self, list_id: str, depth: int) -> int | None:
        """The number of the next item as Word counts, where lists of one definition go on in one another.

        None where the items have bullets.
        """
        level = self._levels.get((list_id, depth))
        if level is None:
            return None
        counts = self._counts.setdefault(level.definition, [None] * (_DEEPEST_LIST + 1))
        before = counts[depth]
        if level.restart is not None and (list_id, depth) not in self._restarted:
            self._restarted.add((list_id, depth))
            before = None
        counts[depth] = number = (level.restart or level.start) if before is None else before + 1
        counts[depth + 1 :] = [None] * (_DEEPEST_LIST - depth)
        return number

    def _read_numbering(self, part: str) -> dict[tuple[str, int], _Level]:
        """How the items of the numbered lists count, by the list and the level."""
        root = self._package.optional(part)
        if root is None:
            return {}
        abstract: dict[str, dict[int, int]] = {}
        for one in children(root, "abstractNum"):
            levels = abstract.setdefault(attribute(one, "abstractNumId") or "", {})
            for level in children(one, "lvl"):
                kind = child(level, "numFmt")
                word = attribute(kind, "val") if kind is not None else "decimal"
                if word not in ("bullet", "none"):
                    levels[_depth(level)] = 1 if (first := child(level, "start")) is None else _number(first)
        numbered: dict[tuple[str, int], _Level] = {}
        for one in children(root, "num"):
            base = child(one, "abstractNumId")
            name = (attribute(base, "val") or "") if base is not None else ""
            restarts = {
                _depth(other): _number(first)
                for other in children(one, "lvlOverride")
                if (first := child(other, "startOverride")) is not None
            }
            for depth, start in abstract.get(name, {}).items():
                level = _Level(name, start, restarts.get(depth))
                numbered[attribute(one, "numId") or "", depth] = level
        return numbered


_CHARACTERS = {
    "tab": "\t",
    "ptab": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "\u2011",
    "dayLong": "",
}


@dataclass(slots=True)
class _Inline:
    """The words of a paragraph with their marks, neighbours of one kind together."""

    pieces: list[tuple[str, str, str]] = field(default_factory=list)
    """Words, marks (`b`, `i`, `s`), and the address they lead to."""

    def add(self, words: str, marks: str, address: str) -> None:
        if self.pieces and self.pieces[-1][1:] == (marks, address):
            words = self.pieces.pop()[0] + words
        self.pieces.append((words, marks, address))

    def html(self) -> str:
        parts = []
        for words, marks, address in self.pieces:
            html = escape(words).replace("\n", "<br>")
            if words.strip():
                for mark in marks:
                    html = f"<{mark}>{html}</{mark}>"
                if re.match(r"(?:https?|mailto|ftp):", address, re.IGNORECASE):
                    html = f'<a href="{escape(address)}">{html}</a>'
            parts.append(html)
        return "".join(parts)


def _marks(settings: Any | None) -> tuple[str, bool]:
    """Bold, italic and struck as letters, and whether the run is hidden."""
    if settings is None:
        return "", False
    on = {local(one) for one in settings if (attribute(one, "val") or "1") not in ("0", "false", "off", "none")}
    marks = "".join(mark for mark, name in (("b", "b"), ("i", "i"), ("s", "strike")) if name in on)
    return marks, "vanish" in on or "specVanish" in on


def _alternative(element: Any) -> Any:
    """What is chosen of alternatives: the newest, which says the same as the older ones."""
    for name in ("Choice", "Fallback"):
        choice = child(element, name)
        if choice is not None:
            return choice
    return element


def _is_fallback(content: Any, top: Any) -> bool:
    """Whether an element lies in the older one of two alternatives."""
    for outer in content.iterancestors():
        if outer is top:
            return False
        if local(outer) == "Fallback" and child(outer.getparent(), "Choice") is not None:
            return True
    return False


def _word_art(drawing: Any) -> list[str]:
    return [words for path in drawing.iter("{*}textpath") if (words := " ".join((path.get("string") or "").split()))]


def _rows_of(table: Any) -> Iterator[Any]:
    for element in table:
        if local(element) == "tr":
            if child(element, "trPr", "del") is None:
                yield element
        elif local(element) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _rows_of(element)


def _cells_of(row: Any) -> Iterator[Any]:
    for element in row:
        if local(element) == "tc":
            yield element
        elif local(element) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _cells_of(element)


def _flat(cell: str) -> str:
    """A cell's blocks on one line; a table in it row by row."""
    cell = re.sub(r"</td><td>", " · ", cell)
    cell = re.sub(r"</?(?:table|tr|td|ul|ol)>", " ", cell)
    cell = re.sub(r"<li>", " • ", cell)
    return re.sub(r"</?(?:p|h[1-6])>", " ", cell).strip()


def _number(element: Any | None) -> int:
    value = (attribute(element, "val") or "") if element is not None else ""
    return int(value) if value.isdecimal() and len(value) < 6 else 0


def _depth(level: Any) -> int:
    index = attribute(level, "ilvl") or "0"
    return min(int(index), _DEEPEST_LIST) if index.isdecimal() and len(index) < 6 else 0


def _symbol(code: str) -> str:
    """The character of a symbol font's code; those of the private area have no character of their own."""
    if not re.fullmatch("[0-9A-Fa-f]{1,6}", code):
        return ""
    number = int(code, 16)
    return chr(number) if number < 0xE000 or 0xFFFF < number < 0x110000 else "•" if number == 0xF0B7 else ""
