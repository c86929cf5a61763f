"""Assertions of an instruction on an answer."""

from __future__ import annotations

import pytest

from trainer.checks import failed_expectation, judgement
from trainer.core.values import DataBlock, Expectation, Prompt

SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("kind", "value", "text", "failure"),
    [
        ("contains", "net  Revenue", "The net\nrevenue rose.", ""),
        ("contains", "cash", "The revenue rose.", "it is not there"),
        ("lacks", "as an AI", "As an AI, I cannot say.", "it is there"),
        ("lacks", "as an AI", "Sales rose.", ""),
        ("regex", r"^## Risks$", "# A\n## Risks\nx", ""),
        ("regex", r"^## Risks$", "# A\n## Risks and more", "nothing matches"),
        ("length", {"max": 3}, "# One\n\ntwo three 44", ""),
        ("length", {"max": 3}, "one two three four", "4 words"),
        ("length", {"min": 3}, "one two", "2 words"),
        ("schema", SCHEMA, '```json\n{"a": 1}\n```', ""),
        ("schema", SCHEMA, '{"a": "x"}', "$.a: 'x' is not of type 'integer'"),
        ("schema", SCHEMA, "a is 1", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_an_assertion_holds_or_says_why_not(kind, value, text, failure):
    assert failed_expectation(Expectation(kind, value), text, prompt=Prompt("a", "A", "Write.")) == failure


@pytest.mark.parametrize(("share", "failure"), [(1.0, "50% are verified; line 1: "), (0.5, "")])
def test_figures_are_held_against_the_data(share, failure):
    block = DataBlock("sales", "sales", 1, "file", None, {"revenue": {"2024": 4312.7, "2023": 3911.2}}, "x")
    prompt = Prompt("a", "A", "Write.", data=(block,))
    text = "Revenue was 4,312.7 in 2024 and 5,128.4 in 2023.\n"

    found = failed_expectation(Expectation("figures", share), text, prompt=prompt)

    assert found.startswith(failure)
    assert bool(found) == bool(failure)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"answer": "yes", "reason": "x"}, ""),
        ({"answer": "no", "reason": " too\nlong "}, "the judge says no: too long"),
    ],
)
def test_a_judge_says_yes_or_why_not(answer, failure):
    assert judgement(answer) == failure
