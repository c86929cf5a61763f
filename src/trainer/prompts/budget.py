"""Contexts made to fit: what matters least to the instruction goes, in whole paragraphs, and the place is marked.

A context of higher priority keeps all its paragraphs before one of lower priority gets any. Among equals, paragraphs
are taken by their relevance to the instruction (BM25), then in the order of the text. A paragraph brings its headings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from trainer.core.bm25 import rank
from trainer.core.values import Context, Finding
from trainer.prompts import markdown

Count = Callable[[str], int]

CUT = "[… left out to fit the budget …]\n\n"
"""Stands where paragraphs were left out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Contexts within a budget."""

    contexts: tuple[Context, ...]
    """Those of which anything is left, in their order."""
    findings: tuple[Finding, ...] = ()
    """What was left out, a warning for each context."""


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A paragraph of a context."""

    context: int
    at: int
    text: str
    headings: tuple[int, ...]
    """The blocks above it that head it."""


def fit(contexts: Sequence[Context], *, query: str, budget: int, count: Count) -> Fitted:
    """The contexts cut to `budget` tokens by `count`; `query` is the text they must be relevant to."""
    if sum(count(context.text) for context in contexts) <= budget:
        return Fitted(tuple(contexts))
    pieces = [_blocks(context.text) for context in contexts]
    chosen: list[set[int]] = [set() for _ in contexts]
    mark, left = count(CUT), budget
    for paragraph in _ordered(contexts, pieces, query):
        blocks, taken = pieces[paragraph.context], chosen[paragraph.context]
        more = taken | {paragraph.at, *paragraph.headings}
        price = sum(count(blocks[at][0]) for at in more - taken)
        price += mark * (_gaps(more, len(blocks)) - _gaps(taken, len(blocks)))
        if price <= left:
            chosen[paragraph.context] = more
            left -= price
    return Fitted(tuple(_cut(contexts, pieces, chosen)), tuple(_findings(contexts, pieces, chosen, budget)))


def _ordered(contexts: Sequence[Context], pieces: list[list[tuple[str, int]]], query: str) -> Iterator[_Paragraph]:
    every = [paragraph for index, blocks in enumerate(pieces) for paragraph in _paragraphs(index, blocks)]
    every.sort(key=lambda paragraph: -contexts[paragraph.context].priority)
    for _, equals in groupby(every, key=lambda paragraph: contexts[paragraph.context].priority):
        group = list(equals)
        yield from (group[index] for index, _ in rank(query, [paragraph.text for paragraph in group]))


def _paragraphs(context: int, blocks: list[tuple[str, int]]) -> Iterator[_Paragraph]:
    above: list[tuple[int, int]] = []
    for at, (text, level) in enumerate(blocks):
        if level:
            above = [*((depth, place) for depth, place in above if depth < level), (level, at)]
        heads_nothing = level and (at + 1 == len(blocks) or 0 < blocks[at + 1][1] <= level)
        if not level or heads_nothing:
            yield _Paragraph(context, at, text, tuple(place for _, place in above if place != at))


def _blocks(text: str) -> list[tuple[str, int]]:
    """The blocks that say something, each ended by a blank line."""
    return [(f"{block.strip(chr(10))}\n\n", level) for block, level in markdown.blocks(text) if block.strip()]


def _gaps(taken: set[int], size: int) -> int:
    """How many marks show what is left out; a context that is left out whole has none."""
    return sum(at not in taken and (at == 0 or at - 1 in taken) for at in range(size)) if taken else 0


def _cut(contexts: Sequence[Context], pieces: list[list[tuple[str, int]]], chosen: list[set[int]]) -> Iterator[Context]:
    for context, blocks, taken in zip(contexts, pieces, chosen, strict=True):
        if len(taken) == len(blocks):
            yield context
        elif taken:
            yield replace(context, text="".join(_with_marks(blocks, taken)).rstrip("\n") + "\n")


def _with_marks(blocks: list[tuple[str, int]], taken: set[int]) -> Iterator[str]:
    marked = False
    for at, (text, _) in enumerate(blocks):
        if at in taken:
            yield text
        elif not marked:
            yield CUT
        marked = at not in taken


def _findings(
    contexts: Sequence[Context], pieces: list[list[tuple[str, int]]], chosen: list[set[int]], budget: int
) -> Iterator[Finding]:
    for context, blocks, taken in zip(contexts, pieces, chosen, strict=True):
        paragraphs = [at for at, (_, level) in enumerate(blocks) if not level]
        gone = sum(at not in taken for at in paragraphs)
        if len(taken) < len(blocks):
            what = "left out" if not taken else f"{gone} of {len(paragraphs)} paragraphs left out"
            yield Finding(
                "context_cut",
                "warning",
                f"context {context.path}: {what} to fit {budget} tokens of contexts",
                hint="raise prompt_manager.max_tokens, name fewer contexts, or give this one a higher priority",
            )
