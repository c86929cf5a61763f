"""The source `api`: any REST service that answers in JSON, JSON Lines or CSV, described in config.yaml.

    data_retriever:
      sources:
        api:
          apis:
            trials:
              base_url: https://clinicaltrials.gov/api/v2
              paging: {kind: cursor, parameter: pageToken, next: /nextPageToken}
              select: /studies

Then `{source: api, api: trials, path: /studies, query.term: atopic dermatitis}` is a query: fields that are not the
source's own become URL parameters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from trainer.core.clock import Clock, isoformat
from trainer.core.errors import Problem, SourceError, UsageError, Where
from trainer.core.values import Json, RetrievalResult
from trainer.sources.api_settings import Api, Paging, read_apis, secrets
from trainer.sources.base import Health, Query, QueryField, Schema, Sink, check_query, keep, storage_key
from trainer.sources.file_formats import read_data
from trainer.sources.pointer import NotThere, is_pointer, resolve
from trainer.sources.web import Answer, Pace, Session

_MOST_PAGES = 100
_FORMATS = {"ndjson": ".jsonl", "jsonl": ".jsonl", "json": ".json", "csv": ".csv", "tab-separated-values": ".tsv"}
_PATH = QueryField("path", True, description="The resource, after the service's base_url", example="/studies")
_OWN = (
    QueryField("select", description="JSON pointer to the data in the answer", example="/studies"),
    QueryField("pages", type="integer", description="Most pages to ask for", example="1"),
)


class APIRetriever:
    """Asks the REST services that config.yaml describes."""

    name = "api"
    local = False

    def __init__(
        self,
        *,
        clock: Clock,
        data_store: Sink | None = None,
        apis: Mapping[str, Any] | None = None,
        user_agent: str = "trainer",
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.5,
        ttl: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._clock = clock
        self._data_store = data_store
        self._apis = read_apis(apis or {})
        self._environ = os.environ if environ is None else environ
        self._ttl = ttl
        self._webs = {
            name: Session(name, clock, user_agent, timeout, retries, backoff, pace=Pace(api.per_second))
            for name, api in self._apis.items()
        }

    def get_schema(self) -> Schema:
        """Which service, which resource; other fields become URL parameters."""
        described = ", ".join(sorted(self._apis)) or "none is configured"
        service = QueryField(
            "api", True, description="The service", example="trials", choices=tuple(sorted(self._apis))
        )
        return Schema(self.name, f"REST services: {described}", (service, _PATH, *_OWN), extra_fields=True)

    def key(self, query: Query) -> str:
        """The storage key of the answer to `query`."""
        return storage_key(self.name, self._checked(query), leading=("api", "path"))

    def retrieve(self, query: Query, store: bool = True) -> RetrievalResult:
        """The data of all pages; a list becomes `records`."""
        checked = self._checked(query)
        name = str(checked["api"])
        api, parameters = self._apis[name], _parameters(self._apis[name], checked)
        url = api.base_url.rstrip("/") + "/" + str(checked["path"]).lstrip("/")
        data = self._data(name, url, parameters, checked)
        now = self._clock()
        metadata: dict[str, Json] = {
            "retrieved_at": isoformat(now),
            "subject": api.subject or name,
            "url": _with(url, parameters),
            "query": dict(query),
            "fields": {path: dict(meaning) for path, meaning in api.fields.items()},
        }
        result = RetrievalResult(data, self.name, now, metadata)
        return keep(result, self.key(query), self._data_store if store else None, ttl=self._ttl)

    def health(self) -> Health:
        """Whether every service answers and its secrets are set."""
        if not self._apis:
            return Health(False, "no service is described under data_retriever.sources.api.apis")
        for name, api in sorted(self._apis.items()):
            try:
                secrets(api.auth, self._environ)
                self._webs[name].get(api.base_url, retries=0)
            except (SourceError, UsageError) as error:
                return Health(False, f"{name}: {error.message}")
        return Health(True, f"reaches {', '.join(sorted(self._apis))}")

    def _checked(self, query: Query) -> dict[str, Json]:
        checked = check_query(query, self.get_schema())
        problems = []
        if not is_pointer(str(checked.get("select", ""))):
            problems.append(Problem('the query field "select" is not a JSON pointer', hint="begin it with /"))
        if re.search(r"[?#\s]|(^|/)\.\.(/|$)|^[a-z]+:|^//", str(checked["path"])):
            hint = "name the resource alone; other query fields become URL parameters"
            problems.append(Problem(f'the query field "path" is not a path: "{checked["path"]}"', hint=hint))
        if problems:
            raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)
        return checked

    def _data(self, name: str, url: str, parameters: Mapping[str, str], checked: Mapping[str, Json]) -> dict[str, Json]:
        api = self._apis[name]
        pointer = str(checked.get("select", api.select))
        parts = [_selected(page, pointer, shown) for shown, page in self._pages(name, url, parameters, checked)]
        if len(parts) == 1 and isinstance(parts[0], dict):
            return parts[0]
        if len(parts) == 1 and not isinstance(parts[0], list):
            return {"value": parts[0]}
        if not all(isinstance(part, list) for part in parts):
            hint = "set select to the JSON pointer of the list of records"
            raise SourceError(f"{name} answers in pages, and what is selected is not a list", hint=hint)
        return {"records": [record for part in parts for record in part]}

    def _pages(
        self, name: str, url: str, parameters: Mapping[str, str], checked: Mapping[str, Json]
    ) -> Iterator[tuple[str, Json]]:
        """Every page with the URL it is shown by; the secrets are in neither."""
        api = self._apis[name]
        headers, hidden = secrets(api.auth, self._environ)
        limit = checked.get("pages")
        address: str | None = _with(url, {**_first_page(api.paging), **parameters})
        for number in range(_MOST_PAGES):
            if address is None or (limit is not None and number >= limit):
                return
            answer = self._webs[name].get(_with(address, hidden), headers=api.headers, secret_headers=headers)
            page = _read(answer, name, address, [*hidden.values(), *(value.split()[-1] for value in headers.values())])
            yield address, page
            following = _next(api, answer, page, address, pointer=str(checked.get("select", api.select)))
            address = following and _without(following, hidden)
        if address is not None and limit is None:
            hint = "narrow the query, or say with pages how many are enough"
            raise SourceError(f"{name} has more than {_MOST_PAGES} pages", hint=hint)


def _parameters(api: Api, checked: Mapping[str, Json]) -> dict[str, str]:
    own = {"api", "path", *(each.name for each in _OWN)}
    given = {**api.parameters, **{name: value for name, value in checked.items() if name not in own}}
    return {name: _word(value) for name, value in sorted(given.items()) if value is not None}


def _word(value: Json) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_word(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters in place of its own of the same name."""
    bare = _without(url, parameters)
    return f"{bare}{'&' if '?' in bare else '?'}{urlencode(parameters)}" if parameters else bare


def _without(url: str, names: Mapping[str, str]) -> str:
    """The URL without these parameters: some services repeat our key in the link to the next page."""
    parts = urlsplit(url)
    pairs = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _read(answer: Answer, name: str, shown: str, hidden: Sequence[str]) -> Json:
    """The data of an answer; raises SourceError for everything else, without the secrets it may repeat."""
    if answer.status != 200:
        said = re.sub(r"\s+", " ", answer.body[:2000].decode("utf-8", "replace")).strip()
        for secret in hidden:
            said = said.replace(secret, "***")
        said = said[:200]
        hint = "check its key and what it may ask for" if answer.status in (401, 403) else "check path and parameters"
        message = f"{name} answered {answer.status}" + (f": {said}" if said and not answer.is_html else "")
        raise SourceError(message, where=Where(shown), hint=hint)
    if answer.is_html:
        raise SourceError(f"{name} answered with a page for people", where=Where(shown), hint="check path and base_url")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = next((suffix for word, suffix in _FORMATS.items() if kind.endswith(word)), ".json")
    try:
        return read_data(answer.body, f"{shown}{suffix}")
    except SourceError as error:
        where = Where(shown, error.where.line, error.where.column) if error.where else Where(shown)
        raise SourceError(f"{name}: {error.message}", where=where, hint=error.hint) from None


def _selected(page: Json, pointer: str, shown: str) -> Json:
    try:
        found = resolve(page, pointer)
    except NotThere as error:
        raise SourceError(str(error), where=Where(shown), hint="set select to where the data is") from None
    records = found.get("records") if isinstance(found, dict) and found.keys() == {"records"} else None
    return found if records is None else records


def _first_page(paging: Paging | None) -> dict[str, str]:
    if paging is None:
        return {}
    size = {paging.size_parameter: str(paging.size)} if paging.size_parameter and paging.size else {}
    return {**size, paging.parameter: str(paging.start)} if paging.kind in ("page", "offset") else size


def _next(api: Api, answer: Answer, page: Json, address: str, *, pointer: str) -> str | None:
    """The address of the page after this one; None where this is the last."""
    if api.paging is None:
        return None
    address_next = _FOLLOWING[api.paging.kind](api.paging, answer, page, address, pointer)
    if address_next is not None and urlsplit(address_next)[:2] != urlsplit(api.base_url)[:2]:
        raise SourceError("the next page is on another server", where=Where(address_next))
    return None if address_next == address else address_next


def _by_count(paging: Paging, _answer: Answer, page: Json, address: str, pointer: str) -> str | None:
    records = _selected(page, pointer, address)
    count = len(records) if isinstance(records, list) else 0
    if count == 0 or count < paging.size:
        return None
    now = int(dict(parse_qsl(urlsplit(address).query))[paging.parameter])
    return _with(address, {paging.parameter: str(now + (count if paging.kind == "offset" else 1))})


def _by_cursor(paging: Paging, _answer: Answer, page: Json, address: str, _pointer: str) -> str | None:
    try:
        cursor = resolve(page, paging.next)
    except NotThere:
        return None
    return _with(address, {paging.parameter: str(cursor)}) if cursor not in (None, "", False) else None


def _by_link(paging: Paging, answer: Answer, page: Json, address: str, _pointer: str) -> str | None:
    link = re.search(r'<([^>]*)>\s*;[^,]*\brel="?next"?', answer.headers.get("link", ""))
    if link:
        return str(urljoin(address, link.group(1)))
    try:
        following = resolve(page, paging.next) if paging.next else None
    except NotThere:
        return None
    return str(urljoin(address, str(following))) if following else None


_FOLLOWING: Mapping[str, Callable[[Paging, Answer, Json, str, str], str | None]] = {
    "page": _by_count,
    "offset": _by_count,
    "cursor": _by_cursor,
    "link": _by_link,
}
