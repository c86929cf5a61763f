"""The shorter ways through the parser give what the long way gives."""

import gc
import json
from pathlib import Path

import pytest

from corpus.convert.written import to_html
from trainer.convert.limits import conversion_limits
from trainer.core.markdown import markdown_parser, parse_tokens

EXAMPLES = json.loads(
    (Path(__file__).parents[1] / "corpus/convert/commonmark/examples.json").read_text(encoding="utf-8")
)
FIGURES = (
    "Sales were $5 and $6, costs US$3bn.",
    "| a | b |\n|---|---|\n| $1,200 | +8 % |\n| n/a | a: b |",
    "$x$ and $y$",
    "a $$x$$ b",
    "$$\nx\n$$",
    "costs $5, as $p = 2$ says",
    "($x$)",
    "1$x$2",
    "www.gnu.org and x@gnu.org",
    "see [^1]\n\n[^1]: a note",
    "\\*",
    "![a\\*b](c)",
)


@pytest.mark.parametrize("text", [*(example["markdown"] for example in EXAMPLES), *FIGURES])
def test_leaving_rules_and_searches_out_changes_no_token(text: str) -> None:
    assert parse_tokens(text) == _whole_parser().parse(text)


def _whole_parser():
    """The parser with all rules and markdown-it's own inline steps."""
    from markdown_it.rules_core import inline, text_join

    markdown_parser.cache_clear()
    parser = markdown_parser()
    markdown_parser.cache_clear()
    parser.core.ruler.at("inline", inline)
    parser.core.ruler.at("text_join", text_join)
    return parser


def test_the_collector_is_as_it_was_after_a_conversion() -> None:
    before = gc.get_threshold()

    to_html("# a")
    with pytest.raises(KeyError), conversion_limits(), conversion_limits():
        raise KeyError

    assert gc.get_threshold() == before


def test_a_collector_that_is_off_stays_off_within() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with conversion_limits():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
