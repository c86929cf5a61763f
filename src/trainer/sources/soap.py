"""The source `soap`: operations of services that a WSDL describes, by zeep over our own HTTP.

    data_retriever:
      sources:
        soap:
          services:
            rates:
              wsdl: https://rates.example/service?wsdl
              auth: {kind: basic, user_env: RATES_USER, env: RATES_KEY}

Then `{source: soap, service: rates, operation: GetRates, currency: USD}` is a query; other fields are the operation's
parameters, `filter.country` one within another.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import zeep
import zeep.exceptions
import zeep.helpers
from lxml import etree
from requests.exceptions import RequestException
from zeep.wsse.username import UsernameToken

from trainer.core.clock import isoformat
from trainer.core.errors import Problem, SourceError, UsageError, Where, nearest
from trainer.core.secrets import mask_secrets
from trainer.core.values import Field, Json
from trainer.sources.api_settings import Api, Auth, check_auth, credentials, is_url, read_section, variable
from trainer.sources.base import DataRetriever, Fetched, Health, Schema, Sink, SourceContext
from trainer.sources.dates import newest_day
from trainer.sources.http_client import HTTPClient
from trainer.sources.pointer import NotThere, fault_of, look_up
from trainer.sources.query import QueryField, QueryFields, raise_problems

_OWN = (
    QueryField("operation", True, description="What to ask for, as the WSDL calls it", example="GetRates"),
    QueryField("select", description="Where the data is in the answer: JSON pointer or JMESPath", example="/Rates"),
)
_HTTP_AUTH = ("bearer", "header", "query", "basic")


@dataclass(frozen=True, slots=True)
class Service:
    """One SOAP service."""

    wsdl: str
    """A URL, or a file below the project's root."""
    address: str = ""
    """Where the service is, if not where the WSDL says."""
    port: str = ""
    """Which port of the WSDL; without, the first."""
    auth: Auth | None = None
    """As for `api`, except OAuth; `kind: wsse` sends user and password in the envelope."""
    headers: Mapping[str, str] = field(default_factory=dict)
    select: str = ""
    """Where the data is in an answer; the query's own wins."""
    map: str = ""
    """JMESPath that makes the records out of what is selected."""
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the data means: dotted path -> title, unit, description."""
    subject: str = ""
    as_of: str = ""
    """Where the date an answer is valid for is; without, the newest date among its records holds."""
    per_second: float = 5.0
    """Most requests a second."""


class SOAPRetriever(DataRetriever):
    """Asks the SOAP services that config.yaml names."""

    name = "soap"

    def __init__(
        self,
        *,
        data_store: Sink | None = None,
        context: SourceContext | None = None,
        ttl: int | None = None,
        services: Mapping[str, Any] | None = None,
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
        self._services: dict[str, Service] = {}
        self._faults: dict[str, list[Problem]] = {}
        for name, section in (services or {}).items():
            problems: list[Problem] = []
            service = read_section(Service, section, f"services.{name}", problems)
            if service is not None:
                _check(service, f"services.{name}", problems)
            if service is None or problems:
                self._faults[name] = problems
            else:
                self._services[name] = service
        self._http = {
            name: HTTPClient(
                name,
                self.context,
                address=service.address or service.wsdl,
                user_agent=user_agent,
                per_second=service.per_second,
                timeout=timeout,
                retries=retries,
                backoff=backoff,
                proxy=proxy,
                ca_file=ca_file,
                client_certificate=client_certificate,
                private_hosts=private_hosts,
            )
            for name, service in self._services.items()
        }
        self._lock = threading.Lock()
        self._open: dict[str, zeep.Client] = {}

    def get_schema(self) -> Schema:
        """Which service, which operation; other fields are the operation's parameters."""
        names = tuple(sorted((*self._services, *self._faults)))
        service = QueryField("service", True, description="The service", example="rates", choices=names)
        description = f"SOAP services: {', '.join(names) or 'none is configured'}"
        return Schema(self.name, description, (service, *_OWN), extra_fields=True, leading=("service", "operation"))

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The query, its service's description and its `select` checked too."""
        checked = super().check(query)
        problems = [*self._faults.get(str(checked["service"]), ())]
        if fault := fault_of(str(checked.get("select", ""))):
            problems.append(Problem(f'the query field "select" {fault}', hint="begin a pointer with /"))
        raise_problems(problems)
        return checked

    def problems(self) -> list[Problem]:
        """What is wrong with the description of some service; the others can be asked all the same."""
        return [problem for problems in self._faults.values() for problem in problems]

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """The operation's answer; a list becomes `records`."""
        name, operation = str(query["service"]), str(query["operation"])
        service = self._services[name]
        operations = self._operations(name)
        if operation not in operations:
            close = nearest(operation, operations)
            hint = f'did you mean "{close}"?' if close else f"it has {', '.join(sorted(operations))}"
            raise SourceError(f"{name} has no operation {operation}", hint=hint)
        own = {"service", *(query_field.name for query_field in _OWN)}
        arguments = _nested({part: value for part, value in query.items() if part not in own})
        answer = _guarded(name, lambda: self._proxy(name)[operation](**arguments), signature=operations[operation])
        value = _plain(zeep.helpers.serialize_object(answer, dict))
        data = _records(name, value, str(query.get("select", service.select)), service.map)
        today = self.context.clock().date()
        try:
            as_of = str(look_up(value, service.as_of))[:10] if service.as_of else newest_day(data, today=today)
        except NotThere:
            as_of = newest_day(data, today=today)
        fields = {path: Field(**meaning) for path, meaning in service.fields.items()}
        metadata = {"wsdl": mask_secrets(service.wsdl), "operation": operation}
        return Fetched(data, subject=service.subject or name, as_of=as_of, fields=fields, metadata=metadata)

    def health(self) -> Health:
        """Whether every service's WSDL can be read."""
        if problems := self.problems():
            return Health(False, problems[0].message)
        if not self._services:
            return Health(False, "no service is described under data_retriever.sources.soap.services")
        try:
            counts = {name: len(self._operations(name)) for name in sorted(self._services)}
        except (SourceError, UsageError) as error:
            return Health(False, error.message)
        return Health(True, ", ".join(f"{name} has {count} operations" for name, count in counts.items()))

    def _operations(self, name: str) -> dict[str, str]:
        """What a service can be asked, each with its parameters in words."""
        binding = self._proxy(name)._binding
        return {operation: item.input.signature() for operation, item in binding._operations.items()}

    def _proxy(self, name: str) -> Any:
        """The service as zeep offers it; its WSDL is read once."""
        service = self._services[name]
        with self._lock:
            if name not in self._open:
                transport = _Transport(name, service, self._http[name], self.context)
                self._open[name] = _guarded(
                    name,
                    lambda: zeep.Client(
                        service.wsdl if is_url(service.wsdl) else str(self.context.root.resolve() / service.wsdl),
                        transport=transport,
                        wsse=_username(service, self.context.environ),
                        port_name=service.port or None,
                        settings=zeep.Settings(forbid_dtd=True, forbid_entities=True, strict=False),
                    ),
                )
        client = self._open[name]
        if not service.address:
            return _guarded(name, lambda: client.service)
        binding = _guarded(name, lambda: client.service._binding.name.text)
        return client.create_service(binding, service.address)


class _Transport:
    """zeep's way to the network: ours, with its limits, refusals and records."""

    def __init__(self, name: str, service: Service, http: HTTPClient, context: SourceContext) -> None:
        self._name = name
        self._service = service
        self._http = http
        self._context = context

    def load(self, url: str) -> bytes:
        """A WSDL, or a schema that one names; files are those below the project's root."""
        if is_url(url):
            response = self._http.get(url, headers=self._headers()[0], secrets=self._headers()[1])
            if response.status != 200:
                raise SourceError(f"{self._name} answered {response.status} for its WSDL", where=Where(url))
            return response.body
        root = self._context.root.resolve()
        path = (root / url.removeprefix("file://")).resolve()
        if not path.is_relative_to(root):
            raise SourceError(f"{self._name} names a file outside the project: {url}", hint="copy it into the project")
        try:
            return path.read_bytes()
        except OSError as error:
            raise SourceError(f"{url}: {error.strerror or error}", hint="name the WSDL's file or URL") from error

    def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> _Reply:
        """The answer to an envelope; a fault comes with status 500 and is an answer too."""
        own, secrets = self._headers()
        response = self._http.request(
            "POST",
            address,
            headers={**headers, **own},
            content=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            secrets=secrets,
            answers=(500,),
        )
        if response.status not in (200, 202, 500) or (response.status == 500 and response.is_html):
            hint = "check its key and what it may ask for" if response.status in (401, 403) else "check its address"
            raise SourceError(f"{self._name} answered {response.status}", where=Where(mask_secrets(address)), hint=hint)
        return _Reply(response.status, response.body, {name.title(): value for name, value in response.headers.items()})

    def _headers(self) -> tuple[dict[str, str], list[str]]:
        """The headers that say who we are, and what of them must not be shown."""
        auth = self._service.auth
        api = Api(self._service.address or "http://x", auth=auth if auth and auth.kind in _HTTP_AUTH else None)
        headers, _ = credentials(api, self._context.environ)
        return {**self._service.headers, **headers}, [value.split()[-1] for value in headers.values()]


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer with the names that zeep reads."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    encoding: str = "utf-8"


def _check(service: Service, what: str, problems: list[Problem]) -> None:
    if service.address and not is_url(service.address):
        problems.append(Problem(f"{what}.address is not a URL", hint="begin it with https://"))
    if service.auth is not None and service.auth.kind == "oauth":
        problems.append(Problem(f"{what}.auth.kind cannot be oauth", hint=f"known: {', '.join((*_HTTP_AUTH, 'wsse'))}"))
    elif service.auth is not None:
        check_auth(service.auth, f"{what}.auth", problems)
    for name, expression in (("select", service.select), ("map", service.map), ("as_of", service.as_of)):
        if expression and (fault := fault_of(expression)):
            problems.append(Problem(f'{what}.{name} {fault}: "{expression}"', hint="begin a pointer with /"))


def _username(service: Service, environ: Mapping[str, str]) -> UsernameToken | None:
    auth = service.auth
    if auth is None or auth.kind != "wsse":
        return None
    return UsernameToken(variable(auth.user_env, environ), variable(auth.env, environ))


def _guarded(name: str, step: Callable[[], Any], *, signature: str = "") -> Any:
    """What a step of zeep's returns; whatever it raises is one SourceError."""
    hint = f"its parameters are {signature}" if signature else "check wsdl, address and port"
    try:
        return step()
    except (SourceError, UsageError):
        raise
    except zeep.exceptions.Fault as fault:
        raise SourceError(f"{name} refused: {mask_secrets(str(fault.message))[:300]}", hint=hint) from fault
    except (zeep.exceptions.Error, RequestException, etree.LxmlError, OSError) as error:
        raise SourceError(f"{name}: {mask_secrets(str(error))[:300]}", hint=hint) from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise SourceError(f"{name} does not fit its WSDL: {mask_secrets(str(error))[:300]}", hint=hint) from error


def _nested(fields: Mapping[str, Json]) -> dict[str, Json]:
    """`{"filter.country": "DE"}` as `{"filter": {"country": "DE"}}`."""
    nested: dict[str, Json] = {}
    for path, value in fields.items():
        *parents, name = path.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise UsageError(f'the query field "{path}" is within another that is a value', hint="leave one out")
        place[name] = value
    return nested


def _plain(value: Any) -> Json:
    """What zeep made of an answer as JSON; a number that a float would change stays text."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        if value == value.to_integral_value() and value.as_tuple().exponent == 0:
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, datetime):
        return isoformat(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _records(name: str, value: Json, select: str, mapping: str) -> dict[str, Json]:
    """The selected and mapped part of an answer; a list as `records`."""
    try:
        part = look_up(value, select)
        part = look_up(part, mapping) if mapping else part
    except NotThere as error:
        raise SourceError(f"{name}: {error}", hint="set select to where the data is") from None
    if isinstance(part, dict):
        return part
    return {"records": part} if isinstance(part, list) else {"value": part}
