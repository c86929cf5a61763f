"""The draft writer behind the seam of all providers."""

from __future__ import annotations

import json

import pytest

from trainer.core.errors import ProviderError
from trainer.core.values import Output, Prompt
from trainer.draft import DraftProvider
from trainer.providers import create_provider


def test_the_registry_makes_it_with_or_without_a_model_name():
    assert create_provider("draft", model="").model == "draft"


def test_a_result_costs_nothing_and_says_it_was_drafted(make_prompt):
    result = DraftProvider().complete(make_prompt({"a": 1}))

    assert (result.provider, result.model, result.cost, result.origin) == ("draft", "draft", 0.0, "drafted")
    assert result.tokens_out == DraftProvider().count_tokens(result.content)
    assert result.tokens_used == result.tokens_in + result.tokens_out


def test_streamed_pieces_are_the_completed_text(make_prompt):
    stream = DraftProvider().stream(make_prompt({"a": 1, "b": [1, 2]}))
    pieces = list(stream)

    assert len(pieces) > 3
    assert (
        "".join(pieces) == stream.result.content == DraftProvider().complete(make_prompt({"a": 1, "b": [1, 2]})).content
    )


def test_it_lists_one_model_free_of_charge():
    assert DraftProvider().list_models() == ["draft"]
    assert DraftProvider().get_cost(1_000_000) == 0.0


def test_it_deploys_nothing():
    with pytest.raises(ProviderError, match="draft cannot deploy"):
        DraftProvider().deploy_model("x")


def test_the_data_behind_a_report_is_listed_with_key_and_path(make_prompt):
    (figure,) = DraftProvider().complete(make_prompt({"sales": 5}, sections=("Sales",))).metadata["figures"]

    assert figure == {"title": "Sales", "text": "5", "key": "file:data@1", "path": "sales"}


def test_settings_of_other_models_are_taken_and_change_nothing(make_prompt):
    prompt = make_prompt({"a": 1})

    assert (
        DraftProvider().complete(prompt, temperature=1.5, max_tokens=3).content
        == DraftProvider().complete(prompt).content
    )


SCHEMA = {
    "type": "object",
    "properties": {
        "revenue": {"type": "number"},
        "name": {"type": "string"},
        "employees": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
        "status": {"enum": ["open", "closed"]},
        "rating": {"type": "number", "default": 3},
    },
    "required": ["revenue", "name"],
}


def test_a_schema_is_filled_from_data_of_the_same_names(make_prompt):
    data = {"Revenue": 5.5, "name": "Acme", "tags": ["a"], "office": {"city": "Bern"}, "status": "closed"}
    answer = json.loads(DraftProvider().complete(make_prompt(data), schema=SCHEMA).content)

    assert answer == {
        "revenue": 5.5,
        "name": "Acme",
        "employees": None,
        "tags": ["a"],
        "address": {"city": "Bern"},
        "status": "closed",
        "rating": 3,
    }


def test_the_instructions_own_schema_counts_too(make_prompt):
    plain = make_prompt({"a": 1})
    prompt = Prompt("x.md", "X", "", "", {}, (), plain.data, Output(schema={"properties": {"a": {"type": "integer"}}}))

    assert json.loads(DraftProvider().complete(prompt).content) == {"a": 1}


def test_values_of_the_wrong_type_are_not_taken(make_prompt):
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": ["number", "null"]}}}
    answer = json.loads(DraftProvider().complete(make_prompt({"a": 5, "b": "x"}), schema=schema).content)

    assert answer == {"a": "", "b": None}


def test_lists_of_records_and_references_are_followed(make_prompt):
    schema = {
        "type": "object",
        "properties": {"quarterly": {"type": "array", "items": {"$ref": "#/$defs/quarter"}}},
        "$defs": {
            "quarter": {
                "type": "object",
                "properties": {"date": {"type": "string"}, "total_revenue": {"type": ["number", "null"]}},
                "required": ["date"],
            }
        },
    }
    data = {"quarterly": [{"date": "2024-03-31", "totalRevenue": 5, "other": 1}, {"date": "2024-06-30"}]}
    answer = json.loads(DraftProvider().complete(make_prompt(data), schema=schema).content)

    assert answer == {"quarterly": [{"date": "2024-03-31", "total_revenue": 5}, {"date": "2024-06-30"}]}
