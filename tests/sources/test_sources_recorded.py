"""Answers that the services once gave, where TRAINER_TEST_RECORDED names their folder: nothing changes on the way.

The folder holds `yahoo/*.json` (`{path, status, body}`), and EDGAR's answers under `edgar/` by their paths.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from trainer.core import strictjson
from trainer.sources.edgar_shapes import shape_facts, shape_filings
from trainer.sources.validation import oddities
from trainer.sources.yahoo_fields import ESTIMATES
from trainer.sources.yahoo_finance import _SHAPES
from trainer.sources.yahoo_shapes import NoData

FOLDER = Path(os.environ.get("TRAINER_TEST_RECORDED", "/nowhere"))
YAHOO = sorted(FOLDER.glob("yahoo/*.json"))
EDGAR = sorted(FOLDER.glob("edgar/*/*.json"))
KINDS = {
    "/v7/finance/quote": "quote",
    "/v10/finance/quoteSummary": "summary",
    "/v8/finance/chart": "chart",
    "/ws/fundamentals-timeseries": "fundamentals",
    "/v7/finance/options": "options",
    "/ws/insights": "insights",
    "/v1/finance/search": "search",
    "/v6/finance/recommendationsbysymbol": "similar",
}
OURS = {"amount", "ratio", *ESTIMATES}
"""Names that Yahoo uses for something else; their values are still looked for."""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="TRAINER_TEST_RECORDED names no folder of recordings")


def figures(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number with the nearest name above it; a `{raw, fmt}` pair is a number."""
    if isinstance(value, dict):
        if "raw" in value:
            yield from figures(value["raw"], name)
        else:
            for part, item in value.items():
                yield from figures(item, part)
    elif isinstance(value, list):
        for item in value:
            yield from figures(item, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


@pytest.mark.parametrize("path", YAHOO, ids=lambda path: path.stem)
def test_a_recorded_answer_of_yahoo_is_normalised_valid_and_holds_the_figures_that_came(path):
    recorded = json.loads(path.read_text(encoding="utf-8"))
    kind = next(kind for prefix, kind in KINDS.items() if recorded["path"].startswith(prefix))
    try:
        shaped = _SHAPES[kind](recorded["body"], unquote(urlsplit(recorded["path"]).path.rpartition("/")[2]))
    except NoData:
        held = {name for name, _ in figures(recorded["body"])}
        assert not {"close", "lastPrice", "strike", "reportedValue"} & held
        return

    assert list(oddities(shaped.data, shaped.fields, as_of=shaped.as_of)) == []
    assert strictjson.read_json(json.dumps(shaped.data), shown="x") == shaped.data
    raw = list(figures(recorded["body"]))
    values, pairs = {value for _, value in raw}, {(name.casefold(), value) for name, value in raw}
    for name, value in figures(shaped.data):
        assert value in values, (name, value)
        is_known = any(theirs == name.casefold() for theirs, _ in pairs) and name not in OURS
        assert not is_known or (name.casefold(), value) in pairs, (name, value)


@pytest.mark.parametrize("path", EDGAR, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_answer_of_edgar_is_normalised_valid_and_holds_the_figures_that_came(path):
    body = json.loads(path.read_text(encoding="utf-8"))
    if path.parent.name == "companyfacts":
        shaped = shape_facts(body, years=50)
        raw = {
            (fact["end"], fact["val"])
            for concept in body["facts"].get("us-gaap", {}).values()
            for facts in concept["units"].values()
            for fact in facts
        }
        rows = [row for series in ("annual", "quarterly") for row in shaped.data[series]]
        assert sum(len(row) for row in rows) > 100
        for row in rows:
            for name, value in row.items():
                assert name in ("date", "filed") or (row["date"], value) in raw, (row["date"], name)
    else:
        shaped = shape_filings(body, [body["filings"]["recent"]], forms=(), limit=10_000, site="https://x.example")
        recent = body["filings"]["recent"]
        raw = dict(zip(recent["accessionNumber"], zip(recent["form"], recent["filingDate"], strict=True), strict=True))
        assert {row["accessionNumber"]: (row["form"], row["date"]) for row in shaped.data["filings"]} == raw
        assert [row["date"] for row in shaped.data["filings"]] == sorted(recent["filingDate"])

    assert list(oddities(shaped.data, shaped.fields, as_of=shaped.as_of)) == []
    assert strictjson.read_json(json.dumps(shaped.data), shown="x") == shaped.data


def test_there_are_recordings():
    assert len(YAHOO) >= 50
    assert len(EDGAR) >= 4
