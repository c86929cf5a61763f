"""The review screen: one proposal at a time, decided by a single key."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trainer.cli.show import visible
from trainer.core.errors import TrainerError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trainer.catalog import Proposal, SchemaProposalEngine
    from trainer.catalog.values import ProposalState

_DECISIONS: dict[str, ProposalState] = {"a": "approved", "r": "rejected", "d": "deferred"}
_KEYS = "a approve   r reject   d defer   t table   e edit   s skip   b back   q quit"
_PREVIEW = 4_000
"""Bytes of a file that are looked at for its preview."""


def run_review(
    engine: SchemaProposalEngine,
    waiting: Sequence[Proposal],
    *,
    root: Path,
    by: str,
    read_key: Callable[[], str] | None = None,
    read_line: Callable[[str], str] | None = None,
    out: TextIO | None = None,
) -> dict[str, int]:
    """How many proposals were decided how. What was decided stays, however the review ends.

    `root` is the project's, for the previews of files. Keys and lines come from the terminal unless given.
    """
    from rich.console import Console

    key = read_key or _key_of_terminal
    line = read_line or input
    console = Console(file=out, highlight=False) if out else Console(highlight=False)
    tally: Counter[str] = Counter()
    queue = list(waiting)
    at, note = 0, ""
    while 0 <= at < len(queue):
        proposal = queue[at]
        console.clear()
        for part in _screen(
            proposal, at, len(queue), root=root, height=console.height, note=note, diff=engine.schema_diff(proposal)
        ):
            console.print(part, markup=False)
        note = ""
        pressed = key()
        try:
            if pressed in _DECISIONS:
                decision = engine.decide([proposal.id], _DECISIONS[pressed], by=by)[0]
                if decision.error is None:
                    tally[_DECISIONS[pressed]] += 1
                    note = f"{proposal.id[:10]} {_DECISIONS[pressed]}"
                    at += 1
                else:
                    note = str(decision.error)
                    queue[at] = engine.get(proposal.id)
                    at += queue[at].state not in ("waiting", "deferred")
            elif pressed in "te":
                queue[at] = _edited(engine, proposal, pressed, by, line)
            elif pressed in ("s", "b"):
                at = at + 1 if pressed == "s" else max(0, at - 1)
            elif pressed in ("q", "\x03", "\x04", ""):
                break
        except TrainerError as error:
            note = str(error)
    return dict(tally)


def _edited(
    engine: SchemaProposalEngine, proposal: Proposal, pressed: str, by: str, line: Callable[[str], str]
) -> Proposal:
    """The proposal with another table, or with a field that was typed as `FIELD=VALUE`."""
    if pressed == "t":
        choices = ", ".join(one.table for one in proposal.alternatives) or "any name of trainer tables list"
        name = line(f"table ({choices}): ").strip()
        return engine.edit(proposal.id, by=by, table=name) if name else proposal
    name, sign, value = line("FIELD=VALUE: ").strip().partition("=")
    return engine.edit(proposal.id, by=by, changes={name: value or None}) if sign else proposal


def _screen(
    proposal: Proposal, at: int, count: int, *, root: Path, height: int, note: str, diff: str
) -> Iterator[RenderableType]:
    """What is shown of one proposal: file, row, reason, alternatives, keys."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    sure = f"confidence {proposal.confidence:.2f}"
    yield Text(f"{at + 1} of {count}   {proposal.kind} {proposal.table}   {sure}   {proposal.id[:10]}", style="bold")
    lines = max(4, (height - 12) // 3)
    yield Panel(Text(visible(preview(root, proposal.source, lines=lines))), title=visible(proposal.source or "-"))
    table = Table(show_header=False, box=None, pad_edge=False)
    row = proposal.rows[0] if proposal.rows else proposal.change
    cited = proposal.citations[0] if proposal.citations else {}
    for name, value in list(row.items())[: lines * 2]:
        if value is not None:
            place = f"letter {cited[name]['start']}" if name in cited else ""
            shown = " ".join(visible(str(value)).split())[:200]
            table.add_row(Text(str(name), style="cyan"), Text(shown), Text(place, style="dim"))
    more = f" (1 of {len(proposal.rows)} rows)" if len(proposal.rows) > 1 else ""
    yield Panel(Text(visible(diff.rstrip())) if diff else table, title=f"proposed{more}")
    yield Text(f"why: {visible(proposal.reason)}")
    for line in proposal.evidence[:3] if diff else ():
        yield Text(f"because: {visible(line)}")
    for problem in proposal.problems[:3]:
        yield Text(f"! {visible(problem)}", style="red")
    if proposal.alternatives:
        yield Text("or:  " + "   ".join(f"{one.table} {one.confidence:.2f}" for one in proposal.alternatives))
    yield Text(visible(note), style="yellow")
    yield Text(_KEYS, style="dim")


def preview(root: Path, source: str, *, lines: int) -> str:
    """The first lines of a file of the project as text; why there are none, where there are none."""
    if not source:
        return "(no file)"
    path = root / source
    try:
        content = path.open("rb").read(_PREVIEW) if path.is_file() else None
    except OSError as error:
        return f"(cannot be read: {error.strerror})"
    if content is None:
        return "(the file is no longer there)"
    if b"\0" in content:
        return f"(binary, {path.stat().st_size:,} bytes)"
    return "\n".join(line[:160] for line in content.decode("utf-8", "replace").splitlines()[:lines])


def _key_of_terminal() -> str:
    """The next key, without waiting for Enter."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        return os.read(handle, 1).decode("latin-1")
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
