"""Every pass that meets text from outside takes time in proportion to it, also on texts made against it."""

from __future__ import annotations

import time

import pytest

from trainer.convert import detect_format, extract_json
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.repair import _PASSES

HOSTILE = (
    "|a|b|" + " " * 40, "| ", "|-", "|:|", "+-+", "** a ", "**a", "** " + " " * 50 + "**", "`", "`` `", "<think>\n",
    "</think>", "<|channel|>analysis ", "\\(", "\\( ", "\\[", "](", "[a](b(", "†【", "<cite", "<!--", "<!-- -->",
    "> ```\n", "[^a]", "turn0search1", "[source: 1", "{", '{"a":', "url(", "<![", "<b>x</b>", "<td>", "a,b\n",
)  # fmt: skip
READERS = {made.__name__: made for made in (*_PASSES, detect_format, extract_json, html_to_markdown)}
_SECONDS = 8.0
"""For 100 kB on a machine that does other things too; a pattern of quadratic time takes minutes."""


@pytest.mark.parametrize("name", READERS)
def test_a_hostile_text_of_100_kilobytes_is_read_in_a_moment(name):
    for piece in HOSTILE:
        started = time.process_time()
        READERS[name]((piece * (100_000 // len(piece) + 1))[:100_000])

        assert time.process_time() - started < _SECONDS, piece


@pytest.mark.parametrize("name", READERS)
def test_a_long_run_behind_a_mark_is_read_in_a_moment(name):
    """A pattern that gives back what it took, or begins anew at each letter of the run, takes seconds for each."""
    started = time.process_time()
    for piece in ("[a](b(", "[source: 1", "```", '{"a":', "|", "<b"):
        for run in (" ", "a"):
            READERS[name](piece + run * 20_000 + piece)

    assert time.process_time() - started < _SECONDS
