"""A chart's own rows as a table of a document."""

from __future__ import annotations

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


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:f}".rstrip("0").rstrip(".") if abs(value) >= 1e-4 or value == 0 else f"{value:.12f}".rstrip("0")
    return "" if value is None else str(value)
