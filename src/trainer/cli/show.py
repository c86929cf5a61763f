"""Results on stdout: one JSON document, lines of text, or a plain table; errors on stderr."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trainer.core.cells import guarded_cell
from trainer.core.clock import isoformat
from trainer.core.digest import canonical, pretty
from trainer.core.secrets import mask_known

if TYPE_CHECKING:
    from trainer.prompts.versions import Change

_NARROWEST = 7
"""Columns of a table are not cut below it: a name cut shorter is none."""


def write_json(value: object) -> None:
    """Print one JSON document: sorted keys, indented."""
    sys.stdout.write(_json(mask_known(pretty(value))))


def write_json_line(value: object) -> None:
    """Print one line of JSON, at once."""
    sys.stdout.write(_json(mask_known(canonical(value))) + "\n")
    sys.stdout.flush()


def write_text(text: str) -> None:
    """Print text as it is, ending in one newline; on a terminal without what would steer it."""
    write_piece(text if text.endswith("\n") or not text else text + "\n")


def write_piece(text: str) -> None:
    """Print a piece of text as it comes; on a terminal without what would steer it."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print CSV whose cells no spreadsheet runs; on a terminal without what would steer it."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerows([_csv_cell(value) for value in row] for row in (headings, *rows))
    write_piece(lines.getvalue())


def _csv_cell(value: Any) -> Any:
    cell = guarded_cell(value)
    return mask_known(cell) if isinstance(cell, str) else cell


def write_bytes(content: bytes) -> None:
    """Print bytes as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, wraps: bool = False) -> None:
    """Print a plain table, numbers to the right; nothing but the headings where there are no rows.

    It fits the terminal, or COLUMNS where that is set; elsewhere it is as wide as it is. What is too wide is cut short,
    the first column last; with `wraps`, the last column goes on below instead.
    """
    lines = [[_cell(value) for value in row] for row in rows]
    numeric = [bool(lines) and all(_is_number(line[at]) for line in lines) for at in range(len(headings))]
    widths = _fitting([max(map(_width, column)) for column in zip(headings, *lines, strict=True)])
    for line in ([visible(heading) for heading in headings], *lines):
        *cells, last = line
        parts = textwrap.wrap(last, widths[-1]) if wraps and _width(last) > widths[-1] else [last]
        for number, part in enumerate(parts):
            shown = [*cells, part] if number == 0 else [*[""] * len(cells), part]
            padded = [_pad(_cut(text, widths[at]), widths[at], right=numeric[at]) for at, text in enumerate(shown)]
            sys.stdout.write("  ".join(padded).rstrip() + "\n")


def money(cost: float | None) -> str:
    """US dollars to a hundredth of a cent; `unknown` where a price is not known."""
    return "unknown" if cost is None else f"${cost:.4f}"


def visible(text: str) -> str:
    """The text with control characters made visible, so that neither a file's name nor an answer steers a terminal."""
    if text.isprintable():  # nearly all are, and a table of thousands of reports has tens of thousands
        return text
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else f"\\x{ord(c):02x}" for c in text
    )


def write_changes(changes: Sequence[Change], *, as_json: bool) -> None:
    """Print what changed from one prompt to another, one ingredient a line with its own difference below."""
    if as_json:
        write_json(changes)
        return
    lines = [line for change in changes for line in (str(change), *(f"  {line}" for line in change.lines))]
    write_text("\n".join(lines) or "nothing changed")


def write_error(message: str) -> None:
    """Tell an error on stderr, as one message."""
    sys.stderr.write(f"error: {visible(mask_known(message))}\n")
    sys.stderr.flush()


def _json(text: str) -> str:
    """JSON whose strings steer no terminal: it escapes the older control characters itself, these are escaped here."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text) if sys.stdout.isatty() else text


_STEERING = re.compile("[\x7f-\x9f\ud800-\udfff]")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return isoformat(value)
    return visible(mask_known(str(value))).replace("\n", " ")


def _fitting(widths: list[int]) -> list[int]:
    """The widths of columns that fit in a line: the widest is made narrower first, the first column last."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return widths
    room = shutil.get_terminal_size().columns - 2 * (len(widths) - 1)
    for first in (1, 0):
        while sum(widths) > room and (wide := max(widths[first:], default=0)) > _NARROWEST:
            widths[widths.index(wide, first)] -= 1
    return widths


def _cut(text: str, width: int) -> str:
    """The text, its end left out where it is wider."""
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return text + "…"


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("$", "", 1).replace("e", "", 1).isdigit()


def _width(text: str) -> int:
    if text.isascii():  # each letter takes one place
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
