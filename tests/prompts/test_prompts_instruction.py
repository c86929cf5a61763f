"""Front matter: what it may say, and every mistake with its place."""

from datetime import date
from pathlib import Path

import pytest

from trainer.core.errors import InstructionError
from trainer.prompts import (
    DataQuery,
    Param,
    data_queries,
    find_instruction,
    list_instructions,
    load_instruction,
    parse_instruction,
    read_data,
    resolve_params,
)


def parse(front: str, body: str = "x\n"):
    return parse_instruction(f"---\n{front}\n---\n{body}", shown="i.md", root=Path())


@pytest.mark.parametrize("text", ["---\ntitle: A\nnever closed\n", "----\ntitle: A\n----\n", "---\n# nothing\n---\n"])
def test_a_slip_in_the_front_matter_is_told_and_never_sent_as_text(text):
    with pytest.raises(InstructionError, match="front matter"):
        parse_instruction(text, shown="i.md", root=Path())


@pytest.mark.parametrize(
    ("text", "body", "line"),
    [
        ("---\ntitle: A\n---\nbody\n", "body\n", 4),
        ("---\ntitle: A\n---", "", 3),
        ("---  \ntitle: A\n---\t\n\nbody\n", "\nbody\n", 4),
        ("\n---\ntitle: A\n---\nbody\n", "body\n", 5),
        (" ---\ntitle: A\n---\n", " ---\ntitle: A\n---\n", 1),
        ("---\njust text\n---\nbody\n", "---\njust text\n---\nbody\n", 1),
        ("---\n- a list\n---\nbody\n", "---\n- a list\n---\nbody\n", 1),
        ("---\n---\nbody\n", "---\n---\nbody\n", 1),
        ("---\nA quote: he said: this\n---\nbody\n", "---\nA quote: he said: this\n---\nbody\n", 1),
        ("", "", 1),
    ],
)
def test_front_matter_is_a_mapping_at_the_start_or_body(text, body, line):
    instruction = parse_instruction(text, shown="i.md", root=Path())

    assert (instruction.body, instruction.body_line) == (body, line)


@pytest.mark.parametrize(
    ("text", "title"),
    [("---\ntitle: T\n---\n# H\n", "T"), ("\n# Heading\n", "Heading"), ("text\n# Later\n", "deep-dive")],
)
def test_the_title_is_declared_or_the_first_heading_or_the_files_name(tmp_path, text, title):
    (tmp_path / "deep-dive.md").write_text(text)

    assert load_instruction(tmp_path / "deep-dive.md", shown="deep-dive.md", root=tmp_path).title == title


@pytest.mark.parametrize(
    ("front", "param"),
    [
        ("params: [A]", Param("A")),
        ("params: {A: }", Param("A")),
        ("params: {A: {}}", Param("A")),
        ("params: {A: 5}", Param("A", "int", required=False, default=5)),
        ("params: {A: {default: x}}", Param("A", required=False, default="x")),
        ("params: {A: {required: false}}", Param("A", required=False)),
        ("params: {A: {type: date, description: When}}", Param("A", "date", description="When")),
        ("params: {A: {choices: [x, 1]}}", Param("A", "enum", choices=("x", 1))),
        ("params: {A: {default: [a, b]}}", Param("A", "list", required=False, default=["a", "b"])),
        ("params: {A: {default: true}}", Param("A", "bool", required=False, default=True)),
    ],
)
def test_a_parameter_is_declared(front, param):
    assert parse(front).params == {"A": param}


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("titel: A", 'i.md:2:1: unknown key "titel"\n  did you mean "title"?'),
        ("title: [a]", 'i.md:2:8: "title" must be text'),
        ("title: [", "i.md:3:1: not valid YAML"),
        ("title: a\ntitle: b", 'the key "title" stands twice'),
        ("params: 5", 'i.md:2:9: "params" must be a mapping'),
        ("params: {A: {typ: int}}", 'i.md:2:14: unknown key "typ"\n  did you mean "type"?'),
        ("params: {A: {type: integer}}", 'i.md:2:20: unknown type "integer"\n  did you mean "int"?'),
        ("params: {A: {pattern: '['}}", "i.md:2:23: not a regular expression"),
        ("params: {A: {type: enum}}", 'an enum needs "choices"'),
        ("params: {A: {choices: x}}", '"choices" must be a list of values'),
        ("params: {A: {required: perhaps}}", 'i.md:2:24: "required" must be true or false'),
        ("params: {A: {required: true, default: x}}", "a required parameter has no use for a default"),
        ("params: {1a: }", '"1a" cannot be a name'),
        ("params: {a-b: }", 'i.md:2:10: "a-b" cannot be a name'),
        ("params: {data: }", '"data" is taken by templates'),
        ("params: {class: }", '"class" cannot be a name'),
        ("params: {A: }\ndata: {A: {source: x}}", 'i.md:3:8: "A" is declared as a parameter and as data'),
        ("contexts: {a: b}", '"contexts" must be text'),
        ("contexts: [[a]]", 'i.md:2:12: an entry of "contexts" must be text'),
        ("data: {q: 5}", "i.md:2:8: data needs a source with its query, or a key"),
        ("data: {q: {source: [a]}}", '"source" must be text'),
        ("data: {q: {source: s, x: {a: b}}}", '"x" must be a single value or a list'),
        ("data: {q: {source: s, max_age: soon}}", 'i.md:2:32: "soon" is not a duration'),
        ("data: {q: {key: k, source: s}}", "it takes no source and no query"),
        ("output: {section: [a]}", 'unknown key "section"\n  did you mean "sections"?'),
        ("output: {sections: [a, b, a]}", 'i.md:2:27: the section "a" stands twice'),
        ("output: {schema: 5}", '"schema" must be a JSON Schema'),
        ("output: {schema: nowhere.json}", "there is no schema file nowhere.json"),
        ("model: fast", '"model" must be a mapping'),
        ("expect: x", 'i.md:2:9: "expect" must be a list of assertions'),
        ("expect: [contains]", "i.md:2:10: an assertion is one key with its value"),
        ("expect: [{contain: x}]", 'unknown assertion "contain"\n  did you mean "contains"?'),
        ("expect: [{regex: '('}]", "not a regular expression"),
        ("expect: [{length: {most: 5}}]", 'unknown key "most"'),
        ("expect: [{length: {min: 9, max: 5}}]", '"min" is more than "max"'),
        ("expect: [{length: many}]", '"many" is no number'),
        ("expect: [{figures: 95}]", "the least share of them from 0 to 1"),
        ("expect: [{schema: nowhere.json}]", "there is no schema file nowhere.json"),
        ("expect: [{judge: }]", "an assertion needs a value"),
        ("strategy: paralel", 'i.md:2:11: unknown strategy "paralel"\n  did you mean "parallel"?'),
    ],
)
def test_a_mistake_is_told_with_its_place(front, message):
    with pytest.raises(InstructionError) as caught:
        parse(front)

    assert message in str(caught.value)


def test_assertions_keep_what_was_spelt():
    front = (
        "expect: [{contains: [007, 1.10]}, {length: 5}, {figures: verified}, {figures: 0.5}, {schema: {type: object}}]"
    )

    assert [(one.kind, one.value) for one in parse(front).expect] == [
        ("contains", "007"),
        ("contains", "1.10"),
        ("length", {"max": 5}),
        ("figures", 1.0),
        ("figures", 0.5),
        ("schema", {"type": "object"}),
    ]


def test_all_mistakes_are_told_at_once():
    with pytest.raises(InstructionError) as caught:
        parse("titel: A\nparams: {A: {type: x}}\noutput: {sektions: []}\nstrategy: none")

    assert [str(problem.where) for problem in caught.value.problems] == [
        "i.md:2:1",
        "i.md:3:20",
        "i.md:4:10",
        "i.md:5:11",
    ]


def test_a_schema_is_read_beside_the_instruction_or_from_the_root(tmp_path):
    folder = tmp_path / "information" / "instructions"
    folder.mkdir(parents=True)
    (folder / "near.json").write_text('{"type": "object"}')
    (tmp_path / "far.json").write_text('{"type": "array"}')
    schemas = []
    for name in ("near.json", "far.json"):
        (folder / "i.md").write_text(f"---\noutput: {{schema: {name}}}\n---\n")
        schemas.append(load_instruction(folder / "i.md", shown="i.md", root=tmp_path).output.schema)

    assert schemas == [{"type": "object"}, {"type": "array"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": }', "schema.json:1:7: not valid JSON: Expecting value"),
        ("[1]", "schema.json:1:1: a JSON Schema is an object"),
    ],
)
def test_a_broken_schema_file_is_told_with_its_place(tmp_path, content, message):
    (tmp_path / "schema.json").write_text(content)
    (tmp_path / "i.md").write_text("---\noutput: {schema: schema.json}\n---\n")

    with pytest.raises(InstructionError) as caught:
        load_instruction(tmp_path / "i.md", shown="i.md", root=tmp_path)

    assert message in str(caught.value)


def test_a_schema_outside_the_project_is_refused(tmp_path):
    (tmp_path / "outside.json").write_text("{}")
    project = tmp_path / "project"
    project.mkdir()
    (project / "i.md").write_text("---\noutput: {schema: ../outside.json}\n---\n")

    with pytest.raises(InstructionError, match=r"i\.md:2:18: the schema file lies outside the project"):
        load_instruction(project / "i.md", shown="i.md", root=project)


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        ("{}", "ABBV", "ABBV"),
        ("{type: int}", "12", 12),
        ("{type: int}", " -7 ", -7),
        ("{type: float}", "1e3", 1000.0),
        ("{type: bool}", "Yes", True),
        ("{type: bool}", "0", False),
        ("{type: date}", "2025-02-14", date(2025, 2, 14)),
        ("{choices: [a, b]}", "b", "b"),
        ("{choices: [1, 2]}", "2", 2),
        ("{type: int, choices: [1, 2]}", "2", 2),
        ("{type: list}", "a, b,,c", ["a", "b", "c"]),
        ("{type: list}", '["a, b", "c"]', ["a, b", "c"]),
        ("{type: list}", ["a", 1], ["a", 1]),
        ("{pattern: '[A-Z]+'}", "ABBV", "ABBV"),
        ("{type: file}", "note.txt", "from a file\n"),
    ],
)
def test_a_value_is_typed(tmp_path, declared, given, value):
    (tmp_path / "note.txt").write_text("from a file\n")
    instruction = parse_instruction(f"---\nparams: {{A: {declared}}}\n---\n", shown="i.md", root=tmp_path)

    assert resolve_params(instruction, {"A": given}) == {"A": value}


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ("{type: int}", "1.5", 'i.md:2:13: parameter A: "1.5" is not a whole number'),
        ("{type: int}", "", '"" is not a whole number'),
        ("{type: float}", "nan", '"nan" is not a number'),
        ("{type: float}", "inf", '"inf" is not a number'),
        ("{type: bool}", "maybe", '"maybe" is neither true nor false'),
        ("{type: date}", "14.2.2025", '"14.2.2025" is not a date such as 2025-02-14'),
        ("{choices: [a, b]}", "c", '"c" is not one of a, b'),
        ("{pattern: '^[A-Z]+$'}", "abbv", '"abbv" does not match ^[A-Z]+$'),
        ("{pattern: '^[A-Z]+$'}", "ABBV\n", "does not match"),
        ("{pattern: '[A-Z]+'}", "ABBV; x", "does not match"),
        ("{type: list, pattern: '[A-Z]+'}", "A,b", '"b" does not match'),
        ("{type: list}", "[1", "is not a list"),
        ("{}", ["a"], "expected one value, not a list"),
        ("{type: file}", "../secret", "the file lies outside the project: ../secret"),
        ("{type: file}", "/etc/passwd", "the file lies outside the project"),
        ("{type: file}", "none.txt", "none.txt: there is no such file"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(tmp_path, declared, given, message):
    instruction = parse_instruction(f"---\nparams: {{A: {declared}}}\n---\n", shown="i.md", root=tmp_path)

    with pytest.raises(InstructionError) as caught:
        resolve_params(instruction, {"A": given})

    assert message in str(caught.value)


def test_defaults_refer_to_other_parameters_in_any_order():
    instruction = parse("params: {C: {default: '{B}!'}, B: {default: '<{A}>'}, A: {}, D: {default: '{X} {A}'}}")

    assert resolve_params(instruction, {"A": "{C}"}) == {"C": "<{C}>!", "B": "<{C}>", "A": "{C}", "D": "{X} {C}"}


def test_defaults_that_go_round_are_refused():
    with pytest.raises(InstructionError, match="defaults go round in a circle: A -> B -> A"):
        resolve_params(parse("params: {A: {default: '{B}'}, B: {default: '{A}'}}"), {})


def test_missing_and_unknown_parameters_are_told_at_once():
    instruction = parse("params: {TICKER: {}, YEAR: {type: int}}")

    with pytest.raises(InstructionError) as caught:
        resolve_params(instruction, {"TIKER": "ABBV"})

    assert str(caught.value) == (
        'i.md: unknown parameter "TIKER"\n  did you mean "TICKER"?\n'
        "i.md:2:18: parameter TICKER is missing\n  give it: -p TICKER=VALUE\n"
        "i.md:2:28: parameter YEAR is missing\n  give it: -p YEAR=VALUE"
    )


def test_an_optional_parameter_without_a_value_is_none():
    assert resolve_params(parse("params: {A: {required: false}}"), {}) == {"A": None}


@pytest.mark.parametrize("body", ["Hello {NAME}!", "Hello {{ NAME }}!", "{% if NAME %}x{% endif %}"])
def test_a_name_that_only_the_body_uses_may_be_given(body):
    instruction = parse_instruction(body, shown="i.md", root=Path())

    assert resolve_params(instruction, {"NAME": "World"}) == {"NAME": "World"}


def test_queries_are_filled_in():
    instruction = parse(
        'params: {T: {}, L: {type: list}}\ndata: {q: {source: "{T}", a: "x{T}", b: ["{T}", 5], c: "{L}", d: 7, '
        'max_age: 90m}, k: {key: "s:{T}"}, s: "s:{T}:x"}'
    )

    queries = data_queries(instruction, {"T": "{L}", "L": ["a", "b"]})

    assert queries == (
        DataQuery("q", "{L}", {"a": "x{L}", "b": ["{L}", 5], "c": ["a", "b"], "d": 7}, None, 5400.0),
        DataQuery("k", key="s:{L}"),
        DataQuery("s", key="s:{L}:x"),
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("biotech/one", "biotech/one.md"),
        ("biotech/one.md", "biotech/one.md"),
        ("two", "two.md"),
        ("a.b", "a.b.md"),
    ],
)
def test_an_instruction_is_found(tmp_path, name, shown):
    for file in ("biotech/one.md", "two.md", "a.b.md", ".hidden/x.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("x")

    assert find_instruction(tmp_path, name, root=tmp_path).shown == shown
    assert list_instructions(tmp_path) == ["a.b", "biotech/one", "two"]


def test_an_instruction_is_found_by_its_path(tmp_path, monkeypatch):
    folder = tmp_path / "information" / "instructions"
    folder.mkdir(parents=True)
    (folder / "one.md").write_text("x")
    (tmp_path / "loose.md").write_text("x")
    monkeypatch.chdir(tmp_path)

    names = ["information/instructions/one.md", "loose.md", "./loose", str(folder / "one.md")]

    assert [find_instruction(folder, name, root=tmp_path).shown for name in names] == [
        "one.md",
        "loose.md",
        "loose.md",
        "one.md",
    ]


@pytest.mark.parametrize("name", ["", "nothing", "\0", "folder"])
def test_what_is_no_instruction_is_not_found(tmp_path, name):
    (tmp_path / "folder").mkdir()

    with pytest.raises(InstructionError, match="unknown instruction"):
        find_instruction(tmp_path, name, root=tmp_path)


def test_queries_may_stand_elsewhere():
    assert read_data({"q": {"source": "s", "a": 1}}, shown="config.yaml") == {"q": DataQuery("q", "s", {"a": 1})}
    with pytest.raises(InstructionError, match=r"config\.yaml: data needs a source"):
        read_data({"q": 5}, shown="config.yaml")
