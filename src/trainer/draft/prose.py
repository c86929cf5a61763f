"""Sentences on figures: level, change, range and comparison; every one follows from the data by rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TypeAlias

from trainer.draft import wording
from trainer.draft.allot import FigureRow
from trainer.draft.cubes import Entity
from trainer.draft.figures import change, kind, points, ratio, show, times
from trainer.draft.markup import escaped
from trainer.draft.model import Fact, MeasureColumn, Records
from trainer.facts import Time

_Side: TypeAlias = tuple[Entity, Fact]
_INCOMPARABLE = ("price", "year", "shares")
"""Units whose figures say nothing beside another entity's: the price of one share depends on how many there are."""
_UNSEEN = Decimal("0.0005")
"""A change that would be printed as 0.0 %."""
_TELLING = Decimal("0.05")
"""A largest share of a sum below it says nothing of who is large."""
_MOST_TIED = 3
_FEW = 12
"""Among more than these, a largest share tells something where it is twice an even one."""


def levels(facts: Sequence[Fact], *, most: int = 4) -> str:
    """What the first figures were: one sentence for each period."""
    chosen = [fact for fact in facts if wording.speakable(fact.title)][:most]
    periods = dict.fromkeys(wording.period(fact.title) for fact in chosen)
    return " ".join(
        _level(period, [fact for fact in chosen if wording.period(fact.title) == period]) for period in periods
    )


def explained(fact: Fact) -> str:
    """A derived figure with its formula: `Net debt was $62.7 billion (total debt less cash)` and the like."""
    if fact.is_distance:
        return _distance([fact])
    return _sentence(
        "explained",
        many=wording.is_plural(fact.title),
        the=_the(wording.base(fact.title)),
        value=fact.text,
        when=wording.period(fact.title),
        formula=wording.term(fact.formula),
    )


def all_explained(facts: Sequence[Fact]) -> str:
    """Derived figures with their formulas; distances of one figure share a sentence."""
    sentences: list[str] = []
    for first, group in groupby(facts, key=lambda fact: fact.inputs[0] if fact.is_distance else None):
        distances = list(group)
        if first is None:
            sentences += [explained(fact) for fact in distances]
            continue
        equal = [fact for fact in distances if _is_equal(fact)]
        sentences += [explained(fact) for fact in equal]
        sentences += [_distance([fact for fact in distances if fact not in equal])] if equal != distances else []
    return " ".join(sentences)


def development(column: MeasureColumn, records: Records, name: str = "") -> str:
    """How a measure moved: its newest value, the change to the one before and a year before, and its range."""
    index, last = column.known[-1]
    title = _subject(column, records, name)
    if _expected(records, last, index):
        return _forecast(column, records, title)
    sentence = _sentence(
        "development",
        many=wording.is_plural(column.title),
        the=title,
        value=last.text,
        when=wording.within(records.times[index]),
        against=_against(column, records),
    )
    return f"{sentence} {_extremes(column, records)}".strip()


def course(column: MeasureColumn, records: Records, name: str = "") -> str:
    """How a measure went from its first time to its last."""
    if len(column.known) < 2:
        return ""
    (start, first), (end, last) = column.known[0], column.known[-1]
    now, then = _figure(last), _figure(first)
    title = _subject(column, records, name)
    size = _size(column, then, now)
    return _sentence(
        "course_same" if now == then else "course_up" if now > then else "course_down",
        many=wording.is_plural(column.title),
        the=title,
        first=first.text,
        first_when=wording.within(records.times[start]),
        last=last.text,
        last_when=wording.within(records.times[end]),
        size=wording.say("course_size", size=size) if size else "",
    )


def peaks(column: MeasureColumn, records: Records, name: str = "") -> str:
    """When a measure was highest, and when lowest."""
    least, most = _least_and_most(column)
    if _figure(least) == _figure(most):
        return ""
    return _sentence(
        "peaks",
        many=wording.is_plural(column.title),
        the=_subject(column, records, name),
        high=most.text,
        high_at=_where(column, records, most),
        low=least.text,
        low_at=_where(column, records, least),
    )


def ranked(column: MeasureColumn, records: Records) -> str:
    """Who has most of a measure, who comes next, and who has least; the records stand in that order."""
    labels = [_label(records, index) for index, _ in column.known]
    values = [cell for _, cell in column.known]
    high, low = values[0], values[-1]
    if _figure(high) == _figure(low):
        return wording.say("ranked_equal", the=_the(column.title), value=high.text)
    following = [
        wording.say("ranked_next", label=label, value=value.text)
        for label, value in list(zip(labels, values, strict=True))[1:3]
        if _figure(low) < _figure(value) < _figure(high)
    ]
    return _sentence(
        "extremes_when" if records.when else "extremes",
        many=wording.is_plural(column.title),
        when=wording.within(records.when) if records.when else "",
        the=_the(column.title),
        high_at=_where(column, records, high),
        high=high.text,
        ahead=wording.say("ranked_ahead", others=wording.listed(following)) if following else "",
        low_at=_where(column, records, low),
        low=low.text,
    )


def shares(column: MeasureColumn, records: Records) -> str:
    """How much of the sum the largest has, and the three largest together; the records stand in that order."""
    values = [_figure(cell) for _, cell in column.known]
    total = sum(values, Decimal(0))
    if not total or min(values) < 0:
        return ""
    sentences = [
        _sentence(
            "share_most",
            when=wording.within(records.when) if records.when else "",
            label=_label(records, 0),
            part=show(values[0] / total, "fraction"),
            title=_named(column.title),
            total=show(total, column.unit),
        )
    ]
    if len(values) > 4:
        labels = wording.listed([_label(records, index) for index in range(3)])
        sentences.append(_sentence("share_three", labels=labels, part=show(sum(values[:3]) / total, "fraction")))
    return " ".join(sentences)


def contrast(column: MeasureColumn, records: Records) -> str:
    """How far the largest of a list lies from the smallest, and both from the mean of all."""
    values = [_figure(cell) for _, cell in column.known]
    high, low, mean = values[0], values[-1], sum(values, Decimal(0)) / len(values)
    if high == low or not column.known:
        return ""
    size = ratio(high, low) if low > 0 and kind(column.unit) != "share" else None
    is_times = size is not None and size >= Decimal("1.5") and not column.unit.startswith("°")
    sentence = _sentence(
        "contrast_times" if is_times else "contrast_apart",
        many=wording.is_plural(column.title),
        when=wording.within(records.when) if records.when else "",
        the=_the(column.title),
        high_at=_label(records, 0),
        high=column.known[0][1].text,
        low_at=_label(records, len(values) - 1),
        low=column.known[-1][1].text,
        size=times(size) if is_times and size is not None else _distance_of(high - low, column.unit),
    )
    if len(values) < 3:
        return sentence
    return f"{sentence} {wording.say('contrast_mean', mean=show(mean, column.unit))}"


def _distance_of(size: Decimal, unit: str) -> str:
    return points(size, unit) if kind(unit) == "share" else show(size, unit)


def _subject(column: MeasureColumn, records: Records, name: str) -> str:
    """A measure as the subject of a sentence, with whose it is."""
    whose = column.member or records.member
    title = _the_of(column.title, name)
    if not whose or whose == name:
        return title
    return wording.say("for_member", title=title, member=escaped(whose, most=60))


def _size(column: MeasureColumn, then: Decimal, now: Decimal) -> str:
    """How large a change is: in points, in degrees, in per cent; nothing where that would mislead.

    A measure that falls below zero has no zero to count from, so a share of one of its values means nothing.
    """
    if now == then:
        return ""
    if kind(column.unit) == "share":
        return points(now - then, column.unit)
    if column.unit.startswith("°"):  # a tenth more degrees is not a tenth warmer
        return show(abs(now - then), column.unit)
    size = change(then, now)
    if size is None or min(_figure(cell) for _, cell in column.known) < 0:
        return ""
    return show(abs(size), "fraction") if abs(size) >= _UNSEEN else ""


def extremes_of_list(column: MeasureColumn, records: Records) -> str:
    """Which record of a plain list has most, and which least."""
    if records.is_spread:
        return _spread(column)
    least, most = _least_and_most(column)
    if _figure(least) == _figure(most):
        return ""
    sentence = _sentence(
        "extremes_when" if records.when else "extremes",
        many=wording.is_plural(column.title),
        when=wording.within(records.when) if records.when else "",
        the=_the(column.title),
        high_at=_where(column, records, most),
        high=most.text,
        ahead="",
        low_at=_where(column, records, least),
        low=least.text,
    )
    return f"{sentence} {_share_of_total(column, records)}".strip()


def _spread(column: MeasureColumn) -> str:
    """Mean and range of values that have neither name nor time."""
    mean, lowest, highest = (cell for _, cell in column.known)
    return _sentence("spread", title=_named(column.title), mean=mean.text, low=lowest.text, high=highest.text)


def _share_of_total(column: MeasureColumn, records: Records) -> str:
    """How much of the sum the largest record has, where a sum means something."""
    values = [_figure(cell) for _, cell in column.known]
    total = sum(values, Decimal(0))
    if len(values) < 3 or min(values) < 0 or not total or not all(cell.adds_up for _, cell in column.known):
        return ""
    at, most = max(column.known, key=lambda pair: _figure(pair[1]))
    share = _figure(most) / total
    if share < _TELLING or (len(values) > _FEW and share * len(values) < 2):
        return ""
    part = show(share, "fraction")
    return wording.say("share_of_sum", label=_label(records, at), part=part, total=show(total, column.unit))


def comparison(row: FigureRow, entities: Sequence[Entity]) -> tuple[float, str] | None:
    """The sentence that compares two entities' figures, with the weight of the difference."""
    there = [(entity, fact) for entity, fact in zip(entities, row.facts, strict=True) if fact is not None]
    comparable = row.numeric and kind(row.first.unit) not in _INCOMPARABLE and wording.speakable(row.title)
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
        return weight, _sides(row, ordered[0], ordered[-1], gap)
    if low <= 0 or (size := ratio(high, low)) is None or size < Decimal("1.5"):
        return None
    weight = min(float(size.log10()) / 2, 1.5)
    if kind(row.first.unit) == "count":
        return weight * 0.3, _sides(row, ordered[0], ordered[-1])
    return weight, _sentence(
        "times_that",
        many=wording.is_plural(row.title),
        subject=_the_of(row.title, first.short),
        when=wording.period(row.title),
        first=most.text,
        times=times(size),
        second_name=second.short,
        second=least.text,
    )


def as_of(facts: Sequence[Fact]) -> str:
    """`as of 21 February 2025` where all facts are of one date, a range of dates where not, else nothing."""
    plain = [fact for fact in facts if not fact.formula] or facts
    dates = sorted({fact.source.as_of[:10] for fact in plain if fact.source.as_of})
    if not dates:
        return ""
    if len(dates) == 1:
        return wording.say("as_of", day=wording.day(dates[0]))
    return wording.say("as_of_range", start=wording.day(dates[0]), day=wording.day(dates[-1]))


def days_between(first: str, second: str) -> int:
    """Days from one ISO date to another; 0 where one of them is none."""
    start, end = _date(first), _date(second)
    return (end - start).days if start and end else 0


def _level(period: str, facts: Sequence[Fact]) -> str:
    parts = [
        wording.say(
            "level_more" if place else "level",
            many=wording.is_plural(fact.title),
            the=_the(fact.title),
            value=fact.text,
        )
        for place, fact in enumerate(facts)
    ]
    return _sentence("levels", when=period, levels=wording.listed(parts))


def _sides(row: FigureRow, first: _Side, second: _Side, gap: str = "") -> str:
    return _sentence(
        "sides_apart" if gap else "sides",
        many=wording.is_plural(row.title),
        when=wording.period(row.title),
        the=_the(row.title),
        first=first[1].text,
        first_name=first[0].short,
        second=second[1].text,
        second_name=second[0].short,
        gap=gap,
    )


def _is_equal(fact: Fact) -> bool:
    first, second = fact.inputs
    return first.figure == second.figure


def _distance(facts: Sequence[Fact]) -> str:
    """How far one figure lies from others, with all named."""
    first = facts[0].inputs[0]
    sides = [
        wording.say(
            "above" if _figure(first) > _figure(fact.inputs[1]) else "below",
            size=show(abs(_figure(fact)), "fraction"),
            the=_definite(fact.inputs[1].title),
            second=fact.inputs[1].text,
        )
        for fact in facts
    ]
    return _sentence(
        "distance_equal" if _is_equal(facts[0]) else "distance",
        many=wording.is_plural(first.title),
        first_title=_named(first.title),
        first=first.text,
        the=_definite(facts[0].inputs[1].title),
        sides=wording.pattern("also").join(sides),
    )


def _definite(title: str) -> str:
    name = _named(title)
    return name if name.startswith("the ") else wording.say("definite", title=name, the=_the(title))


def _expected(records: Records, last: Fact, index: int) -> bool:
    """Whether a record lies in the future of the data that holds it."""
    as_of, time = (last.source.as_of or "")[:10], records.times[index]
    # A period that is named by its first day has that day as the date of its data.
    return bool(as_of) and time.end.isoformat() > as_of and time.start.isoformat() != as_of


def _forecast(column: MeasureColumn, records: Records, title: str) -> str:
    """The expected values of the first records, side by side."""
    values = [
        wording.say("forecast_value", value=cell.text, when=wording.within(records.times[index]))
        for index, cell in column.known[:3]
    ]
    return _sentence("forecast", many=wording.is_plural(column.title), the=title, values=wording.listed(values))


def _against(column: MeasureColumn, records: Records) -> str:
    """`, 4.4 % more than in the quarter before ($14.46 billion) and …`."""
    cells = column.known
    index = cells[-1][0]
    changes = []
    if len(cells) > 1 and cells[-2][0] == index - 1:
        changes.append(_moved(column, cells[-2][1], records.times[index - 1]))
    if records.cadence not in ("year", "") and (earlier := _year_before(column, records, index)):
        changes.append(_moved(column, earlier[1], records.times[earlier[0]]))
    return wording.say("against", changes=wording.pattern("also").join(changes)) if changes else ""


def _moved(column: MeasureColumn, before: Fact, time: Time) -> str:
    now, then = _figure(column.known[-1][1]), _figure(before)
    shown = _size(column, then, now)
    if now == then:
        name = "same"
    elif shown:
        name = "more" if now > then else "less"
    elif (size := change(then, now)) is not None and abs(size) < _UNSEEN:
        name = "about_same"
    else:
        name = "up" if now > then else "down"
    when, than = wording.within(time), wording.within(time, "than")
    return wording.say(name, size=shown, before=before.text, when=when, than=than)


def _year_before(column: MeasureColumn, records: Records, index: int) -> tuple[int, Fact] | None:
    last = records.times[index].end
    years = [
        (abs((last - records.times[earlier].end).days - 365), earlier, cell)
        for earlier, cell in column.known
        if 360 <= (last - records.times[earlier].end).days <= 370
    ]
    return min(years, key=lambda year: year[:2])[1:] if years else None


def _extremes(column: MeasureColumn, records: Records) -> str:
    cells = column.known
    if len(cells) < 3:
        return ""
    least, most = _least_and_most(column)
    periods = wording.say_of("plurals", records.cadence or "record")
    if _figure(least) == _figure(most):
        return wording.say("unchanged", periods=periods)
    newest = _figure(cells[-1][1])
    return wording.say(
        "newest_highest" if newest == _figure(most) else "newest_lowest" if newest == _figure(least) else "ranged",
        periods=periods,
        low=least.text,
        low_at=_where(column, records, least),
        high=most.text,
        high_at=_where(column, records, most),
    )


def _least_and_most(column: MeasureColumn) -> tuple[Fact, Fact]:
    cells = [cell for _, cell in column.known]
    return min(cells, key=_figure), max(cells, key=_figure)


def _where(column: MeasureColumn, records: Records, value: Fact) -> str:
    """All records that have a value, or that they are several: to name one of them would call it the only one."""
    labels = [_label(records, index) for index, cell in column.known if _figure(cell) == _figure(value)]
    return wording.listed(labels) if len(labels) <= _MOST_TIED else wording.say("several")


def _label(records: Records, index: int) -> str:
    if not records.dated:
        return escaped(records.labels[index], most=60)
    return wording.within(records.times[index], "at")


def _date(label: str) -> date | None:
    try:
        return date.fromisoformat(label[:10])
    except ValueError:
        return None


def _named(title: str) -> str:
    return escaped(wording.named(title), most=90)


def _the(title: str) -> str:
    """A title as the subject of a sentence, with its article where the language puts one."""
    return f"{wording.article(title)}{_named(title)}"


def _the_of(title: str, name: str) -> str:
    """A title as the subject of a sentence, with the entity whose it is."""
    if not name:
        return _the(title)
    return wording.say("of_entity", entity=name, title=_named(title), the=_the(title))


def _sentence(name: str, *, many: bool = False, **slots: object) -> str:
    """A whole sentence of a pattern, without the gaps that empty slots leave."""
    text = re.sub(r" {2,}", " ", wording.say(name, many=many, **slots)).strip()
    return wording.capital(re.sub(r" \.\Z", ".", text))


def _figure(fact: Fact) -> Decimal:
    return fact.figure if fact.figure is not None else Decimal(0)
