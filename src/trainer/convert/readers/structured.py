"""JSON, JSON Lines and YAML as data, every fault by file, line and column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trainer.convert.readers.encoding import decode
from trainer.core import strictjson
from trainer.core.errors import ConversionError, Problem, UsageError
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Json
from trainer.core.yamltext import KEY, load_yaml

_MOST_PROBLEMS = 20


def read_json(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """The document; NaN, a key that stands twice and half a surrogate pair are faults."""
    decoded = decode(content, shown, options.encoding)
    value = strictjson.read_json(decoded.text, shown=shown, spelt=options.spelt)
    return Dataset(value, shown, findings=decoded.findings)


def read_jsonl(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """A list of what each line holds; blank lines are passed by, and the faults of all lines are told at once."""
    decoded = decode(content, shown, options.encoding)
    records: list[Json] = []
    problems: list[Problem] = []
    for number, line in enumerate(decoded.text.split("\n"), start=1):
        try:
            if line.strip():
                records.append(strictjson.read_json(line, shown=shown, first_line=number, spelt=options.spelt))
        except UsageError as error:
            problems += error.problems
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise ConversionError(problems[0].message, where=problems[0].where, problems=problems)
    return Dataset(records, shown, findings=decoded.findings)


def jsonl_rows(path: Path, shown: str) -> Iterator[dict[str, Json]]:
    """The objects of a file's lines one after the other; another value is `value`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip(b"\xef\xbb\xbf \t\r\n"):
                value = strictjson.read_json(line, shown=shown, first_line=number)
                yield value if isinstance(value, dict) else {"value": value}


def read_yaml(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """The document, with YAML 1.2's scalars."""
    decoded = decode(content, shown, options.encoding)
    document = load_yaml(decoded.text, shown=shown)
    for path in document.places:
        if isinstance(value := _at(document.value, path), float) and not math.isfinite(value):
            where = document.where(*path)
            raise ConversionError(f"{value} is not a number in data", where=where, hint="quote it as text")
    value = document.spelt() if options.spelt else document.value
    return Dataset(value, shown, findings=decoded.findings)


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if part == KEY:
            return None
        value = value[part]
    return value
