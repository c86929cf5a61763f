"""From one page of a service's answer to the request for the next: by number, offset, cursor or link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from trainer.core.values import Json
from trainer.sources.api_settings import Paging
from trainer.sources.http_client import Response
from trainer.sources.pointer import NotThere, look_up


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What is asked for one page; no credentials are in it."""

    url: str
    body: Mapping[str, Json] | None = None
    """The JSON of a POST; None for a GET."""
    is_graphql: bool = False

    def parameter(self, name: str) -> Json:
        """The value of a parameter, wherever this request holds its parameters."""
        if self.body is None:
            return dict(parse_qsl(urlsplit(self.url).query)).get(name)
        return (self.body["variables"] if self.is_graphql else self.body).get(name)

    def with_parameters(self, parameters: Mapping[str, Json]) -> PageRequest:
        """The request with these parameters in place of its own of the same name."""
        if self.body is None:
            return replace(self, url=with_parameters(self.url, parameters))
        if self.is_graphql:
            return replace(self, body={**self.body, "variables": {**self.body["variables"], **parameters}})
        return replace(self, body={**self.body, **parameters})


def first_page(request: PageRequest, paging: Paging | None) -> PageRequest:
    """The request with what paging needs from the start; parameters of its own win."""
    if paging is None:
        return request
    start = {"page": 1, "offset": 0}.get(paging.kind)
    own: dict[str, Json] = {paging.size_parameter: paging.size} if paging.size_parameter and paging.size else {}
    if start is not None:
        own[paging.parameter] = start if paging.start is None else paging.start
    return request.with_parameters({name: value for name, value in own.items() if request.parameter(name) is None})


def next_page(paging: Paging, request: PageRequest, response: Response, page: Json, count: int) -> PageRequest | None:
    """The request for the page after this one, which held `count` records; None where this is the last."""
    if paging.more and not _at(page, paging.more):
        return None
    if paging.kind == "cursor":
        cursor = response.headers.get(paging.next_header.lower()) if paging.next_header else _at(page, paging.next)
        return None if cursor in (None, "", False) else request.with_parameters({paging.parameter: cursor})
    if paging.kind == "link":
        following = _link(response) or (_at(page, paging.next) if paging.next else None)
        return replace(request, url=urljoin(request.url, str(following))) if following else None
    if count == 0 or count < paging.size:
        return None
    now = int(request.parameter(paging.parameter))
    following = now + (count if paging.kind == "offset" else 1)
    total = _at(page, paging.total) if paging.total else None
    if total is not None and following >= int(total) + (1 if paging.kind == "page" and paging.start != 0 else 0):
        return None
    return request.with_parameters({paging.parameter: following})


def with_parameters(url: str, parameters: Mapping[str, Json]) -> str:
    """The URL with these parameters in place of its own of the same name."""
    bare = without_parameters(url, parameters)
    return f"{bare}{'&' if '?' in bare else '?'}{urlencode(parameters)}" if parameters else bare


def without_parameters(url: str, names: Mapping[str, Json]) -> str:
    """The URL without these parameters: some services repeat our key in the link to the next page."""
    parts = urlsplit(url)
    pairs = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _link(response: Response) -> str | None:
    """The URL that the header Link calls next (RFC 8288)."""
    for link in response.headers.get("link", "").split("<")[1:]:
        url, _, parameters = link.partition(">")
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip(' ,"\t').lower().split():
                return url
    return None


def _at(page: Json, place: str) -> Json:
    try:
        return look_up(page, place)
    except NotThere:
        return None
