"""What an instruction asks for in its own words: length, reading level, tables, words never to use, no advice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainer.checks.document import CheckedDocument
from trainer.checks.reading import reading_level
from trainer.checks.tables import asked_tables
from trainer.core.errors import Where
from trainer.core.values import Finding

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_MOST = re.compile(
    r"\b(?:at most|no more than|not more than|up to|maximum of|max\.?|fewer than|höchstens|maximal|au plus|maximum)"
    r"\s+(\d[\d,.’']*)\s+(?:words|wörter|mots)\b",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"\b(?:at least|no fewer than|minimum of|min\.?|mindestens|au moins)\s+(\d[\d,.’']*)\s+(?:words|wörter|mots)\b",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"\b(?:do not|don't|never)\s+(?:use|write|say|mention)\s+(?:the\s+)?(?:words?|phrases?|terms?|name)?\s*"
    r"((?:[\"“][^\"“”\n]{2,80}[\"”](?:\s*(?:,|or|and|nor)\s*)*)+)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“]([^\"“”\n]{2,80})[\"”]")
_NO_ADVICE = re.compile(
    r"\b(?:no|without|never give|do not give|don't give)\s+(?:any\s+)?"
    r"(?:investment\s+|financial\s+|medical\s+|legal\s+)?(?:advice|recommendations?)\b|\bkeine\s+(?:anlage)?(?:empfehlung|beratung)|\baucun\s+conseil\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:we|i)\s+(?:would\s+|strongly\s+)*(?:recommend|advise|suggest)\b"
    r"|\b(?:investors?|readers?|you|shareholders?|patients?)\s+(?:should|ought to|must)\s+(?:now\s+)?"
    r"(?:buy|sell|hold|accumulate|avoid|invest|take|stop|add|reduce)\b"
    r"|\bour\s+(?:price target|recommendation|rating)\b"
    r"|\b(?:is|remains)\s+a\s+(?:clear\s+|strong\s+)?(?:buy|sell|hold)\b(?!\s*-)"
    r"|\b(?:wir|ich)\s+(?:empfehlen|empfehle|raten|rate)\b|\bnous\s+(?:recommandons|conseillons)\b",
    re.IGNORECASE,
)


def asked(text: str, document: CheckedDocument, instruction: str, language: str) -> Iterator[Finding]:
    """What the answer does against the words of its instruction."""
    yield from _length(document, instruction)
    yield from reading_level(document, instruction, language)
    yield from asked_tables(document, instruction)
    prose = re.sub(r"`[^`\n]+`", lambda match: " " * len(match[0]), text)
    for phrase in dict.fromkeys(_forbidden(instruction)):
        for match in re.finditer(rf"(?<!\w){re.escape(phrase)}(?!\w)", prose, re.IGNORECASE):
            message = f'the instruction forbids "{phrase}"'
            yield Finding("forbidden", "error", message, _place(text, match.start()), match[0], "say it otherwise")
    if _NO_ADVICE.search(instruction):
        for match in _ADVICE.finditer(prose):
            message = f'the instruction forbids advice, and this is some: "{match[0]}"'
            yield Finding("advice", "error", message, _place(text, match.start()), match[0], "state facts, not advice")


def count_words(document: CheckedDocument) -> int:
    """The words of prose, lists, quotes and headings, without the appendix; a figure is no word."""
    kinds = ("text", "item", "quote", "heading")
    return sum(
        len(_WORD.findall(block.text)) for block in document.blocks if block.kind in kinds and not block.appendix
    )


def _length(document: CheckedDocument, instruction: str) -> Iterator[Finding]:
    most, least = _MOST.search(instruction), _LEAST.search(instruction)
    if not (most or least):
        return
    count = count_words(document)
    if most and count > _number(most[1]):
        yield Finding("too_long", "warning", f"{count} words, asked for at most {_number(most[1])}", Where("answer", 1))
    if least and count < _number(least[1]):
        yield Finding(
            "too_short", "warning", f"{count} words, asked for at least {_number(least[1])}", Where("answer", 1)
        )


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _forbidden(instruction: str) -> Iterator[str]:
    for match in _NEVER.finditer(instruction):
        yield from _QUOTED.findall(match[1])


def _place(text: str, offset: int) -> Where:
    return Where("answer", text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
