"""Several files read as one answer: tables of the same columns as one, other data by file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trainer.core.errors import Problem, SourceError
from trainer.core.values import Json
from trainer.sources.base import Fetched

MOST_FILES = 2_000
_MOST_PROBLEMS = 20


def read_together(names: Sequence[str], read_one: Callable[[str], Fetched], *, metadata: Mapping[str, Json]) -> Fetched:
    """What the files hold, each read by `read_one`.

    Tables with the same columns become one list of `records`, each with its `file`; others are `files`, by their
    names. Raises SourceError that names all files which cannot be read.
    """
    fetched: dict[str, Fetched] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            fetched[name] = read_one(name)
        except SourceError as error:
            problems += error.problems
    if problems:
        message = f"{len(problems)} of {len(names)} files cannot be read: {problems[0]}"
        hint = "mend them, or name the others by a pattern"
        raise SourceError(message, hint=hint, problems=problems[:_MOST_PROBLEMS])
    warnings = [f"{name}: {warning}" for name, one in fetched.items() for warning in one.warnings]
    files = [one.metadata["file"] for one in fetched.values()]
    data = _together({name: one.data for name, one in fetched.items()})
    return Fetched(data, metadata={**metadata, "files": files}, warnings=tuple(warnings))


def _together(data: Mapping[str, dict[str, Json]]) -> dict[str, Json]:
    tables = {name: one["records"] for name, one in data.items() if one.keys() == {"records"}}
    columns = {tuple(row) if isinstance(row, dict) else () for rows in tables.values() for row in rows}
    if len(tables) == len(data) and len(columns) == 1 and () not in columns and "file" not in next(iter(columns)):
        return {"records": [{"file": name, **row} for name, rows in tables.items() for row in rows]}
    return {"files": dict(data)}
