"""Tables of Word files: a grid of fixed widths, by the same measure as the tables of PDFs."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.convert.direction import Direction
from trainer.convert.widths import column_shares, fit
from trainer.convert.writers.docx_text import aligned, paragraph

_NARROW_MARGINS = '<w:tblCellMar><w:left w:w="30" w:type="dxa"/><w:right w:w="30" w:type="dxa"/></w:tblCellMar>'


def grid(
    words: Sequence[Sequence[str]],
    rows: Sequence[Sequence[tuple[str, str]]],
    *,
    room: int,
    small: bool = False,
    direction: Direction = "ltr",
) -> str:
    """A table over the whole `room`, in twentieths of a point; each cell is its runs and its alignment.

    `small` asks for small type even where it is not needed, so that all parts of a wide table look alike.
    The widths are fixed: with widths of their own choice, Word and LibreOffice would break figures or leave the page.
    """
    widths = [int(room * share) for share in column_shares(words)]
    style, margins = ("TableTextSmall", _NARROW_MARGINS) if small or fit(words) else ("TableText", "")
    mirrored = "<w:bidiVisual/>" if direction == "rtl" else ""
    turned = '<w:bidi w:val="1"/>' if direction == "rtl" else ""
    lines = []
    for number, row in enumerate(rows):
        head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if number == 0 else "<w:trPr><w:cantSplit/></w:trPr>"
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
            f"{paragraph(content, style, turned + aligned(align))}</w:tc>"
            for (content, align), width in zip(row, widths, strict=False)
        )
        lines.append(f"<w:tr>{head}{cells}</w:tr>")
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="Report"/>{mirrored}<w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/>{margins}<w:tblLook w:firstRow="1" w:val="0020"/></w:tblPr>'
        f"<w:tblGrid>{columns}</w:tblGrid>{''.join(lines)}</w:tbl>"
    )
