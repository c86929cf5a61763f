"""The one event loop of this process, on a thread of its own, behind a sync face."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import queue
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")
E = TypeVar("E")

_CANCELLING = 0.5
"""Seconds an interrupted caller waits for its work to end: what was answered is kept, and the prompt comes back."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0


def run_on_loop(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, run on the loop; an interrupt of the caller cancels the work first."""
    future, ended = _start(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        ended.wait(_CANCELLING)
        raise


def iterate(work: Callable[[Callable[[E], None]], Coroutine[Any, Any, T]]) -> Generator[E | T, None, None]:
    """The values that `work` gives to its argument as they come, then its result; giving up cancels what is left."""
    events: queue.SimpleQueue[E | None] = queue.SimpleQueue()
    future, ended = _start(work(events.put))
    future.add_done_callback(lambda _: events.put(None))
    try:
        while (event := events.get()) is not None:
            yield event
        yield future.result()
    finally:
        if not future.done():
            future.cancel()
            ended.wait(_CANCELLING)


def event_loop() -> asyncio.AbstractEventLoop:
    """The running loop; a forked child gets its own."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid() or _loop.is_closed():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="trainer-providers", daemon=True).start()
        return _loop


def _start(work: Coroutine[Any, Any, T]) -> tuple[concurrent.futures.Future[T], threading.Event]:
    """The work on the loop, and what is set once it has ended, cancelled or not."""
    ended = threading.Event()

    async def watched() -> T:
        try:
            return await work
        finally:
            ended.set()

    return asyncio.run_coroutine_threadsafe(watched(), event_loop()), ended
