"""The rate limits of the services that a command asks: one limiter for each address and key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trainer.core.digest import digest
from trainer.core.errors import ProviderError
from trainer.core.ratelimit import RateLimiter, Turn
from trainer.providers.base import LLMProvider
from trainer.providers.policy import CHEAP
from trainer.providers.request import Request

_USUAL_ANSWER = 1000
"""Tokens an answer is counted with where `max_tokens` says nothing."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the requests to one service wait for their turn, first come, first served."""

    limiter: RateLimiter
    line: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def enter(self, request: Request) -> Turn:
        """Wait until one more request may be sent."""
        tokens = _tokens(request) if self.limiter.counts_tokens else 1
        if not self.line.locked() and not (turn := self.limiter.acquire(tokens)).wait:
            return turn
        async with self.line:
            while (turn := self.limiter.acquire(tokens)).wait:
                await asyncio.sleep(turn.wait)
        return turn

    def leave(self, turn: Turn, error: ProviderError | None, *, pause: float = 0.0) -> None:
        """Say what became of the request."""
        if error is None:
            self.limiter.release(turn, "taken")
        elif error.kind in CHEAP and error.status != 200:
            self.limiter.release(turn, "refused", retry_after=error.retry_after)
        elif error.answer is not None:
            self.limiter.release(turn, "taken")
        if pause:
            self.limiter.pause(pause)


@dataclass(slots=True)
class RateLimits:
    """The gates of one command; processes that name the same folder share what they keep and learn."""

    folder: Path | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    make: Callable[..., RateLimiter] = RateLimiter
    gates: dict[tuple[str, ...], Gate] = field(default_factory=dict)

    def gate(self, provider: LLMProvider) -> Gate:
        """One gate for a provider, address and key, however many of its models are asked; open where none is."""
        if not provider.asks_model:
            return Gate(self.make())
        identity = (provider.provider, provider.api_base, *(secret.reveal() for secret in provider.secrets))
        if identity not in self.gates:
            ledger = self.folder / f"{digest(identity)[:32]}.json" if self.folder else None
            self.gates[identity] = Gate(
                self.make(
                    ledger,
                    requests_per_minute=self.requests_per_minute,
                    tokens_per_minute=self.tokens_per_minute,
                )
            )
        return self.gates[identity]


def _tokens(request: Request) -> int:
    """About what a request takes of a limit of tokens."""
    answer = request.settings.get("max_tokens") or _USUAL_ANSWER
    return sum(len(message.content) for message in request.messages) // 4 + int(answer)
