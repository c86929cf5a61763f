"""Every operation leaves a record: what was run, on what, how long, at what cost, and how it ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from trainer.actions.learning import identity, learned_files
from trainer.actions.wiring import open_database, open_tracker
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import TrainerError
from trainer.core.project import Project
from trainer.mart import Tracker, backlog
from trainer.sources import ServiceCall

_MOST_WAITING = 100
"""Segments; draining them costs a start of DuckDB, about as much as a hundred appends."""


class Recorder:
    """The record of one command: an execution, with an execution below it for each item. Use it as a context manager.

    Nobody waits for it, and it never fails a command. What runs outside of a project leaves no record.
    """

    def __init__(
        self,
        project: Project | None,
        operation: str,
        *,
        context: Mapping[str, Any] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        is_recorded = project is not None and project.settings.mart.enabled
        self._tracker: Tracker | None = open_tracker(project, clock=clock) if project and is_recorded else None
        self._project = project
        self._operation = operation
        self._who = identity(project) if project and is_recorded else {}
        self._context = {**(context or {}), **self._who}
        self._execution = ""
        self._results: dict[str, Any] = {}

    def __enter__(self) -> Recorder:
        if self._tracker is not None:
            self._execution = self._tracker.start("trainer", self._operation, self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tracker is None or self._project is None:
            return
        if error is None:
            ending: dict[str, Any] = {"status": "success"}
        else:
            cancelled = isinstance(error, KeyboardInterrupt)
            ending = {"status": "cancelled" if cancelled else "fail", "error_class": type(error).__name__}
        self._tracker.complete(self._execution, {**self._results, **ending})
        self._tracker.close()
        _drain_much(self._project)

    @property
    def execution(self) -> str:
        """The identity of this command's execution; empty where nothing is recorded."""
        return self._execution

    def note(self, **results: Any) -> None:
        """Add to what the execution ends with: tokens, cost, inputs, outputs."""
        self._results |= results

    def step(self, name: str, **attributes: Any) -> None:
        """Record one step of this command."""
        if self._tracker is not None:
            self._tracker.step(self._execution, name, **attributes)

    def request(self, call: ServiceCall) -> None:
        """Record one request to a service as a step of this command."""
        ending = {"status": "fail", "error": call.error} if call.error else {"status": "success"}
        details = {name: getattr(call, name) for name in ("service", "method", "url", "size", "attempt")}
        self.step("request", **ending, seconds=call.seconds, http_status=call.status, **details)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Record a block of code as one step of this command."""
        began = time.perf_counter()
        yield
        self.step(name, seconds=time.perf_counter() - began)

    def item(self, operation: str, context: Mapping[str, Any]) -> Item:
        """An execution of its own below this command's, for one of its items."""
        return Item(self._tracker, operation, {**context, **self._who}, parent=self._execution)


class Item:
    """The record of one item of a command, from its start to its end."""

    def __init__(self, tracker: Tracker | None, operation: str, context: Mapping[str, Any], *, parent: str) -> None:
        self._tracker = tracker
        self._began = time.perf_counter()
        self._execution = tracker.start("trainer", operation, dict(context), parent=parent) if tracker else ""

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._began

    def step(self, name: str, **attributes: Any) -> None:
        """Record one step."""
        if self._tracker is not None:
            self._tracker.step(self._execution, name, **attributes)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Record a block of code as one step, failed where it raises."""
        began = time.perf_counter()
        try:
            yield
        except TrainerError as error:
            self.step(name, seconds=time.perf_counter() - began, **failure(error))
            raise
        self.step(name, seconds=time.perf_counter() - began)

    def end(self, results: Mapping[str, Any]) -> None:
        """Record how it ended."""
        if self._tracker is not None:
            self._tracker.complete(self._execution, dict(results))


def _drain_much(project: Project) -> None:
    """Move records into the database now and then, so that the spool of a project that only builds stays small."""
    if backlog(project.spool).segments > _MOST_WAITING:
        from trainer.mart import drain  # once in a hundred commands

        drain(project.spool, open_database(project), learned=learned_files(project))


def failure(error: TrainerError | None) -> dict[str, Any]:
    """How an item ended, as its record says it."""
    if error is None:
        return {"status": "success"}
    return {"status": "fail", "error_class": type(error).__name__, "error": error.message}
