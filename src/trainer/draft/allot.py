"""Which figures and series belong in which section: what the instruction names there first, by relevance the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.core.bm25 import rank
from trainer.draft import wording
from trainer.draft.cubes import Entity
from trainer.draft.domain import concept, derivable
from trainer.draft.figures import kind
from trainer.draft.model import Fact, MeasureColumn, Records
from trainer.draft.outline import OutlineSection, stems
from trainer.draft.questions import answers, question, subject_of

_ENOUGH = 4
_MOST_ROWS = 20
_MOST_COLUMNS = 6
_MOST_RANKED = 400
_LEAST_MATCH = 0.45
_SURE = 0.75
_TIME = re.compile(
    r"\b(charts?|graphs?|series|trend|history|over time|quarterly|annual|yearly|monthly|daily|lists?|development)\b",
    re.IGNORECASE,
)
_CADENCE = re.compile(r"\b(quarterly|annual|yearly|monthly|weekly|daily)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of all entities."""

    title: str
    facts: tuple[Fact | None, ...]
    """By entity; None where it is not known."""

    @property
    def first(self) -> Fact:
        """The first fact there is."""
        return next(fact for fact in self.facts if fact is not None)

    @property
    def numeric(self) -> bool:
        """Whether it is a number for all that have it."""
        return all(fact is None or fact.figure is not None for fact in self.facts)


@dataclass(frozen=True, slots=True)
class Share:
    """What one section is written from."""

    section: OutlineSection
    rows: tuple[FigureRow, ...] = ()
    series: tuple[tuple[int, Records], ...] = ()
    """Entity's index and its series or list, cut to the columns that matter here."""
    missing: tuple[str, ...] = ()
    """What the section asks for and nothing in the data is named."""
    remarks: tuple[str, ...] = ()
    """Why a question of the section has no answer."""


def rows_of(entities: Sequence[Entity], derived: Sequence[Sequence[Fact]]) -> tuple[FigureRow, ...]:
    """The figures of all entities side by side, in the order of the data, derived ones last."""
    cells_by_name: dict[tuple[str, str], list[Fact | None]] = {}
    every = [entity.facts for entity in entities] + list(derived)
    for index, facts in enumerate(every):
        for fact in facts:
            cells = cells_by_name.setdefault((fact.title.casefold(), kind(fact.unit)), [None] * len(entities))
            cells[index % len(entities)] = fact
    return tuple(FigureRow(next(f.title for f in cells if f), tuple(cells)) for cells in cells_by_name.values())


def allot(
    sections: Sequence[OutlineSection], rows: Sequence[FigureRow], entities: Sequence[Entity]
) -> tuple[Share, ...]:
    """Each section's share; no figure stands in two sections, the summary apart."""
    taken = _by_name(sections, rows)
    left = [row for row in rows if not any(row in placed for placed in taken.values())]
    for index, section in enumerate(sections):
        if section.role == "figures" and len(taken[index]) < _ENOUGH:
            more = _by_relevance(section, left)
            taken[index] += more
            left = [row for row in left if row not in more]
    if (rest := _catch_all(sections)) is not None:
        taken[rest] += left
    known_titles = _known_titles(rows, entities)
    series, remarks = _asked(sections, entities, taken)
    for index, placed in _series(sections, entities, taken, series).items():
        series[index] += placed
    return tuple(
        Share(
            section,
            tuple(taken[index][:_MOST_ROWS]),
            tuple(series[index]),
            _missing(section, known_titles),
            remarks[index],
        )
        for index, section in enumerate(sections)
    )


def _asked(
    sections: Sequence[OutlineSection], entities: Sequence[Entity], taken: Mapping[int, Sequence[FigureRow]]
) -> tuple[dict[int, list[tuple[int, Records]]], dict[int, tuple[str, ...]]]:
    """By section, the series and lists that answer what it asks in plain words, and what is said of the rest."""
    placed: dict[int, list[tuple[int, Records]]] = {index: [] for index in range(len(sections))}
    remarks: dict[int, tuple[str, ...]] = dict.fromkeys(placed, ())
    for number, entity in enumerate(entities):
        for cube in entity.cubes:
            # Beside single figures a table is told only where its measures are named.
            otherwise = () if any(taken.values()) else subject_of(sections, cube)
            for index, section in enumerate(sections):
                is_open = section.role == "figures" and not taken[index]
                wish = question(section, cube, otherwise=otherwise) if is_open else None
                if wish:
                    answered, remarked = answers(wish, cube)
                    placed[index] += [(number, records) for records in answered]
                    remarks[index] = tuple(dict.fromkeys((*remarks[index], *remarked)))
    return placed, remarks


def picked(section: OutlineSection, rows: Sequence[FigureRow], most: int) -> tuple[FigureRow, ...]:
    """The rows that a section names, best match for each name, in its order."""
    numeric = [row for row in rows if row.numeric]
    chosen: list[FigureRow] = []
    for phrase in section.asked:
        best = max(numeric, key=lambda row: _match(phrase, row.first), default=None)
        if best and _match(phrase, best.first) >= _LEAST_MATCH and best not in chosen:
            chosen.append(best)
    return tuple(chosen[:most])


def _by_name(sections: Sequence[OutlineSection], rows: Sequence[FigureRow]) -> dict[int, list[FigureRow]]:
    """The rows that a section's guidance names, in the order in which it names them."""
    placed: dict[int, list[tuple[int, float, int, FigureRow]]] = {index: [] for index in range(len(sections))}
    figures = [(index, section) for index, section in enumerate(sections) if section.role == "figures"]
    for order, row in enumerate(rows):
        score, place, index = _best_section(row.first, figures)
        if row.first.formula and score < _SURE:
            matches = [_best_section(fact, figures) for fact in row.first.inputs]
            index, place = matches[0][2], min(match[1] for match in matches)
            score = min(match[0] for match in matches) if all(match[2] == index for match in matches) else 0.0
        if score >= _LEAST_MATCH:
            placed[-index].append((-place, -score, order, row))
    return {
        index: [row for *_, row in sorted(entries, key=lambda entry: entry[:3])] for index, entries in placed.items()
    }


def _best_section(fact: Fact, figures: Sequence[tuple[int, OutlineSection]]) -> tuple[float, int, int]:
    """The best match of a fact in any section: how well, minus the place there, minus the section's index."""
    matches = [(*_section_match(section, fact), -index) for index, section in figures]
    return max(matches, default=(0.0, 0, 0))


def _section_match(section: OutlineSection, fact: Fact) -> tuple[float, int]:
    """How well a section's guidance names a fact, and minus the place where it does."""
    if not section.guidance and wording.humanised(fact.path.partition(".")[0]) == section.title:
        return 2.0, 0
    verbatim = section.guidance.casefold().find(wording.base(fact.title).casefold())
    whole = (1.5, -verbatim) if verbatim >= 0 and len(fact.title) > 3 else (0.0, 0)
    named = [(_match(phrase, fact), -place) for phrase, place in section.places]
    return max([whole, *named], key=lambda match: match[0])


def _match(words: str, fact: Fact) -> float:
    """How well a phrase names a fact: 2 for a known name of it, else the share of the title's words it has."""
    meant = concept(words)
    if meant and meant == concept(fact.title):
        return 2.0
    phrase, head, whole = stems(words), stems(wording.base(fact.title)), stems(fact.title)
    if not phrase or not phrase <= whole or (" per " in fact.title and "per" not in words.split()):
        return 0.0
    return len(phrase) / len(head if phrase <= head else whole)


def _by_relevance(section: OutlineSection, rows: Sequence[FigureRow]) -> list[FigureRow]:
    """Rows that share a word with the section's title, by their own title or by where they stand, best first."""
    rows = rows[:_MOST_RANKED]
    own = stems(section.title)
    texts = [_words(row.first) for row in rows]
    scores = dict(rank(f"{section.title} {section.guidance}", texts)) if rows else {}
    chosen = [index for index in range(len(rows)) if own & stems(texts[index])]
    return [rows[i] for i in sorted(chosen, key=lambda i: (-len(own & stems(rows[i].title)), -scores[i], i))]


def _words(fact: Fact) -> str:
    parts = " ".join(wording.humanised(part) for part in fact.path.split(".") if not part.isdigit())
    return f"{fact.title} {parts} {fact.description}"


def _series(
    sections: Sequence[OutlineSection],
    entities: Sequence[Entity],
    taken: Mapping[int, Sequence[FigureRow]],
    answers: Mapping[int, Sequence[tuple[int, Records]]],
) -> dict[int, list[tuple[int, Records]]]:
    """Each series in the section that names it or most of its columns; in none where no section does."""
    placed: dict[int, list[tuple[int, Records]]] = {index: [] for index in range(len(sections))}
    figures = [index for index, section in enumerate(sections) if section.role == "figures"]
    shown = {(number, records.name) for answered in answers.values() for number, records in answered}
    for number, entity in enumerate(entities):
        for records in entity.records:
            if (number, records.name) in shown:
                continue
            scores = {index: _series_match(sections[index], records, answered=bool(taken[index])) for index in figures}
            best = max(figures, key=lambda index: (scores[index], -index), default=None)
            if best is not None and scores[best] <= 0:
                best = _catch_all(sections)
            if best is not None:
                placed[best].append((number, _cut(sections[best], records)))
    return placed


def _catch_all(sections: Sequence[OutlineSection]) -> int | None:
    """The section that takes what no other does, where the instruction says nothing about any of them."""
    if any(section.guidance for section in sections if section.role == "figures"):
        return None
    figures = [index for index, section in enumerate(sections) if section.role == "figures"]
    named = [index for index in figures if sections[index].title == wording.pattern("rest")]
    return next(iter(named or figures), None)


def _series_match(section: OutlineSection, records: Records, *, answered: bool) -> float:
    if section.guidance and not _wanted(section.guidance, records):
        return 0.0 if answered else sum(names_column(section, column.title) for column in records.columns)
    named = stems(f"{records.title} {wording.humanised(records.name)}")
    spoken = bool(named) and any(named <= stem for stem in section.spoken)
    own = stems(section.title)
    titled = bool(named & own) + (records.title == section.title)
    return 6.0 * spoken + 3.0 * titled + sum(names_column(section, column.title) for column in records.columns)


def _wanted(guidance: str, records: Records) -> bool:
    """Whether a section speaks of series at all, and of those of this cadence where it names one."""
    if not _TIME.search(guidance):
        return False
    named = {word.lower() for word in _CADENCE.findall(guidance)}
    own = {word.lower() for word in _CADENCE.findall(records.title)}
    return not named or not own or bool(named & own)


def names_column(section: OutlineSection, title: str) -> bool:
    """Whether the guidance names a column: by its own name, or by all its words in one sentence."""
    whole = stems(title)
    if wording.base(title) == title or wording.period(title):
        head = wording.base(title)
        verbatim = re.search(rf"\b{re.escape(head)}\b", section.guidance, re.IGNORECASE)
        return verbatim is not None or any(stems(phrase) == stems(head) for phrase in section.asked)
    return len(whole) > 1 and any(whole <= stem for stem in section.spoken)


def _cut(section: OutlineSection, records: Records) -> Records:
    """The series with the columns that the section names, in its order, or with its first ones."""
    chosen: list[MeasureColumn] = []
    for phrase in section.asked:
        chosen += [c for c in records.columns if stems(phrase) == stems(c.title) and c not in chosen]
    chosen += [c for c in records.columns if names_column(section, c.title) and c not in chosen]
    columns = tuple(chosen or records.columns)
    if not records.dated:
        return replace(records, columns=columns[:_MOST_COLUMNS])
    fullest = max(len(column.known) for column in columns)
    full = tuple(column for column in columns if len(column.known) * 2 > fullest)
    return replace(records, columns=full[:_MOST_COLUMNS])


def _known_titles(rows: Iterable[FigureRow], entities: Iterable[Entity]) -> list[frozenset[str]]:
    """The words of all that the data names."""
    titles = [f"{row.title} {_words(row.first)}" for row in rows]
    for entity in entities:
        for records in entity.records:
            titles += [records.title, *(column.title for column in records.columns)]
    return [stems(title) for title in titles]


def _missing(section: OutlineSection, known_titles: Sequence[frozenset[str]]) -> tuple[str, ...]:
    if section.role != "figures":
        return ()
    return tuple(phrase for phrase in section.enumerated if not concept(phrase) and not _is_known(phrase, known_titles))


def _is_known(name: str, known_titles: Sequence[frozenset[str]]) -> bool:
    """Whether some title has more than half of a phrase's words, or the phrase names a figure that can be derived."""
    phrase = stems(name)
    if not phrase or name in derivable():
        return True
    return any(len(phrase & title) * 2 > len(phrase) for title in known_titles)
