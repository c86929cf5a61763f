"""Every number that decides a verdict, each with its reason."""

from __future__ import annotations

CHANCE = 0.02
"""The most accidental hits to expect among all readings as plausible as the one that hits: one false figure in fifty is
accepted by accident, the share at which readers still trust a mark."""

DERIVED_CHANCE = 0.1
"""The same for arithmetic whose measure, operation and times are named by words: the words themselves speak for it."""

EXACT_CHANCE = 0.08
"""The same for four digits of a measure that is among the likeliest: four exact digits prove a value, and a few hundred data
in its decade raise the count of accidents, not their likelihood at the place that is named."""  # noqa: E501

SUBJECT = 0.6
"""From this share of its telling words on, a measure is what a sentence without a figure speaks of."""

DECADE = 2.3
"""ln 10: values of one measure spread evenly over a decade (Benford), so a value falls into an interval of relative
width w by accident with probability w / 2.3."""

NAMED = 0.45
"""From this share of its telling words on, a measure counts as named."""

BROKEN = 4.0
"""Added where an asserted member or time is another one: more than all else together, so that it never passes."""

ACCEPTED = 3.2
"""The highest cost at which a reading may support a figure; just under `BROKEN`."""

BETTER = 0.85
"""By how much a reading of the same measure must be likelier to contradict a figure that stands at another time or member;
a whole step of time (last year's in place of this year's) costs 0.9 and more."""  # noqa: E501

FOCUS = 26
"""How many data are tried as inputs of arithmetic: all of one measure's times, or some measures at one."""

UNCALLED = 1.4
"""Above this cost no word calls for the arithmetic; where a sentence names one datum wholly, its figure is that datum or wrong."""  # noqa: E501

SURE = 1.3
"""Up to this cost measure and operation are named, and at most one member or time is left open."""

UNSPOKEN = 2.0
"""What speaks against a change since a time that no word names and that is neither the step nor the year before: of a
long series some pair of times meets nearly any figure."""

OTHER_SUBJECT = 1.2
"""What speaks against a change of another measure than that of the figure just before it (`170.0 billion, up 18.8 %`), and
against a sum over another number of times than is said."""  # noqa: E501

BOUND = 0.8
"""From this share of its telling words on, a measure is bound: another one is then contradicted, not only doubted."""

LIKELY = 1.6
"""Up to this cost a datum goes before a context that says the same."""

BESIDE = 16
"""So many characters at most stand between a figure and the change that is told of it."""

FEW = 4
"""Of data with so few measures a figure may be of any, though no word names it."""

IMPLIED = 0.5
"""What speaks against a share's price where a high, a low or a target of it stands beside a distance in per cent."""

LIMIT_DIGITS = 2
"""Limits are round: `above 70`, `below 7,500`; a figure of three digits behind such a word is a value."""

LIMIT_DISTANCE = 1.25
"""How far beyond a limit a value may lie: nobody writes `above 50` of 80."""
