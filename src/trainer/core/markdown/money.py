r"""Where `$` and `~` stand beside money and figures, and are the signs they are instead of markup.

A pair of dollars is a formula only where nothing around it or in it speaks of money or of prose; a single tilde
before a figure is an "about", one inside a word or between figures a range, and neither ever strikes words out.
Whatever holds a backslash, `^` or `_` is taken for mathematics, whatever else it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

InlineRule = Callable[[StateInline, bool], bool]
BlockRule = Callable[[StateBlock, int, int, bool], bool]

_OTHER_CURRENCY = re.compile("[€£¥₹₩₽฿¢]")
_MATHEMATICS = re.compile(r"[\\^_]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_WORDS_PROSE = (
    "a about an and are as at by each for from in is less more of on or over per than the to under up was were "
    "with bn mn tn billion million trillion thousand pa usd cad aud"
)
_PROSE = frozenset(_WORDS_PROSE.split())
"""Words that stand between amounts, and never in a formula without a backslash."""
_DANGLING = re.compile(r"\A[,;:.!?)\]]|[=/+(\[,;–−-]\Z")
_CODE_AT_END = re.compile(r"(?<![A-Za-z])(?:A|AU|C|CA|HK|J|MX|NT|NZ|R|S|SG|US|Z)\Z")
_TICKER = re.compile(r"\d|[A-Z]{2}")
_ABOUT = re.compile(r" ?[-+−±<>≤≥]? ?(?:[A-Z]{1,3} ?)?[$€£¥₹₩₽฿]? ?\.?\d|[$€£¥₹₩₽฿]")
_DEFINED_FIGURE = re.compile(r"~[ \t]+[-+−±]?(?:[A-Z]{1,3})?[$€£¥₹₩₽฿]?\.?\d")


def is_money(text: str, start: int, end: int) -> bool:
    """Whether the dollars at `start` and `end - 1` of a text are signs of currency rather than marks of a formula."""
    width = 2 if text.startswith("$$", start) and end - start > 3 else 1
    inside = text[start + width : end - width]
    before, after = text[start - 1 : start] if start else "", text[end : end + 2]
    if (before.isascii() and before.isalnum()) or _TICKER.match(after):
        return True
    if _OTHER_CURRENCY.search(inside) or not _is_balanced(inside):
        return True
    if _MATHEMATICS.search(inside):
        return False
    if _DANGLING.search(inside) or not any(letter.isalnum() for letter in inside):
        return True
    words = [word.lower() for word in _WORD.findall(inside)]
    is_amount = inside[:1].isdigit()
    if is_amount and (_CODE_AT_END.search(inside) or len(words) > 1 or re.search(r"[,;] ", inside)):
        return True
    return any(word in _PROSE for word in words)


def _is_balanced(inside: str) -> bool:
    """Whether every bracket is opened before it is closed; an interval such as [0, 1) counts as closed."""
    depth = 0
    for letter in re.sub(r"\\.", "", inside):
        depth += (letter in "([") - (letter in ")]")
        if depth < 0:
            return False
    return depth == 0


def keep_signs(parser: MarkdownIt) -> None:
    """Let the parser's rules for formulas, struck words and definitions pass over signs of money and figures."""
    rules = {rule.name: rule.fn for rule in parser.inline.ruler.__rules__}
    if "math_inline" in rules:
        parser.inline.ruler.at("math_inline", _without_money(rules["math_inline"]))
    parser.inline.ruler.at("strikethrough", _without_about(rules["strikethrough"]))
    for rule in parser.block.ruler.__rules__:
        if rule.name == "deflist":
            parser.block.ruler.at("deflist", _without_figures(rule.fn), {"alt": rule.alt})


def _without_money(formula: InlineRule) -> InlineRule:
    def rule(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != "$":
            return False
        start = state.pos
        if not formula(state, True):
            return False
        end, state.pos = state.pos, start
        return not is_money(state.src, start, end) and formula(state, silent)

    return rule


def _without_about(strike: InlineRule) -> InlineRule:
    def rule(state: StateInline, silent: bool) -> bool:
        at = state.pos
        if state.src[at] != "~" or silent or state.src.startswith("~~", at):
            return strike(state, silent)
        before, after = state.src[at - 1 : at] if at else "", state.src[at + 1 : at + 2]
        between = before.isalnum() and after.isalnum()
        if not between and not _ABOUT.match(state.src, at + 1):
            return strike(state, silent)
        state.pending += "~"
        state.pos += 1
        return True

    return rule


def _without_figures(definitions: BlockRule) -> BlockRule:
    def rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        at = start + 1
        while at < end and state.isEmpty(at) and at < start + 2:
            at += 1
        if at < end and _DEFINED_FIGURE.match(state.src, state.bMarks[at] + state.tShift[at]):
            return False
        return definitions(state, start, end, silent)

    return rule
