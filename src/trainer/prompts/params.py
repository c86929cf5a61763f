"""Values for an instruction's parameters: typed, checked, defaults filled in from one another."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from trainer.core.errors import InstructionError, UsageError, Where, unknown
from trainer.core.files import read_text
from trainer.core.values import Finding, Json
from trainer.prompts.instruction import DataQuery, Instruction, Param

_NAMED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BOUND = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


class FileText(str):
    """The text of a file that a parameter names; it keeps its lines where other values are written in one."""

    __slots__ = ()


def resolve_params(instruction: Instruction, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """A typed value for each declared parameter, in the order declared, then those the body alone names.

    An optional parameter without a value is None. Raises InstructionError with every problem at once.
    """
    values, findings = check_params(instruction, arguments)
    if findings:
        problems = [one.problem() for one in findings]
        raise InstructionError(problems[0].message, problems=problems)
    return values


def check_params(instruction: Instruction, arguments: Mapping[str, Json]) -> tuple[dict[str, Json], list[Finding]]:
    """The values that can be told, and what is wrong with the others."""
    findings = [*_unknown(instruction, arguments)]
    values: dict[str, Json] = {}
    for name, param in instruction.params.items():
        try:
            values[name] = _value(instruction, param, arguments, ())
        except _Missing as missing:
            # where a default needs another parameter, that one tells
            if missing.name == name:
                findings.append(_finding(instruction, param, arguments, missing))
        except ValueError as error:
            findings.append(_finding(instruction, param, arguments, error))
    return values | {name: arguments[name] for name in arguments if name not in instruction.params}, findings


def takes(instruction: Instruction, name: str) -> bool:
    """Whether a value called `name` is of use: declared, or named in the body within braces."""
    if name in instruction.params:
        return True
    return re.search(rf"\{{[\s\S]*\b{re.escape(name)}\b", instruction.body) is not None


def data_queries(instruction: Instruction, params: Mapping[str, Json]) -> tuple[DataQuery, ...]:
    """What the instruction asks of sources and store, its `{NAME}` filled in, in the order declared."""
    return tuple(
        bind_names(query, params)
        if query.sql
        else DataQuery(
            name=query.name,
            source=query.source and fill_names(query.source, params),
            query={field: _fill(value, params) for field, value in query.query.items()},
            key=query.key and fill_names(query.key, params),
            max_age=query.max_age,
        )
        for query in instruction.data.values()
    )


def bind_names(query: DataQuery, params: Mapping[str, Json]) -> DataQuery:
    """The SQL with `$NAME` for each `{NAME}` of `params`, in quotation marks or not, and their values beside it.

    A value never becomes part of the text, so that none can end a string and go on as SQL.
    """
    used: dict[str, Json] = {}

    def name(match: re.Match[str]) -> str:
        if match[1] not in params:
            return match[0]
        value = params[match[1]]
        used[match[1]] = value if isinstance(value, bool | int | float | list | date | type(None)) else plain(value)
        return f"${match[1]}"

    def literal(text: str) -> str:
        """`'{NAME}, Inc.'` as `($NAME || ', Inc.')`."""
        parts = [part for part in re.split(r"(\{[A-Za-z_]\w*\})", text[1:-1]) if part]
        bound = [_NAMED.sub(name, part) for part in parts]
        if bound == parts:
            return text
        written = [part if part != raw else f"'{raw}'" for part, raw in zip(bound, parts, strict=True)]
        return written[0] if len(written) == 1 else f"({' || '.join(written)})"

    pieces = re.split(r"('(?:[^']|'')*')", query.sql)
    bound = [literal(piece) if at % 2 else _BOUND.sub(name, _NAMED.sub(name, piece)) for at, piece in enumerate(pieces)]
    sql = "".join(bound)
    return replace(query, sql=sql, query=used)


def fill_names(text: str, params: Mapping[str, Json]) -> str:
    """`text` with each `{NAME}` of `params` replaced by its value, once and as it is; other braces stay."""
    return _NAMED.sub(lambda match: plain(params[match[1]]) if match[1] in params else match[0], text)


def names_in(text: str) -> list[str]:
    """What stands in the text as `{NAME}`."""
    return _NAMED.findall(text)


def names_used(instruction: Instruction) -> set[str]:
    """The names that the front matter itself fills in: in title, contexts, data, output and other defaults."""
    return {name for _, name in named_places(instruction)}


def named_places(instruction: Instruction) -> Iterator[tuple[Where, str]]:
    """Each `{NAME}` in a text of the front matter that is filled in, with the place of that text."""
    for path, text in _filled_in(instruction):
        for name in _NAMED.findall(text) if isinstance(text, str) else ():
            yield instruction.where(*path), name


def _filled_in(instruction: Instruction) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    yield ("title",), instruction.title
    yield from ((("contexts", at), text) for at, text in enumerate(instruction.contexts))
    yield from ((("output", "sections", at), text) for at, text in enumerate(instruction.output.sections))
    yield from ((("params", name, "default"), param.default) for name, param in instruction.params.items())
    yield from ((("expect",), one.value) for one in instruction.expect)
    for query in instruction.data.values():
        yield ("data", query.name, "source"), query.source
        yield ("data", query.name, "key"), query.key
        for name, value in query.query.items():
            yield from ((("data", query.name, name), item) for item in (value if isinstance(value, list) else [value]))


def plain(value: Json) -> str:
    """A value as people write it: lists with commas, dates by ISO, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


class _Missing(ValueError):
    """A required parameter has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"parameter {name} is missing")
        self.name = name


def _unknown(instruction: Instruction, values: Mapping[str, Json]) -> Iterator[Finding]:
    for name in values:
        if not takes(instruction, name):
            message, hint = unknown("parameter", name, instruction.params)
            yield Finding("unknown_parameter", "error", message, Where(instruction.file), hint=hint)


def _finding(instruction: Instruction, param: Param, values: Mapping[str, Json], error: ValueError) -> Finding:
    where = instruction.where("params", param.name)
    if param.name in values:
        return Finding("bad_parameter", "error", f"parameter {param.name}: {error}", where, hint=param.description)
    hint = f"give it: -p {param.name}={_example(param)}"
    kind = "missing_parameter" if isinstance(error, _Missing) else "bad_parameter"
    return Finding(kind, "error", str(error), where, hint=hint)


def _example(param: Param) -> str:
    return plain(param.choices[0]) if param.choices else "VALUE"


def _value(instruction: Instruction, param: Param, values: Mapping[str, Json], around: tuple[str, ...]) -> Json:
    if param.name in around:
        raise ValueError(f"defaults go round in a circle: {' -> '.join([*around, param.name])}")
    if param.name in values:
        return _typed(param, values[param.name], instruction.root)
    if param.default is None:
        if param.required:
            raise _Missing(param.name)
        return None
    default = param.default
    if isinstance(default, str):
        names = [name for name in _NAMED.findall(default) if name in instruction.params]
        inner = {name: _value(instruction, instruction.params[name], values, (*around, param.name)) for name in names}
        default = fill_names(default, inner)
    return _typed(param, default, instruction.root)


def _fill(value: Json, params: Mapping[str, Json]) -> Json:
    if isinstance(value, list):
        return [_fill(item, params) for item in value]
    if not isinstance(value, str):
        return value
    whole = _NAMED.fullmatch(value)
    if whole and isinstance(params.get(whole[1]), list):
        return list(params[whole[1]])
    return fill_names(value, params)


def _typed(param: Param, value: Json, root: Path) -> Json:
    typed = _convert(param, value, root)
    for one in typed if isinstance(typed, list) else [typed]:
        if param.pattern and not re.fullmatch(param.pattern, plain(one)):
            raise ValueError(f'"{_short(one)}" does not match {param.pattern}')
        if param.choices and plain(one) not in map(plain, param.choices):
            raise ValueError(f'"{_short(one)}" is not one of {", ".join(map(plain, param.choices))}')
    return typed


def _convert(param: Param, value: Json, root: Path) -> Json:
    if param.type == "list":
        return _items(value)
    if isinstance(value, dict | list):
        raise ValueError(f"expected one value, not a {'mapping' if isinstance(value, dict) else 'list'}")
    text = plain(value)
    if param.type == "int":
        return int(_number(text))
    if param.type == "float":
        return _number(text, whole=False)
    if param.type == "bool":
        return _bool(text)
    if param.type == "date":
        return _date(text)
    if param.type == "file":
        return _file(text, root)
    if param.type == "enum":
        return next((choice for choice in param.choices if plain(choice) == text), text)
    return text


def _number(text: str, *, whole: bool = True) -> float:
    try:
        number = int(text, 10) if whole else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f'"{_short(text)}" is not a {"whole number" if whole else "number"}')
    return number


def _bool(text: str) -> bool:
    if text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    raise ValueError(f'"{_short(text)}" is neither true nor false')


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{_short(text)}" is not a date such as 2025-02-14') from None


def _items(value: Json) -> list[Json]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError(f'"{_short(value)}" is not a list') from None
    if isinstance(value, list | tuple):
        return list(value)
    return [item.strip() for item in plain(value).split(",") if item.strip()]


def _file(name: str, root: Path) -> str:
    home = root.resolve()
    path = (home / name).resolve()
    if not path.is_relative_to(home):
        raise ValueError(f"the file lies outside the project: {_short(name)}")
    try:
        return FileText(read_text(path, shown=name))
    except UsageError as error:
        raise ValueError(f"{_short(name)}: {error.message}") from None


def _short(value: Json) -> str:
    text = plain(value)
    return text if len(text) <= 60 else text[:57] + "…"
