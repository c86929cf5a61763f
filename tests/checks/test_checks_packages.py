"""Sentences about data sets that nobody here made: how seldom true ones are doubted, and how often false ones found."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from corpus.checks.packages import PackageSet, package_sets
from trainer.checks import check_figures
from trainer.checks.figure import UNVERIFIED, Figure


def alarms(text: str, given: PackageSet) -> list[Figure]:
    figures = check_figures(text, data=(given.block,)).figures
    return [figure for figure in figures if figure.verdict in UNVERIFIED]


def measured(sets: list[PackageSet]) -> dict[str, Counter[str]]:
    """Figures, false alarms, falsehoods and those found, in all and by language, domain, shape and kind."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for given in sets:
        groups = ("all", given.language, given.domain, given.shape)
        for statement in given.statements:
            doubted = {figure.text for figure in alarms(statement.text, given)}
            for group in groups:
                counts[group]["figures"] += len(statement.figures)
                counts[group]["alarms"] += sum(figure in doubted for figure in statement.figures)
            for falsehood in statement.falsehoods:
                caught = any(
                    figure.text in falsehood.changed or falsehood.changed in figure.text
                    for figure in alarms(falsehood.text, given)
                )
                for group in (*groups, falsehood.kind):
                    counts[group]["falsehoods"] += 1
                    counts[group]["found"] += caught
    return counts


def shown(counts: dict[str, Counter[str]]) -> str:
    lines = [
        f"| {group} | {count['figures']} | {count['alarms'] / max(1, count['figures']):.1%} "
        f"| {count['falsehoods']} | {count['found'] / max(1, count['falsehoods']):.1%} |"
        for group, count in counts.items()
    ]
    return "\n".join(lines)


def test_a_dozen_data_sets_are_read_as_all_are() -> None:
    counts = measured([given for given in package_sets(54) if not given.is_held_out][:12])["all"]

    assert counts["alarms"] <= 0.1 * counts["figures"]
    assert counts["found"] >= 0.85 * counts["falsehoods"]


@pytest.mark.soak
@pytest.mark.parametrize("held_out", [False, True])
def test_data_sets_of_packages_are_told_apart(held_out: bool) -> None:
    sets = [given for given in package_sets(54) if given.is_held_out is held_out]
    counts = measured(sets)
    print(shown(counts))

    assert counts["all"]["alarms"] <= 0.1 * counts["all"]["figures"]
    assert counts["all"]["found"] >= 0.85 * counts["all"]["falsehoods"]
