"""Every figure of a text held against data and contexts: supported, derived, from context, contradicted, unsupported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from trainer.checks.datums import Data, Datum, read_data
from trainer.checks.derive import Derivation, derive, says_negative
from trainer.checks.document import read_document
from trainer.checks.labels import labels
from trainer.checks.mentions import Finder, Mention, grain_words
from trainer.checks.numerals import Numeral, find_numerals
from trainer.checks.periods import Period
from trainer.core.errors import Where
from trainer.core.values import Context, DataBlock, Finding, Json, Prompt, Severity, Verdict

Judgement = Literal["supported", "derived", "context", "contradicted", "unsupported"]
UNVERIFIED: tuple[Judgement, ...] = ("contradicted", "unsupported")
_STRONG, _FAIR = 0.72, 0.4
_LOSS = re.compile(r"\b(?:net loss(?:es)?|loss(?:es)? of|operating loss|a loss|verlust|perte)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"\b(?:loss(?:es)?|negative|minus|outflow|burn\w*|used|deficit|verlust\w*|negativ\w*|perte\w*|négati\w*|lost|down|fell|decline\w*|abfluss|charge|charges|below|miss\w*|drop\w*|decreas\w*|shr[aiu]nk|lower|less|rückgang|sank|fiel|gesunken|recul\w*|baisse\w*|moins|tiefer|unter|inférieur\w*|gefallen)\b", re.IGNORECASE)  # fmt: skip
_QUARTERLY = re.compile(r"\b(?:quarter\w*|quartal\w*|trimestr\w*|q[1-4])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a text and what became of it."""

    line: int
    column: int
    text: str
    """As written."""
    kind: str
    """`money`, `percent`, `points`, `multiple`, `number`, `fraction`, `duration` or `date`."""
    value: float
    """With scale and sign; percent as written."""
    unit: str
    verdict: Judgement
    support: str = ""
    """The datum (`key@version path`), the inputs, or the context's `file:line`."""
    formula: str = ""
    """How a derived figure follows from its inputs."""
    message: str = ""
    """What is wrong, where something is."""
    date: str = ""
    """The date or period of the datum behind it."""
    stored: str = ""
    """The exact value behind it: of the datum, or of the formula."""

    def finding(self) -> Finding:
        """The figure as a finding: an error where contradicted, a warning where unsupported, else a note."""
        severity: Severity = {"contradicted": "error", "unsupported": "warning"}.get(self.verdict, "note")  # type: ignore[assignment]
        where = Where("answer", self.line, self.column)
        return Finding(self.verdict, severity, self.message or self.formula, where, self.text, support=self.support)


@dataclass(frozen=True, slots=True)
class FigureReport:
    """All figures of a text."""

    figures: tuple[Figure, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def unverified(self) -> tuple[Figure, ...]:
        """The figures that are contradicted or unsupported."""
        return tuple(figure for figure in self.figures if figure.verdict in UNVERIFIED)

    def document(self) -> dict[str, Json]:
        """The report as `trainer checks --json` prints it."""
        names = ("line", "column", "text", "kind", "verdict", "support", "formula", "message")
        findings = [{name: getattr(figure, name) for name in names} for figure in self.figures]
        return {"findings": findings, "scores": dict(self.scores)}


def check_figures(
    text: str, *, data: Sequence[DataBlock] = (), contexts: Sequence[Context] = (), language: str = "en"
) -> FigureReport:
    """Every figure in a Markdown text with its verdict against the data and contexts."""
    judge = _Judge(read_data(data), contexts, language)
    figures = judge.figures(text)
    return FigureReport(figures, _scores(figures))


def prompt_figures(text: str, *, prompt: Prompt) -> FigureReport:
    """Every figure of an answer with its verdict against all that its prompt held, the instruction included."""
    given = (*prompt.contexts, Context(prompt.instruction, prompt.title, prompt.body, ""))
    return check_figures(text, data=prompt.data, contexts=given, language=prompt.output.language)


def verify_figures(text: str, *, prompt: Prompt) -> Verdict:
    """The figures check of an answer: contradicted figures are errors, unsupported ones warnings."""
    report = prompt_figures(text, prompt=prompt)
    return Verdict(tuple(figure.finding() for figure in report.unverified), report.scores)


def _scores(figures: Sequence[Figure]) -> dict[str, float]:
    if not figures:
        return {"figures": 1.0}
    good = sum(figure.verdict not in UNVERIFIED for figure in figures)
    return {"figures": round(good / len(figures), 4)}


class _Judge:
    """Holds the data, the contexts' figures, and the metrics' scores while one text is read."""

    def __init__(self, data: Data, contexts: Sequence[Context], language: str) -> None:
        self.data = data
        aliases = {alias: at for at, subject in enumerate(data.subjects) for alias in subject.aliases}
        self.finder = Finder(aliases, language)
        self.passages = _Passages(data, contexts)
        self.backing: dict[tuple[int, ...], list[Datum]] = {}
        self.metric_cache: dict[tuple[object, ...], list[tuple[float, str]]] = {}

    def figures(self, text: str) -> tuple[Figure, ...]:
        mentions = list(self.finder.mentions(read_document(text)))
        first = [self._direct(mention) for mention in mentions]
        for mention, found in zip(mentions, first, strict=True):
            if found:
                self.backing.setdefault(mention.group, []).append(found)
        figures = [self._figure(mention, found) for mention, found in zip(mentions, first, strict=True)]
        return tuple(figure for figure in figures if figure is not None)

    def _figure(self, mention: Mention, datum: Datum | None) -> Figure | None:
        if datum:
            return _shown(mention, "supported", datum.support, date=datum.last, stored=_exact(datum.value))
        derived = derive(
            mention,
            self._named(mention, 0.6),
            [*self._named(mention, 0.3), *self._around(mention)],
            self._neighbours(mention),
        )
        if derived:
            return _derived(mention, derived)
        claim = self._claim(mention)
        if place := self.passages.find(mention, strong=claim is not None):
            return _shown(mention, "context" if place[1] else "supported", place[0])
        if _is_count(mention.numeral) and claim is None:
            return None
        if claim:
            return _contradicted(mention, claim)
        return _shown(mention, "unsupported", message="no datum, context or plain arithmetic on them gives this figure")

    def _direct(self, mention: Mention) -> Datum | None:
        """The datum the figure is, by value, unit, sign, label, subject and period; None where none is."""
        hits = [datum for datum in self._hits(mention.numeral) if _sign_fits(mention, datum)]
        if not hits:
            return None
        best = self._best(mention)
        scored = [(self._label(datum, mention), datum) for datum in hits if self._belongs(datum, mention)]
        accepted = [
            (score, datum)
            for score, datum in scored
            if _accepts(score, best[0], mention) or _refines(score, datum, best[1])
        ]
        if not accepted:
            return None
        return max(accepted, key=lambda pair: (round(pair[0], 3), self._closeness(pair[1], mention), -pair[1].number))[
            1
        ]

    def _hits(self, numeral: Numeral) -> list[Datum]:
        found = [datum for datum in self.data.between(numeral.low, numeral.high) if _unit_fits(numeral, datum.unit, 1)]
        if numeral.kind in ("percent", "points", "fraction"):
            low, high = numeral.low / 100, numeral.high / 100
            found += [datum for datum in self.data.between(low, high) if _unit_fits(numeral, datum.unit, 100)]
        if numeral.kind == "multiple":
            low, high = numeral.low * 100, numeral.high * 100
            found += [datum for datum in self.data.between(low, high) if datum.unit == "percent"]
        return found

    def _label(self, datum: Datum, mention: Mention) -> float:
        return _coverage(datum.tokens, datum.extra, mention.weights, self.data.weights)

    def _best(self, mention: Mention) -> tuple[float, frozenset[str]]:
        """How well the best-named metric whose unit would do is named, and its words."""
        for score, metric in self._metrics(mention):
            if any(_could_be(mention.numeral, datum.unit) for datum in self.data.by_metric[metric][:2]):
                return score, self.data.tokens[metric]
        return 0.0, frozenset()

    def _metrics(self, mention: Mention) -> list[tuple[float, str]]:
        """The metrics whose words stand near the figure, best first."""
        key = tuple(sorted(mention.weights.items()))
        if key not in self.metric_cache:
            metrics = {metric for token in mention.weights for metric in self.data.words.get(token, ())}
            scored = [
                (
                    _coverage(self.data.tokens[metric], self.data.extras[metric], mention.weights, self.data.weights),
                    metric,
                )
                for metric in metrics
            ]
            self.metric_cache[key] = sorted(
                ((s, m) for s, m in scored if s >= 0.2), key=lambda pair: (-pair[0], pair[1])
            )
        return self.metric_cache[key]

    def _belongs(self, datum: Datum, mention: Mention) -> bool:
        return self._subject_fits(datum, mention) and self._period_fits(datum, mention)

    def _subject_fits(self, datum: Datum, mention: Mention) -> bool:
        if not mention.subjects:
            return True
        top = max(mention.subjects.values())
        return mention.subjects.get(datum.subject, 0.0) >= top - 0.11

    def _period_fits(self, datum: Datum, mention: Mention) -> bool:
        if not mention.periods:
            return True
        top = max(weight for _, weight in mention.periods)
        if top < 0.36 and not mention.table:
            return True
        near = [period for period, weight in mention.periods if weight >= top - 0.11]
        if top < 0.6 and not mention.table:
            near = [period for period, _ in mention.periods]
        return any(self._same_time(datum, period, mention) for period in near)

    def _same_time(self, datum: Datum, period: Period, mention: Mention) -> bool:
        if datum.series:
            cue = grain_words(mention.weights) if mention.table else frozenset()
            if len(cue) == 1 and datum.grain in ("quarter", "year") and datum.grain not in cue:
                return False
            return _overlaps(datum, period, quarterly=bool(_QUARTERLY.search(mention.sentence + mention.section)))
        if period.grain == "day":
            return period.first in self.data.block_dates[datum.block]
        if int(period.last[:4]) < int(datum.last[:4]) - 1:
            return False
        return not self._dated(datum, period)

    def _dated(self, datum: Datum, period: Period) -> bool:
        """Whether a series says what an undated datum of the same name was in the period."""
        for metric in self.data.words.get(next(iter(sorted(datum.tokens)), ""), ()):
            if self.data.tokens[metric] != datum.tokens:
                continue
            for other in self.data.by_metric[metric]:
                same = other.series and other.subject == datum.subject and other.unit == datum.unit and not other.extra
                if same and other.grain == period.grain and _overlaps(other, period, quarterly=True):
                    return abs(other.value - datum.value) > 0.02 * abs(datum.value)
        return False

    def _closeness(self, datum: Datum, mention: Mention) -> int:
        """More where the period is named exactly and no qualifying word of the title is missing."""
        exact = any(period.last == datum.last and period.grain == datum.grain for period, _ in mention.periods)
        return 2 * exact - len(datum.extra - set(mention.weights))

    def _named(self, mention: Mention, least: float) -> list[Datum]:
        """The datums of the metrics named near the figure, of the subjects named, best first."""
        found: list[Datum] = []
        for _score, metric in [pair for pair in self._metrics(mention) if pair[0] >= least][:14]:
            members = [datum for datum in self.data.by_metric[metric] if self._derivable(datum, mention)]
            found.extend(members[-12:])
        return found

    def _derivable(self, datum: Datum, mention: Mention) -> bool:
        return not mention.subjects or datum.subject in mention.subjects

    def _neighbours(self, mention: Mention) -> list[Datum]:
        block, index = mention.group[0], mention.group[1]
        here = self.backing.get(mention.group, [])
        before = self.backing.get((block, index - 1), []) if not mention.table else []
        return here[:10] or before[:10]

    def _around(self, mention: Mention) -> list[Datum]:
        """For a table's cell, the series that the other cells of its row stand in."""
        if not mention.table:
            return []
        beside = [datum for datum in self.backing.get(mention.group, []) if datum.series]
        found = [
            other for datum in beside[:4] for other in self.data.by_metric[datum.metric]
            if other.subject == datum.subject and other.block == datum.block
        ]  # fmt: skip
        return found[:40]

    def _claim(self, mention: Mention) -> Datum | None:
        """The datum that the words say the figure is, where they say it clearly."""
        for score, metric in self._metrics(mention):
            if score < _STRONG:
                return None
            members = [
                datum for datum in self.data.by_metric[metric]
                if _could_be(mention.numeral, datum.unit) and self._subject_fits(datum, mention)
            ]  # fmt: skip
            timely = [datum for datum in members if self._period_fits(datum, mention)]
            if timely:
                value = mention.numeral.value
                return min(timely, key=lambda datum: abs(abs(datum.value) - abs(value)))
        return None


def _coverage(
    tokens: frozenset[str], extra: frozenset[str], near: Mapping[str, float], weights: Mapping[str, float]
) -> float:
    """How fully a datum's name stands near a figure, from 0 to a little over 1 where qualifying words do too."""
    total = sum(weights.get(token, 1.0) for token in tokens)
    if not total:
        return 0.0
    named = sum(weights.get(token, 1.0) * near.get(token, 0.0) for token in tokens)
    bonus = 0.02 * sum(near.get(token, 0.0) for token in extra)
    return named / total + bonus


def _accepts(score: float, best: float, mention: Mention) -> bool:
    """Whether a datum with the right value may be what the figure is, though another is better named."""
    if best >= _STRONG:
        return score >= 0.75 * best
    written = mention.numeral
    if best >= _FAIR:
        return score >= 0.6 * best or (score > 0.1 and written.digits >= 3)
    if written.kind in ("money", "number") and not written.bare:
        return written.digits >= 3 or score > 0.15
    return (written.digits >= 4 and written.kind != "multiple") or score > 0.2


def _refines(score: float, datum: Datum, best: frozenset[str]) -> bool:
    """Whether the datum is a closer kind of what is named best: `net income to common shareholders` of `net income`."""
    return bool(best) and best < datum.tokens and score >= 0.3


def _unit_fits(numeral: Numeral, unit: str, factor: int) -> bool:
    currency, _, per = unit.partition("/")
    if numeral.kind == "money":
        return not unit or (currency == (numeral.currency or currency) and len(currency) == 3 and currency.isupper())
    if numeral.kind in ("percent", "points", "fraction"):
        return unit in (("fraction", "ratio", "") if factor == 100 else ("percent", ""))
    if numeral.kind == "multiple":
        return unit in ("ratio", "")
    if numeral.kind == "duration":
        return unit in ("ratio", "count", "")
    if numeral.scale > 1:
        return unit not in ("fraction", "percent", "ratio", "date", "text")
    return unit not in ("date", "text") and not (unit in ("fraction", "percent") and not numeral.bare)


def _could_be(numeral: Numeral, unit: str) -> bool:
    return _unit_fits(numeral, unit, 1) or (
        numeral.kind in ("percent", "points", "fraction") and _unit_fits(numeral, unit, 100)
    )


def _sign_fits(mention: Mention, datum: Datum) -> bool:
    written = mention.numeral
    if written.signed:
        if datum.value == 0 or (written.value < 0) == (datum.value < 0):
            return True
        return False
    if datum.value < 0:
        return bool(_NEGATIVE.search(mention.clause))
    if datum.unit in ("fraction", "percent") and {"change", "growth", "surprise"} & datum.tokens:
        return not says_negative(mention)
    return not (_LOSS.search(mention.clause) and {"income", "eps", "ebitda", "margin"} & datum.tokens)


def _overlaps(datum: Datum, period: Period, *, quarterly: bool) -> bool:
    if period.grain == "day":
        return period.first == datum.last or (datum.grain != "day" and period.first[:7] == datum.last[:7])
    if datum.grain == "year":
        return (period.grain == "year" and period.first[:4] == datum.last[:4]) or (
            period.grain == "month" and period.first[:7] == datum.last[:7]
        )
    inside = period.first <= datum.last <= period.last
    if datum.grain == "quarter" and period.grain in ("year", "half"):
        return inside and quarterly
    return inside


def _is_count(numeral: Numeral) -> bool:
    """Whether a bare small whole number counts things in the text rather than states a datum."""
    return numeral.bare and numeral.integer and abs(numeral.value) <= 12


def _exact(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}"


def _shown(
    mention: Mention,
    verdict: Judgement,
    support: str = "",
    *,
    formula: str = "",
    message: str = "",
    date: str = "",
    stored: str = "",
) -> Figure:
    numeral = mention.numeral
    unit = numeral.currency or {"percent": "percent", "points": "percentage points", "multiple": "times"}.get(
        numeral.kind, ""
    )
    return Figure(
        mention.line, mention.column, numeral.text, numeral.kind, numeral.value, unit, verdict, support, formula,
        message, date,
    )  # fmt: skip


def _derived(mention: Mention, derived: Derivation) -> Figure:
    support = "; ".join(dict.fromkeys(datum.support for datum in derived.inputs[:4]))
    return _shown(
        mention,
        "derived",
        support,
        formula=derived.formula,
        date=max(datum.last for datum in derived.inputs),
        stored=_exact(derived.value),
    )


def _contradicted(mention: Mention, datum: Datum) -> Figure:
    value = _exact(datum.value)
    unit = f" {datum.unit}" if datum.unit else ""
    message = f"{datum.title} is {value}{unit} ({datum.last}), not {mention.numeral.text}"
    return _shown(mention, "contradicted", datum.support, message=message, date=datum.last, stored=_exact(datum.value))


class _Passages:
    """The figures that contexts and texts in the data hold, found by magnitude and the words they share."""

    def __init__(self, data: Data, contexts: Sequence[Context]) -> None:
        self.found: dict[float, list[tuple[Numeral, frozenset[str], str, bool]]] = {}
        for context in contexts:
            for line, numeral, words in _figures_of(context.text):
                self._add(numeral, words, f"{context.path}:{line}", True)
        for support, text, _subject in data.texts:
            if any(letter.isdigit() for letter in text):
                for _line, numeral, words in _figures_of(text):
                    self._add(numeral, words, support, False)

    def _add(self, numeral: Numeral, words: frozenset[str], place: str, context: bool) -> None:
        self.found.setdefault(round(abs(numeral.value), 6), []).append((numeral, words, place, context))

    def find(self, mention: Mention, *, strong: bool) -> tuple[str, bool] | None:
        """Place of the passage that states the figure, and whether it is a context; None where none does."""
        written = mention.numeral
        words = {token for token, weight in mention.weights.items() if weight >= 0.35}
        best: tuple[int, str, bool] | None = None
        for numeral, theirs, place, context in self.found.get(round(abs(written.value), 6), ()):
            shared = len(words & theirs)
            same = numeral.kind == written.kind and numeral.currency == written.currency
            if same and shared >= (4 if strong else 2) and (best is None or shared > best[0]):
                best = shared, place, context
        return (best[1], best[2]) if best else None


@lru_cache(maxsize=256)
def _figures_of(text: str) -> tuple[tuple[int, Numeral, frozenset[str]], ...]:
    found = []
    for block in read_document(text).blocks:
        numerals = find_numerals(block.text)
        for numeral in numerals:
            line, _ = block.place(numeral.start)
            around = block.text[max(0, numeral.start - 200) : numeral.end + 200]
            words = frozenset(token for token, _, _ in labels(around))
            found.append((line, numeral, words))
    return tuple(found)
