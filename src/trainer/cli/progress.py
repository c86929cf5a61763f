"""Progress of anything that may take long: a bar on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from trainer.cli.session import Session
from trainer.cli.show import visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class ProgressBar:
    """Steps of one piece of work; use it as a context manager."""

    def __init__(self, session: Session, what: str) -> None:
        self._session = session
        self._what = what
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, total: int) -> None:
        """Say how many steps there will be; draws the bar, with rate and time left."""
        if not self._session.interactive or total < 2:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        rate = TextColumn("{task.fields[rate]}")
        columns = (TextColumn(self._what), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._what, total=total, rate="")
        self._bar.start()

    def step(self, message: str | None = None, state: str = "") -> None:
        """One more step is done; `state` stands beside the rate, such as the cost so far."""
        if self._bar is not None and self._task is not None:
            task = self._bar.tasks[0]
            rate = f"{task.speed:.1f}/s" if task.speed else ""
            self._bar.update(self._task, advance=1, rate=f"{rate} {state}".strip())
        if message:
            self.say(message)

    def say(self, message: str) -> None:
        """Tell something without disturbing the bar."""
        if self._bar is not None:
            self._bar.console.print(visible(message), markup=False, highlight=False)
        else:
            self._session.say(message)
