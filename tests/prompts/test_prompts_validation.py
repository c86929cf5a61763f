"""What an instruction is told before anything is sent."""

from pathlib import Path

import pytest

from trainer.core.values import Finding
from trainer.prompts import parse_instruction
from trainer.prompts.validation import validate_instruction


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "a.md": "# A\n\nText of ten words or so, to count them all.\n",
        "empty.md": "# Empty\n\n## Below\n",
        "round.md": '{% include "round.md" %}\n',
        "pharma/b.md": "# B\n\nText.\n",
    }.items():
        path = tmp_path / "information" / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def validate(project: Path, text: str, **options: object):
    instruction = parse_instruction(text, shown="i.md", root=project)
    return validate_instruction(instruction, contexts=project / "information/context", **options)


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str, str, str]]:
    return [(str(one.where), one.severity, one.kind, one.hint) for one in findings]


RAW = "to write it as it is, put it between {% raw %} and {% endraw %}"
SAY = "or say in the front matter what the braces are: `template: jinja` runs them, `template: braces` leaves them"
CASES = [
    (
        "---\nparams: {A: {}}\n---\n{A}\n",
        {"values": {}},
        ("i.md:2:13", "error", "missing_parameter", "give it: -p A=VALUE"),
    ),
    (
        "---\nparams: {A: {}}\n---\n{A}\n",
        {"values": {"A": "x", "AB": "y"}},
        ("i.md", "error", "unknown_parameter", 'did you mean "A"?'),
    ),
    (
        "---\nparams: {A: {type: int, description: A number}}\n---\n{A}\n",
        {"values": {"A": "x"}},
        ("i.md:2:13", "error", "bad_parameter", "A number"),
    ),
    (
        "---\nparams: {A: {}}\n---\nx\n",
        {},
        ("i.md:2:10", "warning", "unused_parameter", "write {A} where it belongs, or remove it"),
    ),
    (
        "---\nparams: {TICKER: {}}\n---\n{TICKER} {{ TICKR }}\n",
        {},
        (
            "i.md:4:13",
            "error",
            "template",
            f'did you mean "TICKER"?; {RAW}; {SAY}',
        ),
    ),
    (
        "---\nparams: {TICKER: {}}\n---\n{TICKER} {Ticker}\n",
        {},
        ("i.md:4:10", "warning", "undeclared_name", 'did you mean "TICKER"?'),
    ),
    (
        "---\nparams: {TICKER: {}}\n---\n{TICKER}\n```\n  {{ TICKERS }}\n```\n",
        {},
        ("i.md:6:6", "error", "template", f'did you mean "TICKER"?; {RAW}; {SAY}'),
    ),
    (
        "Write to {{name}}, not to `{{name}}` or x^{{name}}.\n",
        {},
        (
            "i.md:1:10",
            "warning",
            "undeclared_name",
            "declare it under `params` if it is meant to be filled in, "
            "or say `template: braces` in the front matter if it is not",
        ),
    ),
    ("---\ncontexts: [b.md]\n---\n", {}, ("i.md:2:12", "error", "broken_reference", 'did you mean "a.md"?')),
    ("See context/pharma/c.md\n", {}, ("i.md:1:5", "error", "broken_reference", 'did you mean "pharma/b.md"?')),
    ("---\ncontexts: [round.md]\n---\n", {}, ("information/context/round.md:1:13", "error", "broken_reference", "")),
    (
        "# A\n\n## B\n\n## C\n\ntext\n",
        {},
        ("i.md:3:1", "warning", "empty_section", "say what it should hold, or remove it"),
    ),
    (
        "---\ncontexts: [empty.md]\n---\n",
        {},
        ("information/context/empty.md", "warning", "empty_section", "write it, or do not name it"),
    ),
    (
        "---\ncontexts: [a.md]\n---\n",
        {"budget": 10},
        (
            "i.md:2:11",
            "warning",
            "over_budget",
            "name fewer contexts, give the important ones a priority, or raise the budget",
        ),
    ),
    (
        "---\ndata: {}\n---\n",
        {},
        ("i.md:2:7", "warning", "no_data", "name a source, a file or a key of the store, or remove it"),
    ),
    (
        "---\nstrategy: parallel\noutput: {sections: [A]}\n---\n",
        {},
        ("i.md:2:11", "warning", "strategy", "name two or more output.sections"),
    ),
]


@pytest.mark.parametrize(("text", "options", "expected"), CASES)
def test_a_mistake_is_found(project, text, options, expected):
    verdict = validate(project, text, **options)

    assert told(verdict.findings) == [expected]
    assert verdict.passed == (expected[1] != "error")


@pytest.mark.parametrize(
    "text",
    [
        "Plain text with {braces} and ${SHELL}.\n",
        "---\nparams: {A: {}, B: {default: '{A}'}}\n---\n{B}\n",
        "---\nparams: {A: {}}\ncontexts: ['{A}/*.md']\n---\nx\n",
        "---\nparams: {A: {}}\ndata: {q: {source: s, t: ['{A}']}}\n---\nx\n",
        "---\nparams: {A: {}}\n---\n{% if A %}x{% endif %} {% raw %}{B}{% endraw %}\n",
        "---\nparams: {A: {}}\n---\nSee context/{A}/b.md {A}\n",
        "# A\n\n## B\n\ntext\n",
    ],
)
def test_what_is_right_is_not_found_fault_with(project, text):
    assert validate(project, text).findings == ()


def test_everything_is_told_at_once_in_the_order_of_the_file(project):
    verdict = validate(
        project,
        "---\nparams: {TICKER: {}, UNUSED: {}}\ncontexts: [nope.md]\n---\n# Empty\n\n# Full\n\n{TICKR} {{ UNUSD }}\n",
        values={},
    )

    assert [(str(one.where), one.kind) for one in verdict.findings] == [
        ("i.md:2:10", "unused_parameter"),
        ("i.md:2:18", "missing_parameter"),
        ("i.md:2:22", "unused_parameter"),
        ("i.md:2:30", "missing_parameter"),
        ("i.md:3:12", "broken_reference"),
        ("i.md:5:1", "empty_section"),
        ("i.md:9:1", "undeclared_name"),
        ("i.md:9:12", "template"),
    ]
