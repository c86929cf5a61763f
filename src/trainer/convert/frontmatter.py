"""Front matter by our own rule: a first block between `---` lines, and only where it is a YAML mapping."""

from __future__ import annotations

import re

from trainer.core.errors import UsageError
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml

_BLOCK = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)(?:^|\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_PLAIN = re.compile(r"([A-Za-z_][\w-]*):[ \t]+(.*)")


def split_front_matter(text: str, *, shown: str = "document.md") -> tuple[dict[str, Json], str, int]:
    """The front matter, the body after it, and the body's first line; a block that is no mapping stays in the body."""
    match = _BLOCK.match(text)
    meta = _mapping(match[1], shown) if match else None
    if match is None or meta is None:
        return {}, text, 1
    return meta, text[match.end() :], text.count("\n", 0, match.end()) + 1


def _mapping(block: str, shown: str) -> dict[str, Json] | None:
    """The block as a mapping; lines `key: words` count even where a colon in the words breaks the YAML."""
    try:
        value = load_yaml(block, shown=shown, first_line=2).value
    except UsageError:
        pairs = [_PLAIN.fullmatch(line) for line in block.splitlines() if line.strip()]
        return {pair[1]: _unquoted(pair[2]) for pair in pairs if pair} if pairs and all(pairs) else None
    return value if isinstance(value, dict) else None


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
