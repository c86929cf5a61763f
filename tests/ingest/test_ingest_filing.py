"""From a folder of files to rows of the catalogue: what is sure goes in, the rest waits, each content once."""

import json
from pathlib import Path

import pytest

from trainer.actions.data import Sources
from trainer.actions.ingest import IngestOptions, ingest_files
from trainer.actions.ingest_replay import replay_quarantine
from trainer.actions.proposals import open_engine
from trainer.actions.wiring import open_store
from trainer.core.errors import SourceError, UsageError
from trainer.core.project import open_project
from trainer.prompts import read_data

HERE = IngestOptions(workers=0)
INVOICES = (
    "invoice_number,invoice_date,amount,currency,counterparty,due_date\n"
    "I-1,2024-01-05,120.50,EUR,Acme,2024-02-05\nI-2,2024-01-06,99.00,EUR,Blox,2024-02-06\n"
)


@pytest.fixture
def project(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\nmart: {enabled: false}\n")
    (tmp_path / "in").mkdir()
    return open_project(tmp_path, environ={})


def file(project, name: str, content: str) -> Path:
    path = project.root / "in" / name
    path.write_text(content)
    return path


def states(outcomes) -> dict[str, str]:
    return {outcome.extract.file: outcome.state for outcome in outcomes}


def test_rows_that_are_sure_are_in_the_table_and_what_waits_is_not(project):
    file(project, "invoices.csv", INVOICES)
    file(project, "odd.csv", "a b,c\n1,2\n3,4\n")

    outcomes = ingest_files(project, [project.root / "in"], HERE)

    assert states(outcomes) == {"in/invoices.csv": "inserted", "in/odd.csv": "waiting"}
    engine = open_engine(project)
    assert sorted(row.values["amount"] for row in engine.catalog.rows("finance_treasury")) == ["120.5", "99"]
    (waiting,) = engine.get_pending_proposals()
    assert (waiting.source, waiting.id) == ("in/odd.csv", outcomes[1].proposal)
    assert engine.catalog.rows(waiting.table) == []


def test_doubt_about_a_file_keeps_its_rows_out_however_sure_the_table_is(project):
    file(project, "invoices.csv", INVOICES + "I-3,2024-01-07\n")

    (outcome,) = ingest_files(project, [project.root / "in"], HERE)

    assert (outcome.state, outcome.table) == ("waiting", "finance_treasury")
    assert "1 rows are quarantined" in outcome.reason


def test_a_moved_copied_or_touched_file_is_filed_once_and_a_changed_one_again(project):
    path = file(project, "invoices.csv", INVOICES)
    ingest_files(project, [path], HERE)

    moved = path.rename(path.with_name("moved.csv"))
    copy = file(project, "copy.csv", INVOICES)
    again = states(ingest_files(project, [moved, copy], HERE))
    file(project, "copy.csv", INVOICES.replace("I-1", "I-9"))
    changed = states(ingest_files(project, [moved, copy], HERE))

    assert again == {"in/moved.csv": "duplicate", "in/copy.csv": "duplicate"}
    assert changed == {"in/moved.csv": "duplicate", "in/copy.csv": "inserted"}


@pytest.mark.parametrize("step", ["store_many", "propose", "add"])
def test_a_kill_between_any_two_steps_is_mended_by_the_next_run(project, monkeypatch, step):
    """The process dies right after the step; what the next run does must not double it."""
    from trainer.catalog import SchemaProposalEngine
    from trainer.ingest import Ledger
    from trainer.stores import DataStore

    path = file(project, "invoices.csv", INVOICES)
    owner = {"store_many": DataStore, "propose": SchemaProposalEngine, "add": Ledger}[step]
    done = getattr(owner, step)

    def die(*arguments, **named):
        if step != "add":  # the ledger is killed before it writes
            done(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, die)
        with pytest.raises(KeyboardInterrupt):
            ingest_files(project, [path], HERE)

    ingest_files(project, [path], HERE)

    assert len(open_engine(project).catalog.rows("finance_treasury")) == 2
    assert len(open_store(project).history("ingest:in/invoices.csv")) == 1


def test_a_named_table_is_taken_and_an_unknown_one_told_before_anything_is_read(project):
    path = file(project, "notes.md", "# Steps\n\n1. Open the valve.\n2. Wait.\n")

    with pytest.raises(UsageError, match="sops"):
        ingest_files(project, [path], IngestOptions(workers=0, table="sopps"))
    (outcome,) = ingest_files(project, [path], IngestOptions(workers=0, table="sops"))

    assert outcome.table == "sops"


def test_a_dry_run_stores_nothing(project):
    path = file(project, "invoices.csv", INVOICES)

    (outcome,) = ingest_files(project, [path], IngestOptions(workers=0, dry_run=True))

    assert (outcome.state, outcome.table, outcome.proposal) == ("inserted", "finance_treasury", None)
    assert not (project.state / "ingest" / "files.jsonl").exists()
    assert open_store(project).retrieve("ingest:in/invoices.csv") is None


def test_an_object_of_a_file_has_the_fields_of_the_contract(project):
    (outcome,) = ingest_files(project, [file(project, "invoices.csv", INVOICES)], HERE)

    told = json.loads(json.dumps(outcome.as_json()))
    assert {
        "file", "digest", "media_type", "type_confidence", "characters", "tables", "table", "confidence", "state",
        "proposal", "error",
    } <= told.keys()  # fmt: skip
    assert {"name", "rows", "quarantined", "duplicates", "columns"} == told["tables"][0].keys()
    assert {"name", "role", "type", "unit", "null"} <= told["tables"][0]["columns"][0].keys()


def test_mended_rows_join_their_document(project):
    file(project, "sales.csv", "id;zip;price\n1;01234;1,50\n2;90210;2,75\n3;x\n")
    ingest_files(project, [project.root / "in"], HERE)
    (path,) = (project.state / "ingest" / "quarantine").glob("*.jsonl")
    path.write_text(path.read_text().replace('"raw":"3;x"', '"raw":"3;00501;4,25"'))

    (outcome,) = replay_quarantine(project)

    assert (outcome.replayed, outcome.waiting) == (1, 0)
    records = open_store(project).retrieve("ingest:in/sales.csv").data["records"]
    assert records[-1] == {"id": 3, "zip": "00501", "price": 4.25}
    assert replay_quarantine(project) == []


def test_mended_rows_reach_the_table_that_the_rest_of_their_file_went_to(project):
    file(project, "invoices.csv", INVOICES + "I-3,2024-01-07,11,EUR\n")
    (first,) = ingest_files(project, [project.root / "in"], IngestOptions(workers=0, table="finance_treasury"))
    assert first.state == "waiting", "a file with a row that does not fit is not sure"
    open_engine(project).approve_proposal(first.proposal, approved_by="ann")
    (path,) = (project.state / "ingest" / "quarantine").glob("*.jsonl")
    path.write_text(path.read_text().replace("I-3,2024-01-07,11,EUR", "I-3,2024-01-07,11,EUR,Coop,2024-02-07"))
    unsettled = path.read_text()

    (outcome,) = replay_quarantine(project)
    path.write_text(unsettled)  # as after a kill before the quarantine was settled
    (again,) = replay_quarantine(project)

    engine = open_engine(project)
    assert (outcome.replayed, outcome.catalogue_table, outcome.state) == (1, "finance_treasury", "waiting")
    assert again.proposal == outcome.proposal
    engine.approve_proposal(outcome.proposal, approved_by="ann")
    rows = engine.catalog.rows("finance_treasury")
    assert sorted(row.values["record_id"] for row in rows) == ["I-1", "I-2", "I-3"]


def test_a_column_that_is_no_field_is_proposed_as_one_with_its_evidence_and_taken_back_in_one_step(project):
    content = INVOICES.replace("due_date\n", "due_date,Cost Centre\n").replace("-05\n", "-05,C-7\n")
    content = content.replace("02-06\n", "02-06,C-9\n")
    file(project, "invoices.csv", content)
    file(project, "more.csv", content.replace("I-", "K-"))
    ingest_files(project, [project.root / "in"], HERE)
    engine = open_engine(project)

    (proposal,) = engine.proposals(kind="change_schema")

    assert (proposal.state, proposal.source) == ("waiting", "in/invoices.csv")
    assert proposal.reason == "the column Cost Centre is no field of finance_treasury"
    assert proposal.evidence == ('in/invoices.csv: 2 of 2 rows have it, such as "C-7", "C-9"',)
    assert engine.schema_diff(proposal).splitlines()[3:] == [
        "+table: finance_treasury", "+fields:", "+  cost_centre:", "+    type: text", "+    labels:",
        "+    - Cost Centre",
    ]  # fmt: skip
    engine.approve_proposal(proposal.id, approved_by="ann")
    ingest_files(project, [file(project, "last.csv", content.replace("I-", "L-"))], HERE)
    rows = open_engine(project).catalog.rows("finance_treasury", "cost_centre IS NOT NULL")
    assert [(row.values["record_id"], row.values["cost_centre"]) for row in rows] == [("L-1", "C-7"), ("L-2", "C-9")]
    back = open_engine(project).catalog.revert_schema("finance_treasury", actor="ann")
    assert back.table("finance_treasury").field("cost_centre") is None


def test_a_field_that_is_too_narrow_for_a_column_is_proposed_wider_and_its_rows_wait(project):
    tables = project.root / "information" / "tables"
    tables.mkdir(parents=True)
    (tables / "boats.yaml").write_text(
        "key: [hull]\nfields: {hull: {type: text, required: true}, berths: integer, draught: {type: integer}}\n"
    )
    file(project, "boats.csv", "hull,berths,draught\nH-1,4,1.5\nH-2,6,2.25\n")

    (outcome,) = ingest_files(project, [project.root / "in"], IngestOptions(workers=0, table="boats"))

    (proposal,) = open_engine(project).proposals(kind="change_schema")
    assert (outcome.state, proposal.change) == ("waiting", {"fields": {"draught": {"type": "number"}}})
    open_engine(project).approve_proposal(proposal.id, approved_by="ann")
    open_engine(project).approve_proposal(outcome.proposal, approved_by="ann")
    rows = open_engine(project).catalog.rows("boats")
    assert sorted(row.values["draught"] for row in rows) == [1.5, 2.25]


def test_rows_of_a_table_are_data_of_a_report(project):
    file(project, "invoices.csv", INVOICES)
    ingest_files(project, [project.root / "in"], HERE)
    sources = Sources(project)
    query = read_data(
        {"invoices": {"table": "finance_treasury", "where": {"counterparty": "Acme"}}}, shown="config.yaml"
    )["invoices"]

    request = sources.request(query)
    result = sources[request.source].retrieve(request.query, store=False)

    assert [record["amount"] for record in result.data["records"]] == [120.5]
    assert request.key == "table:finance_treasury:counterparty=Acme"
    with pytest.raises(UsageError, match="counterparty"):
        sources.request(read_data({"x": {"table": "finance_treasury", "where": {"counterprty": 1}}}, shown="")["x"])
    with pytest.raises(SourceError, match="no such row"):
        sources[request.source].retrieve({"table": "finance_treasury", "where.counterparty": "Nobody"}, store=False)


def test_rows_that_fail_a_critical_rule_wait_and_the_rule_is_named(project):
    (project.root / "rules.yaml").write_text(
        "rules:\n  - {id: small, columns: [amount], check: range, max: 100, severity: critical}\n"
    )
    (project.root / "config.yaml").write_text("ingest: {rules: [global, rules.yaml]}\n")
    project = open_project(project.root, environ={})

    (outcome,) = ingest_files(project, [file(project, "invoices.csv", INVOICES)], HERE)

    assert (outcome.state, outcome.confidence) == ("waiting", 0.85)
    assert "amount: 1 of 2 rows fail range (small)" in outcome.reason
    assert outcome.as_json()["quality"][0]["failed"] == [
        {"rule": "small", "column": "amount", "severity": "critical", "rows": 1}
    ]
