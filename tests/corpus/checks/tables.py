# ruff: noqa: E501  (sentences and rows of data are read as one line)
"""The tables and charts of the corpus."""

from __future__ import annotations

from corpus.checks.companies import Company
from corpus.checks.reports import Writer

_WORDS = {
    "en": {"year": "Year", "quarter": "Quarter", "revenue": "Revenue", "income": "Net income", "metric": "Metric", "change": "Change on the year before", "cap": "Market capitalisation", "margin": "Gross margin", "debt": "Total debt", "cash": "Cash", "price": "Share price", "staff": "Employees", "million": "million", "value": "Value"},
    "de": {"year": "Jahr", "quarter": "Quartal", "revenue": "Umsatz", "income": "Reingewinn", "metric": "Kennzahl", "change": "Veränderung zum Vorjahr", "cap": "Börsenwert", "margin": "Bruttomarge", "debt": "Verschuldung", "cash": "Flüssige Mittel", "price": "Aktienkurs", "staff": "Mitarbeitende", "million": "Mio.", "value": "Wert"},
    "fr": {"year": "Année", "quarter": "Trimestre", "revenue": "Chiffre d’affaires", "income": "Résultat net", "metric": "Indicateur", "change": "Variation", "cap": "Capitalisation boursière", "margin": "Marge brute", "debt": "Dette totale", "cash": "Trésorerie", "price": "Cours de l’action", "staff": "Collaborateurs", "million": "millions", "value": "Valeur"},
}  # fmt: skip


def words(w: Writer) -> dict[str, str]:
    return _WORDS[w.language.partition("-")[0]]


def years(w: Writer, c: Company) -> str | None:
    """A row a year; amounts in millions as the heading says."""
    revenue, income = dict(c.series("annual", "totalRevenue")), dict(c.series("annual", "netIncome"))
    days = sorted(revenue.keys() & income.keys())
    if len(days) < 3:
        return None
    t = words(w)
    w.open_table()
    unit = f"{c.currency} {t['million']}"
    lines = [
        f"{w.company(c)}",
        "",
        f"| {t['year']} | {t['revenue']} ({unit}) | {t['income']} ({unit}) | {t['change']} |",
        "|---|---:|---:|---:|",
    ]
    for at, day in enumerate(days):
        before = revenue[days[at - 1]] if at else None
        change = w.cell_percent(100 * (revenue[day] - before) / before, derived=True) if before else "–"
        year = w.year(day, days)
        lines.append(f"| {year} | {w.cell(revenue[day], 1e6, 1)} | {w.cell(income[day], 1e6, 1)} | {change} |")
    w.close_table()
    return "\n".join(lines)


def quarters(w: Writer, c: Company) -> str | None:
    """A column a quarter."""
    revenue, income = dict(c.series("quarterly", "totalRevenue")), dict(c.series("quarterly", "netIncome"))
    days = sorted(revenue.keys() & income.keys())
    if len(days) < 3:
        return None
    t = words(w)
    w.open_table()
    head = " | ".join(w.quarter(day, days).replace("the ", "") for day in days)
    caption = f"{t['revenue']}, {t['income']}: {w.company(c)}, {c.currency} {t['million']}"
    rows = [
        f"| {t['revenue']} | " + " | ".join(w.cell(revenue[day], 1e6, 2) for day in days) + " |",
        f"| {t['income']} | " + " | ".join(w.cell(income[day], 1e6, 2) for day in days) + " |",
    ]
    w.close_table()
    return f"{caption}\n\n| {t['metric']} | {head} |\n|---|{'---:|' * len(days)}\n" + "\n".join(rows)


def metrics(w: Writer, c: Company) -> str | None:
    """A row a metric, a column a company."""
    t = words(w)
    w.open_table()
    lines = [
        f"| {t['metric']} | " + " | ".join(w.company(other) for other in w.companies) + " |",
        "|---|" + "---:|" * len(w.companies),
    ]
    for name, path in (("cap", "price.marketCap"), ("margin", "financials.grossMargins"), ("debt", "balance.totalDebt"), ("cash", "balance.totalCash"), ("price", "price.regularMarketPrice"), ("staff", "profile.fullTimeEmployees")):  # fmt: skip
        cells = []
        for other in w.companies:
            value = other.get(path)
            if value is None:
                cells.append("–")
            elif name == "margin":
                cells.append(w.cell_percent(100 * value))
            elif name == "price":
                cells.append(w.price(value, other.currency))
            elif name == "staff":
                cells.append(w.count(value))
            else:
                cells.append(w.money(value, other.currency))
        lines.append(f"| {t[name]} | " + " | ".join(cells) + " |")
    w.close_table()
    return "\n".join(lines)


def chart(w: Writer, c: Company) -> str | None:
    """A chart with its own rows."""
    found = c.series("annual", "totalRevenue")
    if len(found) < 3:
        return None
    w.open_table()
    rows = "\n".join(f"  - [{day[:4]}, {w.mark('cell', f'{value / 1e6:.1f}', value=value)}]" for day, value in found)
    w.close_table()
    t = words(w)
    return f'```chart\ntype: bar\ntitle: "{t["revenue"]} {c.name}"\nunit: {c.currency} million\ncolumns: [date, {t["revenue"].replace("’", " ")}]\nrows:\n{rows}\n```'


def facts(w: Writer, c: Company) -> str | None:
    """A metric and value table of one company."""
    t = words(w)
    w.open_table()
    lines = [f"{w.company(c)}:", "", f"| {t['metric']} | {t['value']} |", "|:--|--:|"]
    for name, path in (("cap", "price.marketCap"), ("debt", "balance.totalDebt"), ("cash", "balance.totalCash")):
        if c.get(path) is not None:
            lines.append(f"| {t[name]} | {w.money(c.get(path), c.currency)} |")
    lines.append(f"| {t['price']} | {w.price(c.get('price.regularMarketPrice'), c.currency)} |")
    w.close_table()
    return "\n".join(lines)


TABLES = (years, quarters, metrics, chart, facts)
