"""What of Markdown matters to a prompt: how deep headings go, what may be cut, and what stands in code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.core.markdown import MarkdownDocument

_ATX = re.compile(r"( {0,3})(#{1,6})(?=[ \t]|$)")


def shift_headings(text: str, *, top: int) -> str:
    """The text with its shallowest heading at level `top`, the others as far below it as they were, six at most.

    Headings that are underlined get hashes: there are only two levels of underlines.
    """
    headings = _read(text).headings
    by = top - min((heading.level for heading in headings), default=top)
    pieces, done = [], 0
    for heading in headings:
        hashes = "#" * min(6, heading.level + by)
        atx = _ATX.match(heading.text)
        line = (
            f"{atx[1]}{hashes}{heading.text[atx.end() :]}" if atx else f"{hashes} {' '.join(heading.content.split())}"
        )
        pieces += [text[done : heading.start], line]
        done = heading.end
    return "".join([*pieces, text[done:]])


def empty_sections(text: str) -> list[tuple[str, int]]:
    """The headings with nothing below them, neither text nor deeper headings, and their offsets."""
    sections = _read(text).sections
    headings = [section.heading for section in sections if section.heading and not section.blocks]
    return [(heading.content, heading.start) for heading in headings]


def blocks(text: str) -> list[tuple[str, int]]:
    """The text in paragraphs, each with the blank lines after it and its heading's level; 0 for what is no heading.

    What no blank line parts, such as the items of a tight list, stays together; the blocks together are the text.
    """
    starts: list[tuple[int, int]] = []
    is_after_heading = True
    for block in _read(text).blocks:
        is_heading = block.kind == "heading" and not block.containers
        if is_heading or is_after_heading or text.endswith("\n\n", 0, block.start):
            starts.append((block.start, block.level if is_heading else 0))
        is_after_heading = is_heading
    if not starts:
        return [(text, 0)] if text else []
    ends = [*(start for start, _ in starts[1:]), len(text)]
    begins = [0, *(start for start, _ in starts[1:])]
    return [(text[begin:end], level) for begin, end, (_, level) in zip(begins, ends, starts, strict=True)]


def first_heading(text: str) -> str | None:
    """The title of a level-1 heading that opens the text."""
    first = next(iter(_read(text).blocks), None)
    return first.content if first and first.kind == "heading" and first.level == 1 else None


def code_lines(text: str) -> set[int]:
    """The lines, counted from 1, that stand in code."""
    code = (block for block in _read(text).blocks if block.kind == "code")
    return {line for block in code for line in range(block.line, block.end_line + 1)}


def _read(text: str) -> MarkdownDocument:
    from trainer.core.markdown import read_markdown  # 50 ms to import, which who knows a context's text need not pay

    return read_markdown(text, front_matter=False)
