"""How fast one provider is asked: calls at once, requests and tokens a minute, and what its refusals teach."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from trainer.core.errors import ProviderError
from trainer.providers.lesson import WINDOW, Lesson, Rate

_QUIET = 120.0
"""Seconds without a refusal after which a little more is tried; twice as long after each refusal."""
_MORE, _LESS, _LEAST = 1.1, 0.8, 0.25
"""By what the rate is multiplied when more is tried, and when it was refused: at most, and at least."""
_SEARCHED = 1.0
"""Seconds without a refusal after which a rate that was not measured takes its next step up."""
_FINE = 1.08
"""A step so small is not taken any more: the rate is found."""
_MINUTE = 60.0
_REMEMBERED = 10_000


class Pace:
    """The pace of one provider and key, on one event loop.

    The number of calls at once falls by a third when the service is overloaded and grows by one for each round
    that passes. The first refusal for too many requests begins a lesson, whose rate is kept from then on; a refusal
    after that lowers the rate; only when it has been quiet for long, one tenth more is tried.
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
        self.rate: Rate | None = None
        """What the service takes, once refusals have taught it."""
        self._most = at_once
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._clock = clock
        self._busy = 0
        self._turn = asyncio.Lock()
        self._question = asyncio.Lock()
        self._freed = asyncio.Event()
        self._changed = asyncio.Event()
        self._sent: deque[float] = deque(maxlen=_REMEMBERED)
        self._first: float | None = None
        self._due = 0.0
        self._minute: deque[tuple[float, int]] = deque()
        self._minute_tokens = 0
        self._closed_until = 0.0
        self._lesson: Lesson | None = None
        self._adjusted_at = self._kept_since = float("-inf")
        self._quiet = _QUIET
        self._quiet_since = clock()

    @property
    def is_learning(self) -> bool:
        """Whether requests that were refused are wanted back at once, as questions."""
        return self._lesson is not None and not self._lesson.is_silent

    async def enter(self, tokens: int, *, question: bool = False) -> float:
        """Wait for a place; the moment of entry, which `leave` wants back.

        A `question` is a request that was refused and may be refused again while the rate is learnt.
        """
        if question and (entered := await self._ask(tokens)) is not None:
            return entered
        if not self._turn.locked() and self._is_open(tokens):
            return self._admit(tokens)
        async with self._turn:
            while True:
                self._freed.clear()
                if self._busy >= max(1, int(self.at_once)):
                    await self._freed.wait()
                    continue
                wait = self._opens_at(tokens) - self._clock()
                if wait <= 0:
                    return self._admit(tokens)
                await self._pause(wait)

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

    def close(self, seconds: float) -> None:
        """Let nobody in for so long."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    async def _ask(self, tokens: int) -> float | None:
        """Wait for the turn of a question; None where the lesson is over before."""
        async with self._question:
            while self.is_learning and self._lesson:
                now = self._clock()
                opens = max(self._lesson.next_question(), self._minute_opens_at(now, tokens))
                if opens > self._lesson.ends:
                    return None
                if opens <= now:
                    entered = self._admit(tokens)
                    self._lesson.ask(entered)
                    return entered
                await self._pause(opens - now)
                self._end_lesson()
        return None

    async def _pause(self, seconds: float) -> None:
        """Let time pass, until something about the pace changes."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _is_open(self, tokens: int) -> bool:
        return self._busy < max(1, int(self.at_once)) and self._opens_at(tokens) <= self._clock()

    def _opens_at(self, tokens: int) -> float:
        self._end_lesson()
        now = self._clock()
        opens = max(self._closed_until, self._due, self._minute_opens_at(now, tokens))
        if self._lesson:
            return max(opens, self._lesson.ends)
        if self.rate and self.rate.requests > 1 and len(self._sent) >= self.rate.requests:
            opens = max(opens, self._sent[-self.rate.requests] + self.rate.seconds)
        return opens

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
        self._first = now if self._first is None else self._first
        if self.rate and self.rate.requests == 1:
            self._due = max(self._due, now - self.rate.late) + self.rate.seconds
        if self._requests_per_minute or self._tokens_per_minute:
            self._minute.append((now, tokens))
            self._minute_tokens += tokens
        return now

    def _grow(self) -> None:
        now = self._clock()
        self.at_once = min(float(self._most), self.at_once + 1 / self.at_once)
        searching = self.rate is not None and self.rate.step > 1
        if self.rate and now - self._quiet_since > (_SEARCHED if searching else self._quiet):
            step = self.rate.step
            self.rate = replace(self.rate.times(step if searching else _MORE), step=step)
            self._quiet_since = now

    def _slow_down(self, entered: float, retry_after: float | None) -> None:
        now = self._clock()
        if self._lesson is None and entered > self._adjusted_at:
            self._adjusted_at = now
            self._lesson = self._new_lesson(entered, now)
        if self._lesson:
            self._lesson.refuse(entered, now, retry_after)
        with contextlib.suppress(ValueError):
            self._sent.remove(entered)
        if retry_after is not None:
            self.close(retry_after)
        self._quiet_since = max(now, self._closed_until)
        self._changed.set()

    def _new_lesson(self, entered: float, now: float) -> Lesson:
        """A lesson in which questions are asked only where no rate is known yet."""
        sent = sum(moment >= entered - 1.0 for moment in self._sent)
        first = self._first if self._first is not None else now
        silence = min(WINDOW, 2 * self.rate.seconds) if self.rate else 0.0
        return Lesson(now, entered - 1.0, first, sent, silence=silence)

    def _end_lesson(self) -> None:
        lesson = self._lesson
        if lesson is None or not lesson.is_over(self._clock()):
            return
        self._lesson = None
        self.rate = self._lowered(self.rate, lesson) if self.rate else lesson.learn(self._clock())
        # What came before a first refusal may have reached the service as late as its refusal reached us.
        self._due = lesson.began + WINDOW if self.rate.requests > 1 else self._clock() + self.rate.seconds
        self._kept_since = self._adjusted_at = self._clock()
        self._changed.set()

    def _lowered(self, rate: Rate, lesson: Lesson) -> Rate:
        """The rate after it was refused: what was taken of it, where it was sent for long enough to tell."""
        if rate.step > 1:
            finer = math.sqrt(rate.step)
            return replace(rate.times(1 / rate.step), step=finer if finer > _FINE else 1.0)
        self._quiet *= 2
        if lesson.since < self._kept_since:
            return rate.times(_LESS)
        share = lesson.taken / WINDOW / rate.per_second
        return rate.times(min(_LESS, max(_LEAST, share)))
