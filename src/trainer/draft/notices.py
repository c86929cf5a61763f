"""What a careful reader notices in figures: risks they show, and figures that mislead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from trainer.draft import english
from trainer.draft.concepts import Known, column
from trainer.draft.figures import ratio, show, times
from trainer.draft.model import Entity, Fact


@dataclass(frozen=True, slots=True)
class Notice:
    """One observation, told short and long."""

    topic: str
    """Two or three words: `Liquidity`."""
    short: str
    """A clause with its figures: `the current ratio is 0.66`."""
    meaning: str
    """A sentence on what it means."""
    query: str
    """Words that find the passage of a context about it."""
    weight: int
    """The larger, the more it matters."""
    facts: tuple[Fact, ...]
    question: str = ""
    """What a reader should ask about it first."""
    risk: bool = True
    """Whether it belongs among the risks; else it is a remark on how to read a figure."""
    misleads: bool = False
    """Whether its figures should not be compared."""


def notices(entity: Entity, known: Known) -> tuple[Notice, ...]:
    """All that is noticed, the weightiest first."""
    found = [notice for rule in _RULES if (notice := rule(known))]
    return tuple(sorted((*found, *_odd_records(entity)), key=lambda notice: -notice.weight))


def _figures(known: Known, *names: str) -> tuple[Fact, ...] | None:
    facts = tuple(known[name] for name in names if name in known)
    return facts if len(facts) == len(names) else None


def _number(known: Known, name: str) -> float:
    fact = known.get(name)
    return float(fact.figure) if fact and fact.figure is not None else 0.0


def _loss(known: Known) -> Notice | None:
    facts = _figures(known, "net_income", "revenue")
    if not facts or _number(known, "net_income") >= 0:
        return None
    income, revenue = facts
    period = english.period(income.title)
    short = f"{english.lowered(english.base(income.title))} {period} was {income.text} on revenue of {revenue.text}"
    meaning = "Each period of losses uses capital that shareholders or lenders have to provide."
    question = "when do the losses end?"
    return Notice(
        "Losses",
        short,
        meaning,
        "early commercial stage losses continue sales force revenue grows",
        80,
        facts,
        question,
    )


def _runway(known: Known) -> Notice | None:
    facts = _figures(known, "cash", "operating_cash_flow")
    if not facts or _number(known, "operating_cash_flow") >= 0 or _number(known, "cash") <= 0:
        return None
    cash, flow = facts
    years = ratio(_figure(cash), -_figure(flow))
    if years is None or years > 5:
        return None
    short = f"cash of {cash.text} covers {show(years, 'years')} of an operating cash flow of {flow.text}"
    meaning = "New money is likely to be needed before that time is over."
    question = "how will operations be paid for once this cash is used?"
    query = "cash runway dilution financing sell shares"
    return Notice("Financing and dilution", short, meaning, query, 95, facts, question)


def _liquidity(known: Known) -> Notice | None:
    facts = _figures(known, "current_ratio")
    if not facts or not 0 < _number(known, "current_ratio") < 1:
        return None
    short = f"the current ratio is {facts[0].text}"
    meaning = "The company relies on steady income or on refinancing to pay what falls due within a year."
    return Notice("Liquidity", short, meaning, "current ratio below 1 quick ratio liabilities", 60, facts)


def _leverage(known: Known) -> Notice | None:
    facts = _figures(known, "debt", "ebitda")
    if not facts or _number(known, "ebitda") <= 0 or _number(known, "debt") <= 2 * _number(known, "ebitda"):
        return None
    debt, earned = facts
    short = f"total debt of {debt.text} is {times(_figure(debt) / _figure(earned))} times EBITDA of {earned.text}"
    meaning = "Interest and repayment come before research and dividends."
    return Notice("Debt", short, meaning, "debt and interest EBITDA falls due acquisitions", 75, facts)


def _payout(known: Known) -> Notice | None:
    facts = _figures(known, "payout")
    if not facts or _number(known, "payout") <= (1 if facts[0].unit == "fraction" else 100):
        return None
    short = f"the payout ratio is {facts[0].text} of net income"
    meaning = "More is paid out than is reported as earned, so the dividend has to be judged by free cash flow."
    return Notice("Dividend", short, meaning, "payout ratio dividend free cash flow amortisation", 65, facts)


def _gap(known: Known) -> Notice | None:
    facts = _figures(known, "eps_forward", "eps_trailing")
    if not facts or _number(known, "eps_trailing") <= 0:
        return None
    forward, trailing = facts
    size = _figure(forward) / _figure(trailing)
    if size <= 2:
        return None
    short = (
        f"expected earnings per share of {forward.text} are {times(size)} times the reported {trailing.text} "
        "of the trailing 12 months"
    )
    meaning = "The gap is what analysts expect to pass, or choose to leave out."
    query = "trailing P/E forward P/E reported profit amortisation impairment gap adjusted"
    question = "how much of the gap between reported and expected earnings passes, and when?"
    return Notice("Reported and expected earnings", short, meaning, query, 85, facts, question)


def _beta(known: Known) -> Notice | None:
    facts = _figures(known, "beta")
    if not facts or _number(known, "beta") <= 1.5:
        return None
    short = f"beta is {facts[0].text}"
    return Notice("Market swings", short, "The share has moved far more than the market.", "beta market", 40, facts)


def _swings(known: Known) -> Notice | None:
    facts = _figures(known, "low", "high")
    if not facts or _number(known, "low") <= 0 or _number(known, "high") <= 3 * _number(known, "low"):
        return None
    low, high = facts
    size = times(_figure(high) / _figure(low))
    short = f"the 52-week high of {high.text} is {size} times the low of {low.text}"
    meaning = "Opinion on what the company is worth has changed within a year, and can change back."
    return Notice("Price swings", short, meaning, "wide 52-week range market mood shares", 55, facts)


def _short_interest(known: Known) -> Notice | None:
    facts = _figures(known, "short_float")
    if not facts or _number(known, "short_float") <= (0.05 if facts[0].unit == "fraction" else 5):
        return None
    short = f"{facts[0].text} of the float is sold short"
    meaning = "Part of the market expects the price to fall."
    return Notice("Short interest", short, meaning, "short interest share of float sold short", 35, facts)


def _small_equity(known: Known) -> Notice | None:
    facts = _figures(known, "price_to_book")
    if not facts or _number(known, "price_to_book") <= 25:
        return None
    more = _figures(known, "debt_to_equity") or ()
    short = f"price to book is {facts[0].text}" + (f" and debt to equity {more[0].text}" if more else "")
    meaning = "Both come from a very small book value, and say little about price or debt."
    if not more:
        meaning = "That comes from a very small book value, and says little about the price."
    return Notice(
        "Small equity",
        short,
        meaning,
        "price to book small equity book value",
        50,
        (*facts, *more),
        risk=False,
        misleads=True,
    )


def _definitions(known: Known) -> Notice | None:
    facts = _figures(known, "free_cash_flow", "operating_cash_flow")
    if not facts or _number(known, "free_cash_flow") <= _number(known, "operating_cash_flow"):
        return None
    free, operating = facts
    short = f"free cash flow of {free.text} is above operating cash flow of {operating.text}"
    meaning = "The two rest on different definitions, so one cannot be subtracted from the other."
    query = "free cash flow operating cash flow definition"
    return Notice("Two definitions of cash flow", short, meaning, query, 45, facts, risk=False)


def _few_analysts(known: Known) -> Notice | None:
    facts = _figures(known, "analysts")
    if not facts or not 0 < _number(known, "analysts") < 6:
        return None
    short = f"only {facts[0].text} analysts give an opinion"
    return Notice(
        "Few analysts", short, "Their mean says little.", "target price analysts mean few", 20, facts, risk=False
    )


def _net_cash(known: Known) -> Notice | None:
    facts = _figures(known, "enterprise_value", "market_value")
    if not facts or _number(known, "enterprise_value") >= _number(known, "market_value"):
        return None
    value, market = facts
    short = f"enterprise value of {value.text} is below market capitalisation of {market.text}"
    meaning = "That is the sign of more cash than debt."
    return Notice("Net cash", short, meaning, "enterprise value market capitalisation cash debt", 15, facts, risk=False)


_RULES: tuple[Callable[[Known], Notice | None], ...] = (
    _runway, _gap, _loss, _leverage, _payout, _liquidity, _swings, _small_equity, _definitions,
    _beta, _short_interest, _few_analysts, _net_cash,
)  # fmt: skip


def _odd_records(entity: Entity) -> Iterator[Notice]:
    """A series of profits whose newest record is a loss, or the other way about."""
    for records in entity.records:
        income = column(records, "net_income")
        if not records.dated or income is None or len(income.known) < 3:
            continue
        (_, before), (index, last) = income.known[-2:]
        earlier = [_figure(cell) for _, cell in income.known[:-1]]
        if _figure(last) >= 0 or any(value <= 0 for value in earlier):
            continue
        noun = records.cadence or "period"
        short = (
            f"net income was {last.text} in the {noun} to {english.day(records.labels[index])}, "
            f"after {before.text} in the {noun} to {english.day(records.labels[income.known[-2][0]])}"
        )
        meaning = (
            f"A single {noun} out of line usually holds a charge for acquired research, an impairment or a settlement."
        )
        query = "single quarter impairment acquired research charge loss"
        yield Notice(f"One {noun} out of line", short, meaning, query, 70, (last, before))


def negative_multiples(entity: Entity) -> Notice | None:
    """Multiples below zero, which have no meaning."""
    facts = tuple(
        fact
        for fact in entity.facts
        if fact.unit == "ratio" and fact.figure is not None and fact.figure < 0 and " to " in fact.title
    )
    if not facts:
        return None
    shown = english.listed([f"{english.named(fact.title)} ({fact.text})" for fact in facts])
    meaning = (
        "A multiple of a loss has no meaning, and is not cheap."
        if len(facts) == 1
        else "Multiples of a loss have no meaning, and are not cheap."
    )
    return Notice(
        "Multiples without meaning",
        f"{shown} {'is' if len(facts) == 1 else 'are'} negative",
        meaning,
        "negative P/E has no meaning multiples",
        58,
        facts,
        risk=False,
        misleads=True,
    )


def _figure(fact: Fact) -> Decimal:
    return fact.figure if fact.figure is not None else Decimal(0)
