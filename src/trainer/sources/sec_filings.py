"""The source `sec_filings`: what companies report to the US Securities and Exchange Commission (EDGAR).

EDGAR asks for a contact in the User-Agent and for at most ten requests a second; who does not keep to it is answered
403 with an HTML page.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.core.clock import Clock, isoformat
from trainer.core.errors import Problem, SourceError, UsageError, nearest
from trainer.core.values import Field, Json, RetrievalResult
from trainer.sources.base import (
    Health,
    Query,
    QueryField,
    Schema,
    Sink,
    check_query,
    fields_as_metadata,
    keep,
    storage_key,
)
from trainer.sources.edgar_shapes import LINES, Reported, shape_facts, shape_filings
from trainer.sources.web import Pace, Session

_QUERY = (
    QueryField("ticker", description="The company's symbol, or its CIK", required=True, example="ABBV"),
    QueryField(
        "kind",
        description="What to fetch",
        default="facts",
        choices=("facts", "filings"),
        example="facts",
    ),
    QueryField("years", type="integer", description="facts: how many fiscal years", example="5"),
    QueryField("known_on", type="date", description="facts: as known on that day", example="2024-06-30"),
    QueryField("forms", type="list", description="filings: which forms", example="10-K,10-Q"),
    QueryField("limit", type="integer", description="filings: how many of the newest", example="20"),
)
_ONLY = {"years": "facts", "known_on": "facts", "forms": "filings", "limit": "filings"}
_DEFAULTS: Mapping[str, Json] = {"years": 5, "limit": 20}
_CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class SECFilingsRetriever:
    """Speaks to EDGAR, or to any server that answers as it does (`base_url`, `data_url`)."""

    name = "sec_filings"
    local = False

    def __init__(
        self,
        *,
        clock: Clock,
        data_store: Sink | None = None,
        user_agent: str = "",
        base_url: str = "https://www.sec.gov",
        data_url: str = "https://data.sec.gov",
        per_second: float = 8.0,
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.5,
        ttl: int | None = None,
    ) -> None:
        self._site = base_url.rstrip("/")
        self._data = data_url.rstrip("/")
        self._user_agent = user_agent
        self._clock = clock
        self._data_store = data_store
        self._ttl = ttl
        self._web = Session("EDGAR", clock, user_agent, timeout, retries, backoff, pace=Pace(per_second))
        self._lock = threading.Lock()
        self._companies: dict[str, int] = {}

    def get_schema(self) -> Schema:
        """Ticker and kind, and the lines of the statements."""
        fields = {
            f"{period}.{line}": Field(title, {"money": "currency", "per share": "currency/share"}.get(kind, kind))
            for period in ("annual", "quarterly")
            for line, (title, kind, _) in LINES.items()
        }
        return Schema(
            self.name, "SEC EDGAR: reported figures and filings of companies listed in the US", _QUERY, fields
        )

    def key(self, query: Query) -> str:
        """The storage key of the answer to `query`: what it leaves out and what it says by default are one."""
        checked = _checked(query)
        return storage_key(self.name, {name: value for name, value in checked.items() if _DEFAULTS.get(name) != value})

    def retrieve(self, query: Query, store: bool = True) -> RetrievalResult:
        """One normalised answer, series in ascending order of date, figures exactly as filed."""
        checked = _checked(query)
        self._require_contact()
        cik = self._cik(str(checked["ticker"]))
        url, reported = self._facts(cik, checked) if checked["kind"] == "facts" else self._filings(cik, checked)
        if reported.as_of is None:
            raise SourceError(f"EDGAR has no {checked['kind']} of {checked['ticker']} that match the query")
        now = self._clock()
        metadata: dict[str, Json] = {
            "retrieved_at": isoformat(now),
            "subject": reported.data.get("name"),
            "as_of": reported.as_of,
            "url": url,
            "query": dict(query),
            "fields": fields_as_metadata(reported.fields),
        }
        result = RetrievalResult(reported.data, self.name, now, metadata)
        return keep(result, self.key(query), self._data_store if store else None, ttl=self._ttl)

    def health(self) -> Health:
        """Whether a contact is set and EDGAR answers."""
        try:
            self._require_contact()
            self._json(f"{self._site}/files/company_tickers.json", "list of companies", retries=0)
        except (SourceError, UsageError) as error:
            return Health(False, error.message)
        return Health(True, f"{self._site} answers")

    def _facts(self, cik: int, checked: Mapping[str, Json]) -> tuple[str, Reported]:
        url = f"{self._data}/api/xbrl/companyfacts/CIK{cik:010d}.json"
        body = self._json(url, f"facts of {checked['ticker']}")
        years = checked.get("years") or _DEFAULTS["years"]
        try:
            return url, shape_facts(body, years=int(years), known_on=checked.get("known_on"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unknown_shape(checked, error) from error

    def _filings(self, cik: int, checked: Mapping[str, Json]) -> tuple[str, Reported]:
        url = f"{self._data}/submissions/CIK{cik:010d}.json"
        company = self._json(url, f"filings of {checked['ticker']}")
        limit = int(checked.get("limit") or _DEFAULTS["limit"])
        forms = tuple(checked.get("forms") or ())
        try:
            pages = self._pages(company, checked)
            return url, shape_filings(company, pages, forms=forms, limit=limit, site=self._site)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unknown_shape(checked, error) from error

    def _pages(self, company: Mapping[str, Any], checked: Mapping[str, Json]) -> Iterator[Mapping[str, Any]]:
        """The newest filings, then the older pages, each fetched when it is needed."""
        yield company["filings"]["recent"]
        for older in company["filings"].get("files") or ():
            yield self._json(f"{self._data}/submissions/{older['name']}", f"filings of {checked['ticker']}")

    def _cik(self, ticker: str) -> int:
        """The number EDGAR knows the company by; the list of companies is fetched once."""
        if ticker.isdecimal():
            return int(ticker)
        with self._lock:
            if not self._companies:
                body = self._json(f"{self._site}/files/company_tickers.json", "list of companies")
                self._companies = {str(each["ticker"]).upper(): int(each["cik_str"]) for each in body.values()}
        if ticker not in self._companies:
            close = nearest(ticker, self._companies)
            hint = f'did you mean "{close}"? a CIK can be given instead' if close else "give its CIK instead"
            raise SourceError(f"EDGAR knows no company with the ticker {ticker}", hint=hint)
        return self._companies[ticker]

    def _json(self, url: str, what: str, retries: int | None = None) -> dict[str, Any]:
        answer = self._web.get(url, retries=retries)
        if answer.status == 404:
            raise SourceError(f"EDGAR has no {what}", hint="check the ticker; funds and foreign filers often have none")
        if answer.status == 403 or answer.is_html:
            hint = "wait ten minutes and ask less often (per_second); the contact in user_agent must be a real one"
            raise SourceError(f"EDGAR refused the {what}: {answer.status} with a page for people", hint=hint)
        try:
            body = json.loads(answer.body)
        except ValueError:
            body = None
        if answer.status != 200 or not isinstance(body, dict):
            raise SourceError(f"EDGAR answered {answer.status} for the {what}, and no data that can be read")
        return body

    def _require_contact(self) -> None:
        if not _CONTACT.search(self._user_agent):
            hint = 'set data_retriever.sources.sec_filings.user_agent, such as "Ann Example ann@example.org"'
            raise UsageError("EDGAR answers only those who name a contact", hint=hint)


def _checked(query: Query) -> dict[str, Json]:
    """The query with its defaults; raises UsageError for what does not fit its kind too."""
    checked = check_query(query, Schema("sec_filings", query=_QUERY))
    checked["ticker"] = str(checked["ticker"]).upper()
    kind = str(checked["kind"])
    problems = [
        Problem(f'the query field "{name}" is for kind {_ONLY[name]}, not {kind}')
        for name in sorted(checked)
        if _ONLY.get(name, kind) != kind
    ]
    problems += [
        Problem(f'the query field "{name}" must be at least 1')
        for name in ("years", "limit")
        if checked.get(name) is not None and checked[name] < 1
    ]
    if not re.fullmatch(r"[A-Z0-9.-]{1,12}", checked["ticker"]):
        problems.append(Problem(f'"{checked["ticker"]}" is not a ticker', hint="tickers look like ABBV or BRK-B"))
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)
    return checked


def _unknown_shape(checked: Mapping[str, Json], error: Exception) -> SourceError:
    message = f"EDGAR answered in a shape that is not known for the {checked['kind']} of {checked['ticker']}: {error}"
    return SourceError(message, hint="please report it with the ticker and the kind")
