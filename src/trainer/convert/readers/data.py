"""Data: JSON, JSON Lines, YAML and CSV."""

from __future__ import annotations

import csv
import io
import json

from trainer.convert.base import Dataset, Options
from trainer.convert.outline.scalars import literal
from trainer.convert.readers.text import decoded
from trainer.core.errors import ConversionError, UsageError, Where
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml


def read_json(content: bytes, *, shown: str, options: Options) -> Dataset:  # noqa: ARG001  (the seam's signature)
    """Valid JSON; what a model wrote around or into it is for `-f text`."""
    return Dataset(_parsed(decoded(content, shown), shown, 1), shown)


def read_jsonl(content: bytes, *, shown: str, options: Options) -> Dataset:  # noqa: ARG001
    """A list of the values, one a line."""
    lines = decoded(content, shown).split("\n")
    return Dataset([_parsed(line, shown, number) for number, line in enumerate(lines, 1) if line.strip()], shown)


def read_yaml(content: bytes, *, shown: str, options: Options) -> Dataset:  # noqa: ARG001
    """YAML 1.2's plain values."""
    try:
        return Dataset(load_yaml(decoded(content, shown), shown=shown).value, shown)
    except UsageError as error:
        raise ConversionError(error.message, where=error.where) from None


def read_csv(content: bytes, *, shown: str, options: Options) -> Dataset:  # noqa: ARG001
    """A list of records under the names of the first row; figures become numbers, empty cells are left out."""
    text = decoded(content, shown)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    head, *body = rows or [[]]
    for number, row in enumerate(body, 2):
        if len(row) > len(head):
            raise ConversionError(f"{len(row)} cells under {len(head)} names", where=Where(shown, number))
    return Dataset(
        [
            {name: literal(cell) for name, cell in zip(head, row, strict=False) if cell != ""}
            for row in body
            if any(row)
        ],
        shown,
    )


def _parsed(text: str, shown: str, first_line: int) -> Json:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = Where(shown, error.lineno + first_line - 1, error.colno)
        hint = "to mend what a model wrote, read it as text: -f text -t json"
        raise ConversionError(f"not valid JSON: {error.msg}", where=where, hint=hint) from None
    except RecursionError:
        raise ConversionError("JSON nested too deeply", where=Where(shown)) from None
