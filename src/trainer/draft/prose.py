"""Sentences on figures: level, change, range and comparison; every one follows from the data by rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from trainer.draft import english
from trainer.draft.allot import Row
from trainer.draft.figures import change, kind, points, ratio, show, times
from trainer.draft.markup import escaped
from trainer.draft.model import STATISTIC, Column, Entity, Fact, Records

_Side: TypeAlias = tuple[Entity, Fact]
_INCOMPARABLE = ("price", "year", "shares")
"""Units whose figures say nothing beside another entity's: the price of one share depends on how many there are."""
_UNSEEN = Decimal("0.0005")
"""A change that would be printed as 0.0 %."""


def levels(facts: Sequence[Fact], *, most: int = 4) -> str:
    """What the first figures were: one sentence for each period."""
    chosen = [fact for fact in facts if english.speakable(fact.title)][:most]
    periods = dict.fromkeys(english.period(fact.title) for fact in chosen)
    return " ".join(
        _level(period, [fact for fact in chosen if english.period(fact.title) == period]) for period in periods
    )


def explained(fact: Fact) -> str:
    """A derived figure with its formula: `Net debt was $62.7 billion (total debt less cash)` and the like."""
    if fact.is_distance:
        return _distance(fact)
    when = english.period(fact.title)
    title = f"{_title(english.base(fact.title))} {english.verb(fact.title)}"
    return f"{title} {fact.text}{f' {when}' if when else ''} ({fact.formula})."


def all_explained(facts: Sequence[Fact]) -> str:
    """Derived figures with their formulas; distances of one figure share a sentence."""
    said: list[str] = []
    for fact in facts:
        start = f"The {_named(fact.inputs[0].title)} of {fact.inputs[0].text} " if fact.is_distance else ""
        sentence = explained(fact)
        if start and said and said[-1].startswith(start) and sentence.startswith(start):
            said[-1] = f"{said[-1][:-1]} and {sentence[len(start) :].partition(' ')[2]}"
        else:
            said.append(sentence)
    return " ".join(said)


def development(column: Column, records: Records, name: str = "") -> str:
    """How a measure moved: its newest value, the change to the one before and a year before, and its range."""
    (index, last), noun = column.known[-1], records.cadence
    whose = records.member if records.member and records.member != name else ""
    title = f"{name}'s {_named(column.title)}" if name else _named(column.title)
    title = f"{title} for {escaped(whose, most=60)}" if whose else title
    if _expected(records, last, index):
        return _forecast(column, records, title)
    verb = english.verb(column.title)
    sentence = f"{title} {verb} {last.text} {_when(records, index)}{_against(column, records)}."
    rest = _extremes(column, records)
    return english.capital(f"{sentence} {rest}".strip()) if noun or rest else english.capital(sentence)


def extremes_of_list(column: Column, records: Records) -> str:
    """Which record of a plain list has most, and which least."""
    if records.label_title == STATISTIC:
        return _spread(column)
    cells = sorted(column.known, key=lambda cell: (_figure(cell[1]), cell[0]))
    if len(cells) < 2 or _figure(cells[0][1]) == _figure(cells[-1][1]):
        return ""
    (low, least), (high, most) = cells[0], cells[-1]
    verb = english.verb(column.title) if records.when else "are" if english.verb(column.title) == "were" else "is"
    when = f"{english.within(records.when)} " if records.when else ""
    sentence = (
        f"{english.capital(f'{when}{_named(column.title)}')} {verb} highest for {_label(records, high)} ({most.text}) "
        f"and lowest for {_label(records, low)} ({least.text})."
    )
    return f"{sentence} {_share_of_total(column, records)}".strip()


def _spread(column: Column) -> str:
    """Mean and range of values that have neither name nor time."""
    mean, lowest, highest = (cell for _, cell in column.known)
    return f"Mean {_named(column.title)} is {mean.text}, from {lowest.text} to {highest.text}."


def _share_of_total(column: Column, records: Records) -> str:
    """How much of the sum the largest record has, where a sum means something."""
    values = [_figure(cell) for _, cell in column.known]
    total = sum(values, Decimal(0))
    if len(values) < 3 or min(values) < 0 or not total or not all(cell.adds_up for _, cell in column.known):
        return ""
    at, most = max(column.known, key=lambda pair: _figure(pair[1]))
    part = show(_figure(most) / total, "fraction")
    return f"{_label(records, at)} has {part} of the sum of {show(total, column.unit)}."


def comparison(row: Row, entities: Sequence[Entity]) -> tuple[float, str] | None:
    """The sentence that compares two entities' figures, with the weight of the difference."""
    there = [(entity, fact) for entity, fact in zip(entities, row.facts, strict=True) if fact is not None]
    comparable = row.numeric and kind(row.first.unit) not in _INCOMPARABLE and english.speakable(row.title)
    if len(there) < 2 or not comparable:
        return None
    ordered = sorted(there, key=lambda pair: -_figure(pair[1]))
    (first, most), (second, least) = ordered[0], ordered[-1]
    high, low = _figure(most), _figure(least)
    if high == low or not low:
        return None
    if high > 0 > low and kind(row.first.unit) != "ratio":
        return 3.0, _sides(row, ordered[0], ordered[-1])
    if kind(row.first.unit) == "share":
        gap = points(high - low, most.unit) if most.unit == least.unit else ""
        weight = float(min(abs(high - low) * (1 if most.unit == "fraction" else Decimal("0.01")), Decimal(2)))
        return weight, _sides(row, ordered[0], ordered[-1])[:-1] + (f", {gap} apart." if gap else ".")
    if low <= 0 or (size := ratio(high, low)) is None or size < Decimal("1.5"):
        return None
    subject = f"{first.short}'s {_named(row.title)}"
    weight = min(float(size.log10()) / 2, 1.5)
    if kind(row.first.unit) == "count":
        return weight * 0.3, _sides(row, ordered[0], ordered[-1])
    many = english.verb(row.title) == "were"
    verb, that = ("are", "those") if many else ("is", "that")
    when = english.period(row.title)
    subject = f"{subject} {when}" if when else subject
    said = f"{subject} of {most.text} {verb} {times(size)} times {that} of {second.short} ({least.text})."
    return weight, said


def as_of(facts: Sequence[Fact]) -> str:
    """`as of 21 February 2025` where all facts are of one date, a range of dates where not, else nothing."""
    plain = [fact for fact in facts if not fact.formula] or facts
    dates = sorted({fact.source.as_of[:10] for fact in plain if fact.source.as_of})
    if not dates:
        return ""
    if len(dates) == 1:
        return f"as of {english.day(dates[0])}"
    return f"as of {english.day(dates[0])} to {english.day(dates[-1])}"


def days_between(first: str, second: str) -> int:
    """Days from one ISO date to another; 0 where one of them is none."""
    start, end = _date(first), _date(second)
    return (end - start).days if start and end else 0


def _level(period: str, facts: Sequence[Fact]) -> str:
    parts = [f"{_named(fact.title)} {english.verb(fact.title)} {fact.text}" for fact in facts[:1]]
    parts += [f"{_named(fact.title)} {fact.text}" for fact in facts[1:]]
    return english.capital(f"{period} {english.listed(parts)}.".strip())


def _sides(row: Row, first: _Side, second: _Side) -> str:
    title, period = _named(row.title), english.period(row.title)
    said = f"{first[1].text} at {first[0].short} and {second[1].text} at {second[0].short}"
    sentence = f"{period} {title} {english.verb(row.title)} {said}."
    return english.capital(" ".join(sentence.split()))


def _distance(fact: Fact) -> str:
    """A relative difference of two figures, with both named."""
    first, second = fact.inputs
    now, then = _figure(first), _figure(second)
    if now == then:
        return f"The {_named(first.title)} equals {_the(second.title)}, {first.text}."
    size = show(abs(_figure(fact)), "fraction")
    side = "above" if now > then else "below"
    verb = "are" if english.verb(first.title) == "were" else "is"
    return f"The {_named(first.title)} of {first.text} {verb} {size} {side} {_the(second.title)} of {second.text}."


def _the(title: str) -> str:
    named = _named(title)
    return named if named.startswith("the ") else f"the {named}"


def _when(records: Records, index: int) -> str:
    return english.within(records.times[index])


def _expected(records: Records, last: Fact, index: int) -> bool:
    """Whether a record lies in the future of the data that holds it."""
    as_of, time = (last.source.as_of or "")[:10], records.times[index]
    # A period that is named by its first day has that day as the date of its data.
    return bool(as_of) and time.end.isoformat() > as_of and time.start.isoformat() != as_of


def _forecast(column: Column, records: Records, title: str) -> str:
    """The expected values of the first records, side by side."""
    said = [f"{cell.text} {_when(records, index)}" for index, cell in column.known[:3]]
    return english.capital(f"{title} {'are' if english.verb(column.title) == 'were' else 'is'} {english.listed(said)}.")


def _against(column: Column, records: Records) -> str:
    """`, 4.4 % more than in the quarter before ($14.46 billion) and …`."""
    known = column.known
    index, last = known[-1]
    said = []
    if len(known) > 1 and known[-2][0] == index - 1:
        said.append(_moved(last, known[-2][1], _when(records, index - 1)))
    if records.cadence not in ("year", "") and (earlier := _year_before(column, records, index)):
        said.append(_moved(last, earlier[1], _when(records, earlier[0])))
    return f", {' and '.join(said)}" if said else ""


def _moved(last: Fact, before: Fact, when: str) -> str:
    now, then = _figure(last), _figure(before)
    if now == then:
        return f"the same as {when}"
    if last.unit.startswith("°"):  # a tenth more degrees is not a tenth warmer
        return f"{show(abs(now - then), last.unit)} {'more' if now > then else 'less'} than {when} ({before.text})"
    size = change(then, now)
    if size is not None and abs(size) < _UNSEEN:
        return f"about the same as {when} ({before.text})"
    if size is not None and now > 0 and kind(last.unit) != "share":
        return f"{show(abs(size), 'fraction')} {'more' if now > then else 'less'} than {when} ({before.text})"
    if kind(last.unit) == "share" and last.unit == before.unit:
        return f"{points(now - then, last.unit)} {'more' if now > then else 'less'} than {when} ({before.text})"
    return f"{'up' if now > then else 'down'} from {before.text} {when}"


def _year_before(column: Column, records: Records, index: int) -> tuple[int, Fact] | None:
    last = records.times[index].end
    years = [
        (abs((last - records.times[earlier].end).days - 365), earlier, cell)
        for earlier, cell in column.known
        if 360 <= (last - records.times[earlier].end).days <= 370
    ]
    return min(years, key=lambda year: year[:2])[1:] if years else None


def _extremes(column: Column, records: Records) -> str:
    known = column.known
    if len(known) < 3:
        return ""
    low = min(known, key=lambda cell: (_figure(cell[1]), -cell[0]))
    high = max(known, key=lambda cell: (_figure(cell[1]), cell[0]))
    if _figure(low[1]) == _figure(high[1]):
        return f"It did not change over the {records.cadence or 'record'}s shown."
    over = f"the {records.cadence or 'record'}s"
    newest = known[-1][0]
    if high[0] == newest:
        return f"That is the highest of {over} shown; the lowest was {low[1].text} ({_label(records, low[0])})."
    if low[0] == newest:
        return f"That is the lowest of {over} shown; the highest was {high[1].text} ({_label(records, high[0])})."
    return (
        f"Over {over} shown it ranged from {low[1].text} ({_label(records, low[0])}) "
        f"to {high[1].text} ({_label(records, high[0])})."
    )


def _label(records: Records, index: int) -> str:
    if not records.dated:
        return escaped(records.labels[index], most=60)
    time = records.times[index]
    return english.within(time).removeprefix("in the quarter to ").removeprefix("on ").removeprefix("in ")


def _date(label: str) -> date | None:
    try:
        return date.fromisoformat(label[:10])
    except ValueError:
        return None


def _named(title: str) -> str:
    return escaped(english.named(title), most=90)


def _title(title: str) -> str:
    return english.capital(_named(title))


def _figure(fact: Fact) -> Decimal:
    return fact.figure if fact.figure is not None else Decimal(0)
