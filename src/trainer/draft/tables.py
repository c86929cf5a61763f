"""Tables and charts of what a section is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainer.draft import markup, wording
from trainer.draft.allot import FigureRow
from trainer.draft.cubes import Entity
from trainer.draft.domain import concept, domain
from trainer.draft.figures import show
from trainer.draft.markup import escaped
from trainer.draft.model import Fact, MeasureColumn, Records
from trainer.draft.prose import as_of
from trainer.facts.words import fold, vocabulary

_MOST_RECORDS = 12
_MOST_POINTS = 400
_NOTHING = "–"
_PERIODIC = frozenset(("annual", "yearly", "quarterly", "monthly", "weekly", "daily"))


def figures_table(caption: str, rows: Sequence[FigureRow], entities: Sequence[Entity]) -> str:
    """A row for each figure, a column for each entity."""
    facts = [fact for row in rows for fact in row.facts if fact]
    one = len(entities) == 1
    texts = sum(not row.numeric for row in rows) * 2 > len(rows)
    values = [wording.say("value")] if one else [entity.short for entity in entities]
    header = [wording.say("item" if texts else "figure"), *values]
    body = [[_row_title(row), *(_cell(fact) for fact in row.facts)] for row in rows]
    names = wording.listed([entity.short for entity in entities])
    return markup.table(
        _caption(f"{caption}, {names}", as_of(facts), _closed(facts, entities)),
        header,
        body,
        texts=len(header) if texts else 1,
    )


def records_table(records: Records, entity: Entity) -> str:
    """The newest records of a series; of a long list those with most of its first measure."""
    numeric = [column for column in records.columns if column.numeric]
    columns = [*[column for column in records.columns if not column.numeric], *numeric]
    heads = wording.pattern("label_heads")
    header = [escaped(heads.get(records.cadence, records.label_title)), *(_head(column) for column in columns)]
    body = [
        [_label(records, index), *(_cell(column.cells[index]) for column in columns)]
        for index in _shown(records, numeric)
    ]
    largest = "" if records.dated or len(records.labels) <= _MOST_RECORDS or not numeric else numeric[0].title
    name = ", ".join(part for part in (_member(records), entity.short) if part and part != _title(records.title))
    caption = _caption(
        _of_what(records), name, escaped(wording.say("largest_by", title=wording.named(largest))) if largest else ""
    )
    return markup.table(caption, header, body, texts=1 + len(columns) - len(numeric))


def _shown(records: Records, numeric: Sequence[MeasureColumn]) -> Sequence[int]:
    size = len(records.labels)
    if records.dated or size <= _MOST_RECORDS or not numeric:
        return range(size)[-_MOST_RECORDS:] if records.dated else range(size)[:_MOST_RECORDS]
    ordered = sorted(numeric[0].known, key=lambda cell: (-(cell[1].figure or 0), cell[0]))
    return [index for index, _ in ordered[:_MOST_RECORDS]]


def _head(column: MeasureColumn) -> str:
    return escaped(column.member, most=60) if column.member else _title(column.title)


def _of_what(records: Records) -> str:
    """`Quarterly revenue and net income`, or the list's own title where that says what it holds."""
    heads = dict.fromkeys(wording.lowered(wording.base(column.title)) for column in records.columns)
    titles = list(heads)[:3]
    names = wording.listed(titles) if len(heads) <= 3 else ", ".join(titles)
    is_period = records.title.lower() in _PERIODIC
    says_nothing = not records.title or fold(records.title) in vocabulary("container")
    if says_nothing or (is_period and records.title.lower() not in wording.pattern("adjectives").split()):
        by = wording.say_of("periods_of", records.cadence) if records.cadence else wording.lowered(records.label_title)
        caption = wording.say("by_period_and_more" if len(heads) > 3 else "by_period", titles=names, period=by)
        return escaped(wording.capital(caption), most=120)
    if not is_period or len(heads) > 3:
        return _title(records.title)
    return escaped(f"{records.title} {names}", most=120)


def _member(records: Records) -> str:
    return escaped(records.member, most=60) if records.member else ""


def series_chart(records: Records, entity: Entity) -> str:
    """A chart of the first measures that share a unit; nothing where there are fewer than three points."""
    columns = _drawable(records)
    if not columns:
        return ""
    indices = [i for i in range(len(records.labels)) if any(column.cells[i] for column in columns)]
    indices = indices[:: -(-len(indices) // _MOST_POINTS)]
    titles = list(dict.fromkeys(column.title for column in columns))
    names = wording.listed([wording.named(title) for title in titles])
    by = wording.say_of("periods_of", records.cadence) if records.cadence else ""
    whose = ", ".join(part for part in (records.member, wording.short_name(entity.name)) if part)
    title = wording.say("chart_title_by" if by else "chart_title", titles=names, period=by, entity=whose)
    first, last = (wording.day(records.labels[index]) for index in (indices[0], indices[-1]))
    description = "chart_description_by" if by else "chart_description"
    kind_of_chart = "bar" if len(indices) <= 12 and records.cadence in ("quarter", "year") else "line"
    rows = [[records.labels[index], *(_point(column.cells[index]) for column in columns)] for index in indices]
    return markup.chart(
        kind_of_chart,
        title=wording.capital(title),
        description=wording.capital(wording.say(description, titles=names, period=by, start=first, day=last)),
        columns=["date", *(column.member or wording.term(column.title) for column in columns)],
        rows=rows,
        unit=columns[0].unit,
    )


def _drawable(records: Records) -> list[MeasureColumn]:
    """Up to two measures of one unit and like size, each with three points or more."""
    columns = [c for c in records.columns if c.numeric and len(c.known) >= 3 and _largest(c) > 0]
    if not records.dated or not columns:
        return []
    first = columns[0]
    if first.member:
        return columns
    alike = [
        c
        for c in columns[1:]
        if c.unit == first.unit and c.title != first.title and _largest(c) * 20 >= _largest(first)
    ]
    return [first, *sorted(alike, key=lambda c: -len(c.known))[:1]]


def _largest(column: MeasureColumn) -> float:
    return max(abs(float(cell.figure or 0)) for _, cell in column.known)


def _point(fact: Fact | None) -> float | int | None:
    if fact is None or fact.figure is None:
        return None
    return int(fact.figure) if fact.figure == fact.figure.to_integral_value() else float(fact.figure)


def _cell(fact: Fact | None) -> str:
    if fact is None:
        return _NOTHING
    return show(fact.figure, "") if fact.unit == "shares" and fact.figure is not None else fact.text


def _label(records: Records, index: int) -> str:
    return wording.label(records.times[index]) if records.dated else escaped(records.labels[index], most=60)


def _title(title: str) -> str:
    return escaped(wording.term(title), most=120)


def accounts_to(entity: Entity) -> str:
    """The day to which an entity's newest accounts run, where the data says it."""
    titles = domain()["closing_days"]
    return next((f.text for f in entity.facts if f.title.casefold() in titles and f.unit == "date"), "")


def _closed(facts: Sequence[Fact], entities: Sequence[Entity]) -> str:
    """Which accounts the figures of a table come from."""
    if not any(wording.period(fact.title) or concept(fact.title) in domain()["closing"] for fact in facts):
        return ""
    days = {entity.short: day for entity in entities if (day := accounts_to(entity))}
    if len(set(days.values())) == 1:
        return wording.say("accounts_to", day=next(iter(days.values())))
    dated = [f"{day} ({name})" for name, day in days.items()]
    return wording.say("accounts_to", day=wording.listed(dated)) if days else ""


def _row_title(row: FigureRow) -> str:
    """The title with the formula of a derived figure: `Net debt (total debt less cash)`."""
    head, _, qualifier = row.title.partition(", ")
    if not row.first.formula or row.first.is_distance or re.search(r" (to|per) ", head):
        return _title(row.title)
    return _title(f"{wording.term(head)} ({wording.term(row.first.formula)}){f', {qualifier}' if qualifier else ''}")


def _caption(text: str, *more: str) -> str:
    return ", ".join(part for part in (text, *more) if part)
