"""Parquet, by DuckDB."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, ReadOptions


def read(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """A list of records; times, decimals and bytes become text or numbers as JSON has them."""
    if options.path is not None:
        return _read(options.path, shown)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        return _read(Path(file.name), shown)


def _read(path: Path, shown: str) -> Dataset:
    import duckdb

    try:
        with duckdb.connect() as database:
            table = database.read_parquet(str(path))
            names = table.columns
            records = [dict(zip(names, map(plain, row), strict=True)) for row in table.fetchall()]
    except (duckdb.Error, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0].replace(str(path), shown)
        raise ConversionError(f"not valid Parquet: {reason}", where=Where(shown), hint="write it again") from None
    return Dataset(records, shown, is_cells=True)
