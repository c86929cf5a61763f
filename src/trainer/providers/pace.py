"""How fast one provider is asked: calls at once, requests and tokens a minute, and what its refusals teach."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from trainer.core.errors import ProviderError

_WINDOW = 1.04
"""Seconds in which a learnt number of requests is sent: a second, and what messages may be late by."""
_QUIET = 15.0
"""Seconds without a refusal after which a little more is tried."""
_MINUTE = 60.0


class Pace:
    """The pace of one provider and key, on one event loop.

    The number of calls at once falls by a third when the service is overloaded and grows by one for each round
    that passes. A refusal for too many requests closes the gate and teaches how many the service takes in a second;
    from then on no more are sent in any second; once it is quiet for long, one tenth more is tried.
    """

    def __init__(
        self,
        at_once: int,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.at_once = float(at_once)
        """Calls that may be under way; moves between 1 and what it was at the start."""
        self.per_second: int | None = None
        """Requests a second, once refusals have taught it."""
        self._most = at_once
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._clock = clock
        self._busy = 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._sent: deque[float] = deque()
        self._minute: deque[tuple[float, int]] = deque()
        self._minute_tokens = 0
        self._closed_until = 0.0
        self._learning = False
        self._refused = 0
        self._adjusted_at = float("-inf")
        self._quiet_since = clock()

    async def enter(self, tokens: int) -> float:
        """Wait for a place; the moment of entry, which `leave` wants back."""
        async with self._turn:
            while True:
                self._freed.clear()
                if self._busy >= max(1, int(self.at_once)):
                    await self._freed.wait()
                    continue
                wait = self._opens_at(tokens) - self._clock()
                if wait <= 0:
                    return self._admit(tokens)
                await asyncio.sleep(wait)

    def leave(self, entered: float, error: ProviderError | None) -> None:
        """Give the place back, with what became of the attempt."""
        self._busy -= 1
        self._freed.set()
        if error is None:
            self._grow()
        elif error.kind == "rate_limited":
            self._slow_down(entered, error.retry_after)
        elif error.kind in ("server", "timed_out") and entered > self._adjusted_at:
            self._adjusted_at = self._clock()
            self.at_once = max(1.0, self.at_once * 2 / 3)

    def _opens_at(self, tokens: int) -> float:
        now = self._clock()
        if now >= self._closed_until and self._learning:
            self._learn()
        opens = self._closed_until
        if self.per_second and len(self._sent) >= self.per_second:
            opens = max(opens, self._sent[-self.per_second] + _WINDOW)
        return max(opens, self._minute_opens_at(now, tokens))

    def _minute_opens_at(self, now: float, tokens: int) -> float:
        while self._minute and self._minute[0][0] <= now - _MINUTE:
            self._minute_tokens -= self._minute.popleft()[1]
        full = self._requests_per_minute and len(self._minute) >= self._requests_per_minute
        heavy = self._tokens_per_minute and self._minute_tokens + tokens > self._tokens_per_minute
        return self._minute[0][0] + _MINUTE if self._minute and (full or heavy) else now

    def _admit(self, tokens: int) -> float:
        now = self._clock()
        self._busy += 1
        self._sent.append(now)
        while len(self._sent) > 10_000:
            self._sent.popleft()
        if self._requests_per_minute or self._tokens_per_minute:
            self._minute.append((now, tokens))
            self._minute_tokens += tokens
        return now

    def _grow(self) -> None:
        now = self._clock()
        self.at_once = min(float(self._most), self.at_once + 1 / self.at_once)
        if self.per_second and now - self._quiet_since > _QUIET:
            self.per_second += max(1, self.per_second // 10)
            self._quiet_since = now

    def _slow_down(self, entered: float, retry_after: float | None) -> None:
        now = self._clock()
        if self._learning and entered >= self._adjusted_at - 1:
            self._refused += 1
        elif entered > self._adjusted_at:
            self._adjusted_at = now
            self._learning, self._refused = True, 1
            self._closed_until = now + _WINDOW
        if retry_after is not None:
            self._closed_until = max(self._closed_until, now + retry_after)
        self._quiet_since = max(now, self._closed_until)

    def _learn(self) -> None:
        """The requests of the second before the refusal that were not refused are what the service takes."""
        self._learning = False
        since = self._adjusted_at - 1.0
        taken = sum(1 for moment in self._sent if moment >= since) - self._refused
        self.per_second = max(1, taken if self.per_second is None else min(self.per_second - 1, taken))
        self._adjusted_at = self._clock()
