"""Results on stdout: one JSON document, lines of text, or a plain table; errors on stderr."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from trainer.core.clock import isoformat
from trainer.core.digest import canonical, pretty
from trainer.core.secrets import mask_known

if TYPE_CHECKING:
    from trainer.prompts.versions import Change


def write_json(value: object) -> None:
    """Print one JSON document: sorted keys, indented."""
    sys.stdout.write(mask_known(pretty(value)))


def write_json_line(value: object) -> None:
    """Print one line of JSON, at once."""
    sys.stdout.write(mask_known(canonical(value)) + "\n")
    sys.stdout.flush()


def write_text(text: str) -> None:
    """Print text as it is, ending in one newline."""
    text = mask_known(text)
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")


def write_bytes(content: bytes) -> None:
    """Print bytes as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a plain table, numbers to the right; nothing but the headings where there are no rows."""
    lines = [[_cell(value) for value in row] for row in rows]
    numeric = [bool(lines) and all(_is_number(line[at]) for line in lines) for at in range(len(headings))]
    widths = [max(map(_width, column)) for column in zip(headings, *lines, strict=True)]
    for line in ([*headings], *lines):
        cells = [_pad(text, widths[at], right=numeric[at]) for at, text in enumerate(line)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def money(cost: float | None) -> str:
    """US dollars to a hundredth of a cent; `unknown` where a price is not known."""
    return "unknown" if cost is None else f"${cost:.4f}"


def write_changes(changes: Sequence[Change], *, as_json: bool) -> None:
    """Print what changed from one prompt to another, one ingredient a line with its own difference below."""
    if as_json:
        write_json(changes)
        return
    lines = [line for change in changes for line in (str(change), *(f"  {line}" for line in change.lines))]
    write_text("\n".join(lines) or "nothing changed")


def write_error(message: str) -> None:
    """Tell an error on stderr, as one message."""
    sys.stderr.write(f"error: {_visible(mask_known(message))}\n")
    sys.stderr.flush()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return isoformat(value)
    return _visible(mask_known(str(value))).replace("\n", " ")


def _visible(text: str) -> str:
    """The text with control characters made visible, so that no file name can steer a terminal."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else f"\\x{ord(c):02x}" for c in text)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).replace("$", "", 1).replace("e", "", 1).isdigit()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
