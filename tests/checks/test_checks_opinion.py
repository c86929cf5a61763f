"""A second opinion by a model: notes only, and never needed."""

from __future__ import annotations

import json

import pytest

from trainer.checks import check_completion, faults, second_opinion
from trainer.core.errors import StoreError, UsageError
from trainer.core.values import Prompt

PROMPT = Prompt("a.md", "A", "Write about Acme. Cash was 5.", system="Be exact.")
TEXT = "# Acme\n\nCash is ample.\nIt will grow.\n"


def test_what_a_model_doubts_becomes_notes_at_the_words_it_names() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        said = [
            {"line": 3, "text": "ample", "problem": "nothing\n says so"},
            {"line": 1, "text": "will grow", "problem": "a forecast"},
            {"line": 3, "text": "words that stand nowhere", "problem": "made up"},
            "no entry",
        ]
        return f"Here you are:\n```json\n{json.dumps(said)}\n```"

    verdict = second_opinion(TEXT, prompt=PROMPT, ask=ask)

    assert [(str(found.where), found.severity, found.message, found.text) for found in verdict.findings] == [
        ("answer:3:9", "note", "nothing says so", "ample"),
        ("answer:4:4", "note", "a forecast", "will grow"),
    ]
    assert (dict(verdict.scores), verdict.passed) == ({}, True)
    assert all(part in asked[0] for part in ("Be exact.", "Cash was 5.", "3: Cash is ample."))


def test_an_opinion_that_is_no_list_or_fails_is_one_note() -> None:
    def broken(question: str) -> str:
        raise StoreError("no connection")

    unread = second_opinion(TEXT, prompt=PROMPT, ask=lambda question: "Looks fine.")
    failed = second_opinion(TEXT, prompt=PROMPT, ask=broken)

    assert [(found.severity, found.message) for found in (*unread.findings, *failed.findings)] == [
        ("note", "the second opinion is no JSON list"),
        ("note", "there is no second opinion: no connection"),
    ]


def test_the_opinion_runs_only_where_it_is_named_and_counts_nowhere() -> None:
    said = '[{"line": 3, "text": "ample", "problem": "not shown"}]'
    without = check_completion(TEXT, prompt=PROMPT, ask=lambda question: said)
    named = check_completion(TEXT, prompt=PROMPT, checks=("structure", "opinion"), ask=lambda question: said)

    assert "opinion" not in [found.kind for found in without.findings]
    assert [found.kind for found in named.findings] == ["opinion"]
    assert (faults(named), named.scores["quality"]) == ((), 1.0)


def test_an_opinion_without_a_model_to_ask_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a model to ask"):
        check_completion(TEXT, prompt=PROMPT, checks=("opinion",))
