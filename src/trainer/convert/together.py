"""Dates and amounts that stay on one line: a space that does not break, and a frame only around signed money."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainer.convert.dates import MONTHS

_SHORT = ("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec")
_MONTHS = sorted({name for names in MONTHS.values() for name in names} | {*_SHORT})
_CODES = ("AUD", "CAD", "CHF", "CNY", "EUR", "GBP", "INR", "JPY", "USD")
_UNITS = "%|‰|million|billion|trillion|thousand|bn|mn|tn|bps|pp|Millionen|Milliarden|Mio|Mrd"


def _after_any(words: Sequence[str]) -> str:
    """A pattern for the place after a space after one of the words, tried once a length."""
    by_length: dict[int, list[str]] = {}
    for word in words:
        by_length.setdefault(len(word), []).append(word)
    return "|".join(rf"(?<=\b(?:{'|'.join(same)}) )" for same in by_length.values())


_SPACE = re.compile(
    rf" (?:(?<=\d )(?=(?:{_UNITS}|{'|'.join(_MONTHS)})(?!\w))|(?<=\d\. )(?=(?:{'|'.join(_MONTHS)})\b)"
    rf"|(?=\d)(?:{_after_any([*_MONTHS, *_CODES])}|(?<=[$€£¥₹] )|(?=\d{{4}}\b)(?:(?<= \d, )|(?<= \d\d, ))))"
)
_SIGNED = re.compile(r"[-−+±](?<![\w$€£¥₹].)(?:[A-Z]{1,3})?[$€£¥₹]\d[\d.,’]*(?<![.,])")


def with_fixed_spaces(words: str) -> str:
    r"""The words with the spaces inside dates and amounts as ones that do not break.

    >>> with_fixed_spaces("on 21 February 2025, $5 million").count("\u00a0")
    3
    """
    return _SPACE.sub("\u00a0", words)


def kept_together(escaped: str) -> str:
    """Escaped words in which no line breaks inside a date or an amount.

    Between a sign and a currency a line may break, and no space can be fixed there: these few get a frame.

    >>> kept_together("by −$168.7")
    'by <span class="whole">−$168.7</span>'
    """
    words = _SPACE.sub("\u00a0", escaped) if " " in escaped else escaped
    return _SIGNED.sub(_framed, words)


def _framed(amount: re.Match[str]) -> str:
    return f'<span class="whole">{amount[0]}</span>'
