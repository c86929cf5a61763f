"""What a project says about its data where the data does not tell: roles, units, titles, other names, definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from trainer.core.errors import Problem, UsageError, Where, nearest
from trainer.facts.units import field_units
from trainer.facts.values import Aggregate, Definition, Unit
from trainer.facts.words import name_words, text_words

ColumnRole = Literal["time", "member", "measure", "unit", "identifier", "constant", "text", "twin", "empty"]


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrections by the key of a column or the name of a measure, dimension or member."""

    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    units: Mapping[str, tuple[Unit, ...]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other names of members."""
    definitions: tuple[Definition, ...] = ()

    def __bool__(self) -> bool:
        return any(
            (self.roles, self.units, self.titles, self.descriptions, self.aggregates, self.members, self.definitions)
        )


NONE = Corrections()
_SECTIONS = ("roles", "units", "names", "descriptions", "aggregates", "members", "definitions")


def read_corrections(value: Any, *, shown: str) -> Corrections:
    """Corrections from a mapping, as `information/facts/*.yaml` or `facts:` in an instruction hold it.

    Args:
        value: `{roles, units, names, descriptions, aggregates, members, definitions}`, each a mapping.
        shown: the file, for errors.

    Raises:
        UsageError: with every unknown section, role, unit or aggregate at once.
    """
    problems: list[Problem] = []
    where = Where(shown)
    if not isinstance(value, Mapping):
        problem = Problem("facts must be a mapping", where, f"of {', '.join(_SECTIONS)}")
        raise UsageError(problem.message, problems=[problem])
    parts: dict[str, Mapping[str, Any]] = {}
    for name, part in value.items():
        if name not in _SECTIONS:
            problems.append(_unknown("section", str(name), _SECTIONS, where))
        elif not isinstance(part, Mapping):
            problems.append(Problem(f"{name} must be a mapping", where))
        else:
            parts[str(name)] = {str(key): item for key, item in part.items()}
    for key, role in parts.get("roles", {}).items():
        if role not in get_args(ColumnRole):
            problems.append(_unknown(f"role of {key}", str(role), get_args(ColumnRole), where))
    for key, aggregate in parts.get("aggregates", {}).items():
        if aggregate not in get_args(Aggregate):
            problems.append(_unknown(f"aggregate of {key}", str(aggregate), get_args(Aggregate), where))
    if problems:
        raise UsageError(problems[0].message, where=where, problems=problems)
    return Corrections(
        roles=parts.get("roles", {}),
        units={key: field_units(str(unit)) for key, unit in parts.get("units", {}).items()},
        titles={key: str(title) for key, title in parts.get("names", {}).items()},
        descriptions={key: str(text) for key, text in parts.get("descriptions", {}).items()},
        aggregates=parts.get("aggregates", {}),
        members={key: _texts(names) for key, names in parts.get("members", {}).items()},
        definitions=tuple(_definition(name, of) for name, of in parts.get("definitions", {}).items()),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def _definition(name: str, of: Any) -> Definition:
    formula, unit = (of.get("formula", ""), of.get("unit", "")) if isinstance(of, Mapping) else (of, "")
    units = field_units(str(unit)) if unit else ()
    return Definition(name, text_words(name), str(formula), units[0] if units else None)


def _unknown(what: str, name: str, names: tuple[str, ...], where: Where) -> Problem:
    close = nearest(name, names)
    return Problem(
        f'unknown {what}: "{name}"', where, f'did you mean "{close}"?' if close else f"known: {', '.join(names)}"
    )


def lookup(table: Mapping[str, Any], *names: str) -> Any:
    """The entry for any of several names of one thing, by its exact spelling or by its words."""
    if not table:
        return None
    for name in names:
        if name in table:
            return table[name]
    wanted = {name_words(name) for name in names}
    return next((entry for key, entry in table.items() if name_words(key) in wanted), None)
