"""Code coloured by class names; the languages are looked up by name, never guessed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LONGEST = 200_000


def highlighted(code: str, info: str) -> str | None:
    """The code as HTML spans, or None where the language is not known or the code is very long."""
    language = info.split(maxsplit=1)[0] if info.strip() else ""
    lexer = _lexer(language) if language and len(code) <= _LONGEST else None
    if lexer is None:
        return None
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter

    return highlight(code, lexer, HtmlFormatter(nowrap=True))


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
