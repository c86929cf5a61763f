"""What each reader takes out of its format, and what it says it leaves out."""

from __future__ import annotations

import pytest

from servers import documents
from trainer.convert import Options, convert
from trainer.core.errors import ConversionError
from trainer.core.readings import DocumentText, data_of, read_file


def told(reading) -> list[str]:
    return [finding.message for finding in reading.findings]


def test_word_gives_every_part_in_order():
    reading = read_file(documents.word(), shown="trial.docx")

    assert reading.markdown == (
        "Confidential header\n\n# Results\n\nRevenue **grew** by 5 %.[^c0]\n\n- first item\n1. second item\n\n"
        "| Drug | Phase |\n| --- | --- |\n| A | 2 |\n| B | 3 |\n\nFooter words\n\n[^c0]: Bob: Check this\n"
    )
    assert (reading.meta["title"], reading.meta["author"]) == ("Trial", "Ada")
    assert data_of(reading)["tables"] == [
        {"title": "Results", "records": [{"Drug": "A", "Phase": 2}, {"Drug": "B", "Phase": 3}]}
    ]


def test_strict_word_is_read_like_the_other():
    body = (
        '<w:document xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"><w:body><w:p><w:ins><w:r><w:t>kept'
        "</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:rPr><w:vanish/></w:rPr>"
        "<w:t>unseen</w:t></w:r></w:p></w:body></w:document>"
    )

    reading = read_file(documents.zipped({"word/document.xml": body}), shown="strict.docx")

    assert reading.markdown == "kept\n"
    assert told(reading) == ["left out: 1 deleted passage", "left out: 1 hidden passage"]


def word_list(*items: tuple[str, str]) -> bytes:
    """Paragraphs, each in a list; definition 7 starts at 5, and lists 1 and 2 are both of it, 2 begun anew at 1."""
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    level = '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="decimal"/></w:lvl>'
    numbering = (
        f'<w:numbering xmlns:w="{w}"><w:abstractNum w:abstractNumId="7">{level.format(0, 5)}{level.format(1, 1)}'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId '
        'w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num></w:numbering>'
    )
    paragraph = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{}"/></w:numPr></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    )
    body = "".join(paragraph.format(*place.split("."), words) for place, words in items)
    document = f'<w:document xmlns:w="{w}"><w:body>{body}</w:body></w:document>'
    return documents.zipped({"word/document.xml": document, "word/numbering.xml": numbering})


def test_the_items_of_word_keep_the_numbers_that_it_prints():
    content = word_list(("0.1", "a"), ("1.1", "b"), ("0.1", "c"), ("0.0", "between"), ("0.1", "d"), ("0.2", "e"))

    reading = read_file(content, shown="steps.docx")

    assert reading.markdown == "5. a\n   1. b\n6. c\n\nbetween\n\n7. d\n\n<!-- -->\n\n1. e\n"


def test_the_items_of_open_documents_keep_their_numbers():
    text, style = "urn:oasis:names:tc:opendocument:xmlns:text:1.0", "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="{text}" '
        f'xmlns:style="{style}" office:mimetype="application/vnd.oasis.opendocument.text"><office:automatic-styles>'
        '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" '
        'text:start-value="3"/><text:list-level-style-bullet text:level="2" text:bullet-char="-"/></text:list-style>'
        '</office:automatic-styles><office:body><office:text><text:list text:style-name="L" xml:id="one">'
        "<text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p></text:list-item></text:list>"
        "</text:list-item><text:list-item><text:p>c</text:p></text:list-item></text:list><text:p>between</text:p>"
        '<text:list text:style-name="L" text:continue-list="one"><text:list-item><text:p>d</text:p></text:list-item>'
        '<text:list-item text:start-value="9"><text:p>e</text:p></text:list-item></text:list>'
        "</office:text></office:body></office:document>"
    )

    reading = read_file(content.encode(), shown="steps.fodt")

    assert reading.markdown == "3. a\n   - b\n4. c\n\nbetween\n\n5. d\n9. e\n"


def test_two_numbered_lists_of_html_stay_two():
    reading = read_file(b"<ol><li>a<ol><li>b</ol><li>c</ol><ol><li>d</ol><p>e<ol start=7><li>f</ol>", shown="a.html")

    assert reading.markdown == "1. a\n   1. b\n2. c\n\n<!-- -->\n\n1. d\n\ne\n\n7. f\n"


def test_the_cells_under_a_cell_of_several_rows_of_html_stay_in_their_columns():
    table = (
        b"<table><tr><th>Region<th>Product<th>Units<tr><td rowspan=2>EU<td>Cable<td>12<tr><td>Hub<td>7"
        b"<tr><td colspan=2>US<td rowspan=2>3<tr><td>Asia<td>Plug</table>"
    )

    assert read_file(table, shown="a.html").markdown == (
        "| Region | Product | Units |\n| --- | --- | --- |\n| EU | Cable | 12 |\n| EU | Hub | 7 |\n"
        "| US |  | 3 |\n| Asia | Plug |  |\n"
    )


def test_text_boxes_nested_tables_and_merged_cells_of_word_lose_no_word():
    w, wps = "http://schemas.openxmlformats.org/wordprocessingml/2006/main", "urn:x"
    body = (
        f'<w:document xmlns:w="{w}" xmlns:mc="urn:mc" xmlns:wps="{wps}"><w:body><w:p><w:r><mc:AlternateContent>'
        '<mc:Choice Requires="wps"><w:drawing><wps:txbx><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p>'
        "</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>boxed"
        "</w:t></w:r></w:p></w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p><w:tbl><w:tr>"
        '<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>wide</w:t></w:r></w:p></w:tc></w:tr><w:tr>'
        "<w:tc><w:tbl><w:tr><w:tc><w:p><w:r><w:t>in</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>ner</w:t></w:r></w:p>"
        "</w:tc></w:tr></w:tbl></w:tc><w:tc><w:p><w:r><w:t>right</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        "</w:body></w:document>"
    )

    reading = read_file(documents.zipped({"word/document.xml": body}), shown="boxes.docx")

    assert reading.markdown == "boxed\n\n| wide |  |\n| --- | --- |\n| in · ner | right |\n"


def test_slides_give_titles_lists_tables_groups_charts_and_notes():
    reading = read_file(documents.slides(), shown="deck.pptx")

    assert reading.markdown == (
        "## Plans\n\n- outer point\n  - inner point\n\n| Year | Sales |\n| --- | --- |\n| 2024 | 70 |\n\n"
        "grouped words\n\n"
        "|  | Profit |\n| --- | --- |\n| North | 1.5 |\n| South | 2.5 |\n\n> spoken remark\n\n## Backup\n"
    )
    assert reading.meta["slides"] == 2
    assert told(reading) == ["slide 2 is hidden, and read"]


def test_a_workbook_gives_every_sheet_with_its_types():
    reading = read_file(documents.workbook(), shown="book.xlsx")

    assert reading.value == {
        "sheets": {
            "Sales": {
                "notes": ["Sales of the group"],
                "records": [
                    {"Region": "North", "Code": "007", "Day": "2025-01-31", "Revenue": 5, "Final": True},
                    {"Region": "North", "Code": "008", "Day": "2025-02-28", "Revenue": 7.5, "Final": False},
                    {"Region": "South", "Code": "009", "Day": None, "Revenue": None, "Final": None},
                ],
            },
            "Secret": [{"Name": "x"}],
            "Loose": {"rows": [[1, 2], [3, 4]]},
        }
    }
    assert reading.meta["sheets"][1] == {"name": "Secret", "rows": 2, "hidden": True}
    assert told(reading) == [
        'the sheet "Secret" is hidden, and read',
        'the sheet "Loose" has no row of names over its columns, and is read as rows of cells',
    ]


def test_an_open_document_workbook_repeats_what_stands_for_many_and_ends_with_the_last_cell():
    reading = read_file(documents.open_sheet(), shown="sheet.ods")

    assert reading.value == [{"Day": "2025-01-31", "Share": 0.25}] * 3 + [{"Day": "odd", "Share": None}]


def test_open_document_text_and_slides_are_read():
    text = read_file(documents.open_text(), shown="plan.odt")
    deck = read_file(documents.open_slides(), shown="deck.odp")

    assert text.markdown == (
        "## Scope\n\nOne two[^n1]\n\n- item\n\n| a | b |\n| --- | --- |\n| c | c |\n\n[^n1]: small print\n"
    )
    assert text.meta == {"title": "Plan"}
    assert deck.markdown == "## Opening\n\non the slide\n\n> said aloud\n"


def test_rtf_gives_words_in_every_code_page():
    reading = read_file(documents.RTF, shown="memo.rtf")

    assert reading.markdown == (
        "Head words\n\n# Findings\n\nCafé €5 **bold**[^f1] Мир\n\n| a | b |\n| --- | --- |\n| c | d |\n\nend\n\n"
        "[^f1]: small print\n"
    )
    assert reading.meta == {"title": "Memo", "author": "Ada"}


def test_a_book_is_read_in_its_own_order():
    reading = read_file(documents.book(), shown="novel.epub")

    assert reading.markdown == "# First\n\nwords of it\n\n# Second\n\nwords of it\n"
    assert reading.meta == {"title": "Novel", "author": "Eve", "chapters": 2}


def test_a_message_gives_headers_text_and_what_is_attached():
    reading = read_file(documents.message(), shown="may.eml")

    assert reading.markdown == "Here they are\\: 5 €\n\n## trials.csv\n\n| Drug | Phase |\n| --- | --- |\n| A | 2 |\n"
    assert reading.meta["title"] == "Figures für May"
    assert reading.meta["attachments"] == ["trials.csv", "logo.png"]
    assert told(reading) == ["left out: logo.png: a picture, in which no words are read"]


def test_a_mailbox_is_a_list_of_messages():
    messages = read_file(documents.mailbox(), shown="all.mbox").value

    assert [one["title"] for one in messages] == ["Figures für May"] * 2
    assert all("5 €" in one["text"] for one in messages)


def test_an_archive_gives_what_its_files_hold_and_refuses_ways_out():
    files = {"a.csv": b"x\n1\n", "../evil.csv": b"y\n2\n", "deep/b.json": b'{"z": 3}', "c.bin": b"\0\1\2\3"}

    for content, name in ((documents.zipped(files), "all.zip"), (documents.tarred(files), "all.tar.gz")):
        reading = read_file(content, shown=name)

        assert reading.value == {"files": {"a.csv": {"records": [{"x": 1}]}, "deep/b.json": {"z": 3}}}
        assert sorted(told(reading)) == [
            "left out: ../evil.csv, which leads out of the archive",
            "left out: c.bin: neither text nor a format that is known",
        ]


def test_a_single_packed_file_is_what_it_was():
    assert read_file(documents.packed(b"x\n1\n"), shown="a.csv.gz").value == [{"x": 1}]


def test_parquet_is_records(tmp_path):
    reading = read_file(documents.parquet(str(tmp_path)), shown="a.parquet")

    assert reading.value == [{"price": 1.5, "day": "2025-01-31", "parts": [1, 2]}]


def test_xml_is_data_with_one_type_for_all_values_of_a_path():
    content = b'<r v="1"><row><n>a</n><x>1.50</x></row><row><n>b</n><x>2</x></row><t>some <b>mixed</b> text</t><u/></r>'

    reading = read_file(content, shown="a.xml")

    rows = [{"n": "a", "x": 1.5}, {"n": "b", "x": 2.0}]
    assert reading.value == {"r": {"@v": 1, "row": rows, "t": {"#text": "some text", "b": "mixed"}, "u": None}}


PAGE = "# Report\n\nFirst paragraph of words.\n\n| Drug | Phase |\n| --- | --- |\n| A | 2 |\n| B | 3 |\n"


def test_a_pdf_gives_its_text_with_pages_headings_and_metadata():
    content = convert(b"---\ntitle: Trial\n---\n" + PAGE.encode(), source="markdown", target="pdf").content

    reading = read_file(content, shown="trial.pdf")

    assert isinstance(reading, DocumentText)
    assert reading.markdown.startswith("# ")
    assert "First paragraph of words." in reading.markdown
    assert reading.meta["title"] == "Trial"
    assert reading.meta["pages"] == 1


def test_a_pdf_without_text_says_so_and_what_to_do():
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 200)

    with pytest.raises(ConversionError, match="no text in it"):
        read_file(saved(document), shown="scan.pdf")


def saved(document) -> bytes:
    import io

    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.docx", b"%PDF-1.7 garbage", "damaged, or no PDF"),
        ("a.docx", b"PK\x05\x06" + bytes(18), "no file in it that can be read"),
        ("a.xlsx", documents.zipped({"xl/workbook.xml": "<x/>"}), "damaged, or no workbook"),
        ("a.xlsx", documents.zipped({"xl/worksheets/a.xml": '<c r="A1"><v/></c><c r="XFD99999"><v>'}), "reaches over"),
        ("a.odt", documents.zipped({"mimetype": "application/vnd.oasis.opendocument.text"}), "content.xml is missing"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a picture, in which no words are read"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0", "before 2007"),
        ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__properties_version1.0".encode("utf-16-le"), "damaged"),
        ("a.rtf", b"words", "no RTF"),
        ("a.xml", b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>', "entities of its own"),
        ("a.parquet", b"PAR1" + bytes(20), "not valid Parquet"),
        ("a.mbox", b"words", "no message in it"),
        ("a.zip", b"\x7fELF" + bytes(20), "a program"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words_with_what_to_do(name, content, message):
    with pytest.raises(ConversionError, match=message) as caught:
        read_file(content, shown=name)

    assert caught.value.problems[0].hint
    assert caught.value.problems[0].where.path.startswith(name)


def test_a_name_that_the_content_contradicts_does_not_decide():
    reading = read_file(documents.word(), shown="trial.pdf")

    assert told(reading) == ["named .pdf, and holds Word"]


def test_a_table_whose_first_cell_is_a_link_is_no_page():
    assert read_file(b'<a href="x">y</a>,b\n1,2\n', shown="a.csv").value == [{'<a href="x">y</a>': 1, "b": 2}]


def test_documents_convert_to_markdown_with_what_they_say_of_themselves():
    converted = convert(documents.book(), target="markdown", shown="novel.epub", options=Options())

    assert converted.content.startswith('---\ntitle: "Novel"\nauthor: "Eve"\nchapters: 2\n---\n\n# First\n')
