"""The one event loop of this process, on a thread of its own, behind a sync face."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import dataclass
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


@contextlib.asynccontextmanager
async def limit(seconds: float, service: str) -> AsyncIterator[None]:
    """Cancel what runs inside after `seconds`, as a failure of the service."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise failure("timed_out", f"{service} gave no whole answer in {seconds:g} s") from error


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
