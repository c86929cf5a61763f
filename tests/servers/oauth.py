"""A loopback issuer of OAuth 2.0 tokens, and a service that asks for them: four flows, rotation, PKCE, short lives."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET, FIRST_REFRESH = "client-4711", "s3cret-of-client", "first-refresh-token"


class OAuthServer:
    """Used as a context manager."""

    def __init__(self) -> None:
        self.lives = 3600
        self.pending = 0
        """Answers "authorization_pending" before a device is let in."""
        self.device_answer: dict | None = None
        self.refuses_refresh = False
        self.public = False
        """Whether the client has no secret."""
        self.issued: list[str] = []
        """Access tokens, oldest first."""
        self.refresh = FIRST_REFRESH
        """The refresh token that is good, once."""
        self.grants: list[str] = []
        self.requests: list[tuple[str, dict, dict]] = []
        self.codes: dict[str, dict] = {}
        self.revoked: set[str] = set()
        self.lock = threading.Lock()

    def __enter__(self) -> OAuthServer:
        handler = type("Handler", (_Handler,), {"oauth": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def settings(self, flow: str, **more: str) -> dict:
        auth = {
            "kind": "oauth",
            "flow": flow,
            "token_url": f"{self.url}/token",
            "client_id_env": "CRM_CLIENT",
            "authorize_url": f"{self.url}/authorize",
            "device_url": f"{self.url}/device",
            **more,
        }
        return {"crm": {"base_url": self.url, "auth": auth, "per_second": 1000}}

    def token(self, form: dict[str, str]) -> tuple[int, dict]:
        with self.lock:
            grant = form["grant_type"]
            self.grants.append(grant)
            if grant == "refresh_token":
                if self.refuses_refresh or form["refresh_token"] != self.refresh:
                    return 400, {"error": "invalid_grant", "error_description": "the refresh token was used before"}
            elif grant == "authorization_code":
                asked = self.codes.pop(form["code"], None)
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                if asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form["redirect_uri"]:
                    return 400, {"error": "invalid_grant"}
            elif grant.endswith("device_code"):
                if self.device_answer:
                    return 400, self.device_answer
                if self.pending:
                    self.pending -= 1
                    return 400, {"error": "authorization_pending" if self.pending else "slow_down"}
            number = len(self.issued) + 1
            self.issued.append(f"access-token-{number}")
            answer = {"access_token": self.issued[-1], "token_type": "Bearer", "expires_in": self.lives}
            if grant != "client_credentials":
                self.refresh = answer["refresh_token"] = f"refresh-token-{number}"
            return 200, answer


class _Handler(BaseHTTPRequestHandler):
    oauth: OAuthServer

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.oauth.requests.append((self.path, form, dict(self.headers)))
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        is_client = self.headers["Authorization"] == basic or form.get("client_secret") == SECRET
        if not is_client and not (self.oauth.public and form.get("client_id") == CLIENT):
            return self.send(401, {"error": "invalid_client"})
        if self.path == "/device":
            answer = {"device_code": "device-code-1", "user_code": "WDJB-MJHT", "expires_in": 60, "interval": 0.01}
            return self.send(200, {**answer, "verification_uri": f"{self.oauth.url}/enter"})
        return self.send(*self.oauth.token(form))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/authorize":
            code = f"code-{len(self.oauth.codes)}"
            self.oauth.codes[code] = given
            back = f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}"
            self.send_response(302)
            self.send_header("Location", back)
            self.end_headers()
            return None
        token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if token in self.oauth.issued and token not in self.oauth.revoked:
            return self.send(200, {"records": [{"id": 1}]})
        return self.send(401, {"error": f"not {token}"})

    def send(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
