"""Labels for keys, and keys for labels; a schema's titles and units where there is one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

JsonSchema = Mapping[str, Any]

_PRETTY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_ODD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ _-][A-Za-z0-9]+)*")
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_LONGEST = 80
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_LABEL = re.compile(r"[A-Z][a-z0-9]*(?: [a-z0-9]+)*")


def label_of(key: str, schema: JsonSchema | None) -> str | None:
    """The label that a key is shown by, or None where the key must be shown as it is.

    >>> label_of("market_cap", None), label_of("2024", None), label_of("marketCap", None)
    ('Market cap', '2024', None)
    """
    titled = _titles(schema).get(key)
    if titled:
        return titled
    if key in _properties(schema):
        return None
    if _NUMBER.fullmatch(key):
        return key
    if not _PRETTY.fullmatch(key):
        return None
    label = key[0].upper() + key[1:].replace("_", " ")
    return None if label in _titles(schema).values() else label


def key_of(label: str, schema: JsonSchema | None) -> str:
    """The key of a label: by the schema's titles, else as `label_of` made it, else from the words."""
    for key, title in _titles(schema).items():
        if title.casefold() == label.casefold():
            return key
    if _LABEL.fullmatch(label):
        return label[0].lower() + label[1:].replace(" ", "_")
    properties = _properties(schema)
    folded = re.sub(r"[^\w]+", "_", label.casefold()).strip("_")
    return next((key for key in properties if key.casefold() in (label.casefold(), folded)), folded or "value")


def spelt_otherwise(value: Any, schema: JsonSchema | None) -> dict[str, str]:
    """A label for each key that its label would not give back: `marketCap`, `EBITDA`, `Net income (USD m)`, `Año`.

    Only where no other key of the value would be taken for it; `keys_comment` tells a reader how they are spelt.
    """
    keys = _keys(value)
    named = _property_names(schema)
    odd = (key for key in keys if key not in named and label_of(key, None) is None)
    titles = _all_titles(schema)
    labels = {key: label for key in odd if (label := _words(key)) and label.casefold() not in titles}
    taken_for = {key: key_of(label, schema) for key, label in labels.items()}
    meant = Counter([*taken_for.values(), *(key for key in keys if key not in labels)])
    return {key: label for key, label in labels.items() if meant[taken_for[key]] == 1}


def _words(key: str) -> str:
    """The words of a key, the first with a capital, all others small unless they are abbreviations.

    A key of other signs than names have is written for people already; nothing where it is none of both.

    >>> _words("marketCap"), _words("netIncomeTTM"), _words("EBITDA"), _words("% change")
    ('Market cap', 'Net income TTM', 'EBITDA', '% change')
    """
    if not _ODD.fullmatch(key):
        is_readable = key.isprintable() and any(map(str.isalnum, key)) and len(key) <= _LONGEST
        return key if is_readable and key == key.strip() and "  " not in key else ""
    words = [word if len(word) > 1 and word.isupper() else word.lower() for word in _WORD.findall(key)]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _property_names(schema: Any) -> set[str]:
    if not isinstance(schema, Mapping):
        return set()
    inside = [member for member in schema.values() if isinstance(member, Mapping)]
    return set(_properties(schema)).union(*map(_property_names, inside))


def _all_titles(schema: Any) -> set[str]:
    if not isinstance(schema, Mapping):
        return set()
    inside = [member for member in schema.values() if isinstance(member, Mapping)]
    return {title.casefold() for title in _titles(schema).values()}.union(*map(_all_titles, inside))


def keys_comment(keys: Iterable[str]) -> str:
    """The comment at the end of an outline that spells its keys, which no page shows."""
    return f"<!-- keys: {json.dumps(sorted(keys), ensure_ascii=False)} -->"


def spelt_keys(comment: str, schema: JsonSchema | None) -> dict[str, str]:
    """The keys that a comment spells, by what their labels are taken for without it."""
    inside = comment.strip().removeprefix("<!-- keys:").removesuffix("-->")
    try:
        keys = json.loads(inside)
    except ValueError:
        return {}
    spelt = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    return {key_of(label, schema): key for key in spelt if (label := _words(key))}


def ordered(value: Mapping[str, Any], schema: JsonSchema | None) -> list[str]:
    """The keys in the schema's order, those it does not know after them in their own."""
    first = [key for key in _properties(schema) if key in value]
    return [*first, *(key for key in value if key not in first)]


def inner(schema: JsonSchema | None, key: str) -> JsonSchema | None:
    """The schema of a member."""
    below = _properties(schema).get(key)
    return below if isinstance(below, Mapping) else None


def items(schema: JsonSchema | None) -> JsonSchema | None:
    """The schema of a list's items."""
    below = (schema or {}).get("items")
    return below if isinstance(below, Mapping) else None


def _properties(schema: JsonSchema | None) -> Mapping[str, Any]:
    properties = (schema or {}).get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _titles(schema: JsonSchema | None) -> dict[str, str]:
    """The label of each property that has a title: with its unit, and only where no two are alike."""
    titles = {}
    for key, described in _properties(schema).items():
        title = described.get("title") if isinstance(described, Mapping) else None
        if isinstance(title, str) and title.strip() == title and title and title.isprintable() and "  " not in title:
            unit = described.get("unit") or described.get("x-unit")
            titles[key] = f"{title} ({unit})" if isinstance(unit, str) and unit.isprintable() else title
    alike = [title.casefold() for title in titles.values()]
    return {key: title for key, title in titles.items() if alike.count(title.casefold()) == 1}
