"""The words of the draft: dates, lists and names in English; another language is another module of these names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from trainer.facts import Time

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_PERIODS = {
    "trailing 12 months": "over the trailing 12 months",
    "latest quarter": "in the latest quarter",
}
_ACRONYMS = frozenset(("ebit", "ebitda", "eps", "kpi", "url"))
_LEGAL = re.compile(
    r",?\s+(inc|incorporated|corp|corporation|co|company|ltd|limited|plc|llc|lp|ag|se|sa|s\.a|nv|n\.v|gmbh|kgaa|oyj|ab|asa)\.?\Z",
    re.IGNORECASE,
)
_NAMES = frozenset({"Medicare", "Medicaid", "January", "February", "August", "October", "November", "December"})


def day(iso: str, *, short: bool = False) -> str:
    """`2025-02-21` as `21 February 2025` or `21 Feb 2025`; what is no date comes back as it is."""
    try:
        found = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    month = _MONTHS[found.month - 1]
    return f"{found.day} {month[:3] if short else month} {found.year}"


def within(time: Time) -> str:
    """When something was, in a sentence: `in March 2024`, `in the quarter to 31 December 2024`, `on 3 May 2024`."""
    if time.grain in ("day", "moment"):
        return f"on {day(time.end.isoformat())}"
    if time.grain == "month" and time.start.day == 1:
        return f"in {_MONTHS[time.end.month - 1]} {time.end.year}"
    if time.grain == "year" and (time.start.month, time.start.day) == (1, 1):
        return f"in {time.label if time.is_fiscal else time.end.year}"
    if time.grain == "year" and time.is_fiscal and "/" in time.label:
        return f"in {time.label}"
    if time.grain == "span":
        return f"from {day(time.start.isoformat())} to {day(time.end.isoformat())}"
    noun = "six months" if time.grain == "half" else time.grain
    return f"in the {noun} to {day(time.end.isoformat())}"


def label(time: Time) -> str:
    """A period in a table: `Mar 2024`, `2024`, `31 Dec 2024`."""
    if time.grain == "month" and time.start.day == 1:
        return f"{_MONTHS[time.end.month - 1][:3]} {time.end.year}"
    if time.grain == "year" and (time.start.month, time.start.day) == (1, 1):
        return time.label if time.is_fiscal else str(time.end.year)
    return day(time.end.isoformat(), short=True)


def listed(parts: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def lowered(title: str) -> str:
    """A title as it stands inside a sentence: `Revenue` as `revenue`, `EBITDA` as it is."""
    first = title.split(" ", 1)[0]
    if first in _NAMES or not re.match(r"[^\W\d_][^\W\d_A-Z]+(-\w+)?\Z", first) or not first[0].isupper():
        return title
    return title[0].lower() + title[1:]


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def base(title: str) -> str:
    """What a title names, without its qualifier: `Revenue, trailing 12 months` is `Revenue`."""
    return title.partition(", ")[0]


def period(title: str) -> str:
    """The period that a title's qualifier names, as words of a sentence; nothing where it names none."""
    qualifier = title.partition(", ")[2]
    if re.match(r"(quarter|year|period) to ", qualifier):
        return f"in the {qualifier}"
    return _PERIODS.get(qualifier.lower(), "")


def verb(title: str) -> str:
    """`was` or `were`, as the title's head is one thing or several: `Shares outstanding` were."""
    head = re.split(r" (?:to|of|with|per|in|on|at|for|outstanding|sold|held) ", f"{base(title)} ")[0].strip()
    last = head.rpartition(" ")[2].lower()
    return "were" if last.endswith("s") and not last.endswith(("ss", "us", "is")) else "was"


def speakable(title: str) -> bool:
    """Whether a title can be the subject of a sentence; `Held by insiders` cannot."""
    return not re.match(r"(held|whether|last|next|date|time)\b|.*\bdate\Z", title, re.IGNORECASE)


def named(title: str) -> str:
    """A title inside a sentence, its qualifier in brackets where it is no period."""
    head, _, qualifier = title.partition(", ")
    return lowered(head) if not qualifier or period(title) else f"{lowered(head)} ({qualifier})"


def short_name(subject: str) -> str:
    """A company's name without its legal form: `AbbVie Inc.` is `AbbVie`."""
    bare = _LEGAL.sub("", subject.strip())
    return bare or subject.strip()


def humanised(key: str) -> str:
    """A title made of a key: `totalRevenue` and `total_revenue` are `Total revenue`."""
    spaced = re.sub(r"[_\-.\s]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", key)).strip()
    words = [_word(word) for word in spaced.split(" ")]
    return capital(" ".join(words))[:80] or "Value"


def _word(word: str) -> str:
    if word.lower() in _ACRONYMS:
        return word.upper()
    return word if word.isupper() and len(word) > 1 else word.lower()


def sentences(text: str) -> list[str]:
    """The sentences of a text, split where a full stop is followed by a space and a capital letter."""
    flat = " ".join(text.split())
    abbreviations = r"(?<!\bInc)(?<!\bCo)(?<!\bCorp)(?<!\bLtd)(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bSt)(?<!\bU\.S)"
    return [part for part in re.split(rf"{abbreviations}(?<=[.!?])\s+(?=[^\W\d_a-z(])", flat) if part]
