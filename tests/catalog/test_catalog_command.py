"""`trainer tables` and `trainer proposals`, in this process, and where it matters in several."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from trainer.actions.proposals import open_engine
from trainer.actions.tables import open_catalog
from trainer.catalog import ProposalDraft
from trainer.cli.main import run
from trainer.cli.review import run_review
from trainer.core.project import open_project


@pytest.fixture
def project(blank, monkeypatch, tmp_path, template):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(blank)
    (blank / ".trainer").mkdir()
    shutil.copy(template, blank / ".trainer" / "trainer.duckdb")
    return open_project(blank, environ=os.environ)


@pytest.fixture
def waiting(project):
    """Three proposals that wait."""
    (project.root / "inbox").mkdir()
    (project.root / "inbox" / "0.txt").write_text("Dear Ann,\nhere is the invoice.\n")
    drafts = [
        ProposalDraft(
            "insert", "documents", 0.5 + number / 10, "it says \"invoice\"",
            rows=({"path": f"inbox/{number}.txt", "title": "=cmd()"},),
            source=f"inbox/{number}.txt", digest=str(number),
        )
        for number in range(3)
    ]  # fmt: skip
    return open_engine(project).propose(drafts)


def call(capsys, *words):
    capsys.readouterr()
    code = run(list(words), debug=False)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def answer(capsys, *words):
    code, out, err = call(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_proposals_are_listed_approved_by_filter_and_in_the_audit_log(project, waiting, capsys):
    assert [one["confidence"] for one in answer(capsys, "proposals", "list")] == [0.7, 0.6, 0.5]
    decided = answer(capsys, "proposals", "approve", "--min-confidence", "0.6", "--by", "ann", "--reason", "read them")
    assert [one["state"] for one in decided] == ["approved", "approved"]
    assert call(capsys, "proposals", "reject", waiting[0].id[:8], "--by", "bob")[0] == 0
    code, _, err = call(capsys, "proposals", "approve", waiting[0].id)
    assert code == 1
    assert "was rejected by bob" in err
    assert answer(capsys, "proposals", "list") == []
    lines = [json.loads(line) for line in (project.state / "audit.jsonl").read_text().splitlines()]
    assert [(one["event"], one["actor"], one["details"]["count"]) for one in lines] == [
        ("proposal.approved", "ann", 2),
        ("proposal.rejected", "bob", 1),
    ]
    assert call(capsys, "security", "audit", "verify")[0] == 0


def test_a_bulk_of_nothing_said_is_refused(waiting, capsys):
    code, _, err = call(capsys, "proposals", "approve")
    assert code == 2
    assert "say which proposals" in err


def test_a_csv_runs_nothing_in_a_spreadsheet(project, waiting, capsys):
    call(capsys, "proposals", "approve", "--table", "documents")
    rows = list(csv.DictReader(io.StringIO(call(capsys, "tables", "export", "documents")[1])))
    assert [row["title"] for row in rows] == ["'=cmd()"] * 3


def test_an_edit_is_checked_kept_in_the_history_and_lowers_the_trust(project, waiting, capsys):
    call(capsys, "proposals", "approve", waiting[0].id)
    row = answer(capsys, "tables", "show", "documents")["rows"][0]
    code, _, err = call(capsys, "tables", "edit", "documents", row["id"], "pages=many")
    assert code == 2
    assert 'pages: "many" is no number' in err
    code, _, err = call(capsys, "tables", "edit", "documents", row["id"], "titel=x")
    assert 'did you mean "title"?' in err
    answer(capsys, "tables", "edit", "documents", row["id"][:6], "title=Invoice", "--by", "ann", "--reason", "typo")
    after = answer(capsys, "tables", "show", "documents", row["id"])
    assert after["values"]["title"] == "Invoice"
    assert after["trust"]["corrections"] == 0.5
    assert after["trust"]["score"] < row["trust"]["score"]
    assert [(one["action"], one["actor"]) for one in after["history"]][1:] == [("corrected", "ann")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM documents", "only one SELECT can be asked"),
        ("SELECT 1; SELECT 2", "only one SELECT can be asked"),
        ("COPY documents TO 'x.csv'", "only one SELECT can be asked"),
        ("SELECT * FROM postgres_query('x', 'DELETE')", "only one SELECT can be asked"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("SELECT * FROM documnets", 'did you mean "documents"?'),
        ("SELECT FROM WHERE", "Parser Error"),
        ("", "only one SELECT can be asked"),
    ],
)
def test_a_query_reads_the_tables_and_nothing_else(project, capsys, sql, message):
    code, out, err = call(capsys, "tables", "query", sql)
    assert (code, out) == (2, "")
    assert message in err


def test_a_query_goes_across_tables(project, waiting, capsys):
    call(capsys, "proposals", "approve", "--table", "documents")
    sql = "SELECT count(*) AS n FROM documents d LEFT JOIN finance_treasury f ON f.source_path = d.path"
    assert answer(capsys, "tables", "query", sql) == [{"n": 3}]


def test_a_hook_on_the_command_line(project, capsys):
    words = ["agent_id=a1", "agent_name=A", 'capabilities=["x"]']
    assert answer(capsys, "tables", "hook", "sub_agents.register_agent", *words)["capabilities"] == ["x"]
    done = answer(capsys, "tables", "hook", "sub_agents.log_task_completion", "agent_id=a1", "success=true")
    assert done["trust_score"] == 0.85
    code, _, err = call(capsys, "tables", "hook", "sub_agents.regster_agent")
    assert (code, 'did you mean "sub_agents.register_agent"?' in err) == (2, True)


def test_a_review_decides_with_single_keys(project, waiting):
    keys, lines, out = iter("seasrq"), iter(["title=Invoice"]), io.StringIO()
    tally = run_review(
        open_engine(project), waiting[::-1], root=project.root, by="ann",
        read_key=lambda: next(keys), read_line=lambda _: next(lines), out=out,
    )  # fmt: skip
    assert tally == {"approved": 1}
    assert open_catalog(project).rows("documents")[0].values["title"] == "Invoice"
    assert "here is the invoice." in out.getvalue()
    assert 'why: it says "invoice"' in out.getvalue()


def test_a_notification_is_run_and_its_failure_undoes_nothing(blank, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    script = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read()); sys.exit(3)"
    setting = f"governance.notify_command={json.dumps([sys.executable, '-c', script])}"
    project = open_project(blank, environ={}, overrides=[setting])
    told = []
    draft = ProposalDraft("insert", "documents", 0.5, "", rows=({"path": "a", "title": "A"},), digest="1")
    proposal = open_engine(project, tell=told.append).propose([draft])[0]
    assert proposal.state == "waiting"
    message = json.loads((blank / "told.json").read_text())
    assert (message["event"], message["count"], message["items"][0]["id"]) == ("waiting", 1, proposal.id)
    assert told == ["governance.notify_command ended with 3"]


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(project, waiting, environment, trainer):
    command = [trainer, "proposals"]
    ends = [("approve", "ann"), ("reject", "bob")]
    processes = [
        subprocess.Popen(
            [*command, verb, waiting[0].id, "--by", who],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for verb, who in ends
    ]  # fmt: skip
    errors = [process.communicate(timeout=60)[1] for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes == [0, 1]
    winner = open_engine(project).get(waiting[0].id)
    loser = next(error for error, process in zip(errors, processes, strict=True) if process.returncode)
    assert f"was {winner.state} by {winner.decided_by}" in loser
    assert len(open_catalog(project).rows("documents")) == (winner.state == "approved")


KILLED = """
import sys
from pathlib import Path
from trainer.actions.proposals import open_engine
from trainer.core.project import open_project
engine = open_engine(open_project(Path(sys.argv[1]), environ={}))
print("ready", flush=True)
engine.decide(sys.argv[2].split(","), "approved", by="ann")
print("done", flush=True)
"""


def kill_while_approving(project, ids, delay, environment):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, project.root, ",".join(ids)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(delay)
    process.kill()
    process.wait()


def halves(project):
    """Rows whose proposal is not approved, and approved proposals without a row."""
    approved = {one.id for one in open_engine(project).proposals(states=("approved",))}
    filed = {row.proposal for row in open_catalog(project).rows("documents")}
    return approved ^ filed


def test_a_kill_between_approval_and_insertion_leaves_nothing_half(project, waiting, environment):
    for delay in (0.0, 0.05, 0.12):
        kill_while_approving(project, [one.id for one in waiting], delay, environment)
        assert halves(project) == set()


@pytest.mark.soak
def test_a_hundred_kills_while_approving_leave_nothing_half(project, waiting, environment):
    for number in range(100):
        drafts = [
            ProposalDraft(
                "insert", "documents", 0.5, "", rows=({"path": f"{number}/{item}", "title": "A"},),
                digest=f"{number}/{item}",
            )
            for item in range(50)
        ]  # fmt: skip
        ids = [one.id for one in open_engine(project).propose(drafts)]
        kill_while_approving(project, ids, number * 0.004, environment)
        assert halves(project) == set()
