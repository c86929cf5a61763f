"""What model, records and machine advise, and that commands do so, through the real command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from servers.openai import Reply, openai_server
from trainer.actions.contextual import free_memory, survey
from trainer.actions.model import choose_model
from trainer.core.project import open_project


@pytest.fixture
def asking(blank: Path, run):
    """Run a batch of so many new rows against a server; the summary's plan and the most requests at once."""
    rows = iter(range(1_000_000))

    def ask(server, count: int, *arguments: str, before: tuple[str, ...] = ()):
        table = blank / "rows.csv"
        table.write_text("NAME\n" + "".join(f"Sample {next(rows)}\n" for _ in range(count)))
        model = ("--set", f"llm_provider.api_base={server.url}", "--set", "llm_provider.retries=2")
        done = run(
            blank,
            *model,
            *before,
            "run",
            "overview",
            "--batch",
            "rows.csv",
            "--provider",
            "openai_compatible",
            "--model",
            "m",
            "-o",
            "out",
            "--json",
            *arguments,
        )
        return json.loads(done.stdout)["plan"]["concurrency"]

    return ask


def test_calls_at_once_double_after_a_batch_that_nothing_was_refused_of(asking):
    with openai_server() as server:
        first = asking(server, 20)
        second = asking(server, 20)

    assert first == {"value": 8, "reason": "no request to this model is recorded yet", "origin": "default"}
    assert second == {"value": 16, "reason": "0 of 20 requests were refused with 8 at once", "origin": "plan"}


def test_calls_at_once_are_halved_where_the_service_refused_some(asking):
    refused = iter([True, True, True])
    script = lambda server, seen: Reply(status=429 if next(refused, False) else 200)  # noqa: E731
    with openai_server(script) as server:
        asking(server, 20)
        second = asking(server, 20)

    assert (second["value"], second["origin"]) == (4, "plan")
    assert second["reason"] == "3 of 23 requests were refused with 8 at once"


def test_a_flag_and_a_setting_decide_before_the_records(asking):
    with openai_server() as server:
        flag = asking(server, 9, "--concurrency", "3")
        setting = asking(server, 9, before=("--set", "llm_provider.concurrency=5"))

    assert flag == {"value": 3, "reason": "--concurrency", "origin": "flag"}
    assert setting == {"value": 5, "reason": "llm_provider.concurrency", "origin": "setting"}


def test_few_calls_need_no_plan(asking):
    with openai_server() as server:
        assert asking(server, 2) == {"value": 2, "reason": "one for each call", "origin": "default"}


def test_a_report_has_the_same_bytes_under_every_plan(blank: Path, run, tree):
    def built(*before: str) -> tuple[dict[str, bytes], dict]:
        done = run(blank, *before, "report", "--force", "--json")
        assert done.returncode == 0, done.stderr
        return tree(blank / "output"), json.loads(done.stdout)[0]["plan"]

    usual, plan = built()
    alone, _ = built("--set", "llm_provider.concurrency=1")

    assert alone == usual
    assert plan["workers"] == {"value": 1, "reason": "1 items", "origin": "plan"}
    assert plan["concurrency"]["value"] == 1
    assert plan["tokens"] == {"value": None, "reason": "the window of the model is not known", "origin": "default"}


def test_many_conversions_share_the_cores_and_say_so(tmp_path: Path, run):
    names = [f"{n}.md" for n in range(9)]
    for name in names:
        (tmp_path / name).write_text(f"# {name}\n")

    done = run(tmp_path, "convert", *names, "--json")
    single = run(tmp_path, "convert", names[0], "--json")

    workers = json.loads(done.stdout)["plan"]["workers"]
    assert 1 <= workers["value"] <= len(os.sched_getaffinity(0))
    assert "plan" not in json.loads(single.stdout)


def test_files_are_filed_once_a_content_and_one_that_is_bad_keeps_none_out(blank: Path, run):
    folder = blank / "incoming"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.json").write_text(json.dumps({"n": n}))
    (folder / "bad.json").write_text("{")

    first = run(blank, "ingest", "incoming", "--json")
    (folder / "3.json").write_text('{"n": "new"}')
    second = run(blank, "ingest", "incoming", "--json")

    assert first.returncode == second.returncode == 6
    before, after = ({row["file"]: row["state"] for row in json.loads(done.stdout)} for done in (first, second))
    assert before == {f"incoming/{n}.json": "waiting" for n in range(5)} | {"incoming/bad.json": "failed"}
    assert after == before | {f"incoming/{n}.json": "duplicate" for n in (0, 1, 2, 4)}


def test_all_five_sources_answer_in_a_project(blank: Path):
    project = open_project(blank, environ={})

    several = survey(project, choose_model(project, {}, {"provider": "openai", "model": "gpt-4o-mini"}, what="test"))

    assert several.aggregation.gaps == {}
    assert several.facts("model_config")["max_model_len"] == 128_000
    assert several.facts("tokenizer")["engine_type"] == "o200k_base"
    assert several.plan["tokens"].value == 128_000


def test_a_container_with_less_memory_than_the_machine_limits_what_is_free(tmp_path: Path):
    for name, text in {
        "proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable:    8000000 kB\n",
        "sys/fs/cgroup/memory.max": "2000000000\n",
        "sys/fs/cgroup/memory.current": "500000000\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert free_memory(tmp_path) == 1_500_000_000
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert free_memory(tmp_path) == 8_192_000_000
    assert free_memory(tmp_path / "nothing") is None


def test_a_fully_cached_batch_opens_no_database(blank: Path):
    table = blank / "rows.csv"
    table.write_text("NAME\n" + "".join(f"Sample {n}\n" for n in range(20)))
    probe = """
import contextlib, io, sys
from trainer.cli.main import run
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    assert run(sys.argv[1:]) == 0
print(sorted({"duckdb", "litellm"} & set(sys.modules)))
"""
    with openai_server() as server:
        ask = ("--set", f"llm_provider.api_base={server.url}", "run", "overview", "--batch", "rows.csv")
        words = [*ask, "--provider", "openai_compatible", "--model", "m"]
        imported = [
            subprocess.run(
                [str(Path(os.sys.executable)), "-c", probe, *words],
                cwd=blank,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for _ in range(2)
        ]

    assert imported[1] == "[]\n"
