"""PowerPoint presentations: every slide in order, with its tables, charts, diagrams, groups, notes and comments."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from trainer.convert.readers.drawings import drawn_parts, table_html
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.package import Package, Relationship, attribute, child, children, local, properties
from trainer.core.errors import Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding

_TITLES = frozenset(("title", "ctrTitle"))
_FURNITURE = frozenset(("sldNum", "dt"))
"""Placeholders for the slide's number and the date, which PowerPoint fills in itself."""


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001  (the seam's signature)
    """One section a slide, under its title; the notes as a quotation. Pictures are left out and told."""
    package = Package(content, shown)
    main = next((one.target for one in package.relations("").values() if one.kind == "officeDocument"), "")
    main = main if main in package else "ppt/presentation.xml"
    relations = package.relations(main)
    slides = _Slides(package)
    pieces = []
    for number, identifier in enumerate(_order(package.xml(main)), 1):
        relation = relations.get(identifier)
        if relation is not None and relation.target in package:
            pieces.append(slides.slide(relation.target, number))
    core = next((one.target for one in package.relations("").values() if one.kind == "core-properties"), "")
    meta = {**properties(package.optional(core) if core else None), "slides": len(pieces)}
    return DocumentText(html_to_markdown("".join(pieces)), shown, meta=meta, findings=slides.findings())


def _order(presentation: Any) -> list[str]:
    listed = child(presentation, "sldIdLst")
    if listed is None:
        return []
    # two attributes are called id: the slide's number, and in another namespace its relation
    return [
        str(value)
        for one in children(listed, "sldId")
        for name, value in one.attrib.items()
        if name.startswith("{") and name.endswith("}id")
    ]


class _Slides:
    """Slides on their way to HTML; counts what is left out."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._left_out: Counter[str] = Counter()
        self._hidden: list[int] = []

    def slide(self, part: str, number: int) -> str:
        """A slide as HTML."""
        root, relations = self._package.xml(part), self._package.relations(part)
        if attribute(root, "show") in ("0", "false"):
            self._hidden.append(number)
        titles: list[str] = []
        tree = child(root, "cSld", "spTree")
        body = self._shapes(tree, relations, titles) if tree is not None else []
        pieces = [f"<h2>{escape(' '.join(titles)) or f'Slide {number}'}</h2>", *body]
        for relation in sorted(relations.values(), key=lambda one: (one.kind, one.target)):
            if relation.external or relation.target not in self._package:
                continue
            if relation.kind == "notesSlide":
                pieces.append(self._notes(relation.target))
            elif relation.kind == "comments":
                pieces += self._comments(relation.target)
        return "".join(pieces)

    def findings(self) -> tuple[Finding, ...]:
        """What was left out or is not shown, in words."""
        where = Where(self._package.shown)
        hidden = [Finding("hidden", "note", f"slide {number} is hidden, and read", where) for number in self._hidden]
        return tuple(hidden) + tuple(
            Finding("left_out", "note", f"left out: {count} {what if count > 1 else what.removesuffix('s')}", where)
            for what, count in sorted(self._left_out.items())
        )

    def _shapes(self, parent: Any, relations: dict[str, Relationship], titles: list[str]) -> list[str]:
        pieces: list[str] = []
        for shape in parent:
            name = local(shape)
            if name == "AlternateContent":
                choice = child(shape, "Choice")
                choice = child(shape, "Fallback") if choice is None else choice
                pieces += self._shapes(choice, relations, titles) if choice is not None else []
            elif name == "grpSp":
                pieces += self._shapes(shape, relations, titles)
            elif name in ("sp", "cxnSp"):
                pieces += self._text(shape, relations, titles)
            elif name == "graphicFrame":
                pieces += self._frame(shape, relations)
            elif name in ("pic", "contentPart"):
                self._left_out["pictures"] += 1
                described = next(iter(shape.iter("{*}cNvPr")), None)
                words = (described.get("descr") or "").strip() if described is not None else ""
                pieces += [f"<p><i>{escape(words)}</i></p>"] if words else []
        return pieces

    def _text(self, shape: Any, relations: dict[str, Relationship], titles: list[str]) -> list[str]:
        body = child(shape, "txBody")
        if body is None:
            return []
        placeholder = next(iter(shape.iter("{*}ph")), None)
        kind = placeholder.get("type", "obj") if placeholder is not None else ""
        if kind in _FURNITURE:
            return []
        if kind in _TITLES and not titles:
            titles.append(" ".join(_plain(body).split()))
            return []
        return _paragraphs(body, relations, is_list=kind in ("obj", "body"))

    def _frame(self, frame: Any, relations: dict[str, Relationship]) -> list[str]:
        table = next(iter(frame.iter("{*}tbl")), None)
        if table is not None:
            return [table_html([[*_cells(row, relations)] for row in children(table, "tr")])]
        if next(iter(frame.iter("{*}oleObj")), None) is not None:
            self._left_out["embedded objects"] += 1
        identifiers = {str(value) for one in frame.iter("{*}chart", "{*}relIds") for value in one.attrib.values()}
        return drawn_parts(self._package, relations, identifiers)

    def _notes(self, part: str) -> str:
        pieces = []
        for shape in self._package.xml(part).iter("{*}sp"):
            placeholder = next(iter(shape.iter("{*}ph")), None)
            if placeholder is not None and placeholder.get("type") in (*_FURNITURE, "sldImg", "hdr"):
                continue
            body = child(shape, "txBody")
            pieces += _paragraphs(body, {}, is_list=False) if body is not None else []
        return f"<blockquote>{''.join(pieces)}</blockquote>" if pieces else ""

    def _comments(self, part: str) -> list[str]:
        comments = []
        for comment in self._package.xml(part).iter("{*}cm"):
            words = " ".join(
                piece.text or "" for piece in comment.iter("{*}text", "{*}t") if (piece.text or "").strip()
            )
            comments += [f"<blockquote><p>{escape(words)}</p></blockquote>"] if words else []
        return comments


def _cells(row: Any, relations: dict[str, Relationship]) -> list[str]:
    """The cells of a row as HTML; those that another one covers are empty."""
    cells = []
    for cell in children(row, "tc"):
        body = child(cell, "txBody")
        paragraphs = _paragraphs(body, relations, is_list=False) if body is not None else []
        cells.append(" ".join(paragraph.removeprefix("<p>").removesuffix("</p>") for paragraph in paragraphs))
    return cells


def _paragraphs(body: Any, relations: dict[str, Relationship], *, is_list: bool) -> list[str]:
    """The paragraphs of a text body; those of a list nested by their level."""
    pieces: list[str] = []
    lists: list[str] = []
    for paragraph in children(body, "p"):
        html = _inline(paragraph, relations)
        if not html.strip():
            continue
        settings = child(paragraph, "pPr")
        level = int(settings.get("lvl", "0")) if settings is not None and settings.get("lvl", "0").isdecimal() else 0
        bulleted = settings is not None and any(local(one) in ("buChar", "buAutoNum") for one in settings)
        numbering = child(settings, "buAutoNum") if settings is not None else None
        tag = "ul" if numbering is None else "ol"
        plain = settings is not None and child(settings, "buNone") is not None
        if (is_list or bulleted or level) and not plain:
            level = min(level, 8)
            while len(lists) > level + 1 or (len(lists) == level + 1 and lists[-1] != tag):
                pieces.append(f"</{lists.pop()}>")
            while len(lists) <= level:
                start = numbering.get("startAt", "1") if numbering is not None else "1"
                pieces.append(f'<{tag} start="{escape(start)}">' if tag == "ol" else "<ul>")
                lists.append(tag)
            pieces.append(f"<li>{html}")
        else:
            pieces += [f"</{lists.pop()}>" for _ in list(lists)]
            pieces.append(f"<p>{html}</p>")
    return pieces + [f"</{lists.pop()}>" for _ in list(lists)]


def _inline(paragraph: Any, relations: dict[str, Relationship]) -> str:
    runs: list[tuple[str, str, str]] = []
    for run in paragraph:
        name = local(run)
        if name == "br":
            runs.append(("\n", "", ""))
        elif name in ("AlternateContent", "m"):
            runs.append(("".join(piece.text or "" for piece in run.iter("{*}t")), "", ""))
        elif name in ("r", "fld"):
            text, settings = child(run, "t"), child(run, "rPr")
            marks, address = "", ""
            if settings is not None:
                marks = "".join(mark for mark in "bi" if settings.get(mark) in ("1", "true"))
                link = child(settings, "hlinkClick")
                relation = relations.get(attribute(link, "id") or "") if link is not None else None
                address = relation.target if relation is not None and relation.external else ""
            words = (text.text or "") if text is not None else ""
            if runs and runs[-1][1:] == (marks, address):
                words = runs.pop()[0] + words
            runs.append((words, marks, address))
    return "".join(_marked(*run) for run in runs)


def _marked(words: str, marks: str, address: str) -> str:
    html = escape(words.replace("\v", "\n")).replace("\n", "<br>")
    if not words.strip():
        return html
    for mark in marks:
        html = f"<{mark}>{html}</{mark}>"
    return f'<a href="{escape(address)}">{html}</a>' if address.startswith(("http:", "https:", "mailto:")) else html


def _plain(body: Any) -> str:
    pieces = (part.text or "" if local(part) == "t" else " " for part in body.iter("{*}t", "{*}br", "{*}p"))
    return "".join(pieces).replace("\v", " ")
