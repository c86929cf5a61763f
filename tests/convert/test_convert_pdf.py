"""PDFs from workers of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pypdfium2
import pytest

from trainer.convert import PdfPool, html_to_pdf, to_html, to_pdf
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
        "import sys\nfrom trainer.convert import PdfPool, to_pdf\n"
        f"with PdfPool() as pool: to_pdf({REPORT!r}, pool=pool)\n"
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
