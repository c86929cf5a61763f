"""Claims of size and rank in words, held against the data that bears them out; what it cannot is left alone."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.checks.datums import Data, Datum
from trainer.checks.figure import Figure, exact, shown
from trainer.checks.mentions import Mention
from trainer.checks.spelt import rank_claim

_FAR = 0.25
"""How far a ratio may lie from those claimed, in parts of the claim, before it is false."""
_GRAINS = {"quarters": "quarter", "years": "year", "months": "month"}


def sized(mention: Mention, pairs: Sequence[tuple[Datum, Datum]]) -> Figure | None:
    """The verdict on `twice` or `doubled`, given what may be compared; None where that is nothing, or nearly right."""
    said = mention.numeral
    ratios = [(one.value / two.value, one, two) for one, two in pairs if two.value and one.value / two.value > 0]
    if not ratios:
        return None
    ratio, one, two = min(ratios, key=lambda each: abs(each[0] - said.value))
    formula, support = f"{one.path} / {two.path}", "; ".join(dict.fromkeys((one.support, two.support)))
    if said.low <= ratio <= said.high:
        return shown(mention, "derived", support, formula=formula, date=one.last, stored=exact(ratio))
    if said.low - _FAR * said.value <= ratio <= said.high + _FAR * said.value:
        return None
    message = f"{formula} is {ratio:.3g}, not {said.value:g}"
    return shown(mention, "contradicted", support, message=message, date=one.last, stored=exact(ratio))


def ranked(mention: Mention, bearer: Datum, data: Data) -> Figure | None:
    """The verdict on a rank that a datum is said to have; None where the data does not hold what it is ranked among."""
    from_top, among, many = rank_claim(mention.numeral)
    ranks = [(_rank(bearer, group, from_top), group) for group in _groups(bearer, among, many, data)]
    if not ranks:
        return None
    said = int(mention.numeral.value)
    rank, group = min(ranks, key=lambda each: abs(each[0] - said))
    formula = f"rank {rank} of {len(group)}: {bearer.path} among {group[0].path} … {group[-1].path}"
    support = bearer.support
    if rank == said:
        return shown(mention, "derived", support, formula=formula, date=bearer.last, stored=exact(bearer.value))
    message = f"{bearer.title} ({bearer.last}) is number {rank} of {len(group)} {among}, not {mention.numeral.text}"
    return shown(mention, "contradicted", support, message=message, date=bearer.last, stored=exact(bearer.value))


def _rank(bearer: Datum, group: Sequence[Datum], from_top: bool) -> int:
    return 1 + sum((other.value > bearer.value) if from_top else (other.value < bearer.value) for other in group)


def _groups(bearer: Datum, among: str, many: int, data: Data) -> list[list[Datum]]:
    """What a datum may be ranked among, itself included: its series or stretches of it, its like of others."""
    if among in _GRAINS:
        series = _series(bearer, data) if bearer.grain == _GRAINS[among] else []
        at = next((at for at, datum in enumerate(series) if datum.last == bearer.last), -1)
        size = many or len(series)
        starts = range(max(0, at - size + 1), min(at, len(series) - size) + 1)
        return [series[start : start + size] for start in starts] if at >= 0 and size > 1 else []
    if among in ("companies", "peers"):
        group = [d for d in data.by_metric[bearer.metric] if d.last == bearer.last and d.path == bearer.path]
        whole = len({datum.subject for datum in group})
        return [group] if whole == len(group) > 1 and many in (0, len(group)) else []
    place = bearer.path.rpartition(".")[0]
    group = [d for d in data.datums if d.block == bearer.block and d.path.rpartition(".")[0] == place and place]
    alike = [datum for datum in group if datum.unit == bearer.unit and datum.unit]
    return [alike] if len(alike) == len(group) > 1 and many in (0, len(alike)) else []


def _series(bearer: Datum, data: Data) -> list[Datum]:
    """The datum's metric and subject in order of time, one a date; those of its own block."""
    members = {d.last: d for d in data.by_metric[bearer.metric] if d.series and d.block == bearer.block}
    return sorted(members.values(), key=lambda datum: datum.last)
