"""Word files by our own hand: styles, captions, nested lists, tables, code, notes, pictures; always the same bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.convert.base import Dataset, Options
from trainer.convert.charts.numbers import figure
from trainer.convert.dates import long_date
from trainer.convert.document import Converted, Document, parse_markdown
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.images import Images
from trainer.convert.widths import column_widths, fit
from trainer.convert.writers import docx_parts as parts
from trainer.convert.writers.markdown import as_document
from trainer.core.values import Json

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_TEXT_WIDTH = 9070
"""Of the page between its margins, in twentieths of a point."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def write(source: Document | Dataset, *, options: Options) -> Converted[bytes]:
    """The Word file of a document, or of data as an outline."""
    return to_docx(
        as_document(source, options),
        data=options.data,
        meta=options.meta,
        assets=options.assets,
        folder=options.folder,
    )


_NARROW_MARGINS = '<w:tblCellMar><w:left w:w="30" w:type="dxa"/><w:right w:w="30" w:type="dxa"/></w:tblCellMar>'


def to_docx(
    markdown: str | Document,
    *,
    data: Mapping[str, Json] | None = None,
    meta: Mapping[str, Json] | None = None,
    assets: Path | None = None,
    folder: Path | None = None,
    shown: str = "document.md",
) -> Converted[bytes]:
    """The Word file of a document; a chart becomes its caption and the table behind it."""
    document = markdown if isinstance(markdown, Document) else parse_markdown(markdown, shown=shown)
    furnished = furnish(document, data=data or {})
    said = {**document.meta, **(meta or {})}
    images = Images(assets, document.shown, base=folder)
    writer = _Writer(furnished, images)
    body = writer.body(said)
    title = str(said.get("title") or furnished.title)
    created = str(said.get("date") or "")
    content = parts.pack(
        {
            "[Content_Types].xml": parts.content_types(),
            "_rels/.rels": parts.package_relations(),
            "docProps/core.xml": parts.properties(
                title, str(said.get("author") or ""), created if re.fullmatch(r"\d{4}-\d{2}-\d{2}", created) else ""
            ),
            "word/document.xml": body,
            "word/footnotes.xml": writer.footnotes(),
            "word/_rels/footnotes.xml.rels": parts.relations(writer.links, {}),
            "word/_rels/document.xml.rels": parts.relations(writer.links, writer.pictures),
            "word/numbering.xml": parts.numbering(writer.ordered),
            "word/styles.xml": parts.styles(str(said.get("language") or "en")),
            "word/settings.xml": parts.settings(),
            "word/footer1.xml": parts.footer(),
            **writer.media,
        }
    )
    findings = (*document.findings, *furnished.findings, *images.findings)
    return Converted(content, findings, furnished.title)


class _Writer:
    """Walks the tree once and collects what the parts of the file need."""

    def __init__(self, furnished: Furnished, images: Images) -> None:
        self._furnished = furnished
        self._images = images
        self._notes: dict[int, str] = {}
        self._bookmarks = 0
        self.links: dict[str, str] = {}
        self.pictures: dict[str, str] = {}
        self.media: dict[str, bytes] = {}
        self.ordered: list[int] = []

    def body(self, said: Mapping[str, Json]) -> str:
        """The document's main part."""
        from markdown_it.tree import SyntaxTreeNode

        tree = SyntaxTreeNode(list(self._furnished.tokens))
        title = str(said.get("title") or self._furnished.title)
        head = [_paragraph(_run(title), "Title")] if title else []
        date = long_date(str(said.get("date") or ""), str(said.get("language") or "en"))
        head += [_paragraph(_run(words), "Subtitle") for words in (str(said.get("subtitle") or ""), date) if words]
        blocks = "".join([*head, *self._blocks(tree.children)])
        page = (
            '<w:sectPr><w:footerReference w:type="default" r:id="ownfooter"/><w:pgSz w:w="11906" w:h="16838"/>'
            '<w:pgMar w:top="1418" w:right="1418" w:bottom="1418" w:left="1418" w:header="709" w:footer="709" '
            'w:gutter="0"/></w:sectPr>'
        )
        return f"{parts.HEAD}<w:document {parts.SPACES}><w:body>{blocks}{page}</w:body></w:document>"

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
                yield _paragraph(self._inline(node, bold=bold), style, extra)
            elif node.type in ("bullet_list", "ordered_list"):
                yield from self._list(node, style=style, depth=depth)
            elif node.type in ("blockquote", "alert"):
                yield from self._blocks(node.children, style="Quote", extra=extra, depth=depth)
            elif node.type in ("fence", "code_block", "math_block", "math_block_label"):
                yield _paragraph(_lines(node.content.rstrip("\n")), "SourceCode", extra)
            elif node.type == "table":
                yield from self._table(node)
            elif node.type == "chart":
                yield from self._chart(node)
            elif node.type == "hr":
                rule = '<w:pBdr><w:bottom w:val="single" w:sz="4" w:space="1" w:color="DDE3E8"/></w:pBdr>'
                yield _paragraph("", "", rule)
            else:
                yield from self._rare_block(node, style=style, extra=extra)

    def _rare_block(self, node: SyntaxTreeNode, *, style: str, extra: str) -> Iterator[str]:
        if node.type == "html_block":
            yield _paragraph(_lines(node.content.strip()), style, extra)
        elif node.type == "footnote_block":
            self._keep_notes(node)
        elif node.type in ("dl", "dd"):
            yield from self._blocks(node.children, extra='<w:ind w:left="480"/>' if node.type == "dd" else "")

    def _heading(self, node: SyntaxTreeNode) -> str:
        self._bookmarks += 1
        name = escape(str(node.attrs.get("id", ""))[:40])
        number = self._bookmarks
        content = (
            f'<w:bookmarkStart w:id="{number}" w:name="{name}"/>{self._inline(node)}<w:bookmarkEnd w:id="{number}"/>'
        )
        return _paragraph(content, f"Heading{node.tag[1]}")

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
            box = _run("☒ " if checked else "☐ ") if checked is not None else ""
            first = item.children[0] if item.children and item.children[0].type == "paragraph" else None
            yield _paragraph(box + (self._inline(first) if first else ""), style, mark)
            rest = item.children[1:] if first else item.children
            yield from self._blocks(rest, style=style, extra=inside, depth=depth + 1)

    def _table(self, node: SyntaxTreeNode) -> Iterator[str]:
        meta = node.nester_tokens.opening.meta if node.nester_tokens else {}
        if caption := meta.get("caption"):
            words = _run(f"Table {meta['number']}. ", bold=True) + self._runs(caption.children or [])
            yield _paragraph(words, "Caption")
        rows = [row for part in node.children for row in part.children]
        yield self._grid(
            meta.get("rows") or [[""] * len(rows[0].children)],
            [[(self._inline(cell), _alignment(cell)) for cell in row.children] for row in rows],
        )
        yield _paragraph("")

    def _chart(self, node: SyntaxTreeNode) -> Iterator[str]:
        chart = self._furnished.charts[node.meta["ident"]]
        yield _paragraph(_run(f"Figure {node.meta['number']}. ", bold=True) + _run(chart.title), "Caption")
        head = [chart.x_label, *(series.name for series in chart.series)]
        body = [
            [name, *(figure(series.values[at], unit=chart.unit) for series in chart.series)]
            for at, name in enumerate(chart.x)
        ]
        cells = [[(_run(cell), "right" if column else "") for column, cell in enumerate(row)] for row in (head, *body)]
        yield self._grid([head, *body], cells)
        yield _paragraph("")

    def _grid(self, words: Sequence[Sequence[str]], rows: Sequence[Sequence[tuple[str, str]]]) -> str:
        needed = column_widths(words)
        total = sum(needed) or 1.0
        widths = [int(_TEXT_WIDTH * width / total) for width in needed]
        columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        style, margins = ("TableTextSmall", _NARROW_MARGINS) if fit(words) else ("TableText", "")
        lines = []
        for number, row in enumerate(rows):
            head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if number == 0 else "<w:trPr><w:cantSplit/></w:trPr>"
            cells = "".join(
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
                f"{_paragraph(content, style, _aligned(align))}</w:tc>"
                for (content, align), width in zip(row, widths, strict=False)
            )
            lines.append(f"<w:tr>{head}{cells}</w:tr>")
        return (
            '<w:tbl><w:tblPr><w:tblStyle w:val="Report"/><w:tblW w:w="5000" w:type="pct"/>'
            f'<w:tblLayout w:type="autofit"/>{margins}<w:tblLook w:firstRow="1" w:val="0020"/></w:tblPr>'
            f"<w:tblGrid>{columns}</w:tblGrid>{''.join(lines)}</w:tbl>"
        )

    def _keep_notes(self, block: SyntaxTreeNode) -> None:
        mark = '<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteRef/></w:r>' + _run(" ")
        for note in block.children:
            content = "".join(self._blocks(note.children, style="FootnoteText")) or _paragraph("", "FootnoteText")
            end = content.find("</w:pPr>") + len("</w:pPr>")
            self._notes[note.meta["id"] + 1] = content[:end] + mark + content[end:]

    def _inline(self, node: SyntaxTreeNode, *, bold: bool = False) -> str:
        found = next((child for child in node.children if child.type == "inline"), None)
        if found is None or found.token is None:
            return ""
        if found.token.map:
            self._images.line = found.token.map[0] + self._furnished.document.first_line
        return self._runs(found.token.children or [], bold=bold)

    def _runs(self, tokens: Sequence[Token], *, bold: bool = False) -> str:
        out: list[str] = []
        marks = {"strong": int(bold), "em": 0, "s": 0}
        for token in tokens:
            kind, _, edge = token.type.rpartition("_")
            if kind in marks and edge in ("open", "close"):
                marks[kind] += 1 if edge == "open" else -1
            elif token.type == "link_open":
                out.append(self._link(str(token.attrGet("href") or "")))
            elif token.type == "link_close":
                out.append("</w:hyperlink>")
            else:
                out.append(self._piece(token, bold=marks["strong"] > 0, italic=marks["em"] > 0, struck=marks["s"] > 0))
        return "".join(out)

    def _piece(self, token: Token, *, bold: bool, italic: bool, struck: bool) -> str:
        if token.type in ("code_inline", "math_inline", "math_inline_double"):
            return _run(token.content, bold=bold, style="VerbatimChar")
        if token.type == "softbreak":
            return _run(" ")
        if token.type == "hardbreak" or re.fullmatch(r"<br\s*/?>", token.content, re.IGNORECASE):
            return "<w:r><w:br/></w:r>"
        if token.type == "footnote_ref":
            number = token.meta["id"] + 1
            mark = '<w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>'
            return f'<w:r>{mark}<w:footnoteReference w:id="{number}"/></w:r>'
        if token.type == "image":
            return self._picture(token)
        if token.type in ("text", "html_inline", "text_special") and not token.content.startswith("<!--"):
            return _run(token.content, bold=bold, italic=italic, struck=struck)
        return ""

    def _link(self, address: str) -> str:
        if address.startswith("#"):
            return f'<w:hyperlink w:anchor="{escape(address[1:41])}">'
        ident = self.links.setdefault(address, f"link{len(self.links) + 1}")
        return f'<w:hyperlink r:id="{ident}">'

    def _picture(self, token: Token) -> str:
        from trainer.convert.document import plain

        alt = plain(token.children)
        self._images.render(token, alt)
        found = self._images.load(str(token.attrGet("src") or ""))
        size = _size(found[1]) if not isinstance(found, str) else None
        if isinstance(found, str) or size is None:
            return _run(f"[{alt}]", italic=True)
        number = len(self.pictures) + 1
        path = f"media/image{number}.{found[0].rpartition('/')[2].replace('jpeg', 'jpg')}"
        self.media[f"word/{path}"] = found[1]
        self.pictures[path] = f"image{number}"
        width = min(size[0] * 9525, 5_760_000)
        height = int(width * size[1] / max(size[0], 1))
        return _drawing(number, width, height, alt)


def _run(text: str, *, bold: bool = False, italic: bool = False, struck: bool = False, style: str = "") -> str:
    if not text:
        return ""
    marks = (f'<w:rStyle w:val="{style}"/>' if style else "") + "<w:b/>" * bold + "<w:i/>" * italic
    marks += "<w:strike/>" * struck
    said = escape(_CONTROL.sub("", text), quote=False)
    return f'<w:r>{f"<w:rPr>{marks}</w:rPr>" if marks else ""}<w:t xml:space="preserve">{said}</w:t></w:r>'


def _lines(text: str) -> str:
    return "<w:r><w:br/></w:r>".join(_run(line) for line in text.split("\n"))


def _paragraph(content: str, style: str = "", extra: str = "") -> str:
    said = (f'<w:pStyle w:val="{style}"/>' if style else "") + extra
    return f"<w:p><w:pPr>{said}</w:pPr>{content}</w:p>"


def _alignment(cell: SyntaxTreeNode) -> str:
    if cell.attrs.get("class") == "num":
        return "right"
    return str(cell.attrs.get("style", "")).removeprefix("text-align:")


def _aligned(align: str) -> str:
    return f'<w:jc w:val="{align}"/>' if align in ("right", "center") else ""


def _size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG, in pixels."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"GIF8") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    at = 2
    while content.startswith(b"\xff\xd8") and at + 9 < len(content) and content[at] == 0xFF:
        length = struct.unpack(">H", content[at + 2 : at + 4])[0]
        if 0xC0 <= content[at + 1] <= 0xCF and content[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def _drawing(number: int, width: int, height: int, alt: str) -> str:
    said = escape(_CONTROL.sub("", alt))
    return (
        f'<w:r><w:drawing><wp:inline><wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="{number}" name="Picture {number}" descr="{said}"/><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="{number}" name="Picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="image{number}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>"
    )
