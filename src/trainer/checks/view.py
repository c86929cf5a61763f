"""Facts laid out for the checks: values in their units sorted, series along time, cross-sections, and how words name them."""  # noqa: E501

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from trainer.checks.concepts import concept_words
from trainer.checks.definitions import Formula, formulas, operand_measures
from trainer.checks.lexicon import CJK
from trainer.checks.numerals import Numeral
from trainer.facts.times import span
from trainer.facts.values import Facts, Source, Time, Unit

GENERIC = frozenset(
    [
        "growth",
        "change",
        "average",
        "mean",
        "median",
        "estimate",
        "low",
        "high",
        "total",
        "trailing",
        "forward",
        "year",
        "quarter",
        "month",
        "day",
        "count",
        "number",
        "value",
        "rate",
        "ratio",
        "share",
        "index",
        "maximum",
        "minimum",
        "current",
        "regular",
        "market",
        "previou",
        "change",
        "percent",
        "annual",
        "quarterly",
        "daily",
        "actual",
    ]
)
"""Words that name no measure by themselves."""

MemberKey = tuple[tuple[str, str], ...]
"""The members that a value is of, by dimension, sorted."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value in one of the units it may be in."""

    kind: str
    """Of its unit; empty where nothing is known of it; `raw` of a number as it is stored, its scale left off."""
    symbol: str
    value: float
    cost: float = 0.0
    """How much less likely the value is in this unit than in the likeliest."""


@dataclass(frozen=True, slots=True)
class Datum:
    """An observation as the checks compare it."""

    index: int
    value: float
    measure: int
    members: MemberKey
    time: Time | None
    options: tuple[Option, ...]
    source: str
    """As a finding names it: `key@version path`."""
    step: float = 0.0
    formula: str = ""
    """Of a datum that is made of others by a definition."""

    @property
    def end(self) -> date:
        """The last day of its time; the first day of all where it has none."""
        return self.time.end if self.time else date.min


@dataclass(slots=True)
class FactsView:
    """Facts as the checks look at them."""

    facts: Facts
    data: list[Datum] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    """Of each measure."""
    words: list[frozenset[str]] = field(default_factory=list)
    """The telling words of each measure."""
    weights: dict[str, float] = field(default_factory=dict)
    """How much a word tells: the more the rarer it is among the measures."""
    aggregates: list[str] = field(default_factory=list)
    series: dict[tuple[int, MemberKey], list[Datum]] = field(default_factory=dict)
    """Along time, the oldest first."""
    by_measure: dict[int, list[Datum]] = field(default_factory=dict)
    sections: dict[tuple[int, Time | None], list[Datum]] = field(default_factory=dict)
    """Across members at one time."""
    sorted_values: list[float] = field(default_factory=list)
    sorted_options: list[tuple[Datum, Option]] = field(default_factory=list)
    names: re.Pattern[str] | None = None
    aliases: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """What a member is called, folded, with its dimension and name."""
    codes: set[str] = field(default_factory=set)
    """Those of up to four letters that are only capitals, folded: `de` is no Delaware, and `in` no Indiana."""
    by_word: dict[str, list[int]] = field(default_factory=dict)
    """Measures by telling word."""
    kinds: list[frozenset[tuple[str, str]]] = field(default_factory=list)
    """The kinds and symbols of units that each measure's values may be in."""
    breadth: dict[str, int] = field(default_factory=dict)
    """How many members each dimension has."""
    short: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Members of one or two letters, by the start of their dimension's name and themselves, folded."""
    implied: dict[str, frozenset[str]] = field(default_factory=dict)
    """By dimension, those whose members say which of its members is meant, as a country says its continent."""
    totals: set[tuple[str, str]] = field(default_factory=set)
    """The members that are the sum of the others."""
    currencies: set[str] = field(default_factory=set)
    """In which any value is."""

    @classmethod
    def of(cls, facts: Facts) -> FactsView:
        """The view of some facts."""
        view = cls(facts)
        numbers = {measure: number for number, measure in enumerate(facts.measures)}
        same = _same_members(facts)
        for measure in facts.measures.values():
            view.titles.append(measure.title)
            view.words.append(
                concept_words(measure.title) or concept_words(measure.id.rpartition(".")[2]) or frozenset(measure.words)
            )
            view.aggregates.append(measure.aggregate)
        identities: set[tuple[object, ...]] = set()
        individuals = _tables_of_individuals(facts)
        for observation in facts.observations:
            number = numbers[observation.measure]
            members = tuple(
                sorted(
                    (dimension, same.get((dimension, name), name)) for dimension, name in observation.members.items()
                )
            )
            source = observation.source
            identity = (
                number,
                members,
                observation.time and (observation.time.start, observation.time.end),
                observation.value,
                source.path if _table_of(source) in individuals else "",
            )
            if identity in identities:
                continue
            identities.add(identity)
            units = observation.units or facts.measures[observation.measure].units
            value = float(observation.value)
            name = f"{source.key}@{source.version}" if source.key and source.version else source.key or source.name
            view.data.append(
                Datum(
                    len(view.data),
                    value,
                    number,
                    members,
                    observation.time,
                    _options(value, units, is_multiple=bool(_MULTIPLE.search(view.titles[number]))),
                    f"{name} {source.path}".strip(),
                    float(observation.step),
                )
            )
        view._fill_spans()
        for formula in formulas(facts):
            view._define(formula)
        count = Counter(word for words in view.words for word in words)
        view.weights = {
            word: (0.5 + math.log(1 + len(view.words) / number)) * (0.3 if word in GENERIC else 1.0)
            for word, number in count.items()
        }
        for number, words in enumerate(view.words):
            for word in sorted(words):
                view.by_word.setdefault(word, []).append(number)
        view._arrange()
        return view

    def _fill_spans(self) -> None:
        """Adds what lies between two spans that start together: nine months less six are the third quarter, a year less its
        first three quarters the fourth.
        """  # noqa: D205, E501
        groups: dict[tuple[int, MemberKey], list[Datum]] = defaultdict(list)
        for datum in self.data:
            kind = datum.options[0].kind
            if (
                datum.time
                and datum.time.grain not in ("day", "moment")
                and self.aggregates[datum.measure] == "sum"
                and kind in ("money", "count", "")
            ):
                groups[datum.measure, datum.members].append(datum)
        for (measure, members), series in groups.items():
            present = {(item.time.start, item.time.end) for item in series if item.time}
            if len(series) > 400 or len({item.time.grain for item in series if item.time}) < 2:
                continue
            for longer in series:
                for shorter in _parts(longer, series):
                    self._add_rest(longer, shorter, measure, members, present)

    def _add_rest(
        self, longer: Datum, shorter: Sequence[Datum], measure: int, members: MemberKey, present: set[tuple[date, date]]
    ) -> None:
        assert longer.time
        assert shorter[-1].time
        start, end = shorter[-1].time.end + timedelta(days=1), longer.time.end
        if (start, end) in present or (end - start).days < 25:
            return
        present.add((start, end))
        value = longer.value - math.fsum(item.value for item in shorter)
        if abs(value) < 1e-9 * abs(longer.value) or not float(longer.value).is_integer():
            return
        option = longer.options[0]
        factor = option.value / longer.value if longer.value else 1.0
        self.data.append(
            Datum(
                len(self.data),
                value,
                measure,
                members,
                span(start, end),
                (Option(option.kind, option.symbol, value * factor),),
                "; ".join(item.source for item in (longer, *shorter)),
                0.0,
                f"{self.titles[measure]} of {longer.time.label} - {' - '.join(item.time.label for item in shorter if item.time)}",  # noqa: E501
            )
        )

    def _define(self, formula: Formula) -> None:
        """Adds the values of a measure that is made of others, where all stand for one time and its members."""
        columns: list[list[Datum] | None] = []
        for operand in formula.operands:
            if re.fullmatch(r"\d+(?:\.\d+)?", operand):
                columns.append(None)
                continue
            measures = operand_measures(operand, self.words)
            if not measures:
                return
            columns.append([datum for datum in self.data if datum.measure in measures])
        base = max(
            (column for column in columns if column),
            key=lambda column: sum(datum.time is not None and datum.time.grain != "day" for datum in column),
        )
        number = self.words.index(formula.words) if formula.words in self.words else len(self.titles)
        present = {(datum.members, datum.time) for datum in self.data if datum.measure == number}
        defined: dict[tuple[MemberKey, Time | None], Datum] = {}
        tables = [None if column is None else _by_place(column) for column in columns]
        for datum in base:
            inputs = [
                None
                if table is None
                else table.get((datum.members, datum.time)) or table.get((datum.members, datum.end))
                for table in tables
            ]
            if any(item is None and table is not None for item, table in zip(inputs, tables, strict=True)):
                continue
            values = [
                item.options[0].value if item else float(operand)
                for item, operand in zip(inputs, formula.operands, strict=True)
            ]
            value = formula.value(values)
            if value is None or (datum.members, datum.time) in defined or (datum.members, datum.time) in present:
                continue
            data = [item for item in inputs if item]
            kinds = {item.options[0].kind for item in data} - {""}
            if "/" in formula.operators and len(kinds) <= 1 and "365" not in formula.operands:
                options: tuple[Option, ...] = (Option("percent", "%", 100 * value), Option("ratio", "x", value, 0.2))
            elif "365" in formula.operands:
                options = (Option("time", "day", value),)
            else:
                first = data[0].options[0]
                options = (Option(first.kind, first.symbol, value),)
            defined[datum.members, datum.time] = Datum(
                len(self.data) + len(defined),
                value,
                number,
                datum.members,
                datum.time,
                options,
                "; ".join(item.source for item in data),
                0.0,
                formula.shown(),
            )
        if defined and number < len(self.titles):
            self.data += defined.values()
        elif defined:
            self.data += defined.values()
            self.titles.append(formula.title)
            self.words.append(formula.words)
            self.aggregates.append("none" if "/" in formula.operators else "sum")

    def _arrange(self) -> None:
        same = _same_members(self.facts)
        beside = _names_beside(self.facts)
        series: dict[tuple[int, MemberKey], list[Datum]] = defaultdict(list)
        sections: dict[tuple[int, Time | None], list[Datum]] = defaultdict(list)
        for datum in self.data:
            series[datum.measure, datum.members].append(datum)
            sections[datum.measure, datum.time].append(datum)
        self.series = {key: sorted(items, key=lambda datum: (datum.end, datum.index)) for key, items in series.items()}
        self.sections = dict(sections)
        self.by_measure = {}
        for datum in self.data:
            self.by_measure.setdefault(datum.measure, []).append(datum)
        pairs = sorted(
            ((option.value, datum.index, number) for datum in self.data for number, option in enumerate(datum.options))
        )
        self.sorted_values = [value for value, _, _ in pairs]
        self.sorted_options = [(self.data[index], self.data[index].options[number]) for _, index, number in pairs]
        kinds: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for datum in self.data:
            kinds[datum.measure].update((option.kind, option.symbol) for option in datum.options)
        self.kinds = [frozenset(kinds[number]) for number in range(len(self.titles))]
        self.currencies = {
            option.symbol for datum in self.data for option in datum.options if option.kind == "money" and option.symbol
        }
        for dimension in self.facts.dimensions.values():
            self.breadth[dimension.name] = len(
                {same.get((dimension.name, member.name), member.name) for member in dimension.members}
            )
            self.totals |= {(dimension.name, member.name) for member in dimension.members if member.is_total}
            self.short.update(
                {
                    (dimension.name.casefold()[:3], member.name.casefold()): (dimension.name, member.name)
                    for member in dimension.members
                    if len(member.name) < 3 and len(dimension.name) > 2
                }
            )
            for member in dimension.members:
                name = same.get((dimension.name, member.name), member.name)
                for alias in _aliases(
                    (member.name, *member.aliases, *sorted(beside.get((dimension.name, member.name), ())))
                ):
                    self._call(alias, dimension.name, name)
        self.implied = _implied(self.data)
        self.totals |= _sums(self.sections.values())
        self._compile()

    def called(self, names: Mapping[tuple[str, str], Iterable[str]]) -> FactsView:
        """The same with more names for members, by dimension and member."""
        view = copy(self)
        view.aliases = {alias: list(members) for alias, members in self.aliases.items()}
        view.codes = set(self.codes)
        for (dimension, member), aliases in names.items():
            for alias in aliases:
                view._call(alias, dimension, member)
        view._compile()
        return view

    def scaled(self, factors: Mapping[int, float]) -> FactsView:
        """The same with the values of some measures in the scale that a text shows them to be in."""
        view = copy(self)
        view.data = [
            replace(datum, options=(*_in_scale(datum.options, factors[datum.measure]), *datum.options))
            if datum.measure in factors
            else datum
            for datum in self.data
        ]
        view.aliases, view.codes = {}, set()
        view._arrange()
        return view

    def _call(self, alias: str, dimension: str, name: str) -> None:
        folded = alias.casefold()
        if len(alias) <= _LONGEST_CODE and alias.isupper() and folded not in self.aliases:
            self.codes.add(folded)
        elif not alias.isupper():
            self.codes.discard(folded)
        entry = self.aliases.setdefault(folded, [])
        if (dimension, name) not in entry:
            entry.append((dimension, name))

    def _compile(self) -> None:
        ordered = sorted(self.aliases, key=lambda name: (-len(name), name))
        if ordered:
            self.names = re.compile(
                "|".join(
                    (rf"(?<![^\W_{CJK}])" if name[0].isascii() else "")
                    + re.escape(name)
                    + (rf"(?![^\W_{CJK}])" if name[-1].isascii() else "")
                    for name in ordered
                ),
                re.IGNORECASE,
            )

    def within(self, low: float, high: float) -> Iterable[tuple[Datum, Option]]:
        """The values in any of their units between two numbers."""
        slack = 1e-9 * max(abs(low), abs(high))
        start, end = bisect_left(self.sorted_values, low - slack), bisect_right(self.sorted_values, high + slack)
        return self.sorted_options[start:end]

    def count_within(self, low: float, high: float) -> int:
        """How many there are."""
        return bisect_right(self.sorted_values, high) - bisect_left(self.sorted_values, low)

    def affinities(self, words: Mapping[str, float]) -> dict[int, float]:
        """How far words name each measure, from 0 to 1: the weight of its words that are there, and how near."""
        affinity: dict[int, float] = {}
        for number in {number for word in words for number in self.by_word.get(word, ())}:
            own = self.words[number]
            total = sum(self.weights[word] for word in own)
            held = sum(self.weights[word] * words.get(word, 0.0) for word in own)
            share = held / total
            affinity[number] = share * (0.7 + 0.3 * min(1.0, share))
            # A name that stands there whole outweighs part of a nearer one; the longer, the more it tells.
            if all(words.get(word, 0.0) > 0.3 for word in own):
                mean = sum(words[word] for word in own) / len(own)
                affinity[number] = max(affinity[number], mean * min(1.0, 0.9 + 0.025 * len(own)))
        telling = {number for number in affinity if any(word in words for word in self.words[number] - GENERIC)}
        if any(affinity[number] >= 0.2 for number in telling):
            affinity = {number: value if number in telling else 0.4 * value for number, value in affinity.items()}
        # `operating cash flow` names no cash.
        likely = sorted(
            (number for number, value in affinity.items() if value > 0.3), key=lambda number: -affinity[number]
        )[:24]
        shorter = [
            number
            for number in likely
            if any(affinity[at] > affinity[number] - 0.12 and self.words[number] < self.words[at] for at in likely)
        ]
        for number in shorter:
            affinity[number] *= 0.55
        return affinity

    def members_in(self, text: str) -> list[tuple[int, int, tuple[tuple[str, str], ...]]]:
        """The members that a text names: start, end, and the dimension and name of each it may be."""
        named = [
            (match.start(), match.end(), tuple(self.aliases[match[0].casefold()]))
            for match in (self.names.finditer(text) if self.names else ())
            if match[0].isupper() or match[0].casefold() not in self.codes
        ]
        if not self.short:
            return named
        # `department F`, `Dept. F`: a letter is a member's name behind its dimension's, or alone in a cell.
        for match in _SHORT.finditer(text):
            word, letter = match[1].casefold(), match[2].casefold()
            options = tuple(of for (start, name), of in self.short.items() if name == letter and word.startswith(start))
            if options:
                named.append((match.start(), match.end(), options))
        if not named and (alone := text.strip().casefold()) and len(alone) < 3:
            named = [
                (0, len(text), options) for (_, name), of in self.short.items() if name == alone and (options := (of,))
            ]
        return sorted(named)


_LONGEST_CODE = 4
"""Codes of states, airlines and shares have two to four letters; longer names in capitals are words as well."""
_SHORT = re.compile(r"(?<!\w)([^\W\d_]{4,})\.?\s([^\W_]{1,2})(?!\w)")


def _parts(longer: Datum, series: Sequence[Datum]) -> Iterable[Sequence[Datum]]:
    """The spans, one or a chain of equal ones, that start with a longer one and end before it."""
    assert longer.time
    for item in series:
        if item.time and item.time.start == longer.time.start and item.time.end < longer.time.end:
            chain = [item]
            while following := next(
                (
                    other
                    for other in series
                    if other.time
                    and chain[-1].time
                    and other.time.start == chain[-1].time.end + timedelta(days=1)
                    and other.time.end < longer.time.end
                    and other.time.grain == item.time.grain
                ),
                None,
            ):
                chain.append(following)
            yield chain


def _same_members(facts: Facts) -> dict[tuple[str, str], str]:
    """For members that are called alike in one dimension, as a ticker and a company's name in two files, one name of all."""  # noqa: E501
    names: dict[tuple[str, str], str] = {}
    beside = _names_beside(facts)
    for dimension in facts.dimensions.values():
        first: dict[str, str] = {}
        for member in sorted(dimension.members, key=lambda member: (-len(member.aliases), member.name)):
            calls = {
                call.casefold()
                for call in (member.name, *member.aliases, *beside.get((dimension.name, member.name), ()))
                if call
            }
            name = next((first[call] for call in sorted(calls) if call in first), member.name)
            for call in calls:
                first.setdefault(call, name)
            names[dimension.name, member.name] = name
            for alias in member.aliases:
                names.setdefault((dimension.name, alias), name)
    return names


_NAMES = frozenset(
    ["ticker", "symbol", "shortname", "longname", "displayname", "entityname", "name", "company", "companyname"]
)


def _names_beside(facts: Facts) -> dict[tuple[str, str], set[str]]:
    """The other names of the one subject of a whole block that stand anywhere in it: its ticker, its long name."""
    subjects: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for observation in facts.observations:
        if "subject" in observation.members:
            subjects[observation.source.name].add(("subject", observation.members["subject"]))
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in facts.left_out:
        if (
            item.why in ("text", "identifier", "constant")
            and item.source.path.rpartition("/")[2].casefold() in _NAMES
            and len(subjects[item.source.name]) == 1
        ):
            names[next(iter(subjects[item.source.name]))].add(item.detail)
    return names


def _implied(data: Iterable[Datum]) -> dict[str, frozenset[str]]:
    """Which dimensions of data follow from which others."""
    pairs: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    free: set[tuple[str, str]] = set()
    for members in dict.fromkeys(datum.members for datum in data):
        for one, member in members:
            for other, follows in members:
                if one != other and pairs[one, other].setdefault(member, follows) != follows:
                    free.add((one, other))
    by: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs.keys() - free:
        by[other].add(one)
    return {name: frozenset(of) for name, of in by.items()}


def _sums(sections: Iterable[Sequence[Datum]]) -> set[tuple[str, str]]:
    """The members that are the sum of the others wherever they stand beside them, twice at least."""
    votes: Counter[tuple[str, str]] = Counter()
    against: Counter[tuple[str, str]] = Counter()
    for section in sections:
        if len(section) < 4 or any(len(datum.members) != 1 for datum in section):
            continue
        most = max(section, key=lambda datum: (datum.value, -datum.index))
        whole = math.fsum(datum.value for datum in section)
        is_sum = most.value > 0 and abs(2 * most.value - whole) <= 0.002 * most.value
        (votes if is_sum else against)[most.members[0]] += 1
        for datum in section:
            if datum is not most:
                against[datum.members[0]] += 1
    return {member for member, count in votes.items() if count >= 2 and count >= 4 * against[member]}


def _by_place(data: Sequence[Datum]) -> dict[tuple[MemberKey, object], Datum]:
    """Data by members and time, and by the last day of their time."""
    table: dict[tuple[MemberKey, object], Datum] = {}
    for datum in data:
        table.setdefault((datum.members, datum.time), datum)
        table.setdefault((datum.members, datum.end), datum)
    return table


def _aliases(names: Sequence[str]) -> Iterable[str]:
    """What a member may be called: its names, and those of companies without their legal form."""
    for name in names:
        name = name.strip()  # noqa: PLW2901
        is_common = name.casefold() in _COMMON and name.casefold() not in _GROUPS
        if not (re.search(r"[^\W\d_]", name) or _BAND.fullmatch(name)) or len(name) < 2 or is_common:
            continue
        yield name
        short = re.sub(
            r"(?<![\s,])[\s,]+(?:inc|incorporated|corp|corporation|co|company|ltd|limited|plc|llc|ag|sa|s\.a|se|nv|n\.v|gmbh|spa|ab|as|asa|oyj|holdings?|holding|group|"
            r"tool group corp|technology s\.a|technology|adr|class [a-c])\.?(?=$|[\s,])",
            "",
            name,
            flags=re.IGNORECASE,
        ).strip(" ,.")
        if len(short) > 2 and short != name and short.casefold() not in _COMMON:
            yield short
        first = re.split(r"[\s,]+", short)[0]
        if len(first) > 3 and first[:1].isupper() and first.casefold() not in _COMMON and len(name.split()) > 1:
            yield first


_BAND = re.compile(r"\d+\s?[-–]\s?\d+|\d+\+|\d+-|[<>≤≥]\s?\d+")
"""The name of a band of ages or sizes: `55-64`, `75+`."""

_GROUPS = frozenset(["male", "female", "north", "south", "east", "west"])
"""Common words that are the whole name of a group or region as often."""

_COMMON = frozenset(
    [
        "the",
        "all",
        "total",
        "new",
        "first",
        "national",
        "american",
        "general",
        "united",
        "international",
        "global",
        "north",
        "south",
        "east",
        "west",
        "other",
        "none",
        "yes",
        "no",
        "true",
        "false",
        "male",
        "female",
        "high",
        "low",
        "usd",
        "eur",
        "equity",
        "net",
        "bank",
        "city",
        "lake",
        "saint",
        "port",
        "fort",
        "mount",
        "big",
        "old",
    ]
)


def _table_of(source: Source) -> tuple[str, str]:
    return source.name, _INDEX.sub("/*", source.path)


def _tables_of_individuals(facts: Facts) -> set[tuple[str, str]]:
    """The columns of tables whose rows are individuals that nothing tells apart: penguins by species, bills by day.

    There two rows that say the same are two. Elsewhere, as in filings that repeat last year's figures, they are one:
    most values of one measure, members and time are the same.
    """
    values: dict[tuple[object, ...], list[Decimal]] = defaultdict(list)
    for item in facts.observations:
        time = item.time and (item.time.start, item.time.end)
        values[_table_of(item.source), item.measure, tuple(sorted(item.members.items())), time].append(item.value)
    several: Counter[tuple[str, str]] = Counter()
    for (table, *_), of in values.items():
        if len(of) > 1:
            several[table] += 1 if len(set(of)) > 1 else -1  # type: ignore[index]
    return {table for table, count in several.items() if count >= 0}


_INDEX = re.compile(r"/\d+(?=/|$)")
"""The number of a row in a path."""
_MULTIPLE = re.compile(
    r"\b(?:price|enterprise value|ev) to\b|\bP ?/? ?E\b|\bmultiple\b|\b(?:current|quick) ratio\b", re.IGNORECASE
)
"""Titles of multiples, which are no per cent."""


def _options(value: float, units: Sequence[Unit], *, is_multiple: bool = False) -> tuple[Option, ...]:
    """The value in each unit it may be in; a fraction also as per cent, and without a unit as it stands."""
    if is_multiple and all(unit.kind in ("percent", "ratio") for unit in units):
        return (Option("ratio", "x", value),)
    options: list[Option] = []
    for rank, unit in enumerate(units):
        scaled = value * float(unit.scale)
        kind = "" if unit.kind == "count" and unit.scale > 1 and not unit.symbol else unit.kind
        options.append(Option(kind, unit.symbol, scaled, 0.2 * rank))
        if unit.scale > 100 and unit.kind in ("money", "count"):
            options.append(Option("raw", "", value, 0.1))
        if unit.kind == "money" and float(unit.scale) == 0.01:
            options.append(Option("money", "", value, 0.2))  # pence stand in tables as pence
        if unit.kind == "ratio":
            options.append(Option("percent", "%", scaled * 100, 0.4))
    if not units:
        options.append(Option("", "", value))
        if abs(value) <= 10 and value != int(value):
            options.append(Option("percent", "%", value * 100, 0.3))
        options.append(Option("percent", "%", value, 0.4))
    unique = {(option.kind, option.symbol, option.value): option for option in reversed(options)}
    return tuple(reversed(unique.values()))


def _in_scale(options: Sequence[Option], factor: float) -> Iterable[Option]:
    return (
        Option(option.kind, option.symbol, option.value * factor, option.cost)
        for option in options
        if option.kind in ("", "count", "money")
    )


def unit_cost(numeral: Numeral, kind: str, symbol: str) -> float | None:
    """How much a value's unit speaks against a numeral's, 0 where they agree; None where they exclude each other."""
    written = numeral.kind
    if kind == "raw":
        return 0.2 if numeral.bare else None
    if written == "money":
        if kind == "money":
            return 0.0 if not numeral.unit or not symbol or symbol == numeral.unit else None
        return 0.4 if kind == "" else None
    if written in ("percent", "fraction"):
        return {"percent": 0.0, "": 0.6}.get(kind)
    if written == "points":
        return {"points": 0.0}.get(kind)
    if written == "multiple":
        return {"ratio": 0.0, "": 0.2, "index": 0.3}.get(kind)
    if written == "physical":
        if kind == "physical":
            return 0.0 if symbol == numeral.unit else None
        return 0.5 if kind == "" else None
    if written == "time":
        if kind == "time":
            return 0.0 if symbol.startswith(numeral.unit) or numeral.unit.startswith(symbol) else None
        return {"count": 0.4, "": 0.5}.get(kind)
    if numeral.scale != 1:
        return {"money": 0.0, "count": 0.0, "": 0.1, "physical": 0.3}.get(kind)
    return {"": 0.0, "count": 0.0, "percent": 0.4, "money": 0.2}.get(kind, 0.2)
