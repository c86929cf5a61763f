"""YAML with positions: YAML 1.2's scalars, no tags, no duplicate keys, no alias bombs, all by line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from trainer.core.errors import Problem, UsageError, Where

Path = tuple[str | int, ...]

_MOST_NODES = 200_000
_DEEPEST = 60
_KNOWN_TAGS = frozenset({"map", "seq", "str", "int", "float", "bool", "null"})


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A YAML document as plain values, with the place of each."""

    value: Any
    """dict, list, str, int, float, bool or None; dates stay text."""
    places: dict[Path, Where] = field(default_factory=dict)
    """Where each value starts, by its path; keys by `(*path, key, KEY)`."""

    def where(self, *path: str | int) -> Where | None:
        """The place of the value at `path`, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if place := self.places.get(path[:length]):
                return place
        return None

    def where_key(self, *path: str | int) -> Where | None:
        """The place of the key that ends `path`."""
        return self.places.get((*path, KEY)) or self.where(*path)


KEY = "\0key"


def load_yaml(text: str, *, shown: str, first_line: int = 1) -> YamlDocument:
    """The document in `text`; `shown` names the file in errors, `first_line` is where the text starts in it.

    Raises UsageError with line and column for bad syntax, several documents, tags, duplicate keys and bombs.
    """
    builder = _Builder(shown, first_line - 1)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = builder.place(mark) if mark else Where(shown)
        raise UsageError(f"not valid YAML: {error.problem or error.context}", where=where) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"not valid YAML: {error}", where=Where(shown)) from None
    value = builder.build(node, (), 0) if node is not None else None
    if builder.problems:
        raise UsageError(builder.problems[0].message, problems=builder.problems)
    return YamlDocument(value, builder.places)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves the scalars of YAML 1.2's core schema: `no`, `on` and dates stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own protocol)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


class _Builder:
    """Turns nodes into plain values and collects places and problems."""

    def __init__(self, shown: str, line_offset: int) -> None:
        self.shown = shown
        self.line_offset = line_offset
        self.places: dict[Path, Where] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def place(self, mark: Any) -> Where:
        return Where(self.shown, mark.line + 1 + self.line_offset, mark.column + 1)

    def build(self, node: Any, path: Path, depth: int) -> Any:
        where = self.place(node.start_mark)
        self.places[path] = where
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > _DEEPEST:
            raise UsageError(
                "YAML too large or nested too deeply once its aliases are followed",
                where=where,
                hint=f"the limits are {_MOST_NODES} values and {_DEEPEST} levels",
            )
        if node.tag.rpartition(":")[2] not in _KNOWN_TAGS:
            self.problems.append(Problem(f"the tag {node.tag} is not allowed", where))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: Any, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            where = self.place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem("a key must be a plain word", where))
                continue
            key = str(key_node.value)
            if key in result:
                self.problems.append(Problem(f'the key "{key}" stands twice', where))
            self.places[(*path, key, KEY)] = where
            result[key] = self.build(value_node, (*path, key), depth + 1)
        return result


def _scalar(node: Any) -> str | int | float | bool | None:
    kind = node.tag.rpartition(":")[2]
    text: str = node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
