"""When to try again, how long to wait, and when to ask the next model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.core.errors import FailureKind, ProviderError

CHEAP: frozenset[FailureKind] = frozenset({"rate_limited", "server"})
"""Failures that cost neither time nor money, and are often chance: tried again soon and often."""

PASSING: frozenset[FailureKind] = CHEAP | {"timed_out", "unreachable"}
"""Failures that may be gone a moment later."""

ANOTHER_MODEL: frozenset[FailureKind] = PASSING | {"context_too_long", "content_refused", "not_found", "empty"}
"""Failures that another model may not have. A bad key or an empty account is never papered over."""

_DEAR_RETRIES, _DEAR_WAIT = 4, 0.5
"""Retries and first wait where an attempt takes its whole timeout, or nobody listens: a restart takes seconds."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How one completion is tried."""

    retries: int = 10
    """Further attempts at one model after a passing failure, of the dear ones 4 at most; 0 is truly one attempt.
    With 30 % of answers failing by chance, ten leave one request in half a million without an answer."""
    timeout: float = 120.0
    """Seconds for one attempt."""
    total: float | None = None
    """Seconds for all attempts and waits together; None is no limit."""
    first_wait: float = 0.01
    """Seconds before the first retry, doubled for each further one and jittered down to half: a stray failure is
    gone at once, and a service that refuses everybody is the rate limiter's to wait for."""
    longest_wait: float = 5.0
    """Seconds no wait of ours exceeds."""
    longest_retry_after: float = 60.0
    """Seconds we wait at most when the provider names a wait; a longer one fails at once."""
    retried: frozenset[FailureKind] = PASSING
    falls_through: frozenset[FailureKind] = ANOTHER_MODEL

    def wait(self, retry: int, error: ProviderError, random: Callable[[], float]) -> float | None:
        """Seconds before retry number `retry` (from 1) after `error`; None where no retry is due."""
        is_cheap = error.kind in CHEAP
        if retry > (self.retries if is_cheap else min(self.retries, _DEAR_RETRIES)) or error.kind not in self.retried:
            return None
        if error.retry_after is not None:
            return self._asked(error.retry_after, random)
        first = self.first_wait if is_cheap else max(self.first_wait, _DEAR_WAIT)
        return min(self.longest_wait, first * 2.0 ** (max(retry, 1) - 1)) * (0.5 + 0.5 * random())

    def _asked(self, seconds: float, random: Callable[[], float]) -> float | None:
        """The wait the provider asked for and a little more, so that not everybody returns at once."""
        if seconds > self.longest_retry_after:
            return None
        return seconds + min(1.0, 0.05 + 0.1 * seconds) * random()
