"""Repairs of what models write."""

from __future__ import annotations

import pytest

from trainer.convert import repair_markdown

CASES = [
    ("```markdown\n# T\n\n```python\nx\n```\n\ntext\n```", "# T\n\n```python\nx\n```\n\ntext\n", "unwrapped"),
    ("<think>hm</think>\n# T", "# T", "reasoning"),
    ("##Risks\n\n#Not", "## Risks\n\n#Not", "heading"),
    ("| a | b |\n|---|---|\n\n| 1 | 2 |\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "table"),
    ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "| a | b |  |\n| --- | --- | --- |\n| 1 | 2 | 3 |", "table"),
    ("text **bold and more\n\nnext", "text **bold and more**\n\nnext", "emphasis"),
    ("Said【1†source】 so.", "Said so.", "citation"),
    (r"\(x^2\) here", "$x^2$ here", "math"),
    ("---\na: 1\n---\n\n---\nb: 2\n---\n# X", "---\na: 1\n---\n# X", "front_matter"),
    ("```json\n{“a”: 1}\n```", '```json\n{"a": 1}\n```', "quotes"),
    ("```py\nx=1", "```py\nx=1\n```\n", "fence"),
    (r"# T\n\n- a\n- b", "# T\n\n- a\n- b\n", "newlines"),
    ("a <!-- x\n\nb", "a x\n\nb", "comment"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mended", "kind"), CASES)
def test_a_fault_is_mended_and_told(text, mended, kind):
    repaired = repair_markdown(text)

    assert (repaired.text, [repair.kind for repair in repaired.repairs]) == (mended, [kind])


def test_strong_words_over_two_lines_of_a_quote_are_left_alone():
    text = "> It may shift. **The on-disk\n> format is ours** and stays.\n>\n> - **one\n> two** three\n"

    assert repair_markdown(text).text == text
    assert repair_markdown("> **Note\n>\n> more\n").text == "> **Note**\n>\n> more\n"
