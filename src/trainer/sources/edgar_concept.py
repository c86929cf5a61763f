"""One figure through the years: what holds for each period, by which concept and filing, and what was restated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from trainer.core.values import Field, Json
from trainer.sources.base import Fetched
from trainer.sources.edgar_shapes import LINES, PERIODIC, QUARTER, YEAR, XbrlFact, observations_of


@dataclass(frozen=True, slots=True)
class Concept:
    """What is asked for."""

    tags: tuple[str, ...]
    """The concepts that hold it, the best first."""
    title: str


def concept_of(names: Sequence[str]) -> Concept:
    """Our lines (`totalRevenue`) stand for the concepts they are made of; every other name is a concept itself."""
    tags = [tag for name in names for tag in (LINES[name][2] if name in LINES else (name,))]
    title = LINES[names[0]][0] if names[0] in LINES else names[0]
    return Concept(tuple(dict.fromkeys(tags)), title)


def known_concepts(body: Mapping[str, Any]) -> set[str]:
    """The names by which a company's figures can be asked for."""
    tags = {tag for concepts in (body.get("facts") or {}).values() for tag in concepts}
    return tags | {line for line, (_, _, names) in LINES.items() if tags & set(names)}


def shape_concept(body: Mapping[str, Any], concept: Concept, *, years: int, known_on: str | None) -> Fetched:
    """Series `annual`, `quarterly` and `moments` of the last years, the `latest` of each, and what was `restated`.

    A row holds for its period on the day `known_on`, or today: its value, and the concept, form, filing and day by
    which it was told. Where the best concept has none for a period, the next holds.
    """
    concepts = {tag: held for facts in (body.get("facts") or {}).values() for tag, held in facts.items()}
    counts: Counter[str] = Counter()
    for tag in concept.tags:
        for unit, facts in ((concepts.get(tag) or {}).get("units") or {}).items():
            counts[unit] += len(facts)
    unit = max(sorted(counts), key=lambda name: counts[name], default="")
    periods = observations_of(concepts, concept.tags, unit, known_on)
    series: dict[str, list[dict[str, Json]]] = {"annual": [], "quarterly": [], "moments": []}
    restated: list[dict[str, Json]] = []
    for (end, days), observations in sorted(periods.items(), key=lambda period: (period[0][0], period[0][1] or 0)):
        name = "moments" if days is None else "annual" if days in YEAR else "quarterly" if days in QUARTER else ""
        if name:
            series[name].append({"date": end, **_figure(observations[0], concept)})
            restated += ({"date": end, "series": name, **change} for change in _changes(observations, concept))
    most = {"annual": years, "quarterly": 4 * years, "moments": 4 * years}
    held = {name: rows[-most[name] :] for name, rows in series.items() if rows}
    restated = [change for change in restated if change["date"] >= held[change["series"]][0]["date"]]
    data: dict[str, Json] = {
        "name": body.get("entityName"),
        "cik": str(body.get("cik", "")).zfill(10),
        "concepts": [tag for tag in concept.tags if tag in concepts],
        "unit": unit,
        "latest": {name: rows[-1] for name, rows in held.items()},
        **held,
        **({"restated": restated} if restated else {}),
    }
    own = unit.replace("/shares", "/share")
    fields = {f"{name}.{part}": meaning for name in held for part, meaning in _row_fields(concept.title, own)}
    if restated:
        fields |= {
            "restated.date": Field("Period ended", "date"),
            "restated.was": Field(f"{concept.title}, as first told", own),
            "restated.became": Field(f"{concept.title}, as told later", own),
            "restated.filed": Field("Told anew on", "date"),
        }
    newest = max((str(rows[-1]["date"]) for rows in held.values()), default=None)
    return Fetched({name: part for name, part in data.items() if part}, body.get("entityName"), newest, fields)


def _figure(observation: XbrlFact, concept: Concept) -> dict[str, Json]:
    return {
        "value": observation.value,
        "concept": concept.tags[observation.rank],
        "form": observation.form,
        "filed": observation.filed,
        "accessionNumber": observation.accession,
    }


def _changes(observations: Iterable[XbrlFact], concept: Concept) -> list[dict[str, Json]]:
    """Each time a report told a period's figure otherwise than the one before, by the same concept."""
    changes: list[dict[str, Json]] = []
    reported = sorted(
        (observation for observation in observations if PERIODIC.fullmatch(observation.form)),
        key=lambda observation: (observation.rank, observation.filed, observation.accession),
    )
    for before, after in pairwise(reported):
        if before.rank == after.rank and before.value != after.value:
            change = {"was": before.value, "became": after.value, "concept": concept.tags[after.rank]}
            changes.append({**change, "form": after.form, "filed": after.filed, "accessionNumber": after.accession})
    return changes


def _row_fields(title: str, unit: str) -> list[tuple[str, Field]]:
    return [
        ("date", Field("Period ended", "date")),
        ("value", Field(title, unit)),
        ("filed", Field("Filed on", "date")),
    ]
