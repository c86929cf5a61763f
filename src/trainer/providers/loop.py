"""The one event loop of this process, on a thread of its own, behind a sync face."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from trainer.providers.failures import failure

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, run on the loop; an interrupt of the caller cancels the work first."""
    future = asyncio.run_coroutine_threadsafe(work, event_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate(pieces: AsyncIterator[T]) -> Generator[T, None, None]:
    """The pieces as they come on the loop; giving up the iterator cancels what is left."""
    box: queue.SimpleQueue[T | _End] = queue.SimpleQueue()

    async def pump() -> None:
        try:
            async for piece in pieces:
                box.put(piece)
            box.put(_End(None))
        except BaseException as error:
            box.put(_End(error))
            raise

    future = asyncio.run_coroutine_threadsafe(pump(), event_loop())
    try:
        while not isinstance(item := box.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        future.cancel()


class limit:  # noqa: N801  (used like asyncio.timeout; a class, since a generator costs more than the timeout itself)
    """Cancel what runs inside after `seconds`, as a failure of the service."""

    __slots__ = ("_seconds", "_service", "_timeout")

    def __init__(self, seconds: float, service: str) -> None:
        self._seconds = seconds
        self._service = service
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise failure("timed_out", f"{self._service} gave no whole answer in {self._seconds:g} s") from late
        if isinstance(error, TimeoutError):
            raise failure("timed_out", f"{self._service} gave no whole answer in {self._seconds:g} s") from error


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def event_loop() -> asyncio.AbstractEventLoop:
    """The running loop; a forked child gets its own."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid() or _loop.is_closed():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="trainer-providers", daemon=True).start()
        return _loop
