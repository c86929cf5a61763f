"""`trainer accept`: a person accepts findings of a report, or signs off its edition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import reports
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_table, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.report_accept import Review

app = application()


@app.command(cls=Command)
def accept(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="REPORT", autocompletion=reports)],
    words: Annotated[list[str], typer.Argument(metavar="FINDING", default_factory=list, show_default=False)],
    why: Annotated[str | None, typer.Option(metavar="TEXT", help="The reason; it is kept.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who accepts it; the name that git has.")] = None,
    edition: Annotated[bool, typer.Option("--edition", help="Sign off the whole edition as it is.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take back what was accepted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the findings of REPORT that nobody accepted, or accept some: by the words they are about, or their kind.

    It is kept in output/accepted, in git beside the report, which marks them as accepted when it is built again.
    A finding comes back when the datum behind it changes, an edition when its text or data does.
    """
    from trainer.actions.report_accept import accept_findings, review_report, revoke_acceptances

    session: Session = context.obj
    project = session.project()
    if revoke:
        review = revoke_acceptances(project, name, words, edition=edition)
    elif words or edition:
        if why is None:
            raise UsageError("an acceptance needs its reason", hint='give it with --why "…"')
        review = accept_findings(project, name, words, why=why, by=by, edition=edition)
    else:
        review = review_report(project, name)
    if as_json:
        write_json(review)
    else:
        _show(review)
    if review.changed:
        session.say(f"written: {review.file}; to show it: trainer report {name}")


def _show(review: Review) -> None:
    if review.open:
        rows = [(one.get("line"), one["kind"], one.get("text") or None, one["message"]) for one in review.open]
        write_table(("line", "open finding", "about", "why"), rows, wraps=True)
    else:
        write_text("no finding is open")
    for one in review.accepted.findings:
        write_text(f"accepted: {one.what}\n  by {one.by} on {one.on}: {one.why}")
    if review.signed_off is not None:
        one = review.signed_off
        write_text(f"signed off: {one.what}\n  by {one.by} on {one.on}: {one.why}")
