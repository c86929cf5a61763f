"""What config.yaml says of one REST service, checked: address, parameters, secrets by the names of their variables."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import unquote, urlsplit, urlunsplit

from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.secrets import keep_secret
from trainer.core.values import Json
from trainer.sources.network import literal_hosts
from trainer.sources.pointer import fault_of

AuthKind = Literal["bearer", "header", "query", "basic", "oauth", "wsse"]
Flow = Literal["client_credentials", "refresh_token", "authorization_code", "device"]
PagingKind = Literal["page", "offset", "cursor", "link"]
Method = Literal["GET", "POST"]
FORMATS = ("json", "jsonl", "csv", "tsv", "xml")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
"""A name in a path that a query fills."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Auth:
    """Who we are; the secrets themselves stay in the environment."""

    kind: AuthKind
    env: str = ""
    """The variable that holds the token, the key, the password, or the secret of an OAuth client that has one."""
    name: str = ""
    """Of the header or the URL parameter that carries it."""
    prefix: str = ""
    """header: what stands before the key, such as `Token` or `Token token=`."""
    user_env: str = ""
    """basic: the variable that holds the user's name, or a key that is sent without a password."""
    flow: Flow = "client_credentials"
    """oauth: how a token is got."""
    token_url: str = ""
    """oauth: where tokens come from."""
    authorize_url: str = ""
    """authorization_code: the page on which a person signs in."""
    device_url: str = ""
    """device: where a code for a person comes from."""
    client_id_env: str = ""
    """oauth: the variable that holds the client's id."""
    refresh_env: str = ""
    """refresh_token: the variable that holds the first refresh token."""
    client_auth: Literal["basic", "body"] = "basic"
    """oauth: where the client's id and secret are sent."""
    scope: str = ""
    audience: str = ""
    redirect_port: int = 0
    """authorization_code: the port of this machine that the service knows as `http://127.0.0.1:PORT/callback`; 0 is
    any."""
    redirect_url: str = ""
    """authorization_code: the address that the service knows, where that is none of this machine; who signs in then
    pastes the address that the browser ends at."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How the service hands out more than one answer holds."""

    kind: PagingKind
    parameter: str = "page"
    """The URL parameter that says where to go on; of a POST, the entry of its body or the GraphQL variable."""
    start: int | None = None
    """page, offset: its first value; without, 1 for pages and 0 for an offset."""
    size_parameter: str = ""
    """The URL parameter that says how many records a page holds."""
    size: int = 0
    """Records a page; a page with fewer is the last."""
    next: str = ""
    """cursor: where the next value of the parameter is; link: where the next URL is, if no Link header has it."""
    next_header: str = ""
    """cursor: the header of the answer that holds the next value."""
    more: str = ""
    """Where an answer says whether there are more pages: false ends the walk."""
    total: str = ""
    """page: where an answer says how many pages there are; offset: how many records."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The resource for each of whose records another one is asked."""

    resource: str
    """Its name among the service's resources."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What of the request is filled from where in a record: `{repo: name}`; records of the answer get it too."""
    most: int = 1_000
    """Records of the parent above which asking is an error."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing a service can be asked by name; what it leaves out is as the service says."""

    path: str = ""
    """After base_url; `{name}` is filled from the query."""
    description: str = ""
    method: Method | None = None
    parameters: Mapping[str, Json] | None = None
    graphql: str = ""
    """The GraphQL query to post; the query's other fields are its variables."""
    paging: Paging | None = None
    format: str | None = None
    select: str | None = None
    map: str | None = None
    fields: Mapping[str, Mapping[str, str]] | None = None
    subject: str | None = None
    as_of: str | None = None
    parent: Parent | None = None
    """Ask once for each record of another resource."""


@dataclass(frozen=True, slots=True)
class Api:
    """One service. Where something is in an answer is said by a JSON pointer, or by a JMESPath."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """URL parameters of every request; a query's own win."""
    auth: Auth | None = None
    method: Method = "GET"
    """With POST, parameters are sent as a JSON object."""
    format: str = ""
    """json, jsonl, csv, tsv or xml, where the answer's Content-Type does not say so."""
    paging: Paging | None = None
    select: str = ""
    """Where the data is in an answer; the query's own wins."""
    map: str = ""
    """JMESPath that makes the records out of what is selected: `[].{date: day, sales: total.amount}`."""
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the data means: dotted path -> title, unit, description."""
    subject: str = ""
    as_of: str = ""
    """Where the date an answer is valid for is; without, the newest date among its records holds."""
    per_second: float = 5.0
    """Most requests a second."""
    max_pages: int = 100
    """Pages after which a walk is an error, unless the query says with `pages` how many are enough."""
    resources: Mapping[str, Resource] = field(default_factory=dict)
    """What can be asked by name."""


def read_apis(settings: Mapping[str, Any]) -> tuple[dict[str, Api], dict[str, list[Problem]]]:
    """The services that are described rightly, and what is wrong with the others, by name."""
    apis: dict[str, Api] = {}
    faults: dict[str, list[Problem]] = {}
    for name, section in settings.items():
        problems: list[Problem] = []
        api = read_section(Api, section, f"apis.{name}", problems)
        if api is not None:
            _check(api, f"apis.{name}", problems)
        if problems:
            faults[name] = problems
        elif api is not None:
            apis[name] = api
    return apis, faults


def address(api: Api) -> str:
    """The service's base_url, without the login it may hold."""
    parts = urlsplit(api.base_url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def credentials(api: Api, environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and URL parameters that say who we are; raises UsageError for a variable that is not set."""
    auth, parts = api.auth, urlsplit(api.base_url)
    if auth is None or auth.kind == "oauth":
        return (_basic(unquote(parts.username), unquote(parts.password or "")), {}) if parts.username else ({}, {})
    secret = variable(auth.env, environ) if auth.env else ""
    if auth.kind == "query":
        return {}, {auth.name: secret}
    if auth.kind == "header":
        return {auth.name: f"{auth.prefix}{'' if auth.prefix.endswith('=') else ' '}{secret}".strip()}, {}
    if auth.kind == "bearer":
        return {"Authorization": f"Bearer {secret}"}, {}
    return _basic(variable(auth.user_env, environ), secret), {}


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")}


def variable(name: str, environ: Mapping[str, str]) -> str:
    """The secret in an environment variable, masked from now on; raises UsageError where it is not set."""
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"the environment variable {name} is not set", hint=f"run: export {name}=…")
    return keep_secret(value).reveal()


def is_url(text: str) -> bool:
    """Whether the text is an address of the web."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.path
    except ValueError:
        return False


_SECTIONS: Mapping[str, type] = {"auth": Auth, "paging": Paging, "parent": Parent}


def read_section(kind: type[T], section: Any, what: str, problems: list[Problem]) -> T | None:
    """A section of the settings as a dataclass; None, and `problems` the longer, where it is not one."""
    if not isinstance(section, Mapping):
        problems.append(Problem(f"{what} must be a mapping"))
        return None
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # only dataclasses come here
    before = len(problems)
    values: dict[str, Any] = {}
    for name, value in section.items():
        if name not in names:
            message, hint = unknown(f"setting in {what}", str(name), names)
            problems.append(Problem(message, hint=hint))
        elif name in _SECTIONS and value is not None:
            values[name] = read_section(_SECTIONS[name], value, f"{what}.{name}", problems)
        elif name == "resources" and isinstance(value, Mapping):
            values[name] = {
                resource: read_section(Resource, part, f"{what}.resources.{resource}", problems)
                for resource, part in value.items()
            }
        else:
            values[name] = value
            if expected := _unlike(value, kind.__dataclass_fields__[name]):  # type: ignore[attr-defined]
                problems.append(Problem(f"{what}.{name} must be {expected}, not {str(value)[:40]!r}"))
    needed = [name for name, declared in kind.__dataclass_fields__.items() if _has_no_default(declared)]  # type: ignore[attr-defined]
    problems += [Problem(f"{what}.{name} is missing") for name in needed if not section.get(name)]
    return kind(**values) if len(problems) == before else None


def _has_no_default(declared: Field[Any]) -> bool:
    return declared.default is MISSING and declared.default_factory is MISSING


def _unlike(value: Any, declared: Field[Any]) -> str:
    """What a setting must be, where its value is something else."""
    if value is None:
        return ""
    declared_type = str(declared.type)
    if "Mapping" in declared_type:
        return "" if isinstance(value, Mapping) else "a mapping"
    if "int" in declared_type or "float" in declared_type:
        kinds = int | float if "float" in declared_type else int
        fits = isinstance(value, kinds) and not isinstance(value, bool) and value >= 0
        return "" if fits else "a number" if "float" in declared_type else "a whole number"
    return "" if isinstance(value, str) else "text"


def _check(api: Api, what: str, problems: list[Problem]) -> None:
    if not is_url(str(api.base_url)):
        # The value is not shown: where a password is not percent-encoded, it stands anywhere in it.
        hint = "begin it with https://, and percent-encode a login in it, or better name its variables under auth"
        problems.append(Problem(f"{what}.base_url is not a URL", hint=hint))
    elif api.auth is not None and urlsplit(api.base_url).username:
        problems.append(Problem(f"{what} has a login in base_url and under auth", hint="keep the one under auth"))
    _check_answers(api, what, problems)
    if api.auth is not None and api.auth.kind == "wsse":
        problems.append(Problem(f"{what}.auth.kind wsse is for the source soap"))
    elif api.auth is not None:
        check_auth(api.auth, f"{what}.auth", problems)
    for name, resource in api.resources.items():
        if not resource.path and not resource.graphql:
            problems.append(Problem(f"{what}.resources.{name}.path is missing", hint="such as /studies/{id}"))
        _check_answers(resource, f"{what}.resources.{name}", problems)
        if resource.parent is not None:
            _check_parent(api, name, resource.parent, f"{what}.resources.{name}.parent", problems)


def _check_answers(part: Api | Resource, what: str, problems: list[Problem]) -> None:
    """What is wrong with how answers are asked for and read."""
    places = {"select": part.select, "as_of": part.as_of}
    if isinstance(part, Resource) and part.parent is not None:
        places |= {f"parent.fields.{name}": place for name, place in part.parent.fields.items()}
    if part.paging is not None:
        places |= {f"paging.{name}": getattr(part.paging, name) for name in ("next", "more", "total")}
    for name, expression in places.items():
        if expression and (fault := fault_of(str(expression))):
            hint = "begin a pointer with /; a JMESPath is explained at https://jmespath.org"
            problems.append(Problem(f'{what}.{name} {fault}: "{expression}"', hint=hint))
    if part.map and (fault := fault_of(part.map)):
        problems.append(Problem(f"{what}.map {fault}", hint="see https://jmespath.org"))
    _check_choice(part.method, get_args(Method), f"{what}.method", problems)
    _check_choice(part.format, FORMATS, f"{what}.format", problems)
    if part.paging is None:
        return
    _check_choice(part.paging.kind, get_args(PagingKind), f"{what}.paging.kind", problems)
    if part.paging.kind == "cursor" and not (part.paging.next or part.paging.next_header):
        problems.append(Problem(f"{what}.paging.next is missing", hint="point to the next cursor, such as /next"))


def _check_parent(api: Api, name: str, parent: Parent, what: str, problems: list[Problem]) -> None:
    """What is wrong with the resource that another one is asked for."""
    if parent.resource not in api.resources:
        message, hint = unknown(f"resource in {what}", str(parent.resource), api.resources)
        problems.append(Problem(message, hint=hint))
    if not parent.fields:
        problems.append(Problem(f"{what}.fields is missing", hint="such as fields: {repo: name} for /repos/{repo}"))
    line, above = [name], parent
    while above.resource in api.resources and above.resource not in line:
        line.append(above.resource)
        upper = api.resources[above.resource].parent
        if upper is None:
            return
        above = upper
    if above.resource in line:
        circle = " of ".join([*line, above.resource])
        problems.append(Problem(f"{what} goes round in circles: {circle}", hint="let one of them have no parent"))


def check_auth(auth: Auth, what: str, problems: list[Problem]) -> None:
    """Add what is wrong with how a service is told who asks."""
    _check_choice(auth.kind, get_args(AuthKind), f"{what}.kind", problems)
    needs = {
        "header": ("env", "name"),
        "query": ("env", "name"),
        "basic": ("user_env",),
        "wsse": ("env", "user_env"),
        "bearer": ("env",),
        "oauth": ("token_url", "client_id_env", *_FLOWS.get(auth.flow, ())),
    }
    missing = [name for name in needs.get(auth.kind, ()) if not getattr(auth, name)]
    problems += [Problem(f"{what}.{name} is missing", hint=_HINTS.get(name)) for name in missing]
    if auth.kind == "oauth":
        _check_choice(auth.flow, get_args(Flow), f"{what}.flow", problems)
        _check_choice(auth.client_auth, ("basic", "body"), f"{what}.client_auth", problems)
        urls = {name: getattr(auth, name) for name in ("token_url", "authorize_url", "device_url", "redirect_url")}
        for name, url in urls.items():
            if url and not is_url(str(url)):
                problems.append(Problem(f"{what}.{name} is not a URL", hint="begin it with https://"))
            elif url.startswith("http:") and not literal_hosts(url):
                hint = "begin it with https://; RFC 6749 asks for that"
                problems.append(Problem(f"{what}.{name} would send secrets that anybody can read", hint=hint))


def _check_choice(value: str | None, choices: Sequence[str], what: str, problems: list[Problem]) -> None:
    if value and value not in choices:
        message, hint = unknown(f"value of {what}", str(value), choices)
        problems.append(Problem(message, hint=hint))


_FLOWS: Mapping[str, tuple[str, ...]] = {
    "client_credentials": ("env",),
    "refresh_token": ("refresh_env",),
    "authorization_code": ("authorize_url",),
    "device": ("device_url",),
}
"""Flow -> what it needs beside the rest."""
_HINTS = {
    "env": "name the environment variable that holds the secret",
    "name": "name the header or the URL parameter that carries the key",
    "user_env": "name the environment variable that holds the user's name",
    "client_id_env": "name the environment variable that holds the client's id",
}
