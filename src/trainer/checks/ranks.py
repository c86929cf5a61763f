"""Words of rank: the highest, the third largest, the peak."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainer.checks.calendar import same_length
from trainer.checks.claims import Sentence
from trainer.checks.concepts import concepts
from trainer.checks.evidence import Assessment, Evidence, exact
from trainer.checks.figure import UNVERIFIED
from trainer.checks.predicate import Predicate, as_quantity, own_quantity, predicate, quantity_of, subject_of
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.thresholds import NAMED
from trainer.checks.times import find_times

_COMPARATIVE = re.compile(
    r"mayor|menor|mejor|peor|maggiore|minore|migliore|peggiore|meilleure?s?|pire|maior|melhor|pior|(?:plus|moins|más|menos|più|meno|mais)\s+\w+",
    re.IGNORECASE,
)
"""Words that say more or most, by whether an article stands before them."""
_ARTICLE = re.compile(
    r"(?<!\w)(?:l['’]|(?:el|la|los|las|lo|il|i|le|gli|les|o|a|os|as|su|sus|son|sa|ses|seu|sua)\s+)(?:\w+\s+)?$",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"(\w+)[\s-]+$")
_LONGEST_ORDINAL = 60
"""Characters before a word of rank in which its ordinal stands: the longest of any language has some twenty."""
_TIME_WORD = re.compile(
    r"\b(?:quarter|year|month|quartal|jahr|monat|trimestre|année|exercice|mois|año|mes\b|meses|anno)|四半期|年|月|季度",
    re.IGNORECASE,
)
_NEAREST = 90
"""Most characters between a word of rank and the figure that is ranked."""


def ranks(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """Each word of rank whose figure, or whose measure with one member and time, the sentence binds."""
    taken: set[int] = set()
    places = {**evidence.lexicon.mapped("ordinals"), **evidence.lexicon.mapped("places")}
    extremes = (("highest", 1), ("lowest", -1), ("peaked", 1), ("bottomed", -1))
    named = [(evidence.lexicon.pattern(key), sign) for key, sign in extremes]
    # `le plus arrosé`, `the most populous`: any adjective, where it is not one of the few that mean little.
    formed = [(pattern, sign) for key, sign in (("most", 1), ("least", -1)) if (pattern := _superlative(evidence, key))]
    for pattern, sign in (*named, *formed):
        for match in pattern.finditer(sentence.text):
            if taken & set(range(match.start(), match.end())):
                continue
            if match[0].casefold() in (
                "most",
                "least",
                "top",
                "maximum",
                "minimum",
                "record",
                "peak",
                "bottom",
            ) and not re.match(r"(?:record|peak)", match[0], re.IGNORECASE):
                continue
            if match[0].casefold() == "stärksten" and re.search(r"(?<!\w)am\s+$", sentence.text[: match.start()]):
                continue  # `am stärksten wuchs` ranks the growth
            if _COMPARATIVE.fullmatch(match[0]) and not _ARTICLE.search(sentence.text[: match.start()]):
                continue
            taken |= set(range(match.start(), match.end()))
            bound = _ranked(evidence, sentence, readings, match)
            if bound is None:
                yield from _other_end(evidence, sentence, readings, match, sign)
                continue
            quantity, groups = bound
            if not groups:
                continue
            nth = _LAST_WORD.search(sentence.text, max(0, match.start() - _LONGEST_ORDINAL), match.start())
            place = int(places.get(nth[1].casefold(), 0)) if nth else 0
            nth, place = (nth, place) if place else (None, 1)
            ahead = [
                sum(
                    sign * other.value > sign * quantity.value * (1 + 1e-9 * sign)
                    for other in group
                    if (other.index, other.members) != (quantity.index, quantity.members)
                )
                for group in groups
            ]
            extreme = max(groups[0], key=lambda item: sign * item.value)
            message = f"{quantity.named()} is {exact(quantity.value)}, number {ahead[0] + 1} of {len(groups[0])}; {extreme.named()} is {exact(extreme.value)}"  # noqa: E501
            start = nth.start() if nth else match.start()
            holds = place - 1 in ahead
            if evidence.lexicon.has("judged", match[0]):
                # The best may be the most or the least: what is at either end holds.
                holds = holds or any(len(group) - place == at for group, at in zip(groups, ahead, strict=True))
            yield predicate(sentence, start, match.end(), "rank", holds, message, (quantity, extreme))


def is_superlative(text: str, start: int, end: int) -> bool:
    """Whether `plus`, `más` or `mais` at a place ranks: behind an article, and no `que` after its adjective."""
    return bool(
        _MORE.fullmatch(text[start:end])
        and _ARTICLE.search(text[:start])
        and not re.match(r"\s+\w+\s+(?:que\b|qu['’]|do que\b|di\b|che\b)", text[end:])
    )


_MORE = re.compile(r"plus|moins|más|menos|più|meno|mais", re.IGNORECASE)


def _superlative(evidence: Evidence, key: str) -> re.Pattern[str] | None:
    words = evidence.lexicon.terms(key)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})\s+[^\W\d_]{{3,}}", re.IGNORECASE) if words else None


def _ranked(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]
) -> tuple[Quantity, list[list[Quantity]]] | None:
    """What is ranked, and the groups it may be the first of."""
    reading = _nearest(sentence, readings, match)
    candidate = reading.candidate if reading else None
    if candidate is not None and candidate.operation == "extreme":
        return None  # it was taken for the highest or lowest by that very word
    if candidate is not None and _is_group(candidate):
        return candidate.inputs[0], evidence.slices.siblings(candidate.inputs[0], candidate.operation)
    if (group := _named_group(evidence, sentence, reading)) is not None:
        return group, evidence.slices.siblings(group, "mean")
    quantity = quantity_of(reading) if reading else _named(evidence, sentence) or _told_before(evidence, sentence)
    if quantity is None or quantity.measure < 0:
        return None
    by_time = _is_by_time(evidence, sentence, readings, match)
    groups = []
    section = [as_quantity(evidence, datum, quantity) for datum in evidence.section(quantity)]
    if len(section) > 1 and not by_time:
        groups.append(section)
        members = {option for _, _, of in evidence.view.members_in(sentence.text) for option in of}
        groups += _along_one(section, quantity, members)
        mentioned = [item for item in section if item.members == quantity.members or _mentions(evidence, item)]
        if len(mentioned) > 1:
            groups.append(mentioned)
    if by_time or len(section) < 2:
        groups += _along_time(evidence, quantity)
    return quantity, groups


def _along_one(
    section: Sequence[Quantity], quantity: Quantity, named: set[tuple[str, str]]
) -> Iterator[list[Quantity]]:
    """Of several dimensions, the members of each where a sentence names the others: `the biggest airline at JFK`."""
    if len(quantity.members) < 2 or not set(quantity.members) <= named:
        return
    for dimension, _ in quantity.members:
        fixed = {of for of in quantity.members if of[0] != dimension}
        group = [item for item in section if fixed <= set(item.members)]
        if len(group) > 1:
            yield group


def _nearest(sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]) -> Assessment | None:
    """The verified figure that a word of rank stands nearest to; one behind it goes before one in front of it."""

    def distance(reading: Assessment) -> int:
        numeral = reading.claim.numeral
        # `reached 4.8 million in 1961, its highest level, before it fell to 4.0`: what begins anew is not ranked.
        begins_anew = re.search(r"[,，]\s*[^\W\d_]{3,}", sentence.text[match.end() : numeral.start])
        return abs(numeral.start - match.end()) + (20 if numeral.end < match.start() else 60 if begins_anew else 0)

    def is_parted(reading: Assessment) -> bool:
        numeral = reading.claim.numeral
        return ";" in sentence.text[min(match.end(), numeral.end) : max(match.start(), numeral.start)]

    ranked = [
        reading
        for reading in readings
        if (reading.candidate and quantity_of(reading) is not None and not is_parted(reading))
        and (reading.candidate.operation in ("direct", "definition", "extreme") or _is_group(reading.candidate))
    ]
    nearest = min(ranked, key=distance, default=None)
    if nearest is not None and any(
        distance(reading) < distance(nearest) and reading.claim.numeral.kind == nearest.claim.numeral.kind
        for reading in readings
    ):
        return None  # the figure that is ranked is not borne out
    is_near = nearest is not None and abs(nearest.claim.numeral.start - match.end()) < _NEAREST
    return nearest if is_near else None


def _is_group(candidate: Candidate) -> bool:
    """Whether a figure is the sum, mean or count of a group of rows."""
    item = candidate.inputs[0]
    return candidate.operation in ("sum", "mean", "count") and len(candidate.inputs) == 1 and item.index < 0


def _is_by_time(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]) -> bool:
    """Whether times are ranked: `the highest of the year`, `was highest in 2007`, `peaked`."""
    if any(evidence.lexicon.pattern(key).fullmatch(match[0]) for key in ("peaked", "bottomed")):
        return True
    around = sentence.text[max(0, match.start() - 50) : match.end() + 70]
    for reading in readings:
        around = around.replace(reading.claim.numeral.text, " ")  # in `73.6 years` nothing is of a year
    if _TIME_WORD.search(around):
        return True
    has_article = bool(re.search(r"\bthe\s+(?:\w+\s+)?$", sentence.text[: match.start()], re.IGNORECASE))
    return not has_article and any(
        re.fullmatch(r"\s*(?:in|im|en|em|nel)?\s*", sentence.text[match.end() : ref.start])
        for ref in find_times(sentence.text, lexicon=evidence.lexicon)
        if ref.start >= match.end()
    )


def _along_time(evidence: Evidence, quantity: Quantity) -> Iterator[list[Quantity]]:
    """A series: whole, as far as tables show it or the text speaks of it, and within the year."""
    if quantity.time is None:
        return
    series = [
        as_quantity(evidence, datum, quantity)
        for datum in evidence.view.series[quantity.measure, quantity.members]
        if datum.time and same_length(datum.time, quantity.time)
    ]
    table = {*evidence.learned.column_times.values(), *evidence.learned.row_times.values(), quantity.time}
    written = evidence.written()
    for group in (
        series,
        [item for item in series if item.time in table],
        [item for item in series if item.index in written],
        [item for item in series if item.time and item.time.end.year == quantity.time.end.year],
    ):
        if len(group) > 1:
            yield group


def _named_group(evidence: Evidence, sentence: Sentence, reading: Assessment | None) -> Quantity | None:
    """The mean over the group that the words of a sentence name, where they speak of one; a figure must be it."""
    subject = subject_of(evidence, sentence.text) if evidence.lexicon.has("mean", sentence.text) else None
    if subject is None or len(subject.measures) != 1 or subject.times:
        return None
    (measure,) = subject.measures
    members = reading.claim.members if reading else tuple(options for _, _, options in subject.members)
    if not members or (reading is None and len(members) > 1):
        return None
    group = next(evidence.slices.named(measure, members[0], [None]), None)
    if group is None or not group.members:
        return None
    numeral = reading.claim.numeral if reading else None
    return group.mean if numeral is None or numeral.low <= group.mean.value <= numeral.high else None


def _told_before(evidence: Evidence, sentence: Sentence) -> Quantity | None:
    """The datum of the sentence before that is of the one member which a sentence names without a figure or measure."""
    if evidence.by_group.get(sentence.group) or subject_of(evidence, sentence.text) is not None:
        return None
    members = {option for _, _, of in evidence.view.members_in(sentence.text) for option in of}
    before = evidence.by_group.get((sentence.block, sentence.number - 1), ())
    data = [item for reading in before if (item := quantity_of(reading)) and item.index >= 0]
    of_member = [item for item in data if item.members and set(item.members) & members]
    return of_member[0] if len(of_member) == 1 and len({item.measure for item in data}) == 1 else None


def _other_end(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str], sign: int
) -> Iterator[Predicate]:
    """`the highest was 0.67`, where 0.67 is the lowest of all that the words name: the word is false."""
    neighbours = [
        reading
        for reading in readings
        if reading.verdict in UNVERIFIED and 0 <= reading.claim.numeral.start - match.end() < _NEAREST
    ]
    if not neighbours:
        return
    claim = neighbours[0].claim
    affinity = evidence.view.affinities(claim.words)
    measures = [number for number, value in affinity.items() if value >= NAMED]
    refs = [ref for ref in claim.times if ref.kind not in ("previous", "year_ago")]
    for measure in measures:
        data = [
            own_quantity(evidence, datum)
            for datum in evidence.view.by_measure.get(measure, ())
            if not refs or (datum.time and evidence.calendar.cost(refs[0], datum.time) is not None)
        ]
        if len(data) < _FEWEST:
            continue
        ordered = sorted(data, key=lambda item: (sign * item.value, item.index))
        last, first = ordered[0], ordered[-1]
        if claim.numeral.low <= last.value <= claim.numeral.high and last.value != first.value:
            message = (
                f"{last.named()} is {exact(last.value)}, at the other end; {first.named()} is {exact(first.value)}"
            )
            yield predicate(sentence, match.start(), match.end(), "rank", False, message, (last, first))
            return


_FEWEST = 4
"""Of fewer values the figure at one end tells little of what the word was to be."""


def _mentions(evidence: Evidence, item: Quantity) -> bool:
    return any(
        reading.candidate and any(other.members == item.members for other in reading.candidate.inputs[:1])
        for reading in evidence.readings
    )


def _named(evidence: Evidence, sentence: Sentence) -> Quantity | None:
    """The datum that the words of a sentence without a figure name: one measure, one member or time."""
    view = evidence.view
    words = {word: 1.0 for word, _, _ in concepts(sentence.text)}
    affinity = view.affinities(words)
    best = max(affinity.values(), default=0.0)
    if best < max(NAMED, 0.6):
        return None
    measures = [number for number, value in affinity.items() if value >= best - 0.02]
    members = [options for _, _, options in view.members_in(sentence.text)]
    refs = [
        ref for ref in find_times(sentence.text, lexicon=evidence.lexicon) if ref.kind not in ("previous", "year_ago")
    ]
    fitting = []
    for (measure, of), series in view.series.items():
        if measure not in measures or (members and not any(option in of for option in members[0])):
            continue
        for datum in series:
            cost = 0.0 if not refs else evidence.calendar.cost(refs[0], datum.time) if datum.time else None
            if cost is not None:
                fitting.append((cost, datum.index, datum))
    fitting.sort(key=lambda item: item[:2])
    if not fitting or (
        (refs or members)
        and len(fitting) > 1
        and fitting[1][0] <= fitting[0][0] + 0.05
        and fitting[1][2].value != fitting[0][2].value
    ):
        return None
    if not refs and not members:
        if not re.search(r"latest|most recent|letzte|jüngste|dernier|último|最新", sentence.text, re.IGNORECASE):
            return None
        fitting.sort(key=lambda item: (-item[2].end.toordinal(), item[1]))
    return own_quantity(evidence, fitting[0][2])
