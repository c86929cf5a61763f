# ruff: noqa: E501  (sentences and rows of data are read as one line)
"""The corpus: true reports made from real figures, and single corruptions of them, kind by kind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from corpus.checks.companies import Company, committed, recorded
from corpus.checks.reports import Printed, Report, Writer
from corpus.checks.sentences import ENGLISH, FRENCH, GERMAN, HELD_OUT
from corpus.checks.tables import TABLES
from trainer.core.values import Context

LANGUAGES = ("en", "en", "en", "de", "fr", "de-CH")
KINDS = (
    "digit", "digits swapped", "scale", "sign", "period", "company", "unit", "derived", "rounding", "cells", "invented", "quotation",
)  # fmt: skip
OUTSIDERS = ("Pfizer", "Roche", "Novartis")
QUOTES = Context(
    "notes/market.md",
    "Market notes",
    "Rebates grow faster than list prices. A product loses most of its sales within two years of generic entry.\n\n"
    "Regulated networks earn a fixed return on the capital they employ. About 58 % of trials that enter phase 3 succeed.\n",
    "",
)
_SENTENCES = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH}


@dataclass
class Corruption:
    """A report with one thing made false."""

    kind: str
    text: str
    line: int
    report: Report


def reports(count: int = 72) -> list[Report]:
    """True reports; every third is held out, and holds sentences that no other does."""
    companies = [*committed(), *recorded()]
    everyone = tuple(company.name for company in companies) + OUTSIDERS
    return [_report(number, companies, everyone) for number in range(count)]


def _report(number: int, companies: list[Company], everyone: tuple[str, ...]) -> Report:
    rng = random.Random(number)
    language = LANGUAGES[number % len(LANGUAGES)]
    held_out = number % 3 == 2
    chosen = tuple(rng.sample(companies, 1 if rng.random() < 0.5 else 2))
    writer = Writer(rng, language, chosen, everyone)
    main = language.partition("-")[0]
    pool = [*_SENTENCES[main], *(HELD_OUT[main] if held_out else ())]
    body = [f"# {' / '.join(company.name for company in chosen)}"]
    for company in chosen:
        body.append(f"## {company.name}")
        sentences = [text for part in rng.sample(pool, min(len(pool), 10)) if (text := part(writer, company))]
        body.extend(_paragraphs(rng, sentences))
        for table in rng.sample(TABLES, 2):
            body.extend([shown] if (shown := table(writer, company)) else [])
    if main == "en":
        body.append(
            "## Notes\n\nAs the notes put it, \x01{0}\x02“a product loses most of its sales within two years of generic entry”\x03, "
            "and about 58 % of trials that enter phase 3 succeed.".replace("{0}", str(len(writer.items)))
        )
        writer.items.append(
            Printed("quotation", "“a product loses most of its sales within two years of generic entry”")
        )
    return writer.finish(f"report-{number:02}", "\n\n".join(body) + "\n", held_out=held_out)


def _paragraphs(rng: random.Random, sentences: list[str]) -> Iterator[str]:
    loose: list[str] = []
    for text in sentences:
        if text.startswith("- "):
            yield text
            continue
        loose.append(text)
        if len(loose) >= rng.randint(1, 3):
            yield " ".join(loose)
            loose = []
    if loose:
        yield " ".join(loose)


def corruptions(report: Report, *, each: int = 3) -> Iterator[Corruption]:
    """Single corruptions of a report, up to `each` of every kind that it offers."""
    rng = random.Random(report.name)
    for kind in KINDS:
        made = 0
        places = list(report.printed)
        rng.shuffle(places)
        for item in places:
            changed = _corrupted(kind, item, report, rng)
            if changed is None or changed == item.text:
                continue
            text = report.text[: item.start] + changed + report.text[item.end :]
            yield Corruption(kind, text, report.text.count("\n", 0, item.start) + 1, report)
            made += 1
            if made >= each:
                break
    yield from _swapped_cells(report, rng, each)
    yield from _invented(report, rng, each)


_FIGURES = ("money", "percent", "multiple", "count", "price", "cell")


def _corrupted(kind: str, item: Printed, report: Report, rng: random.Random) -> str | None:
    text = item.text
    if kind == "quotation":
        return text.replace("two", "five") if item.what == "quotation" else None
    if kind in ("period", "company"):
        return rng.choice(item.others) if item.what == kind and item.others else None
    if kind == "sign" and item.what == "direction":
        return item.others[0]
    if item.what not in _FIGURES:
        return None
    if kind == "digit":
        return _digit(text, rng)
    if kind == "digits swapped":
        return _swap(text)
    if kind == "scale":
        return _scale(text, report.language)
    if kind == "sign" and item.what in ("percent", "cell"):
        return _flip(text, item)
    if kind == "unit":
        return _unit(text)
    if kind == "derived" and item.derived:
        return _wrong(text, rng)
    if kind == "rounding":
        return _rounded(text, rng)
    return None


def _places(text: str) -> list[int]:
    return [at for at, letter in enumerate(text) if letter.isdigit()]


def _digit(text: str, rng: random.Random) -> str | None:
    places = _places(text)
    at = places[0] if len(places) < 3 else rng.choice(places[:-1])
    choices = [digit for digit in "123456789" if digit != text[at]]
    return text[:at] + rng.choice(choices) + text[at + 1 :]


def _swap(text: str) -> str | None:
    places = _places(text)
    for one, two in pairwise(places):
        if text[one] != text[two] and not (one == places[0] and text[two] == "0"):
            letters = list(text)
            letters[one], letters[two] = letters[two], letters[one]
            return "".join(letters)
    return None


_SCALES = {
    "billion": "million", "million": "billion", "bn": "m", "Mrd.": "Mio.", "Mio.": "Mrd.", "Milliarden": "Millionen",
    "Millionen": "Milliarden", "milliards": "millions", "millions": "milliards",
}  # fmt: skip


def _scale(text: str, report_language: str) -> str | None:
    for word, other in _SCALES.items():
        if text.endswith(word) or f"{word} " in text:
            return text.replace(word, other, 1)
    points = "." if report_language.partition("-")[0] == "en" or report_language.endswith("-CH") else ","
    for point in points:
        at = text.rfind(point)
        if (
            0 < at < len(text) - 2
            and text[at + 1].isdigit()
            and text[at + 2].isdigit()
            and not text[at + 3 : at + 4].isdigit()
        ):
            return text[:at] + text[at + 1] + point + text[at + 2 :]
    return None


def _flip(text: str, item: Printed) -> str | None:
    if item.what == "percent" and item.derived:
        return None  # its sign is said by a word beside it
    if text.startswith("("):
        return text[1:-1]
    return text[1:] if text.startswith("−") else "−" + text


def _unit(text: str) -> str | None:
    for old, new in (("$", "€"), ("€", "$"), ("USD", "EUR"), ("EUR", "CHF"), ("US-Dollar", "Euro"), ("dollars", "francs"), ("d’euros", "de dollars"), ("per cent", "basis points"), ("%", "bps"), ("times", "%"), ("fois", "%"), ("x", " %")):  # fmt: skip
        if old in text:
            return text.replace(old, new)
    return None


def _wrong(text: str, rng: random.Random) -> str | None:
    places = _places(text)
    if len(places) < 2:
        return None
    at = places[0]
    digit = str((int(text[at]) + rng.choice((1, 2, 3))) % 10)
    return None if digit == "0" else text[:at] + digit + text[at + 1 :]


def _rounded(text: str, rng: random.Random) -> str | None:
    places = _places(text)
    if len(places) < 3:
        return None
    at = places[-1]
    step = rng.choice((1, -1))
    digit = int(text[at]) + step
    return text[:at] + str(digit) + text[at + 1 :] if 0 <= digit <= 9 else None


def _swapped_cells(report: Report, rng: random.Random, each: int) -> Iterator[Corruption]:
    made = 0
    cells = [item for item in report.printed if item.table > 0 and item.what in _FIGURES]
    rng.shuffle(cells)
    for one, two in pairwise(cells):
        first, second = sorted((one, two), key=lambda item: item.start)
        if one.table != two.table or one.text == two.text or made >= each:
            continue
        text = (
            report.text[: first.start] + second.text + report.text[first.end : second.start] + first.text
            + report.text[second.end :]
        )  # fmt: skip
        made += 1
        yield Corruption("cells", text, report.text.count("\n", 0, first.start) + 1, report)


_INVENTED = {
    "en": ("A further {m} of milestone payments is due.", "The pipeline counts {n} studies.", "Its market share is {p}.", "Customers renewed at a rate of {p}."),
    "de": ("Dazu kommen Meilensteinzahlungen von {m}.", "Der Marktanteil beträgt {p}."),
    "fr": ("S’y ajoutent des paiements d’étape de {m}.", "La part de marché est de {p}."),
}  # fmt: skip


def _invented(report: Report, rng: random.Random, each: int) -> Iterator[Corruption]:
    writer = Writer(rng, report.language, report.companies, ())
    for _ in range(each):
        pattern = rng.choice(_INVENTED[report.language.partition("-")[0]])
        amount = writer._money(rng.uniform(1.1e8, 9e10), report.companies[0].currency)
        said = pattern.format(
            m=amount, n=writer.number(rng.randint(41, 980), 0), p=f"{writer.number(rng.uniform(11, 97), 1)} %"
        )
        at = report.text.index("\n\n", report.text.index("\n## ") + 4) + 2
        text = report.text[:at] + said + "\n\n" + report.text[at:]
        yield Corruption("invented", text, report.text.count("\n", 0, at) + 1, report)
