"""Tracking: three calls that cost microseconds, never wait and never fail the work they describe."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.core.clock import Clock, system_clock
from trainer.mart.events import ExecutionEvent, Mask
from trainer.mart.spool import MAX_BYTES
from trainer.mart.writer import LAG, Counts, Durability, SpoolWriter, warn

MOST_QUEUED = 65_536
"""Events that may wait in memory; the caller that meets a full queue writes it out itself."""


class Tracker:
    """Records executions into a spool that some process drains into the database later.

    `durability="fast"` survives the death of the process, `"safe"` also that of the machine; `mask` is applied to every
    text before it touches the disk; `warn` is told, once each, of a full disk and of records that had to be given up.
    What is handed over is not copied deeply: do not change it afterwards.
    """

    def __init__(
        self,
        spool_dir: Path,
        *,
        clock: Clock = system_clock,
        durability: Durability = "fast",
        mask: Mask | None = None,
        warn: Callable[[str], None] = warn,
        entropy: Callable[[int], bytes] = os.urandom,
        most_queued: int = MOST_QUEUED,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._most_queued = most_queued
        self._new_writer = functools.partial(
            SpoolWriter, Path(spool_dir), clock=clock, durability=durability, mask=mask, warn=warn, max_bytes=max_bytes
        )
        self._count = 0
        self._started: dict[str, float] = {}
        self._renew(Counts())
        _TRACKERS.add(self)

    def start(
        self, module: str, operation: str, context: Mapping[str, Any] | None = None, *, parent: str | None = None
    ) -> str:
        """The identity of a new execution; identities sort by time.

        Of the context, `inputs` (name to digest or key), `config`, `config_hash`, `context_key`, `actor` and
        `department` have columns of their own.
        """
        at = self._now()
        self._count += 1
        execution_id = f"{at // 1000:012x}{self._token}{self._count:06x}"
        self._started[execution_id] = time.perf_counter()
        fields = dict(context or {})
        self._put(ExecutionEvent("start", execution_id, at, None, fields, module, operation, parent or ""))
        return execution_id

    def step(self, execution_id: str, name: str, /, **attributes: Any) -> bool:
        """Record a step; True means that it is recorded, in memory or on disk.

        Known attributes have columns: `seconds`, `status`, `tokens_in`, `tokens_out`, `cost`, `quality`, `error_class`,
        `error`, `inputs`, `outputs`.
        """
        self._count += 1
        return self._put(
            ExecutionEvent("step", execution_id, self._now(), None, attributes, operation=name, seq=self._count)
        )

    def complete(self, execution_id: str, results: Mapping[str, Any] | None = None) -> bool:
        """Record how an execution ended.

        Known results have columns: `status` (success, fail, cancelled), `seconds` (else measured since `start`),
        `tokens_in`, `tokens_out`, `cost`, `quality`, `error_class`, `error`, `inputs`, `outputs`; others are kept as
        JSON. False means that this tracker has completed the execution before.
        """
        began = self._started.pop(execution_id, None)
        if began is None and execution_id[12:20] == self._token:
            return False
        seconds = None if began is None else time.perf_counter() - began
        return self._put(ExecutionEvent("end", execution_id, self._now(), seconds, dict(results or {})))

    def rate(self, execution_id: str, score: float, *, source: str, actor: str = "", note: str = "") -> bool:
        """Record what an execution's outcome was worth, from 0 to 1, as a person or a later check says."""
        fields = {"score": score, "actor": actor, "note": note}
        return self._put(ExecutionEvent("rating", execution_id, self._now(), None, fields, operation=source))

    @contextlib.contextmanager
    def execution(
        self, module: str, operation: str, context: Mapping[str, Any] | None = None, *, parent: str | None = None
    ) -> Iterator[Execution]:
        """An execution around a block of code: a success, or failed or cancelled by what is raised."""
        execution = Execution(self, self.start(module, operation, context, parent=parent))
        try:
            yield execution
        except BaseException as error:
            cancelled = isinstance(error, KeyboardInterrupt | GeneratorExit)
            ending = {"status": "cancelled" if cancelled else "fail", "error_class": type(error).__name__}
            self.complete(execution.id, {"error": str(error), **execution.results, **ending})
            raise
        self.complete(execution.id, execution.results)

    @property
    def counts(self) -> Counts:
        """What was recorded, written, spilled and lost so far."""
        return self._writer.counts

    def close(self) -> None:
        """Write what is left; what is recorded later still counts, and is written when the process ends."""
        if self._begun:
            self._finalizer.detach()
            self._writer.close()
            self._renew(self._writer.counts)

    def _renew(self, counts: Counts) -> None:
        self._token = self._entropy(4).hex()
        self._writer = self._new_writer(token=self._token, counts=counts)
        self._begun = False

    def _after_fork(self) -> None:
        if self._begun:
            self._finalizer.detach()
            self._writer.abandon()
        self._started = {}
        self._renew(Counts())

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _put(self, event: ExecutionEvent) -> bool:
        writer = self._writer
        writer.counts.recorded += 1
        writer.queue.append(event)
        if not self._begun:
            self._begun = True
            self._finalizer = weakref.finalize(self, writer.close)
            writer.begin()
        if not writer.wake.is_set():
            writer.wake.set()
        if len(writer.queue) >= self._most_queued:
            writer.spill()
        elif event.at - _oldest(writer, event).at > LAG:
            writer.catch_up()
        return True


class Execution:
    """An execution that runs; `results` are what it will end with."""

    __slots__ = ("_tracker", "id", "results")

    def __init__(self, tracker: Tracker, execution_id: str) -> None:
        self._tracker = tracker
        self.id = execution_id
        self.results: dict[str, Any] = {}

    def step(self, name: str, **attributes: Any) -> None:
        """Record a step."""
        self._tracker.step(self.id, name, **attributes)

    def note(self, **results: Any) -> None:
        """Add to what the execution ends with."""
        self.results |= results


def _oldest(writer: SpoolWriter, event: ExecutionEvent) -> ExecutionEvent:
    try:
        return writer.queue[0]
    except IndexError:  # the thread has just taken it
        return event


def _after_fork() -> None:
    for tracker in list(_TRACKERS):
        tracker._after_fork()


_TRACKERS: weakref.WeakSet[Tracker] = weakref.WeakSet()
os.register_at_fork(after_in_child=_after_fork)
