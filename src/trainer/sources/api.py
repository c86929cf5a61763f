"""The source `api`: any REST service that answers in JSON, JSON Lines, CSV or XML, and any GraphQL, by description.

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
from dataclasses import dataclass, fields, replace
from datetime import date
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, urlsplit

import jmespath

from trainer.core.digest import canonical
from trainer.core.errors import MissingExtra, Problem, SourceError, UsageError, Where, unknown
from trainer.core.secrets import mask_secrets
from trainer.core.values import Field, Json
from trainer.sources.api_paging import PageRequest, first_page, next_page, with_parameters, without_parameters
from trainer.sources.api_parents import fetch_children, names_needed, parent_of
from trainer.sources.api_settings import PLACEHOLDER, Api, Resource, address, credentials, read_apis
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.dates import newest_day
from trainer.sources.file_formats import read_data
from trainer.sources.http_client import HTTPClient, Response
from trainer.sources.pointer import NotThere, fault_of, look_up
from trainer.sources.query import QueryField, QueryFields, raise_problems

if TYPE_CHECKING:
    from trainer.sources.oauth import Tokens

_FORMATS = {
    "ndjson": "jsonl",
    "jsonl": "jsonl",
    "json": "json",
    "csv": "csv",
    "tab-separated-values": "tsv",
    "xml": "xml",
}
"""The end of a Content-Type -> how the answer is read."""
_OWN = (
    QueryField("path", description="The resource, after the service's base_url", example="/studies"),
    QueryField("resource", description="Or the resource by the name that config.yaml gives it", example="studies"),
    QueryField("select", description="Where the data is in the answer: JSON pointer or JMESPath", example="/studies"),
    QueryField("pages", type="integer", description="Most pages to ask for", example="1", minimum=1),
    QueryField("graphql", description="A GraphQL query to post, with the other fields as variables", example="{id}"),
)


class APIRetriever(DataRetriever):
    """Asks the services that config.yaml describes."""

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

        def client(name: str, url: str, per_second: float) -> HTTPClient:
            return HTTPClient(
                name,
                self.context,
                address=url,
                user_agent=user_agent,
                per_second=per_second,
                timeout=timeout,
                retries=retries,
                backoff=backoff,
                proxy=proxy,
                ca_file=ca_file,
                client_certificate=client_certificate,
                private_hosts=private_hosts,
            )

        self._http = {name: client(name, address(api), api.per_second) for name, api in self._apis.items()}
        self._issuers = {
            name: client(name, api.auth.token_url, api.per_second)
            for name, api in self._apis.items()
            if api.auth is not None and api.auth.kind == "oauth"
        }
        self._tokens: dict[str, Tokens] = {}

    def get_schema(self) -> Schema:
        """Which service, which resource; other fields become URL parameters."""
        names = tuple(sorted((*self._apis, *self._faults)))
        service = QueryField("api", True, description="The service", example="trials", choices=names)
        described = ", ".join(_described(name, self._apis.get(name)) for name in names)
        description = f"REST and GraphQL services: {described or 'none is configured'}"
        leading = ("api", "resource", "path")
        return Schema(self.name, description, (service, *_OWN), extra_fields=True, leading=leading)

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query, its path and pointer checked too."""
        checked = super().check(query)
        problems = [*self._faults.get(str(checked["api"]), ())]
        if fault := fault_of(str(checked.get("select", ""))):
            problems.append(Problem(f'the query field "select" {fault}', hint="begin a pointer with /"))
        if re.search(r"[?#\s]|(^|/)\.\.(/|$)|^[a-z]+:|^//", str(checked.get("path", ""))):
            hint = "name the resource alone; other query fields become URL parameters"
            problems.append(Problem(f'the query field "path" is not a path: "{checked["path"]}"', hint=hint))
        if not problems:
            problems += _resource_problems(self._apis[str(checked["api"])], checked)
        raise_problems(problems)
        return checked

    def problems(self) -> list[Problem]:
        """What is wrong with the description of some service; the others can be asked all the same."""
        return [problem for problems in self._faults.values() for problem in problems]

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """The data of all pages; a list becomes `records`, and so do the answers for all records of a parent."""
        name = str(query["api"])
        if parent := parent_of(self._apis[name], query):
            return fetch_children(self._apis[name], parent, query, self.fetch)
        api, request = _request(self._apis[name], query)
        api = replace(api, select=str(query.get("select", api.select)))
        pages = list(self._pages(name, api, request, most=query.get("pages")))
        data = _joined(name, pages, api)
        as_of = _as_of(api, pages, data, today=self.context.clock().date())
        return Fetched(
            data,
            subject=api.subject or name,
            as_of=as_of,
            fields={path: Field(**meaning) for path, meaning in api.fields.items()},
            metadata={"url": mask_secrets(request.url)},
        )

    def health(self) -> Health:
        """Whether every service answers and its credentials are taken."""
        if problems := self.problems():
            return Health(False, problems[0].message)
        if not self._apis:
            return Health(False, "no service is described under data_retriever.sources.api.apis")
        for name, api in sorted(self._apis.items()):
            try:
                response = self._ask(name, api, PageRequest(address(api)), retries=0)
            except (SourceError, UsageError) as error:
                return Health(False, f"{name}: {error.message}")
            if response.status in (401, 403):
                return Health(False, f"{name} answered {response.status}: check its key")
        return Health(True, f"reaches {', '.join(sorted(self._apis))}")

    def sign_in(self, query: QueryFields, tell: Callable[[str], None], pasted: TextIO | None = None) -> None:
        """Let a person sign in to the query's service."""
        names = sorted(self._issuers)
        name = str(query.get("api", ""))
        if name not in names:
            message, hint = unknown("service that one signs in to", name, names)
            raise UsageError(message, hint=hint)
        self._token_of(name).sign_in(tell, pasted)

    def _pages(self, name: str, api: Api, request: PageRequest, *, most: int | None) -> Iterator[_Page]:
        """Every page, at most so many; a walk that does not end is an error, and not half the data."""
        secrets = _secrets(*credentials(api, self.context.environ))
        requested: set[str] = set()
        last: Json = None
        following: PageRequest | None = first_page(request, api.paging)
        for _ in range(most or api.max_pages):
            if following is None:
                return
            request = following
            shown = mask_secrets(request.url, secrets)
            identity = canonical([request.url, request.body])
            if identity in requested:
                raise SourceError(f"the pages of {name} go round in circles", where=Where(shown), hint=_PAGING)
            response = self._ask(name, api, request)
            page = _Page(
                shown,
                _read(response, name, api, shown, secrets),
                modified=response.headers.get("last-modified", ""),
                is_xml=_format(response, api) == "xml",
                is_later=bool(requested),
            )
            requested.add(identity)
            if request.is_graphql:
                page = replace(page, content=_graphql_data(page.content, name, shown))
            records = _selected(page, api) if api.paging else None
            is_numbered = api.paging is not None and api.paging.kind in ("page", "offset")
            if is_numbered and records and records == last:
                raise SourceError(f"{name} sends the same page again and again", where=Where(shown), hint=_PAGING)
            last = records
            yield page
            if api.paging is None:
                return
            count = len(records) if isinstance(records, list) else 0
            following = next_page(api.paging, request, response, page.content, count)
            following = following and replace(following, url=self._checked_link(name, api, following.url))
            following = None if following == request else following
        if following is not None and most is None:
            hint = "narrow the query, say with pages how many are enough, or allow more with max_pages"
            raise SourceError(f"{name} has more than {api.max_pages} pages", hint=hint)

    def _checked_link(self, name: str, api: Api, url: str) -> str:
        """The address of the next page without our key, which some services repeat there."""
        if urlsplit(url)[:2] != urlsplit(address(api))[:2]:
            raise SourceError(f"the next page of {name} is on another server", where=Where(mask_secrets(url)))
        return without_parameters(url, credentials(api, self.context.environ)[1])

    def _ask(self, name: str, api: Api, request: PageRequest, *, retries: int | None = None) -> Response:
        """The answer, with our credentials in the request; a token that is refused is renewed once."""
        headers, hidden = credentials(api, self.context.environ)
        if name in self._issuers:
            headers = {"Authorization": f"Bearer {self._token_of(name).current()}"}
        response = self._send(name, api, request, headers=headers, hidden=hidden, retries=retries)
        if response.status == 401 and name in self._issuers:
            token = self._token_of(name).renewed(headers["Authorization"].removeprefix("Bearer "))
            headers = {"Authorization": f"Bearer {token}"}
            response = self._send(name, api, request, headers=headers, hidden=hidden, retries=retries)
        return response

    def _send(
        self,
        name: str,
        api: Api,
        request: PageRequest,
        *,
        headers: Mapping[str, str],
        hidden: Mapping[str, str],
        retries: int | None,
    ) -> Response:
        return self._http[name].request(
            "GET" if request.body is None else "POST",
            with_parameters(request.url, hidden),
            headers={**api.headers, **headers},
            json=request.body,
            secrets=_secrets(headers, hidden),
            retries=retries,
        )

    def _token_of(self, name: str) -> Tokens:
        auth = self._apis[name].auth
        if name not in self._tokens and auth is not None:
            try:
                from trainer.sources.oauth import Tokens
            except ModuleNotFoundError as error:
                raise MissingExtra("authlib", "oauth") from error
            self._tokens[name] = Tokens(name, auth, self._issuers[name], self.context)
        return self._tokens[name]


_PAGING = "check paging: its kind, and the parameter that says where to go on"


@dataclass(frozen=True, slots=True)
class _Page:
    """One answer."""

    url: str
    """As it may be shown."""
    content: Json
    modified: str
    """The header Last-Modified."""
    is_xml: bool = False
    """Whether a list of one record looks like a record, and a list of none like nothing."""
    is_later: bool = False
    """Whether others came before it: services leave out a list that is empty, or write null for it."""


def _described(name: str, api: Api | None) -> str:
    """A service and what it can be asked by name, in words."""
    return f"{name} ({', '.join(sorted(api.resources))})" if api is not None and api.resources else name


def _resource_problems(api: Api, query: Mapping[str, Json]) -> Iterator[Problem]:
    """What is wrong with what the query says of a path or a resource."""
    name = query.get("resource")
    if name is None:
        if "path" not in query:
            names = ", ".join(sorted(api.resources))
            hint = f"or a resource: {names}" if names else "for example path=/studies"
            yield Problem('the query field "path" of source api is missing', hint=hint)
        return
    if "path" in query:
        yield Problem("a query has a path or a resource, not both")
    if name not in api.resources:
        message, hint = unknown("resource of " + str(query["api"]), str(name), api.resources)
        yield Problem(message, hint=hint)
        return
    parent = parent_of(api, query)
    for field in names_needed(api, str(name)) if parent else PLACEHOLDER.findall(api.resources[name].path):
        if query.get(field) in (None, ""):
            yield Problem(f'the query field "{field}" of the resource {name} is missing')


def _request(api: Api, query: Mapping[str, Json]) -> tuple[Api, PageRequest]:
    """What holds for the query's resource, and the request for it; no credentials are in it."""
    resource = api.resources.get(str(query.get("resource")), Resource(path=str(query.get("path", ""))))
    names = {part.name for part in fields(Api)}
    own = {part.name: getattr(resource, part.name) for part in fields(Resource) if part.name in names}
    api = replace(api, **{name: value for name, value in own.items() if value is not None})
    graphql = query.get("graphql") or resource.graphql
    values = {name: value for name, value in query.items() if name != "api" and name not in _OWN_NAMES}
    path = PLACEHOLDER.sub(lambda match: quote(_word(values.pop(match[1])), safe=""), resource.path)
    url = "/".join(filter(None, (address(api), path.lstrip("/"))))
    values = {name: value for name, value in {**api.parameters, **values}.items() if value is not None}
    if graphql:
        return api, PageRequest(url, {"query": graphql, "variables": values}, is_graphql=True)
    if api.method == "POST":
        return api, PageRequest(url, values)
    return api, PageRequest(with_parameters(url, {name: _word(value) for name, value in sorted(values.items())}))


_OWN_NAMES = frozenset(query_field.name for query_field in _OWN)


def _word(value: Json) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_word(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _secrets(headers: Mapping[str, str], hidden: Mapping[str, str]) -> list[str]:
    """What must not be shown of our credentials."""
    return [*hidden.values(), *(value.split()[-1] for value in headers.values())]


def _read(response: Response, name: str, api: Api, shown: str, secrets: Sequence[str]) -> Json:
    """The data of an answer; raises SourceError for everything else, without the secrets it may repeat."""
    if response.status != 200:
        text = re.sub(r"\s+", " ", response.body[:2000].decode("utf-8", "replace")).strip()
        text = mask_secrets(text, secrets)[:200]
        hint = "check its key and what it may ask for" if response.status in (401, 403) else "check path and parameters"
        message = f"{name} answered {response.status}" + (f": {text}" if text and not response.is_html else "")
        raise SourceError(message, where=Where(shown), hint=hint)
    if response.is_html and api.format != "xml":
        raise SourceError(f"{name} answered with a page for people", where=Where(shown), hint="check path and base_url")
    kind = _format(response, api)
    try:
        return read_data(response.body, f"{shown}.{kind}")
    except SourceError as error:
        where = Where(shown, error.where.line, error.where.column) if error.where else Where(shown)
        raise SourceError(f"{name}: {error.message}", where=where, hint=error.hint) from None


def _format(response: Response, api: Api) -> str:
    """How an answer is read: as the settings say, else as its Content-Type says."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return api.format or next((kind for word, kind in _FORMATS.items() if media_type.endswith(word)), "json")


def _graphql_data(page: Json, name: str, shown: str) -> Json:
    """The data of a GraphQL answer: errors come in a body that is answered 200."""
    if isinstance(page, dict) and page.get("errors"):
        first = page["errors"][0] if isinstance(page["errors"], list) else page["errors"]
        reason = mask_secrets(str(first.get("message", first) if isinstance(first, dict) else first))[:200]
        raise SourceError(f"{name}: {reason}", where=Where(shown), hint="check the GraphQL query and its variables")
    return page.get("data") if isinstance(page, dict) else page


def _selected(page: _Page, api: Api) -> Json:
    """The part of a page that holds its data."""
    try:
        value = look_up(page.content, api.select)
    except NotThere as error:
        if page.is_later or (page.is_xml and _is_there(page.content, api.select.rpartition("/")[0])):
            return []
        raise SourceError(str(error), where=Where(page.url), hint="set select to where the data is") from None
    if value is None and page.is_later:
        return []
    if page.is_xml and api.select and isinstance(value, dict):
        return [value]
    records = value.get("records") if isinstance(value, dict) and value.keys() == {"records"} else None
    return value if records is None else records


def _is_there(content: Json, pointer: str) -> bool:
    with contextlib.suppress(NotThere):
        return bool(pointer) and look_up(content, pointer) is not False
    return False


def _joined(name: str, pages: Sequence[_Page], api: Api) -> dict[str, Json]:
    """The selected and mapped data of all pages; lists are put one after the other as `records`."""
    parts = [_selected(page, api) for page in pages]
    if api.map:
        try:
            parts = [jmespath.search(api.map, part) for part in parts]
        except jmespath.exceptions.JMESPathError as error:
            raise SourceError(f"{name}: map does not fit the answer: {error}", hint="mend its map") from error
    if len(parts) == 1 and isinstance(parts[0], dict):
        return parts[0]
    if len(parts) == 1 and not isinstance(parts[0], list):
        return {"value": parts[0]}
    if not all(isinstance(part, list) for part in parts):
        hint = "set select to where the list of records is"
        raise SourceError(f"{name} answers in pages, and what is selected is not a list", hint=hint)
    return {"records": [record for part in parts for record in part]}


def _as_of(api: Api, pages: Sequence[_Page], data: Json, *, today: date) -> str | None:
    """The day the data is valid for, as it says itself: days to come are forecasts, and today is never made up."""
    if api.as_of:
        with contextlib.suppress(NotThere, IndexError):
            return str(look_up(pages[0].content, api.as_of))[:10]
    if day := newest_day(data, today=today):
        return day
    try:
        return parsedate_to_datetime(pages[0].modified).date().isoformat()
    except (IndexError, ValueError):
        return None
