"""The process that prints: loads WeasyPrint, then answers one frame with another until its input ends."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import IO, Any

from trainer.convert.pdf.frames import receive, send


def main() -> None:
    """Serve the parent until it goes away; anything printed by libraries goes to stderr, never into a frame."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, answers)


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every frame of `questions`."""
    try:
        from trainer.convert.pdf.printer import Printer

        printer = Printer()
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
