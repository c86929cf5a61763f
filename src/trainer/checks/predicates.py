"""What a text says in words of direction, rank and size, held against the data that its figures and names bind.

Each is reported at the word itself. Nothing is said where the words do not bind what is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.checks.calendar import is_before, same_length
from trainer.checks.claims import Sentence
from trainer.checks.concepts import concepts
from trainer.checks.evidence import Evidence, Reading, exact
from trainer.checks.quantities import Candidate, Quantity
from trainer.checks.thresholds import NAMED
from trainer.checks.times import find_times
from trainer.checks.view import Datum

PredicateKind = Literal["direction", "rank", "size"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A word of direction, rank or size, and whether the data bears it out."""

    line: int
    column: int
    text: str
    kind: PredicateKind
    holds: bool
    message: str
    inputs: tuple[Quantity, ...] = ()


def check_predicates(evidence: Evidence, sentences: Sequence[Sentence]) -> Iterator[Predicate]:
    """Every predicate of the sentences that binds data, with whether it holds."""
    by_group: dict[tuple[int, ...], list[Reading]] = {}
    for reading in evidence.readings:
        if not reading.claim.is_cell:
            by_group.setdefault(reading.claim.group, []).append(reading)
    for sentence in sentences:
        readings = by_group.get(sentence.group, [])
        yield from _directions(evidence, sentence, readings)
        yield from _ranks(evidence, sentence, readings)
        yield from _sizes(evidence, sentence, readings)


def _predicate(  # noqa: PLR0917
    sentence: Sentence,
    start: int,
    end: int,
    kind: PredicateKind,
    holds: bool,
    message: str,
    inputs: tuple[Quantity, ...],
) -> Predicate:
    line, column = sentence.place(start)
    return Predicate(line, column, sentence.text[start:end], kind, holds, "" if holds else message, inputs)


# Direction.


def _directions(evidence: Evidence, sentence: Sentence, readings: Sequence[Reading]) -> Iterator[Predicate]:
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
        if match.start() in taken or _is_approximation(evidence, sentence.text, match):
            continue
        found = _change_beside(evidence, sentence, readings, match)
        if found is None:
            found = _comparison(evidence, sentence, readings, match, (match.start(), match.end()) in verbs)
        if found is None:
            continue
        taken.update(range(match.start(), match.end()))
        change, inputs = found
        if not change:
            continue
        holds = (change > 0) == (sign > 0)
        names = " and ".join(f"{item.named()} is {exact(item.value)}" for item in inputs[:2])
        yield _predicate(
            sentence, match.start(), match.end(), "direction", holds, f"it went the other way: {names}", inputs
        )


def _is_approximation(evidence: Evidence, text: str, match: re.Match[str]) -> bool:
    """Whether `over`, `more than` or `below` only rounds the figure behind it."""
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
        re.match(r"\s+(?:than\s+)?(?:twice|doubled|tripled|quadrupled|half|doppelt|verdoppelt|the)\b", after)
        and word in ("more", "over", "mehr")
    )


def _change_beside(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Reading], match: re.Match[str]
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
            return candidate.value, candidate.inputs
        if (
            candidate.operation == "direct"
            and numeral.kind in ("percent", "points", "fraction")
            and _is_change(evidence, candidate.inputs[0])
        ):
            return candidate.value, candidate.inputs
    return None


_TO = re.compile(r"(?<!\w)(?:to|auf|à|a|al|para|até|hasta)(?!\w)|へ|至|到|に", re.IGNORECASE)
"""Between two figures: from the one to the other."""


def _is_change(evidence: Evidence, quantity: Quantity) -> bool:
    return quantity.measure >= 0 and bool(evidence.view.words[quantity.measure] & {"change", "growth", "return"})


def _comparison(  # noqa: C901, PLR0912
    evidence: Evidence, sentence: Sentence, readings: Sequence[Reading], match: re.Match[str], is_verb: bool
) -> tuple[float, tuple[Quantity, ...]] | None:
    """The change to the figure that the word leads to: from the one named beside it, else from a year or step before."""  # noqa: E501
    text = sentence.text
    ahead = [reading for reading in readings if reading.claim.numeral.start >= match.end()]
    behind = [reading for reading in readings if reading.claim.numeral.end <= match.start()]
    if ahead:
        first = ahead[0]
        gap = text[match.end() : first.claim.numeral.start]
        quantity = _quantity(first)
        listed = (
            [item for reading in ahead if (item := _quantity(reading)) and item.kind == first.candidate.kind]
            if first.candidate
            else []
        )
        if re.fullmatch(r"\s*:\s*", gap) and len(listed) > 1 and len({item.measure for item in listed}) == 1:
            return listed[-1].value - listed[0].value, (listed[-1], listed[0])  # `drifted down: 78.4 %, 75.1 %, 74.6 %`
        if quantity is not None and len(gap) < 60 and not re.search(r"[;.]\s", gap):
            if re.search(r"\b(?:above|below|over|under|über|unter|au-dessus|au-dessous)$", match[0], re.IGNORECASE):
                before = [reading for reading in readings if reading.claim.numeral.end <= match.start()]
                first_quantity = _quantity(before[-1]) if before else None
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
            second = _quantity(ahead[1]) if len(ahead) > 1 else None
            leads = re.search(r"(?:^|\s)(?:to|auf|à|a|hasta)\s*(?:about\s+|rund\s+)?$", gap)
            starts = re.search(r"(?:^|\s)(?:from|von|de|desde|da|dal)\s*(?:los\s+|the\s+|about\s+|rund\s+)?$", gap)
            if is_verb and second is not None and second.kind == quantity.kind:
                between = text[first.claim.numeral.end : ahead[1].claim.numeral.start]
                if starts and _TO.search(between):
                    return second.value - quantity.value, (second, quantity)
                if (
                    evidence.lexicon.has("versus", between)
                    and len(between) < 30
                    and second.measure == quantity.measure
                    and quantity.measure >= 0
                ):
                    return quantity.value - second.value, (quantity, second)
            if is_verb and starts:
                last = behind[-1] if behind else None
                earlier = _quantity(last) if last and match.start() - last.claim.numeral.end < 24 else None
                if earlier is not None and earlier.kind == quantity.kind:
                    return earlier.value - quantity.value, (earlier, quantity)
                return None
            if is_verb and (leads or len(gap) < 4):
                return _since_before(evidence, quantity)
    one, two = _quantity(behind[-1]) if behind else None, _quantity(ahead[0]) if ahead else None
    if one is not None and two is not None and one.kind == two.kind and (one.index != two.index or one.index < 0):
        between = text[match.end() : ahead[0].claim.numeral.start]
        since = text[behind[-1].claim.numeral.end : match.start()]
        is_than = evidence.lexicon.has("versus", between) or evidence.lexicon.has("base", between)
        if is_than and (one.measure == two.measure >= 0 or (len(between) < 24 and len(since) < 24)):
            return one.value - two.value, (one, two)
    if is_verb and not ahead and len(behind) == 2 and one is not None:
        # Where the verb comes last, the figures before it are those at its two times.
        first_quantity = _quantity(behind[0])
        if first_quantity and first_quantity.kind == one.kind and first_quantity.measure == one.measure:
            pair = sorted((first_quantity, one), key=lambda item: item.time.end.toordinal() if item.time else 0)
            if pair[0].time and pair[1].time and pair[0].time.end < pair[1].time.end:
                return pair[1].value - pair[0].value, (pair[1], pair[0])
    if not is_verb:
        return _ratio_comparison(evidence, sentence, readings, match)
    return None


def _quantity(reading: Reading) -> Quantity | None:
    if reading.candidate is None or reading.verdict in ("contradicted", "unsupported"):
        return None
    if reading.candidate.operation in ("direct", "definition"):
        return reading.candidate.inputs[0]
    candidate = reading.candidate
    return Quantity(
        candidate.value,
        candidate.kind,
        candidate.symbol,
        -1,
        candidate.inputs[0].members,
        candidate.later,
        reading.claim.numeral.text,
        "",
    )


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
    changes = [quantity.value - _value(base, quantity) for base in bases]
    if all(change > 0 for change in changes) or all(change < 0 for change in changes):
        return changes[0], (quantity, _as_quantity(evidence, bases[0], quantity))
    return None


def _value(datum: Datum, like: Quantity) -> float:
    return next(
        (option.value for option in datum.options if (option.kind, option.symbol) == (like.kind, like.symbol)),
        datum.options[0].value,
    )


def _as_quantity(evidence: Evidence, datum: Datum, like: Quantity) -> Quantity:
    return Quantity(
        _value(datum, like),
        like.kind,
        like.symbol,
        datum.measure,
        datum.members,
        datum.time,
        evidence.view.titles[datum.measure],
        datum.source,
        index=datum.index,
    )


def _implied(evidence: Evidence, sentence: Sentence, end: int, other: Quantity) -> Quantity | None:
    """What stands above or below something: the measure named before the word, else the price."""
    words = {word: 0.9 for word, _, stop in concepts(sentence.text) if stop <= end}
    affinity = evidence.view.affinities(words)
    measures = [number for number, value in affinity.items() if value >= 0.8 and number != other.measure]
    if not measures:
        measures = [number for number, words_of in enumerate(evidence.view.words) if words_of == {"share", "price"}]
    data = [datum for number in measures for datum in evidence.view.series.get((number, other.members), ())]
    same = [datum for datum in data if any(option.kind == other.kind for option in datum.options)]
    if not same or len({round(_value(datum, other), 6) > other.value for datum in same}) > 1:
        return None
    return _as_quantity(evidence, same[-1], other)


def _ratio_comparison(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Reading], match: re.Match[str]
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
            (found, datum.index, datum)
            for datum in series
            if datum.time and same_length(datum.time, item.time) and (found := cost(datum.time)) is not None
        )
        if not fitting:
            return None
        values.append(_value(fitting[0][2], item))
    if candidate.operation in ("direct", "definition"):
        return values[0]
    if candidate.operation in ("share", "ratio") and len(values) == 2 and values[1]:
        return values[0] / values[1] * (100 if candidate.operation == "share" else 1)
    return None


# Rank.

_COMPARATIVE = re.compile(
    r"mayor|menor|mejor|peor|maggiore|minore|migliore|peggiore|meilleure?s?|pire|maior|melhor|pior|(?:plus|moins|más|menos|più|meno|mais)\s+\w+",
    re.IGNORECASE,
)
"""Words that say more or most, by whether an article stands before them."""
_ARTICLE = re.compile(
    r"(?<!\w)(?:el|la|los|las|lo|il|i|le|gli|les|l['’]|o|a|os|as|su|sus|son|sa|ses|seu|sua)\s*(?:\w+\s+)?$",
    re.IGNORECASE,
)


def _ranks(evidence: Evidence, sentence: Sentence, readings: Sequence[Reading]) -> Iterator[Predicate]:
    taken: set[int] = set()
    named = [(evidence.lexicon.pattern(key), sign) for key, sign in (("highest", 1), ("lowest", -1))]
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
                continue
            quantity, groups = bound
            if not groups:
                continue
            nth = re.search(
                rf"({evidence.lexicon.pattern('ordinals').pattern})[\s-]+$",
                sentence.text[: match.start()],
                re.IGNORECASE,
            )
            place = int(evidence.lexicon.mapped("ordinals").get(nth[1].casefold(), 1)) if nth else 1
            ahead = [
                sum(
                    sign * other.value > sign * quantity.value * (1 + 1e-9 * sign)
                    for other in group
                    if other.index != quantity.index
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
            yield _predicate(sentence, start, match.end(), "rank", holds, message, (quantity, extreme))


def _superlative(evidence: Evidence, key: str) -> re.Pattern[str] | None:
    words = evidence.lexicon.terms(key)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})\s+[^\W\d_]{{3,}}", re.IGNORECASE) if words else None


def _ranked(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Reading], match: re.Match[str]
) -> tuple[Quantity, list[list[Quantity]]] | None:
    """What is ranked, and the groups it may be the first of."""
    near = sorted(
        (
            reading
            for reading in readings
            if _quantity(reading) is not None
            and reading.candidate
            and reading.candidate.operation in ("direct", "definition")
        ),
        key=lambda reading: (
            abs(reading.claim.numeral.start - match.end()) + (20 if reading.claim.numeral.end < match.start() else 0)
        ),
    )
    near = [
        reading
        for reading in near
        if not re.search(
            r"[;]",
            sentence.text[
                min(match.end(), reading.claim.numeral.end) : max(match.start(), reading.claim.numeral.start)
            ],
        )
    ]
    quantity = (
        _quantity(near[0])
        if near and abs(near[0].claim.numeral.start - match.end()) < 90
        else _named(evidence, sentence, match)
    )
    if quantity is None or quantity.measure < 0:
        return None
    around = sentence.text[max(0, match.start() - 50) : match.end() + 70]
    for reading in readings:
        around = around.replace(reading.claim.numeral.text, " ")  # in `73.6 years` nothing is of a year
    by_time = bool(
        re.search(
            r"\b(?:quarter|year|month|quartal|jahr|monat|trimestre|année|exercice|mois|año|mes\b|meses|anno)|四半期|年|月|季度",
            around,
            re.IGNORECASE,
        )
    )
    groups = []
    section = [_as_quantity(evidence, datum, quantity) for datum in evidence.section(quantity)]
    if len(section) > 1 and not by_time:
        groups.append(section)
        mentioned = [item for item in section if item.members == quantity.members or _mentions(evidence, item)]
        if len(mentioned) > 1:
            groups.append(mentioned)
    if quantity.time is not None:
        series = [
            _as_quantity(evidence, datum, quantity)
            for datum in evidence.view.series[quantity.measure, quantity.members]
            if datum.time and same_length(datum.time, quantity.time)
        ]
        if len(series) > 1 and (by_time or len(section) < 2):
            groups.append(series)
            table = set(evidence.learned.column_times.values()) | set(evidence.learned.row_times.values())
            shown = [item for item in series if item.time in table or item.time == quantity.time]
            if len(shown) > 1:
                groups.append(shown)
            written = [item for item in series if item.index in evidence.written()]
            if len(written) > 1:
                groups.append(written)
            year = [item for item in series if item.time and item.time.end.year == quantity.time.end.year]
            if len(year) > 1:
                groups.append(year)
    return quantity, groups


def _mentions(evidence: Evidence, item: Quantity) -> bool:
    return any(
        reading.candidate and any(other.members == item.members for other in reading.candidate.inputs[:1])
        for reading in evidence.readings
    )


def _named(evidence: Evidence, sentence: Sentence, match: re.Match[str]) -> Quantity | None:  # noqa: ARG001
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
    datum = fitting[0][2]
    option = datum.options[0]
    return Quantity(
        option.value,
        option.kind,
        option.symbol,
        datum.measure,
        datum.members,
        datum.time,
        view.titles[datum.measure],
        datum.source,
        index=datum.index,
    )


# Size: doubled, three times, half.


def _sizes(evidence: Evidence, sentence: Sentence, readings: Sequence[Reading]) -> Iterator[Predicate]:
    lexicon = evidence.lexicon
    grew = lexicon.mapped("grew_by")
    pattern = re.compile(
        rf"(?:(?P<over>{lexicon.pattern('over').pattern})\s+|(?P<under>{lexicon.pattern('under').pattern})\s+|(?P<about>{lexicon.pattern('about').pattern})\s+)?(?P<word>{lexicon.pattern('grew_by').pattern}|(?P<count>two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s+times)",
        re.IGNORECASE,
    )
    counts = {
        word: number
        for number, word in enumerate(
            ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 2
        )
    }
    for match in pattern.finditer(sentence.text):
        factor = (
            float(counts[match["count"].casefold()])
            if match["count"]
            else grew.get(re.sub(r"\s+", " ", match["word"].casefold()), 0.0)
        )
        after = sentence.text[match.end() :]
        if match["word"].casefold() in ("twice", "double", "doppelt", "double", "doble", "doppio") and not re.match(
            r"\s+(?:the\s+(?!next)|its|their|that|those|what|as\s+(?:much|high|large|many|big)\s+as|so|last|du|de|le|la|el)\b",
            after,
            re.IGNORECASE,
        ):
            continue
        pair = _pair(evidence, sentence, readings, match)
        if not factor or pair is None or not pair[1].value:
            continue
        ratio = pair[0].value / pair[1].value
        if match["over"]:
            holds = ratio >= factor * 0.999
            # `more than doubled` of what went up fivefold would be said otherwise.
            holds = holds and ratio < 2.2 * factor
        elif match["under"]:
            holds = 0.8 * factor <= ratio <= factor * 1.001
        else:
            holds = abs(ratio - factor) <= 0.13 * factor
        message = f"{pair[0].named()} is {ratio:.3g} times {pair[1].named()}"
        yield _predicate(sentence, match.start(), match.end(), "size", holds, message, pair)


def _pair(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Reading], match: re.Match[str]
) -> tuple[Quantity, Quantity] | None:
    quantities = [
        (reading.claim.numeral.start, quantity)
        for reading in readings
        if (quantity := _quantity(reading)) is not None
        and quantity.kind not in ("percent", "points")
        and quantity.measure >= 0
    ]
    before = [quantity for start, quantity in quantities if start < match.start()]
    after = [quantity for start, quantity in quantities if start >= match.end()]
    if before and after and before[0].kind == after[0].kind:
        return before[0], after[0]
    other = _other_measure(evidence, sentence, before, match)
    if other is not None:
        return before[-1], other
    refs = list(find_times(sentence.text, lexicon=evidence.lexicon))
    base = [ref for ref in refs if ref.kind not in ("previous", "year_ago")]
    known = (after or before)[:1]
    leads = after and re.match(r"\s*(?:to|auf|à|a)\s", sentence.text[match.end() :])
    if known and (leads or before):
        later = known[0]
    else:
        # `doubled` is of one thing at two times; `twice` and `three times` need what they are times of.
        subject = (
            _subject(evidence, sentence, match)
            if not match["count"] and match["word"].casefold() not in ("twice", "double", "doppelt")
            else None
        )
        if subject is None:
            return None
        later = subject
    if later.time is None:
        return None
    series = [
        datum
        for datum in evidence.view.series[later.measure, later.members]
        if datum.time and same_length(datum.time, later.time) and datum.end < later.time.end
    ]
    fitting = [
        datum
        for ref in base
        for datum in series
        if datum.time
        and evidence.calendar.cost(ref, datum.time) is not None
        and evidence.calendar.cost(ref, later.time) is None
    ]
    if not fitting:
        fitting = [datum for datum in series if datum.time and is_before(datum.time, later.time, years=1)] or series[
            -1:
        ]
    return (later, _as_quantity(evidence, fitting[0], later)) if fitting else None


def _other_measure(
    evidence: Evidence, sentence: Sentence, before: Sequence[Quantity], match: re.Match[str]
) -> Quantity | None:
    """The measure that is named behind the word, where the figure before it is another's: `eleven times its net income`."""  # noqa: E501
    if not before:
        return None
    own = before[-1]
    words = {word: 1.0 for word, start, _ in concepts(sentence.text) if match.end() <= start <= match.end() + 40}
    for number, value in sorted(evidence.view.affinities(words).items(), key=lambda item: -item[1]):
        if value >= 0.8 and number != own.measure:
            for datum in evidence.view.series.get((number, own.members), ()):
                if datum.time == own.time or datum.time is None:
                    return _as_quantity(evidence, datum, own)
    return None


def _subject(evidence: Evidence, sentence: Sentence, match: re.Match[str]) -> Quantity | None:
    """The latest datum of the one measure that is named before the word."""
    words = {word: 1.0 for word, _, end in concepts(sentence.text) if end <= match.start()}
    affinity = evidence.view.affinities(words)
    best = max(affinity.values(), default=0.0)
    if best < 0.8:
        return None
    data = [
        datum
        for number, value in affinity.items()
        if value >= best - 0.02
        for (measure, _), series in evidence.view.series.items()
        if measure == number
        for datum in series[-1:]
    ]
    if len({datum.members for datum in data}) != 1:
        return None
    datum = max(data, key=lambda item: (item.end, item.index))
    option = datum.options[0]
    return Quantity(
        option.value,
        option.kind,
        option.symbol,
        datum.measure,
        datum.members,
        datum.time,
        evidence.view.titles[datum.measure],
        datum.source,
        index=datum.index,
    )
