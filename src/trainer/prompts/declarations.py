"""What the front matter of an instruction declares, checked: every problem is collected, none hides another."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, get_args

from trainer.core.clock import parse_duration
from trainer.core.errors import InstructionError, Problem, UsageError, Where, unknown
from trainer.core.files import read_text
from trainer.core.values import Expectation, ExpectationKind, Json, Output
from trainer.core.yamltext import YamlDocument
from trainer.prompts.instruction import KEYS, DataQuery, Instruction, Param, ParamType, Strategy, Syntax

_PARAM_KEYS = ("type", "required", "default", "pattern", "choices", "description")
_OUTPUT_KEYS = ("sections", "schema", "language")
_LENGTH_KEYS = ("min", "max")
_TYPES: tuple[ParamType, ...] = get_args(ParamType)
_STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
_SYNTAXES: tuple[Syntax, ...] = get_args(Syntax)
_EXPECTATIONS: tuple[ExpectationKind, ...] = get_args(ExpectationKind)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = frozenset({"data", "params", "range", "namespace", "loop", "self", "true", "false", "none"})

REPORT = "report"
TABLE = "table"
"""The source that `data: {name: {report: NAME}}` asks: another report of the project."""

T = TypeVar("T")


def read_declarations(plain: Instruction, front: YamlDocument, *, folder: Path) -> Instruction:
    """The instruction with what its front matter declares; raises InstructionError with all problems."""
    reader = _Reader(front)
    values = front.spelt()
    typed_output = front.value.get("output")
    schema = typed_output.get("schema") if isinstance(typed_output, dict) else None
    reader.known(values, KEYS, "key")
    params = reader.params(values.get("params"))
    data = reader.data(values.get("data"))
    for name in sorted(set(params) & set(data)):
        reader.say(f'"{name}" is declared as a parameter and as data', "data", name, key=True)
    filled = replace(
        plain,
        title=reader.text(values.get("title"), "title") or plain.title,
        description=reader.text(values.get("description"), "description"),
        tags=reader.texts(values.get("tags"), "tags"),
        params=params,
        contexts=reader.texts(values.get("contexts"), "contexts"),
        data=data,
        output=reader.output(values.get("output"), schema, folder=folder, root=plain.root),
        model=reader.mapping(front.value.get("model"), "model"),
        facts=reader.facts(front.value.get("facts")),
        strategy=reader.strategy(values.get("strategy")),
        template=reader.template(values.get("template")),
        places=front,
        expect=reader.expectations(values.get("expect"), front.value.get("expect"), folder=folder, root=plain.root),
    )
    if reader.problems:
        raise InstructionError(reader.problems[0].message, problems=reader.problems)
    return filled


def read_data(entries: Mapping[str, Json], *, shown: str) -> dict[str, DataQuery]:
    """The queries of a `data:` mapping written elsewhere than in an instruction; errors name `shown`.

    Raises InstructionError with all problems.
    """
    reader = _Reader(YamlDocument({"data": entries}, {(): Where(shown)}))
    queries = reader.data(entries)
    if reader.problems:
        raise InstructionError(reader.problems[0].message, problems=reader.problems)
    return queries


class _Reader:
    """Reads plain values into typed ones and collects what is wrong with them, with places."""

    def __init__(self, front: YamlDocument) -> None:
        self.front = front
        self.problems: list[Problem] = []

    def say(self, message: str, *path: str | int, hint: str | None = None, key: bool = False) -> None:
        where = self.front.where_key(*path) if key else self.front.where(*path)
        self.problems.append(Problem(message, where, hint))

    def known(self, values: Mapping[str, Json], keys: Iterable[str], what: str, *path: str | int) -> None:
        for name in values:
            if name not in keys:
                message, hint = unknown(what, name, keys)
                self.say(message, *path, name, hint=hint, key=True)

    def mapping(self, value: Json, *path: str) -> dict[str, Json]:
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.say(f'"{path[-1]}" must be a mapping of names to values', *path)
        return {}

    def facts(self, value: Json) -> dict[str, Json]:
        """What is said of the data, checked as a file of `information/facts` is."""
        facts = self.mapping(value, "facts")
        if not facts:
            return {}
        from trainer.facts import read_corrections  # few instructions correct their data

        try:
            read_corrections(facts, shown="facts")
        except UsageError as error:
            for problem in error.problems:
                self.say(problem.message, "facts", hint=problem.hint)
        return facts

    def text(self, value: Json, *path: str | int) -> str:
        if value is None:
            return ""
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        self.say(f'"{path[-1]}" must be text', *path)
        return ""

    def texts(self, value: Json, *path: str | int) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(text for index, item in enumerate(value) if (text := self.item(item, *path, index)))
        return (self.text(value, *path),)

    def item(self, value: Json, *path: str | int) -> str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.say(f'an entry of "{path[0] if len(path) < 3 else path[-2]}" must be text', *path)
        return ""

    def one_of(self, value: Json, choices: tuple[T, ...], what: str, *path: str | int) -> T | None:
        if value in choices:
            return next(candidate for candidate in choices if candidate == value)
        message, hint = unknown(what, str(value), map(str, choices))
        self.say(message, *path, hint=hint)
        return None

    def strategy(self, value: Json) -> Strategy | None:
        return None if value is None else self.one_of(value, _STRATEGIES, "strategy", "strategy")

    def template(self, value: Json) -> Syntax | None:
        return None if value is None else self.one_of(value, _SYNTAXES, "template syntax", "template")

    def params(self, value: Json) -> dict[str, Param]:
        if isinstance(value, list):
            return {name: Param(name) for name in self.texts(value, "params") if self.name(name, "params", name)}
        declared = self.mapping(value, "params")
        return {name: self.param(name, entry) for name, entry in declared.items() if self.name(name, "params", name)}

    def name(self, name: str, *path: str) -> bool:
        if not _NAME.match(name) or keyword.iskeyword(name):
            self.say(f'"{name}" cannot be a name', *path, hint="letters, digits and _, not a digit first", key=True)
        elif name in _RESERVED:
            self.say(f'"{name}" is taken by templates', *path, hint="choose another name", key=True)
        else:
            return True
        return False

    def param(self, name: str, entry: Json) -> Param:
        if entry is None:
            return Param(name)
        if not isinstance(entry, dict):
            return Param(name, "list" if isinstance(entry, list) else _type_of(entry), required=False, default=entry)
        path = ("params", name)
        self.known(entry, _PARAM_KEYS, "key", *path)
        default, choices = entry.get("default"), entry.get("choices")
        kind = entry.get("type", "enum" if choices is not None else _type_of(default))
        return Param(
            name,
            self.one_of(kind, _TYPES, "type", *path, "type") or "string",
            required=self.required(entry, *path),
            default=default,
            pattern=self.pattern(entry.get("pattern"), *path, "pattern"),
            choices=self.choices(choices, kind, *path),
            description=self.text(entry.get("description"), *path, "description"),
        )

    def required(self, entry: Mapping[str, Json], *path: str) -> bool:
        required = entry.get("required", entry.get("default") is None)
        if not isinstance(required, bool):
            self.say('"required" must be true or false', *path, "required")
        elif required and entry.get("default") is not None:
            self.say("a required parameter has no use for a default", *path, "default", hint="leave one of them out")
        return bool(required)

    def pattern(self, value: Json, *path: str | int) -> str | None:
        pattern = self.text(value, *path)
        try:
            re.compile(pattern)
        except re.error as error:
            self.say(f"not a regular expression: {error}", *path)
        return pattern or None

    def choices(self, value: Json, kind: Json, *path: str) -> tuple[Json, ...]:
        if value is None and kind == "enum":
            self.say('an enum needs "choices"', *path, key=True)
        if value is None:
            return ()
        if not isinstance(value, list) or not value:
            self.say('"choices" must be a list of values', *path, "choices")
            return ()
        return tuple(value)

    def data(self, value: Json) -> dict[str, DataQuery]:
        declared = self.mapping(value, "data")
        return {name: self.query(name, entry) for name, entry in declared.items() if self.name(name, "data", name)}

    def query(self, name: str, entry: Json) -> DataQuery:
        if isinstance(entry, str):
            return DataQuery(name, key=entry)
        path = ("data", name)
        if not isinstance(entry, dict):
            self.say("data needs a source with its query, or a key", *path, key=True)
            return DataQuery(name)
        if set(entry) == {"report"}:
            entry = {"source": REPORT, **entry}
        if TABLE in entry and set(entry) <= {TABLE, "where"}:
            where = entry.get("where") or {}
            if not isinstance(where, dict):
                self.say('"where" must be a mapping of field to value', *path, "where")
                where = {}
            entry = {"source": TABLE, TABLE: entry[TABLE], **{f"where.{field}": item for field, item in where.items()}}
        if "source" not in entry and "from" in entry and ("sql" in entry or isinstance(entry["from"], list)):
            return self.join(name, entry)
        query = {field: item for field, item in entry.items() if field not in ("source", "key", "max_age")}
        for field, item in query.items():
            if isinstance(item, dict) or (isinstance(item, list) and any(isinstance(one, dict | list) for one in item)):
                self.say(f'"{field}" must be a single value or a list of them', *path, field)
        if "key" in entry and (query or "source" in entry):
            self.say("a key says all: it takes no source and no query", *path, "key", key=True)
        return DataQuery(
            name,
            source=self.text(entry.get("source"), *path, "source") or None,
            query=query,
            key=self.text(entry.get("key"), *path, "key") or None,
            max_age=self.seconds(entry.get("max_age"), *path, "max_age"),
        )

    def join(self, name: str, entry: Mapping[str, Json]) -> DataQuery:
        """A SELECT over other data; which of that there is, is known once reports have had their say."""
        path = ("data", name)
        self.known(entry, ("sql", "from"), "key of data with sql", *path)
        sql = self.text(entry.get("sql"), *path, "sql").strip()
        tables = self.texts(entry.get("from"), *path, "from")
        if not sql:
            self.say('data with "from" needs "sql": a select over it', *path, key=True)
        if not tables:
            self.say('"from" must name the data that the sql reads', *path, "from")
        return DataQuery(name, sql=sql, tables=tables)

    def seconds(self, value: Json, *path: str) -> float | None:
        if value is None:
            return None
        try:
            return parse_duration(value if isinstance(value, int | float) else str(value))
        except UsageError as error:
            self.say(error.message, *path, hint=error.hint)
            return None

    def output(self, value: Json, schema: Json, *, folder: Path, root: Path) -> Output:
        entry = self.mapping(value, "output")
        self.known(entry, _OUTPUT_KEYS, "key", "output")
        sections = self.texts(entry.get("sections"), "output", "sections")
        for index, title in enumerate(sections):
            if title in sections[:index]:
                self.say(f'the section "{title}" stands twice', "output", "sections", index)
        schema = self.schema(schema, "output", "schema", folder=folder, root=root)
        return Output(sections, schema, self.text(entry.get("language"), "output", "language") or "en")

    def expectations(self, spelt: Json, typed: Json, *, folder: Path, root: Path) -> tuple[Expectation, ...]:
        """The assertions, each an entry with one key; texts as they are spelt, a schema with its types."""
        if spelt is None:
            return ()
        if not isinstance(spelt, list) or not isinstance(typed, list):
            self.say('"expect" must be a list of assertions', "expect", hint='such as: - contains: "revenue"')
            return ()
        expectations: list[Expectation] = []
        for at, (entry, value) in enumerate(zip(spelt, typed, strict=True)):
            if not isinstance(entry, dict) or not isinstance(value, dict) or len(entry) != 1:
                self.say("an assertion is one key with its value", "expect", at, hint='such as: - contains: "revenue"')
                continue
            (kind,) = entry
            if value[kind] is None:
                self.say("an assertion needs a value", "expect", at, hint='such as: - contains: "revenue"')
                continue
            assertion = self.one_of(kind, _EXPECTATIONS, "assertion", "expect", at, kind)
            if assertion == "schema":
                schema = self.schema(value[kind], "expect", at, kind, folder=folder, root=root)
                expectations.append(Expectation(assertion, schema))
            elif assertion:
                expectations += self.expectation(assertion, entry[kind], "expect", at, kind)
        return tuple(expectations)

    def expectation(self, kind: ExpectationKind, value: Json, *path: str | int) -> Iterator[Expectation]:
        if kind == "length":
            bounds = value if isinstance(value, dict) else {"max": value}
            self.known(bounds, _LENGTH_KEYS, "key", *path)
            counts = {name: self.number(bound, *path) for name, bound in bounds.items() if name in _LENGTH_KEYS}
            if counts.get("min", 0) > counts.get("max", math.inf):
                self.say('"min" is more than "max"', *path)
            yield Expectation(kind, {name: int(count) for name, count in counts.items()})
        elif kind == "figures":
            share = 1.0 if value == "verified" else self.number(value, *path)
            if not 0 <= share <= 1:
                self.say('"figures" is "verified", or the least share of them from 0 to 1', *path)
            yield Expectation(kind, float(share))
        else:
            for text in self.texts(value, *path):
                if kind == "regex":
                    self.pattern(text, *path)
                yield Expectation(kind, text)

    def number(self, value: Json, *path: str | int) -> float:
        try:
            return float(str(value))
        except ValueError:
            self.say(f'"{value}" is no number', *path)
            return 0.0

    def schema(self, value: Json, *path: str | int, folder: Path, root: Path) -> dict[str, Json] | None:
        """A JSON Schema that stands here or in the file named."""
        if isinstance(value, str):
            return self.schema_file(value, *path, folder=folder, root=root)
        if value is None or isinstance(value, dict):
            return value
        self.say('"schema" must be a JSON Schema or the path of a file with one', *path)
        return None

    def schema_file(self, name: str, *at: str | int, folder: Path, root: Path) -> dict[str, Json] | None:
        home = root.resolve()
        candidates = [(base / name).resolve() for base in (folder, root)]
        path = next((path for path in candidates if path.is_file()), None)
        if path is None:
            self.say(f"there is no schema file {name}", *at, hint="name it from the project's root")
            return None
        if not path.is_relative_to(home):
            self.say(f"the schema file lies outside the project: {name}", *at)
            return None
        return self.json_object(path, shown=path.relative_to(home).as_posix())

    def json_object(self, path: Path, *, shown: str) -> dict[str, Json] | None:
        try:
            value = json.loads(read_text(path, shown=shown))
        except UsageError as error:
            self.problems.extend(error.problems)
            return None
        except json.JSONDecodeError as error:
            self.problems.append(Problem(f"not valid JSON: {error.msg}", Where(shown, error.lineno, error.colno)))
            return None
        if not isinstance(value, dict):
            self.problems.append(Problem("a JSON Schema is an object", Where(shown, 1, 1)))
            return None
        return value


def _type_of(value: Json) -> ParamType:
    kinds: tuple[tuple[type, ParamType], ...] = ((bool, "bool"), (int, "int"), (float, "float"), (list, "list"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "string")
