"""A JSON document of a given schema, filled from data where names match, null where they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from trainer.core.values import Json, Prompt

_DEEPEST = 12
_EMPTY: Mapping[str, Json] = {
    "string": "",
    "number": 0,
    "integer": 0,
    "boolean": False,
    "array": [],
    "object": {},
    "null": None,
}


def fill(schema: Mapping[str, Json], prompt: Prompt) -> Json:
    """A value of the schema: properties take the datum of the same name, else their default, null or an empty value."""
    return _value(schema, "", _Names(prompt), 0)


class _Names:
    """All values of the data by name; the outermost, first block first, wins."""

    def __init__(self, prompt: Prompt) -> None:
        self._found: dict[str, list[Json]] = {}
        for name, value in prompt.params.items():
            self._found.setdefault(_plain(name), []).append(value)
        layers: list[tuple[str, Json]] = [(block.name, block.data) for block in prompt.data]
        layers += [("subject", block.subject) for block in prompt.data if block.subject]
        while layers:
            for name, value in layers:
                self._found.setdefault(_plain(name), []).append(value)
            layers = [pair for _, value in layers for pair in _inside(value)]

    def get(self, name: str) -> Sequence[Json]:
        return self._found.get(_plain(name), ())


def _inside(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from ((str(name), item) for name, item in value.items())


def _value(schema: Json, name: str, names: _Names, depth: int) -> Json:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    kinds = _kinds(schema)
    for found in names.get(name) if name else ():
        fitting = _fitting(found, schema, kinds)
        if fitting is not None:
            return fitting
    if "default" in schema:
        return schema["default"]
    if "object" in kinds and isinstance(schema.get("properties"), Mapping):
        return {key: _value(each, str(key), names, depth + 1) for key, each in schema["properties"].items()}
    if "null" in kinds or not kinds:
        return None
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return None if None in schema["enum"] else schema["enum"][0]
    return _EMPTY.get(kinds[0])


def _kinds(schema: Mapping[str, Json]) -> list[str]:
    declared = schema.get("type")
    if isinstance(declared, list):
        return [str(kind) for kind in declared]
    if isinstance(declared, str):
        return [declared]
    branches = schema.get("anyOf") or schema.get("oneOf") or ()
    found = [kind for branch in branches if isinstance(branch, Mapping) for kind in _kinds(branch)]
    return found or (["object"] if "properties" in schema else [])


def _fitting(value: Json, schema: Mapping[str, Json], kinds: Sequence[str]) -> Json:
    """The value where it has a type the schema allows; None where it does not fit."""
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return None
    if isinstance(value, bool):
        return value if "boolean" in kinds or not kinds else None
    if isinstance(value, int):
        return value if {"integer", "number"} & set(kinds) or not kinds else None
    if isinstance(value, float):
        return value if "number" in kinds or not kinds else None
    if isinstance(value, str):
        return value if "string" in kinds or not kinds else None
    if isinstance(value, list):
        return value if "array" in kinds and _items_fit(value, schema.get("items")) else None
    return None


def _items_fit(values: Sequence[Json], items: Json) -> bool:
    if not isinstance(items, Mapping):
        return True
    kinds = _kinds(items)
    return not kinds or all(_fitting(value, items, kinds) is not None for value in values)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())
