"""What Yahoo's figures mean: titles and units by section, since the same name is a percent here and a fraction there.

A unit of `price` becomes the quote's currency per share, `quote` the quote's currency, `books` the currency the
company reports in, `eps` that currency per share. `epoch` values become ISO dates, `moment` values ISO date-times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

FieldTable: TypeAlias = Mapping[str, tuple[str, str]]
"""Yahoo's name -> title and unit, in the order in which a report would show them."""

SUBUNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS", "KWF": "KWD"}
"""What shares are quoted in -> the currency it is a part of, in which Yahoo gives the value of the company."""

RENAMED = {"fiftyTwoWeekChange": "52WeekChange", "indexFiftyTwoWeekChange": "SandP52WeekChange"}
"""Our name -> Yahoo's, where a template could not write Yahoo's after a dot."""

QUOTE: FieldTable = {
    "regularMarketTime": ("Time of the price", "moment"),
    "regularMarketPrice": ("Share price", "price"),
    "regularMarketChange": ("Change on the day", "price"),
    "regularMarketChangePercent": ("Change on the day", "percent"),
    "regularMarketPreviousClose": ("Previous close", "price"),
    "regularMarketOpen": ("Open", "price"),
    "regularMarketDayLow": ("Day's low", "price"),
    "regularMarketDayHigh": ("Day's high", "price"),
    "regularMarketVolume": ("Volume", "shares"),
    "averageDailyVolume10Day": ("Average daily volume, 10 days", "shares"),
    "averageDailyVolume3Month": ("Average daily volume, 3 months", "shares"),
    "marketCap": ("Market capitalisation", "quote"),
    "sharesOutstanding": ("Shares outstanding", "shares"),
    "fiftyTwoWeekLow": ("52-week low", "price"),
    "fiftyTwoWeekHigh": ("52-week high", "price"),
    "fiftyTwoWeekChangePercent": ("52-week change", "percent"),
    "fiftyTwoWeekLowChangePercent": ("Distance from the 52-week low", "fraction"),
    "fiftyTwoWeekHighChangePercent": ("Distance from the 52-week high", "fraction"),
    "fiftyDayAverage": ("50-day average", "price"),
    "twoHundredDayAverage": ("200-day average", "price"),
    "trailingPE": ("Price to trailing earnings", "ratio"),
    "forwardPE": ("Price to forward earnings", "ratio"),
    "priceEpsCurrentYear": ("Price to this year's earnings", "ratio"),
    "priceToBook": ("Price to book", "ratio"),
    "bookValue": ("Book value per share", "eps"),
    "epsTrailingTwelveMonths": ("Earnings per share, trailing 12 months", "eps"),
    "epsCurrentYear": ("Earnings per share, this year's estimate", "eps"),
    "epsForward": ("Earnings per share, forward", "eps"),
    "dividendRate": ("Dividend, forward annual rate", "price"),
    "dividendYield": ("Dividend yield, forward", "percent"),
    "trailingAnnualDividendRate": ("Dividend, trailing 12 months", "price"),
    "trailingAnnualDividendYield": ("Dividend yield, trailing", "fraction"),
    "dividendDate": ("Dividend payment date", "epoch"),
    "earningsTimestampStart": ("Next earnings date", "epoch"),
    "averageAnalystRating": ("Average analyst rating", "text"),
}

PROFILE: FieldTable = {
    "sector": ("Sector", "text"),
    "industry": ("Industry", "text"),
    "fullTimeEmployees": ("Full-time employees", "count"),
    "city": ("City", "text"),
    "state": ("State", "text"),
    "country": ("Country", "text"),
    "website": ("Website", "text"),
    "longBusinessSummary": ("Business summary", "text"),
}

PRICE: FieldTable = {
    "regularMarketTime": ("Time of the price", "moment"),
    "regularMarketPrice": ("Share price", "price"),
    "regularMarketChange": ("Change on the day", "price"),
    "regularMarketChangePercent": ("Change on the day", "fraction"),
    "regularMarketPreviousClose": ("Previous close", "price"),
    "regularMarketDayLow": ("Day's low", "price"),
    "regularMarketDayHigh": ("Day's high", "price"),
    "regularMarketVolume": ("Volume", "shares"),
    "averageDailyVolume3Month": ("Average daily volume, 3 months", "shares"),
    "marketCap": ("Market capitalisation", "quote"),
    "fiftyTwoWeekLow": ("52-week low", "price"),
    "fiftyTwoWeekHigh": ("52-week high", "price"),
    "fiftyTwoWeekChange": ("52-week change", "fraction"),
    "indexFiftyTwoWeekChange": ("52-week change of the S&P 500", "fraction"),
    "fiftyDayAverage": ("50-day average", "price"),
    "twoHundredDayAverage": ("200-day average", "price"),
    "beta": ("Beta", "ratio"),
}

VALUATION: FieldTable = {
    "enterpriseValue": ("Enterprise value", "quote"),
    "trailingPE": ("Price to trailing earnings", "ratio"),
    "forwardPE": ("Price to forward earnings", "ratio"),
    "pegRatio": ("PEG ratio", "ratio"),
    "priceToSalesTrailing12Months": ("Price to sales, trailing 12 months", "ratio"),
    "priceToBook": ("Price to book", "ratio"),
    "enterpriseToRevenue": ("Enterprise value to revenue", "ratio"),
    "enterpriseToEbitda": ("Enterprise value to EBITDA", "ratio"),
}

FINANCIALS: FieldTable = {
    "lastFiscalYearEnd": ("Last fiscal year ended", "epoch"),
    "mostRecentQuarter": ("Most recent quarter ended", "epoch"),
    "totalRevenue": ("Revenue, trailing 12 months", "books"),
    "revenueGrowth": ("Revenue growth, latest quarter on year", "fraction"),
    "earningsGrowth": ("Earnings growth, latest quarter on year", "fraction"),
    "revenuePerShare": ("Revenue per share", "eps"),
    "grossProfits": ("Gross profit, trailing 12 months", "books"),
    "ebitda": ("EBITDA, trailing 12 months", "books"),
    "netIncomeToCommon": ("Net income to common shareholders, trailing 12 months", "books"),
    "operatingCashflow": ("Operating cash flow, trailing 12 months", "books"),
    "freeCashflow": ("Free cash flow, trailing 12 months", "books"),
    "grossMargins": ("Gross margin, trailing 12 months", "fraction"),
    "operatingMargins": ("Operating margin, latest quarter", "fraction"),
    "ebitdaMargins": ("EBITDA margin, trailing 12 months", "fraction"),
    "profitMargins": ("Net margin, trailing 12 months", "fraction"),
    "returnOnAssets": ("Return on assets", "fraction"),
    "returnOnEquity": ("Return on equity", "fraction"),
    "trailingEps": ("Earnings per share, trailing 12 months", "eps"),
    "forwardEps": ("Earnings per share, forward", "eps"),
}

BALANCE: FieldTable = {
    "totalCash": ("Cash and short-term investments", "books"),
    "totalCashPerShare": ("Cash per share", "eps"),
    "totalDebt": ("Total debt", "books"),
    "debtToEquity": ("Debt to equity", "percent"),
    "currentRatio": ("Current ratio", "ratio"),
    "quickRatio": ("Quick ratio", "ratio"),
    "bookValue": ("Book value per share", "eps"),
}

DIVIDEND: FieldTable = {
    "dividendRate": ("Dividend, forward annual rate", "price"),
    "dividendYield": ("Dividend yield, forward", "fraction"),
    "trailingAnnualDividendRate": ("Dividend, trailing 12 months", "price"),
    "trailingAnnualDividendYield": ("Dividend yield, trailing", "fraction"),
    "fiveYearAvgDividendYield": ("Dividend yield, five-year average", "percent"),
    "payoutRatio": ("Payout ratio", "fraction"),
    "lastDividendValue": ("Last dividend", "price"),
    "exDividendDate": ("Ex-dividend date", "epoch"),
    "dividendDate": ("Dividend payment date", "epoch"),
}

SHARES: FieldTable = {
    "sharesOutstanding": ("Shares outstanding", "shares"),
    "floatShares": ("Shares in free float", "shares"),
    "sharesShort": ("Shares sold short", "shares"),
    "sharesShortPriorMonth": ("Shares sold short, a month earlier", "shares"),
    "dateShortInterest": ("Date of the short interest", "epoch"),
    "shortRatio": ("Days to cover", "ratio"),
    "shortPercentOfFloat": ("Short interest, share of the float", "fraction"),
    "heldPercentInsiders": ("Held by insiders", "fraction"),
    "heldPercentInstitutions": ("Held by institutions", "fraction"),
    "institutionsCount": ("Institutional holders", "count"),
}

ANALYSTS: FieldTable = {
    "targetLowPrice": ("Lowest price target", "price"),
    "targetMeanPrice": ("Mean price target", "price"),
    "targetMedianPrice": ("Median price target", "price"),
    "targetHighPrice": ("Highest price target", "price"),
    "numberOfAnalystOpinions": ("Analysts with an opinion", "count"),
    "recommendationMean": ("Mean recommendation, 1 (strong buy) to 5 (sell)", "ratio"),
    "recommendationKey": ("Consensus", "text"),
}

CALENDAR: FieldTable = {
    "earningsDate": ("Next earnings date", "epoch"),
    "isEarningsDateEstimate": ("Whether that date is an estimate", ""),
}

SECTIONS: Mapping[str, tuple[FieldTable, tuple[str, ...]]] = {
    "profile": (PROFILE, ("assetProfile", "summaryProfile")),
    "price": (PRICE, ("price", "summaryDetail", "defaultKeyStatistics")),
    "valuation": (VALUATION, ("summaryDetail", "defaultKeyStatistics")),
    "financials": (FINANCIALS, ("financialData", "defaultKeyStatistics")),
    "balance": (BALANCE, ("financialData", "defaultKeyStatistics")),
    "dividend": (DIVIDEND, ("summaryDetail", "defaultKeyStatistics", "calendarEvents")),
    "shares": (SHARES, ("defaultKeyStatistics", "majorHoldersBreakdown")),
    "analysts": (ANALYSTS, ("financialData",)),
    "calendar": (CALENDAR, ("calendarEvents.earnings",)),
}
"""Section of a summary -> its table, and Yahoo's modules that fill it, the first that has a figure wins."""

MODULES = (
    "assetProfile",
    "calendarEvents",
    "defaultKeyStatistics",
    "earningsHistory",
    "earningsTrend",
    "financialData",
    "incomeStatementHistory",
    "incomeStatementHistoryQuarterly",
    "majorHoldersBreakdown",
    "price",
    "quoteType",
    "recommendationTrend",
    "summaryDetail",
)
"""What a summary asks for where the query names no modules."""

RESULTS: FieldTable = {
    "totalRevenue": ("Revenue", "books"),
    "netIncome": ("Net income", "books"),
    "epsActual": ("Earnings per share, adjusted", "eps"),
    "epsEstimate": ("Earnings per share, adjusted, estimate before the report", "eps"),
    "surprisePercent": ("Surprise", "fraction"),
}

ESTIMATES: FieldTable = {
    "epsAverage": ("Earnings per share, mean estimate", "eps"),
    "epsLow": ("Earnings per share, lowest estimate", "eps"),
    "epsHigh": ("Earnings per share, highest estimate", "eps"),
    "epsYearAgo": ("Earnings per share, a year earlier", "eps"),
    "epsGrowth": ("Earnings growth, estimate", "fraction"),
    "epsAnalysts": ("Analysts of the earnings estimate", "count"),
    "revenueAverage": ("Revenue, mean estimate", "books"),
    "revenueLow": ("Revenue, lowest estimate", "books"),
    "revenueHigh": ("Revenue, highest estimate", "books"),
    "revenueYearAgo": ("Revenue, a year earlier", "books"),
    "revenueGrowth": ("Revenue growth, estimate", "fraction"),
    "revenueAnalysts": ("Analysts of the revenue estimate", "count"),
}

RECOMMENDATIONS: FieldTable = {
    "strongBuy": ("Strong buy", "count"),
    "buy": ("Buy", "count"),
    "hold": ("Hold", "count"),
    "sell": ("Sell", "count"),
    "strongSell": ("Strong sell", "count"),
}

PRICES: FieldTable = {
    "open": ("Open", "price"),
    "high": ("High", "price"),
    "low": ("Low", "price"),
    "close": ("Close", "price"),
    "adjClose": ("Close, adjusted for splits and dividends", "price"),
    "volume": ("Volume", "shares"),
}

CONTRACT: FieldTable = {
    "contractSymbol": ("Contract", "text"),
    "strike": ("Strike", "price"),
    "lastPrice": ("Last price", "price"),
    "bid": ("Bid", "price"),
    "ask": ("Ask", "price"),
    "change": ("Change on the day", "price"),
    "percentChange": ("Change on the day", "percent"),
    "volume": ("Volume", "count"),
    "openInterest": ("Open interest", "count"),
    "impliedVolatility": ("Implied volatility", "fraction"),
    "inTheMoney": ("Whether it is in the money", ""),
    "currency": ("Currency", "text"),
    "contractSize": ("Size", "text"),
    "expiration": ("Expiration", "epoch"),
    "lastTradeDate": ("Last traded", "moment"),
}

STATEMENTS: Mapping[str, FieldTable] = {
    "financials": {
        "totalRevenue": ("Revenue", "books"),
        "costOfRevenue": ("Cost of revenue", "books"),
        "grossProfit": ("Gross profit", "books"),
        "researchAndDevelopment": ("Research and development", "books"),
        "sellingGeneralAndAdministration": ("Selling, general and administration", "books"),
        "sellingAndMarketingExpense": ("Selling and marketing", "books"),
        "generalAndAdministrativeExpense": ("General and administration", "books"),
        "otherOperatingExpenses": ("Other operating expenses", "books"),
        "operatingExpense": ("Operating expenses", "books"),
        "operatingIncome": ("Operating income", "books"),
        "interestExpense": ("Interest expense", "books"),
        "interestIncome": ("Interest income", "books"),
        "pretaxIncome": ("Income before tax", "books"),
        "taxProvision": ("Income tax", "books"),
        "taxRateForCalcs": ("Tax rate", "fraction"),
        "netIncome": ("Net income", "books"),
        "netIncomeCommonStockholders": ("Net income to common shareholders", "books"),
        "dilutedEPS": ("Earnings per share, diluted", "eps"),
        "basicEPS": ("Earnings per share, basic", "eps"),
        "dilutedAverageShares": ("Average shares, diluted", "shares"),
        "basicAverageShares": ("Average shares, basic", "shares"),
        "ebit": ("EBIT", "books"),
        "ebitda": ("EBITDA", "books"),
        "normalizedEBITDA": ("EBITDA without unusual items", "books"),
        "normalizedIncome": ("Net income without unusual items", "books"),
        "totalUnusualItems": ("Unusual items", "books"),
        "reconciledDepreciation": ("Depreciation and amortisation", "books"),
    },
    "balance-sheet": {
        "totalAssets": ("Total assets", "books"),
        "currentAssets": ("Current assets", "books"),
        "cashAndCashEquivalents": ("Cash and cash equivalents", "books"),
        "cashCashEquivalentsAndShortTermInvestments": ("Cash and short-term investments", "books"),
        "accountsReceivable": ("Accounts receivable", "books"),
        "inventory": ("Inventory", "books"),
        "netPPE": ("Property, plant and equipment, net", "books"),
        "goodwillAndOtherIntangibleAssets": ("Goodwill and other intangible assets", "books"),
        "totalLiabilitiesNetMinorityInterest": ("Total liabilities", "books"),
        "currentLiabilities": ("Current liabilities", "books"),
        "accountsPayable": ("Accounts payable", "books"),
        "currentDebt": ("Debt due within a year", "books"),
        "longTermDebt": ("Long-term debt", "books"),
        "totalDebt": ("Total debt", "books"),
        "netDebt": ("Net debt", "books"),
        "stockholdersEquity": ("Shareholders' equity", "books"),
        "retainedEarnings": ("Retained earnings", "books"),
        "workingCapital": ("Working capital", "books"),
        "tangibleBookValue": ("Tangible book value", "books"),
        "ordinarySharesNumber": ("Shares outstanding", "shares"),
    },
    "cash-flow": {
        "operatingCashFlow": ("Operating cash flow", "books"),
        "investingCashFlow": ("Investing cash flow", "books"),
        "financingCashFlow": ("Financing cash flow", "books"),
        "capitalExpenditure": ("Capital expenditure", "books"),
        "freeCashFlow": ("Free cash flow", "books"),
        "stockBasedCompensation": ("Stock-based compensation", "books"),
        "depreciationAndAmortization": ("Depreciation and amortisation, cash flow", "books"),
        "cashDividendsPaid": ("Dividends paid", "books"),
        "repurchaseOfCapitalStock": ("Shares bought back", "books"),
        "netIssuancePaymentsOfDebt": ("Debt issued less debt repaid", "books"),
        "changeInWorkingCapital": ("Change in working capital", "books"),
        "endCashPosition": ("Cash at the end of the period", "books"),
    },
}
"""Statement -> what is asked of it; Yahoo's own names begin with the period and a capital: `annualTotalRevenue`."""
