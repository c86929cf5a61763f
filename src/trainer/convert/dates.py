"""Dates as people write them."""

from __future__ import annotations

import re
from datetime import date

_NAMES = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
MONTHS = {language: tuple(names.split()) for language, names in _NAMES.items()}
"""The months' names by language."""
_FORMS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}", "pt": "{day} de {month} de {year}"}
_EAST = {"ja": "{year}年{number}月{day}日", "zh": "{year}年{number}月{day}日", "ko": "{year}년 {number}월 {day}일"}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")


def day_of(text: str) -> str | None:
    """The day of an ISO date or moment, or None where the text is no such thing.

    >>> day_of("2025-02-21T08:00:00Z")
    '2025-02-21'
    """
    match = _DAY.fullmatch(text.strip())
    try:
        return date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


def long_date(text: str, language: str = "en") -> str:
    """An ISO date in the words of a language; anything else, or another language, leaves it as it is.

    >>> long_date("2025-02-21"), long_date("2025-02-21", "en-US"), long_date("2025-02-21", "de")
    ('21 February 2025', 'February 21, 2025', '21. Februar 2025')
    """
    iso = day_of(text)
    tag = language.casefold().replace("_", "-")
    base = tag.partition("-")[0]
    if iso is None or base not in (*MONTHS, *_EAST):
        return text
    day = date.fromisoformat(iso)
    if base in _EAST:
        return _EAST[base].format(day=day.day, number=day.month, year=day.year)
    form = "{month} {day}, {year}" if tag == "en-us" else _FORMS.get(base, "{day} {month} {year}")
    first = "1er" if base == "fr" and day.day == 1 else day.day
    return form.format(day=first, month=MONTHS[base][day.month - 1], year=day.year)
