"""The backends that tests of the stores room run on, each empty and with a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trainer.stores import DataStore, create_store


@dataclass
class Bench:
    """A store and the clock it lives by."""

    large: int = 10_000_000
    """Letters of a large document."""
    moment: datetime = datetime(2025, 2, 14, 12, tzinfo=UTC)
    store: DataStore = field(init=False)

    def now(self) -> datetime:
        return self.moment

    def pass_time(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@contextmanager
def duckdb_bench(folder: Path) -> Iterator[Bench]:
    bench = Bench()
    bench.store = create_store("duckdb", clock=bench.now, database_path=folder / "trainer.duckdb")
    yield bench


BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Bench]]] = {"duckdb": duckdb_bench}
