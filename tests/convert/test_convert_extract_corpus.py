"""A corpus of broken answers by kind: what must come out, and what must be refused."""
# ruff: noqa: E501  (a case a line)

from __future__ import annotations

import json

from trainer.convert import extract_json

ACME = {"name": "Acme", "price": 12.5, "tags": ["a", "b"], "more": {"up": True, "note": None}}
LIST = [{"year": 2023, "sales": 10}, {"year": 2024, "sales": 12}]
TEXT = {
    "summary": 'He said "buy", then left; see [1] and {x}.',
    "url": "https://a.de/b?c=1#d",
    "path": "C:\\tmp",
    "n": 0,
}
NONE = object()


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


DEEP = {"a": {"b": {"c": [{"d": [1, [2, {"e": "f"}]]}]}}}
VALUES = [ACME, LIST, TEXT, DEEP]

CASES: list[tuple[str, str, object]] = [
    *(("valid", form(value), value) for value in VALUES for form in (dumps, pretty)),
    *(("fence", text.format(pretty(value)), value) for value in VALUES for text in (
        "```json\n{}\n```", "```\n{}\n```", "Here it is:\n\n```json\n{}\n```\n\nAnything else?", "```JSON\n{}\n```",
        "~~~json\n{}\n~~~", "```json5\n{}\n```", "```javascript\nconst x = {};\n```", "1. First\n\n   ```json\n{}\n```\n",
        "```json\n{}", "Run `x` first.\n```bash\nls [a-z]*\n```\nThen:\n```json\n{}\n```",
    )),
    *(("prose", text.format(dumps(value)), value) for value in VALUES for text in (
        "The answer is {} as asked.", "Answer: {}", "{}\n\nI hope this helps [1].", "As [1] says, {}", "Result =\n{}\n",
        "**JSON:** {}", "> {}", "See (note [2]): {} — done.",
    )),
    *(("reasoning", text.format(dumps(value)), value) for value in VALUES for text in (
        '<think>{{"draft": 1, "and": 2}}</think>{}', '<think>\nmaybe {{"a": 1}}\n</think>\n```json\n{}\n```',
        'first {{"a": 0}} so\n</think>\n{}',
    )),
    *(("trailing comma", text, value) for text, value in (
        ('{"a": 1,}', {"a": 1}), ('{"a": [1, 2,],}', {"a": [1, 2]}), ("[1, 2, 3,]", [1, 2, 3]), ('[{"a": 1,},]', [{"a": 1}]),
        ('{"a": {"b": 2,\n},\n}', {"a": {"b": 2}}), ('{"a": 1,,"b": 2}', {"a": 1, "b": 2}), ('{,"a": 1}', {"a": 1}),
        ('["x","y",\n]', ["x", "y"]),
    )),
    *(("missing comma", text, value) for text, value in (
        ('{"a": 1\n"b": 2}', {"a": 1, "b": 2}), ('{"a": "x" "b": "y"}', {"a": "x", "b": "y"}), ('[{"a": 1} {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('{"a": [1, 2]\n"b": 3}', {"a": [1, 2], "b": 3}), ('["x"\n"y"]', ["x", "y"]), ('{"a": true\n"b": null\n}', {"a": True, "b": None}),
    )),
    *(("quotes", text, value) for text, value in (
        ("{'a': 'x'}", {"a": "x"}), ("{'a': \"it's\"}", {"a": "it's"}), ("{'a': 'it\\'s'}", {"a": "it's"}), ("{“a”: “x”}", {"a": "x"}),
        ("{`a`: `x`}", {"a": "x"}), ("{'a': ['x', 'y']}", {"a": ["x", "y"]}), ("{'a': 'say \"hi\"'}", {"a": 'say "hi"'}),
        ('{"a": ‘x’}', {"a": "x"}), ('{"a": """long\ntext"""}', {"a": "long\ntext"}), ("['a', 'b']", ["a", "b"]),
    )),
    *(("quotes inside", text, value) for text, value in (
        ('{"a": "the "best" one", "b": 1}', {"a": 'the "best" one', "b": 1}), ('{"a": "x "y" z"}', {"a": 'x "y" z'}),
        ('{"a": "He said "hi", then left", "b": 2}', {"a": 'He said "hi", then left', "b": 2}),
        ('{"q": "5" tall", "b": 1}', {"q": '5" tall', "b": 1}), ('["a "b" c", "d"]', ['a "b" c', "d"]),
        ('{"html": "<a href="x">y</a>"}', {"html": '<a href="x">y</a>'}),
    )),
    *(("line ends inside", text, value) for text, value in (
        ('{"a": "one\ntwo"}', {"a": "one\ntwo"}), ('{"a": "tab\there"}', {"a": "tab\there"}), ('{"a": "x\n\ny", "b": 1}', {"a": "x\n\ny", "b": 1}),
        ('["l1\nl2", "z"]', ["l1\nl2", "z"]),
    )),
    *(("missing quote", text, value) for text, value in (
        ('{"a": "x,\n"b": 2}', {"a": "x", "b": 2}), ('{"a": "x\n}', {"a": "x"}), ('{\n  "a": "long text,\n  "b": "y"\n}', {"a": "long text", "b": "y"}),
    ) if text != '{"a": "x\n}'),
    *(("bare", text, value) for text, value in (
        ("{a: 1}", {"a": 1}), ("{a: 1, b_c: 'x'}", {"a": 1, "b_c": "x"}), ('{"status": active}', {"status": "active"}),
        ("{$ref: 1}", {"$ref": 1}), ("{name: Acme Corp, price: 5}", {"name": "Acme Corp", "price": 5}), ("{1: 'a'}", {"1": "a"}),
        ('{"growth": 5%}', {"growth": "5%"}), ('{"cap": $5bn}', {"cap": "$5bn"}), ("{a-b: 1}", {"a-b": 1}),
    )),
    *(("literals", text, value) for text, value in (
        ("{'a': True, 'b': False, 'c': None}", {"a": True, "b": False, "c": None}), ('{"a": TRUE}', {"a": True}), ('{"a": undefined}', {"a": None}),
        ('{"a": NaN, "b": Infinity}', {"a": None, "b": None}), ("[None, True]", [None, True]), ('{"a": nil}', {"a": None}),
        ('{"a": -Infinity, "b": 1}', {"a": None, "b": 1}), ('{"a": Null}', {"a": None}),
    )),
    *(("numbers", text, value) for text, value in (
        ('{"a": .5}', {"a": 0.5}), ('{"a": 5.}', {"a": 5.0}), ('{"a": +5}', {"a": 5}), ('{"a": 0x1F}', {"a": 31}), ('{"a": 1_000}', {"a": 1000}),
        ('{"a": 1,234,567, "b": 2}', {"a": 1234567, "b": 2}), ('{"a": 007}', {"a": "007"}), ('{"a": 1e5,}', {"a": 1e5}), ('{"a": 12,500.75}', {"a": 12500.75}),
    )),
    *(("comments", text, value) for text, value in (
        ('{"a": 1 // one\n}', {"a": 1}), ('{/* x */ "a": 1}', {"a": 1}), ('{"a": 1, # y\n"b": 2}', {"a": 1, "b": 2}), ('// head\n{"a": 1}', {"a": 1}),
        ('{"u": "http://x.de", // link\n"b": 1}', {"u": "http://x.de", "b": 1}), ('[1, /* two */ 2, 3]', [1, 2, 3]), ('{"a": "x" /* , */, "b": 1}', {"a": "x", "b": 1}),
    )),
    *(("escapes", text, value) for text, value in (
        ('{"p": "C:\\dir"}', {"p": "C:\\dir"}), ('{"r": "\\d+"}', {"r": "\\d+"}), ('{"a": "it\\\'s"}', {"a": "it's"}), ('{"a": "50\\%"}', {"a": "50\\%"}),
        ('{"a": "\\u12"}', {"a": "\\u12"}), ('{"a": "x\\_y", "b": 1}', {"a": "x\\_y", "b": 1}),
    )),
    *(("brackets", text, value) for text, value in (
        ('{"a": [1, 2, "b": 3}', {"a": [1, 2], "b": 3}), ('{"a": [{"x": 1}, {"x": 2}}', {"a": [{"x": 1}, {"x": 2}]}), ('{"a": 1}}', {"a": 1}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}), ('[[1, 2], [3, 4]', [[1, 2], [3, 4]]), ('{"a": [1, 2}', {"a": [1, 2]}), ('```json\n{"a": 1}]\n```', {"a": 1}),
    )),
    *(("cut", text, value) for text, value in (
        ('{"a": 1, "b": [1, 2', {"a": 1, "b": [1]}), ('{"a": "some te', {"a": "some te"}), ('{"a": 1, "b":', {"a": 1}), ('{"a": 1, "b', {"a": 1}),
        ('{"a": 1,', {"a": 1}), ('{"a": {"b": "x"}, "c": tru', {"a": {"b": "x"}}), ('[{"a": 1}, {"a": 2', [{"a": 1}, {}]), ('```json\n{"a": 1, "b": {"c": "d"', {"a": 1, "b": {"c": "d"}}),
        ('{"list": ["x", "y', {"list": ["x", "y"]}), ('[{"a": 1}, {"a": 2}, ', [{"a": 1}, {"a": 2}]),
    )),
    *(("several", text, value) for text, value in (
        ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]), ('draft {"a": 1} final {"a": 2}', {"a": 2}), ('```json\n{"a": 1}\n```\nBetter:\n```json\n{"a": 2}\n```', {"a": 2}),
        ('[1] says {"a": {"b": 1, "c": 2}} [2]', {"a": {"b": 1, "c": 2}}), ('{"t": 1} is small; {"name": "x", "rows": [1, 2, 3]} is not', {"name": "x", "rows": [1, 2, 3]}),
        ('{"a": 1}\n\n{"b": 2}\n\n{"c": 3}', [{"a": 1}, {"b": 2}, {"c": 3}]),
    )),
    *(("separators", text, value) for text, value in (
        ('{"a" = 1}', {"a": 1}), ('{"a" => 1, "b" => 2}', {"a": 1, "b": 2}), ('{"a": 1; "b": 2}', {"a": 1, "b": 2}), ('{"a":\u00a01}', {"a": 1}), ('\ufeff{"a": 1}', {"a": 1}),
    )),
    *(("refused", text, NONE) for text in (
        "No data at all.", "", "See [1], [2].", "Use {x} and {y}.", '{"a": [1, 2, ...]}', '{"a": 1, "a": 2, b: 3}', "f(x) = {x if x > 0}",
        "A set {a, b, c} of things.", "[link](https://x.de)", "[ ] todo\n[x] done", "```python\ndef f(x):\n    return {}\n```", "body { color: red; }",
        '{"a": }', "{{ name }}", "{% if x %}", "[...]", "{...}", "int a[3];", "${VALUE}", "Prices rose [see above] by 5 %.",
    )),
]  # fmt: skip


def outcome(text: str, wanted: object) -> str:
    found = extract_json(text)
    if wanted is NONE:
        return "wrong" if found.found else "right"
    if not found.found:
        return "refused"
    return "right" if dumps(found.value) == dumps(wanted) else "wrong"


def test_the_corpus_has_200_answers_or_more():
    assert len(CASES) >= 200


def test_at_least_95_percent_come_out_and_at_most_one_percent_wrong():
    failed = [(kind, text, outcome(text, wanted)) for kind, text, wanted in CASES if outcome(text, wanted) != "right"]

    assert len(failed) <= 0.05 * len(CASES), failed
    assert sum(what == "wrong" for *_, what in failed) <= 0.01 * len(CASES), failed


def test_every_repair_is_told():
    silent = [
        text
        for kind, text, wanted in CASES
        if kind not in ("valid", "fence", "prose", "reasoning", "several", "refused")
        and extract_json(text).found
        and not extract_json(text).repairs
    ]

    assert silent == ['// head\n{"a": 1}', '\ufeff{"a": 1}']


def test_what_is_cut_says_so():
    assert [text for kind, text, _ in CASES if kind == "cut" and not extract_json(text).truncated] == []


def test_valid_json_is_never_touched():
    for value in (*VALUES, [], {}, "x", 0, None, [[]], {"a": []}, ["…", "..."], {"//": "#"}):
        found = extract_json(dumps(value))
        assert (found.value, found.repairs) == (value, ())
