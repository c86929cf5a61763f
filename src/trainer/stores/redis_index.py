"""Which of Redis's sorted indexes can narrow a question, and how far: by source, or by the time of the last change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

from trainer.stores.moments import from_text
from trainer.stores.query import Compare, Condition, Every

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What every document that matches has; a document that has it need not match."""

    sources: frozenset[str] | None = None
    """One of these sources; None for any."""
    since: int | None = None
    """Changed at this microsecond or later."""
    until: int | None = None
    """Changed at this microsecond or earlier."""

    def narrower(self, other: Narrowed) -> Narrowed:
        """What both say."""
        since = [bound for bound in (self.since, other.since) if bound is not None]
        until = [bound for bound in (self.until, other.until) if bound is not None]
        known = [sources for sources in (self.sources, other.sources) if sources is not None]
        sources = frozenset.intersection(*known) if known else None
        return Narrowed(sources, max(since, default=None), min(until, default=None))


def narrowed(condition: Condition) -> Narrowed:
    """What the indexes can say of the condition."""
    if isinstance(condition, Every):
        return reduce(Narrowed.narrower, map(narrowed, condition.parts), Narrowed())
    if isinstance(condition, Compare) and condition.field.root == "column":
        return _compared(condition)
    return Narrowed()


def microsecond(moment: str) -> int:
    """The moment as a score, exact to the microsecond."""
    return (from_text(moment) - _EPOCH) // timedelta(microseconds=1)


def _compared(condition: Compare) -> Narrowed:
    name, operator, operand = condition.field.path[0], condition.operator, condition.operand
    if name == "source" and operator in ("$eq", "$in"):
        wanted = operand if operator == "$in" else [operand]
        return Narrowed(frozenset(source for source in wanted if isinstance(source, str)))
    if name == "updated_at" and operator in ("$eq", "$gt", "$gte", "$lt", "$lte") and isinstance(operand, str):
        since = microsecond(operand) if operator in ("$eq", "$gt", "$gte") else None
        until = microsecond(operand) if operator in ("$eq", "$lt", "$lte") else None
        return Narrowed(None, since, until)
    return Narrowed()
