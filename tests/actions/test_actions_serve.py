"""The site on this machine: pages wait for builds, other files are as they are, and nobody else is answered."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainer.actions.serve import PreviewServer, serve
from trainer.core.errors import UsageError

POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
PAGE = f"<html><head>{POLICY}</head><body>Hi</body></html>"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PreviewServer]:
    output = tmp_path / "output"
    (output / "html").mkdir(parents=True)
    (output / "index.html").write_text(PAGE)
    (output / "html/north.html").write_text(PAGE)
    (output / "north.md").write_text("# North\n")
    (tmp_path / "secret.html").write_text("secret")
    with serve(output, port=0) as site:
        yield site


def get(site: PreviewServer, path: str, host: str = "localhost") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", site.server_address[1], timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_page_waits_for_builds_and_its_file_stays_as_it_is(site: PreviewServer, tmp_path: Path) -> None:
    for path in ("/", "/html/north.html"):
        status, page = get(site, path)
        assert status == 200
        assert "new EventSource('/-/builds')" in page
        assert "Content-Security-Policy" not in page
    assert (tmp_path / "output/index.html").read_text() == PAGE
    assert get(site, "/north.md") == (200, "# North\n")


def test_every_open_page_hears_of_a_build(site: PreviewServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.server_address[1], timeout=10)
    connection.request("GET", "/-/builds", headers={"Host": "localhost"})
    answer = connection.getresponse()
    threading.Timer(0.1, site.reload).start()

    assert answer.readline() == b"data: built\n"


@pytest.mark.parametrize("path", ["/../secret.html", "/%2e%2e/secret.html", "/html/../../secret.html"])
def test_nothing_outside_of_the_folder_is_served(site: PreviewServer, path: str) -> None:
    assert get(site, path)[0] == 404


def test_a_name_of_elsewhere_that_leads_here_is_not_answered(site: PreviewServer) -> None:
    assert get(site, "/", host="evil.example:8000")[0] == 403


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="port"), serve(tmp_path, port=taken.getsockname()[1]):
            pass
