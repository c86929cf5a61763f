"""WeasyPrint behind one call: HTML and styles in, PDF and findings out, nothing fetched but the theme's fonts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from trainer.core.digest import digest_bytes

_FONTS = Path(__file__).parent.parent / "theme" / "fonts"
_SCHEME = "theme-font:"
_MOST_DATA = 20_000_000


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
        content = page.write_pdf(
            stylesheets=sheets,
            font_config=self._fonts,
            pdf_variant="pdf/ua-1",
            pdf_identifier=digest_bytes("\0".join((html, *styles)).encode())[:32].encode(),
        )
        return content, self._log.findings()

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
        """The warnings about content; those about styles say nothing to a reader."""
        kinds = (("Failed to load image", "missing_image"), ("No anchor", "broken_link"))
        return [
            {"kind": kind, "message": said} for said in self.records for words, kind in kinds if said.startswith(words)
        ]
