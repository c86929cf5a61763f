"""A row held against its table: values become the field's type, or a problem says why they cannot."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from importlib import import_module
from typing import Any

from trainer.catalog.definition import TableDefinition, TableField
from trainer.core.clock import isoformat, parse_moment
from trainer.core.errors import unknown
from trainer.core.values import Json
from trainer.facts import parse_time, read_number

_LONGEST_TEXT = 1_000_000
_MOST_DIGITS = 18
"""Of a decimal before its point; the column in the database holds them and six places."""
_STDNUM = {"iban": "iban", "isin": "isin", "cusip": "cusip", "lei": "lei", "imo": "imo", "isbn": "isbn", "issn": "issn"}
"""Semantic types with check digits, and the module of python-stdnum that knows them."""
_SHAPES = {
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "url": r"[a-z][a-z0-9+.-]*://\S+",
    "currency": r"[A-Z]{3}",
    "language": r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*",
    "country": r"[A-Z]{2}",
    "sha256": r"[0-9a-f]{64}",
    "doi": r"10\.\d{4,9}/\S+",
}


@dataclass(frozen=True, slots=True)
class ValidRow:
    """A row as it would be stored, and what is wrong with it."""

    values: Mapping[str, Json]
    """By field, every one of the table's; JSON values, times as ISO text, decimals as text."""
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Names in the row that are no fields of the table."""


def validate_row(definition: TableDefinition, row: Mapping[str, Json]) -> ValidRow:
    """The row in the types of the table, with every problem: missing, of another type, outside its limits."""
    problems: list[str] = []
    values: dict[str, Json] = {}
    for one in definition.fields:
        value = row.get(one.name)
        if value is None or value == "":
            value = one.default
        if value is None:
            values[one.name] = None
            if one.required:
                problems.append(f"{one.name} is required")
            continue
        try:
            values[one.name] = converted = convert_value(one, value)
        except ValueError as error:
            values[one.name] = None
            problems.append(f"{one.name}: {error}")
            continue
        problems += [f"{one.name}: {problem}" for problem in _limits(one, converted)]
    strangers = tuple(name for name in row if definition.field(name) is None)
    for name in strangers:
        message, hint = unknown(f"field of {definition.name}", name, [one.name for one in definition.fields])
        problems.append(f"{message} ({hint})")
    return ValidRow(values, tuple(problems), strangers)


def convert_value(one: TableField, value: Json) -> Json:
    """The value as JSON of the field's type; raises ValueError that says what it is instead.

    Text is read as people write it: `1,234.5`, `$12`, `yes`, `March 3, 2025`.
    """
    return _CONVERTERS[one.type](value)


def _limits(one: TableField, value: Json) -> list[str]:
    problems = []
    texts = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if one.values:
        for text in texts:
            if text not in one.values:
                message, hint = unknown("value", text, one.values)
                problems.append(f"{message} ({hint})")
    if one.pattern and not all(re.fullmatch(one.pattern, text) for text in texts):
        problems.append(f'"{texts[0][:60]}" does not look like {one.pattern}')
    if one.semantic and isinstance(value, str) and not is_semantic(one.semantic, value):
        problems.append(f'"{value[:60]}" is no {one.semantic}')
    if one.type in ("integer", "number", "decimal"):
        number = float(str(value))
        if one.min is not None and number < one.min:
            problems.append(f"{value} is less than {one.min:g}")
        if one.max is not None and number > one.max:
            problems.append(f"{value} is more than {one.max:g}")
    return problems


def is_semantic(semantic: str, text: str) -> bool:
    """Whether a text is what a semantic type says; True for types of which no form is fixed."""
    if semantic in _STDNUM:
        return bool(import_module(f"stdnum.{_STDNUM[semantic]}").is_valid(text))
    shape = _SHAPES.get(semantic)
    return shape is None or re.fullmatch(shape, text, re.IGNORECASE if semantic == "url" else 0) is not None


def _text(value: Json) -> Json:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"longer than {_LONGEST_TEXT:,} letters")
    if "\0" in text:
        raise ValueError("holds the character 0, which is no text")
    return text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be stored


def _number_of(value: Json) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{_shown(value)} is no number")
    if not isinstance(value, str):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number")
        return Decimal(str(value))
    try:
        number = Decimal(value)
    except InvalidOperation:
        read = read_number(value)
        if read is None:
            raise ValueError(f"{_shown(value)} is no number") from None
        number = read.value
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    return number


def _integer(value: Json) -> Json:
    number = _number_of(value)
    if number != number.to_integral_value():
        raise ValueError(f"{_shown(value)} is no whole number")
    if abs(number) >= 2**63:
        raise ValueError(f"{_shown(value)} is too large for a number; make the field a text")
    return int(number)


def _number(value: Json) -> Json:
    return float(_number_of(value))


def _decimal(value: Json) -> Json:
    number = _number_of(value)
    if abs(number) >= Decimal(10) ** _MOST_DIGITS:
        raise ValueError(f"{_shown(value)} has more than {_MOST_DIGITS} digits")
    if -int(number.as_tuple().exponent) > 6:
        number = number.quantize(Decimal("0.000001"))
    return format(number, "f")


def _boolean(value: Json) -> Json:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "yes", "y", "1", "on"):
        return True
    if word in ("false", "no", "n", "0", "off"):
        return False
    raise ValueError(f"{_shown(value)} is neither true nor false")


def _date(value: Json) -> Json:
    text = str(value).strip()
    try:
        return date.fromisoformat(text[:10]).isoformat() if len(text) != 8 else date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    time = parse_time(text)
    if time is None or time.start is None or time.start != time.end:
        raise ValueError(f"{_shown(value)} is no date")
    return time.start.isoformat()


def _datetime(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return isoformat(datetime.fromtimestamp(value, UTC))
        except (OverflowError, ValueError, OSError):
            raise ValueError(f"{value} is no time") from None
    try:
        return isoformat(parse_moment(str(value)))
    except (ValueError, OverflowError):
        return f"{_date(value)}T00:00:00Z"


def _list(value: Json) -> Json:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        raise ValueError("a mapping is no list")
    text = str(value)
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if isinstance(items, list):
            return items
    mark = ";" if ";" in text else ","
    return [part.strip() for part in text.split(mark) if part.strip()]


def _object(value: Json) -> Json:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError(f"{_shown(value)} is no JSON object") from None
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is no JSON object")
    return value


def _shown(value: Any) -> str:
    return f'"{str(value)[:60]}"'


_CONVERTERS = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "list": _list,
    "object": _object,
}
