"""Front matter: a YAML mapping between `---` lines, at the very start of a file and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trainer.core.errors import UsageError
from trainer.core.yamltext import YamlDocument, load_yaml

_BLOCK = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """A file in two: what its front matter says, and its body."""

    front: YamlDocument | None
    """None where the file has no front matter."""
    body: str
    body_line: int
    """The line of the file on which the body starts, counted from 1."""


def split(text: str, *, shown: str, known: Iterable[str]) -> Parts:
    """The file's front matter and body; a first block that is not a mapping belongs to the body.

    Broken YAML is an error where a line of it starts with one of the `known` keys, else it too is body.
    Raises UsageError with line and column.
    """
    block = _BLOCK.match(text)
    if block is None:
        return Parts(None, text, 1)
    try:
        document = load_yaml(block[1], shown=shown, first_line=2)
    except UsageError:
        if re.search(rf"^(?:{'|'.join(map(re.escape, known))})[ \t]*:", block[1], re.MULTILINE):
            raise
        return Parts(None, text, 1)
    if not isinstance(document.value, dict):
        return Parts(None, text, 1)
    return Parts(document, text[block.end() :], text.count("\n", 0, block.end()) + 1)
