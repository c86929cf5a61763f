"""HTTP over aiohttp, one session for the whole room: proxies, bounded bodies, failures in our words, no redirects."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import socket
import ssl
import urllib.request
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trainer.core.errors import UsageError
from trainer.core.secrets import mask_secrets
from trainer.providers import loop
from trainer.providers.failures import failure

if TYPE_CHECKING:
    import aiohttp

_LONGEST_BODY = 64 * 2**20
"""Bytes of an answer; the longest that models write are a few hundred thousand."""
_LONGEST_LINE = 16 * 2**20
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "trainer"}

_sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = weakref.WeakKeyDictionary()


@contextlib.asynccontextmanager
async def exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to one request, its head read; raises ProviderError for all that can go wrong until the block ends.

    Redirects are answers: another origin never gets the key. Loopback addresses are asked directly; for others the
    environment's proxy holds, and is named where it fails.
    """
    import aiohttp

    address, proxy = _address(url), _proxy_for(url)
    if "Authorization" in headers:
        url = _without_user(url)
    try:
        async with (
            asyncio.timeout(timeout),
            await _sent(method, url, {**_HEADERS, **headers}, body, proxy) as response,
        ):
            yield response
    except TimeoutError as error:
        raise failure("timed_out", f"{address} gave no whole answer in {timeout:g} s") from error
    except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
        reason = _reason(error.os_error) if isinstance(error, aiohttp.ClientProxyConnectionError) else str(error.status)
        raise failure(
            "unreachable",
            f"{address} cannot be reached through the proxy {_address(proxy or '')}: {reason}",
            hint=f"start the proxy, or set NO_PROXY={urlsplit(url).hostname} to go there directly",
        ) from error
    except aiohttp.ClientSSLError as error:
        raise failure("unreachable", f"{address}: TLS failed: {_tls_reason(error)}") from error
    except aiohttp.ClientConnectorError as error:
        raise failure("unreachable", f"{address} cannot be reached: {_reason(error.os_error)}") from error
    except aiohttp.InvalidURL as error:
        raise UsageError(f'"{address}" is not an address of a service') from error
    except aiohttp.ServerDisconnectedError as error:
        raise failure("server", f"{address}: the connection was closed before an answer", status=200) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientOSError) as error:
        raise failure("server", f"{address}: the answer was cut off", status=200) from error
    except aiohttp.ClientError as error:
        raise failure("server", f"{address}: the answer is not HTTP", status=200) from error


async def _sent(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, proxy: str | None
) -> aiohttp.ClientResponse:
    """The answer, its head read; sent again where a kept connection turns out to be closed before the body was sent."""
    import aiohttp

    while True:
        try:
            return await _session().request(method, url, data=body, headers=headers, proxy=proxy, allow_redirects=False)
        except aiohttp.ClientOSError as error:
            # nothing reached the server, so nothing was billed; each try takes one dead connection out of the pool
            if not isinstance(error.__cause__, aiohttp.ClientConnectionResetError):
                raise


async def read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, bounded while it comes."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > _LONGEST_BODY:
            raise failure("server", f"the service answered with more than {_LONGEST_BODY:,} bytes", status=200)
        parts.append(part)
    return b"".join(parts)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The data of each server-sent event."""
    data: list[bytes] = []
    async for line in _lines(response):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data.clear()
    if data:
        yield b"\n".join(data)


@functools.lru_cache(maxsize=64)
def check_address(url: str) -> str:
    """The address without a slash at its end; raises UsageError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f'"{mask_secrets(url)}" is not an address of a service', hint="write it like http://localhost:11434/v1"
        )
    return url.rstrip("/")


@functools.lru_cache(maxsize=64)
def without_login(url: str) -> str:
    """The address as it may be shown: no login, no query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body line by line, without line ends; a piece may end in the middle of a line."""
    rest: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        *whole, last = part.split(b"\n")
        for line in whole:
            yield b"".join([*rest, line]).rstrip(b"\r")
            rest, size = [], 0
        if last:
            rest.append(last)
            size += len(last)
        if size > _LONGEST_LINE:
            raise failure("server", "the service sent a line without end", status=200)
    if rest:
        yield b"".join(rest)


def _session() -> aiohttp.ClientSession:
    """The session of the running loop, with as many connections as calls are under way; cookies are dropped."""
    import aiohttp

    running = asyncio.get_running_loop()
    session = _sessions.get(running)
    if session is None or session.closed:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            read_bufsize=2**18,
            max_line_size=2**16,
            max_field_size=2**16,
        )
        _sessions[running] = session
        if running is loop.event_loop():
            atexit.register(_close, session)
    return session


def _close(session: aiohttp.ClientSession) -> None:
    with contextlib.suppress(Exception):
        asyncio.run_coroutine_threadsafe(session.close(), loop.event_loop()).result(1)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address; none for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127."):
        return None
    return None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)


@functools.lru_cache(maxsize=64)
def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@functools.lru_cache(maxsize=64)
def _address(url: str) -> str:
    return without_login(url).removesuffix("/chat/completions").removesuffix("/models")


def _reason(error: OSError) -> str:
    """The system's own words; asyncio's are those of a socket."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def _tls_reason(error: Any) -> str:
    cause = getattr(error, "certificate_error", None) or error.os_error
    return str(getattr(cause, "verify_message", "") or (cause.reason if isinstance(cause, ssl.SSLError) else cause))
