"""Passages of the contexts, and the ones that say most about a section."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from trainer.core.bm25 import rank
from trainer.core.markdown import read_markdown
from trainer.core.values import Context
from trainer.draft import wording
from trainer.draft.markup import escaped
from trainer.draft.outline import stems

_LONGEST = 60
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph or list item of a context."""

    source: str
    """The context's title, safe in Markdown."""
    heading: str
    """The heading it stands under."""
    top: bool
    """Whether that is one of the context's main headings."""
    text: str
    """One line of Markdown."""

    @property
    def cited(self) -> str:
        """The passage with its source in brackets."""
        return f"{self.text} [{self.source}]"


def split(contexts: Sequence[Context]) -> tuple[Passage, ...]:
    """The passages of all contexts; tables, code and headings are left out."""
    return tuple(passage for context in contexts for passage in _of(context))


_METHOD = re.compile(r"(how|what|why|when|introduction|summary|overview)\b|\Z", re.IGNORECASE)


def choose(
    query: str, passages: Sequence[Passage], *, used: Collection[Passage], most: int, about: str = ""
) -> list[Passage]:
    """The unused passages that say most about the query, at least two words of it each.

    Where there is none, those with all words of `about`. A passage weighs more in a context that is about the query.
    """
    if not passages:
        return []
    query = f"{query} {' '.join(sorted(stems(query)))}"  # plural words find singular ones too
    weights = _weights(query, passages)
    scored = rank(query, [f"{passage.heading} {passage.text}" for passage in passages])
    ordered = sorted(scored, key=lambda entry: (-entry[1] * weights[passages[entry[0]].source], entry[0]))
    unused = [passages[index] for index, score in ordered if score > 0 and passages[index] not in used]
    wanted, subject = stems(query), stems(about)
    fitting = [passage for passage in unused if len(wanted & stems(passage.text)) >= min(2, len(wanted))]
    if not fitting and subject:
        fitting = [passage for passage in unused if subject <= stems(passage.text)]
    return fitting[:most]


def further(query: str, passages: Sequence[Passage], used: Collection[Passage]) -> tuple[str, list[str]]:
    """The context whose title shares a word with the query, and its headings that no passage was quoted from."""
    wanted = stems(query)
    about = [passage for passage in passages if wanted & stems(passage.source)]
    if not about:
        return "", []
    source = about[0].source
    quoted = {passage.heading for passage in used if passage.source == source}
    headings = dict.fromkeys(passage.heading for passage in about if passage.source == source and passage.top)
    return source, [heading for heading in headings if heading not in quoted and not _METHOD.match(heading)]


def _weights(query: str, passages: Sequence[Passage]) -> dict[str, float]:
    """By context, how much it is about the query, between a half and one and a half."""
    texts: dict[str, list[str]] = {}
    for passage in passages:
        texts.setdefault(passage.source, []).append(f"{passage.heading} {passage.text}")
    names = list(texts)
    scores = dict(rank(query, [f"{name} {' '.join(texts[name])}" for name in names]))
    best = max(scores.values(), default=0.0) or 1.0
    return {name: 0.5 + scores[index] / best for index, name in enumerate(names)}


def _of(context: Context) -> Iterator[Passage]:
    document = read_markdown(context.text, front_matter=False)
    title, heading, level = escaped(context.title or context.path), "", 0
    main = _main_level([block.level for block in document.headings])
    for block in document.blocks:
        if block.kind == "heading" and not block.containers:
            level, heading = block.level, block.content
        elif block.kind == "paragraph" and "quote" not in block.containers:
            lines = (line.strip() for line in block.content.split("\n"))
            text = _shortened(" ".join(line for line in lines if not line.startswith(("<", "!["))))
            if len(text.split()) >= _SHORTEST and not text.endswith(":"):
                yield Passage(title, heading, level == main, text)


def _main_level(levels: Sequence[int]) -> int:
    """The level of the headings that divide a text, its title apart."""
    below = levels[1:]
    return min(below if below and levels[0] < min(below) else levels, default=0)


def _shortened(text: str) -> str:
    """The first sentences of a long passage."""
    sentences: list[str] = []
    for sentence in wording.sentences(text):
        if sentences and len(" ".join([*sentences, sentence]).split()) > _LONGEST:
            break
        sentences.append(sentence)
    return " ".join(sentences)
