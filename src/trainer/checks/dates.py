"""Full dates of a text held against the dates of data and contexts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainer.checks.datums import Data
from trainer.checks.document import Block, Document
from trainer.checks.figure import Figure
from trainer.checks.fit import STRONG, coverage
from trainer.checks.labels import labels
from trainer.checks.periods import Period, find_periods
from trainer.core.values import Context

_BEFORE = 80
_Titled = list[tuple[str, str, frozenset[str]]]


def check_dates(document: Document, *, data: Data, contexts: Sequence[Context]) -> Iterator[Figure]:
    """Every full date with its verdict: of a datum, of a context, contradicted by the datum it names, or none."""
    titled = _titled(data)
    held = {period.first: context.path for context in contexts for period in find_periods(context.text)}
    for block in document.blocks:
        if block.kind in ("front", "code", "chart") or block.appendix:
            continue
        for period in find_periods(block.text):
            if period.grain == "day":
                yield _figure(block, period, data, held, titled)


def _figure(block: Block, period: Period, data: Data, held: dict[str, str], titled: _Titled) -> Figure:
    line, column = block.place(period.start)
    text = block.text[period.start : period.end]
    near = {token: 1.0 for token, _, _ in labels(block.text[max(0, period.start - _BEFORE) : period.start])}
    found = data.dates.get(period.first, ())
    named = _named(near, titled, data)
    support, message = "", ""
    if found:
        support = max(found, key=lambda each: coverage(each[1], frozenset(), near, data.weights))[0]
    elif named:
        support, day, title = named
        message = f"{title} is {day}, not {text}"
    elif period.first in held:
        support = held[period.first]
    else:
        message = "no datum and no context holds this date"
    verdict = "supported" if found else "contradicted" if named else "context" if support else "unsupported"
    return Figure(line, column, text, "date", 0.0, "date", verdict, support, "", message, period.first, period.first)  # type: ignore[arg-type]


def _titled(data: Data) -> _Titled:
    """The dates with names of their own: support, day and words of each."""
    return [
        (support, day, words)
        for day, entries in data.dates.items()
        for support, words, _ in entries
        if len(words) > 1 and words != {"date", "retrieved"}
    ]


def _named(near: dict[str, float], titled: _Titled, data: Data) -> tuple[str, str, str] | None:
    """The dated datum whose whole name stands before a date: its support, day and words."""
    best: tuple[float, str, str, str] | None = None
    for support, day, words in titled:
        score = coverage(words, frozenset(), near, data.weights)
        if score >= max(STRONG, 0.9) and (best is None or score > best[0]):
            best = score, support, day, " ".join(sorted(words))
    return best[1:] if best else None
