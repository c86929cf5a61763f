"""JSON as a document people read: labelled values, tables for lists of objects, sections for what is nested."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.convert.outline.labels import JsonSchema, inner, items, keys_comment, label_of, ordered, spelt_otherwise
from trainer.convert.outline.scalars import back, cell, code, inline
from trainer.core.values import Json

_DEEPEST = 6
_MOST_COLUMNS = 24


def json_to_markdown(
    value: Json, *, schema: JsonSchema | None = None, title: str = "", blank_nulls: bool = False
) -> str:
    """The value as Markdown; `markdown_to_json` reads the same value out of it, with the same schema.

    With `blank_nulls`, cells of tables that hold null are empty.

    >>> print(json_to_markdown({"company": "Acme", "sales": [{"year": 2023, "usd": 12000}]}), end="")
    - **Company:** Acme
    <BLANKLINE>
    ## Sales
    <BLANKLINE>
    | Year | Usd |
    | --- | --- |
    | 2023 | 12,000 |
    """
    heading = title or str((schema or {}).get("title") or "")
    lines = [f"# {inline(heading)}", ""] if heading else []
    labels = spelt_otherwise(value, schema)
    lines += _Outline(labels, blank_nulls=blank_nulls).block(value, schema, level=1)
    text = "\n".join(lines).rstrip("\n") + "\n"
    return f"{text}\n{keys_comment(labels)}\n" if labels else text


class _Outline:
    """One value written as Markdown; `labels` are those of keys that are spelt otherwise."""

    def __init__(self, labels: Mapping[str, str], *, blank_nulls: bool) -> None:
        self._labels = labels
        self._blank_nulls = blank_nulls

    def block(self, value: Json, schema: JsonSchema | None, *, level: int) -> Iterator[str]:
        """The lines of a value under a heading of `level`."""
        if isinstance(value, dict) and value and level < _DEEPEST and not _too_deep(value, level):
            yield from self._object(value, schema, level=level)
        elif isinstance(value, list) and value and all(_is_scalar(item) for item in value):
            yield from (f"- {_item(item)}" for item in value)
            yield ""
        elif isinstance(value, list) and _is_table(value):
            yield from self._table(value, items(schema))
        elif isinstance(value, list) and value and level < _DEEPEST and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, 1):
                yield from (f"{'#' * (level + 1)} {number}.", "", *self.block(item, items(schema), level=level + 1))
        else:
            yield from _fence(value)

    def _object(self, value: dict[str, Any], schema: JsonSchema | None, *, level: int) -> Iterator[str]:
        keys = ordered(value, schema)
        scalars = [key for key in keys if _is_scalar(value[key])]
        for key in scalars:
            yield f"- **{self._label(key, schema)}:** {inline(value[key])}"
        if scalars:
            yield ""
        for key in keys:
            if key not in scalars:
                yield from (f"{'#' * (level + 1)} {self._label(key, schema)}", "")
                yield from self.block(value[key], inner(schema, key), level=level + 1)

    def _table(self, rows: list[dict[str, Any]], schema: JsonSchema | None) -> Iterator[str]:
        columns = ordered({key: None for row in rows for key in row}, schema)
        yield f"| {' | '.join(self._label(key, schema) for key in columns)} |"
        yield f"| {' | '.join('---' for _ in columns)} |"
        for row in rows:
            yield f"| {' | '.join(self._cell(row, key) for key in columns)} |"
        yield ""

    def _cell(self, row: Mapping[str, Json], key: str) -> str:
        if key not in row or (self._blank_nulls and row[key] is None):
            return ""
        return cell(row[key])

    def _label(self, key: str, schema: JsonSchema | None) -> str:
        label = self._labels.get(key) or label_of(key, schema)
        if label is not None:
            words = label if label.isdecimal() else inline(label)
            return words if not words.startswith("`") and not words.endswith(":") else code(key)
        return code(key).replace("|", "\\u007c")


def _item(value: Json) -> str:
    """A list item that is nothing but its value."""
    text = inline(value)
    if text[:1] in "#+-=>[:~" or (text[:1].isdigit() and text.rstrip("0123456789,")[-1:] in ".)"):
        return text if isinstance(value, int | float) and not isinstance(value, bool) else code(value)
    return (
        text
        if isinstance(back(text), str) == isinstance(value, str) and not text[:1].isdigit()
        else (text if not isinstance(value, str) else code(value))
    )


def _fence(value: Json) -> Iterator[str]:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    ticks = "````" if "```" in text else "```"
    yield from (f"{ticks}json", *text.split("\n"), ticks, "")


def _is_scalar(value: Json) -> bool:
    return not isinstance(value, dict | list) or not value


def _is_table(rows: list[Any]) -> bool:
    """Whether a list is rows of one kind: objects of plain values whose keys make no more columns than a page holds."""
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        return False
    columns = {key for row in rows for key in row}
    return len(columns) <= _MOST_COLUMNS and all(_is_scalar(value) for row in rows for value in row.values())


def _too_deep(value: Json, level: int) -> bool:
    """Whether something in the value would need a heading deeper than there are."""
    return level + 1 > _DEEPEST and any(not _is_scalar(member) for member in value.values())
