"""Markdown that people wrote goes through every repair without a change."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from trainer.convert import repair_markdown


def published() -> Iterator[tuple[str, str]]:
    """The descriptions and Markdown files that come with installed packages."""
    for distribution in distributions():
        kind = distribution.metadata.get("Description-Content-Type") or ""
        if kind.startswith("text/markdown"):
            text = distribution.metadata.get_payload() or distribution.metadata.get("Description")
            yield distribution.name, str(text)
        for file in distribution.files or ():
            path = Path(str(file.locate()))
            if file.suffix == ".md" and path.is_file() and path.stat().st_size < 60_000:
                yield f"{distribution.name}: {file}", path.read_text("utf-8", "replace")


def test_what_packages_bring_is_right_and_stays_as_it_is():
    texts = dict(published())
    changed = {name for name, text in texts.items() if repair_markdown(text).text != text}

    assert len(texts) > 50
    assert changed == set()


RIGHT = {
    "a fence in a quote": "> ```\n> code\n> ```\n\ntext\n",
    "a fence that ends with its quote": "> ```py\n> code\n\nAfter **bold** text.\n",
    "an address with escaped parentheses": "See [a](https://x.org/a\\(b\\)) and [b](u_\\(x\\)_v).\n",
    "parentheses that a program escaped": "Option \\(a\\) or \\(b\\), foo\\_bar.\n",
    "a box to tick": "- \\[ \\] todo\n- \\[x\\] done\n",
    "an escaped pipe in the code of a cell": "| a | b |\n|---|---|\n| `x` | `a\\|b` |\n",
    "rows of dashes": "| a | b |\n|---|---|\n| - | - |\n| --- | --- |\n| 1 | 2 |\n",
    "empty cells": "| a | b |\n|---|---|\n|  |  |\n| 1 |\n",
    "rules at the top": "---\n\nText: here\n\n---\n\nMore\n",
    "rules after front matter": "---\ntitle: x\n---\n\n---\nNote: this\n\n---\n",
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_stays(name):
    assert repair_markdown(RIGHT[name]).text == RIGHT[name]


def test_a_pipe_in_the_code_of_a_cell_is_escaped_where_a_cell_would_be_lost():
    assert repair_markdown("| a | b |\n|---|---|\n| `x|y` | 2 |\n").text == "| a | b |\n|---|---|\n| `x\\|y` | 2 |\n"


def test_reasoning_inside_the_fence_around_an_answer_is_dropped():
    assert repair_markdown("```markdown\n<think>plan it</think>\n\n# R\n\nText.\n```\n").text == "# R\n\nText.\n"
