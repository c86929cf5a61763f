"""JSON to Markdown and back."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.convert import json_to_markdown, markdown_to_json

TEXT = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="ab |`*_[]<>#~$&\\\n:-1.,\"'{}!^@/w", max_size=14),
    st.sampled_from(
        [
            "",
            "5",
            "1,000",
            "true",
            "null",
            "- a",
            "# a",
            "1. a",
            "a|b",
            "`",
            "www.a.de",
            "http://a.de",
            "[x] a",
            "=",
            "a:",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
KEYS = st.one_of(st.from_regex(r"[a-z]{1,6}(_[a-z]{1,4})?", fullmatch=True), TEXT)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=14
)
SCHEMA = {
    "type": "object",
    "title": "Overview",
    "properties": {
        "mcap": {"title": "Market capitalisation", "unit": "USD"},
        "name": {"title": "Company"},
        "years": {"title": "By year", "items": {"properties": {"rev": {"title": "Revenue", "unit": "USD"}}}},
    },
}


def same(first: object, second: object) -> bool:
    return repr(_sorted(first)) == repr(_sorted(second))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES)
def test_what_was_written_is_read_back(value):
    assert same(markdown_to_json(json_to_markdown(value)), value)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "mcap": SCALARS,
            "name": TEXT,
            "years": st.lists(st.dictionaries(st.sampled_from(["rev", "year", "Revenue (USD)"]), SCALARS), max_size=3),
            "other": VALUES,
            "Company": SCALARS,
        },
    )
)
def test_what_was_written_by_a_schema_is_read_back_by_it(value):
    assert same(markdown_to_json(json_to_markdown(value, schema=SCHEMA), schema=SCHEMA), value)


def test_a_schema_gives_titles_order_and_units():
    text = json_to_markdown({"name": "Acme", "mcap": 340_000_000_000, "years": [{"rev": 5.5}]}, schema=SCHEMA)

    assert text == (
        "# Overview\n\n- **Market capitalisation (USD):** 340,000,000,000\n- **Company:** Acme\n\n"
        "## By year\n\n| Revenue (USD) |\n| --- |\n| 5.5 |\n"
    )


def test_other_documents_give_their_content_under_their_headings():
    found = markdown_to_json(
        "# Acme\n\n## Summary\n\nIt grew.\n\n## Sales & costs\n\n| Year | Sales |\n|---|---|\n| 2024 | 12 |\n\n"
        "## Risks\n\n- Patents\n- Prices\n"
    )

    assert found == {
        "title": "Acme",
        "summary": "It grew.",
        "sales_costs": [{"year": 2024, "sales": 12}],
        "risks": ["Patents", "Prices"],
    }


def test_keys_of_programs_are_words_to_readers_and_come_back_as_they_were():
    value = {"marketCap": 5, "netIncomeTTM": 1, "EBITDA": 2, "rows": [{"fiscalYear": 2024}], "a_b": {"aB": 1}}
    markdown = json_to_markdown(value)

    assert "**Market cap:** 5" in markdown
    assert "**Net income TTM:** 1" in markdown
    assert "| Fiscal year |" in markdown
    assert markdown_to_json(markdown) == value
