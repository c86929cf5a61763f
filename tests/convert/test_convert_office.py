"""Word and LaTeX by our own writers: nothing of the structure is lost."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from xml.etree import ElementTree

from corpus.convert.written import to_docx, to_latex
from trainer.convert import parse_markdown

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DOCUMENT = """---
title: Everything
date: 2025-02-14
---
## First

Words with **strong**, *emphasis*, ~~gone~~, `code_x`, [a link](https://www.gnu.org/a_b?c=1&d=2) and a note.[^1]

1. one
   - two
     - three
2. four

- [x] done

Table: Sales & costs

| Year | Sales |
|---|---:|
| 2023 | $1,200 |
| 2024 | 50 % |

> Quoted # $ % & _ { } ~ ^ \\\\ text.

```python
print("hi")  # & %
```

![A picture](p.png)

### Second

$$
x^2
$$

Inline $E = mc^2$ and $\\input{/etc/passwd}$.

[^1]: The *note*.
"""

CHART = """# Sales

```chart
type: bar
title: Sales
description: Sales by year.
rows: [["2022-12-31", 12], ["2023-12-31", 15], ["2024-12-31", 11]]
columns: [date, sales]
unit: USD
```
"""


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 3, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0\0" * 3)) + chunk(b"IEND", b"")
    )


def parts(content: bytes) -> dict[str, ElementTree.Element]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {
        name: ElementTree.fromstring(archive.read(name))
        for name in archive.namelist()
        if name.endswith((".xml", ".rels"))
    }


def test_a_word_file_keeps_the_structure(tmp_path):
    (tmp_path / "p.png").write_bytes(png())
    made = parts(to_docx(DOCUMENT, assets=tmp_path).content)
    body = made["word/document.xml"]
    styles = [style.get(f"{W}val") for style in body.iter(f"{W}pStyle")]

    assert [style for style in styles if style and style.startswith("Heading")] == ["Heading2", "Heading3"]
    assert (styles.count("Title"), styles.count("Quote"), styles.count("SourceCode")) == (1, 1, 2)
    assert [level.get(f"{W}val") for level in body.iter(f"{W}ilvl")] == ["0", "1", "2", "0", "0"]
    assert [[("".join(t.itertext())) for t in row.iter(f"{W}tc")] for row in body.iter(f"{W}tr")] == [
        ["Year", "Sales"],
        ["2023", "$1,200"],
        ["2024", "50\u00a0%"],
    ]
    assert len(list(body.iter(f"{W}hyperlink"))) == 1
    assert len(list(body.iter(f"{W}footnoteReference"))) == 1
    assert "The note." in "".join(made["word/footnotes.xml"].itertext())
    assert len(list(body.iter("{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"))) == 1


def test_a_chart_is_a_picture_and_a_drawing_in_word_above_its_figures():
    first, second = to_docx(CHART), to_docx(CHART)
    archive = zipfile.ZipFile(io.BytesIO(first.content))
    body = parts(first.content)["word/document.xml"]
    described = [found.get("descr") for found in body.iter() if found.tag.endswith("}docPr")]
    vector, shown = archive.read("word/media/image2.svg").decode(), archive.read("word/media/image1.png")

    assert described == ["Sales by year."]
    assert struct.unpack(">II", shown[16:24])[0] == 1700
    assert len(shown) > 8_000, "an empty picture is smaller"
    assert vector.startswith("<svg")
    assert [["".join(cell.itertext()) for cell in row.iter(f"{W}tc")] for row in body.iter(f"{W}tr")][1:] == [
        ["2022-12-31", "$12.00"],
        ["2023-12-31", "$15.00"],
        ["2024-12-31", "$11.00"],
    ]
    assert first.content == second.content
    assert first.findings == ()


def test_a_word_file_has_the_same_bytes_always():
    assert to_docx(DOCUMENT).content == to_docx(parse_markdown(DOCUMENT)).content


def test_latex_keeps_the_structure_and_escapes_what_is_special():
    text = to_latex(DOCUMENT).content

    assert re.findall(r"\\((?:sub)?section)\*", text) == ["section", "subsection"]
    assert (text.count("\\begin{enumerate}"), text.count("\\begin{itemize}"), text.count("\\item")) == (1, 3, 5)
    assert "2023 & \\$1,200\\\\" in text
    assert r"Quoted \# \$ \% \& \_ \{ \} \textasciitilde{} \textasciicircum{} \textbackslash{} text." in text
    assert 'print("hi")  # & %' in text
    assert r"\footnote[1]{The \emph{note}.}" in text
    assert r"\href{https://www.gnu.org/a\_b?c=1\&d=2}{a link}" in text


def test_latex_takes_formulas_as_they_are_but_no_commands_that_reach_out():
    text = to_latex(DOCUMENT).content

    assert "$E = mc^2$" in text
    assert "\\[x^2\\]" in text
    body = text.partition("\\begin{document}")[2]
    assert "\\input" not in body.replace("\\textbackslash{}input", "")


def test_a_wide_table_gets_smaller_type_in_word():
    row = "| " + " | ".join(["$1,234.5 million"] * 12) + " |\n"
    wide = to_docx(row + "|---" * 12 + "|\n" + row).content
    narrow = to_docx("| a |\n|---|\n| 1 |\n").content

    assert b'w:val="TableTextSmall"' in _document(wide)
    assert b'w:val="TableTextSmall"' not in _document(narrow)


def _document(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return parts.read("word/document.xml")


def test_notes_of_titles_and_notes_cited_twice_keep_their_numbers():
    text = "# T *em* [l](https://x.org)[^1]\n\nA[^2] B[^2]\n\n[^1]: one\n[^2]: two\n[^3]: never cited\n"
    with zipfile.ZipFile(io.BytesIO(to_docx(text).content)) as archive:
        body, notes = (archive.read(f"word/{part}.xml").decode() for part in ("document", "footnotes"))

    assert re.findall(r'<w:footnoteReference w:id="(\d)"/>|<w:t>(\d)</w:t>', body) == [
        ("1", ""), ("2", ""), ("", "2"), ("", "3"),
    ]  # fmt: skip
    assert "never cited" in body
    assert [word in notes for word in ("one", "two")] == [True, True]


def test_a_document_in_arabic_is_set_from_the_right():
    with zipfile.ZipFile(
        io.BytesIO(to_docx("---\nlang: ar\n---\nنص\n\n| أ | ب |\n|---|---|\n| 1 | 2 |\n").content)
    ) as archive:
        body = archive.read("word/document.xml").decode()

    assert '<w:bidi w:val="1"/>' in body
    assert "<w:bidiVisual/>" in body
