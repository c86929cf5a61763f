"""PDFs from workers of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zlib

import pypdfium2
import pytest

from corpus.convert.written import html_to_pdf, to_html, to_pdf
from trainer.convert import PdfPool
from trainer.core.errors import ConversionError

HEAD = "---\ntitle: Acme\ndate: 2025-02-14\n---\n"
REPORT = HEAD + "## One\n\nText.\n\n## Two\n\nMore.\n\n## Three\n\nMore.\n\n## Four\n\nEnd.\n"


@pytest.fixture(scope="module")
def pool():
    with PdfPool() as workers:
        yield workers


def words(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def test_a_report_becomes_a_pdf_with_title_contents_and_page_numbers(pool):
    text = words(to_pdf(REPORT, pool=pool).content)

    assert text.startswith("Acme")
    assert "1 / 1" in text
    assert "Four" in text


def test_the_same_document_gives_the_same_bytes_in_another_process(pool):
    first = to_pdf(REPORT, pool=pool).content
    with PdfPool() as other:
        second = to_pdf(REPORT, pool=other).content

    assert first == second


def test_the_parent_never_loads_weasyprint():
    code = (
        "import sys\nfrom trainer.convert import Options, PdfPool, write\n"
        f"with PdfPool() as pool: write({REPORT!r}, 'pdf', Options(pool=pool))\n"
        "print(sorted({'weasyprint', 'fontTools', 'cffi'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_is_printed():
    with PdfPool(seconds=0.05) as pool:
        with pytest.raises(ConversionError, match=r"a\.md: no PDF after 0\.05 s"):
            to_pdf(REPORT, pool=pool, shown="a.md")
        pool._seconds = 60

        assert to_pdf(REPORT, pool=pool).content.startswith(b"%PDF")


def test_a_worker_that_dies_is_replaced(pool):
    to_pdf(REPORT, pool=pool)
    (worker,) = pool._workers
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    with pytest.raises(ConversionError, match="the PDF worker ended"):
        to_pdf(REPORT, pool=pool)

    assert to_pdf(REPORT, pool=pool).content.startswith(b"%PDF")


def test_a_page_becomes_a_pdf_and_nothing_is_fetched(pool):
    page = to_html(REPORT).content.replace(
        "Text.", 'Text.<img src="file:///etc/passwd"><img src="http://127.0.0.1:9/">'
    )
    made = html_to_pdf(page, pool=pool)

    assert "Four" in words(made.content)
    assert [finding.kind for finding in made.findings] == ["missing_image", "missing_image"]


def test_what_is_missing_or_cut_off_is_told_with_its_line(pool):
    wide = "`" + "x" * 20 + "`"
    text = "# T\n\nFine.\n\nOdd: \U00013000 here.\n\n#### Deep\n\n[](https://www.gnu.org)\n\n" + wide + "\n"
    found = {(finding.kind, str(finding.where)) for finding in to_pdf(text, pool=pool, shown="a.md").findings}

    assert found == {("missing_glyph", "a.md:5"), ("heading_order", "a.md:7"), ("link_text", "a.md:9")}


def test_words_beyond_the_edge_of_a_page_are_told(pool):
    page = '<p style="white-space: nowrap; font-size: 20pt">' + "word " * 80 + "</p>"
    (finding,) = html_to_pdf(page, pool=pool).findings

    assert finding.kind == "clipped"
    assert "is cut off at the edge of page 1" in finding.message


def test_header_cells_say_what_they_head(pool):
    structure = tags(to_pdf("# T\n\n| Name | Sales |\n|---|---|\n| Acme | 5 |\n", pool=pool).content)

    assert (structure.count(b"/Scope /Column"), structure.count(b"/Scope /Row")) == (2, 1)


def test_every_list_item_has_a_body(pool):
    contents = "".join(f"## Part {at}\n\nText.\n\n" for at in range(5))
    structure = tags(to_pdf(f"# T\n\n{contents}- > quoted\n- plain\n\n  again\n", pool=pool).content)

    assert structure.count(b"/S /LBody") == structure.count(b"/S /LI ") + structure.count(b"/S /LI/") == 7


def tags(pdf: bytes) -> bytes:
    streams = re.findall(rb"stream\n(x.*?)\nendstream", pdf, re.DOTALL)
    return b"".join(zlib.decompressobj().decompress(data) for data in streams)
