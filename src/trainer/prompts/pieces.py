"""The pieces a body is cut into, and the names they use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "raw", "name", "expression", "statement"]

OPENERS = {"if", "for", "with", "filter", "macro", "call", "set", "autoescape"}
CLOSERS = {f"end{tag}": tag for tag in OPENERS}
BRANCHES = {"else", "elif"}
TAGS = OPENERS | set(CLOSERS) | BRANCHES | {"include", "import", "from", "extends", "block", "endblock", "do"}
STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
WORD = re.compile(r"(?<![\w.$@#\\&])[A-Za-z_]\w*")
KEYWORDS = {"if", "else", "elif", "in", "not", "and", "or", "is", "true", "false", "none", "True", "False", "None"}
KEYWORDS |= {"recursive", "as"} | TAGS


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a body."""

    kind: Kind
    text: str
    """As written; for a name the name alone, for what is raw what stands between its marks."""
    start: int
    """Its offset in the body."""


def names_in(piece: Piece) -> list[tuple[str, int]]:
    """The names an expression or statement begins its paths with, and their offsets in the body."""
    text = STRING.sub(lambda string: " " * len(string[0]), piece.text)
    found = []
    for word in WORD.finditer(text):
        before = text[: word.start()].rstrip()
        after = text[word.end() :].lstrip()
        is_filter_or_test = before.endswith("|") or re.search(r"\bis(?:\s+not)?$", before)
        is_keyword = after.startswith("=") and not after.startswith("==") and piece.kind == "expression"
        if word[0] not in KEYWORDS and not is_filter_or_test and not is_keyword and before[-1:] != ".":
            found.append((word[0], piece.start + word.start()))
    return found
