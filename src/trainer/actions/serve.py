"""The output folder as a site on this machine, whose pages load again after each build."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from trainer.core.errors import UsageError

_EVENTS = "/-/builds"
_PULSE = 15.0
"""Seconds between two signs of life, by which a page that is gone is noticed."""
_POLICY = re.compile(rb"<meta http-equiv=\"Content-Security-Policy\"[^>]*>\n?")
_RELOAD = (
    b"<script>addEventListener('pagehide', () => events.close());"
    b"const events = new EventSource('" + _EVENTS.encode() + b"'); events.onmessage = () => location.reload();</script>"
)


class PreviewServer(ThreadingHTTPServer):
    """Serves a folder to this machine alone; `reload` tells every open page of a build."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, directory=str(folder)))
        self.builds = 0
        self.built = threading.Condition()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://localhost:{self.server_address[1]}/"

    def reload(self) -> None:
        """Tell every open page to load again."""
        with self.built:
            self.builds += 1
            self.built.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle of an answer is no news."""


@contextlib.contextmanager
def serve(folder: Path, *, port: int) -> Iterator[PreviewServer]:
    """The folder served until the block ends; port 0 takes any that is free. Raises UsageError for one in use."""
    try:
        site = PreviewServer(folder, port)
    except OSError as error:
        hint = "take another with --port, or any with --port 0"
        raise UsageError(f"port {port}: {error.strerror}", hint=hint) from None
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """The files of the folder; pages with a script that waits for builds, which their own policy would forbid."""

    server: PreviewServer

    def do_GET(self) -> None:
        # a page of elsewhere whose name was made to lead here is not answered
        if self.headers.get("Host", "").partition(":")[0] not in ("localhost", "127.0.0.1"):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == _EVENTS:
            self._tell_builds()
        elif (page := self._page()) is not None:
            self._send(_POLICY.sub(b"", page.read_bytes(), count=1).replace(b"</body>", _RELOAD + b"\n</body>", 1))
        else:
            super().do_GET()

    def end_headers(self) -> None:
        """What was built a moment ago is never taken from the browser's memory."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (http.server's name)
        """Nothing: the terminal shows builds."""

    def _page(self) -> Path | None:
        """The HTML file that is asked for; None for anything else, inside the folder or not."""
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition("?")[0].endswith("/"):
            path /= "index.html"
        return path if path.suffix == ".html" and path.is_file() else None

    def _send(self, content: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _tell_builds(self) -> None:
        """Stay connected, and say a word at every build."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        answered = self.server.builds
        while True:
            with self.server.built:
                if self.server.builds == answered:
                    self.server.built.wait(_PULSE)
                is_news, answered = self.server.builds != answered, self.server.builds
            self.wfile.write(b"data: built\n\n" if is_news else b": still here\n\n")
            self.wfile.flush()
