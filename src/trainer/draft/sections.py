"""Each section written from its share of the figures, with what is noticed, quoted and missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.draft import markup, prose, tables, wording
from trainer.draft.allot import FigureRow, Share, names_column, picked
from trainer.draft.cubes import Entity
from trainer.draft.domain import Notice, domain, pattern
from trainer.draft.markup import escaped
from trainer.draft.model import Fact, Records
from trainer.draft.outline import SectionRole
from trainer.draft.passages import Passage, choose, further

_KEY_FIGURES = 8
_MOST_RISKS = 5
_MOST_SERIES = 6
_MOST_REMARKS = 3
_OLD = 120


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known before the first section is written."""

    entities: tuple[Entity, ...]
    concepts: tuple[Mapping[str, Fact], ...]
    """By entity: its figures of commonly known meaning."""
    rows: tuple[FigureRow, ...]
    notices: tuple[tuple[Notice, ...], ...]
    """By entity, the weightiest first."""
    passages: tuple[Passage, ...]

    @property
    def several(self) -> bool:
        """Whether the data is about more than one thing."""
        return len(self.entities) > 1

    @property
    def noticed(self) -> Iterator[tuple[Entity, tuple[Notice, ...]]]:
        """Each entity with its notices."""
        return zip(self.entities, self.notices, strict=True)


@dataclass(frozen=True, slots=True)
class _Page:
    """One section, and what the others are."""

    share: Share
    shares: Sequence[Share]
    knowledge: Knowledge
    used: list[Passage]
    """Passages quoted so far in the whole report."""
    told_paragraphs: set[str]
    """What was told of series so far in the whole report."""

    def has(self, role: SectionRole) -> bool:
        return any(share.section.role == role for share in self.shares)

    def once(self, paragraphs: Sequence[str]) -> str:
        """Those of the paragraphs that no section has told yet, as one."""
        new = [text for text in dict.fromkeys(paragraphs) if text and text not in self.told_paragraphs]
        self.told_paragraphs.update(new)
        return " ".join(new)

    def shows(self, entity: Entity, records: Records) -> bool:
        """Whether another section shows the measures of a series or list."""
        titles = {column.title for column in records.columns}
        return any(
            self.knowledge.entities[number] is entity
            and (other.name, other.member, other.labels) == (records.name, records.member, records.labels)
            and titles <= {column.title for column in other.columns}
            for share in self.shares
            if share is not self.share
            for number, other in share.series[:_MOST_SERIES]
        )

    def quoted(self, query: str, most: int, about: str = "") -> list[Passage]:
        passages = choose(query, self.knowledge.passages, used=self.used, most=most, about=about)
        self.used.extend(passages)
        return passages


def written(shares: Sequence[Share], knowledge: Knowledge) -> Iterator[str]:
    """The sections as Markdown, in order; a passage is quoted once in a report."""
    used: list[Passage] = []
    series_texts: set[str] = set()
    for share in shares:
        if share.section.title == wording.pattern("rest") and not (
            share.section.guidance or share.rows or share.series
        ):
            continue
        write = _PARTS.get(share.section.role, _figures)
        page = _Page(share, shares, knowledge, used, series_texts)
        parts = [part for part in write(page) if part]
        is_told = share.series or (share.section.role == "summary" and _asked_series(page, ()))
        body = parts or [wording.say("told_elsewhere" if is_told else "nothing_said")]
        yield "\n\n".join([f"## {escaped(share.section.title)}", *body])


def _figures(page: _Page) -> Iterator[str]:
    share, knowledge = page.share, page.knowledge
    yield _comparisons(share.rows, knowledge) if knowledge.several else _levels(share)
    if len(share.rows) >= 4 or (share.rows and (knowledge.several or any(not row.numeric for row in share.rows))):
        yield tables.figures_table(escaped(share.section.title), share.rows, knowledge.entities)
    yield _distances(share) if not knowledge.several else ""
    yield " ".join(_remarks(page))
    for number, records in share.series[:_MOST_SERIES]:
        tell = _answer if records.purpose else _series
        yield from tell(records, knowledge.entities[number], page)
    yield " ".join(share.remarks)
    yield _gap(share)
    yield from _background(page, most=1 if share.rows and not share.missing else 2)


def _levels(share: Share) -> str:
    plain = [fact for row in share.rows if (fact := row.first).figure is not None and not fact.formula]
    return prose.levels(plain) if len(plain) * 2 >= len(share.rows) else ""


def _distances(share: Share) -> str:
    """The derived figures that a table row cannot explain: all of them where there is no table."""
    derived = [row.first for row in share.rows if row.first.formula]
    return prose.all_explained(derived if len(share.rows) < 4 else [fact for fact in derived if fact.is_distance])


def _comparisons(rows: Sequence[FigureRow], knowledge: Knowledge) -> str:
    compared_rows = []
    misleading = {
        fact for notices in knowledge.notices for notice in notices if notice.misleads for fact in notice.facts
    }
    for place, row in enumerate(rows):
        compared = prose.comparison(row, knowledge.entities)
        if compared and not row.first.formula and not misleading & set(row.facts):
            compared_rows.append((-compared[0], place, compared[1]))
    best = sorted(sorted(compared_rows)[:3], key=lambda compared: compared[1])
    return " ".join(sentence for _, _, sentence in best)


def _remarks(page: _Page) -> list[str]:
    """What is noticed in this section's figures, where no section of its own takes it."""
    own = {fact for row in page.share.rows for fact in row.facts if fact}
    own |= {cell for _, records in page.share.series for column in records.columns for _, cell in column.known}
    topics: dict[str, list[tuple[Entity, Notice]]] = {}
    for entity, notices in page.knowledge.noticed:
        for notice in notices:
            if not page.has("risks" if notice.risk else "notes") and notice.facts[0] in own:
                topics.setdefault(notice.topic, []).append((entity, notice))
    weighty = sorted(topics.values(), key=lambda noticed: -noticed[0][1].weight)
    return [_shared(noticed, several=page.knowledge.several) for noticed in weighty[:_MOST_REMARKS]]


def _sentence(notice: Notice) -> str:
    return f"{wording.capital(notice.short)}. {notice.meaning}"


def _shared(noticed: Sequence[tuple[Entity, Notice]], *, several: bool) -> str:
    """One remark on one or more entities, with its meaning once."""
    if not several:
        return _sentence(noticed[0][1])
    remarks = [wording.say("at_entity", entity=entity.short, remark=notice.short) for entity, notice in noticed]
    return " ".join([*remarks, noticed[0][1].meaning])


def _series(records: Records, entity: Entity, page: _Page, *, is_brief: bool = False) -> Iterator[str]:
    """What is told of a series or list, with its chart and table but where another section has them."""
    numeric = [column for column in records.columns if column.numeric]
    fullest = max((len(column.known) for column in numeric), default=0)
    numeric.sort(key=lambda column: len(column.known) * 2 <= fullest)
    if records.dated:
        paragraphs = [
            prose.development(column, records, entity.short if page.knowledge.several else "") for column in numeric[:2]
        ]
    else:
        paragraphs = [prose.extremes_of_list(column, records) for column in numeric[:2]]
    yield page.once(paragraphs)
    if is_brief:
        return
    yield tables.series_chart(records, entity)
    if len(records.labels) <= 40 or not records.dated:
        yield tables.records_table(records, entity)


def _answer(records: Records, entity: Entity, page: _Page) -> Iterator[str]:
    """What a section asks of a table, with the table behind it where no other section has shown it."""
    name = entity.short if page.knowledge.several else ""
    column = records.columns[0]
    if not records.dated:
        tell = {"share": prose.shares, "comparison": prose.contrast}.get(records.purpose, prose.ranked)
        yield page.once([tell(column, records)])
    elif column.member:
        yield " ".join(prose.course(entry, records, name) for entry in records.columns)
    elif records.purpose == "trend":
        yield page.once([prose.development(column, records, name)])
    else:
        yield page.once([prose.peaks(column, records, name)])
    yield page.once([tables.series_chart(records, entity)])
    if len(records.labels) <= 40 or not records.dated:
        yield page.once([tables.records_table(records, entity)])


def _headlines(page: _Page) -> str:
    """One sentence for each thing that the sections tell of tables."""
    sentences = []
    for share in page.shares:
        for number, records in share.series:
            entity = page.knowledge.entities[number]
            name = entity.short if page.knowledge.several else ""
            column = records.columns[0]
            if records.purpose == "trend" and not column.member:
                sentences.append(prose.course(column, records, name))
            elif records.purpose in ("ranking", "comparison") and not records.dated:
                sentences.append(prose.extremes_of_list(column, records))
    return " ".join(list(dict.fromkeys(text for text in sentences if text))[: _MOST_REMARKS + 1])


def _gap(share: Share) -> str:
    if not share.missing:
        return "" if share.rows or share.series or share.remarks else wording.say("no_figure")
    names = wording.listed([wording.asked_name(escaped(phrase)) for phrase in share.missing], "or")
    return wording.say("not_named", many=len(share.missing) > 1, names=names)


def _background(page: _Page, *, most: int) -> Iterator[str]:
    section = page.share.section
    titles = [wording.base(row.title) for row in page.share.rows[:8] if row.numeric]
    phrases = titles if len(titles) * 2 >= len(page.share.rows) > 0 else section.asked or [section.guidance]
    query = " ".join([section.title, *phrases])
    yield from (markup.quote(passage.cited) for passage in page.quoted(query, most, section.title))


def _summary(page: _Page) -> Iterator[str]:
    knowledge = page.knowledge
    if not knowledge.entities:
        yield wording.say("no_data")
        yield from _background(page, most=2)
        return
    yield from _summarised(page)


def _summarised(page: _Page) -> Iterator[str]:
    knowledge = page.knowledge
    rows = picked(page.share.section, knowledge.rows, _KEY_FIGURES) or _key_rows(knowledge) or _first_rows(page.shares)
    for number, concepts in enumerate(knowledge.concepts):
        yield _opening(number, concepts, rows, knowledge)
    if knowledge.several:
        yield _comparisons(rows, knowledge)
    headlines = _headlines(page)
    yield headlines
    wanted = [] if headlines else _asked_series(page, rows)
    if rows and not (wanted and not picked(page.share.section, knowledge.rows, _KEY_FIGURES)):
        yield tables.figures_table(wording.say("key_figures"), rows, knowledge.entities)
    for entity, records in wanted:
        yield from _series(records, entity, page, is_brief=page.shows(entity, records))
    if not rows and not wanted and not headlines:
        yield page.once([text for entity in knowledge.entities for text in _newest(entity, several=knowledge.several)])
    yield _stands_out(knowledge)
    if re.search(wording.pattern("questions"), page.share.section.guidance) and not knowledge.several:
        question = next((notice.question for notice in knowledge.notices[0] if notice.question), "")
        yield wording.say("first_question", question=question) if question else ""


def _asked_series(page: _Page, rows: Sequence[FigureRow]) -> list[tuple[Entity, Records]]:
    """The series and lists that hold what the section asks for and no single figure answers."""
    answered = {wording.base(row.title) for row in rows}
    wanted: list[tuple[Entity, Records]] = []
    for entity in page.knowledge.entities:
        for records in entity.records:
            columns = tuple(c for c in records.columns if names_column(page.share.section, c.title))
            columns = tuple(c for c in columns if wording.base(c.title) not in answered)
            if columns:
                wanted.append((entity, replace(records, columns=columns)))
    return wanted[:_MOST_SERIES]


def _newest(entity: Entity, *, several: bool) -> list[str]:
    """How the first measure of each series stands, for data without single figures."""
    paragraphs = []
    for records in entity.records[:3]:
        measure = next((column for column in records.columns if column.numeric), None)
        if measure and records.dated:
            paragraphs.append(prose.development(measure, records, entity.short if several else ""))
        elif measure:
            paragraphs.append(prose.extremes_of_list(measure, records))
    named = wording.listed([wording.lowered(records.title) for records in entity.records[:6]])
    holds = wording.say("data_holds", entity=entity.short, names=escaped(named, most=160)) if named else ""
    return paragraphs if any(paragraphs) else [holds]


def _key_rows(knowledge: Knowledge) -> tuple[FigureRow, ...]:
    """The figures of commonly known meaning that say most, where the data has several of them."""
    facts = [concepts[name] for name in domain()["key"] for concepts in knowledge.concepts if name in concepts]
    rows = dict.fromkeys(row for fact in facts for row in knowledge.rows if fact in row.facts)
    return tuple(rows) if len(rows) >= 3 else ()


def _first_rows(shares: Sequence[Share]) -> tuple[FigureRow, ...]:
    """The first numeric rows of each section in turn."""
    columns = [[row for row in share.rows if row.numeric and not row.first.formula] for share in shares]
    turns = [column[turn] for turn in range(_KEY_FIGURES) for column in columns if turn < len(column)]
    return tuple(turns[:6])


def _opening(number: int, concepts: Mapping[str, Fact], rows: Sequence[FigureRow], knowledge: Knowledge) -> str:
    if (stage := _stage(knowledge.entities[number], concepts)) or knowledge.several:
        return stage
    facts = [fact for row in rows if (fact := row.facts[number]) is not None and fact.figure is not None]
    when = prose.as_of(facts[:3])
    levels = prose.levels(facts[:3])
    return wording.capital(wording.say("levels_as_of", as_of=when, levels=levels)) if when else levels


def _stage(entity: Entity, concepts: Mapping[str, Fact]) -> str:
    """The figure that a domain's summaries open with, what it is measured by, and what the signs usually mean."""
    names = domain()["opening"]
    subject, base, also = (concepts.get(names[part]) for part in ("subject", "base", "also"))
    if subject is None or base is None or not subject.figure or not base.figure:
        return ""
    period = wording.period(base.title)
    closed = tables.accounts_to(entity)
    sentence = wording.say(
        "stage",
        start=wording.say("stage_closed", period=period, closed=closed) if period and closed else period,
        subject=wording.say("of_entity", entity=entity.short, title=_head(subject), the=_head(subject)),
        value=subject.text,
        base=_head(base),
        base_value=base.text,
        more=wording.say("stage_more", title=wording.named(also.title), value=also.text) if also else "",
    )
    return f"{wording.capital(sentence.strip())} {pattern(concepts)}".strip()


def _head(fact: Fact) -> str:
    return wording.lowered(wording.base(fact.title))


def _stands_out(knowledge: Knowledge) -> str:
    items = []
    for entity, notices in knowledge.noticed:
        risks = [notice for notice in notices if notice.risk][: 2 if knowledge.several else 3]
        name = f"{entity.short}: " if knowledge.several else ""
        items += [f"{name}{notice.short if knowledge.several else wording.capital(notice.short)}." for notice in risks]
    return f"{wording.say('stands_out')}\n\n{markup.bullets(items)}" if items else ""


def _risks(page: _Page) -> Iterator[str]:
    for entity, notices in page.knowledge.noticed:
        if page.knowledge.several:
            yield f"### {entity.short}"
        risks = [notice for notice in notices if notice.risk][: 3 if page.knowledge.several else _MOST_RISKS]
        items = [f"**{notice.topic}.** {_sentence(notice)}{_basis(notice, page)}" for notice in risks]
        yield markup.bullets(items, numbered=True) if items else wording.say("no_risk")
    if not page.knowledge.entities:
        yield from _background(page, most=3)
    source, headings = further(page.share.section.title, page.knowledge.passages, page.used)
    if headings:
        named = "; ".join(wording.lowered(heading) for heading in headings)
        yield wording.say("further_risks", headings=named, source=source)


def _basis(notice: Notice, page: _Page) -> str:
    return "".join(f"\n\n{markup.quote(passage.cited)}" for passage in page.quoted(notice.query, 1))


def _notes(page: _Page) -> Iterator[str]:
    topics: dict[str, list[tuple[Entity, Notice]]] = {}
    for entity, noticed in page.knowledge.noticed:
        for notice in noticed:
            if not notice.risk:
                topics.setdefault(notice.topic, []).append((entity, notice))
    items = [
        f"**{topic}.** {_shared(noticed, several=page.knowledge.several)}{_basis(noticed[0][1], page)}"
        for topic, noticed in topics.items()
    ]
    yield markup.bullets(items)
    if not items:
        yield from _background(page, most=4)


def _missing(page: _Page) -> Iterator[str]:
    items = []
    for share in page.shares:
        title = escaped(share.section.title)
        if share.missing:
            names = wording.listed([wording.asked_name(escaped(phrase)) for phrase in share.missing])
            items.append(wording.say("missing_names", section=title, names=names))
        elif share.section.role == "figures" and not (share.rows or share.series):
            items.append(wording.say("missing_section", section=title))
    items += _ages(page.knowledge)
    yield markup.bullets(items) if items else wording.say("nothing_missing")


def _ages(knowledge: Knowledge) -> list[str]:
    """Blocks that are much older than the newest one."""
    sources = [source for entity in knowledge.entities for source in entity.sources if source.as_of]
    newest = max((source.as_of or "" for source in sources), default="")
    old = [source for source in sources if prose.days_between(source.as_of or "", newest) > _OLD]
    return [
        wording.say(
            "age",
            block=escaped(source.name),
            key=escaped(source.key),
            day=wording.day(source.as_of or ""),
            newest=wording.day(newest),
        )
        for source in old
    ]


_PARTS: Mapping[SectionRole, Callable[[_Page], Iterator[str]]] = {
    "summary": _summary,
    "risks": _risks,
    "notes": _notes,
    "missing": _missing,
}
