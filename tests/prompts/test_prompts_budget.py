"""Contexts cut to a budget: what stays, what goes, and that it is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.core.errors import InstructionError
from trainer.core.values import Context, DataBlock
from trainer.prompts import count_tokens, parse_instruction, render
from trainer.prompts.budget import CUT, fit
from trainer.prompts.markdown import blocks


def context(path: str, text: str, priority: int = 0) -> Context:
    return Context(path, path, text, "0", priority)


TRIALS = context(
    "trials.md",
    "## Trials\n\nIntroduction to how trials are named in the reports of companies that make medicines for people.\n\n"
    "### Phases\n\nPhase 3 compares with the standard of care.\n\n"
    "### Costs\n\nTrials cost money, and more of it in every later step of the way to a medicine.\n",
)
VALUE = context("value.md", "## Value\n\nA multiple compares price with revenue.\n\nDebt counts too.\n")


def words(text: str) -> int:
    return len(text.split())


def test_what_fits_stays_as_it_is():
    fitted = fit([TRIALS, VALUE], query="phase", budget=1000, count=words)

    assert (fitted.contexts, fitted.findings) == ((TRIALS, VALUE), ())


def test_the_relevant_paragraph_stays_with_its_headings_and_gaps_are_marked():
    (left,) = fit([TRIALS], query="what is phase 3", budget=28, count=words).contexts

    assert (
        left.text == f"## Trials\n\n{CUT}### Phases\n\nPhase 3 compares with the standard of care.\n\n{CUT.strip()}\n"
    )


def test_priority_goes_before_relevance():
    important = context("important.md", "## Important\n\nNothing in common.\n", priority=5)

    fitted = fit([TRIALS, VALUE, important], query="phase 3 standard of care", budget=6, count=words)

    assert [one.path for one in fitted.contexts] == ["important.md"]


def test_each_context_that_was_cut_is_told():
    fitted = fit([TRIALS, VALUE], query="phase 3", budget=28, count=words)

    assert [finding.message for finding in fitted.findings] == [
        "context trials.md: 2 of 3 paragraphs left out to fit 28 tokens of contexts",
        "context value.md: left out to fit 28 tokens of contexts",
    ]


def test_the_contexts_keep_their_order():
    fitted = fit([VALUE, TRIALS], query="phase 3 debt", budget=60, count=words)

    assert [one.path for one in fitted.contexts] == ["value.md", "trials.md"]


PARAGRAPH = st.lists(st.sampled_from(["phase", "3", "trial", "the", "revenue", "of", "é中"]), min_size=1, max_size=12)
TEXT = st.lists(
    st.one_of(PARAGRAPH.map(" ".join), st.sampled_from(["## A", "### B", "```\ncode\n\nmore\n```"])),
    min_size=1,
    max_size=8,
).map("\n\n".join)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, st.integers(0, 2)), min_size=1, max_size=4), st.integers(0, 120))
def test_the_budget_is_kept(texts, budget):
    contexts = [context(f"{number}.md", text, priority) for number, (text, priority) in enumerate(texts)]

    fitted = fit(contexts, query="phase 3 trial", budget=budget, count=count_tokens)

    assert sum(count_tokens(one.text) for one in fitted.contexts) <= budget
    assert bool(fitted.findings) or [one.path for one in fitted.contexts] == [one.path for one in contexts]


@settings(deadline=None)
@given(TEXT)
def test_the_blocks_of_a_text_are_the_text(text):
    assert "".join(block for block, _ in blocks(text)) == text


def test_a_fenced_block_is_never_split():
    assert blocks("a\n\n```\nb\n\n# c\n```\n\nd") == [("a\n\n", 0), ("```\nb\n\n# c\n```\n\n", 0), ("d", 0)]


INSTRUCTION = parse_instruction(
    "---\ntitle: Trials\ndata: {q: {source: s}}\noutput: {sections: [Phases]}\n---\nExplain phase 3.\n",
    shown="i.md",
    root=Path(),
)


def rendered(budget: int | None):
    block = DataBlock("q", "k", 1, "s", datetime(2025, 2, 14, tzinfo=UTC), {"a": "x " * 40}, "0")
    return render(
        INSTRUCTION,
        params={},
        contexts=[TRIALS, VALUE],
        data={"q": block},
        clean=str,
        fence=lambda block: str(block.data),
        budget=budget,
    )


def test_a_prompt_keeps_to_its_budget_by_cutting_contexts():
    whole = count_tokens(rendered(None).text)

    cut = rendered(whole - 20)

    assert count_tokens(cut.text) <= whole - 20
    assert [one.path for one in cut.contexts] == ["trials.md"]
    assert [finding.kind for finding in cut.findings] == ["context_cut", "context_cut"]
    assert "".join(section.text for section in cut.sections) == cut.text


def test_a_prompt_that_fits_is_not_touched():
    assert rendered(10_000) == rendered(None)


def test_a_prompt_too_long_without_contexts_is_an_error():
    with pytest.raises(
        InstructionError, match=r"i\.md: the prompt has \d+ tokens without any context; the budget is 50"
    ):
        rendered(50)
