"""What a report gives to another that uses it: the data behind its figures, cut down to what they rest upon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace

from trainer.core.values import DataBlock, Json
from trainer.reports.provenance import Provenance

FieldKeys = tuple[str, ...]


def used_blocks(report: Provenance) -> tuple[DataBlock, ...]:
    """The data that the report's figures rest upon, each cut down to that; all of it where no figure was read.

    Of a record, its texts stay too: they say what and when it is about.
    """
    paths = _paths(report)
    if not paths:
        return report.data
    blocks = []
    for block in report.data:
        source = f"{block.key}@{block.version}"
        if source in paths:
            data = _cut(block.data, paths[source])
            left = set(_dotted(data))
            fields = {path: field for path, field in block.fields.items() if path in left}
            blocks.append(replace(block, data=data, fields=fields))
    return tuple(blocks)


def cut_to(data: Json, pointer: str) -> Json:
    """What stands at `annual/3/revenue`, in the records that it stands in, with their texts."""
    return _cut(data, [_path(pointer)])


def _paths(report: Provenance) -> dict[str, set[FieldKeys]]:
    """The places that the figures rest upon, by key and version of their data; `key@1 /annual/3/revenue` is one."""
    paths: dict[str, set[FieldKeys]] = defaultdict(set)
    for figure in report.figures:
        for support in str(figure.get("support", "")).split("; "):
            source, _, pointer = support.partition(" /")
            if pointer:
                paths[source].add(_path(pointer))
    return {block: paths[block] for block in paths if block in {f"{one.key}@{one.version}" for one in report.data}}


def _path(pointer: str) -> FieldKeys:
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/"))


def _cut(value: Json, paths: Collection[FieldKeys]) -> Json:
    if () in paths or not isinstance(value, dict | list):
        return value
    below: dict[str, list[FieldKeys]] = defaultdict(list)
    for first, *rest in paths:
        below[first].append(tuple(rest))
    if isinstance(value, list):
        return [_cut(item, below[str(at)]) for at, item in enumerate(value) if str(at) in below]
    return {
        name: _cut(item, below[name]) if name in below else item
        for name, item in value.items()
        if name in below or isinstance(item, str)
    }


def _dotted(value: Json, above: str = "") -> Iterator[str]:
    """The dotted path of everything in the data, list indices left out."""
    if isinstance(value, list):
        for item in value:
            yield from _dotted(item, above)
    elif isinstance(value, dict):
        for name, item in value.items():
            path = f"{above}.{name}" if above else name
            yield path
            yield from _dotted(item, path)
