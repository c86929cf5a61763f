"""The corpus: what the checks find of false reports, and how seldom they doubt true ones."""

from __future__ import annotations

from collections import Counter

import pytest

from corpus.checks.companies import committed, recorded
from corpus.checks.corpus import QUOTES, Corruption, corruptions, reports
from corpus.checks.reports import Report
from trainer.checks import check_completion
from trainer.core.values import Output, Prompt

CHECKS = ("figures", "citations", "consistency", "entities")


def faulty_lines(text: str, report: Report, names: tuple[str, ...]) -> tuple[list[int], int]:
    blocks = tuple(block for company in report.companies for block in company.blocks)
    prompt = Prompt("i.md", "t", "", data=blocks, contexts=(QUOTES,), output=Output(language=report.language))
    verdict = check_completion(text, prompt=prompt, checks=CHECKS, foreign=names)
    return sorted(finding.where.line or 0 for finding in verdict.findings if finding.where), len(verdict.findings)


def is_found(corruption: Corruption, names: tuple[str, ...], before: list[int]) -> bool:
    """Whether the changed line, or any line that was clean, now has a finding."""
    after = Counter(faulty_lines(corruption.text, corruption.report, names)[0])
    return bool(after - Counter(before))


def measured(chosen: list[Report], *, each: int) -> tuple[Counter[str], Counter[str], int, int]:
    """Corruptions tried and missed by kind, false alarms, and printed figures."""
    names = tuple(company.name for company in [*committed(), *recorded()])
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    alarms = figures = 0
    for report in chosen:
        before, doubted = faulty_lines(report.text, report, names)
        alarms += doubted
        figures += sum(item.what not in ("company", "period", "direction", "quotation") for item in report.printed)
        for corruption in corruptions(report, each=each):
            tried[corruption.kind] += 1
            missed[corruption.kind] += not is_found(corruption, names, before)
    return tried, missed, alarms, figures


def test_a_dozen_reports_are_measured_as_the_whole_corpus_is() -> None:
    tried, missed, alarms, figures = measured(reports(12), each=1)

    assert tried.total() > 100
    assert missed.total() <= 0.17 * tried.total(), missed
    assert alarms <= 0.06 * figures, (alarms, figures)


def shown(tried: Counter[str], missed: Counter[str]) -> str:
    """The table of docs/explanation/checks.md; `pytest -m soak -rP` prints it."""
    rows = [(kind, tried[kind], missed[kind]) for kind in tried]
    lines = [f"| {kind} | {count:,} | {100 * (1 - wrong / count):.1f} % |" for kind, count, wrong in rows]
    total, wrong = tried.total(), missed.total()
    return "\n".join([*lines, f"| all | {total:,} | {100 * (1 - wrong / total):.1f} % |"])


@pytest.mark.soak
@pytest.mark.parametrize("held_out", [False, True])
def test_the_corpus_is_told_apart(held_out: bool) -> None:
    chosen = [report for report in reports(72) if report.held_out is held_out]
    tried, missed, alarms, figures = measured(chosen, each=3)
    print(shown(tried, missed), f"\n{alarms} false alarms of {figures} figures")

    assert tried.total() >= (500 if held_out else 1000)
    assert missed.total() <= 0.17 * tried.total(), missed
    assert alarms <= 0.06 * figures
