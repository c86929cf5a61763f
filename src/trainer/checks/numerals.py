"""The numbers a text writes: value, precision, unit, scale, sign; names, years and list numbers are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from trainer.checks.periods import Period, find_periods

Kind = Literal["money", "percent", "points", "multiple", "number", "fraction", "date", "duration", "rank"]

_CODES = "USD|EUR|GBP|CHF|JPY|CNY|CAD|AUD|SEK|NOK|DKK|HKD|INR|KRW|BRL|SGD"
_CURRENCIES = {
    "US$": "USD", "$": "USD", "C$": "CAD", "A$": "AUD", "HK$": "HKD", "€": "EUR", "£": "GBP", "¥": "JPY",
    "dollar": "USD", "dollars": "USD", "euro": "EUR", "euros": "EUR", "franken": "CHF", "francs": "CHF",
    "pound": "GBP", "pounds": "GBP", "yen": "JPY", "us-dollar": "USD",
    **{code: code for code in _CODES.split("|")},
}  # fmt: skip
_SIGNS = "US\\$|HK\\$|C\\$|A\\$|\\$|€|£|¥"
_SCALES = {
    "thousand": 1e3, "k": 1e3, "tsd": 1e3, "tausend": 1e3, "mille": 1e3, "milliers": 1e3, "thousands": 1e3,
    "million": 1e6, "millions": 1e6, "millionen": 1e6, "mn": 1e6, "m": 1e6, "mio": 1e6, "mln": 1e6, "mm": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "mrd": 1e9, "milliarde": 1e9, "milliarden": 1e9,
    "milliard": 1e9, "milliards": 1e9, "md": 1e9, "mds": 1e9, "miliardi": 1e9, "milioni": 1e6, "bln": 1e9,
    "trillion": 1e12, "trillions": 1e12, "tn": 1e12, "t": 1e12, "billionen": 1e12, "bio": 1e12,
}  # fmt: skip
_WORDS = "|".join(sorted((word for word in _SCALES if len(word) > 2), key=lambda word: -len(word)))
_SHORT = "mn|mm|mds|md|bn|tn|k|m|b|t"
_NEAR = 400
_PERCENT = r"%|per\s?cent\b|percent\b|prozent\b|pour\s?cent\b|pct\b|v\.?\s?h\.(?=\W)"
_POINTS = (
    r"percentage[\s-]points?\b|pp\b|pps\b|ppt\b|%[\s-]points?\b|prozentpunkten?\b|prozentpunkt\b"
    r"|points?\s+de\s+pourcentage\b"
)
_BASIS = r"bps?\b|basis[\s-]points?\b|basispunkten?\b|points?\s+de\s+base\b"
_TIMES = r"[x×](?![\w])|times\b|[\s-]?fold\b|fois\b|[\s-]?fache[sn]?\b|mal\b"
_SPAN = (
    r"(?:years?|months?|weeks?|days?|quarters?|hours?|minutes?|jahren?|monaten?|tagen?|wochen?|quartalen?"
    r"|ans?|annees?|mois|jours?|semaines?|trimestres?)\b"
)
_NAMED = re.compile(
    r"(?:phases?|stages?|types?|tables?|tab\.|figures?|fig\.|charts?|sections?|items?|notes?|chapters?|parts?|pages?"
    r"|p\.|pp\.|forms?|rules?|articles?|no\.|nos\.|nr\.|number|steps?|levels?|grades?|class|series|versions?|tiers?"
    r"|appendix|exhibit|option|tabelle|abbildung|seite|abschnitt|kapitel|phase|stade|tableau|page|chapitre"
    r"|s&p|russell|fortune|nasdaq|dax|smi|cac|ftse|stoxx|nikkei|topix|iso|iec|covid|top|boeing|airbus|windows|web"
    r"|python|act of|isin|cik|#)[\s-]*$",
    re.IGNORECASE,
)
_APPROX = re.compile(
    r"(?:(?P<about>about|around|roughly|approximately|approx\.|circa|ca\.|some|~|≈|rund|etwa|ungefahr|ungefähr|environ"
    r"|quelque|close to)|(?P<over>more than|over|above|at least|exceeding|exceeds|mehr als|über|plus de|upwards of)"
    r"|(?P<under>nearly|almost|just under|less than|under|below|fast|knapp|weniger als|près de|presque|moins de))"
    r"[\s*]*$",
    re.IGNORECASE,
)
_FRACTIONS = {
    "two thirds": 2 / 3, "two-thirds": 2 / 3, "a third": 1 / 3, "one third": 1 / 3, "one-third": 1 / 3,
    "three quarters": 0.75, "three-quarters": 0.75, "one quarter of": 0.25, "a quarter of": 0.25, "half of": 0.5,
    "half the": 0.5, "four fifths": 0.8, "a fifth": 0.2, "one fifth": 0.2, "a tenth": 0.1, "zwei drittel": 2 / 3,
    "ein drittel": 1 / 3, "drei viertel": 0.75, "die halfte": 0.5, "deux tiers": 2 / 3, "un tiers": 1 / 3,
    "trois quarts": 0.75, "la moitie": 0.5,
}  # fmt: skip
_FRACTION = re.compile(r"\b(?:" + "|".join(_FRACTIONS) + r")\b(?!\s+(?:party|parties|quarter|person))", re.IGNORECASE)
_TEN_WORDS = (
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    " twenty thirty forty fifty sixty seventy eighty ninety"
)
_TENS = dict(zip(_TEN_WORDS.split(), (*range(11, 20), *range(20, 100, 10)), strict=True))
_ONE_WORDS = "one two three four five six seven eight nine ten"
_ONES = {word: value for value, word in enumerate(_ONE_WORDS.split(), 1)}
_SPELT = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:-({'|'.join(list(_ONES)[:9])}))?|({'|'.join(_ONES)})(?=\s+(?:million|billion|per\s?cent)\b))\b"
    rf"(?!-)(?:\s+(million|billion))?(?:\s+(per\s?cent)\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as a text writes it."""

    start: int
    end: int
    text: str
    value: float
    """With scale and sign; percent as written, basis points as percent."""
    low: float
    """The least magnitude that is written so."""
    high: float
    """The greatest magnitude that is written so."""
    kind: Kind
    currency: str = ""
    scale: float = 1.0
    signed: bool = False
    """Whether a sign is written."""
    digits: int = 1
    """How many significant digits are written."""
    bare: bool = False
    """Whether neither unit nor scale is written."""
    integer: bool = False
    soft: bool = False
    """Whether it is a claim in words, which counts only where the data bears on it."""


def find_numerals(
    text: str, *, language: str = "en", periods: list[Period] | None = None, cell: bool = False
) -> list[Numeral]:
    """Every number in `text` that is a figure, in order; `cell` reads it as a cell of a table."""
    periods = find_periods(text) if periods is None else periods
    found = sorted([*_written(text, language, periods, cell), *_spelt(text)], key=lambda numeral: numeral.start)
    return _inherit(found, text)


def scale_of(text: str, *, language: str = "en") -> tuple[float, str, str]:
    """Scale, currency and unit (`%` or nothing) that a heading such as `USD million` gives to bare numbers."""
    del language
    scale = 1.0
    if found := re.search(
        rf"(?<![\w])(?<!\d[\s\u00a0])({_WORDS}|mn|mds|md|bn|tn|[kmb](?=[\s),]|$))(?![\w])", text, re.IGNORECASE
    ):
        scale = _SCALES[found[1].lower()]
    currency = re.search(rf"{_SIGNS}|\b(?:{_CODES})\b|\b(?:dollars?|euros?|franken|francs)\b", text, re.IGNORECASE)
    unit = "%" if re.search(r"%|\bper\s?cent\b|\bprozent\b", text, re.IGNORECASE) else ""
    return scale, _currency(currency[0]) if currency else "", unit


def _currency(text: str) -> str:
    return _CURRENCIES.get(text) or _CURRENCIES.get(text.lower()) or _CURRENCIES.get(text.upper(), "")


@lru_cache(maxsize=16)
def _pattern(language: str) -> re.Pattern[str]:
    main, _, region = language.casefold().partition("-")
    comma = main in ("de", "fr", "it", "es", "nl", "pt", "da", "sv", "nb", "pl") and region not in ("ch", "li")
    groups = r"[.\u00a0\u202f\u2009'’ ]" if comma else r"[,\u00a0\u202f\u2009'’]"
    if main == "fr":
        groups = r"[\u00a0\u202f\u2009'’ ]"
    point = "[,.]" if comma or region in ("ch", "li") else r"\."
    number = rf"\d{{1,3}}(?:{groups}\d{{3}})+(?!\d)(?:{point}\d+)?|\d+(?:{point}\d+)?(?![.,]\d)|\d[\d.,]*\d"
    return re.compile(
        rf"(?<![\w.,/'’])(?P<minus>[-+–]|−\s?)?(?P<before>(?:{_SIGNS}|\b(?:{_CODES}))[\s\u00a0]?)?(?P<minus2>[-+−–])?"
        rf"(?P<number>{number})(?![\d])"
        rf"(?:[\s\u00a0\u202f-]{{0,4}}(?P<scale>(?:mio|mrd|tsd|bio)\.|(?:{_WORDS})\b|(?<=[\d\s\u00a0])(?:{_SHORT})(?![\w'’.]\w|[\w])))?"
        rf"(?:[\s\u00a0\u202f-]{{0,4}}(?:(?P<points>{_POINTS})|(?P<basis>{_BASIS})|(?P<percent>{_PERCENT})"
        rf"|(?P<times>{_TIMES})|(?P<after>(?:of\s+|de\s+|d['’])?(?:{_SIGNS}|(?:us-dollar|dollars?|euros?|franken|francs?|pounds?|yen|{_CODES})\b))"
        rf"|(?P<span>{_SPAN})))?",
        re.IGNORECASE,
    )


def _written(text: str, language: str, periods: list[Period], cell: bool) -> Iterator[Numeral]:
    spans = iter(periods)
    period = next(spans, None)
    for found in _pattern(language).finditer(text):
        while period and period.end <= found.start("number"):
            period = next(spans, None)
        if period and period.start <= found.start("number") < period.end:
            continue
        if numeral := _numeral(found, text, language, cell):
            yield numeral


def _numeral(found: re.Match[str], text: str, language: str, cell: bool) -> Numeral | None:
    written = found["number"]
    bare = not any(found[name] for name in ("before", "scale", "points", "basis", "percent", "times", "after"))
    if _is_name(found, text, bare=bare, cell=cell):
        return None
    digits, decimals = _digits(written, language)
    if digits.count(".") > 1 or "," in digits:
        return None
    scale = _scale(found["scale"])
    value = float(digits) * scale
    half = 0.5 * 10.0**-decimals * scale
    kind, factor = _kind(found)
    negative = "-−–" if not _closes_range(found, text) else ""
    sign = (found["minus"] or found["minus2"] or "").strip()
    parenthesised = cell and text[: found.start()].rstrip().endswith("(") and text[found.end() :].lstrip()[:1] == ")"
    minus = bool(sign and sign in negative) or parenthesised
    low, high = _approximate(text[max(0, found.start() - 24) : found.start()], digits, value, half)
    named = (found["before"] or found["after"] or "").strip()
    currency = _currency(re.sub(r"^(?:of\s|de\s|d['’])\s*", "", named, flags=re.IGNORECASE))
    start = found.start("minus") if sign and (sign == "+" or minus) and found["minus"] else _start(found)
    return Numeral(
        start, found.end(), text[start : found.end()].strip(), (-1 if minus else 1) * value * factor,
        low * factor, high * factor, kind, currency, scale, minus or sign == "+",
        len(digits.replace(".", "").lstrip("0")) or 1, bare and not found["span"], "." not in digits,
    )  # fmt: skip


def _start(found: re.Match[str]) -> int:
    return found.start("before") if found["before"] else found.start("number")


def _scale(word: str | None) -> float:
    return _SCALES[word.rstrip(".").lower()] if word else 1.0


def _kind(found: re.Match[str]) -> tuple[Kind, float]:
    if found["points"]:
        return "points", 1.0
    if found["basis"]:
        return "points", 0.01
    if found["percent"]:
        return "percent", 1.0
    if found["times"]:
        return "multiple", 1.0
    if found["before"] or found["after"]:
        return "money", 1.0
    if found["span"] and not found["scale"]:
        return "duration", 1.0
    return "number", 1.0


def _closes_range(found: re.Match[str], text: str) -> bool:
    """Whether the dash before a number ties it to another number or a word: 12–15, phase-3."""
    before = text[max(0, found.start() - 6) : found.start()]
    return (bool(before) and (before[-1].isalnum() or before[-1] in "%)")) or bool(
        re.search(r"[\d%]\s+$", before)
        and text[found.start() : found.start() + 2].strip() in ("-", "–", "−")
        and text[found.start() + 1 : found.start() + 2] == " "
    )


def _digits(written: str, language: str) -> tuple[str, int]:
    """The number with a point for its decimals, and how many decimals it has."""
    plain = re.sub(r"[\s\u00a0\u202f\u2009'’]", "", written)
    main, _, region = language.casefold().partition("-")
    if main in ("de", "fr", "it", "es", "nl", "pt", "da", "sv", "nb", "pl"):
        if "," in plain or region in ("ch", "li"):
            plain = (plain.replace(".", "") if "," in plain else plain).replace(",", ".")
        elif re.fullmatch(r"\d{1,3}(?:\.\d{3})+", plain) and main != "fr":
            plain = plain.replace(".", "")
    else:
        plain = plain.replace(",", "")
    return plain, len(plain.partition(".")[2])


def _approximate(before: str, digits: str, value: float, half: float) -> tuple[float, float]:
    """The magnitudes written so: rounded at the last digit; words such as `about` and `over` widen it."""
    found = _APPROX.search(before)
    if not found:
        return value - half, value + half
    whole = digits if "." in digits else digits.rstrip("0") or "0"
    unit = 2 * half * 10 ** (len(digits) - len(whole))
    if found["over"]:
        return value - half * 1e-6, value + unit
    if found["under"]:
        return value - unit, value + half
    return value - 0.5 * unit, value + 0.5 * unit


def _is_name(found: re.Match[str], text: str, *, bare: bool, cell: bool) -> bool:
    """Whether the digits are no figure: part of a name, a list's or heading's number, a time, a span of whole days."""
    before, after = text[max(0, found.start() - _NEAR) : found.start()], text[found.end() : found.end() + _NEAR]
    written = found["number"]
    if found["span"] and "." not in written and "," not in written and not found["scale"]:
        return "runway" not in text[max(0, found.start() - 60) : found.end() + 40].lower()
    tied = re.search(r"[^\W\d_]-$", text[max(0, found.start("number") - 2) : found.start("number")])
    if (tied and not found["before"]) or (bare and re.match(r"[:./]\d|[^\W\d_]|-[^\W\d_]|\(\w", after)):
        return True
    if not bare:
        return False
    line = before[before.rfind("\n") + 1 :]
    if not cell and re.fullmatch(r"[ \t>]*(?:#{1,6}[ \t]+)?", line) and re.match(r"[.)]?(?:\s|\d|$)", after):
        return bool(line.strip()) or after[:1] in (".", ")")
    if re.fullmatch(r"(?:19|20)\d\d", written) and not cell:
        return True
    return bool(_NAMED.search(before[-24:]))


def _spelt(text: str) -> Iterator[Numeral]:
    for found in _FRACTION.finditer(text):
        share = 100 * _FRACTIONS[found[0].lower()]
        yield Numeral(found.start(), found.end(), found[0], share, share - 3, share + 3, "fraction", digits=2)
    for found in _SPELT.finditer(text):
        value = float(_TENS.get((found[1] or "").lower(), 0) + _ONES.get((found[2] or found[3] or "").lower(), 0))
        after = text[found.end() : found.end() + 12]
        if re.match(rf"[\s-]*{_SPAN}", after, re.IGNORECASE):
            continue
        scale = _scale(found[4])
        value *= scale
        kind: Kind = "percent" if found[5] else "number"
        yield Numeral(
            found.start(), found.end(), found[0], value, value - 0.5 * scale, value + 0.5 * scale, kind,
            scale=scale, digits=2, bare=not (found[4] or found[5]), integer=True,
        )  # fmt: skip


_RANGE = re.compile(r"\s*(?:[-–—]|to|and|bis|und|à|et|auf|or|oder|von)\s*(?:about\s+|etwa\s+)?", re.IGNORECASE)
_REPEAT = re.compile(r"[^()\d]{0,12}\(\s*(?:19|20)\d\d\s*:\s*|\s*\([^()\d]{0,12}")


def _inherit(found: list[Numeral], text: str) -> list[Numeral]:
    """Give the bare first number of a range the unit of the second, and a bare number in brackets that before it."""
    written, found = found, list(found)
    for at in range(len(found) - 1):
        one, two = found[at], written[at + 1]
        between = text[one.end : two.start]
        if one.bare and not two.bare and _RANGE.fullmatch(between):
            found[at] = _like(one, two)
        elif one.currency and two.kind == "number" and two.scale > 1 and _RANGE.fullmatch(between):
            found[at + 1] = replace(two, kind="money", currency=one.currency)
            if one.scale == 1:
                found[at] = _like(one, two, kind="money", currency=one.currency)
        elif two.bare and not one.bare and _REPEAT.fullmatch(between):
            found[at + 1] = _like(two, one)
    return found


def _like(numeral: Numeral, other: Numeral, kind: Kind | None = None, currency: str | None = None) -> Numeral:
    scale = other.scale if numeral.scale == 1 else 1.0
    return replace(
        numeral, value=numeral.value * scale, low=numeral.low * scale, high=numeral.high * scale,
        kind=kind or other.kind, currency=currency or other.currency, scale=other.scale, bare=False,
    )  # fmt: skip
