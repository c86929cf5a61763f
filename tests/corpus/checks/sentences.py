# ruff: noqa: E501  (sentences and rows of data are read as one line)
"""The sentences of the corpus; each says only what the data says. Those in HELD_OUT are kept from development."""

from __future__ import annotations

from corpus.checks.companies import Company
from corpus.checks.reports import Part, Writer


def _has(c: Company, *paths: str) -> bool:
    return all(isinstance(c.get(path), int | float) for path in paths)


def _change(pair: tuple[tuple[str, float], tuple[str, float]]) -> float:
    (_, old), (_, new) = pair
    return 100 * (new - old) / abs(old)


def _net(value: float, gain: str, loss: str) -> str:
    return gain if value >= 0 else loss


def revenue_year(w: Writer, c: Company) -> str | None:
    years = c.series("annual", "totalRevenue")
    if len(years) < 3:
        return None
    days = [day for day, _ in years]
    (old_day, old), (day, new) = years[-2], years[-1]
    change = 100 * (new - old) / old
    return (
        f"{w.company(c)} reported revenue of {w.money(new, c.currency)} in {w.year(day, days)}, "
        f"{w.way(change, 'up', 'down')} {w.size(change, derived=True)} from {w.money(old, c.currency)} in {w.year(old_day, days)}."
    )


def revenue_level(w: Writer, c: Company) -> str | None:
    if not _has(c, "financials.totalRevenue", "financials.grossMargins"):
        return None
    return (
        f"Over the last twelve months {w.company(c)} took in sales of {w.money(c.get('financials.totalRevenue'), c.currency)} "
        f"at a gross margin of {w.percent(100 * c.get('financials.grossMargins'))}."
    )


def market(w: Writer, c: Company) -> str | None:
    if not _has(c, "price.marketCap", "price.regularMarketPrice"):
        return None
    return (
        f"At {w.price(c.get('price.regularMarketPrice'), c.currency)} a share, {w.company(c)} has a market capitalisation of "
        f"{w.money(c.get('price.marketCap'), c.currency)}."
    )


def price_range(w: Writer, c: Company) -> str | None:
    price, low, high = (
        c.get(f"price.{name}") for name in ("regularMarketPrice", "fiftyTwoWeekLow", "fiftyTwoWeekHigh")
    )
    if not (price and low and high):
        return None
    return (
        f"The share price of {w.company(c)}, {w.price(price, c.currency)}, lies {w.size(100 * (price - high) / high, derived=True)} "
        f"below its 52-week high of {w.price(high, c.currency)} and above the 52-week low of {w.price(low, c.currency)}."
    )


def quarter(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "totalRevenue")
    if len(quarters) < 3:
        return None
    days = [day for day, _ in quarters]
    day, value = quarters[-2]
    return f"In {w.quarter(day, days)}, revenue at {w.company(c)} came to {w.money(value, c.currency)}."


def quarter_change(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "totalRevenue")
    if len(quarters) < 3:
        return None
    days = [day for day, _ in quarters]
    (_, old), (day, new) = quarters[-2], quarters[-1]
    change = 100 * (new - old) / old
    return (
        f"Revenue in {w.quarter(day, days)} {w.way(change, 'rose', 'fell')} {w.size(change, derived=True)} on the quarter before, "
        f"to {w.money(new, c.currency)}."
    )


def income(w: Writer, c: Company) -> str | None:
    value = c.get("financials.netIncomeToCommon")
    margin = c.get("financials.profitMargins")
    if value is None or margin is None:
        return None
    kind = _net(value, "net income", "a net loss")
    return f"The year ended with {kind} of {w.money(value, c.currency)}, a net margin of {w.percent(100 * margin)}."


def margins(w: Writer, c: Company) -> str | None:
    if not _has(c, "financials.operatingMargins", "financials.ebitdaMargins"):
        return None
    return (
        f"- **Operating margin:** {w.percent(100 * c.get('financials.operatingMargins'))}\n"
        f"- **EBITDA margin:** {w.percent(100 * c.get('financials.ebitdaMargins'), 2)}"
    )


def cash_debt(w: Writer, c: Company) -> str | None:
    if not _has(c, "balance.totalCash", "balance.totalDebt"):
        return None
    return (
        f"{w.company(c)} holds cash of {w.money(c.get('balance.totalCash'), c.currency)} against total debt of "
        f"{w.money(c.get('balance.totalDebt'), c.currency)}."
    )


def net_debt(w: Writer, c: Company) -> str | None:
    cash, debt = c.get("balance.totalCash"), c.get("balance.totalDebt")
    if not (cash and debt) or debt <= cash:
        return None
    return f"Net debt, total debt less cash, is {w.money(debt - cash, c.currency, derived=True)}."


def employees(w: Writer, c: Company) -> str | None:
    if not _has(c, "profile.fullTimeEmployees"):
        return None
    return f"{w.company(c)} employs {w.count(c.get('profile.fullTimeEmployees'))} people."


def multiples(w: Writer, c: Company) -> str | None:
    if not _has(c, "valuation.trailingPE", "price.beta"):
        return None
    return (
        f"The stock trades at {w.times(c.get('valuation.trailingPE'))} trailing earnings, and its beta is "
        f"{w.ratio(c.get('price.beta'))}."
    )


def analysts(w: Writer, c: Company) -> str | None:
    if not _has(c, "analysts.targetMeanPrice", "analysts.targetHighPrice", "analysts.targetLowPrice"):
        return None
    return (
        f"Analysts' price targets for {w.company(c)} run from {w.price(c.get('analysts.targetLowPrice'), c.currency)} to "
        f"{w.price(c.get('analysts.targetHighPrice'), c.currency)}, with a mean target of "
        f"{w.price(c.get('analysts.targetMeanPrice'), c.currency)}."
    )


def compound(w: Writer, c: Company) -> str | None:
    years = c.series("annual", "totalRevenue")
    if len(years) < 3 or years[0][1] <= 0:
        return None
    days = [day for day, _ in years]
    rate = 100 * ((years[-1][1] / years[0][1]) ** (1 / (len(years) - 1)) - 1)
    return (
        f"From {w.year(years[0][0], days)} to {w.year(years[-1][0], days)} revenue {w.way(rate, 'grew', 'shrank')} at a compound "
        f"annual rate of {w.size(rate, 2, derived=True)}."
    )


def enterprise(w: Writer, c: Company) -> str | None:
    if not _has(c, "valuation.enterpriseValue", "financials.ebitda"):
        return None
    ebitda = c.get("financials.ebitda")
    if ebitda < 0:
        return None
    return (
        f"Enterprise value stands at {w.money(c.get('valuation.enterpriseValue'), c.currency)}; EBITDA was "
        f"{w.money(ebitda, c.currency)}, so that the ratio of enterprise value to EBITDA is "
        f"{w.times(c.get('valuation.enterpriseValue') / ebitda, derived=True)}."
    )


def liquidity(w: Writer, c: Company) -> str | None:
    if not _has(c, "balance.currentRatio"):
        return None
    return f"The current ratio is {w.ratio(c.get('balance.currentRatio'))}, and the list of 3 risks in section 4 returns to it."


def names_with_digits(w: Writer, c: Company) -> str | None:
    return (
        "The Phase 3 trial of the COVID-19 programme began in 2021; the S&P 500 and the 10-K of fiscal year 2023 are no "
        "measure of it, nor is the 50-day average or Type 2 diabetes."
    )


def loss_quarter(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "netIncome")
    if len(quarters) < 3:
        return None
    days = [day for day, _ in quarters]
    day, value = quarters[-1]
    kind = _net(value, "a net profit", "a net loss")
    return f"{w.company(c)} closed {w.quarter(day, days)} with {kind} of {w.money(value, c.currency)}."


def insiders(w: Writer, c: Company) -> str | None:
    if not _has(c, "shares.heldPercentInsiders", "shares.heldPercentInstitutions"):
        return None
    return (
        f"Insiders hold {w.percent(100 * c.get('shares.heldPercentInsiders'), 2)} of the shares and institutions "
        f"{w.percent(100 * c.get('shares.heldPercentInstitutions'))}."
    )


def average_quarter(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "totalRevenue")
    if len(quarters) != 4:
        return None
    return f"On average over the four quarters, revenue was {w.money(sum(v for _, v in quarters) / 4, c.currency, derived=True)} a quarter."


def gross(w: Writer, c: Company) -> str | None:
    if not _has(c, "financials.grossProfits", "financials.totalRevenue"):
        return None
    return (
        f"Gross profit reached {w.money(c.get('financials.grossProfits'), c.currency)}, or "
        f"{w.size(100 * c.get('financials.grossProfits') / c.get('financials.totalRevenue'), derived=True)} of revenue."
    )


def growth_word(w: Writer, c: Company) -> str | None:
    value = c.get("financials.revenueGrowth")
    if value is None:
        return None
    return f"Revenue growth at {w.company(c)} was {w.percent(100 * value)} in the latest quarter, compared with a year earlier."


def cash_share(w: Writer, c: Company) -> str | None:
    if not _has(c, "balance.totalCash", "balance.totalDebt"):
        return None
    part = 100 * c.get("balance.totalCash") / c.get("balance.totalDebt")
    return None if part > 400 else f"Cash covers {w.size(part, derived=True)} of total debt at {w.company(c)}."


def compare_size(w: Writer, c: Company) -> str | None:
    others = [other for other in w.companies if other is not c and other.currency == c.currency]
    if not others or not _has(c, "price.marketCap") or not _has(others[0], "price.marketCap"):
        return None
    one, two = sorted((c, others[0]), key=lambda company: -company.get("price.marketCap"))
    return (
        f"{w.company(one)} has a market capitalisation of {w.money(one.get('price.marketCap'), one.currency)}, "
        f"{w.company(two)} one of {w.money(two.get('price.marketCap'), two.currency)}; the first is "
        f"{w.times(one.get('price.marketCap') / two.get('price.marketCap'), derived=True)} as large."
    )


def dividend(w: Writer, c: Company) -> str | None:
    if not _has(c, "dividend.dividendRate", "dividend.dividendYield", "dividend.payoutRatio"):
        return None
    return (
        f"The dividend of {w.price(c.get('dividend.dividendRate'), c.currency)} a share yields "
        f"{w.percent(100 * c.get('dividend.dividendYield'), 2)}, with a payout ratio of "
        f"{w.percent(100 * c.get('dividend.payoutRatio'), 0)}."
    )


def cash_flow(w: Writer, c: Company) -> str | None:
    value = c.get("financials.operatingCashflow")
    if value is None:
        return None
    return f"Operating cash flow was {_net(value, '', 'negative at ')}{w.money(value, c.currency)} over the trailing twelve months."


def parenthesis(w: Writer, c: Company) -> str | None:
    years = c.series("annual", "totalRevenue")
    if len(years) < 2:
        return None
    days = [day for day, _ in years]
    return (
        f"Annual revenue: {w.money(years[-1][1], c.currency)} in {w.year(years[-1][0], days)}, after "
        f"{w.money(years[-2][1], c.currency)} in {w.year(years[-2][0], days)}."
    )


def shares_out(w: Writer, c: Company) -> str | None:
    if not _has(c, "shares.sharesOutstanding"):
        return None
    value = c.get("shares.sharesOutstanding")
    return f"There are {w.mark('count', w.number(value / 1e6, 1) + ' million', value=value)} shares outstanding."


def dated_price(w: Writer, c: Company) -> str | None:
    if not _has(c, "price.regularMarketPrice"):
        return None
    day = (c.blocks[0].as_of or "")[:10]
    return f"On {w.day(day)} the share of {w.company(c)} closed at {w.price(c.get('price.regularMarketPrice'), c.currency)}."


def umsatz(w: Writer, c: Company) -> str | None:
    years = c.series("annual", "totalRevenue")
    if len(years) < 3:
        return None
    days = [day for day, _ in years]
    change = _change((years[-2], years[-1]))
    return (
        f"{w.company(c)} erzielte {w.year(years[-1][0], days)} einen Umsatz von {w.money(years[-1][1], c.currency)}, nach "
        f"{w.money(years[-2][1], c.currency)} im Jahr {w.year(years[-2][0], days)}; das ist "
        f"{w.way(change, 'ein Zuwachs', 'ein Rückgang')} von {w.size(change, derived=True)}."
    )


def boersenwert(w: Writer, c: Company) -> str | None:
    if not _has(c, "price.marketCap", "price.regularMarketPrice"):
        return None
    return (
        f"Der Börsenwert von {w.company(c)} beträgt {w.money(c.get('price.marketCap'), c.currency)}, der Aktienkurs "
        f"{w.price(c.get('price.regularMarketPrice'), c.currency)}."
    )


def bruttomarge(w: Writer, c: Company) -> str | None:
    if not _has(c, "financials.grossMargins", "financials.operatingMargins"):
        return None
    return (
        f"Die Bruttomarge lag bei {w.percent(100 * c.get('financials.grossMargins'))}, die operative Marge bei "
        f"{w.percent(100 * c.get('financials.operatingMargins'))}."
    )


def mitarbeiter(w: Writer, c: Company) -> str | None:
    if not _has(c, "profile.fullTimeEmployees"):
        return None
    return f"{w.company(c)} beschäftigt {w.count(c.get('profile.fullTimeEmployees'))} Mitarbeitende."


def liquide(w: Writer, c: Company) -> str | None:
    if not _has(c, "balance.totalCash", "balance.totalDebt"):
        return None
    return (
        f"Die flüssigen Mittel von {w.company(c)} betragen {w.money(c.get('balance.totalCash'), c.currency)}; die Verschuldung "
        f"beläuft sich auf {w.money(c.get('balance.totalDebt'), c.currency)}."
    )


def quartal(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "totalRevenue")
    if len(quarters) < 3:
        return None
    days = [day for day, _ in quarters]
    change = _change((quarters[-2], quarters[-1]))
    return (
        f"Im {w.quarter(quarters[-1][0], days)} {w.way(change, 'stieg', 'sank')} der Umsatz gegenüber dem Vorquartal um "
        f"{w.size(change, derived=True)} auf {w.money(quarters[-1][1], c.currency)}."
    )


def unternehmenswert(w: Writer, c: Company) -> str | None:
    if not _has(c, "valuation.enterpriseValue"):
        return None
    return (
        f"Der Unternehmenswert von {w.company(c)} liegt bei {w.money(c.get('valuation.enterpriseValue'), c.currency)}."
    )


def chiffre(w: Writer, c: Company) -> str | None:
    years = c.series("annual", "totalRevenue")
    if len(years) < 3:
        return None
    days = [day for day, _ in years]
    change = _change((years[-2], years[-1]))
    return (
        f"En {w.year(years[-1][0], days)}, le chiffre d’affaires de {w.company(c)} a atteint {w.money(years[-1][1], c.currency)}, "
        f"{w.way(change, 'en hausse', 'en recul')} de {w.size(change, derived=True)} par rapport à "
        f"{w.money(years[-2][1], c.currency)} en {w.year(years[-2][0], days)}."
    )


def capitalisation(w: Writer, c: Company) -> str | None:
    if not _has(c, "price.marketCap", "price.regularMarketPrice"):
        return None
    return (
        f"La capitalisation boursière de {w.company(c)} s’élève à {w.money(c.get('price.marketCap'), c.currency)}, pour un cours de "
        f"{w.price(c.get('price.regularMarketPrice'), c.currency)}."
    )


def marge(w: Writer, c: Company) -> str | None:
    if not _has(c, "financials.grossMargins", "financials.operatingMargins"):
        return None
    return (
        f"La marge brute est de {w.percent(100 * c.get('financials.grossMargins'))} et la marge opérationnelle de "
        f"{w.percent(100 * c.get('financials.operatingMargins'))}."
    )


def tresorerie(w: Writer, c: Company) -> str | None:
    if not _has(c, "balance.totalCash", "balance.totalDebt"):
        return None
    return (
        f"La trésorerie de {w.company(c)} est de {w.money(c.get('balance.totalCash'), c.currency)}, la dette totale de "
        f"{w.money(c.get('balance.totalDebt'), c.currency)}."
    )


def trimestre(w: Writer, c: Company) -> str | None:
    quarters = c.series("quarterly", "totalRevenue")
    if len(quarters) < 3:
        return None
    days = [day for day, _ in quarters]
    return f"Au {w.quarter(quarters[-1][0], days)}, les ventes ont atteint {w.money(quarters[-1][1], c.currency)}."


def salaries(w: Writer, c: Company) -> str | None:
    if not _has(c, "profile.fullTimeEmployees"):
        return None
    return f"{w.company(c)} compte {w.count(c.get('profile.fullTimeEmployees'))} collaborateurs."


ENGLISH: tuple[Part, ...] = (
    revenue_year, revenue_level, market, price_range, quarter, quarter_change, income, margins, cash_debt, net_debt,
    employees, multiples, analysts, compound, enterprise, liquidity, names_with_digits, insiders, gross, compare_size,
    dividend, shares_out,
)  # fmt: skip
GERMAN: tuple[Part, ...] = (umsatz, boersenwert, bruttomarge, mitarbeiter, liquide)
FRENCH: tuple[Part, ...] = (chiffre, capitalisation, marge, salaries)
HELD_OUT: dict[str, tuple[Part, ...]] = {
    "en": (loss_quarter, average_quarter, growth_word, cash_share, cash_flow, parenthesis, dated_price),
    "de": (quartal, unternehmenswert),
    "fr": (tresorerie, trimestre),
}
