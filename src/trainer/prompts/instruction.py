"""An instruction: a Markdown file that says what to write, from which parameters, contexts and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trainer.core.errors import Where
from trainer.core.values import Expectation, Json, Output
from trainer.core.yamltext import YamlDocument

ParamType = Literal["string", "int", "float", "bool", "date", "enum", "list", "file"]
Syntax = Literal["braces", "jinja", "plain"]
Strategy = Literal["sequential", "parallel", "hierarchical"]

KEYS = (
    "title",
    "params",
    "contexts",
    "data",
    "output",
    "model",
    "strategy",
    "template",
    "facts",
    "expect",
    "tags",
    "description",
)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter an instruction declares."""

    name: str
    type: ParamType = "string"
    required: bool = True
    """Whether a value must be given; one with a default need not be."""
    default: Json = None
    """May name other parameters: `{TICKER}`."""
    pattern: str | None = None
    """A regular expression that the whole value must match."""
    choices: tuple[Json, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class DataQuery:
    """A datum an instruction asks for."""

    name: str
    source: str | None = None
    """The source's name; None is the project's own default."""
    query: Mapping[str, Json] = field(default_factory=dict)
    """Scalars and lists of scalars, as the source's query fields."""
    key: str | None = None
    """A key of the store, in place of a query."""
    max_age: float | None = None
    """Seconds after which the stored datum must be fetched again; None leaves it to the source."""
    sql: str = ""
    """A SELECT over other data of the prompt, in place of a query; its `$NAME` are bound to `query`."""
    tables: tuple[str, ...] = ()
    """The names of the data that it reads."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction as loaded: nothing in it is filled in yet."""

    path: str
    """Relative to the instruction folder, with `/`."""
    file: str
    """As errors name it: relative to the project's root where it lies inside."""
    root: Path
    """The project's root; parameters of type `file` are read below it."""
    body: str
    body_line: int = 1
    """The line of the file on which the body starts."""
    digest: str = ""
    """Of the file's bytes."""
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    """Paths and globs relative to the context folder; they may name parameters."""
    data: Mapping[str, DataQuery] = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    model: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What it says of its data: `roles`, `units`, `names` and the like, each a mapping."""
    strategy: Strategy | None = None
    template: Syntax | None = None
    """How the body is filled in; None where the front matter does not say."""
    places: YamlDocument | None = None
    """Where each value of the front matter stands."""
    expect: tuple[Expectation, ...] = ()
    """What `trainer run --test` asserts of an answer; texts may name parameters."""

    def where(self, *path: str | int) -> Where:
        """The place of a value of the front matter, or of the file where it has none."""
        return (self.places and self.places.where(*path)) or Where(self.file, 1, 1)

    def at(self, offset: int) -> Where:
        """The place of a character of the body."""
        line = self.body.count("\n", 0, offset)
        column = offset - (self.body.rfind("\n", 0, offset) + 1) + 1
        return Where(self.file, self.body_line + line, column)
