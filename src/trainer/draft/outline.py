"""The sections a prompt asks for, each with the words of the instruction on what it is to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from trainer.core.bm25 import words
from trainer.core.values import DataBlock
from trainer.draft import wording
from trainer.facts.words import fold, vocabulary

SectionRole = Literal["summary", "figures", "risks", "notes", "missing"]

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")


@dataclass(frozen=True, slots=True)
class OutlineSection:
    """One section to write."""

    title: str
    guidance: str
    """What the instruction says about it; may be empty."""
    role: SectionRole

    @property
    def asked(self) -> tuple[str, ...]:
        """The things it asks for in the order of the instruction: `market capitalisation`, `beta` and the like."""
        return tuple(
            dict.fromkeys(item for _, items in _lists(self.guidance, wording.pattern("separators")) for item in items)
        )

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """The things it asks for, with the place of each in its guidance."""
        folded = self.guidance.casefold()
        return tuple((phrase, max(0, folded.find(phrase))) for phrase in self.asked)

    @property
    def spoken(self) -> tuple[frozenset[str], ...]:
        """The words of each sentence of its guidance."""
        return tuple(stems(sentence) for sentence in re.split(r"(?<=[.!?])\s+|\n\n", self.guidance) if sentence)

    @property
    def enumerated(self) -> tuple[str, ...]:
        """Those of them that stand in a plain list, where every part names a thing."""
        return tuple(
            dict.fromkeys(
                item for whole, items in _lists(self.guidance, wording.pattern("separators")) if whole for item in items
            )
        )


def outline(titles: Sequence[str], body: str) -> tuple[OutlineSection, ...]:
    """The sections of these titles with their guidance from the instruction's text."""
    return tuple(OutlineSection(title, guidance(title, body), role(title)) for title in titles)


def default_outline(
    blocks: Sequence[DataBlock], question: str, *, has_contexts: bool, has_data: bool
) -> tuple[OutlineSection, ...]:
    """The sections of a prompt that asks for none: a summary, each part of the data, and what answers the question."""
    groups: list[str] = []
    for block in blocks:
        top = block.data if isinstance(block.data, Mapping) else {}
        groups += [
            str(key)
            for key, value in top.items()
            if isinstance(value, Mapping | list) and value and fold(str(key)) not in vocabulary("container")
        ]
    titles = [
        title for title in dict.fromkeys(wording.humanised(group) for group in groups) if role(title) == "figures"
    ][:12]
    sections = [OutlineSection(wording.say("summary"), "", "summary")] if has_data else []
    sections += [
        OutlineSection(title, "", "figures") for title in (*titles, *([wording.say("rest")] if has_data else []))
    ]
    return (*sections, *([OutlineSection(wording.say("background"), question, "notes")] if has_contexts else []))


def headings(text: str, *, level: int) -> Iterator[str]:
    """The headings of one level, in order, each once."""
    matches = (_HEADING.match(line) for line in text.split("\n"))
    yield from dict.fromkeys(
        match.group(2) for match in matches if match and len(match.group(1)) == level and match.group(2)
    )


def role(title: str) -> SectionRole:
    """What kind of section a title announces."""
    folded = title.casefold()
    roles: Mapping[SectionRole, str] = wording.pattern("roles")
    return next((name for name, pattern in roles.items() if re.search(rf"\b(?:{pattern})\b", folded)), "figures")


def guidance(title: str, body: str) -> str:
    """The text under the heading `title`, or on the list item that starts with it."""
    lines = body.split("\n")
    wanted = _bare(title)
    for index, line in enumerate(lines):
        match = _HEADING.match(line)
        if match and _bare(match.group(2)) == wanted:
            return "\n".join(_until_heading(lines[index + 1 :], len(match.group(1)))).strip()
    return next((item for line in lines if (item := _list_item(line, title))), "")


def stems(text: str) -> frozenset[str]:
    """The words of a phrase as they are compared: plural or not, small words left out."""
    return _stems(text, wording.word_set("small"))


@lru_cache(maxsize=8192)
def _stems(text: str, small: frozenset[str]) -> frozenset[str]:
    return frozenset(_stem(word) for word in words(text) if word not in small)


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _bare(title: str) -> str:
    return " ".join(words(re.sub(r"^\s*\d+[.)]\s*", "", title)))


def _until_heading(lines: Sequence[str], level: int) -> Iterator[str]:
    for line in lines:
        match = _HEADING.match(line)
        if match and len(match.group(1)) <= level:
            return
        yield line if not match else f"{match.group(2)}."


def _list_item(line: str, title: str) -> str:
    marked = re.match(
        r"\s*(?:[-*+]|\d+[.)])?\s*\**\s*" + re.escape(title) + r"\s*\**\s*[:.–—-]+\**\s*(.+)", line, re.IGNORECASE
    )
    return marked.group(1).strip() if marked else ""


@lru_cache(maxsize=256)
def _lists(text: str, separators: str) -> tuple[tuple[bool, tuple[str, ...]], ...]:
    """For each sentence, whether it is nothing but a list of two or more things, and the things it names."""
    lists = []
    for sentence in re.split(r"(?<=[.!?:])\s+|\n\s*[-*]\s+|\n\n", text):
        parts = re.split(rf"[,;:()]|{separators}", sentence)
        pieces = [piece for piece in parts if piece.strip(" .!?\n")]
        items = [_item(piece) for piece in pieces]
        lists.append((len(items) > 1 and all(items), tuple(item for item in items if item)))
    return tuple(lists)


def _item(piece: str) -> str:
    """The thing that a piece of a sentence names, or nothing where it says something else."""
    verbs, refused = wording.word_set("verbs"), wording.word_set("refused")
    leading, articles = verbs | wording.word_set("fillers"), wording.word_set("articles_read")
    parts = [word for word in re.findall(r"[\w&'’/-]+", piece.replace("{", " ").lower()) if word]
    while parts and parts[0] in leading:
        parts.pop(0)
    parts = [word for word in parts if word not in articles]
    if not 1 <= len(parts) <= 5 or (refused | verbs) & set(parts):
        return ""
    return " ".join(parts) if any(len(word) > 2 for word in parts) else ""
