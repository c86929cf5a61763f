"""Dates and amounts as people write them, whole on one line."""

import pytest

from corpus.convert.written import to_docx, to_html, to_latex
from trainer.convert.dates import long_date
from trainer.convert.together import with_fixed_spaces


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "1 March 2025"),
        ("en-GB", "1 March 2025"),
        ("en_US", "March 1, 2025"),
        ("de", "1. März 2025"),
        ("fr", "1er mars 2025"),
        ("es", "1 de marzo de 2025"),
        ("ja", "2025年3月1日"),
        ("fi", "2025-03-01"),
    ],
)
def test_a_date_is_written_as_its_language_does(language: str, written: str) -> None:
    assert long_date("2025-03-01", language) == written


@pytest.mark.parametrize("text", ["2025", "2025-02-30", "spring 2025", ""])
def test_what_is_no_day_stays_as_it_is(text: str) -> None:
    assert long_date(text) == text


def test_the_title_block_shows_the_date_in_words_and_for_machines() -> None:
    page = to_html("---\ndate: 2025-02-21T08:00:00Z\nauthor: A & B\nlanguage: de\n---\n# T\n").content

    assert '<span><time datetime="2025-02-21">21. Februar 2025</time></span><span>A &amp; B</span>' in page
    assert '<meta name="dcterms.created" content="2025-02-21T08:00:00Z">' in page


def test_a_date_that_is_markup_is_escaped() -> None:
    page = to_html("---\ndate: <b>\nlanguage: '\"><script>'\n---\n# T\n").content

    assert "<span>&lt;b&gt;</span>" in page
    assert "<script>" not in page


def test_latex_shows_the_date_in_words() -> None:
    assert "{\\large 21 February 2025\\par}" in to_latex("---\ndate: 2025-02-21\n---\n# T\n").content


def test_docx_shows_the_date_in_words_and_keeps_the_machines_in_its_properties() -> None:
    from io import BytesIO
    from zipfile import ZipFile

    parts = ZipFile(BytesIO(to_docx("---\ndate: 2025-02-21\n---\n# T\n").content))

    assert "21 February 2025" in parts.read("word/document.xml").decode()
    assert ">2025-02-21<" in parts.read("docProps/core.xml").decode()


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("on 31 December 2024 it", "on 31~December~2024 it"),
        ("on Dec 31, 2024 it", "on Dec~31,~2024 it"),
        ("in March 2024 it", "in March~2024 it"),
        ("am 3. Mai 2024 und", "am 3.~Mai~2024 und"),
        ("$168.7 million and 5.6 % of", "$168.7~million and 5.6~% of"),
        ("EUR 5 bn of", "EUR~5~bn of"),
        ("the 5 millionaires in 2024", "the 5 millionaires in 2024"),
        ("they may 5 times", "they may 5 times"),
        ("figures 3 and 4", "figures 3 and 4"),
    ],
)
def test_spaces_inside_dates_and_amounts_do_not_break(words: str, kept: str) -> None:
    assert with_fixed_spaces(words).replace("\u00a0", "~") == kept


def test_a_sign_stays_with_its_currency_at_no_cost_to_other_figures() -> None:
    html = to_html(
        "Cash flow was −$168.7 million, up -US$5. From $1 to $2-$3, and `-$4` of −5 %.", fragment=True
    ).content

    assert html == (
        '<p>Cash flow was <span class="whole">−$168.7</span>\u00a0million, up <span class="whole">-US$5</span>. '
        "From $1 to $2-$3, and <code>-$4</code> of −5\u00a0%.</p>\n"
    )
