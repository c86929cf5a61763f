"""Word files by our own hand: styles, captions, nested lists, tables, code, notes, pictures; always the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from trainer.convert.base import Options
from trainer.convert.charts import chart_rows, chart_title, describe, draw
from trainer.convert.dates import long_date
from trainer.convert.document import Converted, Document, visible_html
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.images import Images
from trainer.convert.paper import lay_out
from trainer.convert.pdf import as_png
from trainer.convert.pdf.pictures import SCALE
from trainer.convert.themes import default_theme
from trainer.convert.writers import docx_parts as parts
from trainer.convert.writers.docx_tables import grid
from trainer.convert.writers.docx_text import (
    LANDSCAPE,
    PORTRAIT,
    alignment,
    drawing,
    end_section,
    lines,
    page,
    paragraph,
    run,
    size,
    turned,
)
from trainer.convert.writers.markdown import as_document
from trainer.convert.writers.pdf import paper_styles, pool_of
from trainer.core.errors import ConversionError, Where
from trainer.core.markdown import is_break, plain_text
from trainer.core.readings import Dataset
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode


def write(source: Document | Dataset, options: Options) -> Converted[bytes]:
    """The Word file of a document, or of data as an outline; a chart becomes a picture with the table behind it."""
    document = as_document(source, options)
    furnished = furnish(document, data=options.data, meta=options.meta)
    furnished = replace(furnished, tokens=tuple(lay_out(furnished.tokens)))
    facts = {**document.meta, **options.meta}
    images = Images(options.assets, document.shown, base=options.folder)
    charts, findings = _charts(furnished, options)
    writer = _Writer(furnished, images, charts)
    body = writer.body(facts)
    created = str(facts.get("date") or "")
    content = parts.pack(
        {
            "[Content_Types].xml": parts.content_types(),
            "_rels/.rels": parts.package_relations(),
            "docProps/core.xml": parts.properties(
                furnished.title,
                str(facts.get("author") or ""),
                created if re.fullmatch(r"\d{4}-\d{2}-\d{2}", created) else "",
            ),
            "word/document.xml": body,
            "word/footnotes.xml": writer.footnotes(),
            "word/_rels/footnotes.xml.rels": parts.relations(writer.links, writer.pictures),
            "word/_rels/document.xml.rels": parts.relations(writer.links, writer.pictures),
            "word/numbering.xml": parts.numbering(writer.ordered),
            "word/styles.xml": parts.styles(furnished.language, furnished.direction),
            "word/settings.xml": parts.settings(),
            "word/footer1.xml": parts.footer(),
            **writer.media,
        }
    )
    findings = (*document.findings, *furnished.findings, *images.findings, *findings)
    return Converted(content, findings, furnished.title)


def _charts(furnished: Furnished, options: Options) -> tuple[dict[str, tuple[str, bytes]], tuple[Finding, ...]]:
    """Each chart as SVG and PNG, by its id; without the libraries that print, none and a finding."""
    drawings = {ident: draw(chart, ident=ident) for ident, chart in furnished.charts.items()}
    if not drawings:
        return {}, ()
    shown, styles = furnished.document.shown, paper_styles(options.theme or default_theme())
    try:
        with pool_of(options) as pool:
            pictures = as_png(list(drawings.values()), pool, styles=styles, shown=shown)
    except ConversionError as error:
        message = f"charts are shown as tables only: {error.message}"
        return {}, (Finding("no_picture", "warning", message, Where(shown)),)
    return {ident: (svg, png) for (ident, svg), png in zip(drawings.items(), pictures, strict=True)}, ()


class _Writer:
    """Walks the tree once and collects what the parts of the file need."""

    def __init__(self, furnished: Furnished, images: Images, charts: Mapping[str, tuple[str, bytes]]) -> None:
        self._furnished = furnished
        self._charts = charts
        self._images = images
        self._notes: dict[int, str] = {}
        self._cited: set[int] = set()
        self._in_note = False
        self._bookmarks = 0
        self._room = PORTRAIT
        self.links: dict[str, str] = {}
        self.pictures: dict[str, str] = {}
        self.media: dict[str, bytes] = {}
        self.ordered: list[int] = []

    def body(self, facts: Mapping[str, Json]) -> str:
        """The document's main part."""
        from markdown_it.tree import SyntaxTreeNode

        furnished = self._furnished
        tree = SyntaxTreeNode(list(furnished.tokens))
        title = self._runs(furnished.heading) or run(furnished.title)
        head = [paragraph(title, "Title")] if title else []
        date = long_date(str(facts.get("date") or ""), furnished.language)
        head += [paragraph(lines(words), "Subtitle") for words in (str(facts.get("subtitle") or ""), date) if words]
        blocks, landscape = self._sections(tree.children, head)
        unused = [note for note in self._notes if note not in self._cited]
        blocks += [self._notes.pop(note).replace("<w:footnoteRef/>", f"<w:t>{note}</w:t>") for note in sorted(unused)]
        end = page(landscape=landscape, direction=furnished.direction)
        return f"{parts.HEAD}<w:document {parts.SPACES}><w:body>{''.join(blocks)}{end}</w:body></w:document>"

    def _sections(self, nodes: Sequence[SyntaxTreeNode], head: list[str]) -> tuple[list[str], bool]:
        """The blocks, with landscape pages for the wide parts, and whether the last page is one of these."""
        blocks, begun = list(head), bool(head)
        for at, node in enumerate(nodes):
            if node.type != "wide":
                before = len(blocks)
                blocks += self._blocks([node])
                begun = begun or len(blocks) > before
                continue
            if begun:
                end_section(blocks, landscape=False)
            self._room, begun = LANDSCAPE, False
            blocks += self._blocks(node.children)
            self._room = PORTRAIT
            if all(later.type == "footnote_block" for later in nodes[at + 1 :]):
                return [*blocks, *self._blocks(nodes[at + 1 :])], True
            end_section(blocks, landscape=True)
        return blocks, False

    def footnotes(self) -> str:
        """The part that holds the notes."""
        rules = "".join(
            f'<w:footnote w:type="{kind}" w:id="{ident}"><w:p><w:r><w:{mark}/></w:r></w:p></w:footnote>'
            for ident, kind, mark in (
                (-1, "separator", "separator"),
                (0, "continuationSeparator", "continuationSeparator"),
            )
        )
        notes = "".join(
            f'<w:footnote w:id="{number}">{content}</w:footnote>' for number, content in sorted(self._notes.items())
        )
        return f"{parts.HEAD}<w:footnotes {parts.SPACES}>{rules}{notes}</w:footnotes>"

    def _blocks(
        self, nodes: Sequence[SyntaxTreeNode], *, style: str = "", extra: str = "", depth: int = 0
    ) -> Iterator[str]:
        for node in nodes:
            if node.type == "heading":
                yield self._heading(node)
            elif node.type in ("paragraph", "alert_title", "dt"):
                bold = node.type != "paragraph"
                yield paragraph(self._inline(node, bold=bold), style, turned(node, self._furnished.direction) + extra)
            elif node.type in ("bullet_list", "ordered_list"):
                yield from self._list(node, style=style, depth=depth)
            elif node.type in ("blockquote", "alert"):
                yield from self._blocks(node.children, style="Quote", extra=extra, depth=depth)
            elif node.type in ("fence", "code_block", "math_block", "math_block_label"):
                yield paragraph(lines(node.content.rstrip("\n")), "SourceCode", extra)
            elif node.type == "table":
                yield from self._table(node)
            elif node.type in ("chart", "picture"):
                yield from self._figure(node, extra)
            elif node.type == "hr":
                rule = '<w:pBdr><w:bottom w:val="single" w:sz="4" w:space="1" w:color="DDE3E8"/></w:pBdr>'
                yield paragraph("", "", rule)
            else:
                yield from self._rare_block(node, style=style, extra=extra)

    def _rare_block(self, node: SyntaxTreeNode, *, style: str, extra: str) -> Iterator[str]:
        if node.type == "html_block":
            if content := visible_html(node.content):
                yield paragraph(lines(content), style, extra)
        elif node.type == "footnote_block":
            self._keep_notes(node)
        elif node.type in ("dl", "dd"):
            yield from self._blocks(node.children, extra='<w:ind w:left="480"/>' if node.type == "dd" else "")

    def _heading(self, node: SyntaxTreeNode) -> str:
        content = self._marked(str(node.attrs.get("id", "")), self._inline(node))
        return paragraph(content, f"Heading{node.tag[1]}", turned(node, self._furnished.direction))

    def _marked(self, name: str, content: str) -> str:
        """The content as a place that links may lead to."""
        self._bookmarks += 1
        number, bookmark = self._bookmarks, escape(name[:40])
        return f'<w:bookmarkStart w:id="{number}" w:name="{bookmark}"/>{content}<w:bookmarkEnd w:id="{number}"/>'

    def _list(self, node: SyntaxTreeNode, *, style: str, depth: int) -> Iterator[str]:
        number = 1
        if node.type == "ordered_list":
            self.ordered.append(int(node.attrs.get("start", 1)))
            number = len(self.ordered) + 1
        level = min(depth, 8)
        mark = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
        inside = f'<w:ind w:left="{360 * (level + 1)}"/>'
        for item in node.children:
            checked = item.meta.get("checked")
            box = run("☒ " if checked else "☐ ") if checked is not None else ""
            first = item.children[0] if item.children and item.children[0].type == "paragraph" else None
            direction = turned(first, self._furnished.direction) if first else ""
            yield paragraph(box + (self._inline(first) if first else ""), style, mark + direction)
            rest = item.children[1:] if first else item.children
            yield from self._blocks(rest, style=style, extra=inside, depth=depth + 1)

    def _table(self, node: SyntaxTreeNode) -> Iterator[str]:
        meta = node.nester_tokens.opening.meta if node.nester_tokens else {}
        if caption := self._caption(meta):
            yield paragraph(caption, "Caption")
        rows = [row for part in node.children for row in part.children]
        yield grid(
            meta["rows"],
            [[(self._inline(cell), alignment(cell)) for cell in row.children] for row in rows],
            room=self._room,
            small=self._room == LANDSCAPE,
            direction=self._furnished.direction,
        )
        yield paragraph("", "TableEnd")

    def _caption(self, meta: Mapping[str, Any]) -> str:
        """Number and words over a table, and which of its parts this is."""
        part = f" ({meta['part']})" if "part" in meta else ""
        if "caption" not in meta:
            return run(part.strip())
        words = run(f"Table {meta['number']}{part}. ", {"strong"}) + self._runs(meta["caption"].children or [])
        return self._marked(f"table-{meta['number']}", words) if meta.get("first", True) else words

    def _figure(self, node: SyntaxTreeNode, extra: str) -> Iterator[str]:
        meta = node.meta
        chart = self._furnished.charts.get(meta["ident"])
        words = run(f"Figure {meta['number']}. ", {"strong"}) + run(chart_title(chart) if chart else meta["caption"])
        yield paragraph(self._marked(meta["ident"], words), "Caption", extra)
        if chart is None:
            self._stand_at(node.token)
            yield paragraph(self._runs(node.token.children or [] if node.token else []), "", extra)
            return
        if meta["ident"] in self._charts:
            yield paragraph(self._drawn(*self._charts[meta["ident"]], chart.description or describe(chart)), "", extra)
        rows = chart_rows(chart)
        cells = [[(run(cell), "right" if column else "") for column, cell in enumerate(row)] for row in rows]
        yield grid(rows, cells, room=self._room, direction=self._furnished.direction)
        yield paragraph("", "TableEnd")

    def _keep_notes(self, block: SyntaxTreeNode) -> None:
        mark = '<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteRef/></w:r>' + run(" ")
        self._in_note = True
        for note in block.children:
            content = "".join(self._blocks(note.children, style="FootnoteText")) or paragraph("", "FootnoteText")
            end = content.find("</w:pPr>") + len("</w:pPr>")
            self._notes[note.meta["id"] + 1] = content[:end] + mark + content[end:]
        self._in_note = False

    def _inline(self, node: SyntaxTreeNode, *, bold: bool = False) -> str:
        inline = next((child for child in node.children if child.type == "inline"), None)
        if inline is None or inline.token is None:
            return ""
        self._stand_at(inline.token)
        return self._runs(inline.token.children or [], bold=bold)

    def _stand_at(self, token: Token | None) -> None:
        """Remember the line for what is found in its pictures."""
        if token and token.map:
            self._images.line = token.map[0] + self._furnished.document.first_line

    def _runs(self, tokens: Sequence[Token], *, bold: bool = False) -> str:
        out: list[str] = []
        marks = {"strong": int(bold), "em": 0, "s": 0, "sub": 0, "sup": 0}
        for token in tokens:
            kind, _, edge = token.type.rpartition("_")
            if kind in marks and edge in ("open", "close"):
                marks[kind] += 1 if edge == "open" else -1
            elif token.type == "link_open":
                out.append(self._link(str(token.attrGet("href") or "")))
            elif token.type == "link_close":
                out.append("</w:hyperlink>")
            else:
                out.append(self._piece(token, {mark for mark, count in marks.items() if count}))
        return "".join(out)

    def _piece(self, token: Token, marks: Set[str]) -> str:
        if token.type in ("code_inline", "math_inline", "math_inline_double"):
            return run(token.content, marks & {"strong", "sub", "sup"}, style="VerbatimChar")
        if token.type == "softbreak":
            return run(" ")
        if token.type == "hardbreak" or is_break(token):
            return "<w:r><w:br/></w:r>"
        if token.type == "footnote_ref":
            return self._note_mark(token.meta["id"] + 1)
        if token.type == "image":
            return self._picture(token)
        if token.type in ("text", "html_inline", "text_special") and not token.content.startswith("<!--"):
            return run(token.content, marks)
        return ""

    def _note_mark(self, number: int) -> str:
        """A note's mark: where it is cited first Word's own, with the note; again, or in a note, its number alone.

        Word numbers notes by their marks, in the order they were cited, which is the order of the notes here.
        """
        style = '<w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>'
        if number in self._cited or self._in_note:
            return f"<w:r>{style}<w:t>{number}</w:t></w:r>"
        self._cited.add(number)
        return f'<w:r>{style}<w:footnoteReference w:id="{number}"/></w:r>'

    def _link(self, address: str) -> str:
        if address.startswith("#"):
            return f'<w:hyperlink w:anchor="{escape(address[1:41])}">'
        ident = self.links.setdefault(address, f"link{len(self.links) + 1}")
        return f'<w:hyperlink r:id="{ident}">'

    def _picture(self, token: Token) -> str:
        alt = plain_text(token.children)
        image = self._images.find(token, alt)
        pixels = size(image[1]) if image else None
        if image is None or pixels is None:
            if image:
                self._images.leave_out(str(token.attrGet("src")), f"Word files show no {image[0]}")
            return run(f"[{alt}]", {"em"})
        number = self._embed(image[1], image[0].rpartition("/")[2].replace("jpeg", "jpg"))
        return drawing(number, pixels, alt, room=self._room)

    def _drawn(self, svg: str, png: bytes, alt: str) -> str:
        """A chart as PNG, and as SVG for readers that show it."""
        number, vector = self._embed(png, "png"), self._embed(svg.encode(), "svg")
        width, height = size(png) or (1, 1)
        pixels = (round(width / SCALE), round(height / SCALE))
        return drawing(number, pixels, alt, room=self._room, vector=vector)

    def _embed(self, content: bytes, ending: str) -> int:
        """The number of a picture that is a part of the file."""
        number = len(self.pictures) + 1
        path = f"media/image{number}.{ending}"
        self.media[f"word/{path}"] = content
        self.pictures[path] = f"image{number}"
        return number
