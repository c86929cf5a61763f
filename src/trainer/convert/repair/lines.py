"""What all repairs stand on: the lines of a text as its parser sees them, and what is code or an address within one."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from trainer.core.markdown import read_markdown

_TICKS = re.compile("`+")
_DEFINITION = re.compile(r" {0,3}\[[^\[\]\n]{1,999}\]:")


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was mended."""

    kind: str
    """A stable word: `unwrapped`, `reasoning`, `heading`, `table` …"""
    line: int
    """Where, counted from 1, in the text as it was when this kind was looked for."""
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text and where it stands."""

    number: int
    """Counted from 1."""
    text: str
    """Without its line end."""
    code: bool = False
    """Whether it is part of code or of front matter, where nothing is mended."""
    language: str = ""
    """Of a fenced block, in small letters."""
    table: bool = False
    """Whether it is part of a table that reads as one."""


@lru_cache(maxsize=4)
def scan(text: str) -> tuple[Line, ...]:
    """The lines of a text, by what the parser takes them for: a fence in a quote ends where the quote does."""
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), 1)]
    for block in read_markdown(text).blocks:
        if block.kind in ("code", "front", "table"):
            language = (block.info.split() or [""])[0].lower()
            for at in range(block.line - 1, min(block.end_line, len(lines))):
                line = lines[at]
                lines[at] = Line(line.number, line.text, block.kind != "table", language, block.kind == "table")
    return tuple(lines)


def by_line(text: str, mend: Callable[[str], str], kind: str, message: str) -> tuple[str, list[Repair]]:
    """The text with every line that is no code mended, and a repair for each line that changed."""
    lines, repairs = [], []
    for line in scan(text):
        mended = line.text if line.code else mend(line.text)
        if mended != line.text:
            repairs.append(Repair(kind, line.number, message))
        lines.append(mended)
    return ("\n".join(lines), repairs) if repairs else (text, [])


def code_spans(line: str) -> list[tuple[int, int]]:
    """Where inline code starts and ends: a run of backticks and the next one of the same length."""
    runs = [run.span() for run in _TICKS.finditer(line)]
    starts: dict[int, list[int]] = defaultdict(list)
    for start, end in runs:
        starts[end - start].append(start)
    spans: list[tuple[int, int]] = []
    for start, end in runs:
        if spans and start < spans[-1][1]:
            continue
        if not spans and start and is_escaped(line, start):
            continue
        same = starts[end - start]
        following = bisect_left(same, end)
        if following < len(same):
            spans.append((start, same[following] + end - start))
    return spans


def protected_spans(line: str) -> list[tuple[int, int]]:
    """Inline code, the addresses of links, and whole definitions of links: where a backslash or a mark is not prose."""
    if _DEFINITION.match(line):
        return [(0, len(line))]
    spans = code_spans(line)
    at = 0
    while (at := line.find("](", at)) >= 0:
        end = _address_end(line, at + 2)
        if end > at + 2:
            spans.append((at + 2, end))
        at = max(end, at + 2)
    return sorted(spans)


def _address_end(line: str, start: int) -> int:
    """Where the parenthesis closes that was opened right before `start`; `start` where it never does."""
    depth, at = 1, start
    while at < len(line) and at - start < 2000:
        letter = line[at]
        if letter == "\\":
            at += 2
            continue
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return at
        at += 1
    return start


def outside(spans: list[tuple[int, int]], line: str, mend: Callable[[str], str]) -> str:
    """The line with everything mended that stands outside of `spans`."""
    pieces, at = [], 0
    for start, end in spans:
        if start >= at:
            pieces += [mend(line[at:start]), line[start:end]]
            at = end
    return "".join([*pieces, mend(line[at:])])


def blanked(line: str) -> str:
    """The line with inline code and escaped stars as letters, of equal length."""
    for start, end in code_spans(line):
        line = line[:start] + "x" * (end - start) + line[end:]
    return line.replace("\\*", "xx")


def is_escaped(line: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before a letter."""
    before = line[max(0, at - 50) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def closes(line: str, fence: str) -> bool:
    """Whether a line closes the fence."""
    bare = line.strip(" \t>")
    return len(bare) >= len(fence) and not bare.strip(fence[0])
