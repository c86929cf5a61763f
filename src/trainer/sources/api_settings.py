"""What config.yaml says of one REST service, checked: address, parameters, secrets by the names of their variables."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import unquote, urlsplit, urlunsplit

import jmespath

from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.secrets import keep_secret
from trainer.core.values import Json
from trainer.sources.pointer import is_pointer

AuthKind = Literal["bearer", "header", "query", "basic"]
PagingKind = Literal["page", "offset", "cursor", "link"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Auth:
    """Who we are; the secrets themselves stay in the environment."""

    kind: AuthKind
    env: str
    """The variable that holds the token, the key or the password."""
    name: str = ""
    """Of the header or the URL parameter that carries it."""
    user_env: str = ""
    """basic: the variable that holds the user's name."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How the service hands out more than one answer holds."""

    kind: PagingKind
    parameter: str = "page"
    """The URL parameter that says where to go on."""
    start: int = 1
    """page, offset: its first value."""
    size_parameter: str = ""
    """The URL parameter that says how many records a page holds."""
    size: int = 0
    """Records a page; a page with fewer is the last."""
    next: str = ""
    """cursor: JSON pointer to the next value of the parameter; link: to the next URL, where no Link header has it."""


@dataclass(frozen=True, slots=True)
class Api:
    """One REST service."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """URL parameters of every request; a query's own win."""
    auth: Auth | None = None
    paging: Paging | None = None
    select: str = ""
    """JSON pointer to the data in an answer; the query's own wins."""
    map: str = ""
    """JMESPath that makes the records out of what is selected: `[].{date: day, sales: total.amount}`."""
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the data means: dotted path -> title, unit, description."""
    subject: str = ""
    as_of: str = ""
    """JSON pointer to the date an answer is valid for; without, the newest date among its records holds."""
    per_second: float = 5.0
    """Most requests a second."""


def read_apis(settings: Mapping[str, Any]) -> tuple[dict[str, Api], dict[str, list[Problem]]]:
    """The services that are described rightly, and what is wrong with the others, by name."""
    apis: dict[str, Api] = {}
    faults: dict[str, list[Problem]] = {}
    for name, section in settings.items():
        problems: list[Problem] = []
        api = _read(Api, section, f"apis.{name}", problems)
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
    if auth is None:
        return (_basic(unquote(parts.username), unquote(parts.password or "")), {}) if parts.username else ({}, {})
    secret = _variable(auth.env, environ)
    if auth.kind == "query":
        return {}, {auth.name: secret}
    if auth.kind == "header":
        return {auth.name: secret}, {}
    if auth.kind == "bearer":
        return {"Authorization": f"Bearer {secret}"}, {}
    return _basic(_variable(auth.user_env, environ), secret), {}


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")}


def _variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"the environment variable {name} is not set", hint=f"run: export {name}=…")
    return keep_secret(value).reveal()


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.path
    except ValueError:
        return False


_SECTIONS: Mapping[str, type] = {"auth": Auth, "paging": Paging}
_NEEDS = {Api: ("base_url",), Auth: ("kind", "env"), Paging: ("kind",)}


def _read(kind: type[T], section: Any, what: str, problems: list[Problem]) -> T | None:
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
            values[name] = _read(_SECTIONS[name], value, f"{what}.{name}", problems)
        else:
            values[name] = value
    problems += [Problem(f"{what}.{name} is missing") for name in _NEEDS[kind] if not section.get(name)]
    return kind(**values) if len(problems) == before else None


def _check(api: Api, what: str, problems: list[Problem]) -> None:
    if not _is_url(str(api.base_url)):
        # The value is not shown: where a password is not percent-encoded, it stands anywhere in it.
        hint = "begin it with https://, and percent-encode a login in it, or better name its variables under auth"
        problems.append(Problem(f"{what}.base_url is not a URL", hint=hint))
    elif api.auth is not None and urlsplit(api.base_url).username:
        problems.append(Problem(f"{what} has a login in base_url and under auth", hint="keep the one under auth"))
    for name, pointer in (
        ("select", api.select),
        ("as_of", api.as_of),
        ("paging.next", api.paging.next if api.paging else ""),
    ):
        if not is_pointer(str(pointer)):
            problems.append(Problem(f'{what}.{name} is not a JSON pointer: "{pointer}"', hint=f"write /{pointer}"))
    try:
        if api.map:
            jmespath.compile(api.map)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).splitlines()[0]
        problems.append(Problem(f"{what}.map is not a JMESPath: {reason}", hint="see https://jmespath.org"))
    for section, kinds in (("auth", AuthKind), ("paging", PagingKind)):
        settings = getattr(api, section)
        if settings is not None and settings.kind not in get_args(kinds):
            message, hint = unknown(f"kind of {what}.{section}", str(settings.kind), get_args(kinds))
            problems.append(Problem(message, hint=hint))
    if api.auth is not None and api.auth.kind in ("header", "query") and not api.auth.name:
        problems.append(Problem(f"{what}.auth.name is missing", hint=f"name the {api.auth.kind} that carries the key"))
    if api.auth is not None and api.auth.kind == "basic" and not api.auth.user_env:
        problems.append(Problem(f"{what}.auth.user_env is missing"))
    if api.paging is not None and api.paging.kind == "cursor" and not api.paging.next:
        problems.append(Problem(f"{what}.paging.next is missing", hint="point to the next cursor, such as /next"))
