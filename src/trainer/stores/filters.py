"""Filters as people type them: `FIELD=VALUE`, `FIELD>VALUE`, `FIELD~REGEX`, `FIELD`, `!FIELD`, or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from trainer.core.errors import UsageError
from trainer.core.values import Json

_WORD = re.compile(r"(?s)(?P<field>.+?)(?P<sign>!=|>=|<=|!~|==|=|>|<|~)(?P<value>.*)")
_OPERATORS = {"!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte", "=": "$eq", "==": "$eq"}
_TEXTS = frozenset({"key", "source", "stored_at", "updated_at", "checked_at"})


def parse_words(words: Iterable[str]) -> dict[str, Json]:
    """The filter that all the words spell; raises UsageError.

    A value is a number, `true`, `false`, `null` or JSON where it reads like that, else a text; quote it as `"5"` to
    mean the text. `FIELD` asks whether the field is there, `!FIELD` whether it is not. A word that starts with `{` is
    a filter in JSON.

    >>> parse_words(["source=file", "marketCap>1e9"])
    {'$and': [{'source': {'$eq': 'file'}}, {'marketCap': {'$gt': 1000000000.0}}]}
    """
    parts = [_parse(word) for word in words]
    return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}


def parse_sort(names: Iterable[str]) -> dict[str, int]:
    """The order that `FIELD` (upwards) and `-FIELD` (downwards) spell.

    >>> parse_sort(["-updated_at", "key"])
    {'updated_at': -1, 'key': 1}
    """
    return {name.removeprefix("-"): -1 if name.startswith("-") else 1 for name in names}


def parse_value(text: str) -> Json:
    """The JSON value that a text reads like, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parse(word: str) -> dict[str, Json]:
    if word.lstrip().startswith("{"):
        return _parse_json(word)
    match = _WORD.fullmatch(word)
    if match is None:
        if not word.removeprefix("!"):
            raise UsageError(f'"{word}" is no filter', hint="write it like source=file, marketCap>1e9 or symbol~^AB")
        return {word.removeprefix("!"): {"$exists": not word.startswith("!")}}
    field, sign, text = match["field"].strip(), match["sign"], match["value"].strip()
    if sign == "~":
        return {field: {"$regex": text}}
    if sign == "!~":
        return {field: {"$not": {"$regex": text}}}
    return {field: {_OPERATORS[sign]: text if field in _TEXTS and text != "null" else parse_value(text)}}


def _parse_json(word: str) -> dict[str, Json]:
    try:
        value: dict[str, Json] = json.loads(word)
    except ValueError as error:
        hint = 'write it like \'{"$or": [{"source": "api"}, {"price": {"$gt": 5}}]}\''
        raise UsageError(f'the filter "{word}" is not JSON: {error}', hint=hint) from None
    return value
