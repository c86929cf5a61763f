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

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import jmespath

from trainer.core.errors import Problem, SourceError, UsageError, Where
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.values import Field, Json
from trainer.sources.api_settings import Api, Paging, address, credentials, read_apis
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.dates import newest_day
from trainer.sources.file_formats import read_data
from trainer.sources.http_client import HTTPClient, Response
from trainer.sources.pointer import NotThere, is_pointer, resolve
from trainer.sources.query import Query, QueryField, raise_problems

_MOST_PAGES = 100
_FORMATS = {"ndjson": ".jsonl", "jsonl": ".jsonl", "json": ".json", "csv": ".csv", "tab-separated-values": ".tsv"}
_PATH = QueryField("path", True, description="The resource, after the service's base_url", example="/studies")
_OWN = (
    QueryField("select", description="JSON pointer to the data in the answer", example="/studies"),
    QueryField("pages", type="integer", description="Most pages to ask for", example="1"),
    QueryField("graphql", description="A GraphQL query to post, with the other fields as variables", example="{id}"),
)


class APIRetriever(DataRetriever):
    """Asks the REST services that config.yaml describes."""

    name = "api"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        apis: Mapping[str, Any] | None = None,
        user_agent: str = "trainer",
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.5,
        proxy: str = "",
        ca_file: str = "",
        client_certificate: str = "",
        private_hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(data_store=data_store, context=context, ttl=ttl)
        self._apis, self._faults = read_apis(apis or {})
        self._http = {
            name: HTTPClient(
                name,
                self.context,
                address=address(api),
                user_agent=user_agent,
                per_second=api.per_second,
                timeout=timeout,
                retries=retries,
                backoff=backoff,
                proxy=proxy,
                ca_file=ca_file,
                client_certificate=client_certificate,
                private_hosts=private_hosts,
            )
            for name, api in self._apis.items()
        }

    def get_schema(self) -> Schema:
        """Which service, which resource; other fields become URL parameters."""
        names = tuple(sorted((*self._apis, *self._faults)))
        service = QueryField("api", True, description="The service", example="trials", choices=names)
        description = f"REST services: {', '.join(names) or 'none is configured'}"
        return Schema(self.name, description, (service, _PATH, *_OWN), extra_fields=True, leading=("api", "path"))

    def check(self, query: Query) -> dict[str, Json]:
        """The query, its path and pointer checked too."""
        checked = super().check(query)
        problems = [*self._faults.get(str(checked["api"]), ())]
        if not is_pointer(str(checked.get("select", ""))):
            problems.append(Problem('the query field "select" is not a JSON pointer', hint="begin it with /"))
        if re.search(r"[?#\s]|(^|/)\.\.(/|$)|^[a-z]+:|^//", str(checked["path"])):
            hint = "name the resource alone; other query fields become URL parameters"
            problems.append(Problem(f'the query field "path" is not a path: "{checked["path"]}"', hint=hint))
        raise_problems(problems)
        return checked

    def problems(self) -> list[Problem]:
        """What is wrong with the description of some service; the others can be asked all the same."""
        return [problem for problems in self._faults.values() for problem in problems]

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """The data of all pages; a list becomes `records`."""
        name = str(query["api"])
        api, parameters = self._apis[name], _parameters(self._apis[name], query)
        url = address(api) + "/" + str(query["path"]).lstrip("/")
        pages = list(self._pages(name, url, parameters, query))
        data = _joined(name, pages, str(query.get("select", api.select)), api.map)
        shown = mask_secrets(url if "graphql" in query else _with(url, parameters))
        fields = {path: Field(**meaning) for path, meaning in api.fields.items()}
        as_of = _as_of(api, pages, data, today=self.context.clock().date())
        return Fetched(data, subject=api.subject or name, as_of=as_of, fields=fields, metadata={"url": shown})

    def health(self) -> Health:
        """Whether every service answers and its credentials are set."""
        if problems := self.problems():
            return Health(False, problems[0].message)
        if not self._apis:
            return Health(False, "no service is described under data_retriever.sources.api.apis")
        for name, api in sorted(self._apis.items()):
            try:
                headers, hidden = credentials(api, self.context.environ)
                secrets = [*headers.values(), *hidden.values()]
                url, sent = _with(address(api), hidden), {**api.headers, **headers}
                response = self._http[name].get(url, headers=sent, secrets=secrets, retries=0)
                if response.status in (401, 403):
                    return Health(False, f"{name} answered {response.status}: check its key")
            except (SourceError, UsageError) as error:
                return Health(False, f"{name}: {error.message}")
        return Health(True, f"reaches {', '.join(sorted(self._apis))}")

    def _pages(self, name: str, url: str, parameters: Mapping[str, str], query: Mapping[str, Json]) -> Iterator[_Page]:
        """Every page; no credentials are in it."""
        api = self._apis[name]
        headers, hidden = credentials(api, self.context.environ)
        secrets = [*hidden.values(), *(value.split()[-1] for value in headers.values())]
        limit = query.get("pages")
        body = _graphql(query)
        page_url: str | None = url if body else _with(url, {**_first_page(api.paging), **parameters})
        for number in range(_MOST_PAGES):
            if page_url is None or (limit is not None and number >= limit):
                return
            response = self._http[name].request(
                "POST" if body else "GET",
                _with(page_url, hidden),
                headers={**api.headers, **headers},
                json=body,
                secrets=secrets,
            )
            shown = mask_secrets(page_url, secrets)
            page = _read(response, name, shown, secrets)
            if body:
                yield _Page(shown, _graphql_data(page, name, shown), "")
                return
            yield _Page(shown, page, response.headers.get("last-modified", ""))
            following = _next(api, response, page, page_url, pointer=str(query.get("select", api.select)))
            page_url = following and _without(following, hidden)
        if page_url is not None and limit is None:
            hint = "narrow the query, or say with pages how many are enough"
            raise SourceError(f"{name} has more than {_MOST_PAGES} pages", hint=hint)


@dataclass(frozen=True, slots=True)
class _Page:
    """One answer."""

    url: str
    """As it may be shown."""
    content: Json
    modified: str
    """The header Last-Modified."""


def _graphql(query: Mapping[str, Json]) -> Json:
    """The body of a GraphQL request; None for a query of another kind."""
    if "graphql" not in query:
        return None
    own = {"api", "path", *(query_field.name for query_field in _OWN)}
    return {"query": query["graphql"], "variables": {name: query[name] for name in query if name not in own}}


def _graphql_data(page: Json, name: str, shown: str) -> Json:
    """The data of a GraphQL answer: errors come in a body that is answered 200."""
    if isinstance(page, dict) and page.get("errors"):
        first = page["errors"][0] if isinstance(page["errors"], list) else page["errors"]
        reason = mask_secrets(str(first.get("message", first) if isinstance(first, dict) else first))[:200]
        raise SourceError(f"{name}: {reason}", where=Where(shown), hint="check the GraphQL query and its variables")
    return page.get("data") if isinstance(page, dict) else page


def _joined(name: str, pages: Sequence[_Page], pointer: str, mapping: str) -> dict[str, Json]:
    """The selected and mapped data of all pages; lists are put one after the other as `records`."""
    parts = [_selected(page.content, pointer, page.url) for page in pages]
    if mapping:
        try:
            parts = [jmespath.search(mapping, part) for part in parts]
        except jmespath.exceptions.JMESPathError as error:
            raise SourceError(f"{name}: map does not fit the answer: {error}", hint="mend its map") from error
    if len(parts) == 1 and isinstance(parts[0], dict):
        return parts[0]
    if len(parts) == 1 and not isinstance(parts[0], list):
        return {"value": parts[0]}
    if not all(isinstance(part, list) for part in parts):
        hint = "set select to the JSON pointer of the list of records"
        raise SourceError(f"{name} answers in pages, and what is selected is not a list", hint=hint)
    return {"records": [record for part in parts for record in part]}


def _as_of(api: Api, pages: Sequence[_Page], data: Json, *, today: date) -> str | None:
    """The day the data is valid for, as it says itself: days to come are forecasts, and today is never made up."""
    if api.as_of:
        with contextlib.suppress(NotThere, IndexError):
            return str(resolve(pages[0].content, api.as_of))[:10]
    if day := newest_day(data, today=today):
        return day
    try:
        return parsedate_to_datetime(pages[0].modified).date().isoformat()
    except (IndexError, ValueError):
        return None


def _parameters(api: Api, query: Mapping[str, Json]) -> dict[str, str]:
    own = {"api", "path", *(query_field.name for query_field in _OWN)}
    parameters = {**api.parameters, **{name: value for name, value in query.items() if name not in own}}
    return {name: _word(value) for name, value in sorted(parameters.items()) if value is not None}


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


def _read(response: Response, name: str, shown: str, secrets: Sequence[str | Secret]) -> Json:
    """The data of an answer; raises SourceError for everything else, without the secrets it may repeat."""
    if response.status != 200:
        text = re.sub(r"\s+", " ", response.body[:2000].decode("utf-8", "replace")).strip()
        text = mask_secrets(text, secrets)[:200]
        hint = "check its key and what it may ask for" if response.status in (401, 403) else "check path and parameters"
        message = f"{name} answered {response.status}" + (f": {text}" if text and not response.is_html else "")
        raise SourceError(message, where=Where(shown), hint=hint)
    if response.is_html:
        raise SourceError(f"{name} answered with a page for people", where=Where(shown), hint="check path and base_url")
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = next((suffix for word, suffix in _FORMATS.items() if media_type.endswith(word)), ".json")
    try:
        return read_data(response.body, f"{shown}{suffix}")
    except SourceError as error:
        where = Where(shown, error.where.line, error.where.column) if error.where else Where(shown)
        raise SourceError(f"{name}: {error.message}", where=where, hint=error.hint) from None


def _selected(page: Json, pointer: str, shown: str) -> Json:
    try:
        value = resolve(page, pointer)
    except NotThere as error:
        raise SourceError(str(error), where=Where(shown), hint="set select to where the data is") from None
    records = value.get("records") if isinstance(value, dict) and value.keys() == {"records"} else None
    return value if records is None else records


def _first_page(paging: Paging | None) -> dict[str, str]:
    if paging is None:
        return {}
    size = {paging.size_parameter: str(paging.size)} if paging.size_parameter and paging.size else {}
    return {**size, paging.parameter: str(paging.start)} if paging.kind in ("page", "offset") else size


def _next(api: Api, response: Response, page: Json, url: str, *, pointer: str) -> str | None:
    """The URL of the page after this one; None where this is the last."""
    if api.paging is None:
        return None
    following = _FOLLOWING[api.paging.kind](api.paging, response, page, url, pointer)
    if following is not None and urlsplit(following)[:2] != urlsplit(address(api))[:2]:
        raise SourceError("the next page is on another server", where=Where(following))
    return None if following == url else following


def _by_count(paging: Paging, _response: Response, page: Json, url: str, pointer: str) -> str | None:
    records = _selected(page, pointer, url)
    count = len(records) if isinstance(records, list) else 0
    if count == 0 or count < paging.size:
        return None
    now = int(dict(parse_qsl(urlsplit(url).query))[paging.parameter])
    return _with(url, {paging.parameter: str(now + (count if paging.kind == "offset" else 1))})


def _by_cursor(paging: Paging, _response: Response, page: Json, url: str, _pointer: str) -> str | None:
    try:
        cursor = resolve(page, paging.next)
    except NotThere:
        return None
    return _with(url, {paging.parameter: str(cursor)}) if cursor not in (None, "", False) else None


def _by_link(paging: Paging, response: Response, page: Json, url: str, _pointer: str) -> str | None:
    link = re.search(r'<([^>]*)>\s*;[^,]*\brel="?next"?', response.headers.get("link", ""))
    if link:
        return str(urljoin(url, link.group(1)))
    try:
        following = resolve(page, paging.next) if paging.next else None
    except NotThere:
        return None
    return str(urljoin(url, str(following))) if following else None


_FOLLOWING: Mapping[str, Callable[[Paging, Response, Json, str, str], str | None]] = {
    "page": _by_count,
    "offset": _by_count,
    "cursor": _by_cursor,
    "link": _by_link,
}
