"""What a service's refusals teach: how many requests it takes, and whether it counts them in windows or drops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import takewhile

WINDOW = 1.04
"""Seconds in which a learnt number of requests is sent: a second, and what messages may be late by."""

_FIRST_SECOND = 0.95
"""Seconds from the first request in which questions may be refused."""
_SHORTEST = 0.3
"""Seconds a lesson lasts at least where questions are asked."""
_CLOSEST = 0.001
"""Seconds between two questions at least."""
_STALL = 0.08
"""Seconds by which a busy machine may delay a refusal."""
_FINEST = 0.08
"""Share of the time gone by that lies between two pairs of questions: what a measured rate may be off by."""
_ENOUGH = 10
"""Requests taken that give a rate to within a few parts in a hundred."""
_STEP = 2.0
"""By what a rate that was not measured is multiplied at first."""
_CLOSE = 0.6
"""A time too short by no more than this makes a rate a measured one."""
_MEET = 0.97
"""A time too short by so little more is taken for the shortest that is enough."""
_BRIEFEST = 0.1
"""Seconds in which a rate is measured at least: less, and messages that are late by a millisecond would spoil it."""
_LATE = 0.02
"""Seconds a request may make up for: a bucket that was asked for so long holds as much when a lesson is over."""


Answers = dict[float, bool]
"""Whether a question was refused, by the moment it was sent; in that order."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a service takes: so many in any window of seconds, or one after another evenly."""

    requests: int
    seconds: float
    """Length of the window; with one request, the least time between two."""
    late: float = 0.0
    """Seconds by which a request may follow its predecessor sooner because that one was late."""
    step: float = 1.0
    """Above 1 where it was not measured but is surely kept: by what it is soon multiplied to find the real one."""

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def times(self, factor: float) -> Rate:
        """The same rate by another measure: whole requests in the same window, or another time between two."""
        if self.requests == 1:
            return Rate(1, self.seconds / factor, self.late)
        requests = math.ceil(self.requests * factor) if factor > 1 else math.floor(self.requests * factor)
        return Rate(max(1, requests), self.seconds, self.late)


@dataclass(slots=True)
class Lesson:
    """What is learnt from a first refusal until the end of the first second.

    Refused requests that may try again come back as questions. A service that counts in windows takes none of them
    until its window moves on; then the requests before the refusal are its rate. A bucket that is filled drop by
    drop takes some of them; then what it takes in a time is its rate. One that holds a single drop is asked between
    the longest time that was too short and the shortest that was enough, until the two meet.
    """

    began: float
    since: float
    """A second before the refused request was sent."""
    first: float
    """The moment of the first request of all."""
    sent: int = 0
    """Requests since then, until the refusal came."""
    refused: int = 0
    """How many of them were refused."""
    delay: float = math.inf
    """Seconds a refusal takes to come: the longest of a question's; before, the shortest of the first requests'."""
    questions: Answers = field(default_factory=dict)
    told_to_wait: float = 0.0
    """Longest wait in seconds that the service named: nothing is asked until it is over."""
    silence: float = 0.0
    """Seconds of silence instead of questions, where a rate is known and only too high."""

    @property
    def ends(self) -> float:
        """When all questions are asked and answered."""
        if self.is_silent:
            return self.began + (self.silence or WINDOW)
        return self._last_question + self._lag

    @property
    def is_silent(self) -> bool:
        """Whether nothing is asked."""
        return self.silence > 0 or self.told_to_wait > 0

    @property
    def taken(self) -> int:
        """How many of the requests before the refusal were taken."""
        return max(1, self.sent - self.refused)

    def next_question(self) -> float:
        """When the next question may be sent; infinity where none is due."""
        opens = self._after_a_drop() if self.taken <= 1 else self._further_apart()
        return math.inf if self.is_silent or opens > self._last_question else opens

    def ask(self, moment: float) -> None:
        """Note a question that is sent."""
        self.questions[moment] = False

    def refuse(self, entered: float, now: float, retry_after: float | None) -> None:
        """Note a refusal."""
        self._note_delay(now - entered, is_first=entered not in self.questions)
        self.told_to_wait = max(self.told_to_wait, retry_after or 0.0)
        if entered in self.questions:
            self.questions[entered] = True
        elif self.since <= entered <= self.began:
            self.refused += 1

    def is_over(self, now: float) -> bool:
        """Whether there is nothing more to learn."""
        return now >= self.ends or (not self.is_silent and self._is_clear(self._answered(now)))

    def learn(self, now: float) -> Rate:
        """The rate that the answers show."""
        answered = self._answered(now)
        if self.taken <= 1:
            return self._single_drops(answered)
        return self._drops(answered) or Rate(self.taken, WINDOW)

    @property
    def _last_question(self) -> float:
        return max(self.first + _FIRST_SECOND, self.began + _BRIEFEST)

    @property
    def _lag(self) -> float:
        return _STALL + 2 * self.delay

    def _answered(self, now: float) -> Answers:
        """The questions that would have been refused by now, were they to be refused."""
        return {sent: refused for sent, refused in self.questions.items() if sent <= now - self._lag}

    def _note_delay(self, seconds: float, *, is_first: bool) -> None:
        """Note what a refusal took; those of a first burst also waited for their connections."""
        if is_first and any(self.questions.values()):
            return
        answered = any(self.questions.values())
        self.delay = max(self.delay, seconds) if answered and not is_first else min(self.delay, seconds)

    def _further_apart(self) -> float:
        """The next of pairs of questions that are ever farther apart, in the measure of the time gone by."""
        last = max(self.questions, default=self.began)
        if len(self.questions) % 2:
            return last + _CLOSEST  # of a pair, an open window takes both and a drop suffices for one
        # Each refused request asks twice at most; they are to last until the end.
        share = max(_FINEST, min(0.5, 9 / max(1, self.refused)))
        return last + max(_CLOSEST, share * (last - self.began))

    def _after_a_drop(self) -> float:
        """The next question once the last is answered: halfway between too soon and soon enough."""
        too_short, enough = _distances(self.questions, self.began)
        last = max(self.questions, default=self.began)
        since = max(_taken(self.questions), default=self.began)
        if enough < math.inf:
            halfway = (too_short + enough) / 2 if too_short < _MEET * enough else 1.02 * max(too_short, enough)
            opens = since + (halfway if last == since else max(enough, 1.02 * too_short))
        else:
            opens = since + too_short if last == since else last + 0.5 * (last - since)
        return max(opens, last + 2 * self.delay + _CLOSEST)

    def _is_clear(self, answers: Answers) -> bool:
        """Whether a rate is measured, or so many were taken in a row that a window has moved on."""
        if max(answers, default=self.began) - self.began < _BRIEFEST:
            return False
        if self.taken <= 1:
            too_short, enough = _distances(answers, self.began)
            return too_short >= _MEET * enough
        row = list(takewhile(lambda refused: not refused, reversed(answers.values())))
        return len(row) >= 3 or len(_taken(answers)) >= _ENOUGH

    def _single_drops(self, answers: Answers) -> Rate:
        """The rate of a service that took one request of many."""
        too_short, enough = _distances(answers, self.began)
        if 0 < self.told_to_wait < 1:
            return Rate(1, 1.02 * self.told_to_wait)
        if enough == math.inf:
            return Rate(1, WINDOW, step=_STEP)
        return Rate(1, 1.04 * max(too_short, enough), step=1.0 if too_short > _CLOSE * enough else _STEP)

    def _drops(self, answers: Answers) -> Rate | None:
        """The rate of a bucket, where questions were taken one by one among refused ones; never more than its own."""
        taken = _taken(answers)
        if len(taken) < 2:
            return None
        between = [moment for moment in answers if taken[0] <= moment <= taken[-1]]
        if len(between) == len(taken):
            return None
        earliest = max((moment for moment in answers if moment < taken[0]), default=self.began)
        apart = (taken[-1] - earliest) / (len(taken) - 1)
        too_short, _ = _distances(answers, self.began)
        if too_short > 1.1 * apart:
            return None  # a window that moved on while questions overtook each other
        # A bucket usually holds what it is filled with in a second: taken for the rate where the answers allow it.
        usual = (1 + min(1.0, self.began - self.first)) / self.taken
        return Rate(1, 1.03 * (usual if too_short <= usual <= apart else apart), _LATE)


def _distances(answers: Answers, began: float) -> tuple[float, float]:
    """The longest time after a taken request that was too short for another, and the shortest that was enough."""
    too_short, enough = 0.0, math.inf
    since, is_question = began, False
    for moment, refused in answers.items():
        if refused:
            too_short = max(too_short, moment - since)
        else:
            enough = min(enough, moment - since) if is_question else enough
            since, is_question = moment, True
    return too_short, enough


def _taken(answers: Answers) -> list[float]:
    return [moment for moment, refused in answers.items() if not refused]
