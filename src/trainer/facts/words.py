"""Names of keys, heads and members as words: split, folded, brought to the singular, so that names can be compared."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from trainer.core.yamltext import load_yaml

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zß-öø-ÿ']+|[A-Z]+|\d+(?:[.,]\d+)*|[^\W\d_A-Za-zÀ-ÿ]+", re.UNICODE)
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*", re.UNICODE)
_NO_PLURAL = ("ss", "us", "is", "ous", "ics", "as")


def split_name(name: str) -> list[str]:
    """The parts of a key: `totalRevenue_USD` is total, Revenue, USD; digits stay with letters before them (`PM2.5`)."""
    parts: list[str] = []
    end = -1
    for match in _PARTS.finditer(name):
        part = match[0].strip("'")
        if not part:
            continue
        if parts and match.start() == end and part[0].isdigit() and not parts[-1][-1].isdigit():
            parts[-1] += part
        else:
            parts.append(part)
        end = match.end()
    return parts


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """A word without case, accents and plural, so that `Années` and `annee` are one."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = unicodedata.normalize("NFC", plain).replace("’", "'").removesuffix("'s")
    if len(plain) <= 3 or not plain.isascii() or plain.endswith(_NO_PLURAL):
        return plain
    if plain.endswith("ies") and len(plain) > 4:
        return plain[:-3] + "y"
    if plain.endswith(("sses", "ches", "shes", "xes")):
        return plain[:-2]
    return plain.removesuffix("s")


@lru_cache(maxsize=65_536)
def name_words(name: str) -> tuple[str, ...]:
    """The folded words of a key or a head, in their order."""
    return tuple(dict.fromkeys(fold(part) for part in split_name(name)))


def text_words(text: str) -> tuple[str, ...]:
    """The folded words of running text, in their order, repeated where they repeat."""
    return tuple(fold(match[0]) for match in _WORD.finditer(text))


def title_of(name: str) -> str:
    """A key as a table's head would write it: `totalRevenue` is `Total revenue`; a head that reads well stays."""
    if " " in name.strip() or not name.isascii():
        title = name.strip()
    else:
        parts = split_name(name) or [name]
        title = " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)
        title = re.sub(r"\b(\w+) (\d)\b", r"\1 \2", title)
    return title[:1].upper() + title[1:]


@cache
def data_file(name: str) -> dict[str, Any]:
    """A data file of this room: words of languages and domains, as a mapping."""
    text = resources.files("trainer.facts").joinpath(name).read_text(encoding="utf-8")
    value = load_yaml(text, shown=name).value
    assert isinstance(value, dict)
    return value


@cache
def vocabulary(kind: str) -> frozenset[str]:
    """The folded words of one kind of `vocabulary.yaml`."""
    return frozenset(fold(str(word)) for word in data_file("vocabulary.yaml")[kind])


def has_kind(name: str, kind: str) -> bool:
    """Whether a key as a whole, or its last word, is of a kind of word."""
    kind_words = vocabulary(kind)
    words = name_words(name)
    return "".join(words) in kind_words or bool(words and words[-1] in kind_words)
