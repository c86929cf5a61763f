"""Workflows that people repeat: subsequences that many sessions share, with how they end and what they cost.

Mined by PrefixSpan (Pei et al., 2001): a pattern grows by one step as long as enough sessions contain it in order.
Only closed patterns are told: none that is part of a longer one of the same sessions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.mart.tables import Opener

_PAUSE = timedelta(minutes=30)
"""What comes later belongs to another session: the pause that web analytics has counted with for decades."""
_MOST_COMMANDS = 20_000
_LONGEST = 6


@dataclass(frozen=True, slots=True)
class ExecutedCommand:
    """One command as a session has it."""

    name: str
    """Operation, and its subject where it has one."""
    started_at: datetime
    is_success: bool
    cost: float
    seconds: float
    actor: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowPattern:
    """A sequence of commands that several sessions share."""

    steps: tuple[str, ...]
    sessions: int
    success_rate: float
    """Of the sessions, those in which every step succeeded."""
    cost: float
    """Mean of one passage, in US dollars."""
    seconds: float
    note: str
    """What would make it better; empty where nothing stands out."""


def workflow_patterns(opener: Opener, *, least: int = 3, limit: int = 50) -> list[WorkflowPattern]:
    """The patterns of the latest commands, those that save most time first."""
    with opener() as connection:
        rows = connection.execute(
            """SELECT s.operation,
                coalesce(s.context ->> 'report', s.context ->> 'instruction', s.context ->> 'source'), s.started_at,
                coalesce(e.status, 'lost') = 'success', coalesce(e.cost, 0), coalesce(e.seconds, 0),
                coalesce(s.actor, '')
            FROM execution_starts s LEFT JOIN execution_ends e ON s.execution_id = e.execution_id
            WHERE s.parent_id IS NULL ORDER BY s.execution_id DESC LIMIT ?""",
            [_MOST_COMMANDS],
        ).fetchall()
    commands = [ExecutedCommand(" ".join(filter(None, row[:2])), *row[2:]) for row in reversed(rows)]
    patterns = mine(sessions(commands), least=least)
    return sorted(patterns, key=lambda item: (-item.sessions * (len(item.steps) - 1), item.steps))[:limit]


def sessions(commands: Sequence[ExecutedCommand]) -> list[list[ExecutedCommand]]:
    """The commands of each actor, parted where they paused."""
    parted: list[list[ExecutedCommand]] = []
    latest: dict[str, list[ExecutedCommand]] = {}
    for command in commands:
        session = latest.get(command.actor)
        if session is None or command.started_at - session[-1].started_at > _PAUSE:
            session = latest[command.actor] = []
            parted.append(session)
        session.append(command)
    return parted


def mine(database: Sequence[Sequence[ExecutedCommand]], *, least: int) -> list[WorkflowPattern]:
    """All closed patterns of two steps and more that at least `least` sessions contain."""
    frequent: dict[tuple[str, ...], list[tuple[int, tuple[int, ...]]]] = {}

    def grow(prefix: tuple[str, ...], places: list[tuple[int, tuple[int, ...]]]) -> None:
        if len(prefix) >= 2:
            frequent[prefix] = places
        if len(prefix) == _LONGEST:
            return
        extensions: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for number, passage in places:
            met: set[str] = set()
            first = passage[-1] + 1 if passage else 0
            for index in range(first, len(database[number])):
                name = database[number][index].name
                if name not in met:
                    met.add(name)
                    extensions.setdefault(name, []).append((number, (*passage, index)))
        for name, longer in extensions.items():
            if len(longer) >= least:
                grow((*prefix, name), longer)

    grow((), [(number, ()) for number in range(len(database))])
    closed = [
        steps
        for steps, places in frequent.items()
        if not any(
            len(other) == len(steps) + 1 and len(more) == len(places) and _contains(other, steps)
            for other, more in frequent.items()
        )
    ]
    return [
        _described(steps, [[database[number][index] for index in passage] for number, passage in frequent[steps]])
        for steps in closed
    ]


def _contains(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    rest = iter(longer)
    return all(step in rest for step in shorter)


def _described(steps: tuple[str, ...], passages: Sequence[Sequence[ExecutedCommand]]) -> WorkflowPattern:
    count = len(passages)
    failures = [sum(not passage[at].is_success for passage in passages) for at in range(len(steps))]
    costs = [math.fsum(passage[at].cost for passage in passages) / count for at in range(len(steps))]
    times = [math.fsum(passage[at].seconds for passage in passages) / count for at in range(len(steps))]
    at = range(len(steps))
    worst, dearest, slowest = (
        max(at, key=failures.__getitem__),
        max(at, key=costs.__getitem__),
        max(at, key=times.__getitem__),
    )
    note = ""
    if failures[worst] / count >= 0.1:
        note = f"{steps[worst]} fails in {failures[worst] / count:.0%} of the sessions"
    elif any(step == after for step, after in itertools.pairwise(steps)):
        note = "a step is run twice in a row: what the first run lacked may be set beforehand"
    elif sum(costs) and costs[dearest] / sum(costs) >= 0.8:
        note = f"{steps[dearest]} takes {costs[dearest] / sum(costs):.0%} of the cost"
    elif sum(times) >= 10 and times[slowest] / sum(times) >= 0.8:
        note = f"{steps[slowest]} takes {times[slowest] / sum(times):.0%} of the time"
    good = sum(all(command.is_success for command in passage) for passage in passages)
    return WorkflowPattern(steps, count, good / count, math.fsum(costs), math.fsum(times), note)
