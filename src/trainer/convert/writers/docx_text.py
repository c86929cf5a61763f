"""Word's markup for the small things: runs, paragraphs, pictures and the pages they stand on."""

from __future__ import annotations

import re
import struct
from collections.abc import Set
from html import escape
from typing import TYPE_CHECKING

from trainer.convert.direction import Direction, text_direction
from trainer.convert.together import with_fixed_spaces

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LOOKS = (
    ("strong", "<w:b/>"),
    ("em", "<w:i/>"),
    ("s", "<w:strike/>"),
    ("sup", '<w:vertAlign w:val="superscript"/>'),
    ("sub", '<w:vertAlign w:val="subscript"/>'),
)
_MARGIN = 1418
_PAGE = (11906, 16838)
PORTRAIT, LANDSCAPE = _PAGE[0] - 2 * _MARGIN, _PAGE[1] - 2 * _MARGIN
"""What is between the margins of an upright page and of a landscape one, in twentieths of a point."""


def run(text: str, marks: Set[str] = frozenset(), *, style: str = "") -> str:
    """Words with their marks, by the names of their tokens; dates and amounts in them stay on one line."""
    if not text:
        return ""
    properties = (f'<w:rStyle w:val="{style}"/>' if style else "") + "".join(
        look for mark, look in _LOOKS if mark in marks
    )
    properties += "<w:rtl/>" if text_direction(text) == "rtl" else ""
    words = escape(_CONTROL.sub("", text if style else with_fixed_spaces(text)), quote=False)
    return f'<w:r>{f"<w:rPr>{properties}</w:rPr>" if properties else ""}<w:t xml:space="preserve">{words}</w:t></w:r>'


def lines(text: str) -> str:
    """Lines of code, each after a break, as they are written."""
    return "<w:r><w:br/></w:r>".join(_as_written(line) for line in text.split("\n"))


def _as_written(line: str) -> str:
    written = escape(_CONTROL.sub("", line), quote=False)
    return f'<w:r><w:t xml:space="preserve">{written}</w:t></w:r>' if written else ""


def paragraph(content: str, style: str = "", extra: str = "") -> str:
    """A paragraph in a style; `extra` is said of it beyond that."""
    properties = (f'<w:pStyle w:val="{style}"/>' if style else "") + extra
    return f"<w:p><w:pPr>{properties}</w:pPr>{content}</w:p>"


def alignment(cell: SyntaxTreeNode) -> str:
    """Where a cell's words stand: `right`, `center` or nothing said."""
    if cell.attrs.get("class") == "num":
        return "right"
    return str(cell.attrs.get("style", "")).removeprefix("text-align:")


def aligned(align: str) -> str:
    """What a paragraph says of that."""
    return f'<w:jc w:val="{align}"/>' if align in ("right", "center") else ""


def turned(block: SyntaxTreeNode, direction: Direction) -> str:
    """What a paragraph says of its direction: from the right in such a document, unless it says otherwise itself."""
    own = block.attrs.get("dir") or direction
    if own == direction and direction == "ltr":
        return ""
    return f'<w:bidi w:val="{1 if own == "rtl" else 0}"/>'


def page(*, landscape: bool, direction: Direction = "ltr") -> str:
    """The page of a section."""
    turned = "<w:bidi/>" if direction == "rtl" else ""
    width, height = reversed(_PAGE) if landscape else _PAGE
    orientation = ' w:orient="landscape"' if landscape else ""
    return (
        '<w:sectPr><w:footerReference w:type="default" r:id="ownfooter"/>'
        f'<w:pgSz w:w="{width}" w:h="{height}"{orientation}/><w:pgMar w:top="{_MARGIN}" w:right="{_MARGIN}" '
        f'w:bottom="{_MARGIN}" w:left="{_MARGIN}" w:header="709" w:footer="709" w:gutter="0"/>{turned}</w:sectPr>'
    )


def end_section(blocks: list[str], *, landscape: bool) -> None:
    """Let a section end with the last block, which is a paragraph."""
    end = blocks[-1].index("</w:pPr>")
    blocks[-1] = f"{blocks[-1][:end]}{page(landscape=landscape)}{blocks[-1][end:]}"


def size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG, in pixels; None for all others."""
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


_PIXEL = 9525
"""In English Metric Units, of which there are 635 in a twentieth of a point."""


_VECTOR = (
    '<a:extLst><a:ext uri="{{96DAC541-7B7A-43D3-8B79-37D633B846F1}}"><asvg:svgBlip '
    'xmlns:asvg="http://schemas.microsoft.com/office/drawing/2016/SVG/main" '
    'r:embed="image{number}"/></a:ext></a:extLst>'
)
"""How Office names the drawing behind a picture; who does not know it shows the picture."""


def drawing(number: int, pixels: tuple[int, int], alt: str, *, room: int, vector: int = 0) -> str:
    """A picture as wide as it is, but no wider than `room`, in twentieths of a point, nor higher than a page.

    `vector` is the number of the SVG that shows the same.
    """
    width, height = max(pixels[0], 1), max(pixels[1], 1)
    scale = min(1.0, room * 635 / (width * _PIXEL), PORTRAIT * 635 / (height * _PIXEL))
    wide, high = int(width * _PIXEL * scale), int(height * _PIXEL * scale)
    description = escape(_CONTROL.sub("", alt))
    vectors = _VECTOR.format(number=vector) if vector else ""
    return (
        f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{wide}" cy="{high}"/>'
        f'<wp:docPr id="{number}" name="Picture {number}" descr="{description}"/><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="{number}" name="Picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="image{number}">{vectors}</a:blip>'
        "<a:stretch><a:fillRect/></a:stretch></pic:blipFill>"
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>"
    )
