"""YAML with positions: YAML 1.2's scalars, no tags, no duplicate keys, no bombs, all by line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from trainer.core.errors import Problem, UsageError, Where

YamlPath = tuple[str | int, ...]

KEY = "\0key"

MOST_BYTES = 64_000_000
DEEPEST = 60
"""Levels of lists and mappings. PyYAML's own composer recurses in C and ends the process at some 20,000."""

_MOST_NODES = 200_000
_KNOWN_TAGS = frozenset({"map", "seq", "str", "int", "float", "bool", "null"})
# libyaml's parser gives events one by one and keeps its own stack, so nothing recurses before depth is counted
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_NULL = re.compile(r"~|null|Null|NULL|")
# 007 is no number: an identifier would lose its zeros
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MOST_DIGITS = 4_300
"""Digits of a whole number; Python itself reads no more."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A YAML document as plain values, with the place of each."""

    value: Any
    """dict, list, str, int, float, bool or None; dates stay text."""
    places: dict[YamlPath, Where] = field(default_factory=dict)
    """Where each value starts, by its path; keys by `(*path, key, KEY)`."""
    spellings: dict[YamlPath, str] = field(default_factory=dict)
    """The text of each number that is written otherwise than it would be shown: `1.10`, `2.0`, `1e3`."""

    def where(self, *path: str | int) -> Where | None:
        """The place of the value at `path`, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if place := self.places.get(path[:length]):
                return place
        return None

    def where_key(self, *path: str | int) -> Where | None:
        """The place of the key that ends `path`."""
        return self.places.get((*path, KEY)) or self.where(*path)

    def spelt(self, *path: str | int) -> Any:
        """The value at `path` with such numbers as the text they were: what has no declared type stays as written.

        None where there is nothing at `path`.
        """
        value = self.value
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return self._spelt(value, path)

    def _spelt(self, value: Any, path: YamlPath) -> Any:
        if isinstance(value, dict):
            return {key: self._spelt(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._spelt(item, (*path, index)) for index, item in enumerate(value)]
        return self.spellings.get(path, value)


def load_yaml(text: str, *, shown: str, first_line: int = 1) -> YamlDocument:
    """The document in `text`; `shown` names the file in errors, `first_line` is where the text starts in it.

    Raises UsageError with line and column for bad syntax, several documents, tags, duplicate keys and bombs.
    """
    if len(text) > MOST_BYTES:
        raise UsageError(f"more than the {MOST_BYTES:,} letters of YAML that are read at once", where=Where(shown))
    reader = _Reader(shown, first_line - 1)
    try:
        node = reader.node(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = reader.place(mark) if mark else Where(shown)
        hint = (
            "indent by spaces; YAML takes no tabs there" if mark and text[mark.index : mark.index + 1] == "\t" else None
        )
        raise UsageError(f"not valid YAML: {error.problem or error.context}", where=where, hint=hint) from None
    except yaml.YAMLError as error:
        raise UsageError(f"not valid YAML: {error}", where=Where(shown)) from None
    value = reader.value(node, (), 0) if node is not None else None
    if reader.problems:
        raise UsageError(reader.problems[0].message, problems=reader.problems)
    return YamlDocument(value, reader.places, reader.spellings)


@dataclass(slots=True)
class _Scalar:
    text: str
    plain: bool
    """Whether it stands without quotes, so that it may be a number."""
    tag: str | None
    mark: Any


@dataclass(slots=True)
class _Collection:
    tag: str | None
    mark: Any
    is_mapping: bool
    items: list[_Node] = field(default_factory=list)
    """Of a mapping key, value, key, value …"""


_Node: TypeAlias = _Scalar | _Collection


class _Reader:
    """Turns events into nodes and nodes into plain values; collects places, spellings and problems."""

    def __init__(self, shown: str, line_offset: int) -> None:
        self.shown = shown
        self.line_offset = line_offset
        self.places: dict[YamlPath, Where] = {}
        self.spellings: dict[YamlPath, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def place(self, mark: Any) -> Where:
        return Where(self.shown, mark.line + 1 + self.line_offset, mark.column + 1)

    def node(self, events: Iterator[Any]) -> _Node | None:
        """The one document's node, an alias the node it stands for; None where there is no document."""
        anchors: dict[str, _Node] = {}
        document = _Collection(None, None, is_mapping=False)
        around = [document]
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and document.items:
                raise UsageError("not valid YAML: but found another document", where=self.place(event.start_mark))
            if isinstance(event, yaml.CollectionEndEvent):
                around.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            if isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    message = f'not valid YAML: found undefined alias "{event.anchor}"'
                    raise UsageError(message, where=self.place(event.start_mark))
                around[-1].items.append(anchors[event.anchor])
                continue
            node: _Node
            if isinstance(event, yaml.ScalarEvent):
                node = _Scalar(event.value, event.implicit[0], event.tag, event.start_mark)
            else:
                tag: str | None = event.tag  # type: ignore[attr-defined]
                node = _Collection(tag, event.start_mark, isinstance(event, yaml.MappingStartEvent))
            if event.anchor:
                anchors[event.anchor] = node
            around[-1].items.append(node)
            if isinstance(node, _Collection):
                around.append(node)
                if len(around) > DEEPEST + 2:
                    raise self._too_large(node)
        return document.items[0] if document.items else None

    def value(self, node: _Node, path: YamlPath, depth: int) -> Any:
        where = self.place(node.mark)
        self.places[path] = where
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > DEEPEST:
            raise self._too_large(node)
        if node.tag is not None and node.tag.rpartition(":")[2] not in _KNOWN_TAGS:
            self.problems.append(Problem(f"the tag {node.tag} is not allowed", where))
            return None
        if isinstance(node, _Scalar):
            return self._scalar(node, path)
        if not node.is_mapping:
            return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.items)]
        result: dict[str, Any] = {}
        for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
            key_place = self.place(key_node.mark)
            if not isinstance(key_node, _Scalar):
                self.problems.append(Problem("a key must be a plain word", key_place))
                continue
            key = key_node.text
            if key in result:
                self.problems.append(Problem(f'the key "{key}" stands twice', key_place))
            self.places[(*path, key, KEY)] = key_place
            result[key] = self.value(value_node, (*path, key), depth + 1)
        return result

    def _scalar(self, node: _Scalar, path: YamlPath) -> str | int | float | bool | None:
        text, kind = node.text, node.tag.rpartition(":")[2] if node.tag else None
        if kind == "str" or (kind is None and not node.plain):
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        number: int | float
        if _INT.fullmatch(text):
            if len(text) > _MOST_DIGITS:
                return text
            number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        elif _FLOAT.fullmatch(text):
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        elif kind is None:
            return text
        else:
            self.problems.append(Problem(f"{text[:40]} is no {kind}", self.place(node.mark)))
            return None
        if str(number) != text or text.endswith(".0"):
            self.spellings[path] = text
        return number

    def _too_large(self, node: _Node) -> UsageError:
        return UsageError(
            "YAML too large or nested too deeply once its aliases are followed",
            where=self.place(node.mark),
            hint=f"the limits are {_MOST_NODES} values and {DEEPEST} levels",
        )
