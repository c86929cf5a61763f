"""A filing's document as Markdown by its parts and items, and nothing of it left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import re2

from trainer.core.frontmatter import split_front_matter
from trainer.core.values import Json

_HIDDEN = re2.compile(rb"(?is)<ix:header\b\C*?</ix:header\s*>")
"""What inline XBRL keeps for programs: contexts and units that no reader of the document sees.

Of re2, whose `\\C` is any byte at all, as a page of headers that never end takes quadratic time otherwise."""
_HEADING = re.compile(
    r"^[#*_ \t]*"
    r"(?:(?P<part>part)\s+(?P<number>[iv]+)\b|item\s*(?P<item>\d+(?:\\?\.\d+)?[a-c]?)\b)"
    r"[ \t.:*_\\—–-]*(?P<title>.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_TITLE = 200
"""Characters; a paragraph that begins with `Item 7` and goes on is a reference to it."""
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4}


def visible_html(content: bytes) -> bytes:
    """The page without what inline XBRL hides."""
    shown: bytes = _HIDDEN.sub(b"", content)
    return shown


@dataclass(frozen=True, slots=True)
class _Heading:
    at: int
    part: int
    item: str
    """Empty for a part's own heading."""
    title: str

    @property
    def order(self) -> tuple[int, int, int, str]:
        number, _, rest = self.item.partition(".")
        digits = re.match(r"\d*", number)
        whole = int(digits[0]) if digits and digits[0] else 0
        return self.part, whole, int(rest or 0) if rest.isdecimal() else 0, number.lstrip("0123456789")


def sections_of(markdown: str) -> list[dict[str, Json]]:
    """The document's sections in order: `part`, `item`, `title` and `text`; what is before the first item is one too.

    Put one after the other, their texts are the whole document. A table of contents names the items first: of the runs
    in which items go up, the one with the most text is the document.
    """
    text = split_front_matter(markdown, shown="filing").body
    best: Sequence[_Heading] = max(_runs(_headings(text)), key=lambda run: _length(run, text), default=())
    if not best:
        return [{"title": "", "text": text.strip()}] if text.strip() else []
    starts = [0, *(heading.at for heading in best), len(text)]
    named: list[Mapping[str, Json]] = [{"title": ""}, *(_named(heading) for heading in best)]
    sections = [
        {**name, "text": text[start:end].strip()} for name, (start, end) in zip(named, pairwise(starts), strict=True)
    ]
    return [section for section in sections if section["text"]]


def _headings(text: str) -> list[_Heading]:
    headings, part = [], 0
    for match in _HEADING.finditer(text):
        title = match["title"].strip(" *_|").replace("\\", "")
        if len(title) > _LONGEST_TITLE:
            continue
        if match["part"]:
            part = _ROMAN.get(match["number"].upper(), part)
            continue
        item = match["item"].replace("\\", "").upper()
        headings.append(_Heading(match.start(), part, item, title))
    return headings


def _runs(headings: Sequence[_Heading]) -> list[list[_Heading]]:
    """The headings in runs that go up; one that comes again begins another run."""
    runs: list[list[_Heading]] = []
    for heading in headings:
        first = runs[-1][0] if runs else None
        is_first_again = first is not None and heading.item == first.item and first.part in (0, heading.part)
        if first is None or is_first_again or heading.order <= first.order:
            runs.append([])
        if not runs[-1] or heading.order > runs[-1][-1].order:
            runs[-1].append(heading)
    return runs


def _length(run: Sequence[_Heading], text: str) -> int:
    """Characters from the first heading of a run to the end of its last section, which is not known: half the rest."""
    return (run[-1].at - run[0].at) + (len(text) - run[-1].at) // 2


def _named(heading: _Heading) -> dict[str, Json]:
    part = next((roman for roman, number in _ROMAN.items() if number == heading.part), "")
    return {**({"part": part} if part else {}), "item": heading.item, "title": heading.title}
