"""The figures of a group at work: each is given the values of its documents by key, and says what they come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from trainer.core.errors import UsageError
from trainer.core.values import Json
from trainer.stores.match import MISSING, plain, simplest, sort_key

_EXACT = 2**53


class Figure:
    """An accumulator: keeps the values it is given."""

    def __init__(self) -> None:
        """Starts without values."""
        self.values: list[Json] = []

    def add(self, value: Json) -> None:
        """Takes the value of one more document, or MISSING."""
        self.values.append(value)

    def result(self) -> Json:
        """The figure so far."""
        raise NotImplementedError


class _Push(Figure):
    def result(self) -> Json:
        return [value for value in self.values if value is not MISSING]


class _Sum(Figure):
    def add(self, value: Json) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.values.append(value)

    def result(self) -> Json:
        return exact_sum(self.values)


class _Average(_Sum):
    def result(self) -> Json:
        return average(exact_sum(self.values), len(self.values))


class _Extreme(Figure):
    chosen: Callable[..., Json]

    def add(self, value: Json) -> None:
        if plain(value) is not None:
            self.values = [type(self).chosen([*self.values, value], key=sort_key)]

    def result(self) -> Json:
        return spelled(self.values[0]) if self.values else None


class _Least(_Extreme):
    chosen = min


class _Most(_Extreme):
    chosen = max


class _Count(Figure):
    def __init__(self) -> None:
        self.seen = 0

    def add(self, value: Json) -> None:  # noqa: ARG002  (whatever it is, it counts)
        self.seen += 1

    def result(self) -> Json:
        return self.seen


class _First(Figure):
    def add(self, value: Json) -> None:
        self.values = self.values or [plain(value)]

    def result(self) -> Json:
        return self.values[0]


class _Last(_First):
    def add(self, value: Json) -> None:
        self.values = [plain(value)]


FIGURES: Mapping[str, type[Figure]] = {
    "$sum": _Sum,
    "$avg": _Average,
    "$min": _Least,
    "$max": _Most,
    "$count": _Count,
    "$first": _First,
    "$last": _Last,
    "$push": _Push,
}


def exact_sum(values: Sequence[int | float]) -> int | float:
    """The sum, whatever the order of the values: a whole one exactly, any other rounded once.

    Raises UsageError where it is larger than a number can be.
    """
    if all(isinstance(value, int) for value in values):
        return rounded(Fraction(sum(values)))
    try:
        total = math.fsum(values)
    except OverflowError:
        raise _too_large() from None
    return rounded(Fraction(total) if abs(total) < _EXACT else sum(map(Fraction, values), Fraction()))


def rounded(total: Fraction) -> int | float:
    """The number nearest to the total, a whole one exactly, in its one spelling."""
    found: int | float = simplest(total.numerator if total.denominator == 1 else float(total))
    return found


def average(total: float, count: int) -> int | float | None:
    """The total divided by the count, None without any."""
    if not count:
        return None
    try:
        return rounded(Fraction(total / count))
    except OverflowError:
        raise _too_large() from None


def spelled(value: Json) -> Json:
    """A number in its one spelling, and anything else as it is."""
    return simplest(value) if isinstance(value, int | float) else value


def _too_large() -> UsageError:
    return UsageError("a sum is larger than a number can be", hint="leave the largest out by $match")
