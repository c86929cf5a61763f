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
from weasyprint.urls import URLFetcher, URLFetcherResponse

from trainer.convert.pdf.fonts import FONTS, letters_lacking, own_and_installed_fonts, own_fonts, pin_subsets
from trainer.core.digest import digest_bytes

_SCHEME = "theme-font:"
_MOST_DATA = 20_000_000
_MOST_CLIPPED = 20
_MOST_LETTERS = 40
_IN_ITEM = ("/Lbl", "/LBody")
_MISSING_GLYPH = re.compile(r'"(.)" \((U\+[0-9A-F]+)\)\Z', re.DOTALL)


class Printer:
    """Font configurations and parsed styles, kept for all documents of a worker; `folder` holds its own files."""

    def __init__(self, folder: Path) -> None:
        pin_subsets()
        self._fonts = {False: own_fonts(folder)}
        self._folder = folder
        self._fetcher = _Fetcher()
        self._styles: dict[tuple[str, bool], CSS] = {}
        self._log = _Log()
        for name in ("weasyprint", "fontTools"):
            logger = logging.getLogger(name)
            logger.handlers = [self._log] if name == "weasyprint" else []
            logger.propagate = False

    def print(self, html: str, styles: tuple[str, ...]) -> tuple[bytes, list[dict[str, str]]]:
        """The PDF of a page, tagged for PDF/UA-1, and what WeasyPrint complained about.

        Installed fonts are looked at only where the page has letters that the theme's fonts lack.
        """
        self._log.records = []
        lacking = letters_lacking(html)
        installed = bool(lacking)
        if installed and installed not in self._fonts:
            self._fonts[installed] = own_and_installed_fonts(self._folder)
        sheets = [self._sheet(style, installed=installed) for style in styles]
        page = HTML(string=html, url_fetcher=self._fetcher, base_url=None)
        options = {
            "stylesheets": sheets,
            "pdf_variant": "pdf/ua-1",
            "pdf_identifier": digest_bytes("\0".join((html, *styles)).encode())[:32].encode(),
        }
        document = page.render(font_config=self._fonts[installed], **options)
        content = document.write_pdf(finisher=finish_tags, **{**DEFAULT_OPTIONS, **options})
        complaints = self._log.findings()
        nowhere = {complaint["text"] for complaint in complaints if complaint["kind"] == "missing_glyph"}
        borrowed = "".join(letter for letter in lacking if letter not in nowhere)
        return content, [*_borrowed(borrowed), *complaints, *clipped(document)]

    def _sheet(self, style: str, *, installed: bool) -> CSS:
        key = (style, installed)
        if key not in self._styles:
            fonts = self._fonts[installed]
            self._styles[key] = CSS(string=style, font_config=fonts, url_fetcher=self._fetcher)
        return self._styles[key]


def _borrowed(letters: str) -> list[dict[str, str]]:
    """A note on the letters that installed fonts draw, where the bytes depend on the machine."""
    if not letters:
        return []
    listed = letters[:_MOST_LETTERS] + ("…" if len(letters) > _MOST_LETTERS else "")
    message = f"drawn with fonts of this machine, which the theme's lack: {listed}"
    return [{"kind": "installed_font", "severity": "note", "message": message, "text": letters[0]}]


class _Fetcher(URLFetcher):  # type: ignore[misc]
    """Gives the theme's fonts and data inside the page; refuses everything else."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url: str | None, headers: Any = None) -> URLFetcherResponse:
        if url is None:
            raise ValueError("nothing to fetch")
        if url.startswith(_SCHEME):
            path = FONTS / Path(url.removeprefix(_SCHEME)).name
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
        findings = {}
        for line in self.records:
            if glyph := _MISSING_GLYPH.search(line):
                message = f"no font has the letter {glyph[1]!r} ({glyph[2]}); a box stands in its place"
                findings[message] = {"kind": "missing_glyph", "message": message, "text": glyph[1]}
            elif line.startswith("Failed to load image"):
                findings[line] = {"kind": "missing_image", "message": line}
            elif line.startswith("No anchor"):
                findings[line] = {"kind": "broken_link", "message": line}
        return list(findings.values())


def clipped(document: Any) -> list[dict[str, str]]:
    """The words that stand beyond the edge of their page."""
    findings = []
    for number, page in enumerate(document.pages, 1):
        for box in page._page_box.descendants():
            if isinstance(box, TextBox) and box.text.strip() and _outside(box, page):
                message = f'"{box.text.strip()[:60]}" is cut off at the edge of page {number}'
                findings.append({"kind": "clipped", "message": message, "text": box.text.strip()})
    return findings[:_MOST_CLIPPED]


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
    loose = [part for part in parts if (element := elements.get(_reference(part))) and element["S"] not in _IN_ITEM]
    if not loose:
        return
    body = pydyf.Dictionary({"Type": "/StructElem", "S": "/LBody", "P": item.reference, "K": pydyf.Array(loose)})
    pdf.add_object(body)
    for part in loose:
        elements[_reference(part)]["P"] = body.reference
    at = parts.index(loose[0])
    fixed = [part for part in parts if part not in loose]
    item["K"] = pydyf.Array([*fixed[:at], body.reference, *fixed[at:]])


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
