"""LaTeX through pdfLaTeX: it compiles without a word about the content, and nothing of the structure is lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest

from corpus.convert.structure import EVERYTHING, put_pictures, structure
from corpus.convert.wide_tables import TABLES, expected
from corpus.convert.written import to_latex

REPORTS = sorted((Path(__file__).parents[2] / "output" / "report").glob("*.md"))
COMPLAINTS = re.compile(r"^!.*|.*Missing character.*|.*Warning:.*|Overfull \\[hv]box \((\d+)\..*", re.MULTILINE)
_TOLERATED = 3
"""Points that a line may stand out, which nobody sees."""
LETTERS = (
    "# Letters\n\nJapanese 収益, Hebrew הכנסות, Russian выручка, emoji 🚀, Vietnamese Tiếng Việt, Greek λ.\n\n"
    "## 収益 → 🚀\n\n| 収益 | emoji |\n|---|---|\n| 営業 | 📉 |\n\n```\n収入 = '→ 🚀'\n```\n"
)


def compiled(markdown: str, folder: Path) -> tuple[pypdfium2.PdfDocument, str]:
    """The PDF and the log of the second run."""
    if shutil.which("pdflatex") is None:
        pytest.skip(
            "pdflatex is not installed: nothing compiles our LaTeX here; "
            "apt-get install texlive-latex-extra texlive-fonts-recommended lmodern, then run this file again"
        )
    (folder / "a.tex").write_text(to_latex(markdown, assets=folder).content, "utf-8")
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "a.tex"]
        subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=True)
    return pypdfium2.PdfDocument(folder / "a.pdf"), (folder / "a.log").read_text("latin-1")


def complaints(log: str) -> list[str]:
    return [found[0] for found in COMPLAINTS.finditer(log) if int(found[1] or 99) > _TOLERATED]


def words(pdf: pypdfium2.PdfDocument) -> str:
    text = "".join(page.get_textpage().get_text_range() for page in pdf)
    return re.sub(r"[\s\ufffe\x02\xad]", "", text)


def test_a_document_of_everything_compiles_without_a_complaint_and_loses_nothing(tmp_path):
    put_pictures(tmp_path)
    markdown = EVERYTHING.read_text("utf-8")
    pdf, log = compiled(markdown, tmp_path)
    source = structure(markdown)
    tex = (tmp_path / "a.tex").read_text("utf-8").partition("\\begin{document}")[2]

    assert complaints(log) == []
    levels = ["part", "section", "subsection", "subsubsection", "paragraph", "subparagraph"]
    made = [levels.index(found) + 1 for found in re.findall(r"\\addcontentsline\{toc\}\{(\w+)\}", tex)]
    assert made == [level for level, _ in source.headings]
    assert depths(tex.partition("\\footnote[1]")[0] + tex.partition("See \\hyperref")[2]) == source.items
    links = [link for link in source.links if not link.startswith("#")]
    assert (tex.count("\\href{"), tex.count("\\hyperref[")) == (len(links), len(source.links) - len(links))
    assert len(re.findall(r"\\footnote(?:mark)?\[", tex)) == source.notes
    assert tex.count("\\projectpicture{") + tex.count("\\textit{{[}A drawing{]}}") == source.images
    assert len(list(pictures(pdf))) == source.images - 1
    assert [link for page in pdf for link in addresses(page)].count("https://www.gnu.org/a_b?c=1&d=2#e") == 1
    shown = words(pdf)
    for cell in (cell for table in source.tables for cell in table):
        assert re.sub(r"\s", "", cell) in shown
    blocks = re.findall(r"\\begin\{Verbatim\}\n(.*?)\n\\end\{Verbatim\}", tex, re.DOTALL)
    assert blocks == [block.expandtabs(4) for block in source.code]


def depths(tex: str) -> list[int]:
    """The depth of every list item."""
    depth, found = 0, []
    for mark in re.findall(r"\\(?:begin|end)\{(?:itemize|enumerate)\}|\\item\b", tex):
        if mark == "\\item":
            found.append(depth)
        depth += mark.startswith("\\begin") - mark.startswith("\\end")
    return found


def pictures(pdf: pypdfium2.PdfDocument):
    return (found for page in pdf for found in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))


def addresses(page: pypdfium2.PdfPage) -> list[str]:
    import ctypes

    raw, found, start = pypdfium2.raw, [], ctypes.c_int(0)
    link = raw.FPDF_LINK()
    while raw.FPDFLink_Enumerate(page, start, link):
        action = raw.FPDFLink_GetAction(link)
        size = raw.FPDFAction_GetURIPath(page.pdf, action, None, 0)
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAction_GetURIPath(page.pdf, action, buffer, size)
        found.append(buffer.value.decode())
    return found


def test_letters_without_a_glyph_are_boxes_with_their_numbers_and_are_told(tmp_path):
    pdf, log = compiled(LETTERS, tmp_path)
    (finding,) = to_latex(LETTERS, shown="a.md").findings

    assert complaints(log) == []
    assert "53CE76CA" in words(pdf)
    assert str(finding.where) == "a.md:3"
    assert finding.message.startswith("pdfLaTeX has no letter for а (U+0430), в (U+0432), к (U+043A) and more")


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.stem)
def test_the_example_s_reports_compile_without_a_complaint(report, tmp_path):
    _, log = compiled(report.read_text("utf-8"), tmp_path)

    assert complaints(log) == []


def test_tables_fit_the_page(tmp_path):
    """All tables that pdfLaTeX has letters for, in one document; positions are those of the PDF's letters."""
    tables = {name: text for name, text in TABLES.items() if text.isascii() or name == "negative figures"}
    pdf, log = compiled(
        "# T\n\n" + "\n\n".join(f"## {name}\n\nTable: Everything\n\n{text}" for name, text in tables.items()), tmp_path
    )

    assert complaints(log) == []
    outside = [(number, text) for number, page in enumerate(pdf, 1) for text in beyond_the_edge(page)]
    assert outside == []
    shown = words(pdf).replace("−", "-")
    lost = {piece for text in tables.values() for piece in expected(text) if piece.replace("−", "-") not in shown}
    assert lost == set()


def beyond_the_edge(page: pypdfium2.PdfPage) -> list[str]:
    content = page.get_textpage()
    left, bottom, right, top = page.get_mediabox()
    boxes = ((at, content.get_charbox(at)) for at in range(content.count_chars()))
    return [
        content.get_text_range(at, 12)
        for at, box in boxes
        if box[0] < left + 20 or box[1] < bottom + 20 or box[2] > right - 20 or box[3] > top - 20
    ]


UNREADABLE = {
    "$\\frac{1$": "brackets that do not match",
    "$x^2^3$": "double superscripts",
    "$\\foo$": "unknown command",
    "$a & b$": "out of place",
    "$\\coloneqq$": "no command of amsmath",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_formula_that_latex_would_stop_at_stands_as_its_source_and_says_why(text):
    made = to_latex(f"Before {text} after.\n")

    assert [UNREADABLE[text] in finding.message for finding in made.findings] == [True]
    assert "\\texttt{" in made.content


def test_paragraphs_of_an_item_stay_apart_and_notes_keep_their_numbers():
    tex = to_latex("# T[^1]\n\n- a\n\n  b\n\nText[^1][^2]\n\n[^1]: one\n[^2]: two\n").content

    assert "\\item a\n\nb" in tex
    assert re.findall(r"\\footnote(?:mark|text)?\[\d\]", tex) == [
        "\\footnotemark[1]", "\\footnotetext[1]", "\\footnotemark[1]", "\\footnote[2]",
    ]  # fmt: skip


def test_a_document_of_every_oddity_compiles(tmp_path):
    deep = "".join(f"{'  ' * depth}- layer {depth}\n" for depth in range(40))
    odd = "\n\n".join(UNREADABLE)
    pdf, log = compiled(
        f"# T $x$\n\n{deep}\n{'>' * 30} quoted\n\n{odd}\n\n$$\\begin{{align}} a &= b \\end{{align}}$$\n", tmp_path
    )

    assert not re.search(r"^!", log, re.MULTILINE)
    assert "layer39" in words(pdf)
