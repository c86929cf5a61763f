"""Limits of N requests a second, in the ways that services keep them."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Protocol


class Limit(Protocol):
    """Lets requests in, or not."""

    def takes(self, moment: float) -> bool: ...


class Window:
    """So many requests in any second."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self.accepted: collections.deque[float] = collections.deque()

    def takes(self, moment: float) -> bool:
        while self.accepted and self.accepted[0] <= moment - 1:
            self.accepted.popleft()
        if len(self.accepted) >= self.per_second:
            return False
        self.accepted.append(moment)
        return True


class FixedWindow:
    """So many requests in each second of a clock that began `phase` seconds ago."""

    def __init__(self, per_second: int, phase: float = 0.4) -> None:
        self.per_second = per_second
        self.phase = phase
        self.second, self.accepted = -1, 0

    def takes(self, moment: float) -> bool:
        if (second := int(moment + self.phase)) != self.second:
            self.second, self.accepted = second, 0
        self.accepted += 1
        return self.accepted <= self.per_second


class Bucket:
    """A bucket of `size` tokens, full at first and filled with so many a second; each request takes one."""

    def __init__(self, per_second: float, size: float | None = None) -> None:
        self.per_second = per_second
        self.level = self.size = per_second if size is None else size
        self.at = 0.0

    def takes(self, moment: float) -> bool:
        self.level = min(self.size, self.level + (moment - self.at) * self.per_second)
        self.at = moment
        if self.level < 1 - 1e-9:
            return False
        self.level -= 1
        return True


LIMITS: dict[str, Callable[[int], Limit]] = {
    "sliding window": Window,
    "fixed window": FixedWindow,
    "bucket of N": Bucket,
    "bucket of 1": lambda per_second: Bucket(per_second, 1),
}
