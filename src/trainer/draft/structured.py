"""A JSON document of a given schema, filled from data where names match, null where they do not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

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


class _No(Enum):
    """What a value is that does not fit, since None may well fit."""

    FIT = 0


def fill(schema: Mapping[str, Json], prompt: Prompt) -> Json:
    """A value of the schema: properties take the datum of the same name, else their default, null or an empty value."""
    return _Filler(schema, _by_name(prompt)).value(schema, "", 0)


def _by_name(prompt: Prompt) -> dict[str, list[Json]]:
    """All values of parameters and data by name; the outermost first, of these the first block's."""
    values: dict[str, list[Json]] = {}
    layers: list[tuple[str, Json]] = [*prompt.params.items()]
    layers += [("subject", block.subject) for block in prompt.data if block.subject]
    layers += [(block.name, block.data) for block in prompt.data]
    for _ in range(_DEEPEST):
        for name, value in layers:
            values.setdefault(_plain(name), []).append(value)
        layers = [pair for _, value in layers for pair in _inside(value)]
    return values


def _inside(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from ((str(name), item) for name, item in value.items())


class _Filler:
    """Holds the whole schema, for its references, and the values by name."""

    def __init__(self, whole: Mapping[str, Json], values: Mapping[str, Sequence[Json]]) -> None:
        self.whole = whole
        self.found = values

    def value(self, schema: Json, name: str, depth: int) -> Json:
        """The best value for a place of the schema."""
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return None
        for candidate in self.found.get(_plain(name), ()) if name else ():
            fitted = self._fit(candidate, schema, depth)
            if fitted is not _No.FIT:
                return fitted
        return self._without(schema, depth)

    def _without(self, schema: Mapping[str, Json], depth: int) -> Json:
        """What stands where the data has nothing: constant, default, null, or an empty value of the type."""
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        kinds = _kinds(schema)
        properties = schema.get("properties")
        if "object" in kinds and isinstance(properties, Mapping):
            return {str(key): self.value(below, str(key), depth + 1) for key, below in properties.items()}
        if "null" in kinds or not (kinds or "enum" in schema):
            return None
        choices = schema.get("enum")
        if isinstance(choices, list) and choices:
            return None if None in choices else choices[0]
        return _EMPTY.get(kinds[0]) if kinds else None

    def _fit(self, value: Json, schema: Json, depth: int) -> Json:
        """The value as the schema wants it, or that it does not fit."""
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return value
        if isinstance(value, float) and not math.isfinite(value):
            return _No.FIT
        choices = schema.get("enum")
        if ("const" in schema and value != schema["const"]) or (isinstance(choices, list) and value not in choices):
            return _No.FIT
        kinds = _kinds(schema)
        if kinds and not (_names(value) & set(kinds)):
            return _No.FIT
        if isinstance(value, Mapping):
            return self._fit_mapping(value, schema, depth)
        if isinstance(value, list):
            items = [self._fit(item, schema.get("items"), depth + 1) for item in value]
            return _No.FIT if _No.FIT in items else items
        return value

    def _fit_mapping(self, value: Mapping[str, Json], schema: Mapping[str, Json], depth: int) -> Json:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return dict(value)
        own = {_plain(str(key)): item for key, item in value.items()}
        result: dict[str, Json] = {}
        for key, below in properties.items():
            fitted = self._fit(own[_plain(str(key))], below, depth + 1) if _plain(str(key)) in own else _No.FIT
            required = schema.get("required")
            if fitted is _No.FIT and isinstance(required, list) and key in required:
                return _No.FIT
            if fitted is not _No.FIT:
                result[str(key)] = fitted
        return result or _No.FIT

    def _resolved(self, schema: Json) -> Json:
        """The schema that a local reference leads to."""
        for _ in range(_DEEPEST):
            reference = schema.get("$ref") if isinstance(schema, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return schema
            schema = self.whole
            for part in reference[2:].split("/"):
                schema = schema.get(part) if isinstance(schema, Mapping) else None
        return None


def _kinds(schema: Mapping[str, Json]) -> list[str]:
    """The types that a schema allows; none where it allows all."""
    declared = schema.get("type")
    if isinstance(declared, list):
        return [str(kind) for kind in declared]
    if isinstance(declared, str):
        return [declared]
    branches = schema.get("anyOf") or schema.get("oneOf") or ()
    kinds = [kind for branch in branches if isinstance(branch, Mapping) for kind in _kinds(branch)]
    return kinds or (["object"] if "properties" in schema else [])


def _names(value: Json) -> set[str]:
    """The types of JSON Schema that a value is of."""
    if value is None:
        return {"null"}
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"number", "integer"} if value.is_integer() else {"number"}
    if isinstance(value, str):
        return {"string"}
    return {"object"} if isinstance(value, Mapping) else {"array"}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
