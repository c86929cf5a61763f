"""Words, code, addresses and formulas as LaTeX reads them; nothing of a document is ever a command."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from trainer.convert.formulas import Untypeset, formula_tree
from trainer.core.files import read_text

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": "'", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
    "€": r"\texteuro{}", "\u00a0": "~", "\u202f": r"\,", "\u2009": r"\,", "…": r"\ldots{}", "–": "--", "—": "---",
    "·": r"\textperiodcentered{}", "\u200b": "", "\u2060": "", "\ufeff": "", "\ufe0f": "",
    "\ufe0e": "", "\u00ad": r"\-", "\u200e": "", "\u200f": "", "\u2011": r"\mbox{-}",
    "\u2007": "~", "\u2003": r"\quad{}", "\u2002": r"\enspace{}",
}  # fmt: skip
_MATHEMATICAL = {
    "−": "-", "×": r"\times", "÷": r"\div", "≤": r"\leq", "≥": r"\geq", "≈": r"\approx", "≠": r"\neq", "≡": r"\equiv",
    "∼": r"\sim", "∞": r"\infty", "∝": r"\propto", "∂": r"\partial", "∇": r"\nabla", "√": r"\surd", "∑": r"\sum",
    "∏": r"\prod", "∫": r"\int", "∈": r"\in", "∉": r"\notin", "∅": r"\emptyset", "⊂": r"\subset", "⊆": r"\subseteq",
    "∪": r"\cup", "∩": r"\cap", "∀": r"\forall", "∃": r"\exists", "∧": r"\wedge", "∨": r"\vee", "⋅": r"\cdot",
    "→": r"\to", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow", "⇒": r"\Rightarrow",
    "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow", "↗": r"\nearrow", "↘": r"\searrow", "↩": r"\hookleftarrow",
    "✓": r"\checkmark", "✔": r"\checkmark", "✗": r"\times", "✘": r"\times", "★": r"\bigstar", "☆": r"\star",
    "■": r"\blacksquare", "□": r"\square", "☐": r"\square", "☑": r"\boxtimes", "☒": r"\boxtimes",
    "▲": r"\blacktriangle",
    "▼": r"\blacktriangledown", "△": r"\triangle", "▽": r"\triangledown", "●": r"\bullet", "○": r"\circ",
    "◆": r"\blacklozenge", "◇": r"\lozenge", "▶": r"\blacktriangleright", "◀": r"\blacktriangleleft",
    "′": "'", "″": "''", "⁻": "^{-}", "⁺": "^{+}", "₊": "_{+}", "₋": "_{-}", "ⁿ": "^{n}", "ⁱ": "^{i}",
    **{letter: f"^{{{at}}}" for at, letter in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{letter: f"_{{{at}}}" for at, letter in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}  # fmt: skip
_GREEK_NAMES = """
α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon ζ zeta η eta θ theta ϑ vartheta ι iota κ kappa λ lambda μ mu ν nu
ξ xi π pi ρ rho ς varsigma σ sigma τ tau υ upsilon φ varphi ϕ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda
Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega
"""
_GREEK = _GREEK_NAMES.split()
_LATIN_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
ESCAPES = {
    **_SPECIAL,
    **{letter: rf"\ensuremath{{{command}}}" for letter, command in _MATHEMATICAL.items()},
    **{letter: rf"\ensuremath{{\{name}}}" for letter, name in zip(_GREEK[::2], _GREEK[1::2], strict=True)},
    **_LATIN_GREEK,
}
"""What stands for a letter that means something to LaTeX, or that its text fonts have only in formulas."""
_TYPEWRITER_HYPHEN = re.compile(r"(?<=\d)(-|--)(?=\d)")
_LONGEST = 30
_UNSAFE_MATH = re.compile(
    r"\\(?:input|include|openin|openout|write|read|immediate|special|catcode|csname|def|let|newcommand|renewcommand|"
    r"usepackage|documentclass|begin\{document|end\{document|directlua|luaexec|ShellEscape|verbatiminput|lstinputlisting|"
    r"includegraphics|href|url|loop|repeat|expandafter|futurelet|global|gdef|edef|xdef|outer|every\w+|jobname|"
    r"pdf\w+|font|batchmode|errmessage|message|show|tracing\w*|scantokens|uppercase|lowercase)\b|\^\^|%|\$"
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{\s*([A-Za-z]+\*?)\s*\}")
_INNER = {
    "align": "aligned", "align*": "aligned", "eqnarray": "aligned", "gather": "gathered", "gather*": "gathered",
    "equation": "", "equation*": "", "displaymath": "", "math": "",
}  # fmt: skip
"""Environments that open a formula, and what stands for them inside one."""
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TWICE = re.compile(r"([\^_])(?:[^{}\\\s]|\\[A-Za-z]+|\{[^{}]*\})\s*\1")
_COVERED = re.compile(
    "[\x00-\x7e\u00a0-\u00b7\u00b9-\u0125\u0128-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u0165\u0168-\u017e\u0192\u0218-\u021b"
    "\u0232\u0233\u0237\u02c7\u02d8\u02d9\u02db\u02dd\u0e3f\u1e02\u1e03\u1e9e\u1ef2\u1ef3\u2010\u2012-\u2016\u2018-\u201a"
    "\u201c-\u201e\u2020-\u2022\u2026\u2030\u2031\u2039-\u203b\u2044\u20a1\u20a4\u20a6\u20a9\u20ab\u20ac\u20b1\u2103"
    "\u2116\u2117\u211e\u2120\u2122\u2126\u2127\u212e\u2190-\u2193\u2422\u2423\u25e6\u25ef\u266a\ufb00-\ufb04]"
)
"""The letters that pdfLaTeX's T1 and TS1 fonts have, by the LaTeX kernel's own tables (t1enc.dfu, ts1enc.dfu)."""


def escape(text: str) -> str:
    """The words, each letter as itself; words too long for a line may break anywhere, figures never."""
    if len(text) > _LONGEST:
        return re.sub(r"\S+", lambda word: _escaped_word(word[0]), _plainly(text))
    return _joined(_escaped(_plainly(text)))


def _escaped_word(word: str) -> str:
    if len(word) > _LONGEST and not re.fullmatch(r"[\d.,−+%$€£¥()-]+", word):
        return r"\allowbreak{}".join(map(_escaped, word))
    return _joined(_escaped(word))


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def _plainly(text: str) -> str:
    """The words composed, without the letters that nobody sees."""
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return "".join(letter for letter in composed if (letter >= " " and letter != "\x7f") or letter in "\n\t")


def _joined(escaped: str) -> str:
    return _TYPEWRITER_HYPHEN.sub(r"\\mbox{\1}", escaped)


def code(text: str) -> str:
    """Code within a line, which may break after its joints."""
    if any(len(word) > _LONGEST for word in text.split()):
        pieces = r"\allowbreak{}".join(_escaped(letter) for letter in _plainly(text))
        return pieces.replace(r" \allowbreak{}", " ")
    joined = re.sub(r"(\\_|[./:@-])(?=\w)", r"\1\\allowbreak{}", _escaped(_plainly(text)))
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", r"\\allowbreak{}", joined).replace("--", "-{}-")


def pdf_string(text: str) -> str:
    """Words for bookmarks and properties, where no command but the special letters' own may stand."""
    return "".join(
        _SPECIAL[letter] if letter in "\\{}$&#%_^~" else letter for letter in _plainly(text).replace("\n", " ")
    )


def address(link: str) -> str:
    """What begins a link to an address."""
    target = re.sub(r"[\\{}\s^]", "", _plainly(link))
    target = "".join(letter if letter.isascii() else _percent(letter) for letter in target)
    return "\\href{" + re.sub(r"([%#&_~$])", r"\\\1", target).replace("\\~", "\\string~") + "}{"


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))


def formula(tex: str, *, display: bool) -> str:
    """A formula between the marks of its kind; raises Untypeset where LaTeX would stop at it.

    What the reader of formulas cannot read stands as its source in every format, so that no document stops for it.
    """
    source = tex.strip()
    formula_tree(source, display=display)
    bare = source.replace("\\\\", "")
    if _UNSAFE_MATH.search(source) or re.search(r"\n\s*\n|\\\Z", source):
        raise Untypeset("it holds what is no mathematics")
    if "&" in re.sub(r"\\&|\\begin\{.*\\end\{[^}]*\}", "", source, flags=re.DOTALL):
        raise Untypeset("a column mark outside a table")
    if _TWICE.search(bare):
        raise Untypeset("two exponents or indices at one letter")
    if stranger := next((name for name in _COMMAND.findall(bare) if name not in _commands()), None):
        raise Untypeset(f"\\{stranger} is no command of amsmath")
    nested = _ENVIRONMENT.sub(lambda match: f"\\{match[1]}{{{_INNER.get(match[2], match[2])}}}", source)
    nested = re.sub(r"\\(?:begin|end)\{\}|\\label\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])", "", nested)
    return f"\\[{nested}\\]\n" if display else f"${nested}$"


@lru_cache(maxsize=1)
def _commands() -> frozenset[str]:
    """The commands that a formula may hold."""
    lines = read_text(Path(__file__).parent.parent / "formulas" / "amsmath.txt").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def verbatim(text: str) -> str:
    """A block of code as it is written; long lines are wrapped by the typesetter."""
    content = "".join(letter for letter in text.rstrip("\n").expandtabs(4) if letter >= " " or letter == "\n")
    content = content.replace("\x7f", "").replace("\\end{Verbatim}", "\\end {Verbatim}")
    return f"\\begin{{Verbatim}}\n{content}\n\\end{{Verbatim}}\n"


def uncovered(latex: str) -> list[str]:
    """The letters that pdfLaTeX has no glyph for, in the order of their numbers."""
    return sorted(set(_COVERED.sub("", latex)))


def declarations(letters: list[str]) -> str:
    """For pdfLaTeX: what stands for each of these letters, a sign it has or a box with the letter's number."""
    lines = []
    for letter in letters:
        number = f"{ord(letter):04X}"
        command = ESCAPES.get(letter, f"\\missingletter{{{number}}}")
        lines.append(f"\\DeclareUnicodeCharacter{{{number}}}{{\\texorpdfstring{{{command}}}{{[{number}]}}}}\n")
    return f"\\ifPDFTeX\n{''.join(lines)}\\fi\n" if lines else ""
