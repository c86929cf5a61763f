"""XML as data: elements by their local names, attributes as `@name`, repeated elements as lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trainer.convert.readers.package import local, parse_xml
from trainer.core.cells import typed_records
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Json


def read(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """`{"rates": {"@date": "2025-02-28", "rate": [{…}, {…}]}}`, the root's content under its name.

    An element with neither attributes nor children is its text, an empty one is null; beside others, its text is
    `#text`. All values of one path have one type, as the cells of a column have. Entities are refused, not followed.
    """
    if options.encoding is not None:
        text = content.decode(options.encoding, "replace")
        content = re.sub(r"\A\s*<\?xml[^>]*\?>", "", text).encode()
    root = parse_xml(content, "", shown)
    if any(not isinstance(element.tag, str) for element in root.iter()):
        hint = "write what they stand for in their places"
        raise ConversionError("XML with entities of its own, which are not followed", where=Where(shown), hint=hint)
    values: dict[str, list[str]] = {}
    for path, text in _leaves(root, local(root)):
        values.setdefault(path, []).append(text)
    typed: dict[str, Iterator[Json]] = {path: iter(_typed(texts, options)) for path, texts in values.items()}
    return Dataset({local(root): _value(root, local(root), typed)}, shown)


def _typed(texts: list[str], options: ReadOptions) -> list[Json]:
    if options.spelt:
        return list(texts)
    return [row[""] for row in typed_records([""], [[text] for text in texts], commas_split=False)]


def _leaves(element: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each attribute and each text with its path, in the order in which `_value` asks for them."""
    for name, text in element.attrib.items():
        yield f"{path}/@{_name(name)}", text
    words = _words(element)
    if words or not (len(element) or element.attrib):
        yield path, words
    for child in element:
        yield from _leaves(child, f"{path}/{local(child)}")


def _value(element: Any, path: str, typed: dict[str, Iterator[Json]]) -> Json:
    value: dict[str, Json] = {}
    for name in element.attrib:
        value[f"@{_name(name)}"] = next(typed[f"{path}/@{_name(name)}"])
    if _words(element) or not (len(element) or element.attrib):
        text = next(typed[path])
        if not (len(element) or element.attrib):
            return text
        value["#text"] = text
    repeated: dict[str, list[Json]] = {}
    for child in element:
        repeated.setdefault(local(child), []).append(_value(child, f"{path}/{local(child)}", typed))
    return value | {name: items[0] if len(items) == 1 else items for name, items in repeated.items()}


def _words(element: Any) -> str:
    """The text of an element around its children."""
    return " ".join(" ".join([element.text or "", *(child.tail or "" for child in element)]).split())


def _name(name: str) -> str:
    return name.rpartition("}")[2]
