"""Emphasis beside Chinese, Japanese and Korean letters, where no spaces part words from punctuation.

The rules are those of the CommonMark CJK-friendly Amendments (github.com/tats-u/markdown-cjk-friendly,
`specification.md`; the letters are those of its `ranges.md` for Unicode 16): `**重要。**次` is strong, as a reader
expects and CommonMark's own rule forgets.
Whatever does not touch such a letter is read as CommonMark says.
"""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

_LETTERS = (
    "\u1100-\u11ff\u20a9\u2329-\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u2ff0-\u303e"
    "\u3041-\u3096\u3099-\u30ff\u3105-\u312f\u3131-\u318e\u3190-\u31e5\u31ef-\u321e\u3220-\u3247\u3250-\ua48c"
    "\ua490-\ua4c6\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7c6\ud7cb-\ud7fb\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe52"
    "\ufe54-\ufe66\ufe68-\ufe6b\uff01-\uffbe\uffc2-\uffc7\uffca-\uffcf\uffd2-\uffd7\uffda-\uffdc\uffe0-\uffe6"
    "\uffe8-\uffee\U00016fe0-\U00016fe4\U00016ff0-\U00016ff6\U00017000-\U00018cd5\U00018cff-\U00018d1e"
    "\U00018d80-\U00018df2\U0001aff0-\U0001aff3\U0001aff5-\U0001affb\U0001affd-\U0001affe\U0001b000-\U0001b122"
    "\U0001b132\U0001b150-\U0001b152\U0001b155\U0001b164-\U0001b167\U0001b170-\U0001b2fb\U0001d300-\U0001d356"
    "\U0001d360-\U0001d376\U0001f200\U0001f202\U0001f210-\U0001f219\U0001f21b-\U0001f22e\U0001f230-\U0001f231"
    "\U0001f237\U0001f23b\U0001f240-\U0001f248\U0001f260-\U0001f265\U00020000-\U0003fffd"
)
_LETTER = re.compile(f"[{_LETTERS}]")
_BEFORE = re.compile(f"(?:[{_LETTERS}][\ufe00-\ufe0e]?|[\U000e0100-\U000e01ef]|[‘’“”]\ufe01)\\Z")
"""A CJK sequence, an ideographic variation selector, or a quotation mark of full width."""
_SELECTOR = re.compile("[\ufe00-\ufe0e]")


def east_asian_state(src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> StateInline | None:
    """The state to read `src` in with the amended rule; None where no letter asks for it."""
    return None if src.isascii() or not _LETTER.search(src) else _State(src, md, env, tokens)


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803  (markdown-it's names)
        """Whether the run of marks at `start` can open and close; `canSplitWord` is false for underscores."""
        end = start
        while end < self.posMax and self.src[end] == self.src[start]:
            end += 1
        after = self.src[end] if end < self.posMax else " "
        before = self._letter_before(start)
        if isWhiteSpace(ord(before)) or isWhiteSpace(ord(after)):
            return Scanned(not isWhiteSpace(ord(after)), not isWhiteSpace(ord(before)), end - start)
        opens, closes = _is_mark(before), _is_mark(after)
        if canSplitWord:
            beside = bool(_LETTER.match(after) or _BEFORE.search(self.src[max(0, start - 2) : start]))
            opens, closes = opens or beside or not closes, closes or beside or not opens
        return Scanned(opens, closes, end - start)

    def _letter_before(self, start: int) -> str:
        """The letter before a run, without the variation selector that belongs to it."""
        if start == 0:
            return " "
        last = self.src[start - 1]
        if start > 1 and _SELECTOR.match(last) and unicodedata.category(self.src[start - 2]) != "Zs":
            return self.src[start - 2]
        return last


def _is_mark(letter: str) -> bool:
    return isMdAsciiPunct(ord(letter)) or isPunctChar(letter)
