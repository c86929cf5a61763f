"""One value as inline Markdown, and back."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from trainer.core.markdown import markdown_parser, plain_text
from trainer.core.values import Json

if TYPE_CHECKING:
    from markdown_it.token import Token

_SAFE = re.compile(r"[^\W\d_](?:[\w ,;/()'’–—%+€£¥“”é.?!-]*[\w)%.?!”’])?")
_LITERAL = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity|-")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&!^{}])")
_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+|-?\d+")


def inline(value: Json) -> str:
    """The value as inline Markdown: words as words, figures grouped, everything else as JSON in a code span."""
    if isinstance(value, str):
        return _words(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return code(value)


def code(value: Json) -> str:
    """The value as JSON in a code span."""
    text = json.dumps(value, ensure_ascii=False)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x7f", "\\u007f")
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def cell(value: Json) -> str:
    """The value as a table's cell: words have their pipes escaped already, code must."""
    text = inline(value)
    return text.replace("|", "\\|") if text.startswith("`") else text


def _words(text: str) -> str:
    if _SAFE.fullmatch(text) and not _LITERAL.fullmatch(text) and "  " not in text and "www." not in text.lower():
        return text
    if not text or text != text.strip() or _LITERAL.fullmatch(text) or not text.isprintable():
        return code(text)
    escaped = _SPECIAL.sub(r"\\\1", text)
    return escaped if back(escaped) == text else code(text)


def back(markdown: str) -> Json:
    """What a piece of inline Markdown holds."""
    tokens = markdown_parser().parseInline(markdown)
    return value_of(tokens[0].children or [])


def value_of(children: list[Token]) -> Json:
    """What inline tokens hold: a code span JSON, a figure a number, all else its words."""
    shown = [token for token in children if token.type != "text" or token.content]
    if len(shown) == 1 and shown[0].type == "code_inline":
        try:
            return json.loads(shown[0].content)
        except ValueError:
            return shown[0].content
    if all(token.type == "text" for token in shown):
        return literal("".join(token.content for token in shown))
    return plain_text(children)


def literal(text: str) -> Json:
    """The number or literal that words are, else the words."""
    if not _LITERAL.fullmatch(text):
        return text
    if text in ("true", "false", "null"):
        return json.loads(text)
    if _GROUPED.fullmatch(text):
        return int(text.replace(",", ""))
    try:
        return float(text) if re.fullmatch(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text) else text
    except ValueError:
        return text
