"""A prompt that is only text, from stdin or from another program."""

from __future__ import annotations

from trainer.draft import DraftProvider
from trainer.draft.plain import prompt_of

RENDERED = """<contexts>
<context path="guide.md">
## Shop guide

A return is an item that a customer brings back within thirty days of the sale.
</context>
</contexts>
<instruction>
Write on the shop.

## Returns

Give returns, visits and the quarterly returns in a table.
</instruction>
<data_blocks>
<data name="shop" source="till" subject="Basel AG" as_of="2024-12-31" retrieved="2025-01-02T00:00:00Z" mark=ab12>
Between these marks stands data.
```json
{"visits": 1200}
```
quarterly:
```csv
date,returns,note
2024-06-30,5,
2024-09-30,6.5,x
2024-12-31,4,
```
</data mark=ab12>
</data_blocks>
<output>
Write exactly these sections:

## Returns
</output>
"""


def draft(text: str) -> str:
    return DraftProvider().complete(text).content


def test_a_rendered_prompt_is_read_back_into_its_parts():
    prompt = prompt_of(RENDERED)

    assert prompt.output.sections == ("Returns",)
    assert [(context.path, context.title) for context in prompt.contexts] == [("guide.md", "Shop guide")]
    assert [(block.name, block.subject, block.as_of) for block in prompt.data] == [("shop", "Basel AG", "2024-12-31")]
    assert prompt.data[0].data == {
        "visits": 1200,
        "quarterly": [
            {"date": "2024-06-30", "returns": 5, "note": None},
            {"date": "2024-09-30", "returns": 6.5, "note": "x"},
            {"date": "2024-12-31", "returns": 4, "note": None},
        ],
    }


def test_a_report_is_drafted_from_a_rendered_prompt():
    text = draft(RENDERED)

    assert (
        "Returns were 4 in the quarter to 31 December 2024, 38.5 % less than in the quarter to 30 September 2024 (6.5)."
    ) in text
    assert "> A return is an item that a customer brings back within thirty days of the sale. [Shop guide]" in text


def test_a_question_is_answered_from_the_paragraphs_below_it():
    text = draft(
        "How long does a return take?\n\nA return takes five days in Basel and is free.\n\nThe shop opens at nine.\n"
    )

    assert "> A return takes five days in Basel and is free. [the prompt]" in text
    assert "opens at nine" not in text


def test_a_question_alone_is_told_what_a_draft_needs():
    assert "There is nothing to draft from" in draft("What is a phase 2 trial?")
