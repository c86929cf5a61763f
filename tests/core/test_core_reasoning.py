"""Reasoning is parted from the answer, closed or not, in the spellings of many models."""

import time

import pytest

from trainer.core.reasoning import may_be_reasoning, split_reasoning


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("The answer.", "The answer.", ""),
        ("<think>why</think>\n\nThe answer.", "The answer.", "why"),
        ("  <Thinking>\nwhy\n</Thinking>The answer.", "The answer.", "why"),
        ("<think>never closed", "", "never closed"),
        ("why\n</think>\nThe answer.", "The answer.", "why"),
        ("[THINK]why[/THINK]The answer.", "The answer.", "why"),
        ("◁think▷why◁/think▷The answer.", "The answer.", "why"),
        ("```markdown\n<think>why</think>\n# Title\n```", "```markdown\n# Title\n```", "why"),
        ("# A\n\n<think>\nwhy\n</think>\n\nMore.", "# A\n\nMore.", "why"),
        ("# A\n\n<think>\nnever closed", "# A\n\n", "never closed"),
        ("<think>a</think><think>b</think>c", "c", "a\n\nb"),
        (
            "<|channel|>analysis<|message|>why<|end|>"
            "<|start|>assistant<|channel|>final<|message|>The answer.<|return|>",
            "The answer.",
            "why",
        ),
    ],
)
def test_an_answer_and_its_reasoning(text, answer, reasoning):
    assert split_reasoning(text) == (answer, reasoning)


@pytest.mark.parametrize(
    "text",
    [
        "Write `<think>` before it and `</think>` after it.",
        "```xml\n<think>\nan example\n</think>\n```\n",
        "A value < b and c > d.",
        "[THINKING ABOUT IT] is no tag.",
        "I think</b> so.",
    ],
)
def test_a_text_about_such_tags_is_an_answer(text):
    assert split_reasoning(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("", True),
        ("<thi", True),
        ("<think>why", True),
        ("<think>why</think>\n\nIt", False),
        ("It", False),
        ("<b>", True),
    ],
)
def test_a_stream_is_held_back_while_it_may_be_reasoning(text, is_held):
    assert may_be_reasoning(text) == is_held


@pytest.mark.parametrize(
    "unit", ["<think>a</think>\n", "Text\n<think>a</think> more\n", "```\n<think>\n```\n", "</think>", "`</think>`\n"]
)
def test_a_megabyte_of_tags_is_read_in_linear_time(unit: str) -> None:
    started = time.process_time()

    split_reasoning(unit * (1_000_000 // len(unit)))

    assert time.process_time() - started < 5, "a quadratic reader takes minutes"
