"""Parquet, by DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Json

_MEMORY = "256MB"
_BATCH = 2_000


def read(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """A list of records; times, decimals and bytes become text or numbers as JSON has them."""
    if options.path is not None:
        return _read(options.path, shown)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        return _read(Path(file.name), shown)


def rows(path: Path, shown: str) -> Iterator[dict[str, Json]]:
    """The same records one after the other."""
    import duckdb

    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 2}) as database:
            table = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in table.description or ()]
            while batch := table.fetchmany(_BATCH):
                for row in batch:
                    yield dict(zip(names, map(plain, row), strict=True))
    except (duckdb.Error, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0].replace(str(path), shown)
        raise ConversionError(f"not valid Parquet: {reason}", where=Where(shown), hint="write it again") from None


def _read(path: Path, shown: str) -> Dataset:
    return Dataset(list(rows(path, shown)), shown, is_cells=True)
