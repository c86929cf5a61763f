"""XML answers as data: elements by their local names, attributes as `@name`, repeated elements as lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from trainer.core.errors import SourceError, Where
from trainer.core.values import Json
from trainer.sources.delimited import typed_records


def read_xml(content: bytes, shown: str) -> Json:
    """`{"rates": {"@date": "2025-02-28", "rate": [{…}, {…}]}}`; raises SourceError for what is no XML.

    An element with neither attributes nor children is its text, an empty one is null; beside others, its text is
    `#text`. All values of one path have one type, as the cells of a column have. No entity is followed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise SourceError(f"no XML: {error.msg}", where=Where(shown, line or 1, column or 1)) from None
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise SourceError("XML with entities of its own, which are not followed", where=Where(shown))
    values: dict[str, list[str]] = {}
    for path, text in _leaves(root, _name(root)):
        values.setdefault(path, []).append(text)
    typed = {
        path: iter([row[""] for row in typed_records([""], [[text] for text in texts], commas_split=False)])
        for path, texts in values.items()
    }
    return {_name(root): _value(root, _name(root), typed)}


def _leaves(element: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each attribute and each text with its path, in the order in which `_value` asks for them."""
    for name, text in element.attrib.items():
        yield f"{path}/@{etree.QName(name).localname}", text
    if (element.text or "").strip() or not (len(element) or element.attrib):
        yield path, (element.text or "").strip()
    for child in element:
        yield from _leaves(child, f"{path}/{_name(child)}")


def _value(element: Any, path: str, typed: dict[str, Iterator[Json]]) -> Json:
    value: dict[str, Json] = {}
    for name in element.attrib:
        local = f"@{etree.QName(name).localname}"
        value[local] = next(typed[f"{path}/{local}"])
    if (element.text or "").strip() or not (len(element) or element.attrib):
        text = next(typed[path])
        if not (len(element) or element.attrib):
            return text
        value["#text"] = text
    repeated: dict[str, list[Json]] = {}
    for child in element:
        repeated.setdefault(_name(child), []).append(_value(child, f"{path}/{_name(child)}", typed))
    return value | {name: items[0] if len(items) == 1 else items for name, items in repeated.items()}


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)
