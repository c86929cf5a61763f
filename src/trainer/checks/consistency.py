"""Whether a text agrees with itself: totals add up, one quantity has one value, directions and dates are in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from trainer.checks.claims import Claim, Claims
from trainer.checks.document import CheckedDocument
from trainer.checks.lexicon import Lexicon
from trainer.checks.numerals import Numeral, Style, find_numerals
from trainer.checks.text import Material, parse_text
from trainer.checks.times import TimeRef, find_times
from trainer.core.errors import Where
from trainer.core.values import Finding, Prompt, Verdict

_TOTAL = re.compile(
    r"^\W*(?:grand\s+)?(?:total|sum|summe|gesamt|insgesamt|somme|totale|suma|合計|总计|合计)\W*$", re.IGNORECASE
)
_SPAN = re.compile(r"(?:from|between|von|zwischen|de|du|entre|desde)\s*(?:the\s+|le\s+|el\s+)?$", re.IGNORECASE)
_UNTIL = re.compile(
    r"^\s*(?:to|until|and|bis|und|à|au|et|a|al|hasta|y|[-–—])\s*(?:the\s+|le\s+|el\s+)?$", re.IGNORECASE
)


def check_consistency(text: str, *, prompt: Prompt) -> Verdict:
    """Contradictions of an answer with itself; `consistency` is 1 where there is none."""
    parsed = parse_text(text, material=Material(prompt.data), language=prompt.output.language)
    findings = sorted(
        [
            *_totals(parsed.document, parsed.lexicon, parsed.style),
            *_two_values(parsed.claims),
            *_directions(parsed.claims, parsed.lexicon),
            *_spans(parsed.document, parsed.lexicon),
        ],
        key=lambda finding: (finding.where.line or 0) if finding.where else 0,
    )
    return Verdict(tuple(findings), {"consistency": round(1 / (1 + len(findings)), 4)})


def _totals(document: CheckedDocument, lexicon: Lexicon, style: Style) -> Iterator[Finding]:
    """Rows called total whose cells are not the sum of the rows above.

    Shares are summed only where they make up a hundred: a margin under margins is no sum.
    """
    for block in document.blocks:
        if block.kind != "table" or block.appendix:
            continue
        above: list[list[Numeral | None]] = []
        for row in block.rows:
            cells = [_only(cell.text, lexicon, style) for cell in row]
            if not (row and any(_TOTAL.match(cell.text) for cell in row[:2])):
                above.append(cells)
                continue
            for at in range(1, len(row)):
                total, parts = cells[at], [line[at] for line in above if at < len(line)]
                summands = [part for part in parts if part is not None]
                if total is None or len(summands) < 2 or len(summands) < len(parts):
                    continue
                if any((part.kind, part.unit) != (total.kind, total.unit) for part in summands):
                    continue
                summed = sum(part.value for part in summands)
                slack = sum(part.width / 2 for part in (*summands, total)) * 1.001
                is_share = total.kind in ("percent", "multiple", "points")
                if abs(summed - total.value) <= slack or (
                    is_share and abs(summed - 100) > 1.5 and abs(total.value - 100) > 1.5
                ):
                    continue
                where = Where("answer", row[at].line, row[at].column)
                message = f"the rows above add up to {summed / total.scale:,.10g}, not {row[at].text}"
                yield Finding("wrong_total", "error", message, where, row[at].text)
            above = []


def _only(text: str, lexicon: Lexicon, style: Style) -> Numeral | None:
    numerals = [
        numeral for numeral in find_numerals(text, lexicon=lexicon, style=style, cell=True) if not numeral.reason
    ]
    return numerals[0] if len(numerals) == 1 else None


def _two_values(claims: Claims) -> Iterator[Finding]:
    """Two values of what is named by the same words, members and times."""
    first_claims: dict[tuple[object, ...], Claim] = {}
    for claim in claims.claims:
        key = _subject(claim)
        if key is None:
            continue
        other = first_claims.setdefault(key, claim)
        if other is claim or (other.group == claim.group and not claim.is_cell) or _agree(claim.numeral, other.numeral):
            continue
        message = f"{claim.numeral.text} here, but {other.numeral.text} in line {other.line} for the same"
        yield Finding("inconsistent", "warning", message, Where("answer", claim.line, claim.column), claim.numeral.text)


_LINK_WORDS = frozenset(
    [
        "is",
        "was",
        "were",
        "are",
        "amounted",
        "totalled",
        "reached",
        "stood",
        "came",
        "at",
        "to",
        "of",
        "in",
        "all",
        "the",
        "and",
        "up",
        "down",
    ]
)


def _subject(claim: Claim) -> tuple[object, ...] | None:
    """What a claim is about, where that is said plainly: a cell's heads, or a sentence that says one thing of one figure."""  # noqa: E501
    numeral = claim.numeral
    if (
        claim.is_cell
        and claim.col
        and not claim.is_chart
        and claim.column_head.strip()
        and re.search(r"[^\W\d_]", claim.head.partition("|")[0])
    ):
        return (
            " ".join(claim.head.casefold().split()),
            claim.section,
            claim.inherited_members[:1],
            numeral.kind,
            numeral.unit,
        )
    if claim.is_cell or numeral.soft or numeral.kind not in ("money", "number", "percent", "multiple", "physical"):
        return None
    before = re.sub(r"[*_`#>|-]", " ", claim.sentence[: claim.start])
    if re.search(r"\d", before) or re.search(r"[–—-]\s*$|\b(?:and|to|or|bis|und|et)\s*$", before.rstrip(" $€£")):
        return None
    words = tuple(word for word in re.findall(r"[^\W\d_]+", before.casefold()) if word not in _LINK_WORDS)
    after = claim.sentence[claim.start + len(numeral.text) :]
    if not 1 <= len(words) <= 4 or len(re.findall(r"[^\W\d_]+", after)) > 4 or re.search(r"\d", after):
        return None
    if re.match(r"\s*[-–—]\s*", after):
        return None
    times = tuple(sorted({(ref.kind, ref.year, ref.month, ref.day, ref.part) for ref in claim.times}, key=repr))
    return (words, claim.members, times, claim.inherited_times[:1], numeral.kind, numeral.unit)


def _agree(one: Numeral, two: Numeral) -> bool:
    slack = 1e-6 * max(abs(one.value), abs(two.value))
    return one.low <= two.high + slack and two.low <= one.high + slack


def _directions(claims: Claims, lexicon: Lexicon) -> Iterator[Finding]:
    """`Rose from A to B` where B is less, and the other way round."""
    for one, two in pairwise(claims.claims):
        if (
            one.group != two.group
            or one.is_cell
            or one.numeral.kind != two.numeral.kind
            or one.numeral.unit != two.numeral.unit
        ):
            continue
        starts = re.search(r"(?:^|\s)(?:from|von|de|desde|da)\s*$", one.before, re.IGNORECASE)
        if not starts or not re.match(r"\s*(?:in\s+\S+\s+)?(?:\d{4}\s+)?(?:to|auf|à|a)\s*$", two.before, re.IGNORECASE):
            continue
        rising, falling = (bool(lexicon.pattern(key).search(one.before[-80:])) for key in ("verbs_up", "verbs_down"))
        if rising != falling and (
            (two.numeral.value < one.numeral.value) if rising else (two.numeral.value > one.numeral.value)
        ):
            message = f"from {one.numeral.text} to {two.numeral.text} is not {'a rise' if rising else 'a fall'}"
            yield Finding("wrong_direction", "error", message, Where("answer", one.line, one.column), one.numeral.text)


def _spans(document: CheckedDocument, lexicon: Lexicon) -> Iterator[Finding]:
    """Spans of time that end before they start."""
    for block in document.blocks:
        if block.kind not in ("text", "item", "heading") or block.appendix:
            continue
        for one, two in pairwise(find_times(block.text, lexicon=lexicon)):
            first, last = one.first, two.first
            if (
                one.kind != two.kind
                or first is None
                or last is None
                or last >= first
                or not _is_span(block.text, one, two)
            ):
                continue
            text = block.text[one.start : two.end]
            line, column = block.place(one.start)
            yield Finding(
                "date_order", "warning", f"the span {text} ends before it starts", Where("answer", line, column), text
            )


def _is_span(text: str, one: TimeRef, two: TimeRef) -> bool:
    return bool(_SPAN.search(text[max(0, one.start - 14) : one.start]) and _UNTIL.match(text[one.end : two.start]))
