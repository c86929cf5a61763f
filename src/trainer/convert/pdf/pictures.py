"""Drawings as PNG, for formats that show no SVG: printed by the pool like a page, then brought to pixels."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence

from trainer.convert.pdf.pool import PdfPool

SCALE = 2.5
"""Pixels for each unit of a drawing: some 240 dots an inch at the width of a page's text."""
_POINTS = 0.75
"""In a unit of a drawing, which is a pixel of CSS."""
_PAGE = (
    "@page p{at} {{ size: {width}px {height}px; margin: 0; @top-left {{ content: none }} "
    "@top-right {{ content: none }} @bottom-left {{ content: none }} @bottom-right {{ content: none }} }} "
    ".p{at} {{ page: p{at} }}"
)


def as_png(drawings: Sequence[str], pool: PdfPool, *, styles: Sequence[str], shown: str = "document") -> list[bytes]:
    """A PNG of each SVG, in the fonts and colours of `styles`; raises ConversionError where nothing can be printed."""
    import pypdfium2

    sizes = [_size(drawing) for drawing in drawings]
    pages_of = "".join(_PAGE.format(at=at, width=width, height=height) for at, (width, height) in enumerate(sizes))
    pages = "".join(f'<div class="p{at}">{drawing}</div>' for at, drawing in enumerate(drawings))
    html = f'<!doctype html><html lang="en"><head><title>Charts</title></head><body>{pages}</body></html>'
    reset = "body { margin: 0; padding: 0; max-width: none } svg.chart { width: 100% }"
    document = pypdfium2.PdfDocument(pool.render(html, styles=(*styles, reset, pages_of), shown=shown).content)
    try:
        return [_png(page) for page in document]
    finally:
        document.close()


def _size(drawing: str) -> tuple[float, float]:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)
    assert box  # every drawing of ours has one
    return float(box[1]), float(box[2])


def _png(page: object) -> bytes:
    """A page of a PDF as PNG, without anything that differs between two runs."""
    bitmap = page.render(scale=SCALE / _POINTS, rev_byteorder=True)  # type: ignore[attr-defined]
    width, height, channels, pixels = bitmap.width, bitmap.height, bitmap.n_channels, bytes(bitmap.buffer)
    rows = []
    for at in range(height):
        row = pixels[at * bitmap.stride : at * bitmap.stride + width * channels]
        colours = bytearray(width * 3)
        for colour in range(3):
            colours[colour::3] = row[colour::channels]
        rows.append(b"\0" + bytes(colours))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
