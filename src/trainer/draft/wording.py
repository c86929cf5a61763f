"""The words of a draft: patterns, dates, lists and names, from the file of its language in `languages/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from trainer.core.yamltext import load_yaml
from trainer.facts import Time

DEFAULT = "en"
"""The language of a draft for which there is no file."""

_PACKAGE = "trainer.draft"
_ACRONYMS = frozenset(("ebit", "ebitda", "eps", "kpi", "url"))
_LEGAL = re.compile(
    r"(?<![\s,])[\s,]+(inc|incorporated|corp|corporation|co|company|ltd|limited|plc|llc|lp|ag|se|sa|s\.a|nv|n\.v|gmbh|kgaa|oyj|ab|asa)\.?\Z",
    re.IGNORECASE,
)
TimeForm: TypeAlias = Literal["when", "than", "at"]
"""How a time stands in a sentence: `in March 2024`, `than in March 2024`, `March 2024`."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language that drafts are written in."""

    code: str
    """As the name of its file: `de`."""
    locale: Locale
    """Its numbers, dates and plurals as CLDR has them."""
    patterns: Mapping[str, Any]
    """What its file holds."""
    terms: Mapping[str, str]
    """Words of domains in it, by the English ones in small letters; empty for English."""


_LANGUAGE: ContextVar[str] = ContextVar("language", default=DEFAULT)
# A figure is printed deep inside sentences, tables and charts; as with a decimal context, all of one draft is alike.


@contextmanager
def writing_in(tag: str) -> Iterator[Language]:
    """Write in the language of a tag such as `de-CH`, or in English where it has no file."""
    token = _LANGUAGE.set(tag if is_known(tag) else DEFAULT)
    try:
        yield language()
    finally:
        _LANGUAGE.reset(token)


def is_known(tag: str) -> bool:
    """Whether there is a file for the language of a tag."""
    return resources.files(_PACKAGE).joinpath("languages", f"{_code(tag)}.yaml").is_file()


def language() -> Language:
    """The language that is written in."""
    return _load(_LANGUAGE.get())


@cache
def _load(tag: str) -> Language:
    code = _code(tag)
    package = resources.files(_PACKAGE)
    terms: dict[str, str] = {}
    for file in sorted(package.joinpath("domains").iterdir(), key=lambda file: file.name):
        if file.name.endswith(f".{code}.yaml"):
            entries = load_yaml(file.read_text(encoding="utf-8"), shown=file.name).value
            terms |= {english.casefold(): term for english, term in entries.items()}
    path = package.joinpath("languages", f"{code}.yaml")
    patterns = load_yaml(path.read_text(encoding="utf-8"), shown=path.name).value
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(code)
    return Language(code, locale, patterns, terms)


def _code(tag: str) -> str:
    return re.split(r"[-_]", tag.lower())[0] if tag[:1].isalpha() else DEFAULT


def pattern(name: str) -> Any:
    """An entry of the language's file."""
    return language().patterns[name]


def say(name: str, /, *, many: bool = False, **slots: object) -> str:
    """The pattern of a name with its slots filled; `many` chooses the one for several things."""
    entry = pattern(name)
    text: str = entry if isinstance(entry, str) else entry["other" if many else "one"]
    for before, joint in pattern("joints").items():
        # `de {the}` is `du chiffre` before `le chiffre`; words of the data further on are not touched
        for slot in re.findall(rf"\b{before} {{(\w+)}}", text):
            for start, joined in joint.items():
                if re.match(start, str(slots[slot])):
                    text = text.replace(f"{before} {{{slot}}}", f"{joined}{{{slot}}}")
                    slots[slot] = re.sub(start, "", str(slots[slot]), count=1)
                    break
    # an abbreviation such as `Mrd.` ends with the stop of its sentence
    return re.sub(r"(?<=[^.])\.\.\Z", ".", text.format_map(slots))


def say_of(name: str, key: str) -> str:
    """One word of a table of words: the name of a period, its plural."""
    entry: str = pattern(name)[key]
    return entry


def word_set(name: str) -> frozenset[str]:
    """The words of an entry that is a list of words in one text."""
    return _word_set(name, language().code)


@cache
def _word_set(name: str, code: str) -> frozenset[str]:
    return frozenset(_load(code).patterns[name].split())


def counted(entry: str | Mapping[str, str], number: Decimal, shown: str) -> str:
    """A printed number with the words that follow it, in the plural form that CLDR gives it."""
    if isinstance(entry, str):
        return entry.format(number=shown)
    return entry.get(language().locale.plural_form(number), entry["other"]).format(number=shown)


def term(text: str) -> str:
    """A title or sentence of a domain in the language that is written in; as it is where there is none."""
    terms = language().terms
    if not terms or text.casefold() in terms:
        return terms.get(text.casefold(), text)
    head, comma, qualifier = text.partition(", ")
    return f"{terms.get(head.casefold(), head)}{comma}{terms.get(qualifier.casefold(), qualifier)}"


def digits(text: str) -> str:
    """Digits such as `1,234.5` with the separators of the language."""
    symbols = language().locale.number_symbols["latn"]
    return text.translate(str.maketrans({",": symbols["group"], ".": symbols["decimal"]}))


def day(iso: str, *, short: bool = False) -> str:
    """`2025-02-21` as `21 February 2025` or `21 Feb 2025`; what is no date comes back as it is."""
    try:
        moment = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return _date(moment, "day_short" if short else "day")


def _date(moment: date, form: str) -> str:
    forms = pattern("dates")
    if moment.day == 1:
        form = f"{form}_first" if f"{form}_first" in forms else form
    return format_date(moment, forms[form], locale=language().locale)


def within(time: Time, form: TimeForm = "when") -> str:
    """When something was, in a sentence: `in March 2024`, `in the quarter to 31 December 2024`, `on 3 May 2024`."""
    kind: str = "day" if time.grain == "moment" else time.grain
    year: int | str = time.end.year
    if kind == "month" and time.start.day != 1:
        kind = "month_to"
    if kind == "year":
        is_calendar = (time.start.month, time.start.day) == (1, 1)
        kind = "year" if is_calendar or (time.is_fiscal and "/" in time.label) else "year_to"
        year = time.label if time.is_fiscal else year
    return say_of(form, kind).format(
        day=day(time.end.isoformat()), start=day(time.start.isoformat()), month=_date(time.end, "month"), year=year
    )


def label(time: Time) -> str:
    """A period in a table: `Mar 2024`, `2024`, `31 Dec 2024`."""
    if time.grain == "month" and time.start.day == 1:
        return format_date(time.end, pattern("dates")["month_short"], locale=language().locale)
    if time.grain == "year" and (time.start.month, time.start.day) == (1, 1):
        return time.label if time.is_fiscal else str(time.end.year)
    return day(time.end.isoformat(), short=True)


def listed(parts: Sequence[str], last: Literal["and", "or"] = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {pattern(last)} {parts[-1]}"


def lowered(title: str) -> str:
    """A title as it stands inside a sentence: `Revenue` as `revenue`, `EBITDA` as it is."""
    title = term(title)
    first = title.split(" ", 1)[0]
    is_word = re.match(r"[^\W\d_][^\W\d_A-Z]+(-\w+)?\Z", first) and first[0].isupper()
    if not pattern("lower_titles") or first in pattern("names") or not is_word:
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
    for entry in pattern("periods"):
        if match := re.fullmatch(entry["title"], qualifier):
            when: str = entry["when"]
            return when.format(*match.groups())
    return ""


def is_plural(title: str) -> bool:
    """Whether a title's head is several things: `Shares outstanding` are."""
    head = re.split(pattern("head_ends"), f"{base(term(title))} ")[0].strip()
    return re.search(pattern("plural"), head.lower()) is not None


def speakable(title: str) -> bool:
    """Whether a title can be the subject of a sentence; `Held by insiders` cannot."""
    return not re.match(pattern("unspeakable"), title, re.IGNORECASE)


def named(title: str) -> str:
    """A title inside a sentence, its qualifier in brackets where it is no period."""
    head, _, qualifier = title.partition(", ")
    return lowered(head) if not qualifier or period(title) else f"{lowered(head)} ({term(qualifier)})"


def article(title: str) -> str:
    """The article of a title, with its space; nothing where the language's file does not know the word."""
    first = base(term(title)).lower().split(" ", 1)[0]
    return next((entry["article"] for entry in pattern("articles") if re.fullmatch(entry["word"], first)), "")


def asked_name(phrase: str) -> str:
    """A phrase of an instruction as a name in a sentence, with a capital where nouns have one."""
    return phrase if pattern("lower_titles") else capital(phrase)


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
