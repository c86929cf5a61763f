"""WeasyPrint behind one call: HTML and styles in, PDF and findings out, nothing fetched but the theme's fonts."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydyf  # type: ignore[import-untyped]
from weasyprint import CSS, DEFAULT_OPTIONS, HTML
from weasyprint.formatting_structure.boxes import TextBox
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from trainer.core.digest import digest_bytes

_FONTS = Path(__file__).parent.parent / "theme" / "fonts"
_SCHEME = "theme-font:"
_MOST_DATA = 20_000_000
_MOST_CLIPPED = 20
_IN_ITEM = ("/Lbl", "/LBody")
_MISSING_GLYPH = re.compile(r'"(.)" \((U\+[0-9A-F]+)\)\Z', re.DOTALL)


class Printer:
    """One font configuration and parsed styles, kept for all documents of a worker."""

    def __init__(self) -> None:
        self._fonts = FontConfiguration()
        self._fetcher = _Fetcher()
        self._styles: dict[str, CSS] = {}
        self._log = _Log()
        for name in ("weasyprint", "fontTools"):
            logger = logging.getLogger(name)
            logger.handlers = [self._log] if name == "weasyprint" else []
            logger.propagate = False

    def print(self, html: str, styles: tuple[str, ...]) -> tuple[bytes, list[dict[str, str]]]:
        """The PDF of a page, tagged for PDF/UA-1, and what WeasyPrint complained about."""
        self._log.records = []
        sheets = [self._sheet(style) for style in styles]
        page = HTML(string=html, url_fetcher=self._fetcher, base_url=None)
        options = {
            "stylesheets": sheets,
            "pdf_variant": "pdf/ua-1",
            "pdf_identifier": digest_bytes("\0".join((html, *styles)).encode())[:32].encode(),
        }
        document = page.render(font_config=self._fonts, **options)
        content = document.write_pdf(finisher=finish_tags, **{**DEFAULT_OPTIONS, **options})
        return content, [*self._log.findings(), *clipped(document)]

    def _sheet(self, style: str) -> CSS:
        if style not in self._styles:
            self._styles[style] = CSS(string=style, font_config=self._fonts, url_fetcher=self._fetcher)
        return self._styles[style]


class _Fetcher(URLFetcher):  # type: ignore[misc]
    """Gives the theme's fonts and data inside the page; refuses everything else."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url: str | None, headers: Any = None) -> URLFetcherResponse:
        if url is None:
            raise ValueError("nothing to fetch")
        if url.startswith(_SCHEME):
            path = _FONTS / Path(url.removeprefix(_SCHEME)).name
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})
        if not url.lower().startswith("data:") or len(url) > _MOST_DATA:
            raise ValueError("only data inside the page is used, nothing is fetched")
        return super().fetch(url, headers)


class _Log(logging.Handler):
    """Keeps WeasyPrint's warnings of one document."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())

    def findings(self) -> list[dict[str, str]]:
        """The warnings about content, each once; those about styles say nothing to a reader."""
        found = {}
        for said in self.records:
            if glyph := _MISSING_GLYPH.search(said):
                message = f"no font has the letter {glyph[1]!r} ({glyph[2]}); a box stands in its place"
                found[message] = {"kind": "missing_glyph", "message": message, "text": glyph[1]}
            elif said.startswith("Failed to load image"):
                found[said] = {"kind": "missing_image", "message": said}
            elif said.startswith("No anchor"):
                found[said] = {"kind": "broken_link", "message": said}
        return list(found.values())


def clipped(document: Any) -> list[dict[str, str]]:
    """The words that stand beyond the edge of their page."""
    found = []
    for number, page in enumerate(document.pages, 1):
        for box in page._page_box.descendants():
            if isinstance(box, TextBox) and box.text.strip() and _outside(box, page):
                message = f'"{box.text.strip()[:60]}" is cut off at the edge of page {number}'
                found.append({"kind": "clipped", "message": message, "text": box.text.strip()})
    return found[:_MOST_CLIPPED]


def _outside(box: Any, page: Any) -> bool:
    right, bottom = box.position_x + box.width, box.position_y + box.height
    return bool(right > page.width + 1 or box.position_x < -1 or bottom > page.height + 1)


def finish_tags(_document: Any, pdf: Any) -> None:
    """What PDF/UA asks of tags and WeasyPrint leaves out: the scope of header cells, and bodies of list items."""
    elements = {
        _reference(item.reference): item
        for item in pdf.objects
        if isinstance(item, pydyf.Dictionary) and item.get("S") is not None
    }
    _scope_headers(elements)
    for element in elements.values():
        if element["S"] == "/LI":
            _embody(element, elements, pdf)


def _embody(item: Any, elements: Mapping[str, Any], pdf: Any) -> None:
    """Put the parts of a list item that are neither its label nor a body into one body."""
    parts = list(item["K"]) if isinstance(item.get("K"), pydyf.Array) else []
    loose = [part for part in parts if (found := elements.get(_reference(part))) and found["S"] not in _IN_ITEM]
    if not loose:
        return
    body = pydyf.Dictionary({"Type": "/StructElem", "S": "/LBody", "P": item.reference, "K": pydyf.Array(loose)})
    pdf.add_object(body)
    for part in loose:
        elements[_reference(part)]["P"] = body.reference
    at = parts.index(loose[0])
    kept = [part for part in parts if part not in loose]
    item["K"] = pydyf.Array([*kept[:at], body.reference, *kept[at:]])


def _scope_headers(elements: Mapping[str, Any]) -> None:
    """Say of every header cell whether it heads a column or a row."""
    for element in elements.values():
        if element["S"] != "/TH":
            continue
        row = elements.get(_reference(element.get("P")))
        group = elements.get(_reference(row.get("P"))) if row else None
        scope = "/Column" if group is not None and group["S"] == "/THead" else "/Row"
        element["A"] = pydyf.Dictionary({"O": "/Table", "Scope": scope})


def _reference(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
