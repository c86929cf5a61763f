"""`trainer proposals`: decide what waits to enter the catalogue."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import tables
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table, write_text
from trainer.cli.tables import ByOption, ReasonOption, user_name
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.catalog import Proposal, ProposalEvent
    from trainer.catalog.values import ProposalState

app = application()

Ids = Annotated[list[str], typer.Argument(metavar="PROPOSAL", default_factory=list, show_default=False)]
TableOption = Annotated[
    str | None, typer.Option("--table", metavar="TABLE", help="Only those for TABLE.", autocompletion=tables)
]
KindOption = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="insert, create_table, change_schema or reclassify."),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="PATH", help="Only those whose source begins so.")
]
Surer = Annotated[
    float | None, typer.Option("--min-confidence", metavar="C", min=0, max=1, help="Only those at least so sure.")
]
Unsurer = Annotated[
    float | None, typer.Option("--max-confidence", metavar="C", min=0, max=1, help="Only those at most so sure.")
]


@app.callback()
def proposals() -> None:
    """Decide what waits: rows that were not sure enough, and every new or changed table.

    A proposal goes by the beginning of its identity. Several at once: name them, or give a filter.
    """


@app.command("list", cls=Command)
def list_command(
    context: typer.Context,
    *,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="waiting, deferred, approved, rejected, expired or all."),
    ] = None,
    table: TableOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    min_confidence: Surer = None,
    max_confidence: Unsurer = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=0, help="At most N.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the proposals that wait, the surest first."""
    from trainer.actions.proposals import ProposalFilter, brief, list_proposals

    session: Session = context.obj
    wanted = ProposalFilter(state, table, kind, source, min_confidence, max_confidence, limit)
    proposals = list_proposals(session.project(), wanted)
    if as_json:
        write_json([brief(one) for one in proposals])
    else:
        rows = [
            (one.id[:10], one.state, one.kind, one.table, one.confidence, one.source or None, one.reason)
            for one in proposals
        ]
        write_table(("proposal", "state", "kind", "table", "confidence", "source", "reason"), rows)


@app.command(cls=Command)
def show(
    context: typer.Context, *, proposal: Annotated[str, typer.Argument(metavar="PROPOSAL")], as_json: JsonOption = False
) -> None:
    """Show PROPOSAL whole: what would be done, why, on what evidence, what else it may be, and its history."""
    from trainer.actions.proposals import as_json as whole
    from trainer.actions.proposals import open_engine, show_proposal

    session: Session = context.obj
    project = session.project()
    document, events = show_proposal(project, proposal)
    diff = open_engine(project).schema_diff(document)
    if as_json:
        write_json({**whole(document), "diff": diff or None, "history": events})
    else:
        write_text("\n".join(proposal_lines(document, events, diff=diff)))


def _deciding(state: ProposalState) -> Callable[..., None]:
    """The command that brings the proposals it is given, or those a filter selects, into a state."""

    def command(
        context: typer.Context,
        *,
        ids: Ids,
        table: TableOption = None,
        kind: KindOption = None,
        source: SourceOption = None,
        min_confidence: Surer = None,
        max_confidence: Unsurer = None,
        by: ByOption = None,
        reason: ReasonOption = "",
        as_json: JsonOption = False,
    ) -> None:
        from trainer.actions.outcome import require_done
        from trainer.actions.proposals import ProposalFilter, brief, decide

        session: Session = context.obj
        wanted = ProposalFilter(None, table, kind, source, min_confidence, max_confidence)
        decisions = decide(
            session.project(), ids, state, by=by or user_name(), reason=reason, wanted=wanted, tell=session.say
        )
        if as_json:
            write_json([{**brief(one.proposal), "error": one.error} for one in decisions])
        else:
            rows = [(one.proposal.id[:10], one.proposal.state, one.proposal.table) for one in decisions]
            write_table(("proposal", "state", "table"), rows)
        failed = {one.proposal.id: one.error for one in decisions if one.error is not None}
        require_done(failed, len(decisions), "proposals", rest="the others are decided")

    return command


app.command(
    "approve",
    cls=Command,
    help="Approve proposals: their rows are in their tables when this returns, and their schemas are changed.",
)(_deciding("approved"))
app.command("reject", cls=Command, help="Reject proposals; the same content is not proposed again.")(
    _deciding("rejected")
)
app.command("defer", cls=Command, help="Put proposals behind the others; they can still be decided.")(
    _deciding("deferred")
)


@app.command(cls=Command)
def edit(
    context: typer.Context,
    *,
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL")],
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE", default_factory=list, show_default=False)],
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="The table it belongs to.", autocompletion=tables)
    ] = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change the rows of an insertion, or their table; it waits on, to be approved."""
    from trainer.actions.proposals import as_json as whole
    from trainer.actions.proposals import edit_proposal, show_proposal
    from trainer.actions.tables import open_catalog, parse_changes

    session: Session = context.obj
    project = session.project()
    name = table or show_proposal(project, proposal)[0].table
    parsed = parse_changes(open_catalog(project).table(name), changes)
    edited = edit_proposal(project, proposal, by=by or user_name(), table=table, changes=parsed, reason=reason)
    if as_json:
        write_json(whole(edited))
    else:
        write_text("\n".join(proposal_lines(edited, [])))


@app.command(cls=Command)
def review(
    context: typer.Context,
    *,
    table: TableOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    min_confidence: Surer = None,
    max_confidence: Unsurer = None,
    by: ByOption = None,
) -> None:
    """Work through what waits with single keys: the file, the proposed row, the reason, and what else it may be."""
    from trainer.actions.proposals import ProposalFilter, list_proposals, open_engine
    from trainer.cli.review import run_review

    session: Session = context.obj
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "a review needs a terminal", hint="elsewhere: trainer proposals list, and approve or reject by name"
        )
    project = session.project()
    wanted = ProposalFilter(None, table, kind, source, min_confidence, max_confidence)
    waiting = list_proposals(project, wanted)
    if not waiting:
        write_text("nothing waits")
        return
    tally = run_review(open_engine(project, tell=session.say), waiting, root=project.root, by=by or user_name())
    write_text(", ".join(f"{count} {state}" for state, count in tally.items()) or "nothing decided")


def proposal_lines(proposal: Proposal, events: list[ProposalEvent], *, diff: str = "") -> Iterator[str]:
    """A proposal as lines of text; `diff` is what it does to a YAML file."""
    yield f"{proposal.id}: {proposal.kind} {proposal.table} ({proposal.state}, confidence {proposal.confidence:.2f})"
    yield f"  from {proposal.source or '-'}{f' ({proposal.part})' if proposal.part else ''}"
    yield f"  {proposal.reason}"
    for problem in proposal.problems:
        yield f"  ! {problem}"
    if proposal.alternatives:
        yield "  or: " + ", ".join(f"{one.table} {one.confidence:.2f}" for one in proposal.alternatives)
    for number, row in enumerate(proposal.rows[:20]):
        cited = proposal.citations[number] if number < len(proposal.citations) else {}
        yield f"  row {number + 1} of {len(proposal.rows)}"
        for name, value in row.items():
            place = f"   [letter {cited[name]['start']}]" if name in cited else ""
            yield f"    {name} = {str(value)[:300]}{place}"
    if diff:
        yield from (f"  {line}" for line in diff.splitlines())
    elif proposal.change:
        yield f"  change: {json.dumps(proposal.change, ensure_ascii=False)}"
    for line in proposal.evidence:
        yield f"  because: {line}"
    if proposal.decided_by:
        why = f": {proposal.decision_reason}" if proposal.decision_reason else ""
        yield f"  {proposal.state} by {proposal.decided_by} at {proposal.decided_at}{why}"
    for event in events:
        why = f": {event.reason}" if event.reason else ""
        yield f"  {event.at:%Y-%m-%d %H:%M} {event.event} by {event.actor or '-'}{why}"
