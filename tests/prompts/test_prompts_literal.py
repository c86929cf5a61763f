"""JSON, LaTeX, shell, CSS, Go and Jinja-like braces come through byte for byte, unless declared."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.core.errors import InstructionError
from trainer.core.values import DataBlock
from trainer.prompts import Instruction, Param, parse_instruction, render
from trainer.prompts.instruction import DataQuery, Syntax

CORPUS = Path(__file__).parent.parent / "corpus" / "prompts" / "literal"
CASES = [
    pytest.param(case, id=f"{file.stem}-{number}")
    for file in sorted(CORPUS.glob("*.txt"))
    for number, case in enumerate(file.read_text("utf-8").removesuffix("\n").split("\n----8<----\n"), 1)
]
QUOTE = DataBlock("quote", "k", 1, "file", datetime(2025, 2, 14, tzinfo=UTC), {"price": 5, "name": "{TICKER}"}, "0")


def instruction(body: str, template: Syntax | None = None) -> Instruction:
    return Instruction(
        path="x.md",
        file="x.md",
        root=Path(),
        body=body,
        params={"TICKER": Param("TICKER"), "NOTE": Param("NOTE", required=False)},
        data={"quote": DataQuery("quote")},
        template=template,
    )


def filled(body: str, template: Syntax | None = None, **params: object) -> str:
    prompt = render(
        instruction(body, template),
        params={"TICKER": "ABBV", "NOTE": None, **params},
        contexts=(),
        data={"quote": QUOTE},
        clean=str,
        fence=lambda block: f"<{block.name}>",
    )
    return prompt.body


def test_the_corpus_has_its_two_hundred_cases():
    assert len(CASES) >= 200


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_corpus_comes_through(case):
    assert filled(case) == case


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_corpus_comes_through_beside_what_is_filled_in(case):
    assert filled(f"{{TICKER}}\n\n{case}\n\n{{TICKER}}\n") == f"ABBV\n\n{case}\n\nABBV\n"


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_corpus_comes_through_raw_beside_jinja(case):
    body = f"{{{{ quote.price }}}}\n\n{{% raw %}}{case}{{% endraw %}}\n\n{{{{ TICKER }}}}\n"
    if "endraw" in case:
        pytest.skip("what ends raw text cannot stand in it")

    assert filled(body, "jinja") == f"5\n\n{case}\n\nABBV\n"


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_corpus_beside_what_may_be_jinja_comes_through_where_braces_are_said(case):
    body = f"{{{{ quote.price }}}}\n\n{case}\n\n{{TICKER}}\n"

    assert filled(body, "braces") == body.replace("{TICKER}", "ABBV")


@pytest.mark.parametrize("case", [*CASES, "{TICKER} {{ TICKER }}"])
def test_plain_text_comes_through_whatever_it_holds(case):
    assert filled(f"{{TICKER}} {case}", "plain") == f"{{TICKER}} {case}"


@pytest.mark.parametrize(
    "foreign", ["{{ .Values.x }}", "{{#each rows}}", "{% csrf_token %}", "{{ other }}", "`{% if user %}`"]
)
def test_jinja_beside_another_template_language_is_told_with_the_lines_to_choose_from(foreign):
    with pytest.raises(InstructionError) as caught:
        filled(f"{{{{ quote.price }}}}\n\n{foreign}")

    assert caught.value.problems[0].where.line in (1, 3)
    assert "`template: jinja` runs them, `template: braces` leaves them" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{TICKER}", "ABBV"),
        ("${TICKER}", "$ABBV"),
        (r"\textbf{TICKER}", r"\textbfABBV"),
        ('{"t": "{TICKER}"}', '{"t": "ABBV"}'),
        ('{{"t": "{TICKER}"}}', '{{"t": "ABBV"}}'),
        ("{{{TICKER}}}", "{{ABBV}}"),
        ("{{TICKER}}", "ABBV"),
        ("`{TICKER}` and `{{ TICKER }}`", "`ABBV` and `ABBV`"),
        ("{% raw %}{TICKER} {{ TICKER }}{% endraw %}", "{TICKER} {{ TICKER }}"),
        ("```\n{% raw %}{TICKER}{% endraw %}\n```", "```\n{TICKER}\n```"),
        ("${{ quote.price }}", "$5"),
        ("x{{ quote.price }}y", "x5y"),
        ("{% if TICKER == 'ABBV' %}yes{% else %}no{% endif %}", "yes"),
        ("{% for c in TICKER %}{{ c }}{{ loop.index }} {% endfor %}", "A1 B2 B3 V4 "),
        ("{% set x = 3 %}{{ x * 2 }}", "6"),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(quote.price) }}", "<5>"),
        ("{{ quote['price'] + 1 }} {{ data.quote.price }}", "6 5"),
        ("{{ TICKER | lower }} {{ NOTE or 'none' }}", "abbv none"),
        ("| a |\n|---|\n{% for n in [1, 2] %}\n| {{ n }} |\n{% endfor %}\n", "| a |\n|---|\n| 1 |\n| 2 |\n"),
    ],
)
def test_what_is_declared_is_filled_in(body, expected):
    assert filled(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a\n  {{ TICKR }}", 'x.md:2:6: unknown name "TICKR" in Jinja\n  did you mean "TICKER"?'),
        ("{% if quotes %}x{% endif %}", 'x.md:1:7: unknown name "quotes" in Jinja\n  did you mean "quote"?'),
        ("a\n\n{{ quote.pirce }}", 'x.md:3:1: unknown field "pirce"\n  did you mean "price"?'),
        ("{{ TICKER }} {{ quote.pirce }}", 'x.md:1:14: unknown field "pirce"'),
        ("{{ quote.price | }}", "x.md:1:1: not valid Jinja: "),
        ("{% if TICKER %}x", "x.md:1:1: not valid Jinja: "),
        ("{{ TICKER | shout }}", "x.md:1:1: not valid Jinja: No filter named 'shout'."),
        ("{{ TICKER.__class__.__mro__ }}", "x.md:1:1: access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ TICKER | random }}", "not valid Jinja: No filter named 'random'."),
        ("{{ TICKER * 10000000 }}", "x.md:1:1: the result would be too large"),
        ("{% for a in range(10**9) %}{{ TICKER }}{% endfor %}", "x.md:1:1: Range too big."),
        ("{% include 'x' %}", "x.md:1:1: no loader for this environment specified"),
    ],
)
def test_what_cannot_be_filled_in_is_an_error_with_its_place(body, message):
    with pytest.raises(InstructionError) as caught:
        filled(body)

    assert message in str(caught.value)


def test_several_problems_of_a_body_are_told_at_once():
    with pytest.raises(InstructionError) as caught:
        filled("{{ one }}\n{{ two }}\n{{ TICKR }}")

    assert [str(problem.where) for problem in caught.value.problems] == ["x.md:3:4", "x.md:1:4", "x.md:2:4"]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("{}%#$\\ TICKERquote.'\"\n|-"), max_size=60))
def test_a_value_is_never_expanded(value):
    assert filled("a {TICKER} b", TICKER=value) == f"a {value} b"
    assert filled("{{ 1 if quote else 2 }} {TICKER} {{ TICKER }}", TICKER=value) == f"1 {value} {value}"


@pytest.mark.parametrize(
    "value", ["{NOTE}", "{{ NOTE }}", "{% raw %}", "{{ quote }}", "\ue000\ue001{ NOTE }\ue000\ue001"]
)
def test_a_value_that_looks_like_a_template_stays_text(value):
    assert filled("{TICKER} {{ TICKER }} {NOTE}", TICKER=value, NOTE="note") == f"{value} {value} note"


def test_data_that_looks_like_a_template_stays_text():
    assert filled("{{ quote.name }}") == "{TICKER}"


def test_a_body_may_hold_the_marks_that_jinja_is_run_with():
    assert filled("\ue000\ue001{ x }\ue000\ue001 {{ TICKER }}") == "\ue000\ue001{ x }\ue000\ue001 ABBV"


def test_a_whole_object_becomes_a_block_and_is_not_sent_twice():
    prompt = render(
        instruction("See {{ data.quote }} or {quote}."),
        params={"TICKER": "A", "NOTE": None},
        contexts=(),
        data={"quote": QUOTE, "more": dataclasses.replace(QUOTE, name="more", data=[1])},
        clean=str,
        fence=lambda block: f"<{block.name}>",
    )

    assert prompt.body == "See \n<quote>\n or \n<quote>\n."
    assert [section.name for section in prompt.sections] == ["x.md", "more"]


def test_a_part_of_a_datum_becomes_a_block_of_its_own():
    quote = dataclasses.replace(QUOTE, data={"rows": [{"a": 1}, {"a": 2}]})

    prompt = render(
        instruction(
            "{{ quote.rows }}{% for row in quote.rows %}{{ row }}{% endfor %}{{ quote.rows | map(attribute='a') }}"
        ),
        params={"TICKER": "A", "NOTE": None},
        contexts=(),
        data={"quote": quote},
        clean=str,
        fence=lambda block: f"<{block.name} {block.data}>",
    )

    assert prompt.body == (
        "\n<quote.rows [{'a': 1}, {'a': 2}]>\n\n<quote.rows.0 {'a': 1}>\n\n<quote.rows.1 {'a': 2}>\n1, 2"
    )


def test_every_value_goes_through_the_cleaner_once():
    prompt = render(
        parse_instruction("{A} {{ A }} {{ A ~ '!' }} {% set x %}{{ A }}{% endset %}{{ x }}", shown="x.md", root=Path()),
        params={"A": "v"},
        contexts=(),
        data={},
        clean=lambda text: f"({text})",
        fence=str,
    )

    assert prompt.body == "(v) (v) (v!) (v)"


@pytest.mark.parametrize(
    "opening",
    [
        "\\[",
        "\\(",
        "$$ ",
        "$$x\n\n",
        "\\begin{a}",
        "\\verb|",
        "{{ ",
        '{{ "',
        "{% if ",
        "{x",
        "` ",
        "```\n",
        "{% raw %}",
        "{{{{",
    ],
)
def test_a_hundred_thousand_openings_that_nothing_closes_stay_text(opening):
    body = opening * (100_000 // len(opening))

    assert filled(body) == body
