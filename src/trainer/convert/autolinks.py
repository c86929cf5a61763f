"""GFM's bare links, without the ones CommonMark shows as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_RESERVED = re.compile(r"(?:.*[./@])?example\.(?:com|net|org)(?:[/?#:].*)?", re.IGNORECASE)


def autolinks(parser: MarkdownIt) -> None:
    """Recognise bare `www.`, `http(s)://`, `mailto:`, `xmpp:` and email addresses, and leave two kinds as text.

    Names reserved for examples (RFC 2606) lead nowhere; an address in angle brackets that is no CommonMark
    autolink was meant to be seen as it is. With these two, GFM's rule and CommonMark's examples agree.
    """
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

    parser.use(gfm_autolink_plugin)
    rules = parser.inline.ruler
    for rule in [rule for rule in rules.__rules__ if rule.name.startswith("gfm_autolink")]:
        rules.at(rule.name, _guarded(rule.fn))


def _guarded(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    def guarded(state: StateInline, silent: bool) -> bool:
        if _left_as_text(state):
            return False
        return rule(state, silent)

    return guarded


def _left_as_text(state: StateInline) -> bool:
    start = max(state.src.rfind(mark, 0, state.pos) for mark in " \n\t<(*_~") + 1
    if re.search(r"<\s*\Z", state.src[max(0, start - 4) : start]):
        return True
    word = re.match(r"\S*", state.src[start:])
    return bool(word and _RESERVED.fullmatch(word[0].rstrip(".,:;!?)*_~")))
