"""`trainer facts`: what was understood of any data, so that a person can see and mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import keys_or_files
from trainer.cli.session import Session
from trainer.cli.show import write_json, write_text

if TYPE_CHECKING:
    from trainer.facts import Facts, Observation

_MOST_MEMBERS = 8
_MOST_NOTES = 12


app = application()


@app.command(cls=Command)
def facts(
    context: typer.Context,
    *,
    data: Annotated[str, typer.Argument(metavar="FILE|KEY", autocompletion=keys_or_files)],
    every: Annotated[bool, typer.Option("--all", help="Show every observation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what was understood of a data FILE or of a KEY in the store.

    Measures with their units, dimensions with their members, times, and what was left out and why.
    What is wrong is mended in information/facts/*.yaml: roles, units, names, members, definitions.
    """
    from trainer.actions.facts import facts_document, read_facts

    session: Session = context.obj
    understood = read_facts(data, project=session.project_around(), folder=Path.cwd())
    if as_json:
        write_json(facts_document(understood, every=every))
    else:
        write_text("\n".join(_page(understood, every=every)))


def _page(facts: Facts, *, every: bool) -> Iterator[str]:
    from trainer.actions.facts import time_text
    from trainer.facts import unit_text

    by_measure: dict[str, list[Observation]] = {}
    for one in facts.observations:
        by_measure.setdefault(one.measure, []).append(one)
    yield f"{len(facts.observations):,} observations of {len(facts.measures)} measures"
    if facts.measures:
        yield "\nMeasures"
    for measure in facts.measures.values():
        observations = by_measure.get(measure.id, [])
        units = " or ".join(unit_text(unit) for unit in measure.units) or "no unit"
        yield f"  {measure.title}  [{measure.id}]"
        count = f"{len(observations):,} {'value' if len(observations) == 1 else 'values'}"
        yield f"      {units}; {count}, {_range(observations)}{_times(observations)}"
    if facts.dimensions:
        yield "\nDimensions"
    for dimension in facts.dimensions.values():
        names = [
            f"{member.name} ({', '.join(member.aliases)})" if member.aliases else member.name
            for member in dimension.members[:_MOST_MEMBERS]
        ]
        more = len(dimension.members) - len(names)
        yield f"  {dimension.name}: {', '.join(names)}{f' and {more:,} more' if more else ''}"
    if facts.left_out:
        counts = Counter(one.why for one in facts.left_out)
        yield "\nLeft out: " + ", ".join(f"{count:,} {why}" for why, count in counts.most_common())
        for out in facts.left_out if every else facts.left_out[:_MOST_NOTES]:
            yield f"  {out.source.path}: {out.why}: {out.detail[:60]}"
    if every:
        yield "\nObservations"
        for one in facts.observations:
            place = ", ".join(part for part in (*one.members.values(), time_text(one.time)) if part)
            title = facts.measures[one.measure].title
            yield f"  {one.source.path}: {title}{f' ({place})' if place else ''} = {one.value}"
    yield "\nWrong? Name roles, units, names or members in information/facts/NAME.yaml; see docs/how-to/mend-facts.md"


def _range(observations: list[Observation]) -> str:
    low = min(one.value for one in observations)
    high = max(one.value for one in observations)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _times(observations: list[Observation]) -> str:
    times = [one.time for one in observations if one.time]
    if not times:
        return ", undated"
    first, last = min(times, key=lambda time: time.start), max(times, key=lambda time: time.end)
    grains = "/".join(sorted({time.grain for time in times}))
    return f", by {grains}: {first.label}" + (f" to {last.label}" if last != first else "")
