"""Whatever a file or a server holds, a source answers with data or with one SourceError."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.core.errors import SourceError
from trainer.core.formats import FORMATS
from trainer.sources.edgar_shapes import shape_facts
from trainer.sources.file_formats import read_data
from trainer.sources.yahoo_shapes import NoData, shape_chart, shape_fundamentals, shape_quote, shape_summary

SUFFIXES = st.sampled_from(sorted(suffix for item in FORMATS.values() if item.reader for suffix in item.suffixes))
PIECES = st.sampled_from(
    [
        "a",
        "1",
        "0.5",
        ",",
        ";",
        "|",
        '"',
        "-",
        ":",
        "[",
        "]",
        "{",
        "}",
        "#",
        "&a",
        "*a",
        "null",
        "NaN",
        ".inf",
        "\\u",
        "\\ud800",
        "é",
        "```",
        "!!x",
        "|---|\n",
        "'",
        "1e400",
        "\t",
        "\n",
        "\r\n",
        "---\n",
        " ",
        "\ufeff",
        "\x00",
        "\x1b",
        "- ",
        "a: ",
    ]
)


@given(SUFFIXES, st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(lambda p: "".join(p).encode())))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_data_or_one_source_error(suffix, content):
    read_or_refuse(suffix, content)


@pytest.mark.soak
@given(SUFFIXES, st.lists(PIECES, max_size=80).map(lambda pieces: "".join(pieces).encode()))
@settings(max_examples=20_000, deadline=None)
def test_any_bytes_are_data_or_one_source_error_at_length(suffix, content):
    read_or_refuse(suffix, content)


def read_or_refuse(suffix: str, content: bytes) -> None:
    """Read, or refused by an error that names the file; what is read is JSON and UTF-8 throughout."""
    with contextlib.suppress(SourceError):
        data = read_data(content, f"x{suffix}")
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8")


NAMES = st.sampled_from(
    [
        "quoteResponse",
        "quoteSummary",
        "chart",
        "timeseries",
        "result",
        "meta",
        "type",
        "price",
        "raw",
        "fmt",
        "trend",
        "symbol",
        "regularMarketTime",
        "timestamp",
        "indicators",
        "quote",
        "close",
        "events",
        "dividends",
        "date",
        "facts",
        "us-gaap",
        "Revenues",
        "units",
        "USD",
        "end",
        "start",
        "val",
        "filed",
        "annualTotalRevenue",
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=25,
)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_is_shaped_or_refused_by_a_fault_the_source_names(body):
    """The faults let through here are those that the sources turn into a SourceError."""
    shapes = (shape_quote, shape_summary, shape_chart, lambda body: shape_fundamentals(body, "X"))
    for envelope, shape in zip(("quoteResponse", "quoteSummary", "chart", "timeseries"), shapes, strict=True):
        with contextlib.suppress(NoData, AttributeError, IndexError, KeyError, TypeError, ValueError):
            shape({envelope: {"result": [body]}})
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
        shape_facts({"facts": {"us-gaap": body}}, years=1)
