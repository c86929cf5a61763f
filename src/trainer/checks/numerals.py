"""The numbers a text writes: value, precision, sign, scale and unit, or why one is no figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Literal

from trainer.checks.lexicon import CJK, SHORT, Lexicon, alternation
from trainer.facts.words import data_file

NumeralKind = Literal["number", "money", "percent", "points", "multiple", "physical", "time", "fraction"]
NonFigureReason = Literal["year", "name", "window", "rank", "list", "version", "contact", "reference"]

SPACES = "\u00a0\u202f\u2009 "
_SYMBOLS = {
    "US$": "USD",
    "HK$": "HKD",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "NT$": "TWD",
    "S$": "SGD",
    "R$": "BRL",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "￥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "RMB": "CNY",
    "Fr.": "CHF",
    "SFr.": "CHF",
    "人民币": "CNY",
    "人民元": "CNY",
}
_NAMES = {
    "us dollars": "USD",
    "us-dollars": "USD",
    "us dollar": "USD",
    "us-dollar": "USD",
    "dollars": "USD",
    "dollar": "USD",
    "cents": "USD",
    "euros": "EUR",
    "euro": "EUR",
    "francs suisses": "CHF",
    "franken": "CHF",
    "francs": "CHF",
    "pounds": "GBP",
    "yen": "JPY",
    "yuan": "CNY",
    "renminbi": "CNY",
    "rupees": "INR",
    "dólares": "USD",
    "dollari": "USD",
    "美元": "USD",
    "ドル": "USD",
    "米ドル": "USD",
    "ユーロ": "EUR",
    "欧元": "EUR",
    "円": "JPY",
    "日元": "JPY",
    "元": "CNY",
    "英镑": "GBP",
    "ポンド": "GBP",
}
_TIME_UNITS = {
    "second": "second seconds sekunde sekunden seconde secondes segundo segundos 秒",
    "minute": "minute minutes minuten minuto minutos minuti 分 分钟",
    "hour": "hour hours stunde stunden heure heures hora horas ora ore 時間 小时",
    "day": "day days tag tage tagen jour jours día días giorno giorni 日間 天",
    "week": "week weeks woche wochen semaine semaines semana semanas settimana settimane 週間 周",
    "month": "month months monat monate monaten mois mes meses mese mesi か月 ヶ月 カ月 个月",
    "year": "year years jahr jahre jahren an ans année années año años anno anni 年間",
}


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as a text writes it."""

    start: int
    end: int
    text: str
    """With sign, scale and unit, as written."""
    value: float
    """With scale and sign; per cent and basis points as per cent."""
    low: float
    """The least value that is written so."""
    high: float
    kind: NumeralKind = "number"
    unit: str = ""
    """An ISO currency, or a unit that Pint knows."""
    scale: float = 1.0
    """What scale words multiply by."""
    digits: int = 1
    """Significant digits written."""
    signed: bool = False
    """Whether a sign is written."""
    reason: NonFigureReason | None = None
    """Why it is no figure."""
    bare: bool = False
    """Whether neither unit nor scale is written."""
    integer: bool = False
    soft: bool = False
    """Whether it is written in words that also mean other things, so that it counts only where data bears on it."""

    @property
    def width(self) -> float:
        """How far apart the values are that are written so."""
        return self.high - self.low


@cache
def _number(spaced: bool) -> str:
    group = rf"[,.'’\u00a0\u202f\u2009{' ' if spaced else ''}]"
    return rf"\d{{1,3}}(?:{group}\d{{3}})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,]\d+)?|\.\d+"


@cache
def currencies() -> dict[str, str]:
    """What a text may write a currency as, folded, with its ISO code."""
    codes = [
        "USD",
        "EUR",
        "GBP",
        "CHF",
        "JPY",
        "CNY",
        "CAD",
        "AUD",
        "SEK",
        "NOK",
        "DKK",
        "HKD",
        "INR",
        "KRW",
        "BRL",
        "SGD",
        "ZAR",
        "MXN",
        "PLN",
        "CZK",
        "HUF",
        "TRY",
        "RUB",
        "TWD",
        "THB",
        "IDR",
        "ILS",
        "NZD",
        "AED",
        "SAR",
    ]
    return {name.casefold(): code for name, code in {**_SYMBOLS, **_NAMES, **{code: code for code in codes}}.items()}


@cache
def physical_units() -> dict[str, str]:
    """What a text may write a physical unit as, with the symbol that Pint knows."""
    table = data_file("units.yaml")["physical"]
    names = {str(name): str(symbol) for symbol, spellings in table.items() for name in (symbol, *spellings)}
    return names | {name.upper(): symbol for name, symbol in names.items() if name.startswith("°")}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    lexicon = Lexicon(language)
    spaced = language in ("fr", "es", "it", "pl", "cs", "sv", "nb", "da", "fi", "ru", "pt", "uk", "bg")
    money = alternation(name for name in currencies() if name[:1].isalpha() or ord(name[0]) > 0x2FFF)
    signs = "|".join(map(re.escape, sorted((name for name in _SYMBOLS), key=len, reverse=True)))
    units = sorted(physical_units(), key=lambda name: (-len(name), name))
    spelt = [re.escape(name) for name in units if name[-1:].isalnum() and name != "in"]
    signed = [re.escape(name) for name in units if not name[-1:].isalnum() and name != '"']
    # One look ahead for all: a class of scripts in each of them takes seconds to compile.
    unit = rf"(?:{'|'.join(spelt)})(?![^\W_{CJK}])|{'|'.join(signed)}"

    def suffix(key: str) -> str:
        return alternation(lexicon.terms(key), glued=True)

    spans = alternation((word for words in _TIME_UNITS.values() for word in words.split()), glued=True)
    gap = rf"[{SPACES}]{{0,2}}"
    return re.compile(
        rf"(?P<minus>[-−–+△▲])?{gap[:-5]}?(?P<before>(?:{signs})|(?<![^\W{CJK}])(?:{money}))?{gap}(?P<minus2>[-−–+])?"
        rf"(?P<number>(?<![\d])(?<![\d][.,])(?:{_number(spaced)}))"
        rf"(?:{gap}(?P<scale>{alternation(lexicon.mapped('scales'), glued=True)})(?![/²³]))?"
        rf"(?:{gap}(?:"
        rf"(?P<points>{suffix('points')})|(?P<basis>{suffix('basis')})|(?P<percent>%|％|{suffix('percent')})"
        rf"|(?P<after>(?:of{gap}|de{gap}|d['’])?(?:{signs}|(?:{money})))"
        rf"|(?P<times>{suffix('times')})|[-‑]?(?P<span>{spans})|(?P<unit>(?-i:{unit}))))?",
        re.IGNORECASE,
    )


@dataclass(frozen=True, slots=True)
class Style:
    """How a document writes its decimals."""

    decimal: str
    """`.` or `,`."""


def style_of(text: str, language: str) -> Style:
    """The decimal sign of a document: that of most numbers which can be read one way only, else its language's.

    `17,7` and `1.234,5` settle on the comma, `0.75` and `1,234.5` on the point; `1,234` alone settles nothing.
    """
    votes: Counter[str] = Counter()
    for match in re.finditer(r"(?<![\d.,])\d[\d.,'’]*\d(?![\d])", text):
        written = match[0]
        marks = [letter for letter in written if letter in ".,"]
        last = written[max(written.rfind("."), written.rfind(",")) + 1 :]
        if not marks:
            continue
        if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:
            votes[marks[-1]] += 2
        elif len(marks) > 1:
            votes["," if marks[0] == "." else "."] += 1
        elif len(last) != 3 or written.startswith("0"):
            votes[marks[0]] += 1
    if votes["."] != votes[","]:
        return Style(max(votes, key=lambda mark: votes[mark]))
    return Style(_decimal_sign(language))


@cache
def _decimal_sign(language: str) -> str:
    from babel import Locale, UnknownLocaleError
    from babel.numbers import get_decimal_symbol

    try:
        return "," if get_decimal_symbol(Locale.parse(language, sep="-")) == "," else "."
    except (UnknownLocaleError, ValueError):
        return "."


def find_numerals(text: str, *, lexicon: Lexicon, style: Style, cell: bool = False) -> list[Numeral]:
    """Every number in `text`, in order, those that are no figures with the reason; `cell` reads a cell of a table."""
    read = _short_numerals if len(text) <= SHORT else _numerals
    return list(read(text, lexicon, style, cell))


@lru_cache(maxsize=8192)
def _short_numerals(text: str, lexicon: Lexicon, style: Style, cell: bool) -> tuple[Numeral, ...]:
    return tuple(_numerals(text, lexicon, style, cell))


def _numerals(text: str, lexicon: Lexicon, style: Style, cell: bool) -> Sequence[Numeral]:
    written = [
        numeral
        for match in _pattern(lexicon.language).finditer(text)
        if (numeral := _read(match, text, lexicon, style, cell))
    ]
    spelt = [] if cell else [*_fractions(text, lexicon), *_spelt(text, lexicon)]
    taken = [(numeral.start, numeral.end) for numeral in written]
    spelt = [
        numeral for numeral in spelt if not any(start < numeral.end and numeral.start < end for start, end in taken)
    ]
    return _share_units(sorted([*written, *spelt], key=lambda numeral: numeral.start), text, lexicon)


def _read(match: re.Match[str], text: str, lexicon: Lexicon, style: Style, cell: bool) -> Numeral | None:
    number = match["number"]
    plain, decimals = _plain(number, style)
    scale_word = (match["scale"] or "").casefold()
    scale = 10.0 ** lexicon.mapped("scales")[re.sub(rf"[{SPACES}]+", " ", scale_word)] if scale_word else 1.0
    half = 0.5 * 10.0**-decimals * scale
    value = float(plain) * scale
    kind, unit, factor = _unit(match)
    start = match.start("number")
    if match["before"]:
        start = match.start("before")
    sign = match["minus2"] or match["minus"] or ""
    if match["minus"] and not match["minus2"] and _joins(text, match.start("minus")):
        sign = ""
    if sign and not (match["minus2"] and match["before"]):
        start = min(start, match.start("minus2") if match["minus2"] else match.start("minus"))
    negative = sign in ("-", "−", "–", "△", "▲") and bool(sign)
    end = max(match.end(name) for name in match.groupdict() if match[name] is not None)
    opened, closed = text[:start].rstrip()[-1:] == "(", text[end:].lstrip()[:1] == ")"
    brackets = cell and opened and closed and text[:start].strip() == "("
    value = -value if negative or brackets else value
    low, high = _approximate(text[max(0, start - 24) : start], plain, value, half, lexicon)
    bare = kind == "number" and scale == 1
    return Numeral(
        start,
        end,
        text[start:end],
        value * factor,
        min(low * factor, high * factor),
        max(low * factor, high * factor),
        kind,
        unit,
        scale,
        len(plain.replace(".", "").lstrip("0")) or 1,
        bool(sign) or brackets,
        _no_figure(match, text, lexicon, bare=bare, cell=cell),
        bare,
        "." not in plain,
    )


def _plain(number: str, style: Style) -> tuple[str, int]:
    """The number with a point for its decimals, and how many there are."""
    plain = re.sub(rf"[{SPACES}'’]", "", number)
    marks = [letter for letter in plain if letter in ".,"]
    if len(marks) == 1:
        whole, mark, rest = plain.partition(marks[0])
        is_group = len(rest) == 3 and mark != style.decimal and 0 < len(whole) <= 3 and whole != "0"
        plain = whole + rest if is_group else f"{whole or '0'}.{rest}"
    elif marks:
        last = marks[-1]
        if marks.count(last) > 1:
            plain = re.sub(r"[.,]", "", plain)
        else:
            whole, _, rest = plain.rpartition(last)
            plain = re.sub(r"[.,]", "", whole) + "." + rest
    return plain, len(plain.partition(".")[2])


def _unit(match: re.Match[str]) -> tuple[NumeralKind, str, float]:
    if match["points"]:
        return "points", "", 1.0
    if match["basis"]:
        return "points", "", 0.01
    if match["percent"]:
        return "percent", "", 1.0
    money = match["after"] or match["before"]
    if money:
        name = re.sub(r"^(?:of|de|d['’])\s+|\s+$", "", money.strip(), flags=re.IGNORECASE)
        name = re.sub(rf"[{SPACES}]+", " ", name).casefold()
        return "money", currencies().get(name, ""), 0.01 if name == "cents" else 1.0
    if match["times"]:
        return "multiple", "", 1.0
    if match["span"]:
        word = match["span"].casefold()
        return "time", next(unit for unit, words in _TIME_UNITS.items() if word in words.split()), 1.0
    if match["unit"]:
        units = physical_units()
        return "physical", units.get(match["unit"]) or units.get(match["unit"].casefold(), match["unit"]), 1.0
    return "number", "", 1.0


def _joins(text: str, at: int) -> bool:
    """Whether a dash ties two things, as in 12-15 or phase-3, and so is no sign."""
    before = text[max(0, at - 3) : at]
    return bool(before) and (
        (before[-1].isalnum() and not re.match(rf"[{CJK}]", before[-1]))
        or before[-1] in "%)°"
        or bool(re.search(r"[\d%]\s$", before))
    )


def _approximate(before: str, plain: str, value: float, half: float, lexicon: Lexicon) -> tuple[float, float]:
    """The values written so: rounded at the last digit; `about`, `over` and `under` widen it."""
    size = abs(value)
    # Of `about 150` the noughts at the end are no promise.
    whole = plain if "." in plain else plain.rstrip("0") or "0"
    step = 2 * half * 10 ** (len(plain) - len(whole))
    low, high = size - half, size + half
    for key in ("over", "under", "about"):
        if lexicon.before(key).search(before):
            low, high = {
                "over": (size - half, size + max(step, 0.08 * size)),
                "under": (size - max(step, 0.08 * size), size + half),
                "about": (size - step, size + step),
            }[key]
            break
    return (-high, -low) if value < 0 else (low, high)


_WINDOW = re.compile(
    r"(?:over|within|last|past|next|previous|trailing|every|after|for|in|across|the|letzten|vergangenen|nächsten|über|auf|innert|seit"
    r"|derniers|prochains|sur|en|últimos|próximos|durante|ultimi|per|過去|直近|近)\s*$",
    re.IGNORECASE,
)
"""What stands before the length of a window (`over 52 weeks`), which measures nothing."""
_PER = re.compile(
    r"(?:\b(?:per|out of|(?:for|of|in) every|je|pro|auf|pour|par|sur|por(?: cada)?|de cada|a cada|ogni|su)\s|每)\s?$",
    re.IGNORECASE,
)
"""What stands before the round number that a rate is per: `per 100,000 inhabitants`."""
_HYPHENATED = re.compile(r"[-‑]\s+(?:bis|und|oder|to|and|or|à|et|a|y|e)\s+\d")
"""What follows the first number of `50- to 54-year-olds`."""
_PHONE = re.compile(r"\+?\(?\d[\d\s()/.-]{6,}\d")
_WEB = re.compile(
    r"(?<![\w.-])[\w.-]{1,64}@[\w.-]{1,255}\.\w+"  # RFC 5321 allows no more; without bounds, quadratic
    r"|\bv\d+(?:\.\d+)+"
    r"|\b(?!\d{1,3}(?:\.\d{3}){1,6}\b)\d+\.\d+\.\d+(?:\.\d+)*\b"
)


def _no_figure(match: re.Match[str], text: str, lexicon: Lexicon, *, bare: bool, cell: bool) -> NonFigureReason | None:  # noqa: C901, PLR0912
    """Why digits are no figure: a name's, a list's, a reference's, a year, a telephone's, a version's; else None."""
    start, end = match.span("number")
    before, after = text[max(0, start - 60) : start], text[end : end + 40]
    line = before[before.rfind("\n") + 1 :]
    if any(web.start() <= start < web.end() for web in _WEB.finditer(text)):
        return "version"
    if re.search(r"[^\W\d_]$", before) and not re.search(rf"[{CJK}]$", before) and not match["before"]:
        return "name"
    if (
        re.search(r"[^\W\d_]\d*[-/‑–](?:\d+[/-])*$", before)
        and not match["before"]
        and not re.search(rf"[{CJK}][-]$", before)
    ):
        return "name"
    if re.search(r"#\s?$|@$", before):
        return "name"
    text[match.end() : match.end() + 12]
    if (
        not match["scale"]
        and not match["span"]
        and re.match(r"[^\W\d_]", after)
        and bare
        and not re.match(rf"[{CJK}]", after)
    ):
        return "name"
    if match["span"] and re.match(r"[-‑]", text[end:]):
        return "window"
    if bare and (re.match(r"[-‑][^\W\d_]|[/:]\d|\(\w\)", text[end:]) or _HYPHENATED.match(text[end:])):
        return "name"
    if bare and re.fullmatch(r"10{2,}", re.sub(r"\D", "", match["number"])) and _PER.search(before):
        return "reference"
    if match["span"] and re.fullmatch(r"\d{1,3}", match["number"]) and _WINDOW.search(before):
        return "window"
    if bare and re.search(r"\([^()]*[^\W\d_]\d{2,}-\d[^()]*$", before):
        return "name"
    if (
        re.match(r"[wmdy](?:\s|$)", after)
        and (cell or bare)
        and re.match(r"\d{1,3}$", match["number"])
        and re.match(r".\s+\w+", after)
    ):
        return "window"
    if (
        not cell
        and bare
        and re.fullmatch(r"[ \t>]*(?:#{1,6}[ \t]+)?[*_]*", line)
        and re.match(r"[.)](?:\s|\d|$)", after)
    ):
        return "list"
    if not cell and bare and re.fullmatch(r"[ \t>]*#{1,6}[ \t]+", line):
        return "list"
    if bare or match["times"] or match["scale"] or match["span"]:
        named = _named(lexicon.language)[0].search(before)
        if named and lexicon.before("ordinals").search(before[: named.start()]):
            named = None  # `in the first class 141 survived` numbers no class
        if named and (bare or named[0].strip().casefold() not in ("no", "nos", "top", "p", "m", "g")):
            return "name"
        if bare and _named(lexicon.language)[1].search(before):
            return "reference"
    if bare and not cell and _is_phone(text, start):
        return "contact"
    return None


@cache
def _named(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A name's word right before a number, and before the numbers of a list of names."""
    words = Lexicon(language).pattern("named").pattern
    return (
        re.compile(rf"(?:{words})\.?[\s\u00a0-]*$", re.IGNORECASE),
        re.compile(rf"(?:{words})[.:]?\s+\d[\d\s.,/+]*(?:,|and|und|et|y|e|or)?\s*$", re.IGNORECASE),
    )


def _is_phone(text: str, start: int) -> bool:
    for match in _PHONE.finditer(text):
        if match.start() <= start < match.end():
            groups = re.findall(r"\d+", match[0])
            if (
                len(groups) >= 3
                and not re.fullmatch(r"\d{1,3}(?:[\s.]\d{3})+", match[0])
                and re.match(r"\+|0", match[0].lstrip("("))
            ):
                return True
    return False


def _fractions(text: str, lexicon: Lexicon) -> Iterator[Numeral]:
    shares = lexicon.mapped("fractions")
    pattern = lexicon.pattern("fractions")
    for match in pattern.finditer(text):
        share = (
            100 * shares[re.sub(r"[\s-]+", " ", match[0].casefold())]
            if re.sub(r"[\s-]+", " ", match[0].casefold()) in shares
            else 100 * shares.get(match[0].casefold(), 0)
        )
        after = text[match.end() : match.end() + 12]
        if not share or re.match(r"[-\s]+(?:year|hour|quarter|month|parties|party|person|of fiscal)|-", after):
            continue
        before = text[max(0, match.start() - 20) : match.start()]
        if "quarters" in match[0].casefold() and re.search(
            r"\b(?:last|past|next|first|other|these|those|all|the)\s+$", before
        ):
            continue  # `over the last three quarters` are times
        wide = 5.0
        low, high = share - wide, share + wide
        if lexicon.before("over").search(before):
            low = share
        elif lexicon.before("under").search(before):
            high = share
        else:
            low, high = share - 4, share + 4
        yield Numeral(match.start(), match.end(), match[0], share, low, high, "fraction", digits=1, soft=True)


def _spelt(text: str, lexicon: Lexicon) -> Iterator[Numeral]:
    """`forty-two million`, `twelve per cent`: numbers in words, where a scale or unit follows or they are over twelve."""  # noqa: E501
    ones = (
        {word: value for value, word in enumerate(lexicon.terms("numbers")[:20], 1)} if lexicon.language == "en" else {}
    )
    tens = {word: 10 * value for value, word in enumerate(lexicon.terms("tens"), 2)} if lexicon.language == "en" else {}
    if not ones:
        return
    pattern = (
        rf"(?<![\w-])(?:(?P<tens>{'|'.join(tens)})(?:[-\s](?P<one>{'|'.join(list(ones)[:9])}))?|(?P<small>{'|'.join(sorted(ones, key=len, reverse=True))}))"  # noqa: E501
        r"(?![\w-])(?:\s+(?P<scale>thousand|million|billion|trillion))?(?:\s+(?P<percent>per\s?cent|percentage points))?"  # noqa: E501
    )
    for match in re.finditer(pattern, text, re.IGNORECASE):
        small = (match["small"] or match["one"] or "").casefold()
        value = float(tens.get((match["tens"] or "").casefold(), 0) + ones.get(small, 0))
        if not match["scale"] and not match["percent"]:
            continue
        scale = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}.get(
            (match["scale"] or "").casefold(), 1.0
        )
        kind: NumeralKind = "percent" if match["percent"] else "number"
        if (match["percent"] or "").casefold().startswith("percentage"):
            kind = "points"
        yield Numeral(
            match.start(),
            match.end(),
            match[0],
            value * scale,
            (value - 0.5) * scale,
            (value + 0.5) * scale,
            kind,
            scale=scale,
            digits=len(f"{value:.0f}"),
            integer=True,
        )


_RANGE = re.compile(r"\s*(?:[-–—~～]|to|and|bis|und|à|et|a|y|e|or|oder|bis zu|から|至|と)\s*", re.IGNORECASE)


def _share_units(numerals: list[Numeral], text: str, lexicon: Lexicon) -> list[Numeral]:
    """Give the bare first number of a range the unit of the second, and a bare second the currency of the first."""
    for at in range(len(numerals) - 1):
        one, two = numerals[at], numerals[at + 1]
        between = text[one.end : two.start]
        if (
            two.bare
            and one.scale > 1
            and not two.reason
            and len(between) < 40
            and lexicon.before("versus").search(between)
        ):
            numerals[at + 1] = _like(two, one)  # `16.5 million, against 15.4`
            continue
        if one.reason or two.reason or not _RANGE.fullmatch(between):
            continue
        if one.bare and not two.bare and two.kind != "fraction":
            numerals[at] = _like(one, two)
        elif one.kind == "money" and two.kind == "number":
            numerals[at + 1] = replace(two, kind="money", unit=one.unit, bare=False)
            if one.scale == 1 and two.scale > 1:
                numerals[at] = _like(one, two, kind="money", unit=one.unit)
    return numerals


def _like(numeral: Numeral, other: Numeral, kind: NumeralKind | None = None, unit: str | None = None) -> Numeral:
    scale = other.scale if numeral.scale == 1 else 1.0
    return replace(
        numeral,
        value=numeral.value * scale,
        low=numeral.low * scale,
        high=numeral.high * scale,
        scale=other.scale,
        kind=kind or other.kind,
        unit=other.unit if unit is None else unit,
        bare=False,
    )
