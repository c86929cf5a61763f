"""HTTP for sources: httpx with hishel's cache and stamina's retries; every way to fail is one clear SourceError.

Freshness is the store's affair, so each request asks the server; what the cache knows only spares the body, by ETag
and Last-Modified. Requests that carry credentials never enter the cache.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import cache, cached_property, partial
from http.cookiejar import CookieJar
from typing import Literal

import httpcore
import httpx
import stamina
from hishel import SqliteStorage
from hishel.httpx import CacheTransport

from trainer.core.digest import digest
from trainer.core.errors import SourceError, UsageError, Where
from trainer.core.ratelimit import RateLimiter, Turn
from trainer.core.secrets import Secret, mask_secrets
from trainer.core.strictjson import read_json
from trainer.core.values import Json
from trainer.sources.base import ServiceCall, SourceContext
from trainer.sources.network import (
    BROKEN,
    ERRORS,
    TIMEOUTS,
    PrivateAddress,
    Resolver,
    Transport,
    is_literal,
    limits,
    literal_hosts,
    resolve_host,
)

for _logger in ("hishel", "stamina"):  # without a handler of their own their warnings would go to stderr
    logging.getLogger(_logger).addHandler(logging.NullHandler())

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_REDIRECTS = 10
_MOST_CACHED = 200_000_000  # bytes on disk
_PUBLIC_HEADERS = frozenset({"accept", "accept-encoding", "cache-control", "user-agent"})
_LONGEST_WAIT = 60.0
"""Seconds a Retry-After may ask for; for more, the error says when to come back."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered in the end, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people, where data was asked for."""
        kind, start = self.headers.get("content-type", ""), self.body.lstrip()[:5]
        return "html" in kind or (start[:1] == b"<" and start != b"<?xml" and "xml" not in kind)

    def json(self) -> Json:
        """The JSON of the body; raises SourceError where there is none."""
        if self.is_html:
            raise SourceError("a page for people, where JSON was asked for", where=Where(mask_secrets(self.url)))
        try:
            return read_json(self.body, shown=mask_secrets(self.url))
        except UsageError as error:
            raise SourceError(error.message, where=error.where, problems=error.problems) from None


class HTTPClient:
    """Requests to one service; safe to share between threads. Proxies and certificates come from the environment too.

    client = HTTPClient("EDGAR", context, user_agent="Ann ann@example.org", per_second=8)
    client.get("https://data.sec.gov/submissions/CIK0000320193.json").status  # 200
    """

    def __init__(
        self,
        service: str,
        context: SourceContext,
        *,
        address: str = "",
        user_agent: str = "trainer",
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.5,
        per_second: float = 5.0,
        max_bytes: int = 50_000_000,
        proxy: str = "",
        ca_file: str = "",
        client_certificate: str = "",
        private_hosts: Sequence[str] = (),
        cached: bool = True,
        resolve: Resolver = resolve_host,
        connector: httpcore.NetworkBackend | None = None,
    ) -> None:
        self.service = service
        """How errors call it: `Yahoo Finance`."""
        self._address = address
        """The settings' address of the service: its limit is kept for that, and it may be one of the own network."""
        self.cookies = CookieJar()
        self._context = context
        self._user_agent = user_agent
        self._timeout = timeout
        """Seconds one attempt may take in all."""
        self._retries = retries
        """Further attempts after the first."""
        self._backoff = backoff
        """Seconds before the first further attempt; doubled for each one after, and jittered."""
        if not per_second > 0:
            raise UsageError(f"per_second must be more than 0, not {per_second}")
        self._per_second = per_second
        """Requests a second at most, of all processes of the machine that know the same folder of rates."""
        self._max_bytes = max_bytes
        self._proxy = proxy
        self._ca_file = ca_file
        self._client_certificate = client_certificate
        self._private_hosts = frozenset((*private_hosts, *literal_hosts(address)))
        """Hosts that may be of the own network: those named, and an address that is itself written in the settings."""
        self._cached = cached
        self._resolve = resolve
        self._connector = connector
        self._lock = threading.Lock()
        self._turns = threading.Lock()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str | Secret] = (),
        retries: int | None = None,
    ) -> Response:
        """The answer to a GET; raises SourceError where none comes, or none but "later" and server errors.

        See `request`.
        """
        return self.request("GET", url, params=params, headers=headers, secrets=secrets, retries=retries)

    def request(
        self,
        method: Literal["GET", "POST"],
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Json = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        secrets: Sequence[str | Secret] = (),
        retries: int | None = None,
        answers: Collection[int] = (),
    ) -> Response:
        """The answer to a request that changes nothing, and so may be sent again.

        The body of a POST is `json`, the fields of a `form`, or `content` as it is. `answers` are statuses of server
        errors whose body is an answer all the same, as SOAP's faults are.

        `secrets` are the credentials in `url`, `params` and `headers`: they are masked in errors, and with any of them
        the answer is not cached. Another origin that the server redirects to gets none of the headers and cookies.
        """
        attempts = (self._retries if retries is None else retries) + 1
        message = f"{url} {params} {headers}"
        private = bool(secrets) or mask_secrets(message) != message
        sent = {"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "gzip", **(headers or {})}
        backoff = stamina.retry_context(
            on=lambda error: error.retry if isinstance(error, _Failure) else False,
            attempts=attempts,
            timeout=None,
            wait_initial=self._backoff,
            wait_max=_LONGEST_WAIT,
            wait_jitter=self._backoff,
        )
        with self._lock:  # before the wait: a client takes time to make, and a turn must be used when it comes
            cached = method == "GET" and self._cached and not private and self._context.cache is not None
            client = self._caching if cached else self._plain
        if cached:
            sent["Cache-Control"] = "no-cache"  # ask, and let a 304 spare the body
        body = {"json": json, "data": form, "content": content}
        build = partial(client.build_request, method, url, params=params or None, headers=sent, **body)
        number = 1
        try:
            for attempt in backoff:
                with attempt:
                    number = attempt.num
                    call = ServiceCall(self.service, method, mask_secrets(url, secrets), 0, 0.0, attempt=number)
                    return self._recorded(client, build, call, url, answers)
        except _Failure as failure:
            counted = f" ({number} tries)" if number > 1 else ""
            hint = failure.hint or (
                f"check that {_host(url)} can be reached, then run the same command again; "
                "`--offline` uses what is stored"
            )
            message = mask_secrets(f"{self.service} {failure}{counted}", secrets)
            raise SourceError(message, hint=hint) from failure.__cause__
        raise AssertionError("the last attempt returns or raises")

    def _recorded(
        self,
        client: httpx.Client,
        build: Callable[[], httpx.Request],
        call: ServiceCall,
        url: str,
        answers: Collection[int],
    ) -> Response:
        """The answer of one attempt; `on_call` is told of it, whatever comes of it."""
        began = time.monotonic()
        try:
            request = build()
            turn = self._wait_for_turn()
            began = time.monotonic()
            response = self._send(client, request, turn, began + self._timeout, answers)
            call = replace(call, status=response.status, size=len(response.body))
        except PrivateAddress as error:
            call = replace(call, error=error.message)
            raise _Failure(error.message, retry=False, hint=error.hint or "") from error
        except ERRORS as error:
            failure = self._failure(error, url)
            call = replace(call, error=str(failure))
            raise failure from error
        except _Failure as failure:
            call = replace(call, status=failure.status, error=str(failure))
            raise
        finally:
            self._context.on_call(replace(call, seconds=time.monotonic() - began))
        return response

    def _wait_for_turn(self) -> Turn:
        """The turn of the next request, once it may be sent: all threads, and all processes, share one limit."""
        with self._turns:
            while (turn := self._limiter.acquire()).wait:
                time.sleep(turn.wait)
        return turn

    @cached_property
    def _limiter(self) -> RateLimiter:
        folder = self._context.rates
        ledger = folder / f"{digest([self.service, self._address])[:32]}.json" if folder else None
        return RateLimiter(ledger, per_second=self._per_second)

    def _send(
        self, client: httpx.Client, request: httpx.Request, turn: Turn, deadline: float, answers: Collection[int]
    ) -> Response:
        """The answer after all redirects, each of which waits for a turn of its own."""
        hosts = self._private_hosts
        if not self._address and is_literal(request.url.host):
            hosts |= {request.url.host}
        for _ in range(_MOST_REDIRECTS + 1):
            with limits(deadline, hosts):
                try:
                    response = client.send(request, stream=True, follow_redirects=False)
                finally:
                    self._limiter.arrived(turn)
                try:
                    if response.next_request is None:
                        return self._read(response, deadline, answers)
                    request = _redirected(request, response.next_request)
                finally:
                    response.close()
            paused = time.monotonic()
            turn = self._wait_for_turn()
            deadline += time.monotonic() - paused
        raise _Failure(f"redirects more than {_MOST_REDIRECTS} times", retry=False, hint="check base_url and path")

    @cached_property
    def _transport(self) -> Transport:
        options = {"ca_file": self._ca_file, "client_certificate": self._client_certificate}
        paths = {name: str(self._context.root / path) if path else "" for name, path in options.items()}
        for name, path in paths.items():
            if path and not os.access(path, os.R_OK):
                raise UsageError(f"{name} of {self.service} cannot be read: {path}", hint="name a file of PEM blocks")
        try:
            certificates = _certificates(paths["ca_file"], paths["client_certificate"])
        except OSError as error:  # an SSLError too
            message = f"the certificates of {self.service} cannot be used: {error.strerror or error}"
            raise UsageError(message, hint="ca_file and client_certificate are files of PEM blocks") from error
        return Transport(certificates, self._proxy_of, resolve=self._resolve, connector=self._connector)

    @cached_property
    def _plain(self) -> httpx.Client:
        return httpx.Client(transport=self._transport, cookies=self.cookies, timeout=self._timeout)

    @cached_property
    def _caching(self) -> httpx.Client:
        assert self._context.cache is not None
        path = self._context.cache / "http.sqlite"
        storage = SqliteStorage(database_path=path, max_size=_MOST_CACHED, max_stream_size=self._max_bytes)
        transport = CacheTransport(self._transport, storage, rfc={"shared": False})
        return httpx.Client(transport=transport, cookies=self.cookies, timeout=self._timeout)

    def _proxy_of(self, url: str) -> str:
        """The proxy for a URL, by the option or the environment; this machine is reached without one."""
        host = httpx.URL(url).host
        if host in ("localhost", "127.0.0.1", "::1"):
            return ""
        if self._proxy:
            return self._proxy
        if urllib.request.proxy_bypass(host):
            return ""
        proxies = urllib.request.getproxies()
        return proxies.get(httpx.URL(url).scheme) or proxies.get("all") or ""

    def _read(self, response: httpx.Response, deadline: float, answers: Collection[int]) -> Response:
        if response.status_code in _RETRIED and response.status_code not in answers:
            raise self._refusal(response)
        body = b"".join(self._parts(response, deadline))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, headers, body, str(response.url))

    def _parts(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """The body as it comes, unpacked, never more than `max_bytes` of it.

        httpx unpacks whatever chain of encodings a server claims, without a limit: 64 kB can become 66 MB, twice packed
        a thousand times that. So only the encoding that was asked for is unpacked, and only as far as the limit.
        """
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise _Failure(f"sent an answer packed as {encoding}, which was not asked for", retry=False)
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
        size, received = 0, 0
        try:
            for chunk in response.iter_raw():
                received += len(chunk)
                part = unpacker.decompress(chunk, self._max_bytes - size + 1) if unpacker else chunk
                size += len(part)
                if size > self._max_bytes:
                    raise _Failure(f"sent more than {self._max_bytes:,} bytes", retry=False, hint="narrow the query")
                yield part
                if time.monotonic() > deadline:
                    raise httpcore.ReadTimeout("over the deadline")
        except zlib.error as error:
            raise _Failure("sent an answer that cannot be unpacked") from error
        except BROKEN as error:
            raise _Failure("broke off in the middle of its answer") from error
        if unpacker and received and not unpacker.eof:
            raise _Failure("broke off in the middle of its answer")

    def _refusal(self, response: httpx.Response) -> _Failure:
        """Why a server asks to come later, and when."""
        wait = _retry_after(response.headers.get("retry-after", ""), self._context)
        retry: bool | float = True if wait is None else wait if wait <= _LONGEST_WAIT else False
        status = response.status_code
        if wait and retry and self._context.rates is not None:
            self._limiter.pause(wait)  # the others need not find out for themselves
        if status != 429:
            return _Failure(f"answered {status}", hint="run the same command again later", retry=retry, status=status)
        when = f"in {wait:.0f} s" if wait else "in a few minutes"
        hint = f"run the same command again {when}; what is stored already is kept"
        return _Failure("answered 429, too many requests", hint=hint, retry=retry, status=status)

    def _failure(self, error: Exception, url: str) -> _Failure:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            hint = f"a certificate of your own network is named by ca_file or SSL_CERT_FILE; host: {_host(url)}"
            return _Failure(f"cannot be trusted: {cause}", retry=False, hint=hint)
        if isinstance(error, TIMEOUTS):
            return _Failure(f"did not answer within {self._timeout:g} s")
        if isinstance(error, httpx.InvalidURL | httpcore.UnsupportedProtocol):
            return _Failure("leads to an address that is none", retry=False, hint="check base_url")
        reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
        proxy = self._proxy_of(url)
        if not proxy:
            return _Failure(f"cannot be reached: {reason}")
        hint = "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the option proxy"
        return _Failure(f"cannot be reached through the proxy {_host(proxy)}: {reason}", hint=hint)


class _Failure(Exception):
    """One attempt that brought no whole answer."""

    def __init__(self, message: str, *, retry: bool | float = True, hint: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """Of the answer, where one came."""
        self.retry = retry
        """Whether another attempt might, or after how many seconds."""
        self.hint = hint


@cache
def _certificates(ca_file: str, client_certificate: str) -> ssl.SSLContext:
    """Whom to trust, and who we are; reading them takes some 20 ms, so the clients of a process share them."""
    context = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    if client_certificate:
        context.load_cert_chain(client_certificate)
    return context


def _redirected(request: httpx.Request, following: httpx.Request) -> httpx.Request:
    """The request after a redirect; another origin is told only what every server may know."""
    if following.url.scheme not in ("http", "https"):
        raise _Failure(
            f"redirects to {following.url.scheme}:, which is not followed", retry=False, hint="check base_url"
        )
    origins = [(url.scheme, url.host, url.port) for url in (request.url, following.url)]
    if origins[0] != origins[1]:
        public = {name: value for name, value in following.headers.items() if name.lower() in _PUBLIC_HEADERS}
        following = httpx.Request(following.method, following.url, headers=public, extensions=following.extensions)
    return following


def _retry_after(text: str, context: SourceContext) -> float | None:
    """Seconds in a Retry-After header: a number or a date."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - context.clock()).total_seconds()) if text else None
    except (TypeError, ValueError):
        return None


def _host(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address"
    return parsed.host + (f":{parsed.port}" if parsed.port else "")
