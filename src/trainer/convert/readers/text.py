"""Plain text: paragraphs between blank lines, their lines kept."""

from __future__ import annotations

import re

from trainer.convert.readers.encoding import decode
from trainer.core.readings import DocumentText, ReadOptions

_MARKS = re.compile(r"([\\`*_{}\[\]<>#~|$&^:@!])")
_BLOCK_START = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)]))")


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:
    """The document that says the same words: nothing in the text is taken for markup."""
    decoded = decode(content, shown, options.encoding)
    return DocumentText(plain_markdown(decoded.text), shown, decoded.text, findings=decoded.findings)


def plain_markdown(text: str) -> str:
    """Markdown that says the same words in the same lines."""
    lines = [_escaped(line.strip()) for line in text.split("\n")]
    return "\n".join(
        f"{line}\\" if line and following else line for line, following in zip(lines, [*lines[1:], ""], strict=True)
    )


def _escaped(line: str) -> str:
    escaped = _MARKS.sub(r"\\\1", line).replace("www.", "www\\.")
    if re.match(r"\d{1,9}[.)]", escaped):
        return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)
    return _BLOCK_START.sub(r"\1\\\2", escaped)
