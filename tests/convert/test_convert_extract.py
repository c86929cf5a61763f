"""JSON out of free text."""

from __future__ import annotations

import pytest

from trainer.convert import extract_json

CASES = [
    ('{"a": 1}', {"a": 1}, ()),
    ('Sure!\n```json\n{"a": [1, 2,],}\n```\nDone', {"a": [1, 2]}, ("trailing comma dropped",)),
    ("{'a': True, 'b': None}", {"a": True, "b": None}, ("quotes replaced", "True replaced", "None replaced")),
    ('{"a": "he said "hi", then left", "b": 2}', {"a": 'he said "hi", then left', "b": 2},
     ("quote in a string escaped",)),
    ('<think>{"a": 0}</think>{"a": 1}', {"a": 1}, ()),
    ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}], ("lines read as a list",)),
    ('{"a": "x,\n "b": 2}', {"a": "x", "b": 2}, ("missing quote added", "missing comma added")),
    ('{"items": [{"x": 1}, "n": 3}', {"items": [{"x": 1}], "n": 3}, ("missing ] added", "missing comma added")),
    ('{"a": "http://x.y" /* z */}', {"a": "http://x.y"}, ("comment dropped",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "repairs"), CASES)
def test_an_answer_gives_its_value_and_says_what_was_mended(text, value, repairs):
    found = extract_json(text)

    assert (found.value, found.repairs) == (value, repairs)


@pytest.mark.parametrize("text", ["See [1] and {x}.", '{"a": [1, 2, ...]}', '{"a": 1, "a": 2, b: 3}', "no data", ""])
def test_what_cannot_be_read_without_guessing_is_refused(text):
    found = extract_json(text)

    assert (found.found, found.value) == (False, None)


def test_a_cut_answer_says_so_and_drops_the_figure_that_was_cut():
    found = extract_json('{"a": 1, "b": {"c": [10, 2')

    assert (found.value, found.truncated) == ({"a": 1, "b": {"c": [10]}}, True)


def test_of_two_objects_the_later_is_taken_and_the_doubt_is_told():
    found = extract_json('first {"a": 1} then {"a": 2}')

    assert (found.value, found.ambiguous, len(found.candidates)) == ({"a": 2}, True, 2)


def test_a_schema_decides_between_candidates():
    schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    found = extract_json('{"name": "Acme"} and {"tool": "x", "args": {"y": 1, "z": 2}}', schema)

    assert (found.value, found.ambiguous) == ({"name": "Acme"}, False)


@pytest.mark.parametrize(
    "text",
    ['{"a": "x" /* c */ "b"}', '{"a": "one" "two", "b": 1}', '{"a": "x" + "y"}', '["a, "b", "c"]', '{"a": "x"\n"y"}'],
)
def test_strings_that_run_into_each_other_are_refused(text):
    assert not extract_json(text).found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('[```json\n[{"id": "a7"}, {"id": "b8"}]\n```]', [{"id": "a7"}, {"id": "b8"}]),
        ('Here:```json\n{"a": 1}\n```done', {"a": 1}),
        ('```json{"a": 1}```', {"a": 1}),
        ('```json\n{"code": "```py\\nx\\n```"}\n```', {"code": "```py\nx\n```"}),
        ('{"text": "He said "hi" // there", "b": 1}', {"text": 'He said "hi" // there', "b": 1}),
    ],
)
def test_data_glued_to_its_fence_is_found(text, value):
    assert extract_json(text).value == value


@pytest.mark.parametrize(
    ("inside", "meant"),
    [
        (r"C:\Users\new\table", r"C:\Users\new\table"),
        (r"\frac{1}{2} and \alpha", r"\frac{1}{2} and \alpha"),
        (r"\d+\b", r"\d+\b"),
        (r"a\nb \alpha", "a\nb " + r"\alpha"),
        (r"a \\gamma, \gamma", r"a \gamma, \gamma"),
    ],
)
def test_backslashes_that_nobody_escaped_are_kept_and_those_that_are_escaped_stay_one(inside, meant):
    assert extract_json(f'{{"a": "{inside}"}}').value == {"a": meant}
