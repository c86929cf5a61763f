"""The dates, quarters and years a text names."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Grain = Literal["day", "month", "quarter", "half", "year"]

_MONTHS = (
    "january januar janvier gennaio jan",
    "february februar fevrier febbraio feb fevr",
    "march marz mars marzo mar mrz",
    "april avril aprile apr avr",
    "may mai maggio",
    "june juni juin giugno jun",
    "july juli juillet luglio jul juil",
    "august aout agosto aug",
    "september septembre settembre sep sept",
    "october oktober octobre ottobre oct okt",
    "november novembre nov",
    "december dezember decembre dicembre dec dez",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_NAMES = "|".join(sorted(_MONTH, key=lambda name: -len(name)))
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "erste": 1, "zweite": 2, "dritte": 3, "vierte": 4,
    "premier": 1, "deuxieme": 2, "troisieme": 3, "quatrieme": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4,
}  # fmt: skip
_ORDINAL = "|".join(sorted(_ORDINALS, key=lambda word: -len(word)))
_YEAR = r"(?:19|20)\d\d"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("iso", rf"(?P<iso_y>{_YEAR})-(?P<iso_m>\d\d)-(?P<iso_d>\d\d)(?:T\d\d:\d\d(?::\d\d)?Z?)?"),
    ("dotted", rf"(?P<dot_d>\d{{1,2}})\.\s?(?P<dot_m>\d{{1,2}})\.\s?(?P<dot_y>{_YEAR})"),
    ("dmy", rf"(?P<dmy_d>\d{{1,2}})(?:st|nd|rd|th|er|\.)?\s+(?:of\s+)?(?P<dmy_m>{_NAMES})\.?,?\s+(?P<dmy_y>{_YEAR})"),
    ("mdy", rf"(?P<mdy_m>{_NAMES})\.?\s+(?P<mdy_d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<mdy_y>{_YEAR})"),
    ("month", rf"(?P<my_m>{_NAMES})\.?,?\s+(?P<my_y>{_YEAR})"),
    ("ym", rf"(?P<ym_y>{_YEAR})-(?P<ym_m>0[1-9]|1[0-2])(?![\d-])"),
    ("qy", rf"(?:q|t|quarter\s|quartal\s)(?P<qy_q>[1-4])[\s/,-]*(?:of\s+|fy\s*)?(?P<qy_y>{_YEAR}|['’]?\d\d(?!\d))"),
    ("yq", rf"(?P<yq_y>{_YEAR})[\s/-]*(?:q|t)(?P<yq_q>[1-4])"),
    (
        "oq",
        rf"(?P<oq_o>{_ORDINAL}|[1-4]\.?(?:er?|e|eme)?)(?:n|s|r)?\s*(?:fiscal\s+)?(?:quarter|quartals?|trimestre)"
        rf"(?:\s+(?:of|des|de|du|in|l)?\s*(?:fiscal\s+|year\s+|jahres\s+)*(?P<oq_y>{_YEAR}))?",
    ),
    ("hy", rf"(?:h(?P<hy_h>[12])|(?P<hy_o>first|second)\s+half(?:\s+of)?)[\s,-]*(?P<hy_y>{_YEAR})"),
    ("fy", rf"(?:fy|fiscal(?:\s+year)?|geschaftsjahre?s?|exercice)\s*['’]?(?P<fy_y>{_YEAR}|\d\d(?!\d))e?"),
    ("year", rf"(?P<y_y>{_YEAR})(?:e\b)?"),
)
_PERIOD = re.compile(
    r"(?<![\w.,$€£'’])(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS) + r")(?![\w])(?![.,]\d)"
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time a text names."""

    start: int
    """Offset of its words."""
    end: int
    first: str
    """ISO date of its first day."""
    last: str
    """ISO date of its last day."""
    grain: Grain


def find_periods(text: str) -> list[Period]:
    """Every date, month, quarter, half and year in the text, in order."""
    return list(_find(text))


def folded(text: str) -> str:
    """Lower case without accents, character by character, so that offsets stay."""
    return text.lower() if text.isascii() else "".join(_fold(letter) for letter in text)


def _fold(letter: str) -> str:
    if letter.isascii():
        return letter.lower()
    base = unicodedata.normalize("NFD", letter.lower())[:1]
    return base or letter


def _find(text: str) -> Iterator[Period]:
    year_before = ""
    for found in _PERIOD.finditer(folded(text)):
        kind = found.lastgroup or ""
        kind = next(name for name, _ in _PATTERNS if found[name] is not None)
        groups = {key.partition("_")[2]: value for key, value in found.groupdict().items() if value and "_" in key}
        span = _span(kind, groups, year_before)
        if span is None:
            continue
        year_before = span[0][:4]
        yield Period(found.start(), found.end(), *span)


def _span(kind: str, groups: dict[str, str], year_before: str) -> tuple[str, str, Grain] | None:
    year = int(_year(groups["y"])) if "y" in groups else int(year_before or 0)
    if not year:
        return None
    if "d" in groups:
        month = int(groups["m"]) if groups["m"].isdigit() else _MONTH[groups["m"]]
        if not (1 <= month <= 12 and 1 <= int(groups["d"]) <= 31):
            return None
        day = f"{year:04}-{month:02}-{int(groups['d']):02}"
        return day, day, "day"
    if "m" in groups:
        month = int(groups["m"]) if groups["m"].isdigit() else _MONTH[groups["m"]]
        return *_months(year, month, month), "month"
    if "q" in groups or kind == "oq":
        quarter = int(groups["q"]) if "q" in groups else _ordinal(groups["o"])
        return *_months(year, 3 * quarter - 2, 3 * quarter), "quarter"
    if kind == "hy":
        half = int(groups["h"]) if "h" in groups else _ORDINALS[groups["o"]]
        return *_months(year, 6 * half - 5, 6 * half), "half"
    return *_months(year, 1, 12), "year"


def _ordinal(word: str) -> int:
    return _ORDINALS.get(word) or int(re.sub(r"\D", "", word))


def _year(text: str) -> str:
    digits = text.strip("'’")
    return digits if len(digits) == 4 else f"20{digits}"


def _months(year: int, first: int, last: int) -> tuple[str, str]:
    return f"{year:04}-{first:02}-01", f"{year:04}-{last:02}-{calendar.monthrange(year, last)[1]:02}"
