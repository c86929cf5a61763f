"""Wide and long tables in PDFs: no word outside the page, none lost, no figure broken; from the text's positions."""

from __future__ import annotations

import re

import pypdfium2
import pytest

from corpus.convert.wide_tables import TABLES, expected, is_bidirectional
from corpus.convert.written import to_pdf


@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits_the_page(name, pool):
    pdf = pypdfium2.PdfDocument(to_pdf("# T\n\nTable: Everything\n\n" + TABLES[name], pool=pool).content)
    text = ""
    for page in pdf:
        width, height = page.get_size()
        content = page.get_textpage()
        text += content.get_text_range() + "\n"
        for at in range(content.count_chars()):
            left, bottom, right, top = content.get_charbox(at)
            if content.get_text_range(at, 1).isspace():
                continue
            assert 0 <= left <= right <= width - 56, (name, content.get_text_range(at, 12))
            assert 0 <= bottom <= top <= height

    found = re.sub(r"[\s\ufffe\x02]", "", text)
    missing = {piece for piece in expected(TABLES[name]) if piece not in found and not is_bidirectional(piece)}
    assert missing - broken_by_design(name) == set()
    for figure in re.findall(r"[\d,.−]{4,}", TABLES[name]):
        assert figure in text, (name, figure)


def broken_by_design(name: str) -> set[str]:
    """Pieces whose letters PDF readers give in another order or form."""
    return {piece for piece in ("🚀", "📉") if name == "emoji"}


def test_the_corpus_has_forty_tables_or_more():
    assert len(TABLES) >= 40
