"""A formula as a picture for paper, which has no MathML: outlines of STIX Two Math, so that no font is needed."""

from __future__ import annotations

import base64
import unicodedata
import warnings
from functools import lru_cache
from html import escape
from threading import Lock
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

from trainer.convert.formulas.tex import Untypeset
from trainer.convert.formulas.tree import formula_tree

if TYPE_CHECKING:
    from ziamath.zmath import Math

_SIZE = 24.0
"""Units to the em of the drawing; what is shown is sized in ems of the text around it."""
_ELEMENTS = frozenset(("svg", "symbol", "path", "use", "rect", "line", "polyline", "g"))
_MOST_WORK = 1_500
"""The typesetter lays out what brackets stretch around twice a level; this is about a second."""
_HATS = {"^": "\u02c6", "~": "\u02dc"}

_lock = Lock()


def as_picture(tex: str, *, display: bool) -> str:
    """The `<img>` of a formula, as high as the words around it, its TeX source as the description; raises Untypeset."""
    content, width, depth = _drawn(tex, display)
    source = base64.b64encode(content.encode()).decode()
    shift = "" if display else f";vertical-align:{-depth:.3f}em"
    return (
        f'<img src="data:image/svg+xml;base64,{source}" alt="{escape(tex.strip())}" style="width:{width:.3f}em{shift}">'
    )


@lru_cache(maxsize=512)
def _drawn(tex: str, display: bool) -> tuple[str, float, float]:
    tree = formula_tree(tex, display=display)
    if _work(tree) > _MOST_WORK:
        raise Untypeset("too large to be drawn")
    _suit(tree, display=display)
    with _lock:
        drawn = _typeset(tree)
        svg = drawn.svgxml()
        width, depth = drawn.getsize()[0] + 2 * drawn.margin, drawn.margin - drawn.getyofst()
    if any(node.tag not in _ELEMENTS for node in svg.iter()):
        raise Untypeset("a letter that the formula font does not have")
    return tostring(svg, encoding="unicode"), width / _SIZE, depth / _SIZE


def _work(node: Element, rounds: int = 1) -> int:
    """How often the typesetter lays out the letters of a tree."""
    if any(child.tag == "mo" and child.text and _stretches(child) for child in node):
        rounds *= 2
    return rounds * (not len(node)) + sum(_work(child, min(rounds, _MOST_WORK)) for child in node)


def _stretches(sign: Element) -> bool:
    bracket = unicodedata.category((sign.text or " ")[0]) in ("Ps", "Pe") or sign.text in ("|", "\u2016")
    return bracket and sign.get("stretchy") != "false"


def _suit(tree: Element, *, display: bool) -> None:
    """Say in the typesetter's way what it would set otherwise."""
    tree.set("display", "block" if display else "inline")
    for node in tree.iter():
        if node.tag == "mover" and node[1].text in _HATS:
            node[1].text = _HATS[node[1].text]
        elif node.tag == "mtable" and node.get("columnspacing"):
            node.set("columnspacing", "0em 1em")
        elif node.tag == "mi" and len(node.text or "") > 1:
            node.tag = "mtext"


def _typeset(tree: Element) -> Math:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ziamath.zmath import Math

        try:
            drawn = Math(tree, size=_SIZE)
        except Exception as error:  # the typesetter has no error class of its own
            raise Untypeset(f"it cannot be drawn ({type(error).__name__})") from None
    missing = sorted({letter for node in tree.iter() for letter in node.text or "" if not _has(drawn, letter)})
    if missing:
        raise Untypeset(f"the formula font does not have {', '.join(missing)}")
    return drawn


def _has(drawn: Math, letter: str) -> bool:
    return letter.isspace() or bool(drawn.font.glyphindex(letter))
