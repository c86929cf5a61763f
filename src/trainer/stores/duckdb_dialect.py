"""How DuckDB says what a field of a document is: everything from one extraction of its JSON text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainer.stores.pushdown import (
    Piece,
    column_number,
    column_rank,
    column_text,
    one_of,
    starts_with,
)
from trainer.stores.query import Field

_PLAIN_TEXT = re.compile(r'[^"\\\x00-\x1f]*')
# What RE2 and Python's re mean alike: no classes, anchors at the end, backslashes, lazy or possessive repeats.
_SAFE_PATTERN = re.compile(r"(?!.*(\(\?|[*+?][*+?]))[\w :,/@%&=~;<>!\"'#.*+?|()^-]*", re.ASCII)


class DuckDBDialect:
    """JSON text by JSON pointer; its first letter tells its type."""

    def reaches(self, field: Field) -> bool:
        """JSON pointers follow any path as Python does."""
        return all("\0" not in segment for segment in field.path)

    def number(self, field: Field) -> Piece:
        """The cast of a quoted text or a word gives NULL."""
        if field.root == "column":
            return Piece(column_number(field))
        return Piece(f"TRY_CAST({_json(field)} AS DOUBLE)")

    def text(self, field: Field) -> Piece:
        """The JSON text without its quotes, parsed once more only where it has an escape."""
        if field.root == "column":
            return Piece(column_text(field))
        value = _json(field)
        parsed = f"json_extract_string({field.root}, {_pointer(field)})"
        bare = f"substring({value}, 2, length({value}) - 2)"
        string = rf"CASE WHEN contains({value}, '\') THEN {parsed} ELSE {bare} END"
        return Piece(f"""CASE WHEN starts_with({value}, '"') THEN {string} END""")

    def rank(self, field: Field) -> Piece:
        """By the words and first letters of the JSON text."""
        if field.root == "column":
            return Piece(column_rank(field))
        value = _json(field)
        return Piece(
            f"CASE WHEN {value} IS NULL OR {value} = 'null' THEN 0 WHEN {value} = 'false' THEN 1 "
            f"WHEN {value} = 'true' THEN 2 WHEN starts_with({value}, '\"') THEN 4 "
            f"WHEN starts_with({value}, '[') OR starts_with({value}, '{{') THEN 5 ELSE 3 END"
        )

    def raw(self, field: Field) -> Piece:
        """JSON null is text, a missing field is NULL."""
        return Piece(field.path[0] if field.root == "column" else _json(field))

    def is_text(self, field: Field, operands: Sequence[str]) -> Piece:
        """Compares the JSON text where operands have one spelling only; one is searched for before parsing, too."""
        if field.root == "column" or not all(map(_PLAIN_TEXT.fullmatch, operands)):
            return one_of(self.text(field), operands)
        quoted = [f'"{operand}"' for operand in operands]
        found = one_of(Piece(_json(field)), quoted)
        if len(quoted) > 1:
            return found
        return Piece(f"(contains({field.root}, ?) AND {found.sql})", (*quoted, *found.parameters))

    def matches(self, field: Field, pattern: str) -> Piece:
        """By RE2 where it means the same as Python."""
        value = self.text(field)
        literal = starts_with(pattern)
        if literal:
            return self._literal(field, *literal)
        if _SAFE_PATTERN.fullmatch(pattern):
            return Piece(f"regexp_matches({value.sql}, ?)", (*value.parameters, pattern))
        return Piece(f"{value.sql} IS NOT NULL", value.parameters, exact=False)

    def _literal(self, field: Field, literal: str, at_start: bool) -> Piece:
        """Searching the whole document is quicker than parsing it, so the text itself is tested where that holds."""
        name, value = "starts_with" if at_start else "contains", self.text(field)
        exact = Piece(f"{name}({value.sql}, ?)", (*value.parameters, literal))
        if field.root == "column" or not _PLAIN_TEXT.fullmatch(literal):
            return exact
        quoted = f'"{literal}' if at_start else literal
        return Piece(f"(contains({field.root}, ?) AND {exact.sql})", (quoted, *exact.parameters))


def _json(field: Field) -> str:
    return f"(json_extract({field.root}, {_pointer(field)})::VARCHAR)"


def _pointer(field: Field) -> str:
    segments = (segment.replace("~", "~0").replace("/", "~1") for segment in field.path)
    pointer = "".join(f"/{segment}" for segment in segments).replace("'", "''")
    return f"'{pointer}'"
