"""Readers, writers, detection and the specification's face over them."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from trainer.convert import FormatConverter, convert, detect_format, load_theme, theme_digest
from trainer.core.errors import ConversionError, UsageError

HTML = (
    "<html><head><title>Acme</title><style>p{}</style></head><body><h2>Risks &amp; more</h2><p>It <b>grew</b> by "
    "<em>5&nbsp;%</em>, see <a href='https://www.gnu.org/x'>the page</a>.<ul><li>one<ol><li>deep</ol><li>two</ul>"
    "<table><tr><th>Year<th>Sales</tr><tr><td>2024<td>1|2</tr></table><pre>x = `1`\n</pre>"
    "<blockquote>said</blockquote><script>alert(1)</script></body></html>"
)
DETECTED = [
    ('{"a": 1}', "json"), ("[1, 2]", "json"), ('{"a": 1}\n{"a": 2}', "jsonl"), ("<!doctype html><p>x", "html"),
    ("<p>Words</p>", "html"), ("# Title", "markdown"), ("- a\n- b", "markdown"), ("Some **bold** words", "markdown"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "markdown"), ("---\ntitle: x\n---\ntext", "markdown"), ("a,b\n1,2\n3,4", "csv"),
    ("a;b;c\n1;2;3", "csv"), ("a\tb\n1\t2", "csv"), ("name: x\nlist:\n  - 1\n", "yaml"), ("- a: 1\n- a: 2", "yaml"),
    ("Just words.", "text"), ("Dear all, hello,\nthis is it, fine.", "text"), ("", "text"), ("{not json}", "text"),
    ('Answer: {"a": 1}', "text"), ("Title\n=====\n\ntext", "markdown"), ("see [x](https://a.de)", "markdown"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind"), DETECTED)
def test_a_format_is_told_by_its_content(content, kind):
    assert detect_format(content) == kind


def test_binary_formats_are_told_by_their_content():
    made = convert(b"# T", target="docx").content

    assert (detect_format(made), detect_format(b"%PDF-1.7"), detect_format({"a": 1})) == ("docx", "pdf", "json")


def test_html_is_read_as_the_document_it_shows():
    assert convert(HTML.encode(), target="markdown").content == (
        '---\ntitle: "Acme"\n---\n'
        "## Risks & more\n\nIt **grew** by *5 %*, see [the page](https://www.gnu.org/x).\n\n"
        "- one\n  1. deep\n- two\n\n| Year | Sales |\n| --- | --- |\n| 2024 | 1\\|2 |\n\n"
        "```\nx = `1`\n```\n\n> said\n"
    )


def test_html_keeps_raised_letters_numbers_of_items_and_the_language_of_code():
    page = "<p>10<sup>6</sup> H<sub>2</sub>O</p><ol start=3><li>a<li value=7>b<li>c</ol>"
    page += '<pre><code class="x language-py">1'

    assert convert(page.encode(), source="html", target="markdown").content == (
        "10<sup>6</sup> H<sub>2</sub>O\n\n3. a\n7. b\n8. c\n\n```py\n1\n```\n"
    )


def test_raised_and_lowered_letters_stand_so_in_every_format():
    said = b"10<sup>6</sup> t of CO<sub>2</sub>, <u>all</u><br>told"
    word = (
        zipfile.ZipFile(io.BytesIO(convert(said, source="markdown", target="docx").content))
        .read("word/document.xml")
        .decode()
    )
    latex = convert(said, source="markdown", target="latex").content

    assert convert(said, source="markdown", target="text").content == "10⁶ t of CO₂, all told\n"
    assert "10\\textsuperscript{6} t of CO\\textsubscript{2}, all\\newline{}told" in latex
    assert '<w:vertAlign w:val="superscript"/></w:rPr><w:t xml:space="preserve">6<' in word
    assert '<w:vertAlign w:val="subscript"/></w:rPr><w:t xml:space="preserve">2<' in word


def test_csv_becomes_a_table_and_a_bad_row_is_told_with_its_line():
    assert convert(b"name,n\nAcme,1\nBeta,\n", source="csv", target="markdown").content == (
        "| Name | N |\n| --- | --- |\n| Acme | 1 |\n| Beta |  |\n"
    )
    assert convert(b"Income (USD m),% change,2024\na|b,2,3\n", source="csv", target="markdown").content == (
        "| Income (USD m) | % change | 2024 |\n| --- | --- | --- |\n| a\\|b | 2 | 3 |\n\n"
        '<!-- keys: ["% change", "Income (USD m)"] -->\n'
    )
    with pytest.raises(ConversionError, match=r"a\.csv:3: 3 cells where the first row has 2"):
        convert(b"a,b\n1,2\n1,2,3\n", target="json", shown="a.csv")


@pytest.mark.parametrize(("content", "kind"), [(b'{"a": -1e400}', "json"), (b"a: -.inf", "yaml")])
def test_numbers_that_data_has_no_way_to_hold_are_refused_with_their_place(content, kind):
    with pytest.raises(ConversionError, match=r"-:1:\d: .* number"):
        convert(content, source=kind, target="json")


def test_json_is_written_without_the_numbers_it_has_no_way_to_write():
    made = convert(b'{"a": -1e400}', source="text", target="json")

    assert json.loads(made.content, parse_constant=pytest.fail) == {"a": None}
    assert [(finding.kind, finding.message) for finding in made.findings] == [
        ("not_finite", "a number too large, or none, is written as null: -Infinity")
    ]


def test_plain_text_says_the_same_words_and_nothing_is_markup():
    words = "# no heading\n- no *list*\n1. <b>no</b> | no\n\nwww.gnu.org $5 [x](y)\n"

    assert convert(words.encode(), source="text", target="html", options=None).content.count("<h1>") == 1
    assert convert(words.encode(), source="text", target="text").content.replace(" ", "\n").split() == words.split()


def test_the_converter_of_the_specification():
    converter = FormatConverter()

    assert converter.convert({"name": "Acme"}, target_format="markdown") == "- **Name:** Acme\n"
    assert converter.convert("# A\n\nb", "markdown", "html", fragment=True) == "<h1>A</h1>\n<p>b</p>\n"
    assert str(converter.convert("- **A:** 1\n", "markdown", "json")) == '{\n  "a": 1\n}\n'
    assert converter.json_to_markdown({"a": 1}, template="Value {{ a }} & more") == "Value 1 & more"
    assert converter.markdown_to_json("- **A:** 1\n") == {"a": 1}
    assert converter.extract_json_from_text('so {"a": [1,]}') == {"a": [1]}
    assert converter.detect_format("# x") == "markdown"
    with pytest.raises(UsageError, match='unknown option "them"'):
        converter.convert("x", them=1)


def test_templates_and_styles_are_applied(tmp_path):
    (tmp_path / "t.html").write_text("<main>{{ body }}</main>")
    (tmp_path / "s.css").write_text("p { color: red }")
    converter = FormatConverter()

    assert converter.apply_template("<p>x</p>", str(tmp_path / "t.html")) == "<main><p>x</p></main>"
    styled = converter.apply_styles("<html><head></head><body></body></html>", str(tmp_path / "s.css"))
    assert styled == "<html><head><style>\np { color: red }\n</style>\n</head><body></body></html>"


def test_a_project_s_own_theme_changes_the_digest(tmp_path):
    before = theme_digest(load_theme(templates=tmp_path, css=tmp_path))
    (tmp_path / "extra.css").write_text("p { color: red }")

    assert theme_digest(load_theme(templates=tmp_path, css=tmp_path)) != before
