"""Documents and tables of every format, as other programs write them, or by hand."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from datetime import date
from email.message import EmailMessage
from pathlib import Path

ODF = "urn:oasis:names:tc:opendocument:xmlns"


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """A zip file of parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def word() -> bytes:
    """A Word document with a heading, a list, a table of merged cells, a header, a footer and a remark."""
    import docx

    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "Trial", "Ada"
    document.sections[0].header.paragraphs[0].text = "Confidential header"
    document.sections[0].footer.paragraphs[0].text = "Footer words"
    document.add_heading("Results", 1)
    paragraph = document.add_paragraph("Revenue ")
    paragraph.add_run("grew").bold = True
    paragraph.add_run(" by 5 %.")
    document.add_paragraph("first item", style="List Bullet")
    document.add_paragraph("second item", style="List Number")
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(table.rows, (("Drug", "Phase"), ("A", "2"), ("B", "3")), strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    document.add_comment(paragraph.runs, text="Check this", author="Bob")
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def slides() -> bytes:
    """A presentation with a list, a table, a group, a chart and notes; its second slide is hidden."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Plans"
    slide.placeholders[1].text = "outer point"
    inner = slide.placeholders[1].text_frame.add_paragraph()
    inner.text, inner.level = "inner point", 1
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(3), Inches(1)).table
    for at, words in enumerate(("Year", "Sales", "2024", "70")):
        table.cell(at // 2, at % 2).text = words
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "grouped words"
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("Profit", (1.5, 2.5))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(3), Inches(3), data)
    slide.notes_slide.notes_text_frame.text = "spoken remark"
    hidden = deck.slides.add_slide(deck.slide_layouts[5])
    hidden.shapes.title.text = "Backup"
    hidden._element.set("show", "0")
    target = io.BytesIO()
    deck.save(target)
    return target.getvalue()


def workbook() -> bytes:
    """A workbook: titles above a table with dates, merged cells and codes; a hidden sheet; and one that is no table."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in (
        ("Sales of the group",),
        (),
        ("Region", "Code", "Day", "Revenue", "Final"),
        ("North", "007", date(2025, 1, 31), 5, True),
        (None, "008", date(2025, 2, 28), 7.5, False),
        ("South", "009", None, None, None),
    ):
        sheet.append(row)
    sheet.merge_cells("A4:A5")
    hidden = book.create_sheet("Secret")
    hidden.append(("Name",))
    hidden.append(("x",))
    hidden.sheet_state = "hidden"
    loose = book.create_sheet("Loose")
    loose.append((1, 2))
    loose.append((3, 4))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def open_document(kind: str, body: str, *, meta: str = "") -> bytes:
    """An OpenDocument file of a kind: `text`, `spreadsheet` or `presentation`."""
    names = " ".join(
        f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "text", "table", "drawing", "presentation")
    )
    names += f' xmlns:draw="{ODF}:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    story = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    content = f"<office:document-content {names}>{story}</office:document-content>"
    about = f"<office:document-meta {names}><office:meta>{meta}</office:meta></office:document-meta>"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({"mimetype": mimetype, "content.xml": content, "meta.xml": about})


def open_text() -> bytes:
    """An OpenDocument text with a list, a table and a note."""
    return open_document(
        "text",
        '<text:h text:outline-level="2">Scope</text:h><text:p>One<text:s text:c="2"/>two<text:note><text:note-body>'
        "<text:p>small print</text:p></text:note-body></text:note></text:p><text:list><text:list-item><text:p>item"
        "</text:p></text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>a</text:p>"
        "</table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row><table:table-row>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>c</text:p></table:table-cell></table:table-row>'
        "</table:table>",
        meta="<dc:title>Plan</dc:title>",
    )


def open_sheet() -> bytes:
    """An OpenDocument workbook: a row that stands for three, a million empty ones, and a cell of a type of its own."""
    cell = '<table:table-cell office:value-type="{}" office:{}="{}"><text:p>{}</text:p></table:table-cell>'
    return open_document(
        "spreadsheet",
        '<table:table table:name="One"><table:table-row>'
        + cell.format("string", "x", "", "Day") + cell.format("string", "x", "", "Share") + "</table:table-row>"
        + '<table:table-row table:number-rows-repeated="3">' + cell.format("date", "date-value", "2025-01-31", "31/1")
        + cell.format("percentage", "value", "0.25", "25 %") + "</table:table-row><table:table-row>"
        + cell.format("newest", "x", "", "odd")
        + '</table:table-row><table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row></table:table>',
    )  # fmt: skip


def open_slides() -> bytes:
    """An OpenDocument presentation of one slide with notes."""
    return open_document(
        "presentation",
        '<draw:page draw:name="Opening"><draw:frame><draw:text-box><text:p>on the slide</text:p></draw:text-box>'
        "</draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>said aloud</text:p></draw:text-box>"
        "</draw:frame></presentation:notes></draw:page>",
    )


def book() -> bytes:
    """An EPUB of two chapters, in an order other than that of their names."""
    container = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    opf = (
        '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Novel</dc:title><dc:creator>Eve</dc:creator>'
        '</metadata><manifest><item id="b" href="a.xhtml" media-type="application/xhtml+xml"/><item id="a" '
        'href="b.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/>'
        "</spine></package>"
    )
    page = "<html><head><title>t</title></head><body><h1>{}</h1><p>words of it</p></body></html>"
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OPS/book.opf": opf,
            "OPS/a.xhtml": page.format("Second"),
            "OPS/b.xhtml": page.format("First"),
        }
    )


def message() -> bytes:
    """A message with a text in another encoding, a table attached, and a picture that cannot be read."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Figures für May", "Ada <ada@x.example>", "bob@x.example"
    mail["Date"] = "Fri, 14 Feb 2025 21:00:02 +0000"
    mail.set_content("Here they are: 5 €\n", charset="iso-8859-15")
    mail.add_attachment(b"drug,phase\nA,2\n", maintype="text", subtype="csv", filename="trials.csv")
    mail.add_attachment(b"\x89PNG\r\n\x1a\n0000", maintype="image", subtype="png", filename="logo.png")
    return mail.as_bytes()


def mailbox() -> bytes:
    """A mailbox of two messages."""
    return b"From ada Fri Feb 14 21:00:02 2025\n" + message() + b"\nFrom bob Sat Feb 15 21:00:02 2025\n" + message()


def tarred(files: dict[str, bytes]) -> bytes:
    """A packed tar archive of files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def parquet(folder: str) -> bytes:
    """A Parquet file with a decimal, a day and a list."""
    import duckdb

    path = f"{folder}/made.parquet"
    duckdb.sql("select 1.50::decimal(9,2) as price, date '2025-01-31' as day, [1, 2] as parts").write_parquet(path)
    return Path(path).read_bytes()


RTF = (
    b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}{\\stylesheet{\\s1 heading 1;}}"
    b"{\\info{\\title Memo}{\\author Ada}}{\\header\\pard Head words\\par}\\pard\\s1 Findings\\par\\pard Caf\\'e9 "
    b"\\u8364?5 {\\b bold}{\\v hidden}{\\footnote\\pard small print} {\\f1 \\'cc\\'e8\\'f0}\\par"
    b"\\trowd\\intbl a\\cell b\\cell\\row\\trowd\\intbl c\\cell d\\cell\\row\\pard end {\\*\\unknown no}\\par}"
)


def packed(content: bytes) -> bytes:
    """The content packed by gzip."""
    return gzip.compress(content, mtime=0)
