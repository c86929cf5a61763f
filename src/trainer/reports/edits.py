"""What a person writes into a report: blocks between `<!-- keep -->` and `<!-- /keep -->`, put back at every build."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from trainer.core.digest import digest_bytes

_BLOCK = re.compile(
    r"^(?:[ \t]*\n)?<!-- keep -->[ \t]*\n(?P<text>.*?)^<!-- /keep -->[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
_MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Edit:
    """One block that a person wrote."""

    section: str
    """The heading it stands under; empty above the first one."""
    text: str
    """Markdown between the marks."""


def take_edits(text: str) -> tuple[str, tuple[Edit, ...]]:
    """A report's Markdown without the blocks that a person wrote, and these blocks."""
    text = text.replace("\r\n", "\n")
    blocks = list(_BLOCK.finditer(text))
    if not blocks:
        return text, ()
    headings = _headings(text)
    edits = []
    for block in blocks:
        above = [title for start, title in headings if start < block.start()]
        edits.append(Edit(above[-1] if above else "", block["text"]))
    return _BLOCK.sub("", text), tuple(edits)


def put_edits(text: str, edits: Iterable[Edit]) -> str:
    """The Markdown with each block at the end of its section, or of the text where that section is gone."""
    for edit in edits:
        headings = [*_headings(text), (len(text), "")]
        ends = [end for (_, title), (end, _) in itertools.pairwise(headings) if title == edit.section]
        at = ends[0] if ends else len(text)
        after = text[at:]
        block = f"<!-- keep -->\n{edit.text}<!-- /keep -->\n"
        text = text[:at].rstrip("\n") + "\n\n" + block + (f"\n{after}" if after else "")
    return text


def text_digest(text: str) -> str:
    """The digest of a report's Markdown without a person's blocks: what tells whether anything else was edited."""
    return digest_bytes(take_edits(text)[0].encode())


def difference(before: str, after: str, *, shown: str) -> str:
    """What a person changed, as a unified diff of at most some lines."""
    lines = list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"{shown} as built", f"{shown} as it is", lineterm="", n=1
        )
    )
    more = [f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([*lines[:_MOST_LINES], *more])


def _headings(text: str) -> list[tuple[int, str]]:
    """Where each heading starts, and its title."""
    from trainer.core.markdown import read_markdown  # a check of unchanged reports reads no Markdown

    return [(block.start, block.title) for block in read_markdown(text).headings]
