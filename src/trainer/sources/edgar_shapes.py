"""From EDGAR's answers to the shapes reports are written from: what a company reported, as known on any day.

A figure is the one filed last for its period in an annual or quarterly report, restatements included; what only a proxy
or a prospectus tells comes after. With `known_on`, it is the one that held on that day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from trainer.core.values import Field, Json
from trainer.sources.base import Fetched

LINES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "totalRevenue": (
        "Revenue",
        "money",
        (
            "RevenueFromContractWithCustomerExcludingAssessedTax",
            "Revenues",
            "RevenueFromContractWithCustomerIncludingAssessedTax",
            "SalesRevenueNet",
            "Revenue",
        ),
    ),
    "costOfRevenue": ("Cost of revenue", "money", ("CostOfRevenue", "CostOfGoodsAndServicesSold", "CostOfGoodsSold")),
    "grossProfit": ("Gross profit", "money", ("GrossProfit",)),
    "researchAndDevelopment": (
        "Research and development",
        "money",
        ("ResearchAndDevelopmentExpense", "ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost"),
    ),
    "sellingGeneralAndAdministration": (
        "Selling, general and administration",
        "money",
        ("SellingGeneralAndAdministrativeExpense",),
    ),
    "acquiredResearch": (
        "Acquired in-process research and development",
        "money",
        ("ResearchAndDevelopmentAssetAcquiredOtherThanThroughBusinessCombinationWrittenOff",),
    ),
    "amortisation": ("Amortisation of intangible assets", "money", ("AmortizationOfIntangibleAssets",)),
    "operatingExpense": ("Operating expenses", "money", ("OperatingExpenses",)),
    "totalExpenses": ("Costs and expenses in all", "money", ("CostsAndExpenses",)),
    "operatingIncome": ("Operating income", "money", ("OperatingIncomeLoss",)),
    "interestExpense": ("Interest expense", "money", ("InterestExpense", "InterestExpenseNonoperating")),
    "pretaxIncome": (
        "Income before tax",
        "money",
        (
            "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest",
            "IncomeLossFromContinuingOperationsBeforeIncomeTaxesMinorityInterestAndIncomeLossFromEquityMethodInvestments",
        ),
    ),
    "taxProvision": ("Income tax", "money", ("IncomeTaxExpenseBenefit",)),
    "netIncome": ("Net income", "money", ("NetIncomeLoss", "ProfitLossAttributableToOwnersOfParent", "ProfitLoss")),
    "basicEPS": ("Earnings per share, basic", "per share", ("EarningsPerShareBasic",)),
    "dilutedEPS": ("Earnings per share, diluted", "per share", ("EarningsPerShareDiluted",)),
    "basicAverageShares": ("Average shares, basic", "shares", ("WeightedAverageNumberOfSharesOutstandingBasic",)),
    "dilutedAverageShares": ("Average shares, diluted", "shares", ("WeightedAverageNumberOfDilutedSharesOutstanding",)),
    "dividendPerShare": ("Dividend declared per share", "per share", ("CommonStockDividendsPerShareDeclared",)),
    "cashAndCashEquivalents": (
        "Cash and cash equivalents",
        "money",
        ("CashAndCashEquivalentsAtCarryingValue", "CashAndCashEquivalents"),
    ),
    "accountsReceivable": ("Accounts receivable", "money", ("AccountsReceivableNetCurrent",)),
    "inventory": ("Inventory", "money", ("InventoryNet",)),
    "currentAssets": ("Current assets", "money", ("AssetsCurrent",)),
    "intangibleAssets": (
        "Intangible assets without goodwill",
        "money",
        ("IntangibleAssetsNetExcludingGoodwill", "FiniteLivedIntangibleAssetsNet"),
    ),
    "goodwill": ("Goodwill", "money", ("Goodwill",)),
    "totalAssets": ("Total assets", "money", ("Assets",)),
    "currentLiabilities": ("Current liabilities", "money", ("LiabilitiesCurrent",)),
    "currentDebt": (
        "Debt due within a year",
        "money",
        ("LongTermDebtCurrent", "DebtCurrent", "LongTermDebtAndCapitalLeaseObligationsCurrent"),
    ),
    "longTermDebt": (
        "Long-term debt",
        "money",
        ("LongTermDebtNoncurrent", "LongTermDebt", "LongTermDebtAndCapitalLeaseObligations"),
    ),
    "totalLiabilities": ("Total liabilities", "money", ("Liabilities",)),
    "retainedEarnings": ("Retained earnings", "money", ("RetainedEarningsAccumulatedDeficit",)),
    "stockholdersEquity": (
        "Shareholders' equity",
        "money",
        ("StockholdersEquity", "EquityAttributableToOwnersOfParent"),
    ),
    "operatingCashFlow": ("Operating cash flow", "money", ("NetCashProvidedByUsedInOperatingActivities",)),
    "paidForEquipment": (
        "Paid for property, plant and equipment",
        "money",
        ("PaymentsToAcquirePropertyPlantAndEquipment",),
    ),
    "investingCashFlow": ("Investing cash flow", "money", ("NetCashProvidedByUsedInInvestingActivities",)),
    "financingCashFlow": ("Financing cash flow", "money", ("NetCashProvidedByUsedInFinancingActivities",)),
    "paidDividends": ("Dividends paid", "money", ("PaymentsOfDividends", "PaymentsOfDividendsCommonStock")),
    "paidForOwnShares": ("Paid for own shares", "money", ("PaymentsForRepurchaseOfCommonStock",)),
    "stockBasedCompensation": ("Stock-based compensation", "money", ("ShareBasedCompensation",)),
}
"""Our name of a line -> title, kind, and the concepts that hold it, the best first."""

PERIODIC = re.compile(r"(10-K|10-Q|20-F|40-F)[A-Z0-9]*(/A)?")
"""Annual and quarterly reports and their amendments: audited or reviewed, where a proxy or prospectus only retells."""
_CURRENT = re.compile(r"[68]-K(/A)?")
YEAR = range(340, 386)
QUARTER = range(75, 106)
_FACTORS = (1e3, 1e6, 1e-3, 1e-6)
_ROUNDED = 0.001
"""Part by which a figure told in thousands may differ from the same in full: it has four digits or more."""
_FILING_FIELDS = {
    "date": Field("Filed on", "date"),
    "form": Field("Form", "text"),
    "reportDate": Field("Period ended", "date"),
    "description": Field("Description", "text"),
    "accessionNumber": Field("Accession number", "text"),
    "items": Field("Items", "text"),
    "url": Field("Document", "text"),
}


def shape_facts(body: Mapping[str, Any], *, years: int, known_on: str | None = None) -> Fetched:
    """Series `annual` and `quarterly` of the last `years`, from `/api/xbrl/companyfacts`; empty where there is none.

    A row's `filed` is the day its newest figure was filed.
    """
    concepts = {
        name: concept
        for taxonomy in ("ifrs-full", "us-gaap")
        for name, concept in ((body.get("facts") or {}).get(taxonomy) or {}).items()
    }
    currency = _currency(concepts)
    units = {"money": currency, "per share": f"{currency}/shares", "shares": "shares"}
    lines = {line: observations_of(concepts, tags, units[kind], known_on) for line, (_, kind, tags) in LINES.items()}
    annual, quarterly = _series(lines, YEAR, years), _series(lines, QUARTER, 4 * years)
    series = {name: rows for name, rows in (("annual", annual), ("quarterly", quarterly)) if rows}
    names = {"name": body.get("entityName"), "cik": str(body.get("cik", "")).zfill(10), "financialCurrency": currency}
    dates = [row["date"] for rows in series.values() for row in rows]
    data = {**{name: value for name, value in names.items() if value}, **series}
    warnings = tuple(_thousandfold(lines, series))
    return Fetched(data, body.get("entityName"), max(dates, default=None), _fields(series, currency), warnings=warnings)


def shape_filings(
    company: Mapping[str, Any],
    pages: Iterable[Mapping[str, Any]],
    *,
    forms: Sequence[str],
    limit: int,
    site: str,
    accession: str = "",
) -> Fetched:
    """Series `filings` of the newest `limit` of these forms, from `/submissions`; older pages are read as needed.

    With `accession`, the digits of its number, it is that filing alone.
    """
    filings: list[dict[str, Json]] = []
    for page in pages:
        for row in _rows(page):
            is_asked = accession in ("", str(row["accessionNumber"]).replace("-", ""))
            if len(filings) < limit and is_asked and (not forms or row["form"] in forms):
                filings.append(_filing(row, str(company.get("cik", "")), site))
        if len(filings) == limit:
            break
    filings.sort(key=lambda filing: (str(filing["date"]), str(filing["accessionNumber"])))
    names = {
        "name": company.get("name"),
        "cik": str(company.get("cik", "")).zfill(10),
        "tickers": company.get("tickers"),
        "exchanges": company.get("exchanges"),
        "industry": company.get("sicDescription"),
        "stateOfIncorporation": company.get("stateOfIncorporation"),
        "fiscalYearEnd": company.get("fiscalYearEnd"),
    }
    data = {**{name: value for name, value in names.items() if value}, "filings": filings}
    held = {name for filing in filings for name in filing}
    fields = {f"filings.{name}": meaning for name, meaning in _FILING_FIELDS.items() if name in held}
    return Fetched(data, company.get("name"), str(filings[-1]["date"]) if filings else None, fields)


@dataclass(frozen=True, slots=True)
class XbrlFact:
    """One figure as one filing told it."""

    end: str
    days: int | None
    """Of the period; None for a figure at a moment."""
    value: Json
    filed: str
    accession: str
    form: str
    rank: int
    """Of its concept: the best is 0."""

    @property
    def precedence(self) -> tuple[int, int, str, str]:
        """The greater holds: the weightier form, then the better concept, then the later filing."""
        weight = 2 if PERIODIC.fullmatch(self.form) else 1 if _CURRENT.fullmatch(self.form) else 0
        return (weight, -self.rank, self.filed, self.accession)

    def __str__(self) -> str:
        return f"{self.value:,} in {self.form or 'a filing'} of {self.filed}"


Periods: TypeAlias = Mapping[tuple[str, int | None], list[XbrlFact]]
"""All that was filed for each period, by its end and its length in days; what holds comes first."""


def observations_of(concepts: Mapping[str, Any], tags: Sequence[str], unit: str, known_on: str | None) -> Periods:
    """All that was told of these concepts, the best first, until that day: by period, and what holds comes first."""
    periods: dict[tuple[str, int | None], list[XbrlFact]] = {}
    for rank, tag in enumerate(tags):
        for fact in ((concepts.get(tag) or {}).get("units") or {}).get(unit, ()):
            filed, accession, form = (str(fact.get(name, "")) for name in ("filed", "accn", "form"))
            if known_on is None or filed <= known_on:
                observation = XbrlFact(fact["end"], _days(fact), fact["val"], filed, accession, form, rank)
                periods.setdefault((observation.end, observation.days), []).append(observation)
    for observations in periods.values():
        observations.sort(key=lambda observation: observation.precedence, reverse=True)
    return periods


def _thousandfold(lines: Mapping[str, Periods], series: Mapping[str, Sequence[Mapping[str, Json]]]) -> Iterator[str]:
    """A sentence for each figure of the series that another filing gives a thousand times larger or smaller."""
    ends = {row["date"] for rows in series.values() for row in rows}
    for line, periods in lines.items():
        for (end, _), (holding, *others) in periods.items():
            if end not in ends or not holding.value:
                continue
            for other in others:
                ratio = abs(other.value / holding.value)
                if any(abs(ratio / factor - 1) < _ROUNDED for factor in _FACTORS):
                    yield f"{line} of {end}: {holding}, but {other}; one of them is in thousands, the first is used"
                    break


def _days(fact: Mapping[str, Any]) -> int | None:
    if "start" not in fact:
        return None
    return (date.fromisoformat(fact["end"]) - date.fromisoformat(fact["start"])).days + 1


def _series(lines: Mapping[str, Periods], lengths: range, most: int) -> list[dict[str, Json]]:
    rows: dict[str, dict[str, XbrlFact]] = {}
    for line, periods in lines.items():
        for (end, days), (holding, *_) in periods.items():
            if days in lengths:
                rows.setdefault(end, {})[line] = holding
    # A day with no revenue, result or cash flow to it is a note's table, not a statement.
    ends = sorted(end for end, row in rows.items() if row.keys() & {"totalRevenue", "netIncome", "operatingIncome"})
    for line, periods in lines.items():
        for end in ends:
            if (end, None) in periods:
                rows[end].setdefault(line, periods[end, None][0])
    return [_row(end, rows[end]) for end in ends[-most:]]


def _row(end: str, row: Mapping[str, XbrlFact]) -> dict[str, Json]:
    filed = max(observation.filed for observation in row.values())
    return {"date": end, **{line: row[line].value for line in LINES if line in row}, "filed": filed}


def _currency(concepts: Mapping[str, Any]) -> str:
    """The currency of most of the figures in money."""
    counts: Counter[str] = Counter()
    for tag in (tag for _, kind, tags in LINES.values() if kind == "money" for tag in tags):
        for unit, facts in ((concepts.get(tag) or {}).get("units") or {}).items():
            counts[unit] += len(facts)
    return max(sorted(counts), key=lambda unit: counts[unit], default="")


def _fields(series: Mapping[str, Sequence[Mapping[str, Json]]], currency: str) -> dict[str, Field]:
    units = {"money": currency, "per share": f"{currency}/share", "shares": "shares"}
    fields: dict[str, Field] = {}
    for name, rows in series.items():
        held = {line for row in rows for line in row}
        fields[f"{name}.date"] = Field("Period ended", "date")
        for line, (title, kind, _) in LINES.items():
            if line in held:
                fields[f"{name}.{line}"] = Field(title, units[kind])
        fields[f"{name}.filed"] = Field("Filed on", "date")
    return fields


def _rows(page: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The rows of a page that EDGAR sends by column."""
    columns = {name: column for name, column in page.items() if isinstance(column, list)}
    count = len(columns.get("accessionNumber", ()))
    return ({name: column[index] for name, column in columns.items() if index < len(column)} for index in range(count))


def _filing(row: Mapping[str, Any], cik: str, site: str) -> dict[str, Json]:
    accession = str(row["accessionNumber"])
    folder = f"{site}/Archives/edgar/data/{int(cik or 0)}/{accession.replace('-', '')}"
    document = row.get("primaryDocument")
    filing = {
        "date": row.get("filingDate"),
        "form": row.get("form"),
        "reportDate": row.get("reportDate"),
        "description": row.get("primaryDocDescription"),
        "accessionNumber": accession,
        "items": row.get("items"),
        "url": f"{folder}/{document}" if document else f"{folder}/",
    }
    return {name: value for name, value in filing.items() if value}
