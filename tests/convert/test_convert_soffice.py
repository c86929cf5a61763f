"""Word files through another program: LibreOffice opens them, keeps their structure and clips no table."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pytest

from corpus.convert.structure import EVERYTHING, Structure, put_pictures, structure
from corpus.convert.wide_tables import TABLES, expected, is_bidirectional
from corpus.convert.written import to_docx

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, STYLE = ODF % "text", ODF % "table", ODF % "style"
SOME = ("16 columns of figures", "24 columns of words", "large figures", "a long word", "Chinese", "dates", "emoji")
REPORT = """---
title: Acme
date: 2025-02-21
---

# Acme

## Sales

They *grew* by **8 %**[^1], see [the filing](https://www.gnu.org/a).

- first
  - nested

1. one
2. two

Table: Sales by year

| Year | Sales |
|------|------:|
| 2023 | $1.3bn |
| 2024 | $1.4bn |

```python
print("words in code")
```

> A remark.

[^1]: The note.
"""


def by_libreoffice(files: Mapping[str, bytes], folder: Path, *, kind: str) -> list[bytes]:
    """What LibreOffice makes of Word files, in their order."""
    for program in ("soffice", "pdftotext"):
        if shutil.which(program) is None:
            pytest.skip(
                f"{program} is not installed: nothing opens our Word files here; "
                "apt-get install libreoffice-writer poppler-utils, then run this file again"
            )
    for name, content in files.items():
        (folder / f"{name}.docx").write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    names = [str(folder / f"{name}.docx") for name in files]
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", folder, *names],
        check=True,
        capture_output=True,
        timeout=240,
        env={**os.environ, "HOME": str(folder)},
    )
    return [(folder / f"{name}.{kind}").read_bytes() for name in files]


def test_libreoffice_opens_the_word_file_and_shows_every_word_in_order(tmp_path):
    by_libreoffice({"a": to_docx(REPORT).content}, tmp_path, kind="pdf")
    shown = subprocess.run(["pdftotext", "-layout", tmp_path / "a.pdf", "-"], check=True, capture_output=True).stdout
    words = " ".join(shown.decode().split())

    body = (
        "Acme 21 February 2025 Sales They grew by 8 %1, see the filing. • first ◦ nested 1. one 2. two "
        'Table 1. Sales by year Year Sales 2023 $1.3bn 2024 $1.4bn print("words in code") A remark.'
    )
    assert words.startswith(body)
    assert "1 The note." in words


def test_a_document_of_everything_has_the_structure_of_its_source_in_word(tmp_path):
    put_pictures(tmp_path)
    markdown = EVERYTHING.read_text("utf-8")
    content = to_docx(markdown, assets=tmp_path).content

    assert in_word(content) == as_word_holds_it(structure(markdown))


def test_the_structure_survives_libreoffice(tmp_path):
    put_pictures(tmp_path)
    markdown = EVERYTHING.read_text("utf-8")
    (content,) = by_libreoffice({"a": to_docx(markdown, assets=tmp_path).content}, tmp_path, kind="odt")

    assert in_odt(content) == as_word_holds_it(structure(markdown))


def as_word_holds_it(source: Structure) -> dict[str, object]:
    """The counts of the source, with tables too wide for a page in their parts, and the SVG as its description."""
    return {
        "headings": source.headings,
        "items": source.items,
        "tables": [[bare(cell) for cell in table] for table in source.tables[:2]],
        "cells": {bare(cell) for table in source.tables for cell in table},
        "code": ["\n".join(line.expandtabs(4).strip() for line in block.split("\n")) for block in source.code],
        "links": source.links,
        "notes": source.notes,
        "images": source.images - 1 + 1,  # the SVG is its description, the chart a picture
    }


def in_word(content: bytes) -> dict[str, object]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    body = ElementTree.fromstring(archive.read("word/document.xml"))
    targets = {
        found.get("Id"): found.get("Target")
        for found in ElementTree.fromstring(archive.read("word/_rels/document.xml.rels"))
    }
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    paragraphs = [(found, style(found)) for found in body.iter(f"{W}p")]
    return {
        "headings": [(int(name[-1]), said(found)) for found, name in paragraphs if name.startswith("Heading")],
        "items": [int(level.get(f"{W}val", "")) + 1 for level in body.iter(f"{W}ilvl")],
        **of_tables([[bare(said(cell)) for cell in table.iter(f"{W}tc")] for table in body.iter(f"{W}tbl")]),
        "code": [said(found) for found, name in paragraphs if name == "SourceCode" and "\\int" not in said(found)],
        "links": [
            targets.get(link.get(relation)) or f"#{link.get(f'{W}anchor')}" for link in body.iter(f"{W}hyperlink")
        ],
        "notes": len(list(body.iter(f"{W}footnoteReference"))),
        "images": len(list(body.iter("{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"))),
    }


def style(paragraph: ElementTree.Element) -> str:
    found = paragraph.find(f"{W}pPr/{W}pStyle")
    return "" if found is None else found.get(f"{W}val", "")


def said(element: ElementTree.Element) -> str:
    pieces = (
        "\n" if found.tag == f"{W}br" else found.text or ""
        for found in element.iter()
        if found.tag in (f"{W}t", f"{W}br")
    )
    lines = "".join(pieces).replace("\u00a0", " ").split("\n")
    return "\n".join(line.expandtabs(4).strip() for line in lines)


def of_tables(tables: list[list[str]]) -> dict[str, object]:
    """The two tables that fit a page by their cells, and all cells, without the table behind the chart."""
    shown = [table for table in tables if "2022-12-31" not in table]
    return {"tables": shown[:2], "cells": {cell for table in shown for cell in table}}


def bare(cell: str) -> str:
    return re.sub(r"\s", "", cell)


def in_odt(content: bytes) -> dict[str, object]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    body = ElementTree.fromstring(archive.read("content.xml"))
    parents = {
        found.get(f"{STYLE}name"): found.get(f"{STYLE}parent-style-name") for found in body.iter(f"{STYLE}style")
    }
    for note in [*body.iter(f"{TEXT}note-body")]:
        note.clear()
    code = [found for found in body.iter(f"{TEXT}p") if "Source" in style_of(found, parents)]
    return {
        "headings": [(int(found.get(f"{TEXT}outline-level", "0")), spoken(found)) for found in body.iter(f"{TEXT}h")],
        "items": list(item_depths(body, 0)),
        **of_tables(
            [[bare(spoken(cell)) for cell in table.iter(f"{TABLE}table-cell")] for table in body.iter(f"{TABLE}table")]
        ),
        "code": [spoken(found) for found in code if "\\int" not in spoken(found)],
        "links": [found.get("{http://www.w3.org/1999/xlink}href") for found in body.iter(f"{TEXT}a")],
        "notes": len(list(body.iter(f"{TEXT}note"))),
        "images": len(list(body.iter(ODF % "drawing" + "image"))),
    }


def style_of(paragraph: ElementTree.Element, parents: Mapping[str | None, str | None]) -> str:
    name = paragraph.get(f"{TEXT}style-name", "")
    return parents.get(name) or name


def item_depths(element: ElementTree.Element, depth: int):
    """The depth of every list item that holds words."""
    inner = depth + (element.tag == f"{TEXT}list")
    if element.tag == f"{TEXT}list-item" and any(child.tag == f"{TEXT}p" for child in element):
        yield depth
    for child in element:
        yield from item_depths(child, inner)


def spoken(element: ElementTree.Element) -> str:
    """The words of an element, without those of its notes' marks."""
    out = [element.text or ""]
    for child in element:
        if child.tag == f"{TEXT}line-break":
            out.append("\n")
        elif child.tag == f"{TEXT}s":
            out.append(" " * int(child.get(f"{TEXT}c", "1")))
        elif child.tag == f"{TEXT}tab":
            out.append("\t")
        elif child.tag != f"{TEXT}note":
            out.append(spoken(child))
        out.append(child.tail or "")
    lines = "".join(out).replace("\u00a0", " ").split("\n")
    return "\n".join(line.expandtabs(4).strip() if "\n" in "".join(out) else line.strip() for line in lines)


def test_wide_tables_fit_the_page_in_libreoffice(tmp_path):
    check_tables({name: TABLES[name] for name in SOME}, tmp_path)


@pytest.mark.soak
def test_all_wide_tables_fit_the_page_in_libreoffice(tmp_path):
    check_tables(TABLES, tmp_path)


def check_tables(tables: Mapping[str, str], folder: Path) -> None:
    """No word outside the page, none lost, no figure broken; from the positions in LibreOffice's PDF."""
    files = {str(at): to_docx("# T\n\nTable: Everything\n\n" + text).content for at, text in enumerate(tables.values())}
    for (name, table), content in zip(tables.items(), by_libreoffice(files, folder, kind="pdf"), strict=True):
        text = ""
        for page in pypdfium2.PdfDocument(content):
            width, height = page.get_size()
            letters = page.get_textpage()
            text += letters.get_text_range() + "\n"
            for at in range(letters.count_chars()):
                left, bottom, right, top = letters.get_charbox(at)
                assert 0 <= left <= right <= width - 56, (name, letters.get_text_range(at, 12))
                assert 0 <= bottom <= top <= height, (name, letters.get_text_range(at, 12))
        found = re.sub(r"[\s\ufffe\x02]", "", text)
        lost = {piece for piece in expected(table) if piece not in found and not is_bidirectional(piece)}
        assert lost - {"🚀", "📉"} == set(), name
        for figure in re.findall(r"[\d,.−]{4,}", table):
            assert figure in text, (name, figure)
