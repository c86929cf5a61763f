"""Queries: their fields, their check, and the storage key of what answers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from trainer.core.digest import digest
from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.values import Json

FieldType = Literal["text", "integer", "number", "boolean", "date", "list"]
QueryFields = Mapping[str, Json]

_LONGEST_KEY = 240  # stays below the 255 bytes that file systems allow a name


@dataclass(frozen=True, slots=True)
class QueryField:
    """One field of a source's queries."""

    name: str
    required: bool = False
    type: FieldType = "text"
    description: str = ""
    example: str = ""
    default: Json = None
    """What holds where the query leaves it out; None is for no default."""
    choices: tuple[str, ...] = ()
    """The only values allowed, where there are such."""
    kind: str = ""
    """The values of the query's field `kind` that it goes with, `facts|concept`; empty is for all."""
    except_kind: str = ""
    """The value of the query's field `kind` that it does not go with."""
    pattern: str = ""
    """What the whole text must match, where it must."""
    minimum: int | None = None
    upper: bool = False
    """Whether small and capital letters mean the same, and capitals are used."""


def check_query(
    query: QueryFields, fields: Sequence[QueryField], *, source: str, extra_fields: bool = False
) -> dict[str, Json]:
    """The query with every value in its field's type and defaults filled in; raises UsageError with all problems."""
    by_name = {query_field.name: query_field for query_field in fields}
    problems = []
    extra = {name: value for name, value in query.items() if name not in by_name}
    if not extra_fields:
        for name in extra:
            message, hint = unknown(f"query field of source {source}", name, by_name)
            problems.append(Problem(message, hint=hint))
    checked = dict(extra) if extra_fields else {}
    kind = query.get("kind") or next((query_field.default for query_field in fields if query_field.name == "kind"), "")
    for name, query_field in by_name.items():
        value = query.get(name)
        applies = (not query_field.kind or kind in query_field.kind.split("|")) and not (
            query_field.except_kind and query_field.except_kind == kind
        )
        if value is None or value == "":
            if query_field.required and applies:
                problems.append(_missing(query_field, extra, source))
            elif applies and query_field.default is not None:
                checked[name] = query_field.default
            continue
        if not applies:
            other = (
                f"for kind {query_field.kind.replace('|', ' or ')}, not {kind}"
                if query_field.kind
                else f"not for kind {kind}"
            )
            problems.append(Problem(f'the query field "{name}" is {other}'))
            continue
        try:
            checked[name] = _typed(value, query_field)
        except ValueError as error:
            example = f"for example {name}={query_field.example}" if query_field.example else None
            problems.append(Problem(f'the query field "{name}" of source {source} {error}', hint=example))
    raise_problems(problems)
    return checked


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise UsageError with all problems, if there are any."""
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)


def storage_key(
    source: str,
    query: QueryFields,
    fields: Sequence[QueryField] = (),
    *,
    leading: Sequence[str] = ("path", "ticker", "kind"),
) -> str:
    """`yahoo_finance:ABBV:quote`: the source, the values of the leading fields, the rest as `name=value`, sorted.

    Of the rest, values that hold by default are left out.
    """
    defaults = {query_field.name: query_field.default for query_field in fields}
    parts = [_key_part(query[name]) for name in leading if query.get(name) is not None]
    rest = sorted(name for name in query if name not in leading and query[name] not in (None, defaults.get(name)))
    parts += [f"{_key_part(name)}={_key_part(query[name])}" for name in rest]
    key = ":".join([source, *parts])
    return key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 17]}~{digest(key)[:16]}"


def _key_part(value: Json) -> str:
    if isinstance(value, list | tuple):
        return ",".join(sorted(_key_part(item) for item in value))
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"[%:=~\s\x00-\x1f]", lambda match: f"%{ord(match.group()):02X}", str(value))


def _missing(query_field: QueryField, extra: Mapping[str, Json], source: str) -> Problem:
    hint = f"for example {query_field.name}={query_field.example}" if query_field.example else "add it to the query"
    if extra:
        hint += f"; the query has {', '.join(sorted(extra))}"
    return Problem(f'the query field "{query_field.name}" of source {source} is missing', hint=hint)


def _typed(value: Json, query_field: QueryField) -> Json:
    converted = _CONVERT[query_field.type](value)
    if query_field.upper:
        converted = converted.upper()
    for item in converted if isinstance(converted, list) else [converted]:
        if query_field.choices and item not in query_field.choices:
            raise ValueError(f'cannot be "{item}"; it is one of {", ".join(query_field.choices)}')
        if query_field.pattern and not re.fullmatch(query_field.pattern, item):
            raise ValueError(f'cannot be "{item}"')
    if query_field.minimum is not None and converted < query_field.minimum:
        raise ValueError(f"must be at least {query_field.minimum}")
    return converted


def _text(value: Json) -> str:
    if isinstance(value, dict | list):
        raise ValueError("must be one word, not a list or mapping")
    return str(value).strip()


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[-+]?\d+", str(value).strip()):
        raise ValueError(f'must be a whole number, not "{value}"')
    return int(value)


def _number(value: Json) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f'must be a number, not "{value}"') from None


def _boolean(value: Json) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError(f'must be true or false, not "{value}"')
    return words[str(value).lower()]


def _date(value: Json) -> str:
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise ValueError(f'must be a date like 2025-02-14, not "{value}"') from None


def _list(value: Json) -> list[str]:
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return [text for item in items if (text := _text(item))]


_CONVERT: Mapping[FieldType, Callable[[Json], Json]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _list,
}
