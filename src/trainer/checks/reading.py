"""How hard English prose is to read: the Flesch-Kincaid grade, and what an instruction asks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainer.checks.claims import SENTENCE
from trainer.checks.document import CheckedDocument
from trainer.core.errors import Where
from trainer.core.values import Finding

_ASKED = re.compile(
    r"\b(?:reading[\s-]+(?:level|grade)|flesch[\s–-]+kincaid)\b[^.\n\d]{0,40}?(\d{1,2})\b(?![.,]\d|\s*words)"
    r"|\b(\d{1,2})(?:st|nd|rd|th)[\s-]+grade\s+(?:reading|readers?|level)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^laeiouy]e|[^tdaeiouy]ed|[^cgszxaeiouy]es)$")
_FEWEST_WORDS = 100
"""Of fewer words a grade says nothing."""


def reading_level(document: CheckedDocument, instruction: str, language: str) -> Iterator[Finding]:
    """A warning where English prose reads harder than the grade an instruction names."""
    wish = _ASKED.search(instruction)
    if not wish or language.partition("-")[0].casefold() != "en":
        return
    most = int(wish[1] or wish[2])
    grade = grade_of(document)
    if grade is not None and grade >= most + 1:
        message = f"reads at grade {grade:.1f} (Flesch-Kincaid), asked for at most {most}"
        yield Finding("reading_level", "warning", message, Where("answer", 1), hint="use shorter sentences and words")


def grade_of(document: CheckedDocument) -> float | None:
    """The Flesch-Kincaid grade of a document's prose; None of fewer than a hundred words.

    0.39 x words a sentence + 11.8 x syllables a word - 15.59; an item without a full stop is a sentence, and figures,
    headings, tables and code do not count.
    """
    sentences, words, syllables = 0, 0, 0
    for block in document.blocks:
        if block.kind not in ("text", "item", "quote") or block.appendix:
            continue
        for sentence in SENTENCE.split(block.text):
            sentence_words = _WORD.findall(sentence)
            sentences += bool(sentence_words)
            words += len(sentence_words)
            syllables += sum(map(syllables_of, sentence_words))
    if words < _FEWEST_WORDS:
        return None
    return 0.39 * words / sentences + 11.8 * syllables / words - 15.59


def syllables_of(word: str) -> int:
    """The syllables of an English word: its groups of vowels, a silent ending apart; at least one."""
    plain = word.casefold()
    return max(1, len(_VOWELS.findall(plain)) - bool(_SILENT.search(plain)))
