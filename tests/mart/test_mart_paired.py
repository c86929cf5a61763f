"""Whether a difference on the same cases may be chance: exactly, against counting all signs."""

from __future__ import annotations

import itertools
import random

import pytest

from trainer.mart import chance


@pytest.mark.parametrize(
    ("differences", "p"),
    [([], 1.0), ([0, 0], 1.0), ([3], 1.0), ([1] * 5, 0.0625), ([1] * 6, 0.03125), ([1, -1], 1.0), ([2, 2, -1], 0.5)],
)
def test_known_values(differences, p):
    assert chance(differences) == p


def test_it_is_what_counting_all_signs_gives():
    numbers = random.Random(7)
    for _ in range(30):
        differences = [numbers.randint(-4, 4) for _ in range(9)]
        signed = itertools.product((-1, 1), repeat=9)
        sums = [sum(sign * size for sign, size in zip(signs, differences, strict=True)) for signs in signed]
        extreme = sum(abs(total) >= abs(sum(differences)) for total in sums)

        assert chance(differences) == pytest.approx(extreme / len(sums), abs=1e-12)


def test_many_cases_take_no_time():
    assert chance([1] * 300 + [-1] * 200) < 0.0001
