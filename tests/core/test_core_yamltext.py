import pytest

from trainer.core.errors import UsageError, Where
from trainer.core.yamltext import DEEPEST, load_yaml


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "{a: no, b: on, c: 2025-02-14, d: 010, e: 0x1F, f: 1e3, g: .5, h: true, i: ~, j: , k: 1_000, l: 12:30:45}"

    assert load_yaml(text, shown="x").value == {
        "a": "no",
        "b": "on",
        "c": "2025-02-14",
        "d": "010",
        "e": 31,
        "f": 1000.0,
        "g": 0.5,
        "h": True,
        "i": None,
        "j": None,
        "k": "1_000",
        "l": "12:30:45",
    }


def test_every_value_and_key_has_its_place_counted_from_the_first_line_given() -> None:
    document = load_yaml("a:\n  - b: 1\n", shown="f.md", first_line=5)

    assert document.where("a", 0, "b") == Where("f.md", 6, 8)
    assert document.where_key("a", 0, "b") == Where("f.md", 6, 5)
    assert document.where("a", 0, "missing") == Where("f.md", 6, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", 'x:2:1: the key "a" stands twice'),
        ("a: !!binary aGk=", "x:1:4: the tag tag:yaml.org,2002:binary is not allowed"),
        ("a: !custom b", "x:1:4: the tag !custom is not allowed"),
        ("? [a]\n: b", "x:1:3: a key must be a plain word"),
        ("a: 1\n---\nb: 2", "x:2:1: not valid YAML: but found another document"),
        ("a: [", "x:2:1: not valid YAML: "),
        ("\x00", "x: not valid YAML: "),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_yaml(text, shown="x")

    assert str(caught.value).startswith(message)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(UsageError, match="too large or nested too deeply"):
        load_yaml("\n".join(lines), shown="x")


def test_a_recursive_alias_is_refused() -> None:
    with pytest.raises(UsageError, match="too large or nested too deeply"):
        load_yaml("a: &a [*a]", shown="x")


@pytest.mark.parametrize("levels", [DEEPEST + 2, 5_000, 60_000, 1_000_000])
@pytest.mark.parametrize("text", ["[", "{a: ", "- ", "? ", "&a ["])
def test_deep_nesting_is_refused_however_deep(text: str, levels: int) -> None:
    with pytest.raises(UsageError, match=r"nested too deeply|not valid YAML"):
        load_yaml(text * levels, shown="x")


def test_block_nesting_is_refused_with_its_line() -> None:
    text = "".join(f"{' ' * level}a:\n" for level in range(2_000))
    with pytest.raises(UsageError, match=rf"x:{DEEPEST + 2}:{DEEPEST + 2}: YAML too large or nested too deeply"):
        load_yaml(text, shown="x")


def test_as_many_levels_as_are_allowed_are_read() -> None:
    value = load_yaml("[" * DEEPEST + "]" * DEEPEST, shown="x").value
    for _ in range(DEEPEST - 1):
        (value,) = value
    assert value == []


def test_an_alias_stands_for_what_was_anchored_before_it_and_nothing_else() -> None:
    assert load_yaml("a: &x {b: [1]}\nc: *x", shown="x").value == {"a": {"b": [1]}, "c": {"b": [1]}}
    with pytest.raises(UsageError, match='x:1:4: not valid YAML: found undefined alias "y"'):
        load_yaml("a: *y", shown="x")


@pytest.mark.parametrize(
    ("text", "typed", "spelt"),
    [
        ("000001", "000001", "000001"),
        ("007", "007", "007"),
        ("1.10", 1.1, "1.10"),
        ("2.0", 2.0, "2.0"),
        ("1e3", 1000.0, "1e3"),
        ("0x1F", 31, "0x1F"),
        ("+5", 5, "+5"),
        ("02.5", "02.5", "02.5"),
        ("-0", 0, "-0"),
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ('"1.10"', "1.10", "1.10"),
        ("true", True, True),
    ],
)
def test_a_number_keeps_its_spelling_where_no_type_is_declared(text: str, typed: object, spelt: object) -> None:
    document = load_yaml(f"params: {{a: [{text}]}}", shown="x")

    assert document.value == {"params": {"a": [typed]}}
    assert document.spelt("params") == {"a": [spelt]}
    assert document.spelt("nowhere", 1) is None


def test_a_number_too_long_for_python_stays_text() -> None:
    assert load_yaml("9" * 5_000, shown="x").value == "9" * 5_000


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "a:\n  b: 1\n\tc: 2"])
def test_a_tab_in_the_indentation_is_told_as_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_yaml(text, shown="x")

    assert caught.value.hint == "indent by spaces; YAML takes no tabs there"
