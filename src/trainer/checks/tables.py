"""Tables with the rows and columns that an instruction asks for in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.checks.concepts import concept_words
from trainer.checks.document import CheckedBlock, CheckedDocument, title_of
from trainer.core.errors import Where
from trainer.core.values import Finding

_TABLE = re.compile(r"\btable\b[^.;\n]{0,120}?\b(?:with|whose|having|has)\b", re.IGNORECASE)
_PARTS = re.compile(
    r"\b(rows?|columns?)\b(?:\s+(?:for|are|called|named|of))?[ \t]*"
    r"(?::[ \t]*\n+(?P<items>(?:[ \t]*[-*+][ \t]+[^\n]+(?:\n|\Z))+)"
    r"|:?[ \t]*(?P<line>(?:(?!\b(?:row|column)s?\b)[^.;:\n]){2,400}))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“`]([^\"“”`\n]{1,80})[\"”`]")
_TAIL = re.compile(r"(?:\s*,|\s+and|\s+with|\s+the|\s+these)+\s*$", re.IGNORECASE)
_LOOSE = re.compile(
    r"(?:each|every|one|all|any|other|others|more|last|past|next|which|what\w*|where\w*|you|it|that|this|these|those|is"
    r"|two|three|four|five|six|seven|eight|nine|ten|at|no|not|so|as|up|in|on|from|to|by|per|\d+)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class _Wish:
    """A table that an instruction asks for."""

    part: str
    """`row` or `column`."""
    names: tuple[str, ...]


def asked_tables(document: CheckedDocument, instruction: str) -> Iterator[Finding]:
    """A warning for each row or column asked for that the table nearest to the wish has not."""
    tables = [block for block in document.blocks if block.kind == "table" and not block.appendix]
    for wish in _wishes(instruction):
        if not tables:
            message = f"a table with the {wish.part}s {', '.join(wish.names)} is missing"
            yield Finding("missing_table", "warning", message, Where("answer", 1), hint="add the table")
            continue
        missing = [(_missing(table, wish), table) for table in tables]
        least, table = min(missing, key=lambda pair: len(pair[0]))
        for name in least:
            message = f'the table has no {wish.part} "{name}"'
            yield Finding(
                "missing_" + wish.part, "warning", message, Where("answer", table.line), name, f"add the {wish.part}"
            )


def _wishes(instruction: str) -> Iterator[_Wish]:
    for table in _TABLE.finditer(instruction):
        end = re.compile(r"[.;](?:\s|$)|\n\s*\n(?![ \t]*[-*+][ \t])").search(instruction, table.end())
        wishes = instruction[table.end() : end.start() if end else len(instruction)]
        for match in _PARTS.finditer(wishes):
            if names := _names(match):
                yield _Wish(match[1].casefold().rstrip("s"), names)


def _names(match: re.Match[str]) -> tuple[str, ...]:
    """The names of a list; none where it does not read like one."""
    if match["items"]:
        return tuple(line.strip(' \t-*+.,;"“”`') for line in match["items"].strip().splitlines())
    line = _TAIL.sub("", match["line"])
    if quoted := _QUOTED.findall(line):
        return tuple(quoted)
    parts = [re.sub(r"^the\s+", "", part.strip(" *_")) for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", line)]
    named = [part for part in parts if part and not _LOOSE.match(part) and len(part.split()) <= _MOST_WORDS]
    return tuple(named) if len(named) == len([part for part in parts if part]) and len(named) > 1 else ()


def _missing(table: CheckedBlock, wish: _Wish) -> list[str]:
    cells = table.header if wish.part == "column" else tuple(row[0] for row in table.rows if row)
    titles = [title_of(cell.text) for cell in cells]
    words = [concept_words(cell.text) for cell in cells]
    return [name for name in wish.names if title_of(name) not in titles and not _held(concept_words(name), words)]


def _held(name: frozenset[str], cells: list[frozenset[str]]) -> bool:
    return bool(name) and any(name <= cell for cell in cells)
