"""Plain text: paragraphs between blank lines, their lines kept."""

from __future__ import annotations

import re

from trainer.convert.base import Options
from trainer.convert.document import Document, parse_markdown
from trainer.core.errors import ConversionError, Where

_MARKS = re.compile(r"([\\`*_{}\[\]<>#~|$&^:@!])")
_BLOCK_START = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)]))")


def read(content: bytes, *, shown: str, options: Options) -> Document:  # noqa: ARG001  (the seam's signature)
    """The document that says the same words: nothing in the text is taken for markup."""
    lines = [_escaped(line.strip()) for line in decoded(content, shown).split("\n")]
    text = "\n".join(
        f"{line}\\" if line and following else line for line, following in zip(lines, [*lines[1:], ""], strict=True)
    )
    return parse_markdown(text, shown=shown)


def decoded(content: bytes, shown: str) -> str:
    """UTF-8 text with LF line ends; raises ConversionError with its line where it is something else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConversionError("not UTF-8 text", where=Where(shown, line), hint="save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _escaped(line: str) -> str:
    escaped = _MARKS.sub(r"\\\1", line).replace("www.", "www\\.")
    if re.match(r"\d{1,9}[.)]", escaped):
        return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)
    return _BLOCK_START.sub(r"\1\\\2", escaped)
