"""Formulas: typeset as MathML and as pictures, or shown as their source; never wrong, never anything else."""
# ruff: noqa: E501  (formulas in rows)

from __future__ import annotations

import base64
import random
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from corpus.convert.written import to_html
from trainer.convert.formulas import Formulas, Untypeset
from trainer.convert.formulas.drawing import as_picture
from trainer.convert.formulas.mathml import as_mathml

TYPESET = [
    r"\frac{a}{b}", r"x^2 + y_1", r"\sqrt[3]{x}", r"\sum_{i=1}^n i = \frac{n(n+1)}{2}", r"\int_0^\infty e^{-x^2}\,dx",
    r"\begin{pmatrix}a & b\\ c & d\end{pmatrix}", r"\begin{cases}1 & x > 0\\0 & \text{otherwise}\end{cases}",
    r"\begin{aligned}a &= b\\ &= c\end{aligned}", r"\begin{equation}a = b \label{eq:1}\end{equation}", r"a = b \\ c = d",
    r"\mathbb{R} \in \mathcal{L}", r"\operatorname*{argmax}_x f(x)", r"\lim_{x \to 0} \frac{\sin x}{x}", r"\binom{n}{k}",
    r"\hat{x}\bar{y}\vec{z}\dot{u}\tilde{v}", r"\overline{AB} \underline{C}", r"\underbrace{a + b}_{c}", r"P(A \mid B)",
    r"\mathrm{CAGR} = \left(\frac{V_f}{V_i}\right)^{1/n} - 1", r"\text{Revenue} = 5\% \times \$1{,}000", r"5% of x",
    r"\left.\frac{a}{b}\right|_{x=0}", r"\mathbf{Ax} = \mathbf{b}", r"f''(x)", r"\nabla \cdot F = \partial_t u", r"\boxed{42}",
    r"\mathrm{IC}_{50} = 10\,\mathrm{mg/kg}", r"A \xrightarrow{k} B \rightleftharpoons C", r"a \neq b \not= c \notin D",
    r"\color{red}{x} + \textcolor{blue}{y}", r"|x| \leq \|y\|", r"\lfloor x \rfloor \langle y \rangle", r"a \bmod b",
    r"E = mc^2 \tag{1}", r"\max_{i} x_i \pm 5", "\\dfrac12 + \\tfrac{1}{2}", r"x < y > z", r"\text{a < b & c}", r"α ≤ β",
]  # fmt: skip

REFUSED = {
    r"\foo{x}": "unknown command \\foo",
    r"\ce{H2O}": "unknown command \\ce",
    r"\frac{a}": "a command without all its parts",
    r"x^": "not TeX that can be read (missing super script or subscript)",
    r"{x": "brackets that do not match",
    r"x}": "brackets that do not match",
    r"a & b": "& out of place",
    r"\begin{foo}a\end{foo}": "unknown environment foo",
    r"\begin{array}{c|c}a&b\end{array}": "mtable has no counterpart",
    r"\cancel{x}": "menclose has no counterpart",
    r"\def\a{b}\a": "\\def is not mathematics",
    r"\newcommand{\x}{y}\x": "\\newcommand is not mathematics",
    r"\href{javascript:alert(1)}{x}": "\\href is not mathematics",
    r"\style{color:red}{x}": "\\style is not mathematics",
    r"\class{a}{x}": "\\class is not mathematics",
    r"\input{/etc/passwd}": "\\input is not mathematics",
    r"\unicode{x41}": "\\unicode is not mathematics",
    r"\hspace{1000cm}": "a space of 1000cm",
    r"\text{a $x$}": "a dollar inside",
    r"\text{\textbf{a} b}": "a command inside words",
    "": "nothing in it",
    "x" * 2_001: "longer than 2000 characters",
    r"\frac{1}{" * 25 + "x" + "}" * 25: "nested too deeply",
}

SCREEN = frozenset(
    ("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover",
     "munderover", "mtable", "mtr", "mtd", "mstyle", "mphantom")
)  # fmt: skip
PAPER = frozenset(("svg", "symbol", "path", "use", "rect", "line", "polyline", "g"))


def drawing(picture: str) -> ElementTree.Element:
    found = re.search(r"base64,([^\"]+)", picture)
    assert found
    return ElementTree.fromstring(base64.b64decode(found[1]))


@pytest.mark.parametrize("display", [False, True])
@pytest.mark.parametrize("tex", TYPESET)
def test_a_formula_is_typeset_for_screen_and_paper(tex, display):
    screen = ElementTree.fromstring(as_mathml(tex, display=display))
    paper = drawing(as_picture(tex, display=display))

    assert {node.tag for node in screen.iter()} <= SCREEN
    assert {node.tag.rpartition("}")[2] for node in paper.iter()} <= PAPER
    assert screen.get("alttext") == tex


@pytest.mark.parametrize(("tex", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_cannot_be_typeset_rightly_is_refused(tex, why):
    for typeset in (as_mathml, as_picture):
        with pytest.raises(Untypeset) as refused:
            typeset(tex, display=True)
        assert str(refused.value) == why


def test_mathml_is_what_mathml_core_draws():
    assert as_mathml(r"\mathrm{d}x \log n", display=False) == (
        r'<math alttext="\mathrm{d}x \log n"><mi mathvariant="normal">d</mi><mi>x</mi><mspace width="0.167em"></mspace>'
        '<mi>log</mi><mspace width="0.167em"></mspace><mi>n</mi></math>'
    )
    assert "<mi>𝐀</mi>" in as_mathml(r"\mathbf{Ax}", display=False)
    assert "<mn>1,000</mn>" in as_mathml("1{,}000", display=False)
    assert "<munder><mi>max</mi><mi>i</mi></munder>" in as_mathml(r"\max_i x", display=True)
    assert "<msub><mi>max</mi><mi>i</mi></msub>" in as_mathml(r"\max_i x", display=False)
    assert '<mtd style="text-align:left">' in as_mathml(r"\begin{cases}a&b\end{cases}", display=True)


def test_lines_of_a_formula_stand_under_each_other():
    found = ElementTree.fromstring(as_mathml(r"a = b \\ c = d", display=True))

    assert ["".join(row.itertext()) for row in found.iter("mtr")] == ["a=b", "c=d"]


def test_letters_that_the_formula_font_lacks_stand_as_source_on_paper_only():
    assert "<mi>日</mi>" in as_mathml("日", display=False)
    with pytest.raises(Untypeset, match="the formula font does not have 日"):
        as_picture("日", display=False)


def test_what_would_be_lost_is_not_typeset_without_it():
    with pytest.raises(Untypeset):
        as_mathml(r"\begin{matrix}[c] a \end{matrix} \verb|b|", display=False)


def test_a_document_says_which_formula_stands_as_its_source():
    found = to_html("# T\n\nSo $\\foo{x}$ and $y$.\n\n$$\n\\bar\n$$\n\n| a |\n|---|\n| $\\ce{x}$ |\n", shown="a.md")

    assert [(finding.kind, finding.severity, str(finding.where), finding.text) for finding in found.findings] == [
        ("formula", "warning", "a.md:3", "\\foo{x}"),
        ("formula", "warning", "a.md:5", "\\bar"),
        ("formula", "warning", "a.md:11", "\\ce{x}"),
    ]
    assert '<code class="math">\\foo{x}</code> and <math' in found.content


def test_paper_has_the_source_as_the_picture_s_description():
    formulas = Formulas("a.md", paper=True)

    assert ' alt="a &lt; &quot;b&quot;"' in formulas.inline('a < "b"')
    assert formulas.block("x").startswith('<div class="formula" tabindex="0"><img src="data:image/svg+xml;base64,')


def test_the_same_formulas_are_the_same_bytes_in_every_process():
    code = (
        "import hashlib, sys\nfrom trainer.convert.formulas.drawing import as_picture\n"
        "from trainer.convert.formulas.mathml import as_mathml\n"
        "said = [f(tex, display=d) for tex in sys.stdin.read().split('\\0') for f in (as_picture, as_mathml)"
        " for d in (True, False)]\nprint(hashlib.sha256(''.join(said).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], input="\0".join(order), text=True, capture_output=True, check=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONUTF8": "1"},
        ).stdout
        for seed, zone, order in (("0", "UTC", TYPESET), ("7", "Asia/Tokyo", TYPESET))
    ]  # fmt: skip

    assert runs[0] == runs[1]


def test_nothing_is_loaded_for_a_document_without_formulas_and_nothing_reached_for_one_with():
    code = (
        "import sys\nfrom trainer.convert import write\n"
        "write('# T\\n\\nCosts $5.', 'html')\nprint(sorted(m for m in ('latex2mathml', 'ziamath') if m in sys.modules))\n"
        "from trainer.convert.formulas.drawing import as_picture\nas_picture('x', display=True)\n"
        "seen = []\nsys.addaudithook(lambda event, args: seen.append(event) if event in "
        "('open', 'socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.system') else None)\n"
        "for tex in sys.stdin.read().split('\\0'):\n    as_picture(tex, display=True)\nprint(seen)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="\0".join(TYPESET), text=True, capture_output=True, check=True
    )

    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


PIECES = [
    *"{}&x1^_<>'\"|%$#~=+ ", r"\\", r"\left(", r"\right)", r"\begin{matrix}", r"\end{matrix}", r"\frac{a}{b}", r"\sqrt", "é",
    r"\text{<script>}", r"\href{x}", r"\color{red}", r"\mathbf{x}", r"\over", r"\not", r"\big", r"\hline", r"\ ", r"\{",
    r"\overbrace", r"\substack", r"\begin{cases}", r"\end{cases}", r"\def\a", r"\limits", r"\displaystyle", r"\tag{2}", "日",
]  # fmt: skip


def _whatever_is_written(rounds: int) -> None:
    """Raises where anything but a safe formula or a refusal comes out."""
    for seed in range(rounds):
        chance = random.Random(seed)
        tex = "".join(chance.choices(PIECES, k=chance.randint(1, 14)))
        for typeset in (as_mathml, as_picture):
            try:
                found = typeset(tex, display=seed % 2 == 0)
            except Untypeset:
                continue
            tree = ElementTree.fromstring(found) if typeset is as_mathml else drawing(found)
            assert {node.tag.rpartition("}")[2] for node in tree.iter()} <= SCREEN | PAPER, tex
            assert {name for node in tree.iter() for name in node.attrib if name.startswith("on")} == set(), tex


def test_whatever_is_written_between_dollars_is_a_formula_or_refused():
    _whatever_is_written(600)


@pytest.mark.soak
def test_whatever_is_written_between_dollars_is_a_formula_or_refused_for_long():
    _whatever_is_written(200_000)
