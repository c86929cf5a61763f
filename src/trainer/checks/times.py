"""The times that running text names: dates, months, quarters, years, and relative ones such as `a year earlier`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Literal

from trainer.checks.lexicon import CJK, SHORT, Lexicon, alternation
from trainer.facts.times import month_number

TimeKind = Literal["day", "month", "quarter", "half", "year", "months", "previous", "year_ago"]


@dataclass(frozen=True, slots=True)
class TimeRef:
    """A time as a text names it; what it leaves out is None."""

    start: int
    """Offset of its words."""
    end: int
    text: str
    kind: TimeKind
    year: int | None = None
    month: int | None = None
    day: int | None = None
    part: int | None = None
    """The quarter, the half, or how many months or years back."""
    is_fiscal: bool = False

    @property
    def first(self) -> date | None:
        """Its first day, where it says enough."""
        try:
            if self.year is None:
                return None
            if self.kind == "day" and self.month and self.day:
                return date(self.year, self.month, self.day)
            if self.kind == "month" and self.month:
                return date(self.year, self.month, 1)
            if self.kind == "quarter" and self.part:
                return date(self.year, 3 * self.part - 2, 1)
            return date(self.year, 1, 1)
        except ValueError:
            return None


_YEAR = r"(?:1[89]|20|21)\d\d"


@cache
def _pattern(language: str) -> re.Pattern[str]:
    lexicon = Lexicon(language)
    months = alternation(_month_names(language))
    fiscal = alternation(lexicon.terms("fiscal"))
    quarters = alternation(lexicon.mapped("quarters"))
    halves = alternation(lexicon.mapped("halves"))
    ordinals = alternation(lexicon.mapped("ordinals"))
    word = alternation(lexicon.terms("quarter_word") or ["quarter"])
    link = r"(?:\s*(?:of|des|de|du|del|de l['’]|di|im|in|en)?\s*(?:the\s+)?(?:year\s+|jahres\s+|l['’]exercice\s+|exercice\s+)?)"  # noqa: E501
    fy = rf"(?:(?:{fiscal})\s*['’]?|FY\s?['’]?)"
    parts = (
        rf"(?P<d1_y>{_YEAR})[-/.](?P<d1_m>\d\d?)[-/.](?P<d1_d>\d\d?)(?:T\d\d:\d\d(?::\d\d)?Z?)?(?!\d)",
        rf"(?P<d2_y>{_YEAR})\s?年\s?(?P<d2_m>\d\d?)\s?月\s?(?P<d2_d>\d\d?)\s?[日号]",
        rf"(?P<d3_d>\d\d?)\.\s?(?P<d3_m>\d\d?)\.\s?(?P<d3_y>{_YEAR})(?!\d)",
        rf"(?P<d4_d>\d\d?)(?:st|nd|rd|th|er|º|\.)?\s+(?:of\s+|de\s+)?(?P<d4_m>{months})\.?,?\s+(?:de\s+|del\s+)?(?P<d4_y>{_YEAR})(?!\d)",
        rf"(?P<d5_m>{months})\.?\s+(?P<d5_d>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<d5_y>{_YEAR})(?!\d)",
        rf"(?P<d6_d>\d\d?)/(?P<d6_m>\d\d?)/(?P<d6_y>{_YEAR})(?!\d)",
        rf"(?P<m1_m>{months})\.?,?\s+(?:de\s+|del\s+)?(?P<m1_y>{_YEAR})(?!\d)",
        rf"(?P<m2_y>{_YEAR})\s?年\s?(?P<m2_m>\d\d?)\s?月",
        rf"(?P<m3_y>{_YEAR})-(?P<m3_m>0[1-9]|1[0-2])(?![\d-])",
        rf"(?:(?P<q1_q>[1-4])\s?[QT]|[QT]\s?(?P<q1_r>[1-4]))[\s/,'’-]*(?P<q1_f>{fy})?(?P<q1_y>{_YEAR}|(?<=['’])\d\d)(?!\d)",
        rf"(?P<q2_f>{fy})?(?P<q2_y>{_YEAR})[\s/-]*(?:[QT]\s?(?P<q2_q>[1-4])|(?P<q2_r>[1-4])\s?[QT])(?!\w)",
        rf"(?P<q3_n>{quarters})(?:{link}(?P<q3_f>{fy})?(?P<q3_y>{_YEAR}))?(?!\d)",
        rf"(?P<q3b_y>{_YEAR})\s?年(?:度)?\s?(?P<q3b_n>{quarters})",
        rf"(?P<h1_h>[12])\s?H[\s-]*(?P<h1_f>{fy})?(?P<h1_y>{_YEAR})|H(?P<h2_h>[12])[\s-]*(?P<h2_f>{fy})?(?P<h2_y>{_YEAR})",
        rf"(?P<h3_n>{halves})(?:{link}(?P<h3_f>{fy})?(?P<h3_y>{_YEAR}))?",
        rf"(?P<n1_n>\d\d?)\s?M[\s-]*(?P<n1_f>{fy})?(?P<n1_y>{_YEAR})",
        rf"(?P<p1>{alternation(lexicon.terms('previous_year'))})",
        rf"(?P<p2_n>{alternation(lexicon.mapped('years_ago')) if lexicon.mapped('years_ago') else '(?!)'})",
        rf"(?P<p4>{alternation(lexicon.terms('next_year')) or '(?!)'})",
        rf"(?P<p3>{alternation(lexicon.terms('previous'))})",
        rf"(?P<d7_d>\d\d?)(?:st|nd|rd|th|er|º|\.)?\s+(?:of\s+|de\s+)?(?P<d7_m>{months})(?!\w)",
        rf"(?P<d8_m>{months})\.?\s+(?P<d8_d>\d\d?)(?:st|nd|rd|th)?(?![\d%.,]*\d|\s*%)",
        r"(?P<d9_m>\d\d?)\s?月\s?(?P<d9_d>\d\d?)\s?[日号]",
        rf"(?P<m4_n>{months})(?!\w)",
        r"(?P<m5_m>\d\d?)\s?月(?!間)",
        r"(?<![\w.$€£,])(?:[QT]\s?(?P<q4_q>[1-4])|(?P<q4_r>[1-4])\s?[QT])(?!\w)",
        rf"(?:the\s+|la\s+|das\s+)?(?P<q5_o>{ordinals})(?=\s+(?:{word})|\s+(?:with|at|\(to|[$€£¥]|USD|EUR|RMB|CNY|GBP|\d)|[,:.;]"
        rf"|\s+(?:to|and)\s+(?:the\s+)?(?:{ordinals})\s+(?:{word}))"
        if language == "en"
        else r"(?!)",
        rf"{fy}(?P<y1_f>{_YEAR}|(?<=['’Y])\d\d)(?!\d)",
        rf"(?P<y2_y>{_YEAR})\s?(?:年度|会計年度|财年)(?P<y2_f>)",
        rf"(?P<y3_y>{_YEAR})\s?年?(?!\d|[.,]\d)(?:E\b)?",
    )
    return re.compile(rf"(?<![\d.,$€£'’])(?<![^\W\d_{CJK}])(?:" + "|".join(parts) + ")", re.IGNORECASE)


@cache
def _month_names(language: str) -> tuple[str, ...]:
    from babel import Locale

    names: set[str] = set()
    for code in {language if language not in ("ja", "zh") else "en", "en"}:
        months = Locale.parse(code).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                names |= {name.strip(".") for name in months[context][width].values()}
    names |= {"Sept"}
    return tuple(sorted(name for name in names if len(name) > 2 and name.isalpha()))


def find_times(text: str, *, lexicon: Lexicon, cell: bool = False) -> list[TimeRef]:
    """Every time that the text names, in order; `cell` also reads bare years beside nothing, as heads have them."""
    return list(_short_times(text, lexicon, cell) if len(text) <= SHORT else _find(text, lexicon, cell))


@lru_cache(maxsize=8192)
def _short_times(text: str, lexicon: Lexicon, cell: bool) -> tuple[TimeRef, ...]:
    return tuple(_find(text, lexicon, cell))


def _find(text: str, lexicon: Lexicon, cell: bool) -> Iterator[TimeRef]:
    for match in _pattern(lexicon.language).finditer(text):
        groups = {name: value for name, value in match.groupdict().items() if value is not None}
        ref = _ref(match, groups, lexicon)
        if ref is None or (ref.kind == "month" and ref.year is None and _is_may(match, text)):
            continue
        if ref.kind == "year" and not cell and _is_amount(match, text, lexicon):
            continue
        yield ref


def _is_may(match: re.Match[str], text: str) -> bool:
    """Whether `may` or `mar` is a verb or a word rather than the month."""
    name = match[0]
    return name.casefold() in (
        "may",
        "mar",
        "march",
        "dec",
        "sep",
        "jan",
        "nov",
        "oct",
        "feb",
        "mai",
        "sept",
        "set",
        "ago",
        "mag",
        "mär",
        "dez",
        "out",
    ) and not (name[:1].isupper() and (len(name) > 3 or not re.match(r"\w", text[match.end() : match.end() + 1])))


def _is_amount(match: re.Match[str], text: str, lexicon: Lexicon) -> bool:
    """Whether four digits are an amount rather than a year: a unit or scale follows, or a currency stands before."""
    if not re.fullmatch(_YEAR, match[0].strip()):
        return False
    before, after = text[max(0, match.start() - 8) : match.start()], text[match.end() : match.end() + 24]
    if re.match(
        rf"\s?(?:%|％|[x×](?!\w)|(?:{lexicon.pattern('scales').pattern})|{lexicon.pattern('basis').pattern})",
        after,
        re.IGNORECASE,
    ):
        return True
    if re.match(
        r"\s+(?:shares|units|employees|people|basis|points|MW|GWh|kg|mm|km|t\b|ha\b|m\b|Aktien|actions|Mitarbeit|salari|acciones|emplead|USD|EUR|GBP|CHF|CNY|dollars|euros|人|件|社)",
        after,
    ):
        return True
    return bool(re.search(r"(?:[$€£¥]|\b(?:USD|EUR|GBP|CHF|CNY|JPY|RMB)\s?)[-−]?$", before))


def _ref(match: re.Match[str], groups: dict[str, str], lexicon: Lexicon) -> TimeRef | None:  # noqa: C901, PLR0912
    name = next(iter(groups), "")
    values = {key.rpartition("_")[2]: value for key, value in groups.items()}
    year = _year(values.get("y"))
    fiscal = "f" in values

    def make(kind: TimeKind, **more: int | None) -> TimeRef:
        return TimeRef(match.start(), match.end(), match[0], kind, is_fiscal=fiscal, **more)

    if name == "p1":
        return make("year_ago", part=1)
    if name == "p2_n":
        return make("year_ago", part=int(lexicon.mapped("years_ago").get(_plain(match[0]), 2)))
    if name == "p4":
        return make("year_ago", part=-1)
    if name == "p3":
        return make("previous", part=1)
    letter = name[0]
    if letter == "d":
        month, day = _month(values["m"]), int(values["d"])
        if (month and day > 31) or month is None or not 1 <= day <= 31:
            return None
        if month > 12:
            month, day = day, month
        return make("day", year=year, month=month, day=day) if 1 <= month <= 12 else None
    if letter == "m":
        month = _month(values.get("m") or values["n"])
        return make("month", year=year, month=month) if month and month <= 12 else None
    if letter == "q":
        if "n" in values:
            part = int(lexicon.mapped("quarters").get(_plain(values["n"]), 0))
        elif "o" in values:
            part = int(lexicon.mapped("ordinals").get(_plain(values["o"]), 0))
        else:
            part = int(values.get("q") or values["r"])
        return make("quarter", year=year, part=part) if part else None
    if letter == "h":
        part = int(values["h"]) if "h" in values else int(lexicon.mapped("halves").get(_plain(values["n"]), 0))
        return make("half", year=year, part=part)
    if letter == "n":
        return make("months", year=year, part=int(values["n"]))
    return make("year", year=year or _year(values.get("f")))


def _plain(text: str) -> str:
    return re.sub(r"[\s\u00a0]+", " ", text).casefold()


def _year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month(text: str) -> int | None:
    return int(text) if text.isdigit() else month_number(text)
