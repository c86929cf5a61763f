"""The process that prints: loads WeasyPrint, then answers one frame with another until its input ends."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from trainer.convert.pdf.frames import receive, send

_SECONDS_BETWEEN_LOOKS = 0.5
_CALLS = 20_000
"""Nested calls: WeasyPrint takes a dozen for each list inside a list."""


def main() -> None:
    """Serve the parent until it goes away; anything printed by libraries goes to stderr, never into a frame."""
    memory, parent, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with, args=(parent, folder), daemon=True).start()
    _limit_memory(memory)
    sys.setrecursionlimit(_CALLS)
    try:
        serve(sys.stdin.buffer, answers, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end_with(parent: int, folder: Path) -> None:
    """End this process once its parent has ended, however that was and whatever is being printed."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def serve(questions: IO[bytes], answers: IO[bytes], folder: Path) -> None:
    """Answer every frame of `questions`; `folder` is for files of the printer's own."""
    try:
        from trainer.convert.pdf.printer import Printer

        printer = Printer(folder)
    except (OSError, ImportError) as error:
        _refuse_all(questions, answers, error)
        return
    gc.freeze()
    with contextlib.suppress(EOFError):
        while True:
            header, content = receive(questions)
            send(answers, *_answer(printer, header, content))


def _answer(printer: Any, header: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        pdf, findings = printer.print(content.decode(), tuple(header["styles"]))
    except MemoryError:
        return {"error": "it needs too much memory", "hint": "split the document"}, b""
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}, b""
    return {"findings": findings}, pdf


def _refuse_all(questions: IO[bytes], answers: IO[bytes], error: Exception) -> None:
    from trainer.convert.pdf.pool import install_hint

    with contextlib.suppress(EOFError):
        while True:
            receive(questions)
            send(answers, {"error": f"WeasyPrint does not load: {error}", "hint": install_hint()})


def _limit_memory(most: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
