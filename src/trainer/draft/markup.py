"""Text of others made safe to stand in Markdown, and the Markdown that a draft is made of."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*\[\]<>|~#^$]|(?<![^\W_])_|_(?![^\W_]))")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_START = re.compile(r"\A(\d*)([-+=.)])(?=[-=\s]|\Z)")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escaped(text: str, *, most: int = 0) -> str:
    r"""One line of Markdown that shows exactly `text`, cut to `most` characters where that is given.

    >>> print(escaped("a|b *c* d_e"))
    a\|b \*c\* d_e
    """
    visible = "".join(" " if letter.isspace() else letter for letter in text if letter.isspace() or _shown(letter))
    flat = " ".join(visible.split())
    if most and len(flat) > most:
        flat = flat[: most - 1].rpartition(" ")[0] or flat[: most - 1]
        flat += "…"
    return _START.sub(r"\1\\\2", _ENTITY.sub(r"\\&", _SPECIAL.sub(r"\\\1", flat)))


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """A table with its caption; all columns but the first `texts` are aligned to the right."""
    rule = ["---" if index < texts else "---:" for index in range(len(header))]
    lines = [_row(header), _row(rule), *(_row(row) for row in rows)]
    return f"Table: {caption}\n\n" + "\n".join(lines)


def quote(text: str) -> str:
    """A block quotation of one or more lines."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def bullets(items: Sequence[str], *, numbered: bool = False) -> str:
    """A list; an item of several lines has all but the first indented under it."""
    marked = [(f"{index}. " if numbered else "- ", item) for index, item in enumerate(items, 1)]
    lines = [
        mark + item.replace("\n", f"\n{' ' * len(mark)}").replace(f"\n{' ' * len(mark)}\n", "\n\n")
        for mark, item in marked
    ]
    return ("\n\n" if any("\n" in item for item in items) else "\n").join(lines)


def chart(
    kind: str,
    *,
    title: str,
    description: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | float | int | None]],
    unit: str,
) -> str:
    """A chart block with its rows inline; the strings are JSON, which is YAML too."""
    lines = [
        "```chart",
        f"type: {kind}",
        f"title: {_yaml(title)}",
        f"description: {_yaml(description)}",
        *([f"unit: {_yaml(unit)}"] if unit else []),
        f"columns: {_yaml(list(columns))}",
        "rows:",
        *(f"  - {_yaml(list(row))}" for row in rows),
        "```",
    ]
    return "\n".join(lines)


def _shown(letter: str) -> bool:
    return unicodedata.category(letter) not in _INVISIBLE


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _yaml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
