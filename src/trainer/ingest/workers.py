"""Worker processes that extract files side by side, each file within limits of time and memory.

A file that takes too long, takes too much memory or ends its worker is an error of that file: its worker is replaced,
and no other file notices.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from trainer.ingest.extract import LARGEST, extract_file
from trainer.ingest.values import FileExtract, FileType

SECONDS = 60.0
"""For one file; a table streamed from the disk has as much again for every 100 MB."""
MEMORY = 3_000_000_000
"""Bytes of address space of a worker: a file of `LARGEST` bytes, read and laid out as values, and DuckDB's buffers."""
_LOOK = 0.5


@dataclass(frozen=True, slots=True)
class ExtractJob:
    """A file to be extracted."""

    path: Path
    shown: str
    """As it is named in what is extracted."""


@dataclass(slots=True)
class _Worker:
    """One process, and what it works on."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    job: ExtractJob | None = None
    deadline: float = 0.0


def extract_files(
    jobs: Iterable[ExtractJob], *, tables: Path, workers: int, seconds: float = SECONDS, memory: int = MEMORY
) -> Iterator[tuple[ExtractJob, FileExtract]]:
    """Each job with what its file holds, as they are done; the jobs are taken one by one as workers fall free.

    Raises nothing for a file: what went wrong stands in its extract.
    """
    waiting = iter(jobs)
    pool: list[_Worker] = []
    ready: deque[tuple[ExtractJob, FileExtract]] = deque()
    try:
        while True:
            for job in waiting if sum(worker.job is not None for worker in pool) < workers else ():
                worker = next((worker for worker in pool if worker.job is None), None)
                if worker is None:
                    worker = _start(tables, memory)
                    pool.append(worker)
                _give(worker, job, seconds)
                if all(worker.job is not None for worker in pool) and len(pool) >= workers:
                    break
            busy = [worker for worker in pool if worker.job is not None]
            if not busy:
                return
            ready.extend(_collect(busy, pool))
            while ready:
                yield ready.popleft()
    finally:
        for worker in pool:
            _end(worker)


def _give(worker: _Worker, job: ExtractJob, seconds: float) -> None:
    size = 0
    with contextlib.suppress(OSError):
        size = job.path.stat().st_size
    worker.job, worker.deadline = job, time.monotonic() + seconds * (1 + size // 100_000_000)
    with contextlib.suppress(OSError):  # a worker that has died meanwhile is seen when its answer is read
        worker.connection.send((str(job.path), job.shown))


def _collect(busy: list[_Worker], pool: list[_Worker]) -> Iterator[tuple[ExtractJob, FileExtract]]:
    """The results of workers that are done, and the errors of those that died or are late; these leave the pool."""
    soonest = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
    done = wait([worker.connection for worker in busy], timeout=min(soonest, _LOOK))
    for worker in busy:
        assert worker.job is not None
        job, late = worker.job, time.monotonic() > worker.deadline
        if worker.connection in done:
            try:
                extract = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join(1)
                extract = _failed(job, f"its reader ended ({worker.process.exitcode}): too large or damaged")
                _drop(worker, pool)
            worker.job = None
            yield job, extract
        elif late:
            _drop(worker, pool)
            yield job, _failed(job, "takes too long to read")


def _failed(job: ExtractJob, reason: str) -> FileExtract:
    hint = f"split it: a file may have {LARGEST // 1_000_000} MB, and a minute"
    return FileExtract(job.shown, "", 0, FileType(None, None, 0.0, reason), error=reason, hint=hint)


def _start(tables: Path, memory: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, str(tables), memory, os.getpid()), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _drop(worker: _Worker, pool: list[_Worker]) -> None:
    pool.remove(worker)
    _end(worker)


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.kill()
    worker.process.join()


def _serve(connection: Connection, tables: str, memory: int, parent: int) -> None:
    """In a worker: extract what comes, until nothing more does; end with the parent, however that ends."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        try:
            path, shown = connection.recv()
        except EOFError:
            return
        connection.send(extract_file(Path(path), shown, tables=Path(tables)))
