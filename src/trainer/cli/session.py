"""What one call of the command line was told: the project's folder, overrides, and how much to say."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.core.project import Project


@dataclass(frozen=True, slots=True)
class Session:
    """The global options of one call."""

    folder: str | None = None
    overrides: tuple[str, ...] = ()
    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    """The target of config.yaml that a command was told; without it, TRAINER_TARGET says."""

    def project(self, target: str | None = None) -> Project:
        """The project this call is about; raises UsageError where there is none, ConfigError for a bad config.

        `target` is the one to choose, before that of the session.
        """
        from trainer.core.project import open_project

        project = open_project(
            Path.cwd(),
            explicit=self.folder,
            environ=self.environ,
            overrides=self.overrides,
            target=target or self.target,
        )
        self.detail(f"project: {project.root}")
        return project

    def project_around(self) -> Project | None:
        """The project, where there is one; for commands that need none. A project that is broken is an error."""
        from trainer.core.project import CONFIG_NAME

        current = Path.cwd()
        named = self.folder or self.environ.get("TRAINER_PROJECT")
        if named or any((folder / CONFIG_NAME).is_file() for folder in (current, *current.parents)):
            return self.project()
        return None

    def say(self, message: str) -> None:
        """Tell something on stderr, unless asked to be quiet."""
        from trainer.cli.show import visible

        if not self.quiet:
            print(visible(message), file=sys.stderr, flush=True)  # noqa: T201  (this is the door)

    def detail(self, message: str) -> None:
        """Tell something on stderr when asked to say more."""
        if self.verbose:
            self.say(message)

    @property
    def interactive(self) -> bool:
        """Whether progress may be drawn: a terminal, and neither CI nor --quiet."""
        return sys.stderr.isatty() and not self.quiet and not self.environ.get("CI")


_GRACE = 1.0
"""Seconds in which a batch under way may end; what is interrupted after them is as safe as after a crash."""


@contextlib.contextmanager
def graceful(stop: threading.Event) -> Iterator[None]:
    """Let an interrupt or SIGTERM set `stop`, so that what is under way ends; a second one ends it at once."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    def end(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, _GRACE)

    try:
        signal.signal(signal.SIGALRM, interrupt)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in former.items():
            signal.signal(number, handler)
