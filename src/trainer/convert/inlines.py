"""The parser's inline step, which does not search words for marks that are not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_MARKS = r"[\n\\`~*_\[<&]"
_LINKS = r"@|://|www\."
_MATH = r"\$"


def quick_inlines(parser: MarkdownIt, *, links: bool, math: bool) -> None:
    """Take words without any mark for the text they are; all others go the usual way.

    Most cells of a table hold such words, and no rule has anything to do there.
    """
    from markdown_it.rules_core import StateCore, text_join
    from markdown_it.token import Token

    marked = re.compile("|".join((_MARKS, *((_LINKS,) if links else ()), *((_MATH,) if math else ())))).search

    def inline(state: StateCore) -> None:
        for token in state.tokens:
            if token.type != "inline":
                continue
            content = token.content
            if marked(content):
                token.children = token.children or []
                state.md.inline.parse(content, state.md, state.env, token.children)
            else:
                token.children = [Token("text", "", 0, content=content)] if content else []

    def join(state: StateCore) -> None:
        """Join the pieces of text, where there can be any."""
        pieces = [token for token in state.tokens if token.children and not _is_text(token.children)]
        text_join(StateCore("", state.md, state.env, pieces))

    parser.core.ruler.at("inline", inline)
    parser.core.ruler.at("text_join", join)


def _is_text(children: list[Token]) -> bool:
    return len(children) == 1 and children[0].type == "text"
