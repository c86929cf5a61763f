"""When to try again, how long to wait, and when to ask the next model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.core.errors import FailureKind, ProviderError

PASSING: frozenset[FailureKind] = frozenset({"rate_limited", "timed_out", "unreachable", "server", "empty"})
"""Failures that may be gone a moment later."""

ANOTHER_MODEL: frozenset[FailureKind] = PASSING | {"context_too_long", "content_refused", "not_found"}
"""Failures that another model may not have. A bad key or an empty account is never papered over."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How one completion is tried."""

    retries: int = 4
    """Further attempts at one model after a passing failure; 0 is truly one attempt."""
    timeout: float = 120.0
    """Seconds for one attempt."""
    total: float | None = None
    """Seconds for all attempts and waits together; None is no limit."""
    first_wait: float = 0.5
    """Seconds before the first retry; doubled for each further one, and jittered down to half."""
    longest_wait: float = 30.0
    """Seconds no wait of ours exceeds."""
    longest_retry_after: float = 60.0
    """Seconds we wait at most when the provider names a wait; a longer one fails at once."""
    retried: frozenset[FailureKind] = PASSING
    falls_through: frozenset[FailureKind] = ANOTHER_MODEL

    def wait(self, retry: int, error: ProviderError, random: Callable[[], float]) -> float | None:
        """Seconds before retry number `retry` (from 1) after `error`; None where no retry is due."""
        if retry > self.retries or error.kind not in self.retried:
            return None
        if error.retry_after is not None:
            return self._asked(error.retry_after, random)
        longest = min(self.longest_wait, self.first_wait * 2.0 ** (retry - 1))
        return longest * (0.5 + 0.5 * random())

    def _asked(self, seconds: float, random: Callable[[], float]) -> float | None:
        """The wait the provider asked for and a little more, so that not everybody returns at once."""
        if seconds > self.longest_retry_after:
            return None
        return seconds + min(1.0, 0.05 + 0.1 * seconds) * random()
