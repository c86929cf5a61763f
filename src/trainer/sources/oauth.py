"""OAuth 2.0 by authlib: tokens for programs and for people, kept in one file a service, renewed once for all processes.

The flows are those of RFC 6749 (client credentials, refresh, authorization code), RFC 7636 (PKCE), RFC 8252 (a program
on a person's machine) and RFC 8628 (a device without a browser). authlib writes and reads what is sent; the way there
is that of all requests of a source.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from trainer.core.clock import Clock
from trainer.core.digest import digest
from trainer.core.errors import SourceError, UsageError
from trainer.core.secrets import keep_secret
from trainer.core.values import Json
from trainer.sources.api_settings import Auth, variable
from trainer.sources.base import SourceContext
from trainer.sources.http_client import HTTPClient

_EARLY = 30.0
"""Seconds before its end in which a token is not used any more: a request takes time, and clocks differ."""
_PATIENCE = 300.0
"""Seconds a person has to sign in."""
_HIDDEN = frozenset({"client_secret", "refresh_token", "code", "code_verifier", "device_code"})
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Token:
    """What lets us in."""

    access: str
    refresh: str = ""
    expires_at: float | None = None
    """Seconds since 1970; None where the service names no end."""

    def is_valid(self, clock: Clock) -> bool:
        """Whether it can be used for another request."""
        return self.expires_at is None or clock().timestamp() < self.expires_at - _EARLY


class Tokens:
    """The tokens of one service. Threads and processes ask for a new one by turns, so that one request serves all."""

    def __init__(self, service: str, auth: Auth, http: HTTPClient, context: SourceContext) -> None:
        self._service = service
        self._auth = auth
        self._http = http
        self._context = context
        self._memory: Token | None = None
        """Where the context keeps nothing."""
        self._turns = threading.Lock()

    def current(self) -> str:
        """The access token, a new one where the last has run out; raises UsageError where a person must sign in."""
        token = self._read()
        if token is None or not token.is_valid(self._context.clock):
            return self._renew(refused="")
        return keep_secret(token.access).reveal()

    def renewed(self, refused: str) -> str:
        """The access token after the service refused `refused`: what another process got since, or a new one."""
        return self._renew(refused)

    def sign_in(self, tell: Callable[[str], None], pasted: TextIO | None = None) -> None:
        """Let a person sign in: `tell` is given the lines that say where; returns when the tokens are kept.

        From `pasted`, such as a terminal, the address is read at which a browser of another machine ended.
        """
        if self._auth.flow not in ("authorization_code", "device"):
            raise UsageError(f"{self._service} lets programs in by themselves: nobody signs in to it")
        token = self._by_code(tell, pasted) if self._auth.flow == "authorization_code" else self._by_device(tell)
        with self._locked():
            self._keep(token)

    def _renew(self, refused: str) -> str:
        with self._locked():
            token = self._read()
            if token is None or token.access == refused or not token.is_valid(self._context.clock):
                token = self._requested(token)
                self._keep(token)
            return keep_secret(token.access).reveal()

    def _requested(self, last: Token | None) -> Token:
        if self._auth.flow == "client_credentials":
            return self._ask("client_credentials", scope=self._auth.scope, audience=self._auth.audience)
        candidates = [last.refresh] if last and last.refresh else []
        if self._auth.flow == "refresh_token":  # a person may have put a new one in place of one that was refused
            candidates.append(variable(self._auth.refresh_env, self._context.environ))
        for number, refresh in enumerate(candidates, start=1):
            try:
                return self._ask("refresh_token", refresh_token=refresh)
            except SourceError:
                if number == len(candidates):
                    raise
        hint = f"run: trainer retrieve api api={self._service} --sign-in"
        raise UsageError(f"nobody is signed in to {self._service}", hint=hint)

    def _by_code(self, tell: Callable[[str], None], pasted: TextIO | None) -> Token:
        """A token for who signs in with a browser: it comes back to a port of ours, or its last address is pasted.

        The port is of use on this machine only. Over SSH, and where the service knows another `redirect_url`, the
        person copies the address of the page that the browser ends at, whether it could be loaded or not.
        """
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        with contextlib.ExitStack() as stack:
            listener = None if self._auth.redirect_url else stack.enter_context(_Listener(self._auth.redirect_port))
            redirect = listener.url if listener else self._auth.redirect_url
            address = prepare_grant_uri(
                self._auth.authorize_url,
                self._client_id,
                "code",
                redirect_uri=redirect,
                scope=self._auth.scope or None,
                state=state,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                audience=self._auth.audience or None,
            )
            tell(f"To let trainer ask {self._service} for you, open this address in a browser:")
            tell(str(address))
            if pasted is not None:
                tell(f"If the browser then stays at an address that begins with {redirect}, paste that address here:")
            answer = _address_after_consent(listener, pasted, time.monotonic() + _PATIENCE)
        parameters = dict(parse_qsl(urlsplit(answer).query))
        if not secrets.compare_digest(parameters.get("state", "").encode(), state.encode()):
            hint = "sign in once more, and paste the whole address of the last page"
            raise SourceError(f"{self._service} answered another question than ours", hint=hint)
        if "code" not in parameters:
            raise self._refusal(parameters)
        return self._ask("authorization_code", code=parameters["code"], redirect_uri=redirect, code_verifier=verifier)

    def _by_device(self, tell: Callable[[str], None]) -> Token:
        """A token for who signs in on any machine, where a code is typed in."""
        fields = _named({"client_id": self._client_id, "scope": self._auth.scope, "audience": self._auth.audience})
        body = self._post(self._auth.device_url, urlencode(fields))
        try:
            device, code, address = body["device_code"], body["user_code"], body["verification_uri"]
            interval, end = float(body.get("interval") or 5), time.monotonic() + float(body["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise self._refusal(body) from None
        tell(f"To let trainer ask {self._service} for you, open {address} on any machine and enter the code {code}")
        while time.monotonic() < end:
            time.sleep(interval)
            answer = self._post(self._auth.token_url, prepare_token_request(_DEVICE, device_code=device))
            error = answer.get("error")
            if error == "slow_down":
                interval += 5
            elif error != "authorization_pending":
                return self._token(answer, "")
        raise SourceError(f"nobody signed in to {self._service} in time", hint="sign in once more")

    @property
    def _client_id(self) -> str:
        return variable(self._auth.client_id_env, self._context.environ)

    def _ask(self, grant: str, **fields: str) -> Token:
        answer = self._post(self._auth.token_url, prepare_token_request(grant, **_named(fields)))
        return self._token(answer, fields.get("refresh_token", ""))

    def _post(self, url: str, body: str) -> dict[str, Any]:
        """The JSON of the answer, an error too; asked once, since a refresh token may be good for one use."""
        secret = variable(self._auth.env, self._context.environ) if self._auth.env else ""
        method = "none" if not secret else f"client_secret_{'post' if self._auth.client_auth == 'body' else 'basic'}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        _, headers, body = ClientAuth(self._client_id, secret, method).prepare("POST", url, headers, body)
        response = self._http.request(
            "POST",
            url,
            headers=headers,
            content=body.encode("ascii"),
            secrets=[secret or self._client_id, *(value for name, value in parse_qsl(body) if name in _HIDDEN)],
            retries=0,
        )
        try:
            answer = response.json()
        except SourceError:
            answer = None
        if not isinstance(answer, dict):
            raise SourceError(f"{self._service} gave no token, and answered {response.status}", hint="check token_url")
        return answer

    def _token(self, answer: Mapping[str, Any], refresh: str) -> Token:
        access = answer.get("access_token")
        if not isinstance(access, str) or not access:
            raise self._refusal(answer)
        seconds = answer.get("expires_in")
        ends = isinstance(seconds, int | float | str) and str(seconds).replace(".", "", 1).isdecimal()
        expires_at = self._context.clock().timestamp() + float(str(seconds)) if ends else None
        return Token(access, str(answer.get("refresh_token") or refresh), expires_at)

    def _refusal(self, answer: Mapping[str, Json]) -> SourceError:
        reason = ": ".join(str(answer[name])[:200] for name in ("error", "error_description") if answer.get(name))
        hint = "check the client's id, secret and scope"
        if self._auth.flow in ("authorization_code", "device"):
            hint = f"run: trainer retrieve api api={self._service} --sign-in"
        return SourceError(f"{self._service} gave no token: {reason or 'it does not say why'}", hint=hint)

    @property
    def _file(self) -> Path | None:
        folder = self._context.tokens
        identity = [self._service, self._auth.token_url, self._auth.scope, self._auth.audience, self._client_id]
        return folder / f"{digest(identity)[:32]}.json" if folder else None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        file = self._file
        if file is None:
            with self._turns:
                yield
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _read(self) -> Token | None:
        file = self._file
        if file is None:
            return self._memory
        try:
            token = Token(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        for secret in (token.access, token.refresh):
            keep_secret(secret)
        return token

    def _keep(self, token: Token) -> None:
        for secret in (token.access, token.refresh):
            keep_secret(secret)
        if (file := self._file) is None:
            self._memory = token
            return
        content = json.dumps({"access": token.access, "refresh": token.refresh, "expires_at": token.expires_at})
        new = file.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(handle)
        new.replace(file)  # whole, or the last one stays: who loses a refresh token must sign in again


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


class _Listener:
    """The port of this machine to which a browser comes back; used as a context manager."""

    def __init__(self, port: int) -> None:
        answers: list[str] = []

        class CallbackHandler(BaseHTTPRequestHandler):
            timeout = 5.0  # browsers open connections beforehand, and say nothing on them

            def do_GET(self) -> None:
                is_answer = self.path.startswith("/callback?")
                if is_answer:
                    answers.append(self.path)
                text = "You can close this page and go back to the terminal." if is_answer else "Not here."
                self.send_response(200 if is_answer else 404)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing: the address holds a code."""

        self._answers = answers
        try:
            self._server = HTTPServer(("127.0.0.1", port), CallbackHandler)
        except OSError as error:
            message = f"the port {port} cannot be listened to: {error.strerror}"
            raise UsageError(message, hint="end what uses it, or see redirect_port") from None
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def fileno(self) -> int:
        """What to wait on until a browser comes."""
        return self._server.fileno()

    def answer(self) -> str:
        """The path and query with which the browser came; empty where it asked for something else."""
        self._server.timeout = 5.0
        self._server.handle_request()
        return self._answers[0] if self._answers else ""


def _address_after_consent(listener: _Listener | None, pasted: TextIO | None, end: float) -> str:
    """The address that holds the service's answer, from the browser itself or as a person pasted it."""
    places: list[Any] = [place for place in (listener, pasted) if place is not None]
    while places:
        ready, _, _ = select.select(places, [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise SourceError("nobody signed in in time", hint="sign in once more")
        if listener in ready and listener is not None:
            if answer := listener.answer():
                return answer
        elif pasted is not None:
            text = os.read(pasted.fileno(), 65536)  # a terminal gives a line; a buffer of ours would hide the next
            if text.strip():
                return text.decode("utf-8", "replace").strip()
            if not text:  # nobody is there to paste anything
                places.remove(pasted)
    raise UsageError("the address that the browser ends at must be pasted", hint="run it in a terminal")
