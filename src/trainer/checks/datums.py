"""The data of a prompt as single numbers: each with its path, title, unit, subject and period."""

from __future__ import annotations

import bisect
import calendar
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from trainer.checks.labels import path_words, title_labels
from trainer.core.values import DataBlock, Json

_LEGAL = re.compile(
    r",?\s+(?:inc|incorporated|corp|corporation|co|company|ltd|limited|plc|llc|lp|ag|sa|se|nv|gmbh|spa|holdings?|group)\b\.?",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_GRAINS = {"quarter": "quarter", "annual": "year", "year": "year", "month": "month", "dai": "day"}
_NAME_FIELDS = ("symbol", "name", "shortName", "longName", "displayName", "company", "companyName", "ticker")


@dataclass(frozen=True, slots=True, eq=False)
class Datum:
    """One number of the data; there is one object of each."""

    number: int
    """Its place among all datums."""
    support: str
    """`key@version path`."""
    path: str
    metric: str
    """Its path without list indices."""
    value: float
    unit: str
    title: str
    tokens: frozenset[str]
    """Canonical words of its title, up to a comma."""
    extra: frozenset[str]
    """Canonical words of its title after the comma: `trailing 12 months`."""
    subject: int
    """Index of the subject it is about."""
    first: str
    """ISO date its period starts."""
    last: str
    """ISO date its period ends, or it is valid for."""
    grain: str
    """`quarter`, `year`, `month`, `day`, or `point` for what stands in no series."""
    series: str = ""
    """The list it stands in."""
    block: int = 0


@dataclass(slots=True)
class Subject:
    """Something that data is about."""

    name: str
    aliases: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Data:
    """All datums of a prompt, and the indexes that find them."""

    datums: tuple[Datum, ...]
    subjects: tuple[Subject, ...]
    texts: tuple[tuple[str, str, int], ...]
    """Texts in the data: support, text, subject."""
    dates: Mapping[str, tuple[tuple[str, frozenset[str], int], ...]]
    """ISO dates in the data: support, words and subject of each."""
    block_dates: tuple[frozenset[str], ...]
    """The dates each block speaks of outside its series."""
    magnitudes: tuple[float, ...]
    order: tuple[int, ...]
    """Datum numbers by ascending magnitude."""
    by_metric: Mapping[str, tuple[Datum, ...]]
    words: Mapping[str, tuple[str, ...]]
    """Metrics by word."""
    tokens: Mapping[str, frozenset[str]]
    """Words by metric."""
    extras: Mapping[str, frozenset[str]]
    """Qualifying words by metric."""
    weights: Mapping[str, float]
    """How telling each word is."""

    def between(self, low: float, high: float) -> list[Datum]:
        """The datums whose magnitude lies in a closed interval."""
        slack = 1e-12 * max(abs(low), abs(high), 1e-9)
        start = bisect.bisect_left(self.magnitudes, low - slack)
        end = bisect.bisect_right(self.magnitudes, high + slack)
        return [self.datums[number] for number in self.order[start:end]]


def read_data(blocks: Sequence[DataBlock]) -> Data:
    """All numbers, dates and texts of the blocks."""
    subjects, owner = read_subjects(blocks)
    reader = _Reader()
    for number, block in enumerate(blocks):
        reader.block(number, block, owner[number])
    return _indexed(reader, subjects)


def read_subjects(blocks: Sequence[DataBlock]) -> tuple[list[Subject], list[int]]:
    """What the blocks are about, and for each block the number of its subject."""
    subjects: list[Subject] = []
    owner: list[int] = []
    for block in blocks:
        names = _names(block)
        aliases = {alias.casefold() for name in names for alias in _aliases(name)}
        found = next((at for at, subject in enumerate(subjects) if subject.aliases & aliases), None)
        if found is None:
            found = len(subjects)
            subjects.append(Subject(block.subject or block.name))
        subjects[found].aliases |= aliases
        if block.subject and len(block.subject) > len(subjects[found].name):
            subjects[found].name = block.subject
        owner.append(found)
    return subjects, owner


def _names(block: DataBlock) -> list[str]:
    names = [block.subject] if block.subject else []
    if isinstance(block.data, Mapping):
        names += [value for key in _NAME_FIELDS if isinstance(value := block.data.get(key), str) and value.strip()]
    parts = block.key.split(":")
    if len(parts) == 3:
        names.append(parts[1])
    return names or [block.name]


def _aliases(name: str) -> Iterator[str]:
    yield name
    short = _LEGAL.sub("", name).strip(" ,.")
    if short and short != name:
        yield short
    first = short.split()[0] if short.split() else ""
    for part in (first, first.partition(".")[0]):
        if len(part) >= 5 and part != short:
            yield part


class _Reader:
    def __init__(self) -> None:
        self.datums: list[Datum] = []
        self.texts: list[tuple[str, str, int]] = []
        self.dates: dict[str, list[tuple[str, frozenset[str], int]]] = {}
        self.block_dates: list[frozenset[str]] = []

    def block(self, number: int, block: DataBlock, subject: int) -> None:
        self.current, self.number, self.subject = block, number, subject
        retrieved = block.retrieved_at.date().isoformat() if block.retrieved_at else ""
        self.as_of = (block.as_of or retrieved)[:10]
        self.loose: set[str] = {day for day in (self.as_of, retrieved) if day}
        for day, title in ((self.as_of, "as of date"), (retrieved, "retrieved date")):
            if day:
                self._date(day, "", title_labels(title))
        self._walk(block.data, "", "", (self.as_of, self.as_of, "point", ""))
        self.block_dates.append(frozenset(self.loose))

    def _walk(self, value: Json, path: str, metric: str, period: tuple[str, str, str, str]) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                self._walk(inner, f"{path}.{key}" if path else key, f"{metric}.{key}" if metric else key, period)
        elif isinstance(value, list):
            grain = _grain(value, metric)
            for at, inner in enumerate(value):
                self._walk(inner, f"{path}[{at}]", metric, _record_period(inner, grain, metric) or period)
        elif isinstance(value, bool) or value is None:
            return
        elif isinstance(value, int | float):
            self._number(float(value), path, metric, period)
        elif isinstance(value, str):
            self._text(value, path, metric, period)

    def _number(self, value: float, path: str, metric: str, period: tuple[str, str, str, str]) -> None:
        meaning = self.current.fields.get(metric)
        title = meaning.title if meaning else path_words(metric)
        main, _, rest = title.partition(",")
        words = title_labels(main) or title_labels(path_words(metric))
        group = metric.rpartition(".")[0].rpartition(".")[2]
        if group and not period[3] and len(words) < 2 and not meaning:
            words |= title_labels(path_words(group))
        self.datums.append(
            Datum(
                len(self.datums), self._support(path), path, metric, value, meaning.unit if meaning else "", title,
                words, title_labels(rest) - words, self.subject, *period, self.number,
            )
        )  # fmt: skip

    def _text(self, value: str, path: str, metric: str, period: tuple[str, str, str, str]) -> None:
        if _DATE.match(value) and len(value) <= 25:
            meaning = self.current.fields.get(metric)
            self._date(value[:10], path, title_labels(meaning.title if meaning else path_words(metric)))
            if not period[3]:
                self.loose.add(value[:10])
        elif value.strip():
            self.texts.append((self._support(path), value, self.subject))

    def _date(self, day: str, path: str, words: frozenset[str]) -> None:
        self.dates.setdefault(day, []).append((self._support(path), words, self.subject))

    def _support(self, path: str) -> str:
        return f"{self.current.key}@{self.current.version} {path}".rstrip()


def _grain(records: list[Json], metric: str) -> str:
    name = metric.rpartition(".")[2].casefold()
    for word, grain in (
        ("quarter", "quarter"),
        ("annual", "year"),
        ("year", "year"),
        ("month", "month"),
        ("dai", "day"),
    ):
        if word in name:
            return grain
    days = [item["date"][:10] for item in records if isinstance(item, Mapping) and _is_date(item.get("date"))]
    if len(days) < 2:
        return "day"
    pairs = itertools.pairwise(date.fromisoformat(day) for day in days)
    gaps = sorted(abs((later - earlier).days) for earlier, later in pairs)
    gap = gaps[len(gaps) // 2]
    return "year" if gap > 300 else "quarter" if gap > 75 else "month" if gap > 24 else "day"


def _is_date(value: Json) -> bool:
    if not (isinstance(value, str) and _DATE.match(value)):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _record_period(record: Json, grain: str, metric: str) -> tuple[str, str, str, str] | None:
    if not isinstance(record, Mapping) or not _is_date(record.get("date")):
        return None
    day = date.fromisoformat(record["date"][:10])
    back = {"quarter": 2, "year": 11, "month": 0}.get(grain)
    if back is None:
        return day.isoformat(), day.isoformat(), grain, metric
    months = day.year * 12 + day.month - 1 - back
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1]) if day.day < 15 else day
    return f"{months // 12:04}-{months % 12 + 1:02}-01", last.isoformat(), grain, metric


def _indexed(reader: _Reader, subjects: list[Subject]) -> Data:

    datums = reader.datums
    order = sorted(range(len(datums)), key=lambda number: abs(datums[number].value))
    by_metric: dict[str, list[Datum]] = {}
    for datum in datums:
        by_metric.setdefault(datum.metric, []).append(datum)
    tokens = {metric: frozenset().union(*(datum.tokens for datum in members)) for metric, members in by_metric.items()}
    extras = {metric: frozenset().union(*(datum.extra for datum in members)) for metric, members in by_metric.items()}
    words: dict[str, list[str]] = {}
    for metric, names in tokens.items():
        for word in names:
            words.setdefault(word, []).append(metric)
    total = len(by_metric)
    return Data(
        tuple(datums),
        tuple(subjects),
        tuple(reader.texts),
        {day: tuple(found) for day, found in reader.dates.items()},
        tuple(reader.block_dates),
        tuple(abs(datums[number].value) for number in order),
        tuple(order),
        {metric: tuple(members) for metric, members in by_metric.items()},
        {word: tuple(sorted(metrics)) for word, metrics in words.items()},
        tokens,
        extras,
        {word: math.log(1 + total / len(metrics)) for word, metrics in words.items()},
    )
