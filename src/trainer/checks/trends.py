"""Words of direction without figures: `fell for the third year in a row`, `rose between 2010 and 2015`, `A is ahead of B`."""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trainer.checks.claims import Sentence
from trainer.checks.evidence import Assessment, Evidence, exact
from trainer.checks.predicate import Predicate, predicate, quantity_of, subject_of
from trainer.checks.quantities import Quantity
from trainer.checks.times import TimeRef

_BEFORE_MEMBER = 24
"""Most characters between a word that compares (`exceeds`, `ahead of`) and the member it compares with."""
_FAR = 60
"""Most characters between a verb of direction and the times it is said of."""


def streaks(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:  # noqa: ARG001
    """`rose for the fourth year in a row` is the fourth step that way; `for four years in a row` at least that many."""
    match = evidence.lexicon.pattern("in_a_row").search(sentence.text)
    verb = _verb(evidence, sentence.text)
    if match is None or verb is None:
        return
    places = {**evidence.lexicon.mapped("ordinals"), **evidence.lexicon.mapped("places")}
    around = sentence.text[max(0, match.start() - 32) : match.end()]
    words = re.findall(r"\w+", around.casefold())
    nth = next((int(places[word]) for word in words if word in places), 0)
    counts = [word.casefold() for word in evidence.lexicon.terms("numbers")]
    count = next((counts.index(word) + 1 for word in words if word in counts), 0)
    subject = subject_of(evidence, sentence.text)
    series = subject.series(evidence) if subject else None
    if series is None or not (nth or count):
        return
    refs = [ref for ref in subject.times if ref.year is not None] if subject else []
    last = _at(evidence, refs[-1], series) if refs else series[-1]
    if last is None:
        return
    steps = [later.value - earlier.value for earlier, later in pairwise(series[: series.index(last) + 1])][::-1]
    sign = verb[1]
    length = next((number for number, step in enumerate(steps) if step * sign <= 0), len(steps))
    if length == len(steps) < max(nth, count):
        return  # what went before the first datum is not in the data
    holds = length == nth if nth else length >= count
    message = f"{last.named()} is step {length} that way"
    yield predicate(sentence, verb[0].start(), match.end(), "direction", holds, message, (last,))


def spans(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """`rose between 2010 and 2015`, `has fallen since 2019`: the values at the two times, where no figure is said."""
    verb = _verb(evidence, sentence.text)
    subject = subject_of(evidence, sentence.text) if verb and not readings else None
    if verb is None or subject is None or evidence.lexicon.pattern("in_a_row").search(sentence.text):
        return
    match, sign = verb
    times = [ref for ref in subject.times if ref.year is not None and abs(ref.start - match.end()) < _FAR]
    since = evidence.lexicon.pattern("since")
    series = subject.series(evidence)
    if series is None or not 1 <= len(times) <= 2 or _ranks_growth(evidence, sentence.text):
        return
    if len(times) == 1 and not since.search(sentence.text[: times[0].start][-8:]):
        return
    earlier = _at(evidence, times[0], series)
    later = _at(evidence, times[1], series) if len(times) == 2 else series[-1]
    if earlier is None or later is None or earlier.index == later.index or earlier.value == later.value:
        return
    if earlier.time and later.time and earlier.time.end > later.time.end:
        earlier, later = later, earlier
    holds = (later.value - earlier.value) * sign > 0
    message = f"{earlier.named()} is {exact(earlier.value)} and {later.named()} is {exact(later.value)}"
    yield predicate(sentence, match.start(), match.end(), "direction", holds, message, (later, earlier))


def comparisons(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """`is higher in A than in B`, `A exceeds B`, `grew faster in A than in B`: two members, where no figure is said."""
    if readings:
        return
    subject = subject_of(evidence, sentence.text)
    if subject is None or len(subject.members) != 2:
        return
    (_, first_end, one), (start, _, two) = subject.members
    word = _comparing(evidence, sentence.text, first_end, start)
    left_series, right_series = subject.series(evidence, one), subject.series(evidence, two)
    if word is None or left_series is None or right_series is None:
        return
    match, sign = word
    times = [ref for ref in subject.times if ref.year is not None]
    at = [(_at(evidence, ref, left_series), _at(evidence, ref, right_series)) for ref in times]
    at = at or [(left_series[-1], right_series[-1])]
    if any(left is None or right is None for left, right in at):
        return
    values = [(left.value, right.value) for left, right in at if left and right]
    if _ranks_growth(evidence, sentence.text):
        (left, right), (left_later, right_later) = values if len(values) == 2 else ((0.0, 0.0), (0.0, 0.0))
        if left <= 0 or right <= 0:
            return
        # What `fell faster` is the smaller ratio.
        falls = -1 if (verb := _verb(evidence, sentence.text)) and verb[1] < 0 else 1
        difference = (left_later / left - right_later / right) * falls
    elif len(values) == 1:
        difference = values[0][0] - values[0][1]
    else:
        return
    first, second = at[-1]
    if difference and first and second:
        message = f"{first.named()} is {exact(first.value)} and {second.named()} is {exact(second.value)}"
        yield predicate(
            sentence, match.start(), match.end(), "direction", difference * sign > 0, message, (first, second)
        )


def surpassings(evidence: Evidence, sentence: Sentence, readings: Sequence[Assessment]) -> Iterator[Predicate]:
    """`A has 39, ahead of B with 28`: two members of one measure, each with its figure."""
    members = evidence.view.members_in(sentence.text)
    for key, sign in (("outdone", 1), ("undone", -1)):
        for match in evidence.lexicon.pattern(key).finditer(sentence.text):
            behind = [item for item in readings if item.claim.numeral.end <= match.start()]
            ahead = [item for item in readings if item.claim.numeral.start >= match.end()]
            one, two = (quantity_of(item[at]) if item else None for item, at in ((behind, -1), (ahead, 0)))
            if one is None or two is None or one.measure != two.measure or one.measure < 0 or one.kind != two.kind:
                continue
            named = [
                of for start, _, of in members if match.end() <= start < ahead[0].claim.numeral.end + _BEFORE_MEMBER
            ]
            if one.members == two.members or not named or not set(named[0]) & set(two.members):
                continue
            difference = (one.value - two.value) * sign
            if difference:
                message = f"{one.named()} is {exact(one.value)} and {two.named()} is {exact(two.value)}"
                yield predicate(sentence, match.start(), match.end(), "direction", difference > 0, message, (one, two))


def _verb(evidence: Evidence, text: str) -> tuple[re.Match[str], int] | None:
    """The one verb of direction of a sentence, with its sign; none where there are two."""
    verbs = [
        (match, sign)
        for key, sign in (("verbs_up", 1), ("verbs_down", -1))
        for match in evidence.lexicon.own(key).finditer(text)
    ]
    return verbs[0] if len(verbs) == 1 else None


def _comparing(evidence: Evidence, text: str, first_end: int, second_start: int) -> tuple[re.Match[str], int] | None:
    """The word that compares the first of two members with the second, with its sign."""
    words = [
        (match, sign)
        for key, sign in (("outdone", 1), ("undone", -1))
        for match in evidence.lexicon.pattern(key).finditer(text[:second_start])
        if match.start() >= first_end and second_start - match.end() < _BEFORE_MEMBER
    ]
    if words:
        return words[0]
    than = list(evidence.lexicon.pattern("than").finditer(text[:second_start]))
    if not than or second_start - than[-1].end() > _BEFORE_MEMBER:
        return None
    words = [
        (match, sign)
        for key, sign in (("up", 1), ("down", -1))
        for match in evidence.lexicon.own(key).finditer(text[: than[-1].start()])
        if not evidence.lexicon.own("verbs_up" if sign > 0 else "verbs_down").fullmatch(match[0])
        or match[0].casefold() in ("higher", "lower")
    ]
    return words[-1] if words else None


def _ranks_growth(evidence: Evidence, text: str) -> bool:
    """Whether a sentence compares how fast things grew."""
    return evidence.lexicon.has("faster", text)


def _at(evidence: Evidence, ref: TimeRef, series: Sequence[Quantity]) -> Quantity | None:
    """What a series is at a time that is named."""
    costs = [
        (cost, -item.time.end.toordinal(), item)
        for item in series
        if item.time and (cost := evidence.calendar.cost(ref, item.time)) is not None
    ]
    return min(costs, key=lambda entry: entry[:2])[2] if costs else None
