"""What the exact figures of a text show of its tables and its calendar."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from trainer.checks.claims import Claim
from trainer.checks.direct import Direct
from trainer.checks.evidence import Assessment, Evidence, TableBindings
from trainer.checks.quantities import Candidate
from trainer.checks.view import Datum
from trainer.facts import Time

TableLine = tuple[int, int]
"""A block, and a row or column of it."""
_MOST_HITS = 12
"""A figure that more data meet shows nothing."""


def learn(evidence: Evidence, direct: Direct, claims: Sequence[Claim]) -> None:
    """Notes what most exact cells of each row and column have in common, and how the text counts its years."""
    rows: dict[TableLine, list[set[Datum]]] = defaultdict(list)
    columns: dict[TableLine, list[set[Datum]]] = defaultdict(list)
    years: Counter[bool] = Counter()
    """Whether the years that are named are those that fiscal years begin in."""
    for claim in claims:
        if claim.numeral.digits < (2 if claim.is_cell else 3) or claim.numeral.soft:
            continue
        hits = {datum for datum, _, cost in direct.hits(claim.numeral) if cost < 0.9}
        if not hits or len(hits) > _MOST_HITS:
            continue
        if claim.is_cell:
            rows[claim.group[0], claim.row].append(hits)
            columns[claim.group[0], claim.col].append(hits)
        if claim.numeral.digits >= 4 and claim.times and claim.times[0].kind == "year":
            years.update(_begins_in(datum.time, claim.times[0].year) for datum in hits if _spans(datum, claim))
    learned = evidence.learned
    for place, cells in rows.items():
        _settle(place, cells, learned.rows, learned.row_times, learned.row_members)
    for place, cells in columns.items():
        _settle(place, cells, learned.columns, learned.column_times, learned.column_members)
    _keep_one_axis(learned)
    if years[True] > 2 * years[False]:
        evidence.calendar = replace(evidence.calendar, overlap_first=True)
    month = _fiscal_end(learned, claims)
    if month is not None:
        evidence.calendar = replace(evidence.calendar, end_months=evidence.calendar.end_months | {month})


def _spans(datum: Datum, claim: Claim) -> bool:
    """Whether a datum is of a year that is named and that lies in two calendar years."""
    time, year = datum.time, claim.times[0].year
    return (
        time is not None
        and time.grain == "year"
        and time.start.year != time.end.year
        and year in (time.start.year, time.end.year)
    )


def _begins_in(time: Time | None, year: int | None) -> bool:
    return time is not None and time.start.year == year


def _settle(
    place: TableLine,
    cells: Sequence[set[Datum]],
    measures: dict[TableLine, int],
    times: dict[TableLine, Time],
    members: dict[TableLine, dict[str, str]],
) -> None:
    """What most cells of a row or column have in common: two at least, and three quarters of all with hits."""
    if len(cells) < 2:
        return
    measure = _common([{datum.measure for datum in hits} for hits in cells])
    if isinstance(measure, int):
        measures[place] = measure
    time = _common([{datum.time for datum in hits} for hits in cells])
    if isinstance(time, Time):
        times[place] = time
    for dimension in {name for hits in cells for datum in hits for name, _ in datum.members}:
        member = _common([{dict(datum.members).get(dimension) for datum in hits} for hits in cells])
        if isinstance(member, str):
            members.setdefault(place, {})[dimension] = member


def _common(cells: Sequence[set[object]]) -> object:
    """What is in three quarters of the sets, two at least, and in more of them than anything else; else None."""
    counts: Counter[object] = Counter(item for items in cells for item in items)
    ranked = counts.most_common(2)
    if not ranked or ranked[0][1] < max(2, 0.75 * len(cells)) or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return None
    return ranked[0][0]


def _keep_one_axis(learned: TableBindings) -> None:
    """What differs from column to column is not what a row is of, and the other way round."""
    for block in {block for block, _ in (*learned.column_members, *learned.column_times, *learned.columns)}:
        columns = [of for (at, _), of in learned.column_members.items() if at == block]
        dimensions = {
            name for of in columns for name in of if len({other.get(name) for other in columns if name in other}) > 1
        }
        for (at, _), of in learned.row_members.items():
            if at == block:
                for name in dimensions & set(of):
                    del of[name]
        _forget_rows(block, learned.column_times, learned.row_times)
        _forget_rows(block, learned.columns, learned.rows)


def _forget_rows(
    block: int, columns: Mapping[TableLine, object], rows: dict[TableLine, Time] | dict[TableLine, int]
) -> None:
    if len({value for (at, _), value in columns.items() if at == block}) > 1:
        for place in [place for place in rows if place[0] == block]:
            del rows[place]


def _fiscal_end(learned: TableBindings, claims: Iterable[Claim]) -> int | None:
    """The month in which fiscal years end by how the heads of tables number their quarters; None for the calendar's."""
    ends: Counter[int] = Counter()
    for claim in claims:
        if not claim.is_cell or not claim.times:
            continue
        ref = claim.times[0]
        block = claim.group[0]
        time = learned.column_times.get((block, claim.col)) or learned.row_times.get((block, claim.row))
        if time is not None and ref.kind == "quarter" and ref.part and time.grain == "quarter":
            month = time.end.month if time.end.day > 10 else (time.end.month - 2) % 12 + 1
            ends[(month - 3 * ref.part - 1) % 12 + 1] += 1
    if not ends:
        return None
    month, count = ends.most_common(1)[0]
    return month if month != 12 and count >= max(2, 0.7 * ends.total()) else None


class Templates:
    """Formulas that a whole row or column follows, though for each of its cells alone they may be an accident."""

    def __init__(self) -> None:
        self.pending: dict[tuple[int, str, int], list[tuple[int, Claim, Sequence[Candidate]]]] = defaultdict(list)
        """Cells that nothing bears out alone, by row and by column, with all arithmetic that meets them."""

    def add(self, number: int, claim: Claim, hits: Sequence[Candidate]) -> None:
        """Notes a cell that nothing bears out alone, with all arithmetic that meets it."""
        for axis, at in (("row", claim.row), ("column", claim.col)):
            self.pending[claim.group[0], axis, at].append((number, claim, hits))

    def accept(self, evidence: Evidence) -> None:
        """Reads such cells as what six in ten of their row or column are."""
        for (block, axis, at), cells in sorted(self.pending.items()):
            same = [
                reading
                for reading in evidence.readings
                if reading.claim.is_cell
                and reading.claim.group[0] == block
                and (reading.claim.row if axis == "row" else reading.claim.col) == at
            ]
            counts: Counter[object] = Counter()
            for _, _, hits in cells:
                counts.update({signature for hit in hits for signature in _signatures(hit)})
            for reading in same:
                if reading.verdict == "derived" and reading.candidate:
                    counts.update(_signatures(reading.candidate))
            if not counts:
                continue
            best, count = max(counts.items(), key=lambda item: (item[1], repr(item[0])))
            if count < max(2, 0.6 * len(same)):
                continue
            for number, claim, hits in cells:
                hit = next((hit for hit in sorted(hits, key=lambda hit: hit.cost) if best in _signatures(hit)), None)
                if hit is not None:
                    evidence.replace(number, Assessment(claim, "derived", hit))


def _signatures(candidate: Candidate) -> tuple[object, ...]:
    """What a formula is over, whatever the row or column: its operation with its measures, its times, its members."""
    inputs = candidate.inputs[:4]
    return (
        (candidate.operation, "measures", tuple((item.measure, item.is_context) for item in inputs)),
        (candidate.operation, "times", tuple(item.time for item in inputs), len(candidate.inputs)),
        (candidate.operation, "members", tuple(item.members for item in inputs), len(candidate.inputs)),
    )
