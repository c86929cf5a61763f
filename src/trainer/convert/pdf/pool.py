"""Warm worker processes that print PDFs, with limits of time and memory."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from trainer.convert.document import Converted
from trainer.convert.pdf.frames import receive, send
from trainer.core.errors import ConversionError, Where
from trainer.core.values import Finding, Severity

_GIGABYTE = 1024**3
_FOLDER = "trainer-pdf-"


class PdfPool:
    """Workers that load WeasyPrint once and print many documents; use it as a context manager.

    A worker starts on `start()` or on the first document, and loads its libraries while other work goes on.
    One that is too slow, too large or dies is replaced; the others never notice. Safe to use from many threads.
    """

    def __init__(self, *, workers: int = 1, seconds: float = 120.0, memory: int = 2 * _GIGABYTE) -> None:
        self._limit = max(1, workers)
        self._seconds = seconds
        self._memory = memory
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._closed = False

    def __enter__(self) -> PdfPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start one worker now, so that it is warm when the first document comes; returns at once."""
        if self._idle.empty() and (worker := self._another()):
            self._idle.put(worker)

    def render(self, html: str, *, styles: Sequence[str] = (), shown: str = "document") -> Converted[bytes]:
        """The PDF of a page; raises ConversionError where it takes too long, too much memory, or cannot be laid out."""
        worker = self._take()
        try:
            header, content = worker.print({"html": html, "styles": list(styles)}, seconds=self._seconds)
        except (EOFError, OSError, TimeoutError) as error:
            self._drop(worker)
            raise self._failure(error, worker, shown) from None
        except BaseException:
            self._drop(worker)
            raise
        self._idle.put(worker)
        if problem := header.get("error"):
            raise ConversionError(f"no PDF: {problem}", where=Where(shown), hint=header.get("hint"))
        return Converted(content, tuple(_finding(finding, shown) for finding in header["findings"]))

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.end()

    def _take(self) -> _Worker:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        return self._another() or self._idle.get()

    def _another(self) -> _Worker | None:
        """A new worker, unless there are as many as there may be."""
        with self._lock:
            if self._closed:
                raise ConversionError("the PDF workers are closed")
            if len(self._workers) >= self._limit:
                return None
            _sweep()
            worker = _Worker(self._memory)
            self._workers.add(worker)
            return worker

    def _drop(self, worker: _Worker) -> None:
        """End a worker and let whoever waits for one have a new one."""
        worker.end()
        with self._lock:
            self._workers.discard(worker)
            if self._closed:
                return
        if replacement := self._another():
            self._idle.put(replacement)

    def _failure(self, error: Exception, worker: _Worker, shown: str) -> ConversionError:
        if isinstance(error, TimeoutError):
            message, hint = f"no PDF after {self._seconds:g} s", "split the document, or raise the limit"
        else:
            message = f"the PDF worker ended ({worker.epitaph()})"
            hint = f"a document may use {self._memory / _GIGABYTE:.1f} GB: split it if it is very long"
        return ConversionError(message, where=Where(shown), hint=hint)


@lru_cache(maxsize=1)
def _sweep() -> None:
    """Remove the folders of processes that were killed together with their workers."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        owner = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isascii() and owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class _Worker:
    """One process; its answers come over a pipe of its own."""

    def __init__(self, memory: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
        self._process = subprocess.Popen(  # noqa: S603  (our own module, no shell)
            [sys.executable, "-m", "trainer.convert.pdf.worker", str(memory), str(os.getpid()), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": str(self._folder)},
        )

    def print(self, job: dict[str, Any], *, seconds: float) -> tuple[dict[str, Any], bytes]:
        """The worker's answer; raises TimeoutError, killing the process, where it takes too long."""
        assert self._process.stdin
        assert self._process.stdout
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            send(self._process.stdin, {"styles": job["styles"]}, job["html"].encode("utf-8", "replace"))
            return receive(self._process.stdout)
        except (EOFError, OSError):
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def epitaph(self) -> str:
        """How the process ended."""
        code = self._process.returncode
        return f"signal {-code}" if code and code < 0 else f"exit code {code}"


def _finding(finding: dict[str, str], shown: str) -> Finding:
    severity: Severity = "note" if finding.get("severity") == "note" else "warning"
    return Finding(finding["kind"], severity, finding["message"], Where(shown), text=finding.get("text", ""))


def missing_libraries() -> str | None:
    """What to install so that PDFs can be printed, or None where all is there; tries it in a process of its own."""
    command = [sys.executable, "-c", "import weasyprint"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if tried.returncode == 0:
        return None
    last = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else "WeasyPrint does not load"
    return f"{last}\n  {install_hint()}"


def install_hint() -> str:
    """The command that installs WeasyPrint's system libraries on this kind of machine."""
    if sys.platform == "darwin":
        return "run: brew install pango"
    return (
        "run: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
        "(Fedora: dnf install pango; Alpine: apk add pango font-dejavu)"
    )
