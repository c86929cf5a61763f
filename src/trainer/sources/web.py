"""HTTP for sources: cookies, gzip, deadlines, retries that honour Retry-After, one clear error for each way to fail."""

from __future__ import annotations

import http.client
import random
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

from trainer.core.clock import Clock
from trainer.core.errors import SourceError, UsageError

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in the end, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people, where data was asked for."""
        return "html" in self.headers.get("content-type", "") or self.body.lstrip()[:1] == b"<"


class Pace:
    """At most so many requests a second, all threads together, evenly spread."""

    def __init__(self, per_second: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        if not per_second > 0:
            raise UsageError(f"per_second must be more than 0, not {per_second}")
        self._interval = 1.0 / per_second
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
        if start > now:
            self._sleep(start - now)


@dataclass(frozen=True, slots=True)
class Session:
    """Settings and cookies for one service; safe to share between threads, holds no connection."""

    service: str
    """How errors call it: `Yahoo Finance`."""
    clock: Clock
    user_agent: str
    timeout: float = 20.0
    """Seconds one try may take in all."""
    retries: int = 3
    """Further tries after the first."""
    backoff: float = 0.5
    """Seconds before the first further try; doubled for each one after, and jittered."""
    longest_wait: float = 60.0
    """Seconds a Retry-After may ask for; for more, the error says when to come back."""
    most_bytes: int = 50_000_000
    sleep: Callable[[float], None] = time.sleep
    cookies: CookieJar = field(default_factory=CookieJar)
    pace: Pace | None = None
    """How often it may ask; None is as often as it likes."""

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        retries: int | None = None,
    ) -> Answer:
        """The answer to a GET; raises SourceError where none comes, or none but "later" and server errors.

        `secret_headers` do not follow a redirect to another server.
        """
        tries = (self.retries if retries is None else retries) + 1
        for number in range(1, tries + 1):
            last = number == tries
            try:
                if self.pace is not None:
                    self.pace.wait()
                answer = self._once(url, headers or {}, secret_headers or {})
            except _Failure as failure:
                if last or not failure.passing:
                    raise self._error(str(failure), url, number) from failure.__cause__
                self.sleep(self._pause(number))
                continue
            if answer.status not in _RETRIED:
                return answer
            wait = self._asked_wait(answer)
            if last or (wait or 0) > self.longest_wait:
                raise self._refused(answer, wait, number)
            self.sleep(self._pause(number) if wait is None else wait)
        raise AssertionError("the last try returns or raises")

    def _once(self, url: str, headers: Mapping[str, str], secret_headers: Mapping[str, str]) -> Answer:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), _Redirects())
        wanted = {"User-Agent": self.user_agent, "Accept-Encoding": "gzip", "Accept": "*/*", **headers}
        request = urllib.request.Request(url, headers=wanted)  # noqa: S310  (the scheme is checked where the URL is set)
        for name, value in secret_headers.items():
            request.add_unredirected_header(name, value)
        deadline = time.monotonic() + self.timeout
        try:
            try:
                with opener.open(request, timeout=self.timeout) as response:
                    return self._answer(response, deadline)
            except urllib.error.HTTPError as error:
                with error:
                    return self._answer(error, deadline)
        except (TimeoutError, urllib.error.URLError, http.client.HTTPException, OSError, zlib.error) as error:
            raise _failure(error, self.timeout) from error

    def _answer(self, response: Any, deadline: float) -> Answer:
        headers = {name.lower(): ", ".join(response.headers.get_all(name)) for name in response.headers}
        body = _whole_body(response, headers, deadline, self.most_bytes)
        return Answer(int(response.status), headers, body, response.url)

    def _pause(self, number: int) -> float:
        return self.backoff * 2.0 ** (number - 1) * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)

    def _asked_wait(self, answer: Answer) -> float | None:
        """Seconds in the Retry-After header: a number or a date."""
        text = answer.headers.get("retry-after", "").strip()
        if text.isdecimal():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self.clock()).total_seconds()) if text else None
        except (TypeError, ValueError):
            return None

    def _refused(self, answer: Answer, wait: float | None, tries: int) -> SourceError:
        if answer.status == 429:
            when = f"in {wait:.0f} s" if wait else "in a few minutes"
            message = f"{self.service} answered 429, too many requests{_counted(tries)}"
            return SourceError(message, hint=f"run the same command again {when}; what is stored already is kept")
        message = f"{self.service} answered {answer.status}{_counted(tries)}"
        return SourceError(message, hint="run the same command again later")

    def _error(self, reason: str, url: str, tries: int) -> SourceError:
        host = urlsplit(url).netloc
        return SourceError(
            f"{self.service} {reason}{_counted(tries)}",
            hint=f"check that {host} can be reached, then run the same command again; `--offline` uses what is stored",
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and takes secret headers along only within one server."""

    def redirect_request(self, *arguments: Any) -> Any:
        """The next request."""
        following = super().redirect_request(*arguments)
        req, newurl = arguments[0], arguments[-1]
        if following is not None and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            for name, value in req.unredirected_hdrs.items():
                if name not in ("Cookie", "Host"):
                    following.add_unredirected_header(name, value)
        return following


class _Failure(Exception):
    """One try that brought no whole answer; `passing` says whether another might."""

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


def _failure(error: Exception, timeout: float) -> _Failure:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return _Failure(f"did not answer within {timeout:g} s")
    if isinstance(reason, http.client.IncompleteRead | EOFError):
        return _Failure("broke off in the middle of its answer")
    if isinstance(reason, zlib.error):
        return _Failure("sent an answer that cannot be unpacked")
    if type(reason).__name__ == "SSLCertVerificationError":
        return _Failure(f"cannot be trusted: {reason}", passing=False)
    if isinstance(reason, OSError | http.client.HTTPException):
        return _Failure(f"cannot be reached: {getattr(reason, 'strerror', None) or reason or type(reason).__name__}")
    return _Failure(f"cannot be reached: {reason}")


def _whole_body(response: Any, headers: Mapping[str, str], deadline: float, most_bytes: int) -> bytes:
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if headers.get("content-encoding", "").lower() == "gzip" else None
    parts: list[bytes] = []
    size = received = 0
    while chunk := response.read1(_CHUNK):
        received += len(chunk)
        part = unpack.decompress(chunk, most_bytes - size + 1) if unpack else chunk
        size += len(part)
        parts.append(part)
        if size > most_bytes:
            raise _Failure(f"sent more than {most_bytes:,} bytes", passing=False)
        if time.monotonic() > deadline:
            raise TimeoutError
    wanted = headers.get("content-length", "")
    if (unpack and not unpack.eof) or (wanted.isdecimal() and received < int(wanted)):
        raise http.client.IncompleteRead(b"")
    return b"".join(parts)


def _counted(tries: int) -> str:
    return f" ({tries} tries)" if tries > 1 else ""
