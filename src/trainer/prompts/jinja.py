"""Jinja2 in a sandbox: undefined names are errors, nothing random, nothing of the outside, values never templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from trainer.core.digest import canonical
from trainer.core.errors import Problem, Where, unknown
from trainer.core.values import Json
from trainer.prompts.braces import CONSTRUCT, fill_braces

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


def problems(body: str, declared: Set[str], at: Callable[[int], Where]) -> list[Problem]:
    """What is wrong with a body that is Jinja before it runs: its syntax, and names nobody declared."""
    environment = _environment(str)
    try:
        undeclared = meta.find_undeclared_variables(environment.parse(_source(environment, body, declared)))
    except TemplateSyntaxError as error:
        return [Problem(f"not valid Jinja: {error.message}", _line(body, error.lineno, at), _RAW_HINT)]
    errors = []
    for name in sorted(undeclared - declared - set(environment.globals) - {_VALUES}):
        message, hint = unknown("name", name, declared)
        errors.append(Problem(f"{message} in Jinja", at(_offset(body, name)), f"{hint}; {_RAW_HINT}"))
    return errors


def run(body: str, values: Mapping[str, Json], *, names: Mapping[str, str], show: Callable[[Json], str]) -> str:
    """The body with its Jinja run on `values`; raises RenderError.

    `names` holds what each `{NAME}` stands for as finished text; `show` writes any other value.
    """
    environment = _environment(show)
    finished = {name: Markup(text) for name, text in names.items()}  # noqa: S704  (finished: not to be shown again)
    try:
        source = _source(environment, body, names.keys())
        return str(environment.from_string(source).render({**values, _VALUES: finished}))
    except _RUNTIME as error:
        _fail(error)


_VALUES = "__names"
_RAW_HINT = "to write it as it is, put it between {% raw %} and {% endraw %}"


def _source(environment: _Sandbox, body: str, declared: Set[str]) -> str:
    """The body as Jinja alone: each `{NAME}` outside its constructs is an expression like others."""
    parts = []
    is_raw = False
    for _, kind, text in environment.lexer.tokeniter(body, None):
        is_raw = kind == "raw_begin" or (is_raw and kind != "raw_end")
        if kind == "data" and not is_raw:
            parts.append(fill_braces(text, declared, lambda name: f'{{{{ {_VALUES}["{name}"] }}}}'))
        elif kind == "raw_end":  # the line end behind it is as literal as what stands before it
            parts.append(re.sub(r"(?<![-+])%\}(?=\n?\Z)", "+%}", text))
        else:
            parts.append(text)
    return "".join(parts)


def _offset(body: str, name: str) -> int:
    """Where a name first stands in a construct."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
    matches = (word.search(body, construct.start(), construct.end()) for construct in CONSTRUCT.finditer(body))
    return next((match.start() for match in matches if match), 0)


def _line(body: str, line: int, at: Callable[[int], Where]) -> Where:
    """The first construct on a line of the body or below it, for Jinja tells the line on which it gave up."""
    starts = [construct.start() for construct in CONSTRUCT.finditer(body)]
    below = [start for start in starts if body.count("\n", 0, start) + 1 >= line]
    return at(below[0] if below else max(starts, default=0))


def _environment(show: Callable[[Json], str]) -> _Sandbox:
    environment = _Sandbox(
        comment_start_string="{#\ue000",  # headings carry {#ids}: there are no comments
        comment_end_string="\ue000#}",
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
