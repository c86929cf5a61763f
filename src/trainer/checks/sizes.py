"""Words of size: doubled, three times, half."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainer.checks.calendar import is_before, same_length
from trainer.checks.claims import Sentence
from trainer.checks.concepts import concepts
from trainer.checks.evidence import Assessment, Evidence
from trainer.checks.predicate import Predicate, as_quantity, own_quantity, predicate, quantity_of
from trainer.checks.quantities import Quantity
from trainer.checks.times import find_times


def sizes(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """Each word of size whose two values the sentence binds."""
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
        yield predicate(sentence, match.start(), match.end(), "size", holds, message, pair)


def _pair(
    evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment], match: re.Match[str]
) -> tuple[Quantity, Quantity] | None:
    quantities = [
        (reading.claim.numeral.start, quantity)
        for reading in readings
        if (quantity := quantity_of(reading)) is not None
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
    beside = (after or before)[:1]
    leads = after and re.match(r"\s*(?:to|auf|à|a)\s", sentence.text[match.end() :])
    if beside and (leads or before):
        later = beside[0]
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
    return (later, as_quantity(evidence, fitting[0], later)) if fitting else None


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
                    return as_quantity(evidence, datum, own)
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
    return own_quantity(evidence, max(data, key=lambda item: (item.end, item.index)))
