"""Whole dates of a text held against the dates of data and contexts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from trainer.checks.claims import Claims
from trainer.checks.concepts import concept_words, concepts
from trainer.checks.figure import Figure
from trainer.checks.lexicon import Lexicon, detect_language
from trainer.checks.times import find_times
from trainer.checks.view import FactsView
from trainer.core.values import Context, DataBlock

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T|\s|$)")


def check_dates(
    claims: Claims, *, view: FactsView, blocks: Sequence[DataBlock], contexts: Sequence[Context]
) -> Iterator[Figure]:
    """Every whole date with its verdict: of a datum, of a context, or none."""
    of_data = _dates(view, blocks)
    of_contexts = {
        ref.first: context.path
        for context in contexts
        for ref in find_times(context.text, lexicon=Lexicon(detect_language(context.text)))
        if ref.kind == "day" and ref.first
    }
    for line, column, ref, sentence in claims.dates:
        day = ref.first
        if day is None:
            if (
                of_data
                and ref.month
                and ref.day
                and (ref.month, ref.day) not in {(other.month, other.day) for other in (*of_data, *of_contexts)}
            ):
                yield Figure(
                    line,
                    column,
                    ref.text,
                    "date",
                    0.0,
                    "date",
                    "unsupported",
                    message="no datum and no context holds this day",
                )
            continue
        if day in of_data:
            yield Figure(
                line,
                column,
                ref.text,
                "date",
                0.0,
                "date",
                "supported",
                of_data[day],
                date=day.isoformat(),
                stored=day.isoformat(),
            )
        elif day in of_contexts:
            yield Figure(
                line,
                column,
                ref.text,
                "date",
                0.0,
                "date",
                "context",
                of_contexts[day],
                date=day.isoformat(),
                stored=day.isoformat(),
            )
        elif of_data or of_contexts:
            words = {word for word, _, _ in concepts(sentence)}
            named = [
                other
                for other in sorted(of_data)
                if len(_named(of_data[other]) & words) >= min(2, len(_named(of_data[other]))) > 0
            ]
            if len(named) == 1:
                message = f"{of_data[named[0]].rpartition('/')[2]} is {named[0].isoformat()}, not {ref.text}"
                yield Figure(
                    line,
                    column,
                    ref.text,
                    "date",
                    0.0,
                    "date",
                    "contradicted",
                    of_data[named[0]],
                    message=message,
                    date=named[0].isoformat(),
                )
                continue
            nearest = min(of_data, key=lambda other: (abs((other - day).days), other), default=None)
            hint = (
                f"; the nearest is {nearest.isoformat()} ({of_data[nearest]})"
                if nearest and abs((nearest - day).days) < 400
                else ""
            )
            yield Figure(
                line,
                column,
                ref.text,
                "date",
                0.0,
                "date",
                "unsupported",
                message=f"no datum and no context holds this date{hint}",
                date=day.isoformat(),
            )


def _named(source: str) -> frozenset[str]:
    """The words of a date's own key; none where it is only a date."""
    return concept_words(source.rpartition("/")[2]) - {"date", "time", "end", "start", "retrieved"}


def _dates(view: FactsView, blocks: Sequence[DataBlock]) -> dict[date, str]:
    """Every day that the data names, with where it stands."""
    sources: dict[date, str] = {}
    for datum in view.data:
        if datum.time:
            sources.setdefault(datum.time.end, datum.source)
            sources.setdefault(datum.time.start, datum.source)
    for item in view.facts.left_out:
        for match in _ISO.finditer(item.detail):
            _add(sources, match, f"{item.source.key or item.source.name} {item.source.path}")
    for block in blocks:
        if block.as_of:
            for match in _ISO.finditer(block.as_of):
                _add(sources, match, f"{block.key} as of")
        if block.retrieved_at:
            sources.setdefault(block.retrieved_at.date(), f"{block.key} retrieved")
    return sources


def _add(sources: dict[date, str], match: re.Match[str], source: str) -> None:
    try:
        sources.setdefault(date(int(match[1]), int(match[2]), int(match[3])), source)
    except ValueError:
        return
