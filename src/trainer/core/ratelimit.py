"""How fast one service may be asked: what the settings allow, and what its refusals teach; one ledger a machine.

>>> limiter = RateLimiter(requests_per_minute=60)
>>> limiter.acquire(tokens=200).wait
0.0

A refusal now and then is chance and concerns nobody but its own request. Only a row of refusals, or most of the last
twenty, shows that the service is closed: then single requests try it, ever less often, until one is taken. What was
taken in the time before is the rate; from then on it grows a little each second and falls by a tenth with a refusal.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

TokenOutcome = Literal["taken", "refused", "unknown"]
"""What became of a request: answered; turned away for its number; or failed in a way that tells nothing of rates."""

_BY_SECOND = 120
"""Requests a minute from which a limit is kept by even spacing, as services that allow many count by the second."""
_MARGIN = 1.05
"""Share by which even spacing is wider than the limit: requests arrive up to 50 ms later than they are sent."""
_LATE = 0.02
"""Seconds a late request may be made up for; a busy machine wakes no sooner."""
_CLOCKS = 0.002
"""Seconds by which a second of ours is longer than one of the service."""
_FLIGHT = 0.02
"""Seconds until a caller looks again where all that is allowed is on its way."""
_ARRIVES = 5.0
"""Seconds after which a request has arrived, even where its sender was killed and said nothing: answers take longer."""
_CATCH_UP = 2
"""Requests that may be made up for at once, where those who waited for their turn were late."""
_MINUTE = 61.0
"""Seconds a request counts where a limit is kept by the minute: kept in whole seconds, so one more."""
_ROW, _LAST, _MOST = 8, 20, 15
"""Refusals in a row, or of the last 20, that mean a closed service: with 30 % by chance, 1 in 10,000."""
_SECOND = 1.05
"""Seconds in which services mostly count, and what their clock may be off by."""
_PROBE, _PROBE_SHARE, _LONGEST_PROBE = 0.1, 0.1, 5.0
"""Seconds between two tries of a closed service: at least, as a share of the time it is closed, and at most."""
_PATIENCE = 120.0
"""Seconds a service may stay closed before each request fails by itself; quotas are renewed by the minute."""
_LESS, _MORE, _SEARCH = 0.9, 1.02, 1.2
"""By what a rate is multiplied: at a refusal, in a second without one, and in a second before the first one."""
_QUIET, _FALLS = 1.5, 5
"""Seconds without a refusal after which a fall has helped; falls in a row that did not, so that chance refuses."""
_LONGEST_WAIT = 0.5
"""Seconds until a caller looks again, since another process may have found the service open."""
_FORGOTTEN = 600.0
"""Seconds after which what was learnt is not believed any more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to `acquire`: go now, or ask again later."""

    wait: float
    """Seconds until asking again; 0 where the request may be sent now."""
    at: float
    """The moment of the answer."""


@dataclass(slots=True)
class _State:
    """What the processes of a machine know of one service."""

    used_at: float = 0.0
    slot: float = 0.0
    """When the next request is due, where requests are spaced evenly."""
    window: list[list[float]] = field(default_factory=list)
    """When each request of the last second was let go, and when it was there at the latest; 0 while on its way."""
    seconds: list[list[int]] = field(default_factory=list)
    """Second, requests and tokens of each second of the last minute."""
    rate: float = 0.0
    """Requests a second that the service was found to take; 0 while it was not found to refuse."""
    searching: bool = False
    """Whether the rate may be far too low."""
    falls: int = 0
    """How often in a row the rate was lowered and the refusals went on."""
    fell_at: float = 0.0
    changed_at: float = 0.0
    """When the rate was last changed, or the service was last found open."""
    closed_at: float = 0.0
    """Since when the service takes nothing; 0 while it does."""
    probe_at: float = 0.0
    """When a closed service is tried next."""
    taken: list[float] = field(default_factory=list)
    """When the requests were taken that went before it closed."""


class RateLimiter:
    """The limit of one service and key. Processes that name the same `ledger` file keep it together.

    `acquire` never blocks, so that threads and event loops wait in their own way:

        while (turn := limiter.acquire(tokens)).wait:
            time.sleep(turn.wait)
        ...                                   # send the request
        limiter.release(turn, "taken")

    With `per_second`, no second of the service's sees more requests than that, however long each is on its way; where
    it is less than 1, no longer stretch sees more than one. `arrived` says when a request has reached the service.
    """

    def __init__(
        self,
        ledger: Path | None = None,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        per_second: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._per_second = per_second
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._state = _State()
        self._stamp: tuple[int, int] | None = None
        self._taken: deque[float] = deque(maxlen=10_000)
        self._refusals: deque[bool] = deque(maxlen=_LAST)
        self._row = 0

    def acquire(self, tokens: int = 1) -> Turn:
        """Whether a request of so many tokens may be sent now; if so, it counts."""
        now = self._clock()
        if self._is_free():
            return Turn(0.0, now)
        with self._shared(now) as state:
            wait = max(self._configured_wait(state, now, tokens), self._learnt_wait(state, now))
            if wait <= 0:
                self._admit(state, now, tokens)
            return Turn(max(0.0, min(wait, _LONGEST_WAIT)), now)

    def release(self, turn: Turn, outcome: TokenOutcome, *, retry_after: float | None = None) -> None:
        """Say what became of the request of `turn`; `retry_after` is the wait in seconds that the service named."""
        now = self._clock()
        if outcome == "unknown":
            return
        self._row = self._row + 1 if outcome == "refused" else 0
        self._refusals.append(outcome == "refused")
        if outcome == "taken":
            self._taken.append(turn.at)
        is_closing = self._row >= _ROW or sum(self._refusals) >= _MOST
        if self._is_free(configured=False) and not is_closing:
            return
        with self._shared(now) as state:
            if outcome == "taken":
                self._note_taken(state, turn.at, now)
            else:
                self._note_refused(state, turn.at, now, retry_after, is_closing=is_closing)

    def arrived(self, turn: Turn) -> None:
        """Say that the request of `turn` has reached the service or never will: its answer began, or it failed.

        Only limits by the second need it: a request counts from its turn until a second after this, since nobody but
        the service knows when in between it came.
        """
        if not self._per_second:
            return
        now = self._clock()
        with self._shared(now) as state:
            for request in state.window:
                if request[0] == turn.at and not request[1]:
                    request[1] = now
                    break

    def pause(self, seconds: float) -> None:
        """Send nothing for so long: the service said that nothing remains of its limit."""
        now = self._clock()
        with self._shared(now) as state:
            state.slot = max(state.slot, now + seconds)

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a request has."""
        return self._tokens is not None

    @property
    def is_closed(self) -> bool:
        """Whether the service takes nothing at present and is expected to open again."""
        with self._shared(self._clock()) as state:
            return state.closed_at > 0

    def _is_free(self, *, configured: bool = True) -> bool:
        """Whether nothing limits: told from the file's stamp, so that a free service costs no lock."""
        if configured and (self._requests or self._tokens or self._per_second):
            return False
        if self._ledger is not None and self._stamp_of() != self._stamp:
            return False
        return not self._state.rate and not self._state.closed_at and self._state.slot <= self._clock()

    def _configured_wait(self, state: _State, now: float, tokens: int) -> float:
        wait = state.slot - now
        if self._per_second:
            wait = max(wait, self._window_wait(state, now, self._per_second))
        state.seconds = [second for second in state.seconds if now - _MINUTE < second[0] <= now + 1]
        if self._requests and self._requests < _BY_SECOND:
            wait = max(wait, _until_room(state.seconds, now, 1, self._requests, column=1))
        if self._tokens:
            wait = max(wait, _until_room(state.seconds, now, tokens, self._tokens, column=2))
        return wait

    def _window_wait(self, state: _State, now: float, per_second: float) -> float:
        """Seconds until one more request exceeds no second, whenever those before it arrived."""
        most, length = max(1, int(per_second)), max(1.0, 1 / per_second) + _CLOCKS
        state.window = [
            [sent, there] for sent, there in state.window if now - (there or sent) < (length if there else _ARRIVES)
        ]
        surplus = len(state.window) - most + 1
        if surplus <= 0:
            return 0.0
        ends = sorted(there + length for _, there in state.window if there)
        return ends[surplus - 1] - now if surplus <= len(ends) else _FLIGHT

    def _learnt_wait(self, state: _State, now: float) -> float:
        return state.probe_at - now if state.closed_at else 0.0

    def _admit(self, state: _State, now: float, tokens: int) -> None:
        if state.closed_at:
            gap = min(_LONGEST_PROBE, max(_PROBE, _PROBE_SHARE * (now - state.closed_at)))
            state.probe_at = now + gap
        if self._per_second:
            state.window.append([now, 0.0])
            state.slot = max(state.slot, now - _CATCH_UP / self._per_second) + 1 / self._per_second
        if self._requests or self._tokens:
            if not state.seconds or state.seconds[-1][0] != int(now):
                state.seconds.append([int(now), 0, 0])
            state.seconds[-1][1] += 1
            state.seconds[-1][2] += tokens
        spacing = 60 * _MARGIN / self._requests if self._requests and self._requests >= _BY_SECOND else 0.0
        if spacing and not state.rate:
            state.slot = max(state.slot, now - _LATE) + spacing
        elif state.rate and not state.closed_at:
            state.slot = max(state.slot, now) + max(spacing, 1 / state.rate)

    def _note_taken(self, state: _State, sent: float, now: float) -> None:
        if state.closed_at and sent > state.closed_at:
            since = state.closed_at - max(_SECOND, sent - state.closed_at)
            burst = [moment for moment in (*state.taken, *self._taken) if since <= moment <= state.closed_at]
            state.rate = max(1, len(burst)) / max(_SECOND, sent - min(burst, default=sent))
            state.searching, state.closed_at, state.changed_at, state.taken = True, 0.0, now, []
            state.slot = now + 1 / state.rate
            self._refusals.clear()
        elif state.rate and not state.closed_at and state.slot > now - 1:
            seconds = min(1.0, max(0.0, now - state.changed_at))
            state.rate *= (_SEARCH if state.searching else _MORE) ** seconds
            state.changed_at = now

    def _note_refused(
        self, state: _State, sent: float, now: float, retry_after: float | None, *, is_closing: bool
    ) -> None:
        if state.closed_at or sent < state.changed_at:
            if retry_after is not None and sent > state.closed_at:
                state.probe_at = max(state.probe_at, now + retry_after)
            return
        if is_closing and self._taken:
            state.closed_at, state.probe_at = now, now + (_PROBE if retry_after is None else retry_after)
            state.taken += (moment for moment in self._taken if moment > now - _MINUTE)
            self._taken.clear()
            self._refusals.clear()
            self._row = 0
        elif state.rate:
            state.falls = state.falls + 1 if now - state.fell_at < _QUIET else 1
            is_chance = state.falls >= _FALLS and 2 * sum(self._refusals) < len(self._refusals)
            state.rate = 0.0 if is_chance else state.rate * _LESS
            state.searching, state.fell_at, state.changed_at = False, now, now

    @contextlib.contextmanager
    def _shared(self, now: float) -> Iterator[_State]:
        """The state, for this process alone; where the ledger cannot be used, it is this process's own."""
        handle = self._open()
        try:
            if handle is not None:
                self._state = _parsed(os.pread(handle, os.fstat(handle).st_size, 0))
            if not abs(now - self._state.used_at) < _FORGOTTEN:
                self._state = _State()
            if self._state.closed_at and now - self._state.closed_at > _PATIENCE:
                self._state.closed_at = 0.0
            yield self._state
            self._state.used_at = now
            if handle is not None:
                content = json.dumps(asdict(self._state)).encode()
                os.pwrite(handle, content, 0)
                os.ftruncate(handle, len(content))
        finally:
            if handle is not None:
                self._stamp = _stamp(os.fstat(handle))
                os.close(handle)

    def _open(self) -> int | None:
        if self._ledger is None:
            return None
        try:
            self._ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._ledger, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            self._ledger = None
            return None
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle

    def _stamp_of(self) -> tuple[int, int] | None:
        try:
            return _stamp(self._ledger.stat()) if self._ledger else None
        except OSError:
            return None


def _until_room(seconds: list[list[int]], now: float, amount: int, limit: int, *, column: int) -> float:
    """Seconds until `amount` more fits in a minute's limit; what is more than the whole limit goes when it is empty."""
    used = sum(second[column] for second in seconds)
    for second in seconds:
        if used + amount <= limit:
            break
        used -= second[column]
        if used + amount <= limit or not used:
            return second[0] + _MINUTE - now
    return 0.0


def _stamp(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_mtime_ns, facts.st_size


def _parsed(content: bytes) -> _State:
    """The state in the ledger; a new one where a killed process left half of it."""
    try:
        values: dict[str, Any] = json.loads(content)
        return _State(**values)
    except (ValueError, TypeError):
        return _State()
