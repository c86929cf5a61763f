import json

import pytest

from trainer.core.errors import UsageError
from trainer.core.strictjson import DEEPEST, read_json


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', "[]", '"x"', "1", "null", "-0.5e-3", '{"a": {"a": 1}, "b": [{"a": 1}]}', '"\\ud83d\\ude00"', "1e308"],
)
def test_what_is_json_is_read_as_the_standard_library_reads_it(text):
    assert read_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"a": 1,\n "b": {"c": 1, "c": 2}}',
            'f.json:2:16: the key "c" stands twice in one object\n  keep one of them',
        ),
        ('{"a": 1, "\\u0061": 2}', 'f.json:1:10: the key "a" stands twice in one object\n  keep one of them'),
        ('["NaN",\n NaN]', "f.json:2:2: NaN is no JSON\n  write null where there is no number"),
        ("[-Infinity]", "f.json:1:2: -Infinity is no JSON\n  write null where there is no number"),
        ("[1, 1e999]", "f.json:1:5: 1e999 is too large a number\n  write it as text"),
        ("[1,\n2,]", "f.json:2:3: not valid JSON: Expecting value"),
        ("", "f.json:1:1: not valid JSON: Expecting value"),
        (
            '["\\ud83d"]',
            "f.json:1:2: a \\u escape that is half a character\n  write both halves of the surrogate pair",
        ),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(text, message):
    with pytest.raises(UsageError) as caught:
        read_json(text, shown="f.json")
    assert str(caught.value) == message


def test_a_place_counts_from_the_line_on_which_the_text_starts():
    with pytest.raises(UsageError, match=r"rows\.jsonl:7:2: NaN"):
        read_json("[NaN]", shown="rows.jsonl", first_line=7)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 5_000, 200_000])
def test_nesting_is_bounded_however_deep(opening, closing, levels):
    inner = "1" if opening != "[" else ""
    with pytest.raises(UsageError, match=f"nested more than {DEEPEST} levels deep"):
        read_json(opening * levels + inner + closing * levels)


def test_as_many_levels_as_are_allowed_are_read():
    text = "[" * DEEPEST + "]" * DEEPEST
    assert read_json(text) == json.loads(text)


def test_an_unclosed_bomb_is_refused_too():
    with pytest.raises(UsageError, match="nested more than"):
        read_json("[" * 1_000_000)


def test_bytes_are_utf_8_with_or_without_a_mark():
    assert read_json('\ufeff["é"]'.encode()) == ["é"]
    with pytest.raises(UsageError, match=r"f.json:2:3: not UTF-8 text \(byte 0xe9\)"):
        read_json(b'[1,\n "\xe9"]', shown="f.json")


def test_a_whole_number_is_exact_up_to_what_python_reads():
    assert read_json("9" * 4_300) == int("9" * 4_300)
    with pytest.raises(UsageError, match="more than 4,300 digits"):
        read_json("[" + "9" * 4_301 + "]")


def test_size_is_bounded():
    with pytest.raises(UsageError, match="more than the 10 bytes"):
        read_json("[1, 2, 3, 4]", most_bytes=10)


def test_a_number_is_left_as_it_is_spelt_where_that_is_asked_for():
    assert read_json('[1.10, 1.1, 2e3, 7, "x"]', spelt=True) == ["1.10", 1.1, "2e3", 7, "x"]


def test_what_follows_a_number_that_is_too_large_does_not_hide_the_fault():
    with pytest.raises(UsageError, match="1e400 is too large a number"):
        read_json("1e400+")
