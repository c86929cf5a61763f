"""A chart's own rows, and a table that code holds, as tables of a document."""

from __future__ import annotations

import re
from dataclasses import replace

from trainer.checks.document import CheckedBlock, CheckedCell
from trainer.core.errors import UsageError
from trainer.core.yamltext import load_yaml

_MOST_CELLS = 20_000


def chart_table(block: CheckedBlock) -> CheckedBlock:
    """The block with header and rows from its YAML; a chart that names data holds no figures and stays as it is."""
    try:
        document = load_yaml(block.text, shown="chart", first_line=block.line)
    except UsageError:
        return block
    value = document.value if isinstance(document.value, dict) else {}
    rows, columns, labels = value.get("rows"), value.get("columns"), value.get("labels")
    if not isinstance(rows, list) or len(rows) > _MOST_CELLS or not all(isinstance(row, list) for row in rows):
        return block
    names = labels if isinstance(labels, dict) else {}
    header = (
        tuple(CheckedCell(str(names.get(name, name)), block.line, 1) for name in columns)
        if isinstance(columns, list)
        else ()
    )
    cells = []
    for at, row in enumerate(rows):
        places = [document.where("rows", at, index) for index in range(len(row))]
        cells.append(
            tuple(
                CheckedCell(_shown(item), (place.line or 1) if place else 1, (place.column or 1) if place else 1)
                for place, item in zip(places, row, strict=True)
            )
        )
    caption = " ".join(str(value.get(name, "")) for name in ("title", "description", "unit"))
    return replace(block, header=header, rows=tuple(cells), caption=caption)


_CELL = re.compile(r"[^\t,;|]+")
_NUMBER = re.compile(r"(?!(?:19|20)\d\d$)[-+$€£]?\d[\d.,]*\s?%?")
"""What heads no column; a year does."""
_SPACED = re.compile(r"\S+(?: \S+)*")


def code_table(block: CheckedBlock) -> CheckedBlock | None:
    """Code whose lines are cells between commas, tabs or two spaces, as a table; None for other code."""
    lines = [(at, line) for at, line in enumerate(block.text.split("\n")) if line.strip(" -=+|\t")]
    for cell in (_CELL, _SPACED):
        rows = [
            [
                CheckedCell(
                    match[0].strip(), block.line + at, match.start() + 1 + len(match[0]) - len(match[0].lstrip())
                )
                for match in cell.finditer(line)
            ]
            for at, line in lines
        ]
        widths = {len(row) for row in rows}
        if (
            len(rows) > 2
            and len(widths) == 1
            and widths.pop() > 1
            and not any(_NUMBER.fullmatch(cell.text) for cell in rows[0])
        ):
            return replace(block, kind="table", header=tuple(rows[0]), rows=tuple(map(tuple, rows[1:])))
    return None


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:f}".rstrip("0").rstrip(".") if abs(value) >= 1e-4 or value == 0 else f"{value:.12f}".rstrip("0")
    return "" if value is None else str(value)
