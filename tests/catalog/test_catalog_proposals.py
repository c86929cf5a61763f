"""Proposals: what is approved by itself, what waits, who decides, and that nothing is ever half."""

import pytest

from trainer.catalog import ApprovalPolicy, DecidedError, ProposalDraft, SchemaProposalEngine
from trainer.core.errors import UsageError


def test_a_sure_insertion_is_in_its_table_and_an_unsure_one_waits(engine, catalog, draft):
    sure, unsure = engine.propose([draft("a.pdf", 0.95), draft("b.pdf", 0.9)])
    assert (sure.state, sure.decided_by) == ("approved", "policy")
    assert unsure.state == "waiting"
    assert [row.values["path"] for row in catalog.rows("documents")] == ["a.pdf"]


def test_the_same_content_is_proposed_once_whatever_became_of_it(engine, catalog, draft):
    first = engine.propose([draft("a.pdf", 0.5)])[0]
    engine.reject_proposal(first.id, rejected_by="ann", reason="spam")
    again = engine.propose([draft("copy.pdf", 0.99, digest="digest of a.pdf")])[0]
    assert (again.id, again.state, again.is_new) == (first.id, "rejected", False)
    assert catalog.rows("documents") == []


def test_a_row_that_is_not_valid_is_never_approved_by_itself_nor_by_anybody(engine, catalog, draft):
    proposal = engine.propose([draft("a.pdf", 0.99, rows=({"path": "a.pdf"},))])[0]
    assert (proposal.state, proposal.problems) == ("waiting", ("title is required",))
    with pytest.raises(UsageError, match="title is required"):
        engine.approve_proposal(proposal.id, approved_by="ann")
    assert catalog.rows("documents") == []
    engine.edit(proposal.id, by="ann", changes={"title": "A letter"})
    assert engine.approve_proposal(proposal.id, approved_by="ann").state == "approved"
    assert catalog.rows("documents")[0].values["title"] == "A letter"


def test_who_comes_second_is_told_who_was_first_when_and_why(engine, draft):
    proposal = engine.propose([draft("a.pdf", 0.5)])[0]
    engine.approve_proposal(proposal.id, approved_by="ann", reason="looks right")
    with pytest.raises(DecidedError, match="was approved by ann at 2025-03-01T12:00:00Z: looks right"):
        engine.reject_proposal(proposal.id, rejected_by="bob")


def test_a_row_that_says_the_same_confirms_and_one_that_says_otherwise_waits(engine, catalog, draft):
    engine.propose([draft("a.pdf", 0.95)])
    same, other = engine.propose(
        [
            draft("a.pdf", 0.95, digest="2", source="mail/a.pdf"),
            draft("a.pdf", 0.95, digest="3", rows=({"path": "a.pdf", "title": "Otherwise"},)),
        ]
    )
    assert same.state == "approved"
    assert catalog.rows("documents")[0].confirmations == 1
    assert other.state == "waiting"
    assert "title is 'About a.pdf' there and 'Otherwise' here" in other.problems[0]
    engine.approve_proposal(other.id, approved_by="ann")
    row = catalog.rows("documents")[0]
    assert row.values["title"] == "Otherwise"
    assert [version.action for version in catalog.history("documents", row.id)] == ["inserted", "confirmed", "updated"]


def test_two_files_of_one_batch_with_one_key_and_other_words_do_not_overwrite_each_other(engine, catalog, draft):
    rows = ({"path": "a.pdf", "title": "One"},), ({"path": "a.pdf", "title": "Two"},)
    one, two = engine.propose([draft("1", 0.95, rows=rows[0]), draft("2", 0.95, rows=rows[1])])
    assert (one.state, two.state) == ("approved", "waiting")
    assert catalog.rows("documents")[0].values["title"] == "One"


def test_bulk_decisions_keep_what_can_be_decided(engine, catalog, draft):
    proposals = engine.propose([draft(f"{number}.pdf", 0.5) for number in range(5)])
    engine.reject_proposal(proposals[0].id, rejected_by="bob")
    decisions = engine.decide([one.id for one in proposals], "approved", by="ann")
    assert [decision.error is None for decision in decisions] == [False, True, True, True, True]
    assert len(catalog.rows("documents")) == 4


def test_a_proposal_expires_and_a_deferred_one_waits_behind_the_others(engine, clock, draft):
    first, second = engine.propose([draft("a.pdf", 0.8), draft("b.pdf", 0.5)])
    engine.decide([first.id], "deferred", by="ann")
    assert [one.id for one in engine.get_pending_proposals()] == [second.id, first.id]
    clock.move(days=31)
    assert engine.get_pending_proposals() == []
    assert engine.get(first.id).state == "expired"
    with pytest.raises(DecidedError, match="expired"):
        engine.approve_proposal(first.id, approved_by="ann")
    assert [event.event for event in engine.history(first.id)] == ["proposed", "deferred", "expired"]


def test_a_schema_change_is_a_yaml_file_and_is_taken_back_in_one_step(engine, catalog, draft):
    change = {"fields": {"cost_centre": {"type": "text"}}}
    proposal = engine.propose_schema_modification("documents", change, confidence=1.0, evidence=["cost centre: 12"])
    assert proposal.state == "waiting"
    assert engine.approve_proposal(proposal.id, approved_by="ann").state == "approved"
    path = catalog.folder / "documents.yaml"
    assert path.read_text() == "table: documents\nfields:\n  cost_centre:\n    type: text\n"
    fresh = catalog.reloaded()
    rows = ({"path": "a", "title": "A", "cost_centre": "12"},)
    SchemaProposalEngine(fresh).propose([draft("a", 0.99, rows=rows)])
    assert fresh.rows("documents")[0].values["cost_centre"] == "12"
    back = fresh.revert_schema("documents", actor="bob")
    assert not path.exists()
    assert "cost_centre" not in back.rows("documents")[0].values
    assert [version.actor for version in back.schema_versions("documents")] == ["project files", "ann", "bob"]
    again = back.revert_schema("documents", to=2, actor="bob")
    assert again.rows("documents")[0].values["cost_centre"] == "12", "what was in a removed column is still there"


def test_schemas_are_approved_by_themselves_only_where_the_policy_says_so(catalog):
    engine = SchemaProposalEngine(catalog, ApprovalPolicy(approve_schema=True))
    change = {"fields": {"name": {"type": "text", "required": True}}, "key": ["name"]}
    assert engine.propose_table_creation("boats", change, confidence=0.95).state == "approved"
    assert "boats" in catalog.reloaded().definitions


def test_a_type_that_would_lose_values_is_refused_and_nothing_changes(engine, catalog, draft):
    engine.propose([draft("a.pdf", 0.95)])
    proposal = engine.propose_schema_modification("documents", {"fields": {"title": {"type": "integer"}}})
    with pytest.raises(Exception, match=r"documents.title cannot become integer: 1 of its values are none"):
        engine.approve_proposal(proposal.id, approved_by="ann")
    assert not (catalog.folder / "documents.yaml").exists()
    assert engine.get(proposal.id).state == "waiting"


def test_a_type_that_loses_nothing_changes_in_place(engine, catalog, draft):
    engine.propose([draft("a.pdf", 0.95, rows=({"path": "a", "title": "12"},))])
    proposal = engine.propose_schema_modification("documents", {"fields": {"title": {"type": "integer"}}})
    engine.approve_proposal(proposal.id, approved_by="ann")
    assert catalog.reloaded().rows("documents")[0].values["title"] == 12


def test_rows_move_to_the_table_where_they_belong(engine, catalog):
    row = {"question": "Why?", "answer": "Because."}
    proposal = engine.propose([ProposalDraft("insert", "insights", 0.95, "an answer", rows=(row,))])[0]
    move = engine.propose_reclassification(proposal.id, "documents")
    with pytest.raises(UsageError, match="path is required"):
        engine.approve_proposal(move.id, approved_by="ann")
    assert len(catalog.rows("insights")) == 1


def test_a_waiting_insertion_is_readdressed(engine, catalog, draft):
    row = {"path": "a.jpg", "title": "Plant"}
    waiting = engine.propose([draft("a.jpg", 0.5, rows=(row,))])[0]
    move = engine.propose_reclassification(waiting.id, "media")
    engine.approve_proposal(move.id, approved_by="ann")
    engine.approve_proposal(waiting.id, approved_by="ann")
    assert [row.values["path"] for row in catalog.rows("media")] == ["a.jpg"]
    assert catalog.rows("documents") == []


@pytest.mark.parametrize(
    ("draft_of", "message"),
    [
        (ProposalDraft("insert", "documnets", 0.5, "", rows=({},)), 'did you mean "documents"'),
        (ProposalDraft("insert", "documents", 1.5, "", rows=({},)), "a confidence is from 0 to 1"),
        (ProposalDraft("insert", "documents", 0.5, ""), "1 to 10,000 rows, not 0"),
        (ProposalDraft("create_table", "documents", 0.5, ""), "there is a table documents"),
        (ProposalDraft("change_schema", "documents", 0.5, "", change={"fields": {"x": "txt"}}), 'did you mean "text"'),
    ],
)
def test_what_is_no_proposal_is_refused_before_anything_is_stored(engine, draft_of, message):
    with pytest.raises(UsageError, match=message):
        engine.propose([draft_of])
    assert engine.proposals() == []


def test_every_decision_reaches_the_audit_log_once(catalog, draft):
    entries = []
    engine = SchemaProposalEngine(catalog, ApprovalPolicy(), audit=entries.extend)
    proposals = engine.propose([draft("a.pdf", 0.95), draft("b.pdf", 0.5)])
    engine.reject_proposal(proposals[1].id, rejected_by="ann")
    engine.settle_audit()
    assert [(one.event, one.actor) for one in entries] == [("approved", "policy"), ("rejected", "ann")]


def test_a_crash_before_the_audit_log_is_made_up_for_by_the_next_decision(catalog, draft):
    def crash(events):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SchemaProposalEngine(catalog, ApprovalPolicy(), audit=crash).propose([draft("a.pdf", 0.95)])
    entries = []
    engine = SchemaProposalEngine(catalog, ApprovalPolicy(), audit=entries.extend)
    assert engine.proposals()[0].state == "approved"
    engine.propose([draft("b.pdf", 0.95)])
    assert [one.event for one in entries] == ["approved", "approved"]


def test_a_row_that_refers_to_what_is_not_there_waits_and_somebody_may_approve_it(catalog):
    catalog.folder.mkdir()
    (catalog.folder / "ports.yaml").write_text("key: [code]\nfields: {code: {type: text, required: true}}\n")
    (catalog.folder / "calls.yaml").write_text(
        "key: [ship]\nfields: {ship: {type: text, required: true}, port: {type: text, references: ports.code}}\n"
    )
    engine = SchemaProposalEngine(catalog.reloaded())
    early = engine.propose_row_insertion("calls", {"ship": "Ada", "port": "HAM"}, confidence=0.95)
    engine.propose_row_insertion("ports", {"code": "RTM"}, confidence=0.95)

    right = engine.propose_row_insertion("calls", {"ship": "Bea", "port": "RTM"}, confidence=0.95)
    wrong = engine.propose_row_insertion("calls", {"ship": "Cor", "port": "XXX"}, confidence=0.95)

    assert (early.state, right.state, wrong.state) == ("approved", "approved", "waiting")
    assert wrong.problems == ('port: ports has no code "XXX"',)
    assert engine.approve_proposal(wrong.id, approved_by="ann").state == "approved"
