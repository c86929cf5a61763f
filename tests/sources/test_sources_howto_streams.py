"""The how-to pages on streams, changes and webhooks, followed literally; only servers and names are the test's."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from servers.brokers import RABBITMQ, rabbitmq
from servers.postgres import free_port, private_cluster, psycopg
from trainer.actions.follow import FollowOptions, follow_stream
from trainer.core.project import open_project

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def shell(tmp_path, forked, environment):
    """Runs lines of a shell in the project; gives what they print."""

    def run(lines: str) -> str:
        paths = {**environment, "PATH": f"{forked.parent}:{Path(sys.executable).parent}:{environment['PATH']}"}
        command = ["bash", "-euc", lines]
        done = subprocess.run(
            command, cwd=tmp_path, env=paths, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_a_queue_is_read_as_the_page_says(tmp_path, shell):
    with rabbitmq() as broker:
        names = {"amqp://guest:guest@localhost:5672/": RABBITMQ, "queue: orders": f"queue: {broker.section['queue']}"}
        config, send = blocks("read-streams.md", "yaml")[0], blocks("read-streams.md", "bash")[1]
        for name, own in names.items():
            config = config.replace(name, own)
        send = send.replace("amqp://guest:guest@localhost:5672/", RABBITMQ).replace(
            '"", "orders"', f'"", "{broker.section["queue"]}"'
        )
        (tmp_path / "config.yaml").write_text(config)
        printed = shell(send.replace('queue_declare("orders")', f'queue_declare("{broker.section["queue"]}")'))

    assert printed.startswith("orders:*\n")
    assert '"total": 12.5' in printed
    assert shell(blocks("read-streams.md", "bash")[2].partition("\n")[0]) != ""


def test_every_stream_that_a_page_shows_is_set_up_rightly(tmp_path, run):
    pages = ("read-databases.md", "read-streams.md", "follow-changes.md", "receive-webhooks.md")
    shown = {}
    for page in pages:
        for block in blocks(page, "yaml"):
            tree = yaml.safe_load(block)
            streams = tree.get("data_retriever", {}).get("streams", {}) if "data_retriever" in tree else tree
            for section in streams.values():
                if "kind" in section:
                    shown[f"s{len(shown)}"] = section
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data_retriever": {"streams": shown}}))
    done = run(tmp_path, "config", "check", env={"PAYMENTS_SECRET": "a", "NEW": "b", "OLD": "c", "DB_PASSWORD": "d"})

    assert (len(shown), done.returncode) == (11, 0), done.stderr


def test_changes_are_followed_as_the_page_says(tmp_path, shell):
    with private_cluster() as url, psycopg.connect(url, autocommit=True) as database:
        database.execute("create table sale (id int primary key, amount numeric); create schema stock")
        database.execute("create table stock.item (id int primary key); insert into sale values (17, 1.5)")
        first, last = blocks("follow-changes.md", "sql")
        database.execute(first)
        database.execute("grant usage on schema stock to reports")
        own = url.replace("postgres@", "reports@")
        config = blocks("follow-changes.md", "yaml")[0]
        (tmp_path / "config.yaml").write_text(re.sub(r'url: "[^"]*"', f'url: "{own}"', config))
        assert "shop:sale:17" in shell(blocks("follow-changes.md", "bash")[1])
        database.execute("update sale set amount = 2; insert into stock.item values (1)")
        shell("trainer retrieve shop")
        assert len(json.loads(shell("trainer store history shop:sale:17 --json"))) == 2
        database.execute("delete from sale")
        shell(blocks("follow-changes.md", "bash")[-1])
        assert "shop:sale:17" not in shell("trainer store query source=shop")
        database.execute(last)


def test_a_webhook_is_received_as_the_page_says(tmp_path, shell, trainer, environment):
    for program in ("curl", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED: the page uses {program}, which is not installed")
    port = free_port()
    config = blocks("receive-webhooks.md", "yaml")[0].replace("scheme:", f'listen: "127.0.0.1:{port}", scheme:')
    (tmp_path / "config.yaml").write_text(config)
    setting, call = blocks("receive-webhooks.md", "bash")[:2]
    secret = re.search(r"export PAYMENTS_SECRET=(\S+)", setting)[1]
    receiver = subprocess.Popen(
        [trainer, "retrieve", "payments", "--follow"],
        cwd=tmp_path, env={**environment, "PAYMENTS_SECRET": secret}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        call = call.replace("8700", str(port)).replace(
            "curl -s", "curl -s --retry 100 --retry-delay 1 --retry-connrefused"
        )
        assert shell(f"export PAYMENTS_SECRET={secret}\n{call}") == "received\n"
        deadline = time.monotonic() + 60
        while "12.5" not in shell(f"export PAYMENTS_SECRET={secret}\ntrainer store get payments:msg_1 || true"):
            assert time.monotonic() < deadline
        receiver.send_signal(signal.SIGTERM)
        assert (receiver.communicate(timeout=60)[0], receiver.returncode) == ("payments:*\n", 130)
    finally:
        receiver.kill()


def test_a_report_is_stale_when_a_stream_has_more(blank, run):
    """The records of a stream, in a report."""
    source = blank / f"shop-{uuid.uuid4().hex[:6]}.db"
    with sqlite3.connect(source) as shop:
        shop.execute("create table sale (id integer primary key, month text, amount real)")
        shop.execute("insert into sale values (1, '2025-01-31', 100.5), (2, '2025-02-28', 120.25)")
    config = blank / "config.yaml"
    stream = f'{{kind: table, url: "sqlite:///{source.name}", table: sale, cursor: id, columns: [month, amount]}}'
    config.write_text(
        config.read_text().replace("  provider: file", f"  streams:\n    sale: {stream}\n  provider: file")
    )
    instruction = blank / "information" / "instructions" / "overview.md"
    named = "figures: {source: file, path: information/data/figures.json}"
    instruction.write_text(instruction.read_text().replace(named, 'sales: {key: "sale:*"}'))

    before = run(blank, "report")
    assert before.returncode == 1
    assert "read the stream first: trainer retrieve sale" in before.stderr
    project = open_project(blank, environ={})
    assert follow_stream(project, "sale", FollowOptions()).records == 2
    assert run(blank, "report").returncode == 0
    assert run(blank, "report", "--check").returncode == 0
    with sqlite3.connect(source) as shop:
        shop.execute("insert into sale values (3, '2025-03-31', 140.5)")
    follow_stream(project, "sale", FollowOptions())
    assert run(blank, "report", "--check").returncode == 3


def test_rows_that_no_cursor_reaches_are_told(tmp_path, run):
    stream = {"kind": "table", "url": "sqlite:///shop.db", "table": "sale", "cursor": "changed", "key": "id"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data_retriever": {"streams": {"sale": stream}}}))
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.execute("create table sale (id integer primary key, changed text)")
        shop.execute("insert into sale values (1, '2025-01-01'), (2, null), (3, null)")
        shop.commit()

    done = run(tmp_path, "retrieve", "sale")
    again = run(tmp_path, "retrieve", "sale")

    warning = "warning: sale: 2 rows have no changed, by which they would be read\n"
    assert (done.returncode, done.stderr) == (0, f"{warning}sale: 1 record\n")
    assert again.stderr == f"{warning}sale: 0 records\n"


def test_documents_of_several_files_are_about_none_of_them(blank, run):
    (blank / "inbox").mkdir()
    for month, wages in ((1, 9100), (2, 9200)):
        (blank / f"inbox/staff-{month}.csv").write_text(f"month,wages_eur\n2025-0{month},{wages}\n")
    instruction = blank / "information/instructions/overview.md"
    named = "figures: {source: file, path: information/data/figures.json}"
    instruction.write_text(instruction.read_text().replace(named, 'staff: {key: "ingest:inbox/*"}'))

    before = run(blank, "render", "overview", "-p", "NAME=A")
    assert "file them first: trainer ingest" in before.stderr
    run(blank, "ingest", "inbox")
    shown = run(blank, "render", "overview", "-p", "NAME=A").stdout

    assert "9200" in shown
    assert '<data name="staff" source="records" mark=' in shown


def test_a_stream_is_explained_listed_and_told_from_a_misspelling(tmp_path, run):
    stream = {"kind": "table", "url": "sqlite:///shop.db", "table": "sale", "cursor": "id"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data_retriever": {"streams": {"sale": stream}}}))

    explained = run(tmp_path, "retrieve", "sale", "--help").stdout
    assert "sale: a stream of kind table" in explained
    misspelt = run(tmp_path, "retrieve", "slae", "--follow")
    assert (misspelt.returncode, 'unknown source or stream "slae"' in misspelt.stderr) == (2, True)
    missing = run(tmp_path, "retrieve", "sale")
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (1, "error: sale: there is no file shop.db")
