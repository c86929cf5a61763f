"""Citations, consistency and names of an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trainer.checks import check_completion
from trainer.core.values import Context, DataBlock, Finding, Prompt

CONTEXT = Context(
    "biotech/06-metrics.md",
    "Metrics",
    "Rebates grow *faster* than list prices, year after year.\nSee https://example.org/rebates for more.\n",
    "c",
)
BLOCK = DataBlock(
    "acme", "s:ACME:all", 1, "s", datetime(2025, 1, 1, tzinfo=UTC), {"name": "Acme Corp."}, "d", "Acme Corp."
)
PROMPT = Prompt("overview.md", "Overview", "", body="Write about Acme.", contexts=(CONTEXT,), data=(BLOCK,))


def found(text: str, check: str, *, foreign: tuple[str, ...] = ()) -> list[Finding]:
    return list(check_completion(text, prompt=PROMPT, checks=(check,), foreign=foreign).findings)


@pytest.mark.parametrize(
    "text",
    [
        "The notes say that “rebates grow faster than list prices”.",
        'The notes say "Rebates grow faster than list\nprices, year after year."'.replace("\n", " "),
        "«Rebates grow … year after year»",
        "A “short term” needs no source.",
        "See [the page](https://example.org/rebates) and biotech/06-metrics.md.",
        "See [above](#results).\n\n## Results\n\nGood.",
        "A note.[^1]\n\n[^1]: It stands here.",
    ],
)
def test_true_citations_pass(text: str) -> None:
    assert found(text, "citations") == []


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("The notes say:\n“rebates grow slower than list prices”.", "false_quotation", 2),
        ("See https://example.org/other.", "unknown_link", 1),
        ("See biotech/99-nothing.md.", "unknown_source", 1),
        ("See [below](#nowhere).", "unknown_link", 1),
        ("A note.[^2]", "missing_reference", 1),
    ],
)
def test_false_citations_are_found(text: str, kind: str, line: int) -> None:
    (finding,) = found(text, "citations")

    assert (finding.kind, finding.where and finding.where.line) == (kind, line)


def test_a_false_quotation_is_answered_with_the_true_words() -> None:
    (finding,) = found("“rebates grow slower than list prices”", "citations")

    assert finding.hint == 'the source says: "Rebates grow *faster* than list prices, year after year."'


def test_a_total_that_does_not_add_up_is_found() -> None:
    table = "| Part | Value |\n|---|---|\n| A | 10.2 |\n| B | 20.3 |\n| Total | {} |\n"

    assert found(table.format("30.5"), "consistency") == []
    assert [(item.kind, item.message) for item in found(table.format("31.5"), "consistency")] == [
        ("wrong_total", "the rows above add up to 30.5, not 31.5")
    ]


def test_one_quantity_with_two_values_is_found() -> None:
    table = "| Metric | 2024 |\n|---|---|\n| Revenue | $5.1 million |\n"

    assert found(table + "\n" + table.replace("5.1", "5.13"), "consistency") == []
    assert [item.message for item in found(table + "\n" + table.replace("5.1", "5.6"), "consistency")] == [
        "$5.6 million here, but $5.1 million in line 3 for the same"
    ]


def test_a_rise_to_less_and_a_span_that_ends_before_it_starts_are_found() -> None:
    assert [item.kind for item in found("Sales rose from $5 million to $4 million.", "consistency")] == [
        "wrong_direction"
    ]
    assert found("Sales fell from $5 million to $4 million.", "consistency") == []
    assert [item.kind for item in found("It ran from 2024 to 2021.", "consistency")] == ["date_order"]


def test_names_that_nothing_given_holds_are_found() -> None:
    assert found("Acme reported a profit. Acme Corp. is well.", "entities") == []
    assert [(item.kind, item.text) for item in found("Pfizer reported a profit.", "entities")] == [
        ("unknown_name", "Pfizer")
    ]
    assert [item.text for item in found("The rival is Globex Industries Inc. of Ohio.", "entities")] == [
        "Globex Industries"
    ]


def test_the_name_of_another_report_is_an_error() -> None:
    (finding,) = found("At Bolt, all is well.", "entities", foreign=("Bolt",))

    assert (finding.kind, finding.severity, str(finding.where)) == ("foreign_name", "error", "answer:1:4")
