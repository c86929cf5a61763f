"""What of TeX is let in: mathematics of a sensible size, without macros and without anything that reaches out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_LONGEST = 2_000
_DEEPEST = 24

_REFUSED = re.compile(
    r"\\(?:(?:re|provide)?newcommand|renewcommand|providecommand|(?:re)?newenvironment|[egx]?def|let|futurelet|csname|"
    r"catcode|expandafter|DeclareMathOperator|href|url|style|class|cssId|data|bbox|unicode|char|rule|raise|lower|"
    r"moveleft|moveright|smash|f?colorbox|verb|mathchoice|leftroot|uproot|above|abovewithdelims|atopwithdelims|"
    r"require|input|include|includegraphics|write|openout|read|special)(?![A-Za-z])"
)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{\s*([A-Za-z]+\*?)\s*\}")
_KNOWN_AS = {
    "aligned": "align*", "align": "align*", "alignedat": None, "eqnarray": None, "gathered": "matrix",
    "gather": "matrix", "gather*": "matrix", "equation": "", "equation*": "", "displaymath": "", "math": "",
    "dcases": "cases",
}  # fmt: skip
_KNOWN = frozenset(
    (
        "align*",
        "array",
        "bmatrix",
        "Bmatrix",
        "cases",
        "matrix",
        "pmatrix",
        "smallmatrix",
        "split",
        "vmatrix",
        "Vmatrix",
    )
)
_REWRITES = (
    (re.compile(r"(?<!\\)%"), r"\\%"),
    (re.compile(r"\\label\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])"), ""),
    (re.compile(r"\\(?:text)?color\s*\{[A-Za-z0-9#!]*\}"), ""),
    (re.compile(r"\\tag\*?\s*\{([^{}]*)\}"), r"\\qquad \\text{(\1)}"),
    (re.compile(r"\\not\s*="), r"\\neq "),
)
_WORDS_LEFT_OUT = re.compile(
    r"\\begin\s*\{array\}\s*\{[^{}]*\}|\\(?:begin|end)\s*\{[^{}]*\}|\\(?:hspace|mspace|hskip|kern|mkern|mskip)\*?\s*"
    r"(?:\{[^{}]*\}|-?[\d.]+\s*[a-z]{2})|\\\\\s*\[[^\]]*\]|\\[A-Za-z]+"
)


class Untypeset(ValueError):
    """Why a formula stands as its TeX source."""


def prepared(tex: str) -> str:
    """The formula in the TeX that the converter reads rightly; raises Untypeset."""
    tex = tex.strip()
    if not tex:
        raise Untypeset("nothing in it")
    if len(tex) > _LONGEST:
        raise Untypeset(f"longer than {_LONGEST} characters")
    if refused := _REFUSED.search(tex):
        raise Untypeset(f"{refused[0]} is not mathematics")
    if re.search(r"(?<!\\)\$", re.sub(r"\\\\", "", tex)):
        raise Untypeset("a dollar inside")
    _check_depth(tex)
    for pattern, better in _REWRITES:
        tex = pattern.sub(better, tex)
    return _ENVIRONMENT.sub(_environment, tex)


def letters(tex: str) -> Counter[str]:
    """How often each letter and digit stands in a formula, apart from commands, column kinds and lengths."""
    plain = unicodedata.normalize("NFKC", _WORDS_LEFT_OUT.sub(" ", tex))
    return Counter(letter for letter in plain if letter.isalnum())


def _check_depth(tex: str) -> None:
    depth = 0
    for mark in re.finditer(r"\\(?:left|begin|right|end)(?![A-Za-z])|\\.|[{}]", tex, re.DOTALL):
        depth += (mark[0] in ("{", r"\left", r"\begin")) - (mark[0] in ("}", r"\right", r"\end"))
        if depth < 0 or depth > _DEEPEST:
            raise Untypeset("brackets that do not match" if depth < 0 else "nested too deeply")
    if depth:
        raise Untypeset("brackets that do not match")


def _environment(match: re.Match[str]) -> str:
    name = _KNOWN_AS.get(match[1], match[1])
    if name == "":
        return ""
    if name not in _KNOWN:
        raise Untypeset(f"unknown environment {match[1]}")
    return match[0].replace(match[1], name)
