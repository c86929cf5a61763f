"""Labels for keys, and keys for labels; a schema's titles and units where there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_PRETTY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LABEL = re.compile(r"[A-Z][a-z0-9]*(?: [a-z0-9]+)*")


def label_of(key: str, schema: Schema | None) -> str | None:
    """The label that a key is shown by, or None where the key must be shown as it is.

    >>> label_of("market_cap", None), label_of("marketCap", None)
    ('Market cap', None)
    """
    titled = _titles(schema).get(key)
    if titled:
        return titled
    if key in _properties(schema) or not _PRETTY.fullmatch(key):
        return None
    label = key[0].upper() + key[1:].replace("_", " ")
    return None if label in _titles(schema).values() else label


def key_of(label: str, schema: Schema | None) -> str:
    """The key of a label: by the schema's titles, else as `label_of` made it, else from the words."""
    for key, title in _titles(schema).items():
        if title.casefold() == label.casefold():
            return key
    if _LABEL.fullmatch(label):
        return label[0].lower() + label[1:].replace(" ", "_")
    properties = _properties(schema)
    folded = re.sub(r"[^\w]+", "_", label.casefold()).strip("_")
    return next((key for key in properties if key.casefold() in (label.casefold(), folded)), folded or "value")


def ordered(value: Mapping[str, Any], schema: Schema | None) -> list[str]:
    """The keys in the schema's order, those it does not know after them in their own."""
    known = [key for key in _properties(schema) if key in value]
    return [*known, *(key for key in value if key not in known)]


def inner(schema: Schema | None, key: str) -> Schema | None:
    """The schema of a member."""
    found = _properties(schema).get(key)
    return found if isinstance(found, Mapping) else None


def items(schema: Schema | None) -> Schema | None:
    """The schema of a list's items."""
    found = (schema or {}).get("items")
    return found if isinstance(found, Mapping) else None


def _properties(schema: Schema | None) -> Mapping[str, Any]:
    found = (schema or {}).get("properties")
    return found if isinstance(found, Mapping) else {}


def _titles(schema: Schema | None) -> dict[str, str]:
    """The label of each property that has a title: with its unit, and only where no two are alike."""
    titles = {}
    for key, said in _properties(schema).items():
        title = said.get("title") if isinstance(said, Mapping) else None
        if isinstance(title, str) and title.strip() == title and title and title.isprintable() and "  " not in title:
            unit = said.get("unit") or said.get("x-unit")
            titles[key] = f"{title} ({unit})" if isinstance(unit, str) and unit.isprintable() else title
    alike = [title.casefold() for title in titles.values()]
    return {key: title for key, title in titles.items() if alike.count(title.casefold()) == 1}
