"""Words of direction beside figures: `rose 3 % to 12`, `higher than the 11 of the year before`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainer.checks.calendar import is_before, same_length
from trainer.checks.claims import Sentence
from trainer.checks.concepts import concepts
from trainer.checks.evidence import Assessment, Evidence, exact
from trainer.checks.predicate import Predicate, as_quantity, predicate, quantity_of, value_like
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.ranks import is_superlative
from trainer.checks.times import find_times


def directions(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """Each word of direction that stands beside a figure, or between two."""
    lexicon = evidence.lexicon
    words = [(match, 1) for match in lexicon.own("up").finditer(sentence.text)]
    words += [(match, -1) for match in lexicon.own("down").finditer(sentence.text)]
    verbs = {
        (match.start(), match.end())
        for key in ("verbs_up", "verbs_down")
        for match in lexicon.own(key).finditer(sentence.text)
    }
    taken: set[int] = set()
    for match, sign in sorted(words, key=lambda item: (item[0].start(), -len(item[0][0]))):
        if match.start() in taken or _is_approximation(evidence, sentence, readings, match):
            continue
        if is_superlative(sentence.text, match.start(), match.end()):
            continue
        comparison = _change_beside(evidence, sentence, readings, match)
        if comparison is None:
            comparison = _comparison(evidence, sentence, readings, match, (match.start(), match.end()) in verbs)
        if comparison is None:
            continue
        taken.update(range(match.start(), match.end()))
        change, inputs = comparison
        if not change:
            continue
        holds = (change > 0) == (sign > 0)
        names = " and ".join(f"{item.named()} is {exact(item.value)}" for item in inputs[:2])
        yield predicate(
            sentence, match.start(), match.end(), "direction", holds, f"it went the other way: {names}", inputs
        )


def _is_approximation(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]
) -> bool:
    """Whether `over`, `more than` or `below` only rounds the figure behind it; a year behind it is compared with."""
    text = sentence.text
    digit = re.search(r"\d", text[match.end() :])
    place = match.end() + digit.start() if digit else -1
    is_figure = any(reading.claim.numeral.start <= place < reading.claim.numeral.end for reading in readings)
    if digit and not is_figure and re.match(r"(?:19|20)\d\d\b", text[place:]):
        return False
    after = text[match.end() : match.end() + 16]
    word = match[0].casefold()
    return bool(
        (
            evidence.lexicon.pattern("over").match(text, match.start())
            or evidence.lexicon.pattern("under").match(text, match.start())
        )
        and word not in ("above", "below")
        and re.match(r"\s*(?:(?:than|als|de|que|di|do que)\s+)?(?:[A-Z]{0,3}[$€£¥]\s?|[A-Z]{3}\s)?\d", after)
    ) or bool(
        re.match(
            r"\s+(?:than\s+)?(?:twice|doubled|tripled|quadrupled|half|doppelt|verdoppelt|the(?!\s+[$€£¥]?\d))\b", after
        )
        and word in ("more", "over", "mehr")
    )


def _change_beside(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]
) -> tuple[float, tuple[Quantity, ...]] | None:
    """The signed change that a figure right beside the word states."""
    for reading in readings:
        candidate, numeral = reading.candidate, reading.claim.numeral
        if candidate is None or reading.verdict in ("contradicted", "unsupported"):
            continue
        before = sentence.text[match.end() : numeral.start] if match.end() <= numeral.start else None
        after = sentence.text[numeral.end : match.start()] if numeral.end <= match.start() else None
        gap = before if before is not None else after
        if gap is None or len(gap) > 26 or re.search(r"[.;:()]|\d", gap):
            continue
        if candidate.operation in ("change", "difference", "points", "compound growth", "distance"):
            if before is not None and re.search(r"(?:^|\s)(?:to|auf|à|a|at)\s*$", before):
                continue
            one, other = candidate.inputs[0], candidate.inputs[-1]
            if candidate.operation == "difference" and one.measure != other.measure:
                continue  # of two measures the greater stands first, whichever the sentence is about
            if candidate.operation == "difference" and one.time == other.time:
                if (order := _members_in_order(sentence.text, match, one, other)) is None:
                    continue
                return order[0].value - order[1].value, order
            return candidate.value, candidate.inputs
        if (
            candidate.operation == "direct"
            and numeral.kind in ("percent", "points", "fraction")
            and _is_change(evidence, candidate.inputs[0])
        ):
            return candidate.value, candidate.inputs
    return None


def _members_in_order(
    text: str, match: re.Match[str], one: Quantity, other: Quantity
) -> tuple[Quantity, Quantity] | None:
    """Two members as `Graz was 9.9 above Wien` or `9.9 more in Graz than in Wien` has them; None for another order."""
    places = _place_of(text, one, other), _place_of(text, other, one)
    first, second = sorted(places)
    if first < 0 or match.start() > second:
        return None
    if match.start() < first and not _THAN.search(text, first, second):
        return None
    return (one, other) if first == places[0] else (other, one)


_THAN = re.compile(r"\b(?:than|als|que)\b", re.IGNORECASE)


def _place_of(text: str, quantity: Quantity, other: Quantity) -> int:
    """Where a text names what tells a quantity from another one; -1 where it does not."""
    names = {name for _, name in set(quantity.members) - set(other.members)}
    return max((text.casefold().find(name.casefold()) for name in names), default=-1)


_TO = re.compile(r"(?<!\w)(?:to|auf|à|a|al|para|até|hasta)(?!\w)|へ|至|到|に", re.IGNORECASE)
"""Between two figures: from the one to the other."""
_AND = re.compile(r"\)?,?\s*(?:and|und|et|y|e|but|aber|mais)\s*", re.IGNORECASE)
"""Between a figure and a second comparison of what the sentence began with."""


def _is_change(evidence: Evidence, quantity: Quantity) -> bool:
    return quantity.measure >= 0 and bool(evidence.view.words[quantity.measure] & {"change", "growth", "return"})


def _comparison(  # noqa: C901, PLR0912
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str], is_verb: bool
) -> tuple[float, tuple[Quantity, ...]] | None:
    """The change to the figure that the word leads to: from the one named beside it, else from a year or step before."""  # noqa: E501
    text = sentence.text
    ahead = [reading for reading in readings if reading.claim.numeral.start >= match.end()]
    behind = [reading for reading in readings if reading.claim.numeral.end <= match.start()]
    if ahead:
        first = ahead[0]
        gap = text[match.end() : first.claim.numeral.start]
        quantity = quantity_of(first)
        listed = (
            [item for reading in ahead if (item := quantity_of(reading)) and item.kind == first.candidate.kind]
            if first.candidate
            else []
        )
        if re.fullmatch(r"\s*:\s*", gap) and len(listed) > 1 and len({item.measure for item in listed}) == 1:
            between = text[first.claim.numeral.end : ahead[1].claim.numeral.start]
            if evidence.lexicon.has("versus", between):
                return listed[0].value - listed[1].value, (listed[0], listed[1])  # `rose: 120 after 72`
            return listed[-1].value - listed[0].value, (listed[-1], listed[0])  # `drifted down: 78.4 %, 75.1 %, 74.6 %`
        if quantity is not None and len(gap) < 60 and not re.search(r"[;.]\s", gap):
            if re.search(r"\b(?:above|below|over|under|über|unter|au-dessus|au-dessous)$", match[0], re.IGNORECASE):
                before = [reading for reading in readings if reading.claim.numeral.end <= match.start()]
                first_quantity = quantity_of(before[-1]) if before else None
                if (
                    first_quantity is not None
                    and first_quantity.kind == quantity.kind
                    and match.start() - before[-1].claim.numeral.end < 12
                ):
                    return first_quantity.value - quantity.value, (first_quantity, quantity)
                if before and match.start() - before[-1].claim.numeral.end < 12:
                    return None
                other = _implied(evidence, sentence, match.start(), quantity)
                return (other.value - quantity.value, (other, quantity)) if other else None
            second = quantity_of(ahead[1]) if len(ahead) > 1 else None
            leads = re.search(r"(?:^|\s)(?:to|auf|à|a|hasta)\s*(?:about\s+|rund\s+)?$", gap)
            starts = re.search(r"(?:^|\s)(?:from|von|de|desde|da|dal)\s*(?:los\s+|the\s+|about\s+|rund\s+)?$", gap)
            if is_verb and second is not None and second.kind == quantity.kind:
                between = text[first.claim.numeral.end : ahead[1].claim.numeral.start]
                if starts and _TO.search(between):
                    return second.value - quantity.value, (second, quantity)
                if (
                    evidence.lexicon.has("versus", between)
                    and not evidence.lexicon.has("than", gap)
                    and len(between) < 30
                    and second.measure == quantity.measure
                    and quantity.measure >= 0
                ):
                    return quantity.value - second.value, (quantity, second)
            if is_verb and starts:
                last = behind[-1] if behind else None
                earlier = quantity_of(last) if last and match.start() - last.claim.numeral.end < 24 else None
                if earlier is not None and earlier.kind == quantity.kind:
                    return earlier.value - quantity.value, (earlier, quantity)
                return None
            if is_verb and (leads or len(gap) < 4):
                return _since_before(evidence, quantity)
    if len(behind) > 1 and _AND.fullmatch(text[behind[-1].claim.numeral.end : match.start()]):
        behind = behind[:1]  # `lower than in 2023 (5.1) and lower than in 2022 (4.0)` is said of the first figure
    one, two = quantity_of(behind[-1]) if behind else None, quantity_of(ahead[0]) if ahead else None
    if one is not None and two is not None and one.kind == two.kind and (one.index != two.index or one.index < 0):
        between = text[match.end() : ahead[0].claim.numeral.start]
        since = text[behind[-1].claim.numeral.end : match.start()]
        is_than = evidence.lexicon.has("versus", between) or evidence.lexicon.has("base", between)
        if is_than and (one.measure == two.measure >= 0 or (len(between) < 24 and len(since) < 24)):
            return one.value - two.value, (one, two)
    if is_verb and not ahead and len(behind) == 2 and one is not None:
        # Where the verb comes last, the figures before it are those at its two times.
        first_quantity = quantity_of(behind[0])
        if first_quantity and first_quantity.kind == one.kind and first_quantity.measure == one.measure:
            pair = sorted((first_quantity, one), key=lambda item: item.time.end.toordinal() if item.time else 0)
            if pair[0].time and pair[1].time and pair[0].time.end < pair[1].time.end:
                return pair[1].value - pair[0].value, (pair[1], pair[0])
    if not is_verb:
        return _ratio_comparison(evidence, sentence, readings, match)
    return None


def _since_before(evidence: Evidence, quantity: Quantity) -> tuple[float, tuple[Quantity, ...]] | None:
    """The change from a year before and from the step before, where both went one way."""
    if quantity.measure < 0 or quantity.time is None:
        return None
    series = [
        datum
        for datum in evidence.view.series[quantity.measure, quantity.members]
        if datum.time and same_length(datum.time, quantity.time)
    ]
    earlier = [datum for datum in series if datum.end < quantity.time.end]
    if not earlier:
        return None
    bases = [datum for datum in earlier if datum.time and is_before(datum.time, quantity.time, years=1)] or earlier[-1:]
    bases = [*bases, earlier[-1]]
    changes = [quantity.value - value_like(base, quantity) for base in bases]
    if all(change > 0 for change in changes) or all(change < 0 for change in changes):
        return changes[0], (quantity, as_quantity(evidence, bases[0], quantity))
    return None


def _implied(evidence: Evidence, sentence: Sentence, end: int, other: Quantity) -> Quantity | None:
    """What stands above or below something: the measure named before the word, else the price."""
    words = {word: 0.9 for word, _, stop in concepts(sentence.text) if stop <= end}
    affinity = evidence.view.affinities(words)
    measures = [number for number, value in affinity.items() if value >= 0.8 and number != other.measure]
    if not measures:
        measures = [number for number, words_of in enumerate(evidence.view.words) if words_of == {"share", "price"}]
    data = [datum for number in measures for datum in evidence.view.series.get((number, other.members), ())]
    same = [datum for datum in data if any(option.kind == other.kind for option in datum.options)]
    if not same or len({round(value_like(datum, other), 6) > other.value for datum in same}) > 1:
        return None
    return as_quantity(evidence, same[-1], other)


def _ratio_comparison(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]
) -> tuple[float, tuple[Quantity, ...]] | None:
    """`a smaller share than in 2024`: the ratio before the word, at the time behind it."""
    before = [reading for reading in readings if reading.claim.numeral.end <= match.start()]
    refs = [ref for ref in find_times(sentence.text, lexicon=evidence.lexicon) if 0 <= ref.start - match.end() < 40]
    if not before or not refs or before[-1].candidate is None or before[-1].verdict not in ("derived", "supported"):
        return None
    candidate = before[-1].candidate
    if any(
        reading.claim.numeral.start > match.end() and reading.claim.numeral.start < refs[0].start
        for reading in readings
    ):
        return None
    other = _at(evidence, candidate, lambda time: evidence.calendar.cost(refs[0], time))
    return (candidate.value - other, candidate.inputs) if other is not None else None


def _at(evidence: Evidence, candidate: Candidate, cost) -> float | None:  # type: ignore[no-untyped-def]
    """A direct value or share at another time."""
    values = []
    for item in candidate.inputs:
        series = evidence.view.series.get((item.measure, item.members), ())
        fitting = sorted(
            (distance, datum.index, datum)
            for datum in series
            if datum.time and same_length(datum.time, item.time) and (distance := cost(datum.time)) is not None
        )
        if not fitting:
            return None
        values.append(value_like(fitting[0][2], item))
    if candidate.operation in ("direct", "definition"):
        return values[0]
    if candidate.operation in ("share", "ratio") and len(values) == 2 and values[1]:
        return values[0] / values[1] * (100 if candidate.operation == "share" else 1)
    return None
