"""docs/how-to/describe-an-api.md, followed literally against a service that is as the page says."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from servers.oauth import CLIENT, OAuthServer
from trainer.sources import SourceContext, create_source

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/describe-an-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
TRIPS = [
    {"ended_on": f"2025-02-{1 + number % 28:02d}", "duration": {"minutes": 5 + number % 60}, "fare": {"amount": 1.5}}
    for number in range(230)
]


class Bikes(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append((url.path, asked))
        body = {"error": "no key"}
        if self.headers["X-Api-Key"] == "s3cret-bikes-key":
            page, limit = int(asked.get("page", 1)), int(asked.get("limit", 20))
            body = {"trips": TRIPS[(page - 1) * limit : page * limit]}
        self.send_response(200 if "trips" in body else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


@pytest.fixture
def bikes():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bikes)
    server.asked = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_service_of_the_page_is_described_in_twenty_lines_and_read_page_by_page(bikes, run, tmp_path):
    described = BLOCKS[0]
    assert len(described.splitlines()) <= 20
    url = f"http://127.0.0.1:{bikes.server_port}/v1"
    (tmp_path / "config.yaml").write_text(described.replace("https://bikes.example/v1", url))
    command = re.search(r"trainer (retrieve api api=bikes .*)", PAGE)[1].split()

    checked = run(tmp_path, "config", "check")
    done = run(tmp_path, *command, env={"BIKES_KEY": "s3cret-bikes-key"})
    stored = json.loads(run(tmp_path, "store", "get", done.stdout.strip(), "--json").stdout)
    refused = run(tmp_path, *command, "--refresh", env={"BIKES_KEY": "s3cret-wrong-key"})
    missing = run(tmp_path, *command, "--refresh")

    assert checked.returncode == 0, checked.stderr
    assert done.returncode == 0, done.stderr
    assert [(path, asked["page"], asked["since"], asked["status"]) for path, asked in bikes.asked[:3]] == [
        ("/v1/cities/arden/trips", str(page), "2025-01-01", "ended") for page in (1, 2, 3)
    ]
    assert len(stored["data"]["records"]) == 230
    assert stored["data"]["records"][0] == {"date": "2025-02-01", "minutes": 5, "fare": 1.5}
    assert stored["metadata"]["as_of"] == "2025-02-28"
    assert stored["metadata"]["fields"]["records.fare"] == {"title": "Fare", "unit": "EUR"}
    assert "bikes answered 401" in refused.stderr
    assert "s3cret" not in refused.stderr + json.dumps(stored)
    assert "export BIKES_KEY=" in missing.stderr


SETTINGS = [
    line.partition(": ")[::2]
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith(("paging:", "auth:"))
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_every_setting_of_the_page_is_one(name, value, clock):
    apis = {"shop": {"base_url": "https://shop.example", name: yaml.safe_load(value)}}

    assert create_source("api", SourceContext(clock), apis=apis).problems() == []


def test_the_page_shows_every_way_of_paging_and_of_asking():
    assert len(SETTINGS) >= 13
    graphql = yaml.safe_load(next(block for block in BLOCKS if "graphql:" in block))
    soap = yaml.safe_load(next(block for block in BLOCKS if "soap:" in block))["data_retriever"]["sources"]["soap"]
    assert create_source("soap", **soap).problems() == []
    assert create_source("api", apis={"shop": {"base_url": "https://shop.example", **graphql}}).problems() == []


def test_a_person_signs_in_by_the_command_of_the_page(forked, environment, tmp_path):
    import subprocess

    with OAuthServer() as oauth:
        oauth.public = True
        (tmp_path / "config.yaml").write_text(
            yaml.safe_dump({"data_retriever": {"sources": {"api": {"apis": oauth.settings("authorization_code")}}}})
        )
        command = re.search(r"trainer (retrieve api api=crm --sign-in)", PAGE)[1].split()
        env = {**environment, "CRM_CLIENT": CLIENT, "XDG_STATE_HOME": str(tmp_path / "state")}
        options = {"cwd": tmp_path, "env": env, "text": True, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
        before = subprocess.run([forked, "retrieve", "api", "api=crm", "path=/x"], check=False, **options)
        with subprocess.Popen([forked, *command], **options) as process:
            lines = []
            for line in process.stderr:
                lines.append(line.strip())
                if line.startswith("http"):
                    urllib.request.urlopen(line.strip(), timeout=30).read()
        after = subprocess.run([forked, "retrieve", "api", "api=crm", "path=/x", "--no-store"], check=False, **options)

    assert "run: trainer retrieve api api=crm --sign-in" in before.stderr
    assert lines[-1] == "signed in to crm"
    assert json.loads(after.stdout) == {"records": [{"id": 1}]}
