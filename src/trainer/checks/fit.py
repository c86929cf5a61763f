"""Whether a datum may be what a figure is: by unit, sign, label and time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainer.checks.cues import says_negative
from trainer.checks.datums import Datum
from trainer.checks.mentions import Mention
from trainer.checks.numerals import Numeral
from trainer.checks.periods import Period

STRONG = 0.72
"""From this on a metric counts as named."""
_FAIR = 0.4
_LOSS = re.compile(r"\b(?:net loss(?:es)?|loss(?:es)? of|operating loss|a loss|verlust|perte)\b", re.IGNORECASE)
_NEGATIVE = re.compile(
    r"\b(?:loss(?:es)?|negative|minus|outflow|burn\w*|used|deficit|verlust\w*|negativ\w*|perte\w*"
    r"|négati\w*|lost|down|fell|decline\w*|abfluss|charge|charges|below|miss\w*|drop\w*|decreas\w*"
    r"|shr[aiu]nk|lower|less|rückgang|sank|fiel|gesunken|recul\w*|baisse\w*|moins|tiefer|unter"
    r"|inférieur\w*|gefallen)\b",
    re.IGNORECASE,
)


def coverage(
    tokens: frozenset[str], extra: frozenset[str], near: Mapping[str, float], weights: Mapping[str, float]
) -> float:
    """How fully a datum's name stands near a figure, from 0 to a little over 1 where qualifying words do too."""
    total = sum(weights.get(token, 1.0) for token in tokens)
    if not total:
        return 0.0
    named = sum(weights.get(token, 1.0) * near.get(token, 0.0) for token in tokens)
    bonus = 0.02 * sum(near.get(token, 0.0) for token in extra)
    return named / total + bonus


def accepts(score: float, best: float, mention: Mention) -> bool:
    """Whether a datum with the right value may be what the figure is, though another is better named."""
    written = mention.numeral
    if written.kind == "points":
        return score >= STRONG
    if best >= STRONG:
        return score >= 0.75 * best
    if best >= _FAIR:
        return score >= 0.6 * best or (score > 0.1 and written.digits >= 3)
    if written.kind in ("money", "number") and not written.bare:
        return written.digits >= 3 or score > 0.15
    return (written.digits >= 4 and written.kind != "multiple") or score > 0.2


def refines(score: float, datum: Datum, best: frozenset[str]) -> bool:
    """Whether the datum is a closer kind of what is named best: `net income to common shareholders` of `net income`."""
    return bool(best) and best < datum.tokens and score >= 0.3


def unit_fits(numeral: Numeral, unit: str, factor: int) -> bool:
    """Whether a figure can be written of a unit; `factor` 100 is for fractions shown as percent."""
    currency = unit.partition("/")[0]
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


def could_be(mention: Mention, unit: str) -> bool:
    """Whether a figure can be written of a unit in any way; in prose a bare whole number is no amount of money."""
    numeral = mention.numeral
    if numeral.bare and numeral.integer and not mention.table and unit[:3].isupper():
        return False
    return unit_fits(numeral, unit, 1) or (
        numeral.kind in ("percent", "points", "fraction") and unit_fits(numeral, unit, 100)
    )


def sign_fits(mention: Mention, datum: Datum) -> bool:
    """Whether the sign written, or the words that say it, are the datum's."""
    written = mention.numeral
    if written.signed:
        return datum.value == 0 or (written.value < 0) == (datum.value < 0)
    if datum.value < 0:
        return bool(_NEGATIVE.search(mention.clause))
    if datum.unit in ("fraction", "percent") and {"change", "growth", "surprise"} & datum.tokens:
        return not says_negative(mention.clause)
    return not (_LOSS.search(mention.clause) and {"income", "eps", "ebitda", "margin"} & datum.tokens)


def overlaps(datum: Datum, period: Period, *, quarterly: bool) -> bool:
    """Whether a datum of a series is one of the period a text names; quarters are of a year where text is quarterly."""
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


def is_count(numeral: Numeral) -> bool:
    """Whether a bare small whole number counts things in the text rather than states a datum."""
    return numeral.bare and numeral.integer and abs(numeral.value) <= 12
