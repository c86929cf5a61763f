"""Measures that are made of others, as `words/definitions.yaml` and the facts' own definitions say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from trainer.checks.concepts import concept_words
from trainer.core.yamltext import load_yaml
from trainer.facts import Facts

_OPERATOR = re.compile(r"\s([-+*/])\s")
_FILLERS = frozenset(["total", "reported", "current", "common", "net", "regular", "market", "attributable"])
"""Words in keys that do not make another measure."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A measure made of others, from left to right."""

    title: str
    words: frozenset[str]
    operands: tuple[str, ...]
    """Names of measures, or numbers."""
    operators: str

    def value(self, values: Sequence[float]) -> float | None:
        """The result; None where something is divided by nothing."""
        result = values[0]
        for operator, value in zip(self.operators, values[1:], strict=True):
            if operator == "/" and not value:
                return None
            result = {"+": result + value, "-": result - value, "*": result * value, "/": result / (value or 1)}[
                operator
            ]
        return result

    def shown(self) -> str:
        """`gross profit / revenue`."""
        parts = [
            self.operands[0],
            *(f"{operator} {name}" for operator, name in zip(self.operators, self.operands[1:], strict=True)),
        ]
        return " ".join(parts)


def formulas(facts: Facts) -> Iterator[Formula]:
    """The project's own definitions, then the built-in ones."""
    for definition in facts.definitions:
        yield _formula(definition.name, definition.formula)
    for name, formula in _built_in().items():
        yield _formula(name, formula)


@cache
def _built_in() -> Mapping[str, str]:
    text = resources.files("trainer.checks").joinpath("words/definitions.yaml").read_text("utf-8")
    table: Mapping[str, str] = load_yaml(text, shown="definitions.yaml").value
    return table


def _formula(name: str, formula: str) -> Formula:
    parts = _OPERATOR.split(f"{formula} ".strip())
    return Formula(
        name, concept_words(name) or frozenset([name]), tuple(part.strip() for part in parts[::2]), "".join(parts[1::2])
    )


def operand_measures(operand: str, words: Sequence[frozenset[str]]) -> list[int]:
    """The measures that an operand names: those of just its words, else with fillers beside them."""
    own = concept_words(operand) or frozenset(operand.split())
    exact = [number for number, of in enumerate(words) if of == own or of - _FILLERS == own]
    return exact or [number for number, of in enumerate(words) if of and of - _FILLERS == own - _FILLERS]
