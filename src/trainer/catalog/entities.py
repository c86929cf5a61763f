"""Who and what a text names: organisations, people, dates, money, identifiers and places, each where it stands.

Rules alone: shapes with check digits where there are any, legal forms of companies, titles and given names before a
surname, CLDR's countries. A confidence says how much such a shape has proved worth, not how a sentence reads.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Literal, TypeAlias

from trainer.core.yamltext import load_yaml
from trainer.facts import parse_time

EntityKind = Literal["organisation", "person", "date", "money", "identifier", "place", "email", "url", "percent"]
RelationKind = Literal["works_for", "located_in", "owes", "dated", "owns", "identifies"]
_LONGEST = 200_000
"""Letters of a text that are looked through."""


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """Something a text names."""

    kind: EntityKind
    text: str
    """As it stands there."""
    value: str
    """In one spelling: dates as ISO, money as `1190.00 EUR`, identifiers without spaces."""
    start: int
    end: int
    confidence: float
    scheme: str = ""
    """Of an identifier: `iban`, `isin`, `lei`, `cve`, `doi` …"""


@dataclass(frozen=True, slots=True)
class EntityRelation:
    """What one entity has to do with another, in a passage that says so."""

    kind: RelationKind
    subject: NamedEntity
    object: NamedEntity
    start: int
    end: int
    confidence: float


def find_entities(text: str) -> list[NamedEntity]:
    """The entities of a text, in order and without overlaps; of two that overlap the surer one, then the longer."""
    text = text[:_LONGEST]
    ranked = sorted(_candidates(text), key=lambda one: (-one.confidence, one.start - one.end, one.start))
    taken: list[NamedEntity] = []
    covered = bytearray(len(text))
    for one in ranked:
        if not any(covered[one.start : one.end]):
            covered[one.start : one.end] = b"\1" * (one.end - one.start)
            taken.append(one)
    return sorted(taken, key=lambda one: one.start)


def find_relations(text: str, entities: Sequence[NamedEntity]) -> list[EntityRelation]:
    """What neighbouring entities of one sentence have to do with each other, where the words between them say it."""
    relations = []
    for subject, other in itertools.pairwise(entities):
        between = text[subject.end : other.start]
        if len(between) > 60 or re.search(r"[.;!?]\s|\n\s*\n", between):
            continue
        for kind, subjects, objects, pattern, confidence in _RELATIONS:
            if subject.kind in subjects and other.kind in objects and re.search(pattern, between, re.IGNORECASE):
                relations.append(EntityRelation(kind, subject, other, subject.start, other.end, confidence))
                break
    return relations


_OFFICE = r",[^,]*\b(CEO|CFO|officer|director|manager|president|engineer|head)\b"
_RELATIONS: tuple[tuple[RelationKind, tuple[str, ...], tuple[str, ...], str, float], ...] = (
    ("works_for", ("person",), ("organisation",), rf"\b(of|at|for|from|with)\b|{_OFFICE}", 0.8),
    (
        "located_in",
        ("organisation", "person"),
        ("place",),
        r"\b(in|of|at|based|headquartered|located)\b|^\s*,\s*$",
        0.75,
    ),
    ("owns", ("organisation",), ("organisation",), r"\b(acquired|acquires|owns|bought|parent of|subsidiary)\b", 0.8),
    ("owes", ("organisation", "person"), ("money",), r"\b(owes?|pays?|paid|due|invoiced?|charged|total|of)\b", 0.6),
    ("identifies", ("identifier",), ("organisation", "person"), r"^[\s:,(-]*(of|for)?\s*$", 0.6),
    (
        "identifies",
        ("organisation", "person"),
        ("identifier",),
        r"^[\s:,()-]*(ISIN|LEI|IBAN|VAT|no\.?|number)?[\s:#]*$",
        0.7,
    ),
    ("dated", ("organisation", "money", "identifier"), ("date",), r"\b(on|dated|as of|due|by|since|effective)\b", 0.65),
)
"""Kind, kinds of subject and object, what stands between them, and how sure that is."""


def _candidates(text: str) -> Iterator[NamedEntity]:
    for kind, scheme, pattern, check, confidence in _shapes():
        for match in pattern.finditer(text):
            value = check(match)
            if value is not None:
                group = "value" if "value" in pattern.groupindex else 0
                yield NamedEntity(kind, match[group], value, match.start(group), match.end(group), confidence, scheme)


_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "US$": "USD", "A$": "AUD", "C$": "CAD"}
_SCALES = {"thousand": 3, "k": 3, "million": 6, "m": 6, "mn": 6, "billion": 9, "bn": 9, "b": 9, "trillion": 12}
_CODES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|CNY|HKD|SGD|KRW|BRL|MXN|ZAR|TRY|ILS|AED"
_AMOUNT = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:['\u00a0\u202f ]\d{3})+(?:[.,]\d+)?|"
    r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?"
)
_LEGAL = (
    r"Inc\.?|Incorporated|Corp\.?|Corporation|Ltd\.?|Limited|LLC|L\.L\.C\.|LLP|PLC|plc|GmbH|AG|SE|KG|S\.A\.|SA|SAS|S\.p\.A\.|"
    r"B\.V\.|BV|N\.V\.|NV|AB|AS|ASA|Oy|Oyj|Co\.|& Co\.?|Company|Group|Holdings?|Foundation|University|Institute|Bank|"
    r"Association|Authority|Ministry|Agency|Committee|Laborator(?:y|ies)|Pharmaceuticals|Technologies"
)
_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’.&-]*"


def _money(match: re.Match[str]) -> str | None:
    mark = match["mark"] or match["code"] or match["after"]
    currency = _CURRENCIES.get(mark, mark)
    digits = re.sub(r"[\s']", "", match["amount"])
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma > point and (len(digits) - comma != 4 or point >= 0):
        digits = digits.replace(".", "").replace(",", ".")
    elif point >= 0 and digits.count(".") > 1:
        digits = digits.replace(".", "")
    digits = digits.replace(",", "")
    scale = _SCALES.get((match["scale"] or "").lower(), 0)
    whole, _, part = digits.partition(".")
    if scale:
        padded = part.ljust(scale, "0")
        digits = f"{whole}{padded[:scale]}".lstrip("0") + (f".{padded[scale:]}" if padded[scale:] else "")
    return f"{digits or '0'} {currency}"


def _date(match: re.Match[str]) -> str | None:
    time = parse_time(match[0].strip().rstrip(","))
    return time.start.isoformat() if time and time.start == time.end else None


def _number_of(module: str) -> Callable[[re.Match[str]], str | None]:
    def check(match: re.Match[str]) -> str | None:
        text = re.sub(r"[\s-]", "", match[0]).upper()
        return text if import_module(f"stdnum.{module}").is_valid(text) else None

    return check


def _plain(match: re.Match[str]) -> str | None:
    return " ".join((match["value"] if "value" in match.re.groupindex else match[0]).split())


def _organisation(match: re.Match[str]) -> str | None:
    name = " ".join(match[0].split())
    first = name.split()[0]
    return None if first.lower() in ("the", "a", "this", "our", "each", "any") and len(name.split()) < 3 else name


def _person(match: re.Match[str]) -> str | None:
    first_name = match["given"].split()[0] if match["given"] else ""
    return _plain(match) if match["title"] or first_name.lower() in _names()["given"] else None


def _place(match: re.Match[str]) -> str | None:
    return match[0] if match[0].lower() in _names()["places"] else None


@cache
def _names() -> dict[str, frozenset[str]]:
    """Given names and cities of the package, and every country and its capital as CLDR writes them in English."""
    text = (files("trainer.catalog") / "names.yaml").read_text(encoding="utf-8")
    value = load_yaml(text, shown="names.yaml").value
    from babel import Locale

    countries = (name.lower() for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha())
    return {
        "given": frozenset(value["given"].split()),
        "places": frozenset((*countries, *(place.strip() for place in value["places"].split(",")))),
    }


_Check: TypeAlias = Callable[[re.Match[str]], str | None]
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)[a-z]*\.?"
_ORDINAL = r"(?:st|nd|rd|th)?"
_NUMBERED = (
    "invoice|order|contract|policy|case|ticket|reference|document|sop|report|decision|account|customer|project|record|"
    "plan|review|run|work order"
)
_CAPITAL = r"[A-ZÀ-Þ][\w'’-]+"


def _priced(match: re.Match[str]) -> str | None:
    return _money(match) if match["mark"] or match["code"] or match["after"] else None


@cache
def _shapes() -> tuple[tuple[EntityKind, str, re.Pattern[str], _Check, float], ...]:
    """Kind, scheme, shape, what decides and gives the value, and how sure it is then."""
    labelled = (
        rf"(?i)\b(?:{_NUMBERED})\s*(?:number|no\.?|nr\.?|id|ref\.?|#|code)?\s*[:#.]?\s*"
        r"(?P<value>(?=[\w/-]*\d)[A-Z0-9][\w/-]{2,24})\b"
    )
    money = (
        rf"(?:(?P<mark>(?:US|A|C)?[$€£¥₹])\s?|\b(?P<code>{_CODES})\s?)?(?P<amount>{_AMOUNT})"
        rf"(?:\s?(?P<scale>thousand|million|billion|trillion|mn|bn|[kmb])\b)?(?:\s?(?P<after>[€£]|(?:{_CODES})\b))?"
    )
    title = r"(?P<title>\b(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Sir)\.? )?"
    person = title + rf"(?P<value>(?P<given>\b[A-ZÀ-Þ](?:\.|[\w'’-]+))(?: [A-ZÀ-Þ]\.)? {_CAPITAL})(?![\w-])"
    day_first = rf"\b\d{{1,2}}{_ORDINAL}\.? {_MONTH},? \d{{4}}\b"
    month_first = rf"\b{_MONTH} \d{{1,2}}{_ORDINAL},? \d{{4}}\b"
    bodies = rf"\b(?:University|Institute|Ministry|Bank|Department) of (?:the )?{_WORD}(?: {_WORD})?"
    table: tuple[tuple[EntityKind, str, str, _Check, float], ...] = (
        ("email", "", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", _plain, 0.98),
        ("url", "", r"\bhttps?://[^\s<>\"')\]]+", _plain, 0.98),
        (
            "identifier",
            "iban",
            r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
            _number_of("iban"),
            0.99,
        ),
        ("identifier", "isin", r"\b[A-Z]{2}[A-Z0-9]{9}\d\b", _number_of("isin"), 0.97),
        ("identifier", "lei", r"\b[A-Z0-9]{18}\d{2}\b", _number_of("lei"), 0.97),
        ("identifier", "doi", r"\b10\.\d{4,9}/[^\s\"<>]+[\w)]", _plain, 0.97),
        ("identifier", "cve", r"\bCVE-\d{4}-\d{4,7}\b", _plain, 0.99),
        ("identifier", "mitre", r"\bT1\d{3}(?:\.\d{3})?\b", _plain, 0.9),
        ("identifier", "uuid", r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", _plain, 0.97),
        ("identifier", "labelled", labelled, _plain, 0.85),
        ("identifier", "code", r"\b[A-Z]{2,6}-(?:\d{4}-)?\d{1,6}\b", _plain, 0.7),
        ("percent", "", r"(?<![\w.])[-−+]?\d+(?:[.,]\d+)?\s?(?:%|percent\b)", _plain, 0.95),
        ("date", "", f"{day_first}|{month_first}", _date_words, 0.95),
        ("date", "", r"\b\d{4}-\d{2}-\d{2}\b", _date, 0.97),
        ("date", "", r"\b\d{1,2}[./]\d{1,2}[./](?:19|20)\d{2}\b", _date, 0.8),
        ("money", "", money, _priced, 0.93),
        ("organisation", "", rf"\b(?:{_WORD}[ ,]+){{1,5}}(?:{_LEGAL})(?![\w-])", _organisation, 0.85),
        ("organisation", "", bodies, _organisation, 0.85),
        ("person", "", person, _person, 0.75),
        ("place", "", rf"\b{_CAPITAL}(?:(?: and| of)? {_CAPITAL}){{0,2}}\b", _place, 0.7),
    )
    return tuple(
        (kind, scheme, re.compile(pattern), check, confidence) for kind, scheme, pattern, check, confidence in table
    )


def _date_words(match: re.Match[str]) -> str | None:
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", match[0])
    time = parse_time(text.replace("Sept ", "Sep "))
    return time.start.isoformat() if time and time.start == time.end else None
