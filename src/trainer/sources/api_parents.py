"""One request for each record of another resource: the issues of every repository, the lines of every order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from trainer.core.digest import canonical
from trainer.core.errors import SourceError
from trainer.core.values import Json
from trainer.sources.api_settings import PLACEHOLDER, Api, Parent
from trainer.sources.base import Fetched
from trainer.sources.pointer import NotThere, look_up


def parent_of(api: Api, query: Mapping[str, Json]) -> Parent | None:
    """The parent of a query's resource; None where it has none, or the query itself names the one record it means."""
    resource = api.resources.get(str(query.get("resource")))
    parent = resource.parent if resource else None
    return None if parent is None or all(query.get(name) is not None for name in parent.fields) else parent


def fetch_children(
    api: Api,
    parent: Parent,
    query: Mapping[str, Json],
    fetch: Callable[[Mapping[str, Json]], Fetched],
) -> Fetched:
    """The records of all children, each with what it was asked by; raises SourceError if one cannot be had.

    `fetch` answers one query. The parent gets those values of the query that its own path names.
    """
    names = names_needed(api, parent.resource)
    own = {name: query[name] for name in names if name in query}
    answer = fetch({"api": query["api"], "resource": parent.resource, **own})
    records = answer.data.get("records")
    identities = list(_identities(parent, records if isinstance(records, list) else [answer.data]))
    if len(identities) > parent.most:
        message = f"{parent.resource} gives {len(identities):,} records to ask for, more than {parent.most:,}"
        raise SourceError(message, hint=f"narrow {parent.resource}, or raise most of the parent")
    children: list[Fetched] = []
    rows: list[Json] = []
    for identity in identities:
        child = fetch({**query, **identity})
        children.append(child)
        of_child = child.data["records"] if child.data.keys() == {"records"} else [child.data]
        rows += [{**identity, **row} if isinstance(row, dict) else {**identity, "value": row} for row in of_child]
    days = [child.as_of for child in children if child.as_of]
    first = children[0] if children else answer
    return Fetched(
        {"records": rows},
        subject=first.subject,
        as_of=max(days, default=answer.as_of),
        fields=first.fields if children else {},
        metadata={"url": answer.metadata["url"], "requests": len(children)},
        warnings=tuple(dict.fromkeys(warning for child in children for warning in child.warnings)),
    )


def names_needed(api: Api, resource: str) -> list[str]:
    """What the paths of a resource and of those above it take from the query, since no parent fills it."""
    described = api.resources[resource]
    names = PLACEHOLDER.findall(described.path)
    if described.parent is None:
        return names
    return [name for name in names if name not in described.parent.fields] + names_needed(
        api, described.parent.resource
    )


def _identities(parent: Parent, records: list[Json]) -> Iterator[dict[str, Json]]:
    """What each parent is asked by, once."""
    yielded: set[str] = set()
    for number, record in enumerate(records, start=1):
        identity: dict[str, Json] = {}
        for name, place in parent.fields.items():
            try:
                value = look_up(record, place)
            except NotThere:
                value = None
            if value in (None, "") or isinstance(value, dict | list):
                message = f"record {number} of {parent.resource} has no value at {place}, which {name} is filled from"
                raise SourceError(message, hint="mend the parent's fields, or select other records")
            identity[name] = value
        if (key := canonical(identity)) not in yielded:
            yielded.add(key)
            yield identity
