"""Each figure of a document with what the words around it say it is: labels, period, subject, unit."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainer.checks.document import Block, Cell, Document
from trainer.checks.labels import labels
from trainer.checks.numerals import Numeral, find_numerals, scale_of
from trainer.checks.periods import Period, find_periods
from trainer.checks.spelt import spelt_claims
from trainer.core.errors import UsageError
from trainer.core.yamltext import load_yaml

_ABBREVIATIONS = (
    "vs Nr No ca St Dr Mr Ms Co Mt Inc Ltd Mio Mrd Tsd bzw etc Jan Feb Mar Apr Aug Sep Oct Nov Dec Corp Sept Prof Rev"
)
SENTENCE = re.compile(
    r"(?<![\s(.][A-Za-z]\.)"
    + "".join(rf"(?<!\b{word}\.)" for word in _ABBREVIATIONS.split())
    + r"(?<=[.!?])[\"”»)]?\s+(?=[\"“«(]?[^\s\d\W]|[\"“«(]?[$€£\d])"
)
"""What stands between two sentences."""
_BOUNDARY = re.compile(
    r"[,;()]|\s[–—-]\s|\b(?:and|while|whereas|but|against|versus|vs|compared|after|despite|although|than|und|während"
    r"|aber|gegenüber|nach|et|tandis|mais|contre|après)\b",
    re.IGNORECASE,
)
_STRONG = re.compile(r";|\b(?:while|whereas|but|although|während|aber|tandis|mais)\b", re.IGNORECASE)
_TO = re.compile(r"\b(?:to|from|bis|auf|von|de|à)\b", re.IGNORECASE)
_FROM_HERE = re.compile(r"\b(?:from|von|de)\s*$", re.IGNORECASE)
_TO_HERE = re.compile(r"[\s,]*\b(?:to|auf|à)\s+(?:about\s+|rund\s+|environ\s+)?", re.IGNORECASE)
_BASE = re.compile(
    r"\b(?:since|from|against|versus|vs\.?|than|compared\s+(?:with|to)|seit|von|gegenüber|als|depuis|de|contre"
    r"|par\s+rapport\s+à)\s+(?:the\s+|dem\s+|der\s+|au\s+|le\s+|l['’])?$",
    re.IGNORECASE,
)
_MOST_CHART_CELLS = 20_000
_REACH = 800
"""How far from a figure words say anything about it, so that no sentence, heading or caption is too long."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A figure where it stands, and what stands around it."""

    numeral: Numeral
    line: int
    column: int
    weights: Mapping[str, float]
    """Canonical words near it, by how near."""
    periods: tuple[tuple[Period, float], ...]
    """Periods near it, by how near."""
    subjects: Mapping[int, float]
    """Subjects near it, by how near."""
    clause: str
    """The words close around it."""
    sentence: str
    group: tuple[int, ...]
    """What it stands in: block and sentence, or block and row."""
    table: bool = False
    column_number: int = 0
    section: str = ""
    chart: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What stands near a sentence or table and counts less: caption, headings, the sentence before."""

    weights: Mapping[str, float] = field(default_factory=dict)
    periods: tuple[tuple[Period, float], ...] = ()
    subjects: Mapping[int, float] = field(default_factory=dict)


_GRAINS = {
    **dict.fromkeys(("quarterly", "quarter", "quartal", "quartalsweise", "trimestre", "trimestriel"), "quarter"),
    **dict.fromkeys(("annual", "yearly", "year", "annually", "jahr", "jahrlich", "annuel", "annee"), "year"),
}


def grain_words(words: Mapping[str, float]) -> frozenset[str]:
    """Whether words speak of quarters, years or both."""
    return frozenset(_GRAINS[word] for word in words if word in _GRAINS)


class Finder:
    """Finds the figures of a document; knows how its subjects are called."""

    def __init__(self, aliases: Mapping[str, int], language: str) -> None:
        self.aliases = aliases
        self.language = language
        names = "|".join(re.escape(name) for name in sorted(aliases, key=lambda name: (-len(name), name)))
        self.names = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE) if names else None

    def mentions(self, document: Document) -> Iterator[Mention]:
        """Every figure, in the order of the text; the appendix of sources and code are passed over."""
        before = Around()
        for number, block in enumerate(document.blocks):
            if block.appendix or block.kind in ("front", "code"):
                continue
            if block.kind == "heading":
                before = Around(subjects=before.subjects)
            headings = self.around(" ".join(block.headings[-1:]), 0.25)
            outer = _outer(block, headings, before)
            if block.kind in ("table", "chart"):
                found = self._table(number, _as_table(block), outer)
                yield from (replace(mention, chart=True) for mention in found) if block.kind == "chart" else found
                continue
            sentence_mentions, before = self._text(number, block, outer)
            yield from sentence_mentions

    def around(self, text: str, weight: float) -> Around:
        """What a text near a figure says, each at `weight`."""
        text = text[-2 * _REACH :]
        return Around(
            {token: weight for token, _, _ in labels(text)},
            tuple((period, weight) for period in find_periods(text)),
            {subject: weight for subject, _, _ in self.subjects(text)},
        )

    def subjects(self, text: str) -> list[tuple[int, int, int]]:
        """The subjects named in a text with start and end."""
        if self.names is None:
            return []
        return [(self.aliases[found[0].casefold()], *found.span()) for found in self.names.finditer(text)]

    def _text(self, number: int, block: Block, outer: Around) -> tuple[list[Mention], Around]:
        found: list[Mention] = []
        before = outer
        start = 0
        for index, end in enumerate([*(cut.end() for cut in SENTENCE.finditer(block.text)), len(block.text)]):
            sentence = block.text[start:end]
            here = _Sentence(self, sentence)
            for numeral in here.numerals:
                line, column = block.place(start + numeral.start)
                mention = here.mention(numeral, line, column, before, (number, index))
                found.append(replace(mention, section=block.headings[-1] if block.headings else ""))
            before = _following(here, before, outer)
            start = end
        return found, before

    def _table(self, number: int, block: Block, outer: Around) -> Iterator[Mention]:
        caption = self.around(block.caption, 0.35)
        outer = Around(
            {**outer.weights, **caption.weights}, caption.periods or outer.periods, caption.subjects or outer.subjects
        )
        # YAML writes numbers one way, whatever the language of the report.
        language = "en" if block.kind == "chart" else self.language
        heads = [self.around(cell.text, 1.0) for cell in block.header]
        units = [scale_of(cell.text, language=self.language) for cell in block.header]
        general = scale_of(block.caption, language=self.language)
        for row_number, row in enumerate(block.rows):
            stub = row[0].text if row else ""
            label = self.around(stub, 1.0)
            own = scale_of(stub, language=self.language)
            for at, cell in enumerate(row):
                given = _unit(own if at else (1.0, "", ""), units[at] if at < len(units) else (1.0, "", ""), general)
                head = heads[at] if at < len(heads) else Around()
                near = _joined(label if at else Around(), head, self.around(cell.text, 0.95), outer)
                title = block.header[at].text if at < len(block.header) else ""
                title = f"{stub if at else ''} {title}".strip()
                yield from self._cell(
                    cell, near, given=given, title=title, group=(number, row_number), at=at, language=language
                )

    def _cell(
        self,
        cell: Cell,
        near: Around,
        *,
        given: tuple[float, str, str],
        title: str,
        group: tuple[int, int],
        at: int,
        language: str,
    ) -> Iterator[Mention]:
        for numeral in find_numerals(cell.text, language=language, cell=True):
            if at == 0 and numeral.bare and re.search(r"[^\W\d_]{2}", cell.text):
                continue
            yield Mention(
                _given(numeral, given), cell.line, cell.column + numeral.start, near.weights, near.periods,
                near.subjects,
                f"{title} {cell.text}", f"{title} {cell.text}", group, table=True, column_number=at,
            )  # fmt: skip


class _Sentence:
    """One sentence: its figures, words, periods, subjects and the bounds between its parts."""

    def __init__(self, finder: Finder, text: str) -> None:
        self.text = text
        self.periods = find_periods(text)
        self.numerals = _with_claims(find_numerals(text, language=finder.language, periods=self.periods), text)
        self.labels = labels(text)
        self.subjects = finder.subjects(text)
        self.bounds = [found.start() for found in _BOUNDARY.finditer(text)] if self.numerals else []
        self.strong = [found.start() for found in _STRONG.finditer(text)] if self.numerals else []
        self.to = [found.start() for found in _TO.finditer(text)] if self.numerals else []
        self.label_starts = [start for _, start, _ in self.labels]
        self.cuts = sorted({*self.bounds, *self.to})
        self.starts = [numeral.start for numeral in self.numerals]

    def mention(self, numeral: Numeral, line: int, column: int, before: Around, group: tuple[int, int]) -> Mention:
        at = bisect.bisect_left(self.starts, numeral.start)
        weights = dict(before.weights)
        for token, start, end in self.labels[self._window(numeral)]:
            weights[token] = max(weights.get(token, 0.0), self._near(at, start, end, self.bounds))
        cuts = self.cuts
        periods = tuple(
            (period, self._near(at, period.start, period.end, cuts))
            for period in self.periods
            if abs(period.start - numeral.start) <= _REACH
        )
        periods = self._governed(at, periods)
        subjects: dict[int, float] = {}
        for subject, start, end in self.subjects:
            if abs(start - numeral.start) > _REACH:
                continue
            subjects[subject] = max(subjects.get(subject, 0.0), self._near(at, start, end, cuts))
        return Mention(
            numeral, line, column, weights, periods or before.periods, subjects or before.subjects,
            self._clause(at), self._stretch(numeral), group,
        )  # fmt: skip

    def _governed(self, at: int, periods: tuple[tuple[Period, float], ...]) -> tuple[tuple[Period, float], ...]:
        """The periods of a figure in `in Q4 rose from A to B`: the one period said is that of B, and A is earlier."""
        if len(self.periods) != 1 or self.periods[0].end > self.numerals[at].start:
            return periods
        only = self.periods[0]
        if _BASE.search(self.text[max(0, only.start - 24) : only.start]):
            return periods
        if at and self._leads_to(at - 1) and only.end <= self.numerals[at - 1].start:
            return ((only, 0.9),)
        before = self.text[max(0, self.numerals[at].start - 8) : self.numerals[at].start]
        return () if self._leads_to(at) and _FROM_HERE.search(before) else periods

    def _leads_to(self, at: int) -> bool:
        """Whether nothing but `to` stands between a figure and the next."""
        one, two = self.numerals[at], self.numerals[at + 1] if at + 1 < len(self.numerals) else None
        return two is not None and bool(_TO_HERE.fullmatch(self.text, one.end, two.start))

    def _stretch(self, numeral: Numeral) -> str:
        """The sentence, or of a long one a stretch around the figure that is the same for its neighbours."""
        at = numeral.start // _REACH
        return self.text[max(0, at - 1) * _REACH : (at + 2) * _REACH]

    def _window(self, numeral: Numeral) -> slice:
        """The labels near enough to say anything about a figure."""
        first = bisect.bisect_left(self.label_starts, numeral.start - _REACH)
        return slice(first, bisect.bisect_right(self.label_starts, numeral.end + _REACH))

    def _near(self, at: int, start: int, end: int, bounds: Sequence[int]) -> float:
        """How much a word says about figure `at`: 1 right before it, less beyond bounds and other figures."""
        figure = self.numerals[at]
        if end <= figure.start:
            previous = self.numerals[at - 1].end if at else 0
            if start < previous:
                return 0.35
            if at == 0:
                return 0.6 if _any(self.strong, end, figure.start) else 1.0
            if _any(bounds, end, figure.start):
                return 0.4
            return 1.0 if _any(bounds, previous, start + 1) else 0.9
        following = self.numerals[at + 1].start if at + 1 < len(self.numerals) else len(self.text)
        if start > following:
            return 0.35
        return 0.4 if _any(bounds, figure.end, start + 1) else 0.8

    def _clause(self, at: int) -> str:
        figure = self.numerals[at]
        start = self.numerals[at - 1].end if at else 0
        end = self.numerals[at + 1].start if at + 1 < len(self.numerals) else len(self.text)
        following = bisect.bisect_left(self.bounds, figure.end)
        after = self.bounds[following] if following < len(self.bounds) else end
        return self.text[start : min(end, max(after, figure.end))]


def _with_claims(numerals: list[Numeral], text: str) -> list[Numeral]:
    """The figures of a sentence and its claims in words, which stand for the figures within them."""
    claims = list(spelt_claims(text))
    if not claims:
        return numerals
    free = [one for one in numerals if not any(claim.start <= one.start < claim.end for claim in claims)]
    return sorted([*free, *claims], key=lambda numeral: numeral.start)


def _any(bounds: Sequence[int], start: int, end: int) -> bool:
    at = bisect.bisect_left(bounds, start)
    return at < len(bounds) and bounds[at] < end


def _outer(block: Block, headings: Around, before: Around) -> Around:
    if block.kind == "heading":
        return Around(subjects=before.subjects)
    return Around(headings.weights, headings.periods, headings.subjects or before.subjects)


def _following(here: _Sentence, before: Around, outer: Around) -> Around:
    """What a sentence leaves for the next: its words at little weight, the subject it named last."""
    weights = {
        **outer.weights,
        **{token: 0.3 for token, start, _ in here.labels if start >= len(here.text) - 2 * _REACH},
    }
    subjects = {here.subjects[-1][0]: 0.3} if here.subjects else before.subjects
    return Around(weights, outer.periods, subjects)


def _joined(label: Around, head: Around, cell: Around, outer: Around) -> Around:
    weights = dict(outer.weights)
    for part in (cell, head, label):
        for token, weight in part.weights.items():
            weights[token] = max(weights.get(token, 0.0), weight)
    periods = cell.periods + head.periods + label.periods
    subjects = {**label.subjects, **head.subjects, **cell.subjects}
    return Around(weights, periods or outer.periods, subjects or outer.subjects)


def _unit(
    row: tuple[float, str, str], column: tuple[float, str, str], general: tuple[float, str, str]
) -> tuple[float, str, str]:
    """Scale, currency and unit of a cell: the row's own word first, then the column's, then the caption's."""
    unit = row[2] or column[2]
    scale = next((part[0] for part in (row, column, general) if part[0] != 1.0), 1.0)
    currency = next((part[1] for part in (row, column, general) if part[1]), "")
    return scale, currency, unit


def _given(numeral: Numeral, given: tuple[float, str, str]) -> Numeral:
    scale, _, unit = given
    if not numeral.bare:
        if numeral.kind == "money" and numeral.scale == 1.0 and scale != 1.0:
            return _scaled(numeral, scale)
        return numeral
    if unit == "%":
        return replace(numeral, kind="percent", bare=False)
    return _scaled(numeral, scale) if scale != 1.0 else numeral


def _scaled(numeral: Numeral, scale: float) -> Numeral:
    return replace(
        numeral,
        value=numeral.value * scale,
        low=numeral.low * scale,
        high=numeral.high * scale,
        scale=scale,
        bare=False,
    )


def _as_table(block: Block) -> Block:
    """A chart's own rows as a table; a chart that names data holds no figures."""
    if block.kind == "table":
        return block
    try:
        found = load_yaml(block.text, shown="chart", first_line=block.line)
    except UsageError:
        return block
    value = found.value if isinstance(found.value, dict) else {}
    rows, columns = value.get("rows"), value.get("columns")
    if not isinstance(rows, list) or len(rows) > _MOST_CHART_CELLS:
        return block
    labelled = value.get("labels")
    names = labelled if isinstance(labelled, dict) else {}
    header = (
        tuple(Cell(str(names.get(name, name)), block.line, 1) for name in columns) if isinstance(columns, list) else ()
    )
    cells = []
    for at, row in enumerate(rows):
        places = (
            [(found.where("rows", at, index), item) for index, item in enumerate(row)] if isinstance(row, list) else []
        )
        cells.append(
            tuple(Cell(_shown(item), (p.line or 1) if p else 1, (p.column or 1) if p else 1) for p, item in places)
        )
    caption = " ".join(str(value.get(name, "")) for name in ("title", "description", "unit"))
    return replace(block, header=header, rows=tuple(cells), caption=caption)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:f}".rstrip("0").rstrip(".") if abs(value) >= 1e-4 or value == 0 else f"{value:.12f}".rstrip("0")
    return "" if value is None else str(value)
