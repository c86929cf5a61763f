"""GFM's bare links, without the ones CommonMark shows as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from trainer.core.markdown.money import InlineRule

_MARKS = {"w": "www", ":": "protocol", "@": "email"}
"""The rule that each mark starts."""
_RESERVED = re.compile(r"(?:.*[./@])?example\.(?:com|net|org)(?:[/?#:].*)?", re.IGNORECASE)

_LONGEST = 254
"""Characters of an address of e-mail or a host's name (RFC 5321): who looks further pays for every mark of a word."""
_TRIGGER = re.compile(rf"www\.|:(?://[^\s<]|\S{{0,{_LONGEST}}}@)|@[\w.-]")
_WORD = re.compile(rf"\S{{0,{2 * _LONGEST}}}")
_NAME = re.compile(r"[A-Za-z0-9.+_-]*\Z")
_SCHEMES = ("http", "https", "ftp", "mailto", "xmpp")
_FTP = re.compile(r"[ \t\n*_~(]?ftp")


def autolinks(parser: MarkdownIt, *, www: bool = True) -> None:
    """Recognise bare `www.`, `http(s)://`, `ftp://`, `mailto:`, `xmpp:` and email addresses; leave two kinds as text.

    Names reserved for examples (RFC 2606) lead nowhere; an address in angle brackets that is no CommonMark
    autolink was meant to be seen as it is. With these two, GFM's rule and CommonMark's examples agree.
    Without `www` nothing is looked for at every letter w.
    """
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin  # a fifth of the start, and seldom needed

    if www:
        parser.inline.add_terminator_char("w")
    rules = {rule.name: rule.fn for rule in MarkdownIt().use(gfm_autolink_plugin).inline.ruler.__rules__}
    by_mark = {mark: rules[f"gfm_autolink_{name}"] for mark, name in _MARKS.items() if www or mark != "w"}
    parser.inline.ruler.push("autolinks", _guarded(by_mark))


def _guarded(rules: Mapping[str, InlineRule]) -> InlineRule:
    def guarded(state: StateInline, silent: bool) -> bool:
        mark = state.src[state.pos]
        if mark not in rules or not _TRIGGER.match(state.src, state.pos) or _left_as_text(state):
            return False
        if mark == ":" and not _is_address(state):
            return False
        if mark == "@":
            _gather_name(state)
        return rules[mark](state, silent) or (mark == ":" and not silent and _ftp(state))

    return guarded


def _is_address(state: StateInline) -> bool:
    """Whether the `:` belongs to an address; the plugin first looks through all text since the last token for each."""
    from mdit_py_plugins.gfm_autolink._match import check_prev, match_any_email, match_http

    scheme = next((name for name in _SCHEMES if state.pending.endswith(name)), None)
    if scheme is None or scheme == "ftp":
        return scheme is not None
    before = state.pos - len(scheme)
    if before > 0 and not check_prev(state.src[before - 1]):
        return False
    beginning = scheme + state.src[state.pos : min(state.pos + 2 * _LONGEST, state.posMax)]
    if scheme.startswith("http"):
        return match_http(beginning) is not None
    return match_any_email(beginning, len(scheme) + 1, scheme) is not None


def _ftp(state: StateInline) -> bool:
    """Link an `ftp://` address, which the specification's examples hold and the plugin leaves out."""
    from mdit_py_plugins.gfm_autolink._match import match_http

    if state.linkLevel or not state.pending.endswith("ftp"):
        return False
    if not _FTP.fullmatch(state.src[max(0, state.pos - 4) : state.pos]):
        return False
    match = match_http(f"http{state.src[state.pos : state.posMax]}")
    if match is None:
        return False
    address = match[0].replace("http", "ftp", 1)
    state.pending = state.pending[:-3]
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": state.md.normalizeLink(address)}
    state.push("text", "", 0).content = state.md.normalizeLinkText(address)
    closing = state.push("link_close", "a", -1)
    opening.markup = closing.markup = "autolink"
    opening.info = closing.info = "auto"
    state.pos += match[1] - len("http")
    return True


def _left_as_text(state: StateInline) -> bool:
    first = max(0, state.pos - _LONGEST)
    start = max(first, *(state.src.rfind(mark, first, state.pos) + 1 for mark in " \n\t<(*~"))
    if re.search(r"<\s*\Z", state.src[max(0, start - 4) : start]):
        return True
    word = _WORD.match(state.src, start)
    return bool(word and _RESERVED.fullmatch(word[0].rstrip(".,:;!?)*_~")))


def _gather_name(state: StateInline) -> None:
    """Take the name before an `@` back into the pending text, where underscores have torn it apart."""
    name = _NAME.search(state.src[max(0, state.pos - 200) : state.pos])
    missing = len(name[0]) - len(state.pending) if name else 0
    while missing > 0 and state.tokens:
        token = state.tokens[-1]
        start = state.pos - len(state.pending) - len(token.content)
        if token.type != "text" or not state.src.startswith(token.content, max(start, 0)):
            return
        state.tokens.pop()
        state.pending = token.content + state.pending
        missing -= len(token.content)
        state.delimiters[:] = [mark for mark in state.delimiters if mark.token < len(state.tokens)]
