"""Write the example's data files from recorded answers of Yahoo Finance.

    python scripts/normalise_recordings.py RECORDINGS information/data ABBV BFLY

RECORDINGS holds `quote-ABBV.json`, `quoteSummary-all-ABBV.json` and `fundamentalsTimeSeries-ABBV-*.json`, each
`{path, status, body}`. The shapes are those of the live source, since the same functions make them; only Yahoo's own
prose is left out, for it is not ours to pass on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from trainer.core.files import write_atomic
from trainer.sources.base import Fetched, fields_as_metadata
from trainer.sources.yahoo_fields import MODULES
from trainer.sources.yahoo_shapes import shape_fundamentals, shape_quote, shape_summary

PROSE = ("longBusinessSummary",)
SITE = "https://query2.finance.yahoo.com"


def main(arguments: list[str]) -> None:
    """Write `<TICKER>-<kind>.json` for every ticker; keys stay in the order in which a report would show them."""
    recordings, target = Path(arguments[0]), Path(arguments[1])
    for ticker in arguments[2:]:
        for kind, envelope in envelopes(recordings, ticker).items():
            text = json.dumps(envelope, indent=2, ensure_ascii=False) + "\n"
            write_atomic(target / f"{ticker}-{kind}.json", text)


def envelopes(recordings: Path, ticker: str) -> dict[str, dict[str, Any]]:
    """The envelopes of one ticker by kind."""
    quote = shape_quote(_body(recordings / f"quote-{ticker}.json"))
    summary = shape_summary(_summary(recordings / f"quoteSummary-all-{ticker}.json"))
    statements = [_body(path) for path in sorted(recordings.glob(f"fundamentalsTimeSeries-{ticker}-*.json"))]
    series = [each for body in statements for each in body["timeseries"]["result"]]
    fundamentals = shape_fundamentals({"timeseries": {"result": series}}, ticker)
    # A time series names no moment at which it was fetched; the summary's is the last one recorded with it.
    moments = {"quote": quote.data, "summary": summary.data["price"], "fundamentals": summary.data["price"]}
    shaped = {"quote": quote, "summary": summary, "fundamentals": fundamentals}
    return {kind: _envelope(kind, ticker, each, moments[kind]["regularMarketTime"]) for kind, each in shaped.items()}


def _envelope(kind: str, ticker: str, shaped: Fetched, retrieved_at: str) -> dict[str, Any]:
    paths = {
        "quote": f"/v7/finance/quote?symbols={ticker}",
        "summary": f"/v10/finance/quoteSummary/{ticker}",
        "fundamentals": f"/ws/fundamentals-timeseries/v1/finance/timeseries/{ticker}",
    }
    return {
        "source": "yahoo_finance",
        "retrieved_at": retrieved_at,
        "url": SITE + paths[kind],
        "subject": shaped.subject,
        "as_of": shaped.as_of,
        "fields": fields_as_metadata({path: each for path, each in shaped.fields.items() if not _is_prose(path)}),
        "data": _without_prose(shaped.data),
    }


def _summary(path: Path) -> dict[str, Any]:
    body = _body(path)
    modules = body["quoteSummary"]["result"][0]
    chosen = {name: modules[name] for name in MODULES if name in modules}
    return {"quoteSummary": {"result": [chosen], "error": None}}


def _body(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["body"]
    return body


def _without_prose(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_prose(value) for name, value in data.items() if name not in PROSE}
    return data


def _is_prose(path: str) -> bool:
    return path.rpartition(".")[2] in PROSE


if __name__ == "__main__":
    main(sys.argv[1:])
