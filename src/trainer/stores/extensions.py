"""DuckDB's extensions from their wheels: pinned, signed, and loaded by their file, so that nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.core.errors import MissingExtra, StoreError

if TYPE_CHECKING:
    import duckdb

_EXTRAS = {"postgres_scanner": "postgres"}
"""The extra that brings an extension's wheel; `ducklake` for the others."""


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads the extension called `name`; raises MissingExtra where its wheel is not installed."""
    import duckdb

    extra = _EXTRAS.get(name, "ducklake")
    found = find_spec(f"duckdb_extension_{name}")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(f"DuckDB's extension {name}", extra)
    folder = Path(found.submodule_search_locations[0]) / "extensions" / f"v{duckdb.__version__}"
    path = folder / f"{name}.duckdb_extension"
    if not path.exists():
        raise StoreError(
            f"DuckDB {duckdb.__version__} and its extension {name} are of different versions",
            hint=f'run: pip install --upgrade "trainer-core[{extra}]"',
        )
    connection.execute(f"LOAD {quoted(str(path))}")


def quoted(text: str) -> str:
    """The text as a literal of SQL, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
