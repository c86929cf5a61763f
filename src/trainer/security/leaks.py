"""What an answer gives away of the prompt that only the model was to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainer.core.values import Finding, Prompt, Severity
from trainer.security.clean import NOTICE
from trainer.security.detect import untrusted_parts
from trainer.security.readings import DecodedText

_WORD = re.compile(r"\w+")
_MARK = re.compile(r"\bmark=(?P<mark>[0-9a-f]{16})\b")
_PIECE = 6
"""Words of the pieces by which two texts are compared: shorter ones meet by chance."""
_SYSTEM, _INSTRUCTION, _CONTEXT = 10, 25, 80
"""Words in a row that are taken over by nobody by chance. Reports repeat an instruction's phrases and quote contexts;
the system message speaks to the model alone."""


def find_leaks(text: str, prompt: Prompt, *, decoded: Sequence[DecodedText] = ()) -> Iterator[tuple[int, Finding]]:
    """Where the answer repeats the prompt's marks, system message, instruction or contexts, plainly or encoded.

    The text of a caller's own prompt, which has no instruction, is the caller's to repeat.
    """
    for match in _MARK.finditer(text):
        if match[0] in prompt.text:
            yield match.start(), _leak("error", "the marks around the data", match[0])
            break
    if (at := text.find(NOTICE)) >= 0:
        yield at, _leak("error", "the marks around the data", NOTICE)
    own = prompt.instruction != "-"
    secret = [("error", "the system message", prompt.system, _SYSTEM)]
    secret += [("warning", "the instruction", prompt.body, _INSTRUCTION)] if own else []
    secret += [("note", f"the context {context.path}", context.text, _CONTEXT) for context in prompt.contexts]
    for severity, name, source, least in secret:
        pieces = _pieces(source)
        if (longest := _longest(text, pieces))[1] >= least:
            yield longest[0], _leak(severity, name, text[longest[0] : longest[0] + 200])
        for reading in decoded:
            if _longest(reading.text, pieces)[1] >= _PIECE:
                yield reading.start or 0, _leak("error", f"{name}, written in {reading.encoding},", reading.text)


def revealed(prompt: Prompt) -> Iterator[str]:
    """The texts that an answer may repeat word for word: instruction, parameters, contexts and data."""
    yield prompt.body
    yield from (part.text for part in untrusted_parts(prompt))


def _leak(severity: str, what: str, text: str) -> Finding:
    kind: Severity = "error" if severity == "error" else "warning" if severity == "warning" else "note"
    return Finding("output.leak", kind, f"the answer repeats {what}", text=text[:200], hint=_HINT)


_HINT = "see whether the data asks the model for its prompt"


def _pieces(source: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(source.lower())
    return frozenset(zip(*(words[start:] for start in range(_PIECE)), strict=False))


def _longest(text: str, pieces: frozenset[tuple[str, ...]]) -> tuple[int, int]:
    """Where the longest run of words starts of which every piece is one of `pieces`, and how many words it has."""
    words = list(_WORD.finditer(text.lower())) if pieces else []
    best, start, count = (0, 0), 0, 0
    for at in range(len(words) - _PIECE + 1):
        if tuple(word[0] for word in words[at : at + _PIECE]) in pieces:
            start, count = (start, count + 1) if count else (at, 1)
            if count + _PIECE - 1 > best[1]:
                best = (words[start].start(), count + _PIECE - 1)
        else:
            count = 0
    return best
