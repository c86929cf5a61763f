"""Whether a text agrees with itself: totals add up, one quantity has one value, directions and dates are in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trainer.checks.datums import read_subjects
from trainer.checks.document import Block, Document, read_document
from trainer.checks.mentions import Finder, Mention, grain_words
from trainer.checks.numerals import Numeral, find_numerals
from trainer.checks.periods import Period, find_periods
from trainer.core.errors import Where
from trainer.core.values import Finding, Prompt, Verdict

_TOTAL = re.compile(r"^\W*(?:grand\s+)?(?:total|sum|summe|gesamt|insgesamt|somme|totale)\W*$", re.IGNORECASE)
_RISE = re.compile(r"\b(?:rose|grew|increased|climbed|went up|stieg|wuchs|a augmenté|a progressé)\b", re.IGNORECASE)
_FALL = re.compile(
    r"\b(?:fell|declined|decreased|dropped|shrank|went down|sank|fiel|a reculé|a baissé|a diminué)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\b(?:from|von|de)\s*$", re.IGNORECASE)
_TO = re.compile(r"^\s*(?:in\s+\S+\s+)?(?:to|auf|à)\s*$", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:from|between|von|zwischen|de|entre)\s*$", re.IGNORECASE)
_UNTIL = re.compile(r"^\s*(?:to|until|and|bis|und|à|et|[-–—])\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Stated:
    """One quantity, as a text states it."""

    numeral: Numeral
    line: int
    column: int


def check_consistency(text: str, *, prompt: Prompt) -> Verdict:
    """Contradictions of an answer with itself; `consistency` is 1 where there is none."""
    document = read_document(text)
    language = prompt.output.language
    findings = sorted(
        [
            *_totals(document, language),
            *_twice(document, prompt),
            *_directions(document, language),
            *_orders(document),
        ],
        key=lambda finding: (finding.where.line or 0) if finding.where else 0,
    )
    return Verdict(tuple(findings), {"consistency": round(1 / (1 + len(findings)), 4)})


def _totals(document: Document, language: str) -> Iterator[Finding]:
    """Rows called total whose cells are not the sum of the rows above."""
    for block in document.blocks:
        if block.kind != "table" or block.appendix:
            continue
        above: list[list[Numeral | None]] = []
        for row in block.rows:
            cells = [_only(cell.text, language) for cell in row]
            if row and _TOTAL.match(row[0].text):
                for at in range(1, len(row)):
                    if wrong := _wrong_sum(cells[at], [line[at] for line in above if at < len(line)]):
                        where = Where("answer", row[at].line, row[at].column)
                        message = f"the rows above add up to {wrong}, not {row[at].text}"
                        yield Finding("wrong_total", "error", message, where, row[at].text)
                above = []
            else:
                above.append(cells)


def _only(text: str, language: str) -> Numeral | None:
    found = find_numerals(text, language=language, cell=True)
    return found[0] if len(found) == 1 else None


def _wrong_sum(total: Numeral | None, parts: Sequence[Numeral | None]) -> str:
    """What the parts add up to where that is not the total at the precision shown; else nothing."""
    known = [part for part in parts if part is not None]
    if total is None or len(known) < 2 or len(known) < len(parts):
        return ""
    if any((part.kind, part.currency) != (total.kind, total.currency) for part in known):
        return ""
    added = sum(part.value for part in known)
    slack = sum((part.high - part.low) / 2 for part in [*known, total])
    return "" if abs(added - total.value) <= slack * 1.001 else f"{added / total.scale:,.10g}"


def _twice(document: Document, prompt: Prompt) -> Iterator[Finding]:
    """Cells and labelled lines of one name, subject and period with different values."""
    subjects, _ = read_subjects(prompt.data)
    finder = Finder(
        {alias: at for at, subject in enumerate(subjects) for alias in subject.aliases}, prompt.output.language
    )
    seen: dict[tuple[object, ...], _Stated] = {}
    for mention in finder.mentions(document):
        key = _key(mention)
        if key is None:
            continue
        stated = _Stated(mention.numeral, mention.line, mention.column)
        other = seen.setdefault(key, stated)
        if other is not stated and not _agree(stated.numeral, other.numeral):
            message = f"{stated.numeral.text} here, but {other.numeral.text} in line {other.line} for the same"
            yield Finding(
                "inconsistent", "warning", message, Where("answer", stated.line, stated.column), stated.numeral.text
            )


def _key(mention: Mention) -> tuple[object, ...] | None:
    """What a cell or a `Label: value` line is about; None for prose, where that is not sure."""
    shown = mention.numeral.text
    if mention.table:
        if not mention.column_number:
            return None
        label = mention.sentence.replace(shown, "")
    else:
        label, colon, rest = mention.sentence.partition(":")
        if not colon or len(label) > 60 or shown not in rest[: len(shown) + 8]:
            return None
    named = " ".join(label.casefold().split())
    periods = frozenset((period.first, period.last) for period, weight in mention.periods if weight >= 0.35)
    about = (frozenset(mention.subjects), grain_words(mention.weights), mention.section if mention.table else "")
    return (named, periods, about, mention.numeral.kind, mention.numeral.currency) if named else None


def _agree(one: Numeral, two: Numeral) -> bool:
    same_sign = (one.value < 0) == (two.value < 0)
    return same_sign and one.low <= two.high * 1.000001 and two.low <= one.high * 1.000001


def _directions(document: Document, language: str) -> Iterator[Finding]:
    """`Rose from A to B` where B is less, and the other way round."""
    for block in document.blocks:
        if block.kind not in ("text", "item") or block.appendix:
            continue
        for one, two in pairwise(find_numerals(block.text, language=language)):
            before = block.text[max(0, one.start - 80) : one.start]
            if one.kind != two.kind or not (_FROM.search(before) and _TO.match(block.text[one.end : two.start])):
                continue
            clause = before[max(before.rfind("."), before.rfind(";")) + 1 :]
            rising, falling = bool(_RISE.search(clause)), bool(_FALL.search(clause))
            if rising != falling and ((two.value < one.value) if rising else (two.value > one.value)):
                line, column = block.place(one.start)
                message = f"from {one.text} to {two.text} is not {'a rise' if rising else 'a fall'}"
                yield Finding("wrong_direction", "error", message, Where("answer", line, column), one.text)


def _orders(document: Document) -> Iterator[Finding]:
    """Spans of time that end before they start."""
    for block in document.blocks:
        if block.kind not in ("text", "item", "heading") or block.appendix:
            continue
        for one, two in pairwise(find_periods(block.text)):
            if _is_span(block, one, two) and two.last < one.first:
                line, column = block.place(one.start)
                text = block.text[one.start : two.end]
                message = f"the span {text} ends before it starts"
                yield Finding("date_order", "warning", message, Where("answer", line, column), text)


def _is_span(block: Block, one: Period, two: Period) -> bool:
    before = block.text[max(0, one.start - 12) : one.start]
    return bool(_SPAN.search(before) and _UNTIL.match(block.text[one.end : two.start])) and one.grain == two.grain
