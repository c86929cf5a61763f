"""PDF by pdfium: the text of every page, its headings by size, its ruled tables, and what the file says of itself."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from trainer.convert.readers.drawings import table_html
from trainer.convert.readers.grids import Grid, find_grids
from trainer.convert.readers.html import html_to_markdown
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding, Json

_LOCK = threading.Lock()  # pdfium is not safe to share between threads
_MOST_PAGES = 5_000
_OPEN, _CLOSE = "\ue000", "\ue001"
_PROPERTIES = {"Title": "title", "Author": "author", "Subject": "subject", "Keywords": "keywords"}
_DATES = {"CreationDate": "created", "ModDate": "modified"}
_OCR = "run it through OCR, for example: ocrmypdf FILE OUT.pdf"


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001  (the seam's signature)
    """The text page by page, each behind a comment that names it; pages that are pictures of text are told.

    Raises ConversionError where there is no text at all, for a locked file, and for a damaged one.
    """
    with _LOCK, _opened(content, shown) as document:
        total = len(document)
        pages = [_page(document, number) for number in range(min(total, _MOST_PAGES))]
        meta = {**_about(document), "pages": total}
        fields = [field for page in pages for field in page.fields]
        attached = document.count_attachments()
    findings = [*_told(pages, total, attached, shown)]
    if not any(page.lines or page.fields for page in pages):
        pictures = sum(page.has_pictures for page in pages)
        message = f"no text: its {pictures} pages are pictures of text" if pictures else "no text in it"
        message = message.replace("its 1 pages are pictures", "its page is a picture")
        raise ConversionError(message, where=Where(shown), hint=_OCR if pictures else "it holds drawings alone")
    body = _body_size(pages)
    levels = _heading_levels(pages, body)
    pieces = []
    for number, page in enumerate(pages, 1):
        if total > 1:
            pieces.append(f"<p>{_OPEN}{number}{_CLOSE}</p>")
        pieces += _blocks(page, levels)
    pieces += [f"<p>{escape(field)}</p>" for field in dict.fromkeys(fields)]
    markdown = html_to_markdown("".join(pieces))
    markdown = re.sub(f"{_OPEN}(\\d+){_CLOSE}", r"<!-- page \1 -->", markdown)
    return DocumentText(markdown, shown, meta=meta, findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    """Of its first letter, in points."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What is on a page."""

    lines: tuple[_Line, ...]
    tables: tuple[tuple[Grid, tuple[tuple[str, ...], ...]], ...]
    """Ruled tables with the words of their cells."""
    fields: tuple[str, ...]
    """Form fields that are filled in, and remarks."""
    has_pictures: bool


@contextlib.contextmanager
def _opened(content: bytes, shown: str) -> Iterator[Any]:
    import pypdfium2
    from pypdfium2 import raw

    where = Where(shown)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            hint = "open it with the password, and print it to a PDF without"
            raise ConversionError("locked by a password", where=where, hint=hint) from None
        hint = "open it in a viewer, and save it again"
        raise ConversionError("damaged, or no PDF", where=where, hint=hint) from None
    try:
        if not len(document):
            raise ConversionError("no pages in it", where=where, hint="open it in a viewer, and save it again")
        yield document
    except pypdfium2.PdfiumError as error:
        hint = "open it in a viewer, and save it again"
        raise ConversionError(f"damaged: {error}", where=where, hint=hint) from None
    finally:
        document.close()


def _page(document: Any, number: int) -> _Page:
    from pypdfium2 import PdfiumError, raw

    try:
        page = document[number]
    except PdfiumError:  # one damaged page does not keep the others out
        return _Page((), (), (), has_pictures=False)
    try:
        text = page.get_textpage()
        lines = tuple(_lines(text))
        kinds = [raw.FPDF_PAGEOBJ_IMAGE] if lines else [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH]
        has_pictures = next(iter(page.get_objects(filter=kinds, max_depth=4)), None) is not None
        tables = []
        if lines:
            for grid in find_grids(page):
                cells = tuple(tuple(_cell(text, *box) for box in row) for row in grid.cells)
                inside = [line for line in lines if grid.holds(line.left, line.bottom, line.right, line.top)]
                if _letters(word for row in cells for word in row) == _letters(line.text for line in inside):
                    tables.append((grid, cells))
        return _Page(lines, tuple(tables), tuple(_fields(page)), has_pictures)
    except PdfiumError:
        return _Page((), (), (), has_pictures=False)
    finally:
        page.close()


def _cell(text: Any, left: float, bottom: float, right: float, top: float) -> str:
    return " ".join(_clean(text.get_text_bounded(left, bottom, right, top)).split())


def _letters(texts: Any) -> Counter[str]:
    return Counter("".join("".join(text.split()) for text in texts))


def _lines(text: Any) -> Iterator[_Line]:
    """The lines in the order in which the file writes them."""
    from ctypes import c_double

    from pypdfium2 import raw

    whole = text.get_text_range()
    at = 0
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    for raw_line in whole.split("\r\n"):
        words = _clean(raw_line)
        if words.strip():
            lead = len(raw_line) - len(raw_line.lstrip())
            boxes = [
                (left.value, bottom.value, right.value, top.value)
                for index in (at + lead, at + len(raw_line.rstrip()) - 1)
                if raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
            ]
            size = raw.FPDFText_GetFontSize(text, at + lead)
            if boxes:
                yield _Line(
                    words.strip(), boxes[0][0], min(box[1] for box in boxes), boxes[-1][2],
                    max(box[3] for box in boxes), size,
                )  # fmt: skip
            else:
                yield _Line(words.strip(), 0, 0, 0, 0, size)
        at += len(raw_line) + 2


def _clean(text: str) -> str:
    """The text without what no file means: noughts, and marks of pdfium's for hyphens at the ends of lines."""
    return text.replace("\ufffe", "\x02").replace("\x00", "").replace("\r", "").replace("\n", " ")


def _fields(page: Any) -> Iterator[str]:
    """Form fields with what is filled in, and remarks."""
    from ctypes import c_ushort

    from pypdfium2 import raw

    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 5_000)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        keys = {raw.FPDF_ANNOT_WIDGET: ("T", "V"), raw.FPDF_ANNOT_LINK: (), raw.FPDF_ANNOT_POPUP: ()}.get(
            kind, ("Contents",)
        )
        values = []
        for key in keys:
            size = raw.FPDFAnnot_GetStringValue(annotation, key.encode(), None, 0)
            buffer = (c_ushort * (size // 2 + 1))()
            raw.FPDFAnnot_GetStringValue(annotation, key.encode(), buffer, size)
            values.append(bytes(buffer).decode("utf-16-le", "replace").rstrip("\0").strip())
        raw.FPDFPage_CloseAnnot(annotation)
        if values and values[-1] and values[-1] != "Off":
            yield " ".join(": ".join(value for value in values if value).split())


def _about(document: Any) -> dict[str, Json]:
    metadata = document.get_metadata_dict(skip_empty=True)
    meta: dict[str, Json] = {}
    for name, key in _PROPERTIES.items():
        if words := " ".join(str(metadata.get(name, "")).replace("\0", "").split()):
            meta[key] = words
    for name, key in _DATES.items():
        if moment := re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", str(metadata.get(name, ""))):
            meta[key] = "-".join(part for part in moment.groups() if part)
    return meta


def _told(pages: Sequence[_Page], total: int, attached: int, shown: str) -> Iterator[Finding]:
    where = Where(shown)
    scanned = [number for number, page in enumerate(pages, 1) if not page.lines and page.has_pictures]
    if scanned and len(scanned) < len(pages):
        message = f"no text on page {_ranges(scanned)}: pictures of text, or drawings"
        yield Finding("scanned", "warning", message, where, hint=_OCR)
    if total > len(pages):
        message = f"read to page {len(pages):,} of {total:,}"
        yield Finding("left_out", "warning", message, where, hint="split it")
    if attached:
        message = f"left out: {attached} attached file{'s' if attached > 1 else ''}"
        yield Finding("left_out", "note", message, where)


def _ranges(numbers: Sequence[int]) -> str:
    """`1, 3-5` for 1, 3, 4, 5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)


def _body_size(pages: Sequence[_Page]) -> float:
    """The size that most letters have."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0


def _heading_levels(pages: Sequence[_Page], body: float) -> dict[float, int]:
    """Levels by size for what stands out: sizes of few letters, a sixth larger than the body's."""
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            letters[round(line.size * 2) / 2] += len(line.text)
    total = letters.total()
    large = sorted(
        (size for size, count in letters.items() if size >= body * 1.15 and count < total * 0.2), reverse=True
    )
    return {size: min(level, 3) for level, size in enumerate(large, 1)}


def _blocks(page: _Page, levels: dict[float, int]) -> Iterator[str]:
    """Headings, paragraphs and tables in the order of the file."""
    paragraph: list[_Line] = []
    written: set[int] = set()
    for line in page.lines:
        table = next(
            (
                at
                for at, (grid, _) in enumerate(page.tables)
                if grid.holds(line.left, line.bottom, line.right, line.top)
            ),
            None,
        )
        if table is not None:
            yield from _paragraph(paragraph, levels)
            paragraph = []
            if table not in written:
                written.add(table)
                yield table_html([[escape(cell) for cell in row] for row in page.tables[table][1]])
            continue
        if paragraph and not _continues(paragraph[-1], line):
            yield from _paragraph(paragraph, levels)
            paragraph = []
        paragraph.append(line)
    yield from _paragraph(paragraph, levels)


def _continues(before: _Line, line: _Line) -> bool:
    """Whether a line goes on with the paragraph of the line before: as large, right below it, and no new item."""
    gap = before.bottom - line.top
    height = max(before.top - before.bottom, line.size * 0.7, 1)
    if abs(before.size - line.size) > 0.6 or re.match(r"(?:[•▪◦‣·–-]|\(?\d{1,2}[.)])\s", line.text):
        return False
    return -height < gap < height * 1.1 and line.left < before.right


def _paragraph(lines: Sequence[_Line], levels: dict[float, int]) -> Iterator[str]:
    if not lines:
        return
    words = ""
    for line in lines:
        if words.endswith("\x02"):
            words = words.removesuffix("\x02") + line.text
        else:
            words = f"{words} {line.text}" if words else line.text
    words = re.sub(r"\x02\s*", "", words)
    level = levels.get(round(lines[0].size * 2) / 2)
    tag = f"h{level}" if level and len(words) < 200 else "p"
    yield f"<{tag}>{escape(words)}</{tag}>"
