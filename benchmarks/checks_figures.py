"""Figures of a report held against data: linear in figures and in data points, printed as ratios.

The size to keep: 500 figures against 2,000 data points in under a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from trainer.checks import check_figures
from trainer.core.values import DataBlock, Field

Writer = Callable[[int, tuple[DataBlock, ...]], str]

WORDS = [
    "revenue",
    "cost",
    "margin",
    "volume",
    "output",
    "demand",
    "supply",
    "storage",
    "transport",
    "energy",
    "water",
    "waste",
    "repair",
    "labour",
    "rent",
    "tax",
]
KINDS = ["gross", "net", "total", "average", "peak", "planned", "actual", "fixed"]


def data(points: int) -> tuple[DataBlock, ...]:
    """A block of `points` numbers: a hundred metrics by quarter, the way sources deliver them."""
    names = [f"{kind} {word}" for word in WORDS for kind in KINDS][:100]
    quarters = max(1, points // len(names))
    rows = [
        {
            "date": f"{1990 + at // 4}-{3 * (at % 4) + 3:02}-30",
            **{
                name.replace(" ", "_"): 1000.0 + 7919 * ((at + 1) * (index + 3)) % 90_001
                for index, name in enumerate(names)
            },
        }
        for at in range(quarters)
    ]
    fields = {f"quarterly.{name.replace(' ', '_')}": Field(name.capitalize(), "USD") for name in names}
    when = datetime(2025, 1, 1, tzinfo=UTC)
    return (
        DataBlock("d", "k", 1, "s", when, {"name": "Plant", "quarterly": rows}, "x", "Plant", "2025-01-01", fields),
    )


def report(figures: int, blocks: tuple[DataBlock, ...]) -> str:
    """A text with `figures` figures: half in sentences, half in tables; one in ten is wrong."""
    rows = blocks[0].data["quarterly"]
    names = [key for key in rows[0] if key != "date"]
    parts = ["## Results\n"]
    for at in range(figures // 2):
        row, name = rows[(at * 13) % len(rows)], names[(at * 7) % len(names)]
        value = row[name] + (1 if at % 10 == 0 else 0)
        quarter = f"Q{(int(row['date'][5:7]) + 2) // 3} {row['date'][:4]}"
        parts.append(
            f"In {quarter} the {name.replace('_', ' ')} of the plant was ${value:,.0f}, as had been planned.\n"
        )
    for start in range(0, figures // 2, 20):
        chosen = names[start % 90 : start % 90 + 4]
        lines = [
            "| Quarter | " + " | ".join(name.replace("_", " ") for name in chosen) + " |",
            "|---|" + "---|" * len(chosen),
        ]
        for offset in range(5):
            row = rows[(start + offset) % len(rows)]
            quarter = f"Q{(int(row['date'][5:7]) + 2) // 3} {row['date'][:4]}"
            lines.append(f"| {quarter} | " + " | ".join(f"{row[name]:,.0f}" for name in chosen) + " |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def sentence(figures: int, blocks: tuple[DataBlock, ...]) -> str:
    """One sentence of `figures` figures, two in three of them wrong."""
    rows = blocks[0].data["quarterly"]
    names = [key for key in rows[0] if key != "date"]
    parts = []
    for at in range(figures):
        name = names[at % len(names)]
        parts.append(f"{name.replace('_', ' ')} ${rows[at % len(rows)][name] + at % 3:,.0f}")
    return f"The plant had {', '.join(parts)}."


def seconds(figures: int, points: int, write: Writer = report) -> tuple[float, int]:
    """The best of three runs, and how many figures were found."""
    blocks = data(points)
    text = write(figures, blocks)
    best, found = 9e9, 0
    for attempt in range(3):
        start = time.perf_counter()
        found = len(check_figures(text + " " * attempt, data=blocks).figures)
        best = min(best, time.perf_counter() - start)
    return best, found


def main() -> None:
    base, found = seconds(500, 2000)
    print(f"{found} figures, 2000 data points: {base:.3f} s")
    for figures, points in ((1000, 2000), (2000, 2000), (500, 4000), (500, 8000)):
        took, count = seconds(figures, points)
        grown = (figures / 500) * (points / 2000)
        print(f"{count} figures, {points} data points: {took / base:.2f} x the time for {grown:.0f} x the work")
    base, _ = seconds(450, 2000, sentence)
    for figures in (900, 1800, 3600):
        took, count = seconds(figures, 2000, sentence)
        print(f"one sentence of {count} figures: {took:.2f} s, {took / base:.2f} x the time for {figures / 450:.0f} x")


if __name__ == "__main__":
    main()
