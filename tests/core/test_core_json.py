"""A frozen value becomes JSON in one way, whichever command or record writes it."""

from dataclasses import dataclass

from trainer.core.digest import canonical, pick
from trainer.core.errors import UsageError, Where
from trainer.core.values import Finding


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    error: UsageError | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    inner: tuple[Inner, ...]
    seconds: float = 1.5

    def as_json(self) -> dict[str, object]:
        return pick(self, "inner")


def test_a_value_is_written_by_its_fields_and_an_error_as_its_message():
    assert canonical(Inner("a", UsageError("not here"))) == '{"error":"not here","name":"a"}'


def test_a_value_that_says_its_json_is_written_so_however_deep_it_stands():
    assert canonical({"all": [Outer((Inner("a"),))]}) == '{"all":[{"inner":[{"error":null,"name":"a"}]}]}'


def test_pick_takes_the_named_fields_or_all():
    assert pick(Inner("a"), "name") == {"name": "a"}
    assert pick(Inner("a")) == {"name": "a", "error": None}


def test_a_finding_has_one_shape_with_its_line_and_column():
    finding = Finding("missing_section", "error", "no Risks", Where("a.md", 3, 1), "Risks", support="quote@1")

    assert finding.as_json() == {
        "kind": "missing_section",
        "severity": "error",
        "message": "no Risks",
        "line": 3,
        "column": 1,
        "text": "Risks",
        "support": "quote@1",
    }
    assert Finding("a", "note", "b").as_json()["line"] is None
