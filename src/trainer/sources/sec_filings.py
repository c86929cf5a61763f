"""The source `sec_filings`: what companies report to the US Securities and Exchange Commission (EDGAR).

EDGAR asks for a contact in the User-Agent and for at most ten requests a second; who does not keep to it is answered
403 with an HTML page.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainer.core.errors import ConversionError, SourceError, UsageError, Where, nearest, unknown
from trainer.core.readings import DocumentText, read_file
from trainer.core.values import Field, Json
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.edgar_concept import concept_of, known_concepts, shape_concept
from trainer.sources.edgar_document import sections_of, visible_html
from trainer.sources.edgar_shapes import LINES, shape_facts, shape_filings
from trainer.sources.http_client import HTTPClient
from trainer.sources.network import literal_hosts
from trainer.sources.query import QueryField

_QUERY = (
    QueryField(
        "ticker",
        True,
        description="The company's symbol, such as ABBV or BRK-B, or its CIK",
        example="ABBV",
        pattern=r"[A-Z0-9.-]{1,12}",
        upper=True,
    ),
    QueryField(
        "kind",
        description="What to fetch",
        default="facts",
        choices=("facts", "concept", "filings", "document"),
        example="facts",
    ),
    QueryField(
        "concept",
        True,
        type="list",
        kind="concept",
        description="One figure: our line or the concepts that may hold it, the best first",
        example="totalRevenue",
    ),
    QueryField(
        "years",
        type="integer",
        kind="facts|concept",
        description="How many fiscal years",
        default=5,
        example="5",
        minimum=1,
    ),
    QueryField("known_on", type="date", kind="facts|concept", description="As known on that day", example="2024-06-30"),
    QueryField("form", kind="document", description="The newest of which form", default="10-K", example="10-K"),
    QueryField(
        "accession",
        kind="document",
        description="Or one filing by its number",
        example="0001551152-25-000020",
        pattern=r"\d{10}-?\d{2}-?\d{6}",
    ),
    QueryField("section", kind="document", description="One item alone: 1A, or II.1A", example="1A", upper=True),
    QueryField("forms", type="list", kind="filings", description="Which forms", example="10-K,10-Q"),
    QueryField(
        "limit",
        type="integer",
        kind="filings",
        description="How many of the newest",
        default=20,
        example="20",
        minimum=1,
    ),
)
_PER_SECOND = 10.0
"""What EDGAR allows, for an address and so for all processes of a machine."""
_CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class SECFilingsRetriever(DataRetriever):
    """Speaks to EDGAR, or to any server that answers as it does (`base_url`, `data_url`)."""

    name = "sec_filings"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        user_agent: str = "",
        base_url: str = "https://www.sec.gov",
        data_url: str = "https://data.sec.gov",
        per_second: float = _PER_SECOND,
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.5,
        proxy: str = "",
        ca_file: str = "",
        client_certificate: str = "",
        private_hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._site = base_url.rstrip("/")
        self._data = data_url.rstrip("/")
        self._user_agent = user_agent
        self._http = HTTPClient(
            "EDGAR",
            self.context,
            address=self._site,
            user_agent=user_agent,
            per_second=per_second,
            timeout=timeout,
            retries=retries,
            backoff=backoff,
            proxy=proxy,
            ca_file=ca_file,
            client_certificate=client_certificate,
            private_hosts=[*private_hosts, *literal_hosts(self._data)],
            max_bytes=200_000_000,  # the facts of a large company are 10 MB, and the limit is against a flood
        )
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

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """One normalised answer, series in ascending order of date, figures exactly as filed."""
        self._require_contact()
        cik = self._cik(str(query["ticker"]))
        fetch = {"facts": self._facts, "concept": self._facts, "filings": self._filings, "document": self._document}
        url, fetched = fetch[str(query["kind"])](cik, query)
        if fetched.as_of is None:
            raise SourceError(f"EDGAR has no {query['kind']} of {query['ticker']} that match the query")
        return replace(fetched, metadata={"url": url})

    def health(self) -> Health:
        """Whether a contact is set and EDGAR answers."""
        try:
            self._require_contact()
            self._json(f"{self._site}/files/company_tickers.json", "list of companies", retries=0)
        except (SourceError, UsageError) as error:
            return Health(False, error.message)
        return Health(True, f"{self._site} answers")

    def _facts(self, cik: int, query: Mapping[str, Json]) -> tuple[str, Fetched]:
        url = f"{self._data}/api/xbrl/companyfacts/CIK{cik:010d}.json"
        body = self._json(url, f"facts of {query['ticker']}")
        years, known_on = query["years"], query.get("known_on")
        try:
            if query["kind"] == "facts":
                return url, shape_facts(body, years=years, known_on=known_on)
            names = known_concepts(body)
            if not names.intersection(query["concept"]):
                message, hint = unknown(f"concept of {query['ticker']}", str(query["concept"][0]), names)
                raise SourceError(message, hint=hint[:300])
            return url, shape_concept(body, concept_of(query["concept"]), years=years, known_on=known_on)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unknown_shape(query, error) from error

    def _filings(self, cik: int, query: Mapping[str, Json]) -> tuple[str, Fetched]:
        url = f"{self._data}/submissions/CIK{cik:010d}.json"
        company = self._json(url, f"filings of {query['ticker']}")
        forms = tuple(query.get("forms") or ())
        try:
            pages = self._pages(company, query)
            return url, shape_filings(company, pages, forms=forms, limit=query["limit"], site=self._site)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unknown_shape(query, error) from error

    def _document(self, cik: int, query: Mapping[str, Json]) -> tuple[str, Fetched]:
        """The main document of one filing, by its parts and items."""
        company = self._json(f"{self._data}/submissions/CIK{cik:010d}.json", f"filings of {query['ticker']}")
        number = re.sub(r"\D", "", str(query.get("accession", "")))
        forms = () if number else (str(query["form"]),)
        try:
            pages = self._pages(company, query)
            listed = shape_filings(company, pages, forms=forms, limit=1, site=self._site, accession=number)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unknown_shape(query, error) from error
        described = f"filing {query['accession']}" if number else f"form {query['form']}"
        if not listed.data["filings"]:
            raise SourceError(f"EDGAR has no {described} of {query['ticker']}", hint="see: kind=filings")
        filing = listed.data["filings"][0]
        url = str(filing["url"])
        if url.endswith("/"):
            raise SourceError(f"the {described} of {query['ticker']} names no main document", hint=f"see {url}")
        return url, replace(self._read_document(url, filing, query), subject=listed.subject)

    def _read_document(self, url: str, filing: Mapping[str, Json], query: Mapping[str, Json]) -> Fetched:
        response = self._http.get(url)
        if response.status == 403 or _OVER_LIMIT in response.body[:5000]:
            raise _refused(f"document of {query['ticker']}", response.status)
        if response.status != 200:
            raise SourceError(f"EDGAR answered {response.status} for the document of {query['ticker']}")
        shown = url.rpartition("/")[2]
        is_page = response.is_html or b"<html" in response.body[:5000].lower()
        if shown.endswith((".htm", ".html")) and not is_page:
            raise SourceError(f"the document {shown} is no page", where=Where(url), hint="run the same command again")
        try:
            reading = read_file(visible_html(response.body), shown=shown, kind="html" if is_page else "auto")
        except ConversionError as error:
            raise SourceError(f"the document cannot be read: {error.message}", where=Where(url)) from error
        if not isinstance(reading, DocumentText):
            raise SourceError(f"the main document {shown} is data, not text", where=Where(url))
        sections = sections_of(reading.markdown)
        if not sections:
            raise SourceError(f"the document {shown} is empty", where=Where(url))
        names = ("form", "date", "reportDate", "accessionNumber", "description")
        data = {name: filing[name] for name in names if name in filing}
        if wanted := query.get("section"):
            chosen = [section for section in sections if wanted in (section.get("item"), _place(section))]
            if not chosen:
                places = ", ".join(place for section in sections if (place := _place(section)))
                raise SourceError(f"the document has no item {wanted}", where=Where(url), hint=f"it has {places}")
            sections = chosen
        data |= {"ticker": query["ticker"], "sections": sections}
        warnings = tuple(finding.message for finding in reading.findings)
        return Fetched(data, as_of=str(filing["date"]), fields={"date": Field("Filed on", "date")}, warnings=warnings)

    def _pages(self, company: Mapping[str, Any], query: Mapping[str, Json]) -> Iterator[Mapping[str, Any]]:
        """The newest filings, then the older pages, each fetched when it is needed."""
        yield company["filings"]["recent"]
        for older in company["filings"].get("files") or ():
            yield self._json(f"{self._data}/submissions/{older['name']}", f"filings of {query['ticker']}")

    def _cik(self, ticker: str) -> int:
        """The number EDGAR knows the company by; the list of companies is fetched once."""
        if ticker.isdecimal():
            return int(ticker)
        with self._lock:
            if not self._companies:
                body = self._json(f"{self._site}/files/company_tickers.json", "list of companies")
                try:
                    rows = [(str(row["ticker"]).upper(), int(row["cik_str"])) for row in body.values()]
                except (KeyError, TypeError, ValueError) as error:
                    raise SourceError(f"EDGAR's list of companies has a shape that is not known: {error}") from error
                self._companies = dict(rows)
        if ticker not in self._companies:
            close = nearest(ticker, self._companies)
            hint = f'did you mean "{close}"? a CIK can be given instead' if close else "give its CIK instead"
            raise SourceError(f"EDGAR knows no company with the ticker {ticker}", hint=hint)
        return self._companies[ticker]

    def _json(self, url: str, what: str, retries: int | None = None) -> dict[str, Any]:
        response = self._http.get(url, retries=retries)
        if response.status == 404:
            raise SourceError(f"EDGAR has no {what}", hint="check the ticker; funds and foreign filers often have none")
        if response.status == 403 or response.is_html:
            raise _refused(what, response.status)
        try:
            body = response.json()
        except SourceError:
            body = None
        if response.status != 200 or not isinstance(body, dict):
            raise SourceError(f"EDGAR answered {response.status} for the {what}, and no data that can be read")
        return body

    def _require_contact(self) -> None:
        if not _CONTACT.search(self._user_agent):
            hint = 'set data_retriever.sources.sec_filings.user_agent, such as "Ann Example ann@example.org"'
            raise UsageError("EDGAR answers only those who name a contact", hint=hint)


_OVER_LIMIT = b"Request Rate Threshold Exceeded"


def _place(section: Mapping[str, Json]) -> str:
    """Part and item of a section: `II.1A`."""
    return ".".join(str(section[name]) for name in ("part", "item") if name in section)


def _refused(what: str, status: int) -> SourceError:
    hint = "wait ten minutes and ask less often (per_second); the contact in user_agent must be a real one"
    return SourceError(f"EDGAR refused the {what}: {status} with a page for people", hint=hint)


def _unknown_shape(query: Mapping[str, Json], error: Exception) -> SourceError:
    message = f"EDGAR answered in a shape that is not known for the {query['kind']} of {query['ticker']}: {error}"
    return SourceError(message, hint="please report it with the ticker and the kind")
