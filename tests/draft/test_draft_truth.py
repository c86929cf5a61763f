"""What a draft says, computed again from the rows by other means: random tables, with ties and gaps."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from typing import Any

import pytest

from trainer.draft import DraftProvider

NAMES = ("Arden", "Brook", "Crane", "Dover", "Elm", "Ford", "Glen")
EXTREMES = re.compile(r"(Mean )?(\w+) (?:is|are) highest for ([\w, ]+) \((\S+)\) and lowest for ([\w, ]+) \((\S+)\)\.")
CHANGE = re.compile(r"(\w+) for (\w+) was (\S+) in (\d+), (\S+) % (more|less) than in (\d+) \((\S+)\)\.")
SHARE = re.compile(r"(\w+) has (\S+) % of the sum of (\S+)\.")


def number(text: str) -> float:
    return float(text.replace(",", ""))


def named(text: str) -> set[str]:
    return set(re.split(r", | and ", text))


def holders(values: dict[str, float], extreme: float) -> set[str]:
    names = {name for name, value in values.items() if value == extreme}
    return names if len(names) <= 3 else {"several of them"}


def draft(make_prompt: Any, rows: list[dict[str, Any]]) -> str:
    return DraftProvider().complete(make_prompt({"rows": rows})).content


@pytest.mark.parametrize("seed", range(12))
def test_who_is_highest_and_lowest_and_the_largest_share_hold(make_prompt, seed):
    chance = random.Random(seed)
    values = {name: float(chance.randint(1, 9)) for name in NAMES}
    rows = [{"city": name, "visits": value} for name, value in values.items()]
    chance.shuffle(rows)
    text = draft(make_prompt, rows)

    (found,) = EXTREMES.finditer(text)
    assert (number(found[4]), number(found[6])) == (max(values.values()), min(values.values()))
    assert named(found[3]) == holders(values, max(values.values()))
    assert named(found[5]) == holders(values, min(values.values()))
    for name, part, total in SHARE.findall(text):
        assert number(total) == sum(values.values())
        assert number(part) == pytest.approx(100 * values[name] / sum(values.values()), abs=0.051)


@pytest.mark.parametrize("seed", range(12))
def test_the_change_of_each_from_year_to_year_holds(make_prompt, seed):
    chance = random.Random(seed)
    values = {(name, year): chance.randint(100, 999) for name in NAMES[:3] for year in (2021, 2022, 2023)}
    rows = [{"city": name, "year": year, "turnover": value} for (name, year), value in values.items()]
    changes = CHANGE.findall(draft(make_prompt, rows))

    assert {name for _, name, *_ in changes} <= set(NAMES[:3])
    assert len(changes) >= 2
    for _, name, value, year, size, way, before_year, before in changes:
        now, then = values[name, int(year)], values[name, int(before_year)]
        assert (number(value), number(before)) == (now, then)
        assert number(size) == pytest.approx(100 * abs(now / then - 1), abs=0.051)
        assert way == ("more" if now > then else "less")


@pytest.mark.parametrize("seed", range(12))
def test_the_means_of_groups_hold(make_prompt, seed):
    chance = random.Random(seed)
    rows = [
        {
            "species": chance.choice(NAMES[:3]),
            "length": chance.randint(10, 99),
            "note": None if chance.random() < 0.1 else 1,
        }
        for _ in range(30)
    ]
    by_group: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_group[row["species"]].append(row["length"])
    means = {name: sum(values) / len(values) for name, values in by_group.items()}
    found = next(match for match in EXTREMES.finditer(draft(make_prompt, rows)) if match[2] == "length")

    assert means[found[3]] == max(means.values())
    assert means[found[5]] == min(means.values())
    assert number(found[4]) == pytest.approx(max(means.values()), rel=0.0006)
    assert number(found[6]) == pytest.approx(min(means.values()), rel=0.0006)
