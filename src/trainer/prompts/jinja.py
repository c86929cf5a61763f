"""Jinja2 in a sandbox: undefined names are errors, nothing random, nothing of the outside, values never templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from trainer.core.digest import canonical
from trainer.core.errors import Problem, Where, unknown
from trainer.core.values import Json
from trainer.prompts.pieces import Piece, names_in

_LARGEST = 1_000_000
_REMOVED_FILTERS = ("random", "safe", "escape", "e", "forceescape", "xmlattr", "urlize", "pprint")
_RUNTIME = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError)


class RenderError(Exception):
    """The template failed while running; `line` counts from the body's first."""

    def __init__(self, message: str, line: int, hint: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


def parses(text: str) -> bool:
    """Whether `text` is Jinja by its syntax."""
    try:
        _environment("{{", "}}", "{%", "%}", str).parse(text)
    except TemplateSyntaxError:
        return False
    return True


def problems(pieces: Sequence[Piece], declared: Iterable[str], at: Callable[[int], Where]) -> list[Problem]:
    """What is wrong with the Jinja of a body before it runs: its syntax, and names nobody declared."""
    declared = set(declared)
    marks, source = _source(pieces)
    environment = _environment(*marks, str)
    try:
        found = meta.find_undeclared_variables(environment.parse(source))
    except TemplateSyntaxError as error:
        return [Problem(f"not valid Jinja: {error.message}", _line(pieces, error.lineno, at), _RAW_HINT)]
    said = []
    for name in sorted(found - declared - set(environment.globals) - {_VALUES}):
        offset = next((at_ for piece in pieces for word, at_ in _names(piece) if word == name), 0)
        message, hint = unknown("name", name, declared)
        said.append(Problem(f"{message} in Jinja", at(offset), f"{hint}; {_RAW_HINT}"))
    return said


def run(
    pieces: Sequence[Piece],
    values: Mapping[str, Json],
    *,
    names: Mapping[str, str],
    show: Callable[[Json], str],
) -> str:
    """The body with its Jinja run on `values`; raises RenderError.

    `names` holds each `{NAME}` as finished text; `show` writes any other value.
    """
    marks, source = _source(pieces)
    environment = _environment(*marks, show)
    try:
        finished = {name: Markup(text) for name, text in names.items()}  # noqa: S704  (finished: not to be shown again)
        return str(environment.from_string(source).render({**values, _VALUES: finished}))
    except _RUNTIME as error:
        _fail(error)


_VALUES = "__names"
_RAW_HINT = "to write it as it is, put it between {% raw %} and {% endraw %}"


def _names(piece: Piece) -> list[tuple[str, int]]:
    return names_in(piece) if piece.kind in ("expression", "statement") else []


def _source(pieces: Sequence[Piece]) -> tuple[tuple[str, str, str, str], str]:
    """The pieces as one Jinja source, with marks that stand nowhere in the text."""
    whole = "".join(piece.text for piece in pieces)
    mark = "\ue000"
    while mark in whole:
        mark += "\ue000"
    mark += "\ue001"
    marks = (mark + "{", "}" + mark, mark + "%", "%" + mark)
    parts = []
    for piece in pieces:
        if piece.kind in ("text", "raw"):
            parts.append(piece.text)
        elif piece.kind == "name":
            parts.append(f'{marks[0]} {_VALUES}["{piece.text}"] {marks[1]}')
        elif piece.kind == "expression":
            parts.append(f"{marks[0]}{piece.text[2:-2]}{marks[1]}")
        else:
            parts.append(f"{marks[2]}{piece.text[2:-2]}{marks[3]}")
    return marks, "".join(parts)


def _line(pieces: Sequence[Piece], line: int, at: Callable[[int], Where]) -> Where:
    """The first construct on a line of the source, which has the lines of the body."""
    constructs = [at(piece.start) for piece in pieces if piece.kind in ("expression", "statement")]
    first = at(0).line or 1
    return next((where for where in constructs if (where.line or 0) - first + 1 >= line), constructs[-1])


def _environment(
    expression: str, expression_end: str, statement: str, statement_end: str, show: Callable[[Json], str]
) -> _Sandbox:
    environment = _Sandbox(
        variable_start_string=expression,
        variable_end_string=expression_end,
        block_start_string=statement,
        block_end_string=statement_end,
        comment_start_string=expression + "\ue002#",
        comment_end_string="#\ue002" + expression_end,
        undefined=_Undefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else Markup(_shown(value, show)),  # noqa: S704
        cache_size=0,
    )
    environment.globals = {"range": environment.globals["range"], "namespace": environment.globals["namespace"]}
    for name in _REMOVED_FILTERS:
        del environment.filters[name]
    environment.filters["tojson"] = canonical
    return environment


def _shown(value: Any, show: Callable[[Json], str]) -> str:
    if isinstance(value, StrictUndefined):
        return str(value)
    return show(value if isinstance(value, dict | list | str | int | float | None) else _plain(value))


def _plain(value: Any) -> Json:
    return list(value) if hasattr(value, "__next__") or isinstance(value, tuple | range) else value


class _Undefined(StrictUndefined):
    """Says which field is missing of what, and the nearest there is."""

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, dict) and isinstance(self._undefined_name, str):
            return "\n".join(unknown("field", self._undefined_name, map(str, self._undefined_obj)))
        return super()._undefined_message


class _Sandbox(ImmutableSandboxedEnvironment):
    """A field of a datum goes before a method of its dictionary; nothing grows without bound."""

    intercepted_binops = frozenset({"*", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, dict) and attribute not in ("items", "keys", "values"):
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [len(side) if isinstance(side, str | list) else abs(side) for side in (left, right)]
        if (operator == "*" and sizes[0] * sizes[1] > _LARGEST**2) or (
            any(isinstance(side, str | list) for side in (left, right)) and sizes[0] * sizes[1] > _LARGEST
        ):
            raise SecurityError("the result would be too large")
        if operator == "**" and (sizes[1] > 1000 or sizes[0] > _LARGEST):
            raise SecurityError("the result would be too large")
        return super().call_binop(context, operator, left, right)


def _fail(error: BaseException) -> NoReturn:
    message, _, hint = str(error).partition("\n")
    raise RenderError(message, _failed_line(error.__traceback__), hint or None) from error


def _failed_line(trace: TracebackType | None) -> int:
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
