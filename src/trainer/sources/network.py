"""The connections of HTTP clients: to no private address that nobody named, and never beyond a request's deadline.

httpx's own transport holds each read to a time-out, so a server that drips its headers holds a request for ever, and it
connects wherever a name or a redirect leads. httpcore, on which it stands, takes the network as a parameter.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from trainer.core.errors import SourceError

Resolver = Callable[[str], Sequence[str]]
"""From a host's name to its addresses; raises OSError."""

ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.HTTPError,
    httpx.InvalidURL,
    OSError,
)
"""All that sending a request may raise."""
TIMEOUTS = (httpcore.TimeoutException, httpx.TimeoutException)
BROKEN = (httpcore.RemoteProtocolError, httpcore.ReadError, httpx.RemoteProtocolError, httpx.ReadError)


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses that NAT64 sends on to the IPv4 address in their last four bytes (RFC 6052)."""


class PrivateAddress(SourceError):
    """A request would go to a machine of the own network that the settings do not name."""


@dataclass(frozen=True, slots=True)
class _Limits:
    deadline: float
    """By the monotonic clock."""
    hosts: frozenset[str]
    """Hosts that may have private addresses."""


_LIMITS: ContextVar[_Limits] = ContextVar("limits")


@contextlib.contextmanager
def limits(deadline: float, hosts: Iterable[str]) -> Iterator[None]:
    """What is sent inside ends by `deadline`, and reaches private addresses of these `hosts` alone."""
    token = _LIMITS.set(_Limits(deadline, frozenset(hosts)))
    try:
        yield
    finally:
        _LIMITS.reset(token)


def is_literal(host: str) -> bool:
    """Whether the host is an address or this machine, so that no name server has a say in where it leads."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def literal_hosts(*urls: str) -> list[str]:
    """The hosts of those URLs that are addresses or this machine: who writes one in the settings means it."""
    hosts = (httpx.URL(url).host for url in urls if _is_url(url))
    return [host for host in hosts if is_literal(host)]


def _is_url(text: str) -> bool:
    try:
        return bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        return False


def resolve_host(host: str) -> Sequence[str]:
    """The addresses of a host, as the system finds them."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


class Transport(httpx.BaseTransport):
    """Sends httpx's requests over httpcore's pools, one for each proxy and one without."""

    def __init__(
        self,
        certificates: ssl.SSLContext,
        proxy_of: Callable[[str], str],
        *,
        resolve: Resolver = resolve_host,
        connector: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._certificates = certificates
        self._proxy_of = proxy_of
        self._network = _Network(resolve, connector or httpcore.SyncBackend())
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not yet read."""
        proxy = self._proxy_of(str(request.url))
        if proxy not in self._pools:
            self._pools[proxy] = self._pool(proxy)
        if proxy:  # the proxy looks the name up, so only an address can be checked here
            _require_public(request.url.host, [request.url.host] if is_literal(request.url.host) else [])
        url = request.url
        response = self._pools[proxy].handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def _pool(self, proxy: str) -> httpcore.ConnectionPool:
        if not proxy:
            return httpcore.ConnectionPool(ssl_context=self._certificates, network_backend=self._network)
        parts = httpx.Proxy(proxy)
        return httpcore.HTTPProxy(
            httpcore.URL(scheme=parts.url.raw_scheme, host=parts.url.raw_host, port=parts.url.port, target=b"/"),
            proxy_auth=parts.raw_auth,
            ssl_context=self._certificates,
            network_backend=_Network(None, self._network.connector),
        )


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Network(httpcore.NetworkBackend):
    """Connects by address, so that what was checked is what is reached."""

    def __init__(self, resolve: Resolver | None, connector: httpcore.NetworkBackend) -> None:
        self._resolve = resolve
        """None for the way to a proxy, which the settings name."""
        self.connector = connector

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses: Sequence[str] = [host]
        if self._resolve is not None:
            addresses = _require_public(host, [host] if is_literal(host) else self._resolve(host))
        failure: Exception = httpcore.ConnectError(f"no address of {host}")
        for address in addresses:
            try:
                stream = self.connector.connect_tcp(address, port, _left(timeout), local_address, socket_options)
                return _Stream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection that is given no more time than its request has left."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    """Seconds that remain; raises ReadTimeout where none do."""
    current = _LIMITS.get(None)
    if current is None:
        return timeout
    left = current.deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("over the deadline")
    return left if timeout is None else min(timeout, left)


def _require_public(host: str, addresses: Sequence[str]) -> Sequence[str]:
    """The addresses that may be reached; raises PrivateAddress where there are others alone."""
    current = _LIMITS.get(None)
    if current is None or host in current.hosts:
        return addresses
    public = [address for address in addresses if _is_public(address)]
    if addresses and not public:
        message = f"leads to {host}, a private address" + ("" if host in addresses else f" ({addresses[0]})")
        raise PrivateAddress(message, hint="name the host under private_hosts of the source if that is meant")
    return public


def _is_public(address: str) -> bool:
    if address == "localhost":
        return False
    parsed = ipaddress.ip_address(address.partition("%")[0])
    carried = _carried(parsed) if isinstance(parsed, ipaddress.IPv6Address) else [parsed]
    return all(part.is_global and not part.is_multicast for part in carried)


def _carried(address: ipaddress.IPv6Address) -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The IPv4 addresses that gateways would send this one on to; itself where it is no such address."""
    number = int(address)
    if address in _TRANSLATED or (number >> 32 == 0 and number > 1):
        return [ipaddress.IPv4Address(number & 0xFFFFFFFF)]
    if address.teredo:
        return address.teredo
    embedded = address.ipv4_mapped or address.sixtofour
    return [embedded] if embedded else [address]
