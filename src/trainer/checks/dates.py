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
    known = _dates(view, blocks)
    said = {
        ref.first: context.path
        for context in contexts
        for ref in find_times(context.text, lexicon=Lexicon(detect_language(context.text)))
        if ref.kind == "day" and ref.first
    }
    for line, column, ref, sentence in claims.dates:
        day = ref.first
        if day is None:
            if (
                known
                and ref.month
                and ref.day
                and (ref.month, ref.day) not in {(other.month, other.day) for other in (*known, *said)}
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
        if day in known:
            yield Figure(
                line,
                column,
                ref.text,
                "date",
                0.0,
                "date",
                "supported",
                known[day],
                date=day.isoformat(),
                stored=day.isoformat(),
            )
        elif day in said:
            yield Figure(
                line,
                column,
                ref.text,
                "date",
                0.0,
                "date",
                "context",
                said[day],
                date=day.isoformat(),
                stored=day.isoformat(),
            )
        elif known or said:
            words = {word for word, _, _ in concepts(sentence)}
            named = [
                other
                for other in sorted(known)
                if len(_named(known[other]) & words) >= min(2, len(_named(known[other]))) > 0
            ]
            if len(named) == 1:
                message = f"{known[named[0]].rpartition('/')[2]} is {named[0].isoformat()}, not {ref.text}"
                yield Figure(
                    line,
                    column,
                    ref.text,
                    "date",
                    0.0,
                    "date",
                    "contradicted",
                    known[named[0]],
                    message=message,
                    date=named[0].isoformat(),
                )
                continue
            nearest = min(known, key=lambda other: (abs((other - day).days), other), default=None)
            hint = (
                f"; the nearest is {nearest.isoformat()} ({known[nearest]})"
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
    found: dict[date, str] = {}
    for datum in view.data:
        if datum.time:
            found.setdefault(datum.time.end, datum.source)
            found.setdefault(datum.time.start, datum.source)
    for item in view.facts.left_out:
        for match in _ISO.finditer(item.detail):
            _add(found, match, f"{item.source.key or item.source.name} {item.source.path}")
    for block in blocks:
        if block.as_of:
            for match in _ISO.finditer(block.as_of):
                _add(found, match, f"{block.key} as of")
        if block.retrieved_at:
            found.setdefault(block.retrieved_at.date(), f"{block.key} retrieved")
    return found


def _add(found: dict[date, str], match: re.Match[str], source: str) -> None:
    try:
        found.setdefault(date(int(match[1]), int(match[2]), int(match[3])), source)
    except ValueError:
        return
