"""What of Markdown matters to a prompt: where code and mathematics stand, and how deep the headings go."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_MATH = re.compile(r"\$\$|\\\[|\\\(|\\begin\{[A-Za-z]+\*?\}|\\verb\*?[^\w\s*{]")
_TICKS = re.compile(r"`+")
_BLANK = re.compile(r"\n[ \t]*\n")
_ATX = re.compile(r"^( {0,3})(#{1,6})(?=[ \t]|$)", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|(?<=\n\n))( {0,3}[^\s#>|`~*+=<-][^\n]*)\n {0,3}(=+|-{2,})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Stretches of a text, sorted and apart."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __contains__(self, offset: int) -> bool:
        index = bisect_right(self.starts, offset) - 1
        return index >= 0 and offset < self.ends[index]


def code(text: str) -> Ranges:
    """Where code and mathematics stand: fenced blocks, code spans, displayed formulae and LaTeX environments."""
    fences = _fences(text)
    found = list(fences)
    begin = 0
    for start, end in [*fences, (len(text), len(text))]:
        found += _inline(text, begin, start)
        begin = end
    found.sort()
    return Ranges(tuple(start for start, _ in found), tuple(end for _, end in found))


def shift_headings(text: str, *, top: int) -> str:
    """The text with its shallowest heading at level `top`, the others as far below it as they were, six at most."""
    text = _underlined_to_hashes(text)
    fenced = _ranges(_fences(text))
    headings = [heading for heading in _ATX.finditer(text) if heading.start() not in fenced]
    if not headings:
        return text
    by = top - min(len(heading[2]) for heading in headings)
    pieces, begin = [], 0
    for heading in headings:
        pieces += [text[begin : heading.start(2)], "#" * min(6, len(heading[2]) + by)]
        begin = heading.end(2)
    return "".join([*pieces, text[begin:]])


def empty_sections(text: str) -> list[tuple[str, int]]:
    """The headings with nothing below them, neither text nor deeper headings, and their offsets."""
    fenced = _ranges(_fences(text))
    headings = [heading for heading in _ATX.finditer(text) if heading.start() not in fenced]
    found = []
    for heading, following in zip(headings, [*headings, None][1:], strict=True):
        line_end = text.find("\n", heading.end())
        below = text[line_end : following.start() if following else len(text)] if line_end >= 0 else ""
        is_parent = following is not None and len(following[2]) > len(heading[2])
        if not below.strip() and not is_parent:
            found.append((text[heading.end() : line_end if line_end >= 0 else len(text)].strip(), heading.start()))
    return found


def blocks(text: str) -> list[tuple[str, int]]:
    """The text in paragraphs, each with the blank lines after it and its heading's level; 0 for what is no heading.

    A fenced block is never split; the blocks together are the text.
    """
    fenced = _ranges(_fences(text))
    openings = frozenset(fenced.starts)
    found: list[tuple[str, int]] = []
    start, level = 0, 0
    for line in re.finditer(r"[^\n]*\n|[^\n]+\Z", text):
        is_inside = line.start() in fenced and line.start() not in openings
        heading = None if line.start() in fenced else _ATX.match(line[0])
        is_after_gap = text.endswith("\n\n", 0, line.start())
        if line.start() and line[0].strip() and not is_inside and (heading or level or is_after_gap):
            found.append((text[start : line.start()], level))
            start, level = line.start(), 0
        level = len(heading[2]) if heading else level
    return [*found, (text[start:], level)] if text[start:] else found


def first_heading(text: str) -> str | None:
    """The title of a level-1 heading that opens the text."""
    opening = text.lstrip("\n").split("\n", 2)
    if len(opening) > 1 and opening[0].strip() and re.fullmatch(r" {0,3}=+[ \t]*", opening[1]):
        return opening[0].strip()
    found = re.match(r" {0,3}#[ \t]+(.*?)[ \t]*#*[ \t]*$", opening[0])
    return found[1] if found else None


def _ranges(pairs: list[tuple[int, int]]) -> Ranges:
    return Ranges(tuple(start for start, _ in pairs), tuple(end for _, end in pairs))


def _fences(text: str) -> list[tuple[int, int]]:
    found, opening = [], None
    for mark in _FENCE.finditer(text):
        if opening is None:
            if mark[1][0] == "~" or "`" not in mark[2]:
                opening = mark
        elif mark[1][0] == opening[1][0] and len(mark[1]) >= len(opening[1]) and not mark[2].strip():
            found.append((opening.start(), mark.end()))
            opening = None
    return [*found, (opening.start(), len(text))] if opening else found


def _inline(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Code spans and mathematics between two fenced blocks; what starts first wins."""
    found: list[tuple[int, int]] = []
    begin = start
    for blank in [*_BLANK.finditer(text, start, end), None]:
        stop = blank.start() if blank else end
        found += _spans(text, begin, stop)
        begin = blank.end() if blank else end
    found += _maths(text, start, end)
    found.sort()
    apart: list[tuple[int, int]] = []
    for span in found:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart


def _maths(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Displayed formulae, environments and verbatim text; a formula ends before the next blank line."""
    found: list[tuple[int, int]] = []
    hopeless: dict[str, int] = {}
    done, blank = start, start
    for opening in _MATH.finditer(text, start, end):
        if opening.start() < done:
            continue
        closing = _closing(opening[0])
        if opening.start() < hopeless.get(closing, -1):
            continue
        if blank < opening.end():
            blank = text.find("\n\n", opening.end(), end)
            blank = end if blank < 0 else blank
        limit = _limit(text, opening, end, blank)
        at = text.find(closing, opening.end(), limit)
        if at < 0:
            # nothing that opens so before the limit can be closed either
            hopeless[closing] = limit
            continue
        done = at + len(closing)
        found.append((opening.start(), done))
    return found


def _closing(opening: str) -> str:
    if opening.startswith("\\begin"):
        return "\\end" + opening[6:]
    return {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}.get(opening, opening[-1])


def _limit(text: str, opening: re.Match[str], end: int, blank: int) -> int:
    """How far what opens may reach: environments to the end, verbatim text to the end of its line."""
    if opening[0].startswith("\\begin"):
        return end
    line = text.find("\n", opening.end(), blank) if opening[0].startswith("\\verb") else -1
    return line if line >= 0 else blank


def _spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Code spans of one paragraph: a run of backticks up to the next run of the same length."""
    runs = list(_TICKS.finditer(text, start, end))
    later: dict[int, list[int]] = {}
    for index, run in enumerate(runs):
        later.setdefault(len(run[0]), []).append(index)
    found, index = [], 0
    while index < len(runs):
        same = later[len(runs[index][0])]
        position = bisect_right(same, index)
        if position == len(same):
            index += 1
            continue
        found.append((runs[index].start(), runs[same[position]].end()))
        index = same[position] + 1
    return found


def _underlined_to_hashes(text: str) -> str:
    fenced = _ranges(_fences(text))

    def hashes(heading: re.Match[str]) -> str:
        if heading.start(1) in fenced:
            return heading[0]
        return f"{'#' if heading[2][0] == '=' else '##'} {heading[1].strip()}"

    return _SETEXT.sub(hashes, text)
