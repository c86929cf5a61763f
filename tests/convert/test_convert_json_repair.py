"""Against json_repair: its own published cases, with each difference named, and faults put into valid JSON."""
# ruff: noqa: E501  (a case a line)

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from json_repair import repair_json

from trainer.convert import Extraction, extract_json

PAIRS = json.loads((Path(__file__).parents[1] / "corpus/convert/json_repair/pairs.json").read_text(encoding="utf-8"))

REFUSED = {
    "parts that were left out": ["[1, 2, 3, ...]", "[1, 2, ... , 3]", "[true, false, null, ...]"],
    "a key without a value": ['{"key": true, "key2": false, "key3": }', '{"key": , "key2": "value2"}', '{"key": "value"}, "key2": }'],
    "a value without a key": [
        '{ "key": ["arrayvalue"], ["arrayvalue1"], ["arrayvalue2"], "key3": "value3" }',
        '{ "key": [[1, 2, 3], "a", "b"], [[4, 5, 6], [7, 8, 9]] }',
        '{ "key": ["arrayvalue"], "key3": "value3", ["arrayvalue1"] }',
        '{"key", 105,12,',
    ],
    "words that stand nowhere, or more than one reading": [
        '{"key": ["lorem "ipsum" dolor "sit" amet, "consectetur" ", "lorem "ipsum" dolor", "lorem"]}',
        '{"value_1": true, SHOULD_NOT_EXIST "value_2": "data" AAAA }', '{"b": "xxxxx" true}', "{text:words{words in brackets}}",
        "{text:words{words in brackets}m}", '{"lorem": sic tamet. "ipsum": sic tamet, quick brown fox. "sic": ipsum}', '{"key:value}',
        '[{"lorem": {"ipsum": "sic"}, """" "lorem": {"ipsum": "sic"}]', '{"bad_one": ["Lorem Ipsum","consectetur" comment],"good_one": ["elit","sed","tempor"]}',
        '{"key": "{\\\\"key\\\\\\":[\\"value\\\\\\"],\\"key2\\":"value2"}"}',
        '{"key": "value"}, "key2" "value2"}',
    ],
    "nothing in it": ["stringbeforeobject {}", "[]{}", "[", "[- ", "{", '{"'],
    "a Python tuple": ["\n        Here is the tuple payload:\n\n        ```json\n        (1, 2)\n        ```\n        "],
}  # fmt: skip

OTHERWISE = {
    "a number that the end cut is dropped": ['["a" "b" "c" 1', '{"key1": {"key2": [1, 2, 3', "[105,12"],
    "an empty beginning stays": ["[{]", '["'],
    "words are kept as they are written": [
        '{"key": "val\\n', '{"key": "val\\n123,`key2:value2', '{"key_1\n": "value"}', '{"key": 1e }',
        '{ "words": abcdef", "numbers": 12345", "words2": ghijkl" }',
    ],
    "quotes inside a text stay in it": [
        '["value1" value2", "value3"]', '{"bad_one":["Lorem Ipsum", "consectetur" comment" ], "good_one":[ "elit", "sed", "tempor"]}',
        '{"key": "v"alue"}', '{ "a" : "{ b": {} }" }', '{"key": "```json {"key": [{"key1": 1},{"key2": 2}]}```"}',
    ],
    "of two fences one is chosen": ['lorem ```json {"key":"value"} ``` ipsum ```json [1,2,3,True] ``` 42'],
    "nothing after a comment is lost": ['{ "key": { "key2": "value2" // comment }, "key3": "value3" }'],
    "a key that was cut is no item": ['[{"key": "value", "key'],
}  # fmt: skip


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def outcome(found: Extraction, wanted: object) -> str:
    if not found.found:
        return "same" if wanted == "" else "refused"
    return "same" if dumps(found.value) == dumps(wanted) else "otherwise"


def test_of_its_194_published_cases_148_give_the_same_value_and_each_other_is_named_by_kind():
    outcomes = {pair["input"]: outcome(extract_json(pair["input"]), pair["value"]) for pair in PAIRS}

    assert Counter(outcomes.values()) == {"same": 148, "refused": 28, "otherwise": 18}
    assert {text for text, what in outcomes.items() if what == "refused"} == {
        text for kind in REFUSED.values() for text in kind
    }
    assert {text for text, what in outcomes.items() if what == "otherwise"} == {
        text for kind in OTHERWISE.values() for text in kind
    }


@pytest.mark.parametrize("text", [text for kind in OTHERWISE.values() for text in kind])
def test_no_other_value_is_silent(text):
    found = extract_json(text)

    assert found.repairs or found.truncated


README = [
    ("missing quotes", '{"name": Ada, role: "admin"}', {"name": "Ada", "role": "admin"}),
    ("a missing closing quote", '{"city": "New York, "gender": "male"}', {"city": "New York", "gender": "male"}),
    ("a missing opening quote", '{"city": New York", "b": 1}', {"city": "New York", "b": 1}),
    ("a key without its quotes", '{name": "Ada", "role: "admin"}', {"name": "Ada", "role": "admin"}),
    ("single quotes", "{'a': 'x', 'b': ['y']}", {"a": "x", "b": ["y"]}),
    ("missing commas", '{"a": ["x" "y"] "b": 1 "c": 2}', {"a": ["x", "y"], "b": 1, "c": 2}),
    ("misplaced commas", '{"users":[{"name":"Ada",}],,"ok":true', {"users": [{"name": "Ada"}], "ok": True}),
    ("missing colons", '{"a" "x", "b" [1]}', {"a": "x", "b": [1]}),
    ("missing brackets", '{"a": ["x", "y"}, "b": [{"c": 1}', {"a": ["x", "y"], "b": [{"c": 1}]}),
    ("surplus brackets", '[{"a": 1}}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    ("comments", '{"a": 1, // one\n/* two */ "b": 2 # three\n}', {"a": 1, "b": 2}),
    ("stray words", '{"a": 1, COMMENT "b": 2}', {"a": 1, "b": 2}),
    ("prose around", 'Here it is: {"a": "x"} I hope it helps.', {"a": "x"}),
    ("unescaped characters", '{"a": "the "best"\none", "b": "it\\\'s"}', {"a": 'the "best"\none', "b": "it's"}),
    ("literals", '{"a": TRUE, "b": None, "c": undefined}', {"a": True, "b": None, "c": None}),
    ("a truncated value", '{"a": {"b": ["x", "long te', {"a": {"b": ["x", "long te"]}}),
    ("letters of every script", "{'名前': '統一码'}", {"名前": "統一码"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [case[1:] for case in README], ids=[case[0] for case in README])
def test_a_behaviour_of_its_readme(text, value):
    found = extract_json(text)

    assert found.value == value
    assert found.repairs or text.startswith("Here")


WORDS = [
    "Revenue",
    "rose",
    "by",
    "5",
    "%",
    "in",
    "2024;",
    "costs",
    "(net)",
    "fell,",
    "see",
    "note",
    "Acme's",
    "filing:",
    "a/b",
]
KEYS = ["name", "price", "tags", "note", "year", "more", "items"]


def a_value(chance: random.Random, depth: int = 0) -> object:
    kind = chance.random()
    if depth < 4 and (depth == 0 or kind < 0.25):
        return {key: a_value(chance, depth + 1) for key in chance.sample(KEYS, chance.randint(2, 4))}
    if depth < 4 and kind < 0.45:
        return [a_value(chance, depth + 1) for _ in range(chance.randint(1, 4))]
    if kind < 0.8:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, 6)))
    return chance.choice([0, 12, -3, 4.5, 2024, True, False, None])


def with_fault(text: str, chance: random.Random) -> str:
    """The text with one letter of its structure dropped or added, other quotes, or cut."""
    kind = chance.choice([*',:"{}[]', "add", "quotes", "cut"])
    if kind == "quotes":
        return text.replace('"', "“")
    if kind == "cut":
        return text[: chance.randint(2, len(text) - 1)]
    if kind == "add":
        at = chance.choice([at for at, letter in enumerate(text) if letter in "}]"])
        return text[:at] + chance.choice(",}") + text[at:]
    at = chance.choice([at for at, letter in enumerate(text) if letter == kind] or [len(text) - 1])
    return text[:at] + text[at + 1 :]


def compared(rounds: int) -> tuple[Counter[str], Counter[str]]:
    """How often each of us was right, refused, wrong but said so, or wrong in silence."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for seed in range(rounds):
        chance = random.Random(seed)
        value = a_value(chance)
        text = with_fault(json.dumps(value, indent=chance.choice([None, 2])), chance)
        if _is_valid(text):
            continue
        found, given = extract_json(text), repair_json(text, return_objects=True)
        right = json.dumps(found.value) == json.dumps(value)
        said = bool(found.repairs or found.truncated or found.ambiguous)
        ours["refused" if not found.found else "right" if right else "told" if said else "silent"] += 1
        theirs["right" if json.dumps(given) == json.dumps(value) else "wrong"] += 1
    return ours, theirs


def _is_valid(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_of_valid_json_with_one_fault_more_comes_out_right_and_next_to_nothing_wrong_in_silence():
    ours, theirs = compared(1_500)

    assert ours["right"] > theirs["right"]
    assert ours["silent"] <= 0.002 * ours.total()


@pytest.mark.soak
def test_of_valid_json_with_one_fault_more_comes_out_right_and_next_to_nothing_wrong_in_silence_for_long():
    ours, theirs = compared(100_000)

    assert ours["right"] > theirs["right"]
    assert ours["silent"] <= 0.002 * ours.total()


NOISE = [
    *"{}[]\"':,;`“”\\/#\n\t -.0123",
    '"key"',
    "true",
    "None",
    "NaN",
    "...",
    "```json\n",
    "```",
    "//",
    "/*",
    "*/",
    '"""',
    "<think>",
    "日",
    "\ufeff",
    '{"a": ',
]


def _never_raises(rounds: int) -> None:
    for seed in range(rounds):
        chance = random.Random(seed)
        text = "".join(chance.choices(NOISE, k=chance.randint(1, 40)))
        found = extract_json(text)
        dumps([candidate.value for candidate in found.candidates])


def test_no_text_raises_an_error():
    _never_raises(3_000)


@pytest.mark.soak
def test_no_text_raises_an_error_for_long():
    _never_raises(500_000)


@pytest.mark.parametrize("filling", [" ", "\n", "}", "\\", "`", '"', "[", '{"a": ', "# x "], ids=repr)
def test_a_long_text_comes_to_an_end(filling):
    extract_json('{"a": "x' + filling * 50_000 + "y")
