"""What a section asks of a table in plain words: a trend, a ranking, a share or a comparison, of what, by what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trainer.draft import wording
from trainer.draft.cubes import Cube
from trainer.draft.model import MeasureColumn, Purpose, Records
from trainer.draft.outline import OutlineSection, stems
from trainer.facts import Measure

_MOST_MEASURES = 3
_LEAST_NAME = 3
TIME = "time"
"""The axis of a question that asks when."""


@dataclass(frozen=True, slots=True)
class OutlineQuestion:
    """What a section asks of one table."""

    purposes: tuple[Purpose, ...]
    measures: tuple[str, ...]
    """By id; the first alone where none is named."""
    axis: str
    """A dimension, a measure whose values tell groups apart, `TIME`, or nothing where the section names none."""
    members: tuple[str, ...]
    """The members it names; none means all."""


def named_measures(section: OutlineSection, cube: Cube) -> tuple[str, ...]:
    """The measures of a table that a section names, in its order; not those whose name is part of another's."""
    places = {
        name: _place(section, re.sub(wording.pattern("statistic_first"), "", measure.title))
        for name, measure in _measures(cube).items()
    }
    named = sorted((name for name, place in places.items() if place >= 0), key=lambda name: places[name])
    words = {name: stems(cube.facts.measures[name].title) for name in named}
    return tuple(name for name in named if not any(words[name] < words[other] for other in named))


def subject_of(sections: Sequence[OutlineSection], cube: Cube) -> tuple[str, ...]:
    """The measures of a table that a report is about: the first that a section names, else the table's first."""
    named = (measures for section in sections if (measures := named_measures(section, cube)))
    return next(named, tuple(_measures(cube)))[:1]


def question(section: OutlineSection, cube: Cube, *, otherwise: Sequence[str]) -> OutlineQuestion | None:
    """What a section asks of a table; None where it asks nothing that this table answers.

    Args:
        section: the section.
        cube: the table.
        otherwise: the measures that the report is about, for a section that names none.
    """
    text = f"{section.title}. {section.guidance}"
    words: Mapping[Purpose, str] = wording.pattern("asks")
    purposes = tuple(purpose for purpose, pattern in words.items() if re.search(pattern, text, re.IGNORECASE))
    measures = named_measures(section, cube)
    if not purposes:
        return None
    axes = [dim for dim in cube.dimensions if _place(section, dim) >= 0]
    codes = [name for name in measures if len(measures) > 1 and cube.codes(name)]
    if not axes and cube.times and re.search(wording.pattern("asks_when"), section.guidance, re.IGNORECASE):
        axes = [TIME]
    axis = next(iter([*axes, *codes[-1:]]), "")
    wanted = tuple(name for name in measures if name != axis) or tuple(otherwise)
    if not wanted:
        return None
    return OutlineQuestion(purposes, wanted[:_MOST_MEASURES], axis, tuple(_members(section, cube)))


def answers(wish: OutlineQuestion, cube: Cube) -> tuple[tuple[Records, ...], tuple[str, ...]]:
    """The series and lists that answer a question, and what is to be said of what has no answer."""
    answered: list[Records] = []
    remarks: list[str] = []
    axis = wish.axis or next(iter(cube.dimensions), "")
    for purpose in wish.purposes:
        for measure in wish.measures:
            if purpose == "trend":
                by = "" if axis in (TIME, measure) else axis
                answering = cube.over_time(measure, by, wish.members)
            elif purpose == "share" and not cube.adds_up(measure):
                title = wording.lowered(cube.facts.measures[measure].title)
                remarks.append(wording.say("no_share", title=title))
                continue
            elif axis in (TIME, ""):
                is_told = purpose == "share" or "trend" in wish.purposes
                answering = [] if is_told else cube.over_time(measure, "", wish.members)
                if purpose == "share":
                    remarks.append(wording.say("no_parts", title=wording.lowered(cube.facts.measures[measure].title)))
            else:
                members = wish.members if purpose == "comparison" and len(wish.members) > 1 else ()
                by_member = cube.by_member(measure, axis, members=members)
                answering = [by_member] if by_member else []
            if purpose == "share":
                answering = [_with_shares(records) for records in answering if not records.dated]
            answered += [replace(records, purpose=purpose) for records in answering]
    return tuple(answered), tuple(remarks)


def _with_shares(records: Records) -> Records:
    """A list with the share of the sum beside each value."""
    (column,) = records.columns
    facts = [cell for _, cell in column.known]
    total = sum((fact.figure or Decimal(0) for fact in facts), Decimal(0))
    if not total or any((fact.figure or 0) < 0 for fact in facts):
        return records
    title, formula = wording.say("share_head"), wording.say("share_formula")
    cells = tuple(
        replace(fact, title=title, value=(fact.figure or Decimal(0)) / total, unit="fraction", formula=formula)
        for fact in facts
    )
    return replace(records, columns=(column, MeasureColumn(f"{column.name} share", title, "fraction", cells)))


def _measures(cube: Cube) -> Mapping[str, Measure]:
    used = dict.fromkeys(one.measure for one in cube.observations)
    return {name: cube.facts.measures[name] for name in used}


def _place(section: OutlineSection, name: str) -> int:
    """Where a section names something, by its words side by side however they are joined; -1 where it does not."""
    text = f"{section.guidance} {section.title}".casefold()
    words = [word for word in re.split(r"[\W_]+", wording.humanised(name).casefold()) if word]
    if len("".join(words)) < 2:
        return -1
    match = re.search(r"\b" + r"[\W_]*".join(map(re.escape, words)) + r"(?:s|es)?\b", text)
    return match.start() if match else -1


def _members(section: OutlineSection, cube: Cube) -> Iterable[str]:
    """The members that a section names, as the data writes them."""
    for name in cube.dimensions:
        for member in cube.facts.dimensions[name].members:
            called = [alias for alias in (member.name, *member.aliases) if len(alias) >= _LEAST_NAME]
            if any(re.search(rf"\b{re.escape(alias)}\b", section.guidance) for alias in called):
                yield member.name
