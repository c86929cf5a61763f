"""What commonly named figures mean to each other: which fact is revenue, and what follows from two of them.

Facts are recognised by their titles, so any source that names its figures plainly takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from trainer.draft import english
from trainer.draft.figures import change, ratio
from trainer.draft.model import Column, Entity, Fact, Records

_NAMES: Mapping[str, tuple[str, ...]] = {
    "analysts": ("analysts with an opinion", "number of analysts", "analysts"),
    "beta": ("beta",),
    "cash": ("cash and short-term investments", "total cash", "cash and cash equivalents", "cash"),
    "current_ratio": ("current ratio",),
    "debt": ("total debt", "debt"),
    "debt_to_equity": ("debt to equity",),
    "dividend": ("dividend", "dividend rate", "dividend per share"),
    "ebitda": ("ebitda",),
    "employees": ("full-time employees", "number of employees", "employees", "headcount"),
    "enterprise_value": ("enterprise value",),
    "eps_forward": ("earnings per share, forward", "forward eps"),
    "eps_trailing": ("earnings per share, trailing 12 months", "trailing eps"),
    "free_cash_flow": ("free cash flow",),
    "growth": ("revenue growth", "sales growth"),
    "high": ("52-week high",),
    "low": ("52-week low",),
    "market_value": ("market capitalisation", "market capitalization", "market cap"),
    "net_income": ("net income", "net income to common shareholders", "net profit"),
    "net_margin": ("net margin", "profit margin"),
    "operating_cash_flow": ("operating cash flow",),
    "payout": ("payout ratio",),
    "price": ("share price", "current price", "regular market price"),
    "price_to_book": ("price to book",),
    "research": ("research and development", "research and development expenses"),
    "revenue": ("revenue", "total revenue", "sales", "turnover"),
    "short_float": ("short interest, share of the float", "short percent of float"),
    "short_shares": ("shares sold short", "shares short"),
    "short_shares_before": ("shares sold short, a month earlier",),
    "target": ("mean price target", "target mean price"),
    "target_high": ("highest price target", "target high price"),
    "target_low": ("lowest price target", "target low price"),
}

Known: TypeAlias = Mapping[str, Fact]
"""The facts of one entity by concept."""


_CONCEPTS = {title: name for name, titles in _NAMES.items() for title in titles}


def concept(title: str) -> str:
    """The concept that a title or phrase names; nothing where it is not commonly known."""
    folded = title.casefold()
    return _CONCEPTS.get(folded) or _CONCEPTS.get(english.base(folded), "")


def recognised(entity: Entity) -> dict[str, Fact]:
    """The entity's figures that have a commonly known meaning, by concept."""
    return {name: fact for name, titles in _NAMES.items() if (fact := _find(entity.facts, titles))}


def column(records: Records, concept: str) -> Column | None:
    """The numeric column of a series that holds the concept."""
    titles = _NAMES[concept]
    found = {column.title.casefold(): column for column in records.columns if column.numeric}
    return next((found[title] for title in titles if title in found), None)


@dataclass(frozen=True, slots=True)
class _Formula:
    title: str
    unit: str
    needs: tuple[str, str]
    compute: Callable[[Decimal, Decimal], Decimal | None]
    words: str


def derived(entity: Entity, known: Known) -> tuple[Fact, ...]:
    """The figures that follow from two others by a plain formula."""
    found = [fact for formula in _FORMULAS if (fact := _apply(formula, known))]
    return (*found, *_shares_of_revenue(entity))


def _net_debt(debt: Decimal, cash: Decimal) -> Decimal | None:
    return debt - cash if debt > cash else None


def _net_cash(debt: Decimal, cash: Decimal) -> Decimal | None:
    return cash - debt if cash > debt else None


def _where_positive(first: Decimal, second: Decimal) -> Decimal | None:
    return ratio(first, second) if first > 0 and second > 0 else None


def _years(cash: Decimal, flow: Decimal) -> Decimal | None:
    return ratio(cash, -flow) if flow < 0 < cash else None


def _above(now: Decimal, before: Decimal) -> Decimal | None:
    size = change(before, now)
    return size if size is not None and size > 0 else None


def _below(now: Decimal, before: Decimal) -> Decimal | None:
    size = change(before, now)
    return -size if size is not None and size < 0 else None


def _changed(now: Decimal, before: Decimal) -> Decimal | None:
    return change(before, now)


_FORMULAS = (
    _Formula("Net debt", "", ("debt", "cash"), _net_debt, "total debt less cash"),
    _Formula("Net cash", "", ("debt", "cash"), _net_cash, "cash less total debt"),
    _Formula("Total debt to EBITDA", "ratio", ("debt", "ebitda"), _where_positive, "total debt divided by EBITDA"),
    _Formula(
        "Cash runway",
        "years",
        ("cash", "operating_cash_flow"),
        _years,
        "cash divided by operating cash flow",
    ),
    _Formula("Share price above the 52-week low", "fraction", ("price", "low"), _above, "share price against the low"),
    _Formula(
        "Share price below the 52-week high", "fraction", ("price", "high"), _below, "share price against the high"
    ),
    _Formula(
        "Mean price target above the share price", "fraction", ("target", "price"), _above, "target against the price"
    ),
    _Formula(
        "Mean price target below the share price", "fraction", ("target", "price"), _below, "target against the price"
    ),
    _Formula(
        "Shares sold short, change in a month",
        "fraction",
        ("short_shares", "short_shares_before"),
        _changed,
        "shares sold short against those a month earlier",
    ),
    _Formula("Revenue per employee", "", ("revenue", "employees"), _where_positive, "revenue divided by employees"),
)


def derivable() -> frozenset[str]:
    """The names of all figures that could be derived, in small letters."""
    return frozenset(formula.title.casefold() for formula in _FORMULAS)


def _apply(formula: _Formula, known: Known) -> Fact | None:
    first, second = (known.get(name) for name in formula.needs)
    if first is None or second is None or first.figure is None or second.figure is None:
        return None
    value = formula.compute(first.figure, second.figure)
    return made(formula.title, value, formula.unit or first.unit, formula.words, first, second)


def made(title: str, value: Decimal | None, unit: str, words: str, *inputs: Fact) -> Fact | None:
    """A derived figure, at the place of its first input."""
    if value is None or any(each.figure is None for each in inputs):
        return None
    first = inputs[0]
    return Fact(title, value, unit, first.path, first.source, formula=words, inputs=inputs)


def _shares_of_revenue(entity: Entity) -> Iterator[Fact]:
    """What the newest record of a series spends on research, as a share of the same record's revenue."""
    for records in entity.records:
        spent, earned = column(records, "research"), column(records, "revenue")
        if not (records.dated and spent and earned):
            continue
        both = [index for index, _ in spent.known if earned.cells[index]]
        if not both:
            continue
        first, second = spent.cells[both[-1]], earned.cells[both[-1]]
        if first and second and first.figure is not None and second.figure is not None and second.figure > 0:
            period = f"{records.cadence or 'period'} to {english.day(records.labels[both[-1]])}"
            value = ratio(first.figure, second.figure)
            words = "research and development divided by revenue"
            if fact := made(f"Research and development to revenue, {period}", value, "fraction", words, first, second):
                yield fact
                return


def _find(facts: tuple[Fact, ...], titles: tuple[str, ...]) -> Fact | None:
    numbers = [fact for fact in facts if fact.figure is not None]
    for title in titles:
        for fact in numbers:
            if fact.title.casefold() == title:
                return fact
        for fact in numbers:
            if "," not in title and english.base(fact.title).casefold() == title:
                return fact
    return None
