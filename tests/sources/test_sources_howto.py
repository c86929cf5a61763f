"""docs/how-to/add-a-source.md, followed literally: from another package, and within the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from trainer import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "add-a-source.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    return match[1]


class Weather(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        days = [{"date": f"2025-03-0{number}", "rain": number / 2} for number in range(7, 0, -1)]
        body = json.dumps({"city": asked.get("city"), "days": days[: int(asked.get("days", 1))]}).encode()
        self.send_response(404 if asked.get("city") == "Nowhere" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Weather)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, service: str) -> Path:
    (tmp_path / "config.yaml").write_text(f"data_retriever: {{sources: {{weather: {{base_url: '{service}'}}}}}}\n")
    return tmp_path


def trainer(project: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-c", "from trainer.cli.main import main; main()", *arguments]
    return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=120, check=False)


def use(project: Path, path: Path, *, version: str) -> None:
    """The commands of the page, and what goes wrong."""
    assert trainer(project, path, "retrieve", "weather", "city=Arden", "days=2").stdout == "weather:Arden:days=2\n"
    stored = json.loads(trainer(project, path, "store", "get", "weather:Arden:days=2", "--json").stdout)
    assert stored["data"]["daily"] == [{"date": "2025-03-06", "rain": 3.0}, {"date": "2025-03-07", "rain": 3.5}]
    assert stored["metadata"]["as_of"] == "2025-03-07"
    assert stored["metadata"]["fields"]["daily.rain"] == {"title": "Rain", "unit": "mm"}
    assert "weather:Arden:days=2" in trainer(project, path, "store", "query", "source=weather", "city=Arden").stdout
    assert f"weather {version}: Rain by day" in trainer(project, path, "retrieve", "--list").stdout
    missing = trainer(project, path, "retrieve", "weather", "city=Nowhere")
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (1, "error: the weather service has no city Nowhere")
    assert 'did you mean "city"?' in trainer(project, path, "retrieve", "weather", "ctiy=Arden").stderr


def test_a_source_of_another_package_is_one_file_and_one_entry_point(project, tmp_path):
    package = tmp_path / "package"
    described = package / "weather-1.0.dist-info"
    described.mkdir(parents=True)
    (package / "weather_source.py").write_text(block("python"))
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: weather\nVersion: 1.0\n")
    group, line = re.fullmatch(r'\[project\.entry-points\."([\w.]+)"\]\n(.*)\n', block("toml")).groups()
    (described / "entry_points.txt").write_text(f"[{group}]\n{line.replace(chr(34), '')}\n")

    use(project, package, version="1.0")


def test_a_source_of_the_repository_is_one_file_and_one_line(project, tmp_path):
    package = tmp_path / "src"
    shutil.copytree(REPOSITORY / "src", package)  # with bytecode, which fits files of the same time and size
    (package / "trainer" / "sources" / "weather.py").write_text(block("python"))
    base = package / "trainer" / "sources" / "base.py"
    line = re.search(r'one line: `("weather": .*,)`', PAGE)[1]
    base.write_text(base.read_text().replace('"yahoo_finance": Adapter', f'{line}\n        "yahoo_finance": Adapter'))

    use(project, package, version=__version__)
