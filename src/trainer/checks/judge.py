"""Finds for each figure of a text the datum, arithmetic or passage behind it, or what contradicts it."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Sequence

from trainer.checks.compare import ranked, sized
from trainer.checks.cues import CHANGE, says
from trainer.checks.dates import check_dates
from trainer.checks.datums import Data, Datum
from trainer.checks.derive import Derivation, derive
from trainer.checks.document import read_document
from trainer.checks.figure import Figure, contradicted, derived_figure, exact, shown
from trainer.checks.fit import STRONG, accepts, could_be, coverage, is_count, overlaps, refines, sign_fits, unit_fits
from trainer.checks.mentions import Finder, Mention, grain_words
from trainer.checks.numerals import Numeral
from trainer.checks.passages import Passages
from trainer.checks.periods import Period
from trainer.checks.spelt import grows
from trainer.core.values import Context

_UPSIDE = re.compile(r"\b(?:upside|downside|implie[sd]|kurspotenzial|potentiel)\b", re.IGNORECASE)
_PRICE = frozenset({"share", "price"})
_QUOTES = 7
"""From so many shared words on, a sentence repeats a passage."""
_VAGUE_QUOTES = 4
_COMMON = frozenset({"trailing", "12month", "diluted", "basic", "short"})
_QUARTERLY = re.compile(r"\b(?:quarter\w*|quartal\w*|trimestr\w*|q[1-4])\b", re.IGNORECASE)


class Judge:
    """Holds the data, the contexts' figures, and the metrics' scores while one text is read."""

    def __init__(self, data: Data, contexts: Sequence[Context], language: str, foreign: Sequence[str]) -> None:
        self.data = data
        self.contexts = contexts
        strangers = {name.casefold(): -1 - at for at, name in enumerate(foreign) if name.strip()}
        aliases = strangers | {alias: at for at, subject in enumerate(data.subjects) for alias in subject.aliases}
        self.finder = Finder(aliases, language)
        self.passages = Passages(data, contexts)
        self.backing: dict[tuple[int, ...], list[Datum]] = {}
        self.places: dict[tuple[int, ...], list[tuple[int, Datum]]] = {}
        self.twofold: dict[tuple[int, ...], bool] = {}
        """Whether a sentence states one series at two times."""
        self.groups: list[tuple[int, ...]] = []
        self.metric_cache: dict[tuple[object, ...], list[tuple[float, str]]] = {}

    def figures(self, text: str) -> tuple[Figure, ...]:
        """Every figure of the text, in its order."""
        document = read_document(text)
        mentions = list(self.finder.mentions(document))
        first = [None if mention.numeral.soft else self._direct(mention) for mention in mentions]
        for mention, found in zip(mentions, first, strict=True):
            if found:
                self.backing.setdefault(mention.group, []).append(found)
                self.places.setdefault(mention.group, []).append((mention.numeral.start, found))
        self.groups = sorted(self.backing)
        figures = [self._figure(mention, found) for mention, found in zip(mentions, first, strict=True)]
        known = [figure for figure in figures if figure is not None]
        known.extend(check_dates(document, data=self.data, contexts=self.contexts))
        return tuple(sorted(known, key=lambda figure: (figure.line, figure.column)))

    def _figure(self, mention: Mention, datum: Datum | None) -> Figure | None:
        if mention.numeral.soft:
            return self._spelt(mention)
        if _is_vague(mention.numeral) and (place := self.passages.find(mention, least=_VAGUE_QUOTES)):
            return shown(mention, "context" if place[1] else "supported", place[0])
        if datum and not self._outdone(mention, datum):
            return shown(mention, "supported", datum.support, date=datum.last, stored=exact(datum.value))
        if place := self.passages.find(mention, least=_QUOTES):
            return shown(mention, "context" if place[1] else "supported", place[0])
        derived = derive(
            mention,
            self._named(mention, 0.6),
            [*self._named(mention, 0.3), *self._around(mention), *self._implied(mention)],
            self._neighbours(mention),
        )
        claim = self._claim(mention)
        if derived and not (claim and _names_average(claim, derived)):
            return derived_figure(mention, derived)
        if place := self.passages.find(mention, least=4 if claim else 2):
            return shown(mention, "context" if place[1] else "supported", place[0])
        if is_count(mention.numeral) and claim is None:
            return None
        if claim:
            return contradicted(mention, claim)
        if mention.numeral.kind == "fraction" and not self._is_named(mention):
            return None
        return shown(mention, "unsupported", message="no datum, context or plain arithmetic on them gives this figure")

    def _spelt(self, mention: Mention) -> Figure | None:
        """A claim in words of size or rank, where it is clear what of; else it is no figure."""
        if mention.numeral.kind == "rank":
            bearer = self._bearer(mention)
            return ranked(mention, bearer, self.data) if bearer else None
        return sized(mention, self._compared(mention))

    def _bearer(self, mention: Mention) -> Datum | None:
        """The datum that a claim is about: that of the figure before it, else the only one the words name."""
        if before := self._beside(mention)[0]:
            return before[-1]
        named = [datum for _, metric in self._strong(mention) for datum in self._timely(metric, mention)]
        return named[0] if named and len({datum.value for datum in named}) == 1 else None

    def _beside(self, mention: Mention) -> tuple[list[Datum], list[Datum]]:
        """The datums of the two figures before a claim, and of the two after it."""
        places = self.places.get(mention.group, [])
        at = bisect.bisect_left(places, mention.numeral.start, key=lambda place: place[0])
        return [datum for _, datum in places[max(0, at - 2) : at]], [datum for _, datum in places[at : at + 2]]

    def _compared(self, mention: Mention) -> list[tuple[Datum, Datum]]:
        """The pairs of amounts that `doubled` or `twice the …` may be said of."""
        before, after = self._beside(mention)
        if not grows(mention.numeral):
            others = [datum for _, metric in self._strong(mention) for datum in self._timely(metric, mention)]
            return [(before[-1], other) for other in others if _comparable(before[-1], other)] if before else []
        beside = [datum for datum in (*before, *after) if datum.series]
        pairs = [(new, old) for new in beside for old in beside if new.metric == old.metric and new.last > old.last]
        return [pair for pair in pairs if pair[0].subject == pair[1].subject]

    def _strong(self, mention: Mention) -> list[tuple[float, str]]:
        return [pair for pair in self._metrics(mention) if pair[0] >= STRONG]

    def _timely(self, metric: str, mention: Mention) -> list[Datum]:
        """The metric's datums of the subject and period that the words name."""
        return [
            datum for datum in self.data.by_metric[metric]
            if self._belongs(datum, mention) and (mention.periods or not datum.series)
        ]  # fmt: skip

    def _is_named(self, mention: Mention) -> bool:
        return bool(self._strong(mention))

    def _outdone(self, mention: Mention, datum: Datum) -> bool:
        """Whether a rate of change stands beside both amounts it is the change of, so that it must follow from them."""
        if mention.numeral.kind != "percent" or mention.table or datum.series or not says(CHANGE, mention.clause):
            return False
        if mention.group not in self.twofold:
            beside = [other.metric for other in self.backing.get(mention.group, []) if other.series]
            self.twofold[mention.group] = len(beside) > len(set(beside))
        return self.twofold[mention.group]

    def _direct(self, mention: Mention) -> Datum | None:
        """The datum the figure is, by value, unit, sign, label, subject and period; None where none is."""
        hits = [datum for datum in self._hits(mention.numeral) if sign_fits(mention, datum)]
        if not hits:
            return None
        best = self._best(mention)
        scored = [(self._label(datum, mention), datum) for datum in hits if self._belongs(datum, mention)]
        accepted = [
            (score, datum)
            for score, datum in scored
            if accepts(score, best[0], mention) or refines(score, datum, best[1])
        ]
        if not accepted:
            return None
        return max(accepted, key=lambda pair: (round(pair[0], 3), self._closeness(pair[1], mention), -pair[1].number))[
            1
        ]

    def _hits(self, numeral: Numeral) -> list[Datum]:
        found = [datum for datum in self.data.between(numeral.low, numeral.high) if unit_fits(numeral, datum.unit, 1)]
        if numeral.kind in ("percent", "points", "fraction"):
            low, high = numeral.low / 100, numeral.high / 100
            found += [datum for datum in self.data.between(low, high) if unit_fits(numeral, datum.unit, 100)]
        if numeral.kind == "multiple":
            low, high = numeral.low * 100, numeral.high * 100
            found += [datum for datum in self.data.between(low, high) if datum.unit == "percent"]
        return found

    def _label(self, datum: Datum, mention: Mention) -> float:
        return coverage(datum.tokens, datum.extra, mention.weights, self.data.weights)

    def _best(self, mention: Mention) -> tuple[float, frozenset[str]]:
        """How well the best-named metric whose unit would do is named, and its words."""
        for score, metric in self._metrics(mention):
            if any(could_be(mention, datum.unit) for datum in self.data.by_metric[metric][:2]):
                return score, self.data.tokens[metric]
        return 0.0, frozenset()

    def _metrics(self, mention: Mention) -> list[tuple[float, str]]:
        """The metrics whose words stand near the figure, best first."""
        key = tuple(sorted(mention.weights.items()))
        if key not in self.metric_cache:
            metrics = {metric for token in mention.weights for metric in self.data.words.get(token, ())}
            scored = [
                (
                    coverage(self.data.tokens[metric], self.data.extras[metric], mention.weights, self.data.weights),
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
        if top < 0.6 and not mention.table and not datum.series:
            return True
        if top < 0.6 and not mention.table:
            near = [period for period, _ in mention.periods]
        return any(self._same_time(datum, period, mention) for period in near)

    def _same_time(self, datum: Datum, period: Period, mention: Mention) -> bool:
        if datum.series:
            cue = grain_words(mention.weights) if mention.table else frozenset()
            if len(cue) == 1 and datum.grain in ("quarter", "year") and datum.grain not in cue:
                return False
            return overlaps(
                datum, period, quarterly=says(_QUARTERLY, mention.sentence) or says(_QUARTERLY, mention.section)
            )
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
                if same and other.grain == period.grain and overlaps(other, period, quarterly=True):
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
            if self._unasked(metric, mention):
                continue
            members = [datum for datum in self.data.by_metric[metric] if self._derivable(datum, mention)]
            found.extend(members[-12:])
        return found

    def _unasked(self, metric: str, mention: Mention) -> bool:
        """Whether a metric is a special kind, such as an estimate, that no word near the figure asks for."""
        special = self.data.extras[metric] - _COMMON
        return bool(special) and not special & mention.weights.keys()

    def _derivable(self, datum: Datum, mention: Mention) -> bool:
        return not mention.subjects or datum.subject in mention.subjects

    def _neighbours(self, mention: Mention) -> list[Datum]:
        block, index = mention.group[0], mention.group[1]
        here = self.backing.get(mention.group, [])
        before = self.backing.get((block, index - 1), []) if not mention.table else []
        return here[:10] or before[:10]

    def _implied(self, mention: Mention) -> list[Datum]:
        """What a sentence leaves unsaid: the share price an upside is counted from; what the block before was about."""
        if says(_UPSIDE, mention.sentence):
            prices = [
                datum for metric in self.data.words.get("price", ()) for datum in self.data.by_metric[metric]
                if datum.tokens == _PRICE and self._derivable(datum, mention)
            ]  # fmt: skip
            return sorted(prices, key=lambda datum: datum.number)[:2]
        if mention.table or (self._metrics(mention) or [(0.0, "")])[0][0] >= 0.5:
            return []
        before = bisect.bisect_left(self.groups, mention.group[:1])
        beside = self.backing[self.groups[before - 1]] if before else []
        others = (other for datum in beside[:2] for other in self.data.by_metric[datum.metric] if datum.series)
        return list(itertools.islice(others, 24))

    def _around(self, mention: Mention) -> list[Datum]:
        """For a table's cell, the series that the other cells of its row stand in."""
        if not mention.table:
            return []
        beside = [datum for datum in self.backing.get(mention.group, []) if datum.series]
        found = [
            other for datum in beside[:4] for other in self.data.by_metric[datum.metric]
            if other.subject == datum.subject
        ]  # fmt: skip
        return found[:40]

    def _claim(self, mention: Mention) -> Datum | None:
        """The datum that the words say the figure is, where they say it clearly."""
        for score, metric in self._metrics(mention):
            if score < STRONG:
                return None
            members = [
                datum for datum in self.data.by_metric[metric]
                if could_be(mention, datum.unit) and self._subject_fits(datum, mention)
            ]  # fmt: skip
            timely = [datum for datum in members if self._period_fits(datum, mention)]
            if timely:
                value = mention.numeral.value
                return min(timely, key=lambda datum: abs(abs(datum.value) - abs(value)))
        return None


def _is_vague(numeral: Numeral) -> bool:
    """Whether so many values are written so that a datum among them says little: `below 1`, `over 10 %`."""
    return numeral.kind != "fraction" and numeral.high - numeral.low >= 0.5 * abs(numeral.value)


def _comparable(one: Datum, two: Datum) -> bool:
    """Whether one amount can be a multiple of another: of one subject, time and unit."""
    same = (one.subject, one.last, one.unit) == (two.subject, two.last, two.unit)
    return same and one.metric != two.metric and one.unit not in ("fraction", "percent", "ratio")


def _names_average(claim: Datum, derived: Derivation) -> bool:
    """Whether `average` belongs to the name of the datum that is claimed, so that it asks for no arithmetic."""
    return derived.formula.startswith("average") and "average" in claim.tokens | claim.extra
