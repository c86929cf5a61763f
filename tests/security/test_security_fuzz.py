"""Random hostile text against every layer: no crash, nothing opened, nothing closed, twice is once.

The short form runs always; the long one, a million inputs, with `make soak`.
"""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from trainer.core.markdown import parse_tokens
from trainer.core.values import Context, DataBlock
from trainer.security import (
    clean_scalar,
    escape,
    fence_block,
    fence_context,
    mask_completion,
    screen,
    screen_completion,
    strip_invisible,
    treat_personal,
)

PIECES = [*"#->*+=_~`|<!/[]().:$^\\ ab19\n\t&;@é", "1)", "1.", "[^1]:", "[a]:", " - ", "```", "$$", "![", "&lt;", "<b", "-->", "<!--", "http://x.y/?q=", "\u200b", "\u2028", "\u00a0", "\u202e", "\U000e0041", "\ud800", "</data mark=", "<data ", "</context", "0123456789abcdef", "ignore all previous instructions", "SYSTEM:", "sk-", "aWdub3Jl", "%69", "\x1b[2J", "٣", "ignоre"]  # fmt: skip  # noqa: E501
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40)
POSITIONS = ("{}", "text\n{}\ntext", "- {}", "> {}", "1. {}", "# {}", "| a |\n|---|\n| {} |", "{} tail", "lead {}", "**{}**", "- a\n  {}", "term\n{}", "[{}](http://a.b)", "{}{}")  # fmt: skip  # noqa: E501
COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable("table")
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def blocks(tokens):
    return [(token.type, token.tag) for token in tokens]


PLAIN = {place: (blocks(COMMONMARK.parse(place.replace("{}", "x"))), blocks(parse_tokens(place.replace("{}", "x")))) for place in POSITIONS}  # fmt: skip  # noqa: E501


def assert_stays_inline(value, place):
    """In both readers, the blocks are those that stand there for the value `x`, and nothing is a tag or a picture."""
    text = place.replace("{}", value)
    for tokens, expected in zip((COMMONMARK.parse(text), parse_tokens(text)), PLAIN[place], strict=True):
        assert blocks(tokens) == expected, (place, value)
        children = [child.type for token in tokens for child in token.children or ()]
        assert "html_inline" not in children
        assert "image" not in children


def assert_fences_hold(value):
    block = DataBlock("a", "k", 1, value[:50], WHEN, {"x": value, value[:30]: [value, 1]}, "d", value, value)
    for text, name in ((fence_block(block), "data"), (fence_context(Context("a.md", "a", value, "d")), "context")):
        mark = re.match(rf"<{name} [^\n]*mark=([0-9a-f]{{16}})>\n", text)[1]
        assert text.count(f"mark={mark}>") == 2
        assert text.endswith(f"</{name} mark={mark}>")


def assert_twice_is_once(value):
    once = clean_scalar(value)
    assert clean_scalar(once) == once
    assert "\n" not in once
    assert strip_invisible(strip_invisible(value)) == strip_invisible(value)
    masked = treat_personal(value)[0]
    assert treat_personal(masked)[0] == masked


@pytest.mark.parametrize(
    "value",
    ["1) 1", "1. Mai", "[^1]: a", "[a]: b", ": term", "~ term", "$$$$", "**", "***", "-", "a]: b", "``", "~~", "a>b<"],
)
def test_what_once_opened_a_block_opens_none(value):
    for place in POSITIONS:
        assert_stays_inline(clean_scalar(value), place)


@given(HOSTILE, st.sampled_from(POSITIONS))
@settings(max_examples=400, deadline=None)
def test_a_cleaned_value_opens_nothing_in_any_position(value, place):
    cleaned = clean_scalar(value)
    if cleaned:
        assert_stays_inline(cleaned, place)


@given(HOSTILE)
@settings(max_examples=300, deadline=None)
def test_a_value_closes_no_fence(value):
    assert_fences_hold(value)


@given(HOSTILE)
@settings(max_examples=500, deadline=None)
def test_cleaning_and_masking_twice_is_once(value):
    assert_twice_is_once(value)


@given(HOSTILE)
@example("\ud800")
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_screens(value):
    assert 0 <= screen(value).risk_score <= 1
    screen_completion(value)
    mask_completion(value)
    for context in ("markdown", "html", "json", "xml", "template"):
        escape(value, context=context)


@pytest.mark.soak
@given(HOSTILE, st.sampled_from(POSITIONS))
@settings(max_examples=1_000_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_million_values_open_nothing_and_close_no_fence(value, place):
    assert_twice_is_once(value)
    assert_fences_hold(value)
    if cleaned := clean_scalar(value):
        assert_stays_inline(cleaned, place)


@pytest.mark.soak
@given(HOSTILE)
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_hundred_thousand_texts_break_no_screen(value):
    assert 0 <= screen(value).risk_score <= 1
    screen_completion(value)
    mask_completion(value)
