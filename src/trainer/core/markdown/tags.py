"""Tags of HTML among words that mean no more than a mark: `CO<sub>2</sub>`, `10<sup>6</sup>`, `<b>total</b>`.

Models write them as often as Markdown's own marks. A pair becomes the mark it is; a tag without its other half, and
every other tag, stays the text it is.
"""

from __future__ import annotations

import re

from markdown_it.token import Token

_MARKS = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "del": "s", "s": "s", "strike": "s", "sub": "sub",
    "sup": "sup", "u": "u", "ins": "ins", "mark": "mark", "small": "small", "kbd": "kbd", "span": "span",
    "font": "span",
}  # fmt: skip
"""The tokens that pairs become; the writers know the first of them, and print the words alone of the rest."""
_TAG = re.compile(r"<(/?)([A-Za-z]+)(?:\s+(?:style|class|color|size|face|id|lang|dir)=(?:\"[^\"]*\"|'[^']*'))*\s*>")
"""With attributes of mere looks, which are dropped; one of any other stays text, for a reader to see."""
_NEAREST = 20
"""Open tags among which the other half of one is looked for: a bound on texts of nothing but tags."""
_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()aeoxhklmnpst", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜ")
SHIFTED = {"sup_open": _RAISED, "sub_open": _LOWERED}
"""For plain text: the letters that stand raised or lowered by themselves, by the token before them."""


def pair_tags(tokens: list[Token]) -> None:
    """Make marks of the pairs of tags in inline tokens, in place, where they enclose whole marks and links."""
    frames: list[list[tuple[str, Token]]] = [[]]  # tags that are open, by the mark or link around them
    for token in tokens:
        if token.nesting > 0:
            frames.append([])
        elif token.nesting < 0:
            frames = frames[:-1] or [[]]
        elif token.type == "html_inline" and (tag := _TAG.fullmatch(token.content)):
            closes, name = tag[1], tag[2].lower()
            if name not in _MARKS:
                continue
            if not closes:
                frames[-1].append((name, token))
                continue
            nearest = frames[-1][-_NEAREST:]
            at = next((at for at in range(len(nearest) - 1, -1, -1) if nearest[at][0] == name), None)
            if at is not None:
                _become(nearest[at][1], name, 1)
                _become(token, name, -1)
                del frames[-1][at - len(nearest) :]


def is_break(token: Token) -> bool:
    """Whether a token is the tag `<br>`, in any of its spellings."""
    return token.type == "html_inline" and token.content.replace(" ", "").replace("/", "").lower() == "<br>"


def _become(token: Token, name: str, nesting: int) -> None:
    """Make a tag one half of its mark; as HTML it is the tag again, without its attributes."""
    mark = _MARKS[name]
    token.type, token.nesting = f"{mark}_{'open' if nesting > 0 else 'close'}", 1 if nesting > 0 else -1
    token.tag = "span" if mark == "span" else name
    token.markup, token.content = token.content, ""


def shifted(words: str, table: dict[int, int]) -> str:
    """Raised or lowered words in letters that stand so by themselves; as they are where one of them has no such letter.

    >>> shifted("-6", SHIFTED["sup_open"])
    '⁻⁶'
    """
    return words.translate(table) if all(ord(letter) in table for letter in words) else words
