"""OpenDocument text and presentations: headings, paragraphs, lists, tables, notes, comments, headers and footers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from trainer.convert.readers.drawings import table_html
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.package import Package, attribute, child, children, local, parse_xml, properties
from trainer.core.errors import Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding, Json

_MOST_REPEATED = 60
"""Cells or rows that stand for so many alike; an empty rest of a sheet is said by far larger numbers."""
_OPEN, _CLOSE = "\ue000", "\ue001"
_THROUGH_NAMES = """
a alphabetical-index bibliography caption circle connector custom-shape deletion ellipse forms frame g illustration-
index index-body index-title line measure numbered-paragraph object-index page-sequence path polygon polyline rect
regular-polygon scene section soft-page-break table-index table-of-content text-box user-index
"""
_THROUGH = frozenset(_THROUGH_NAMES.split())
"""Elements whose blocks are those of the story around them."""


def read_text(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001
    """A text document; deleted passages, pictures and embedded objects are left out and told."""
    story, body = _open(content, shown, "text")
    blocks = story.blocks(body)
    heads, feet = story.furniture()
    markdown = html_to_markdown("".join([*heads, *blocks, *feet]))
    return story.document(markdown, {})


def read_slides(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001
    """A presentation: one section a slide, with its notes as a quotation."""
    story, body = _open(content, shown, "presentation")
    pieces: list[str] = []
    pages = [*children(body, "page")]
    for number, page in enumerate(pages, 1):
        pieces += [f"<h2>{escape(attribute(page, 'name') or f'Slide {number}')}</h2>"]
        notes = child(page, "notes")
        for element in page:
            if element is not notes:
                pieces += story.block(element)
        if notes is not None and (words := story.blocks(notes)):
            pieces.append(f"<blockquote>{''.join(words)}</blockquote>")
    return story.document(html_to_markdown("".join(pieces)), {"slides": len(pages)})


def _open(content: bytes, shown: str, kind: str) -> tuple[_Story, Any]:
    if content.startswith(b"PK"):
        package = Package(content, shown)
        if _is_encrypted(package):
            raise package.fault("locked by a password", hint="open it with the password, and save it without")
        root, styles, meta = package.xml("content.xml"), package.optional("styles.xml"), package.optional("meta.xml")
    else:  # a flat document: all parts in one
        root = parse_xml(content, "", shown)
        styles = meta = root
    body = child(root, "body", kind)
    story = _Story(shown, styles, properties(meta), numbered=_numbered_levels(root, styles))
    if body is None:
        raise story.fault(f"no OpenDocument {kind} in it")
    return story, body


def _numbered_levels(*roots: Any | None) -> dict[tuple[str, int], int]:
    """The first number of each numbered level of the list styles in the parts of a file."""
    levels: dict[tuple[str, int], int] = {}
    for style in (style for root in roots if root is not None for style in root.iter("{*}list-style")):
        for level in children(style, "list-level-style-number"):
            depth, start = attribute(level, "level") or "1", attribute(level, "start-value") or "1"
            if attribute(level, "num-format") and depth.isdecimal() and start.isdecimal():
                levels[attribute(style, "name") or "", int(depth)] = int(start[:6])
    return levels


def _is_encrypted(package: Package) -> bool:
    manifest = package.optional("META-INF/manifest.xml")
    return manifest is not None and any(True for _ in manifest.iter("{*}encryption-data"))


@dataclass(slots=True)
class _Story:
    """The words of an OpenDocument file on their way to HTML."""

    shown: str
    styles: Any | None
    meta: dict[str, Json]
    notes: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    numbered: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """The first number of the levels of list styles that are numbered, by the style and the level from 1."""
    list_styles: list[str] = field(default_factory=list)
    """Of the lists that are open."""
    list_numbers: dict[str, int] = field(default_factory=dict)
    """The number that goes on a list, by its identifier or its style."""

    def fault(self, message: str) -> Exception:
        """The error for this file."""
        from trainer.core.errors import ConversionError

        return ConversionError(message, where=Where(self.shown), hint="open it in its own program, and save it again")

    def document(self, markdown: str, meta: dict[str, Json]) -> DocumentText:
        """All that was read."""
        markdown = re.sub(f"{_OPEN}(n\\d+){_CLOSE}", r"[^\1]", markdown)
        if self.notes:
            lines = [f"[^{name}]: {words}" for name, words in self.notes.items()]
            markdown = "\n".join([markdown.rstrip("\n"), "", *lines, ""])
        findings = tuple(
            Finding(
                "left_out",
                "note",
                f"left out: {count} {what if count > 1 else what.removesuffix('s')}",
                Where(self.shown),
            )
            for what, count in sorted(self.left_out.items())
        )
        return DocumentText(markdown, self.shown, meta={**self.meta, **meta}, findings=findings)

    def furniture(self) -> tuple[list[str], list[str]]:
        """The different headers and footers of the pages."""
        sides: tuple[list[str], list[str]] = ([], [])
        if self.styles is not None:
            for element in self.styles.iter(
                "{*}header", "{*}header-left", "{*}header-first", "{*}footer", "{*}footer-left", "{*}footer-first"
            ):
                html = "".join(self.blocks(element))
                side = sides[0] if local(element).startswith("header") else sides[1]
                if re.sub(r"<[^>]*>|\s|\d", "", html) and html not in side:
                    side.append(html)
        return sides

    def blocks(self, parent: Any) -> list[str]:
        """The blocks below an element."""
        return [piece for element in parent for piece in self.block(element)]

    def block(self, element: Any) -> list[str]:
        """An element as blocks of HTML."""
        name = local(element)
        if name in ("p", "h"):
            html, boxes = self.inline(element)
            level = attribute(element, "outline-level") or "1"
            tag = f"h{min(int(level) if level.isdecimal() else 1, 6)}" if name == "h" else "p"
            return [*([f"<{tag}>{html}</{tag}>"] if html.strip() else []), *boxes]
        if name == "list":
            return self._list(element)
        if name == "table":
            return [table_html(self._rows(element))]
        if name == "tracked-changes":
            self.left_out["deleted passages"] += sum(1 for _ in element.iter("{*}deletion"))
        elif name == "image":
            self.left_out["pictures"] += 1
        elif name in ("object", "object-ole"):
            inside = next(iter(element), None)
            if inside is None:
                self.left_out["embedded objects"] += 1
            return self.blocks(element)
        elif name in ("title", "desc"):
            words = " ".join("".join(element.itertext()).split())
            return [f"<p><i>{escape(words)}</i></p>"] if words else []
        elif name == "annotation":
            return [f"<blockquote><p>{escape(self._comment(element))}</p></blockquote>"]
        elif name in _THROUGH or name.endswith("-index"):
            return self.blocks(element)
        return []

    def _list(self, element: Any) -> list[str]:
        """A list in a list has the style of the outer one, unless it names its own."""
        outer, self.list_styles = self.list_styles, [*self.list_styles, attribute(element, "style-name") or ""]
        depth = len(self.list_styles)
        name = next((name for name in reversed(self.list_styles) if name), "")
        start = self.numbered.get((name, depth))
        tag, number = ("ul", 1) if start is None else ("ol", start)
        goes_on = attribute(element, "continue-numbering") == "true" or attribute(element, "continue-list")
        if goes_on and depth == 1:
            number = self.list_numbers.get(attribute(element, "continue-list") or name, number)
        pieces = [f'<ol start="{number}">' if tag == "ol" else "<ul>"]
        for item in children(element, "list-item", "list-header"):
            value = attribute(item, "start-value") or ""
            number = int(value) if value.isdecimal() and len(value) < 6 else number
            pieces += [f'<li value="{number}">' if tag == "ol" else "<li>", *self._item(item)]
            number += local(item) == "list-item"
        for ident in (name, attribute(element, "id")):
            if ident and depth == 1:
                self.list_numbers[ident] = number
        self.list_styles = outer
        return [*pieces, f"</{tag}>"]

    def _item(self, item: Any) -> list[str]:
        pieces = [re.sub(r"\A<p>(.*)</p>\Z", r"\1<br>", one, flags=re.DOTALL) for one in self.blocks(item)]
        return [*pieces, "</li>"]

    def _rows(self, table: Any) -> list[list[str]]:
        rows: list[list[str]] = []
        for element in table:
            name = local(element)
            if name in ("table-header-rows", "table-rows", "table-row-group"):
                rows += self._rows(element)
            elif name == "table-row":
                cells = [
                    cell for one in children(element, "table-cell", "covered-table-cell") for cell in self._cell(one)
                ]
                if any(cells):
                    rows += [cells] * min(_repeated(element, "number-rows-repeated"), _MOST_REPEATED)
        width = max((len(row) for row in rows), default=0)
        while width and not any(row[width - 1 : width] != [""] and len(row) >= width for row in rows):
            width -= 1
        return [row[:width] for row in rows]

    def _cell(self, cell: Any) -> list[str]:
        words = " ".join(self.blocks(cell))
        words = re.sub(r"</td><td>", " · ", words)
        words = re.sub(r"</?(?:table|tr|td|ul|ol|li|p|h[1-6]|blockquote)>", " ", words).strip()
        return [words] * min(_repeated(cell, "number-columns-repeated"), _MOST_REPEATED)

    def inline(self, element: Any) -> tuple[str, list[str]]:
        """The words of a paragraph as HTML, and the blocks that are anchored in it."""
        pieces: list[str] = [escape(_spaces(element.text))]
        boxes: list[str] = []
        for one in element:
            name = local(one)
            if name == "s":
                count = attribute(one, "c") or "1"
                pieces.append(" " * min(int(count) if count.isdecimal() else 1, 200))
            elif name == "tab":
                pieces.append("\t")
            elif name == "line-break":
                pieces.append("<br>")
            elif name == "note":
                pieces.append(self._note(one))
            elif name == "annotation":
                pieces.append(self._noted(self._comment(one)))
            elif name == "a":
                html, inner = self.inline(one)
                address = attribute(one, "href") or ""
                linked = re.match(r"(?:https?|mailto):", address)
                pieces.append(f'<a href="{escape(address)}">{html}</a>' if linked else html)
                boxes += inner
            elif name in ("frame", "custom-shape", "text-box", "g", "rect", "ellipse", "line", "connector", "caption"):
                boxes += self.block(one)
            elif name in ("ruby-text", "annotation-end"):
                pass
            else:
                html, inner = self.inline(one)
                pieces.append(html)
                boxes += inner
            pieces.append(escape(_spaces(one.tail)))
        return "".join(pieces), boxes

    def _note(self, note: Any) -> str:
        body = child(note, "note-body")
        words = html_to_markdown("".join(self.blocks(body))) if body is not None else ""
        return self._noted(" ".join(words.split()), is_markdown=True)

    def _comment(self, comment: Any) -> str:
        author, *words = ["", *("".join(part.itertext()) for part in children(comment, "p", "list"))]
        named = child(comment, "creator")
        author = "".join(named.itertext()) if named is not None else ""
        body = " ".join(" ".join(words).split())
        return f"{author}: {body}" if author else body

    def _noted(self, words: str, *, is_markdown: bool = False) -> str:
        if not words:
            return ""
        name = f"n{len(self.notes) + 1}"
        self.notes[name] = words if is_markdown else " ".join(html_to_markdown(f"<p>{escape(words)}</p>").split())
        return f"{_OPEN}{name}{_CLOSE}"


def _repeated(element: Any, name: str) -> int:
    count = attribute(element, name) or "1"
    return max(int(count), 1) if count.isdecimal() and len(count) < 9 else 1


def _spaces(text: str | None) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text or "")
