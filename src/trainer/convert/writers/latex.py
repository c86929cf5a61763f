"""LaTeX by our own hand: longtables with sensible widths, code, notes, formulas passed through, all else escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.convert.base import Dataset, Options
from trainer.convert.charts.numbers import figure
from trainer.convert.dates import long_date
from trainer.convert.document import Converted, Document, parse_markdown, plain
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.widths import PORTRAIT, column_widths
from trainer.convert.writers.markdown import as_document
from trainer.core.errors import Where
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp}\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}\else\usepackage{fontspec}\fi
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,longtable,pdflscape,xcolor,ulem,fancyvrb}
\usepackage[hidelinks]{hyperref}
\normalem
\setlength{\parindent}{0pt}\setlength{\parskip}{6pt plus 2pt}
\setlength{\emergencystretch}{3em}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
\newcolumntype{R}[1]{>{\raggedleft\arraybackslash}p{#1}}
\newcolumntype{C}[1]{>{\centering\arraybackslash}p{#1}}
"""
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "−": r"\ensuremath{-}", "×": r"\ensuremath{\times}",
    "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}", "≈": r"\ensuremath{\approx}", "→": r"\ensuremath{\to}",
    "€": r"\texteuro{}", "\u00a0": "~", "…": r"\ldots{}", "–": "--", "—": "---", "\u202f": r"\,", "\u200b": "",
    "[": "{[}", "]": "{]}", "·": r"\textperiodcentered{}", "↩": "",
}  # fmt: skip
_HEADINGS = ("section*", "section", "subsection", "subsubsection", "paragraph", "subparagraph")
_UNSAFE_MATH = re.compile(
    r"\\(?:input|include|openin|openout|write|read|immediate|special|catcode|csname|def|let|newcommand|renewcommand|"
    r"usepackage|documentclass|begin\{document|end\{document|directlua|luaexec|ShellEscape|verbatiminput|lstinputlisting|"
    r"includegraphics|href|url|loop|repeat|expandafter|futurelet|global|gdef|edef|xdef|outer|every\w+|jobname|"
    r"pdf\w+|font|batchmode|errmessage|message|show|tracing\w*|scantokens|uppercase|lowercase)\b|\^\^|%|\$"
)


def write(source: Document | Dataset, *, options: Options) -> Converted[str]:
    """The LaTeX of a document, or of data as an outline."""
    return to_latex(
        as_document(source, options), data=options.data, meta=options.meta, assets=options.assets, folder=options.folder
    )


def to_latex(
    markdown: str | Document,
    *,
    data: Mapping[str, Json] | None = None,
    meta: Mapping[str, Json] | None = None,
    assets: Path | None = None,  # noqa: ARG001  (writers share one signature)
    folder: Path | None = None,  # noqa: ARG001
    shown: str = "document.md",
) -> Converted[str]:
    """A whole LaTeX document that refers to no other file: charts are their tables, pictures their descriptions."""
    document = markdown if isinstance(markdown, Document) else parse_markdown(markdown, shown=shown)
    furnished = furnish(document, data=data or {})
    writer = _Writer(furnished)
    said = {**document.meta, **(meta or {})}
    title = str(said.get("title") or furnished.title)
    body = "\n".join([*_title(title, said), *writer.body()])
    info = f"\\hypersetup{{pdftitle={{{_escape(title)}}}}}\n" if title else ""
    content = f"{_PREAMBLE}{info}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    findings = (*document.findings, *furnished.findings, *writer.findings)
    return Converted(content, findings, furnished.title)


def _title(title: str, said: Mapping[str, Json]) -> Iterator[str]:
    if title:
        yield f"{{\\LARGE\\bfseries {_escape(title)}\\par}}"
    date = long_date(str(said.get("date") or ""), str(said.get("language") or "en"))
    for words in (str(said.get("subtitle") or ""), date):
        if words:
            yield f"{{\\large {_escape(words)}\\par}}"
    if title:
        yield "\\medskip\\hrule\\bigskip\n"


class _Writer:
    """Walks the tree once."""

    def __init__(self, furnished: Furnished) -> None:
        from markdown_it.tree import SyntaxTreeNode

        self._furnished = furnished
        self._tree = SyntaxTreeNode(list(furnished.tokens))
        self._notes = {
            note.meta["id"]: note
            for block in self._tree.children
            if block.type == "footnote_block"
            for note in block.children
        }
        self._noted: set[int] = set()
        self._in_table = False
        self._pending: list[str] = []
        self.findings: list[Finding] = []

    def body(self) -> Iterator[str]:
        """The document's content."""
        yield from self._blocks(self._tree.children)

    def _blocks(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
        for node in nodes:
            yield from self._block(node)

    def _block(self, node: SyntaxTreeNode) -> Iterator[str]:
        if node.type == "heading":
            command = _HEADINGS[int(node.tag[1]) - 1].removesuffix("*")
            anchor = re.sub(r"[^\w-]", "-", str(node.attrs.get("id", "")), flags=re.ASCII)
            plain_title = _escape(plain(next(iter(node.children)).token.children)) if node.children else ""  # type: ignore[union-attr]
            words = f"\\texorpdfstring{{{self._inline(node)}}}{{{plain_title}}}"
            yield f"\\{command}*{{{words}}}\\addcontentsline{{toc}}{{{command}}}{{{plain_title}}}\\label{{{anchor}}}\n"
        elif node.type in ("paragraph", "alert_title", "dt"):
            words = self._inline(node)
            yield f"{f'{_BOLD}{{{words}}}' if node.type != 'paragraph' else words}\n"
        elif node.type in ("bullet_list", "ordered_list"):
            yield from self._list(node)
        elif node.type in ("blockquote", "alert", "dd"):
            yield "\n".join(["\\begin{quote}", *self._blocks(node.children), "\\end{quote}\n"])
        elif node.type in ("fence", "code_block"):
            yield _verbatim(node.content)
        elif node.type in ("math_block", "math_block_label"):
            yield self._display(node.content.strip())
        elif node.type == "table":
            yield from self._table(node)
        elif node.type == "chart":
            yield from self._chart(node)
        elif node.type == "hr":
            yield "\\par\\medskip{\\centering\\rule{0.4\\linewidth}{0.4pt}\\par}\\medskip\n"
        elif node.type == "html_block":
            yield f"{_escape(node.content.strip())}\n"
        elif node.type == "dl":
            yield from self._blocks(node.children)

    def _list(self, node: SyntaxTreeNode) -> Iterator[str]:
        if _depth(node) > 4:
            yield from (f"-- {''.join(self._blocks(item.children))}" for item in node.children)
            return
        kind = "enumerate" if node.type == "ordered_list" else "itemize"
        start = int(node.attrs.get("start", 1))
        lines = [f"\\begin{{{kind}}}"]
        if kind == "enumerate" and start != 1:
            counter = ("i", "ii", "iii", "iv")[min(_depth(node, "ordered_list"), 4) - 1]
            lines.append(f"\\setcounter{{enum{counter}}}{{{start - 1}}}")
        for item in node.children:
            checked = item.meta.get("checked")
            mark = "" if checked is None else "[$\\boxtimes$]" if checked else "[$\\square$]"
            lines.append(f"\\item{mark} {''.join(self._blocks(item.children)).strip()}")
        yield "\n".join([*lines, f"\\end{{{kind}}}\n"])

    def _table(self, node: SyntaxTreeNode) -> Iterator[str]:
        meta = node.nester_tokens.opening.meta if node.nester_tokens else {}
        caption = meta.get("caption")
        title = f"\\textbf{{Table {meta['number']}.}} {self._runs(caption.children or [])}" if caption else ""
        rows = [row for part in node.children for row in part.children]
        self._in_table = True
        cells = [[self._inline(cell) for cell in row.children] for row in rows]
        self._in_table = False
        aligns = [_column_kind(cell) for cell in (rows[1] if len(rows) > 1 else rows[0]).children]
        yield _longtable(meta.get("rows") or cells, cells, aligns, title)
        if self._pending:
            yield "".join(self._pending) + "\n"
            self._pending = []

    def _chart(self, node: SyntaxTreeNode) -> Iterator[str]:
        chart = self._furnished.charts[node.meta["ident"]]
        head = [chart.x_label, *(series.name for series in chart.series)]
        rows = [
            [name, *(figure(series.values[at], unit=chart.unit) for series in chart.series)]
            for at, name in enumerate(chart.x)
        ]
        words = [head, *rows]
        title = f"\\textbf{{Figure {node.meta['number']}.}} {_escape(chart.title)}"
        yield _longtable(
            words, [[_escape(cell) for cell in row] for row in words], ["L", *"R" * len(chart.series)], title
        )

    def _inline(self, node: SyntaxTreeNode) -> str:
        found = next((child for child in node.children if child.type == "inline"), None)
        return self._runs(found.token.children or []) if found and found.token else ""

    def _runs(self, tokens: Sequence[Token]) -> str:
        return "".join(self._piece(token) for token in tokens)

    def _piece(self, token: Token) -> str:
        fixed = _FIXED.get(token.type)
        if fixed is not None:
            return fixed
        if token.type == "link_open":
            return _link(str(token.attrGet("href") or ""))
        if token.type == "code_inline":
            return f"\\texttt{{{_breakable(token.content)}}}"
        if token.type in ("math_inline", "math_inline_double"):
            return _formula(token.content) or f"\\texttt{{{_escape(token.content)}}}"
        if token.type == "footnote_ref":
            return self._note(token.meta["id"])
        if token.type == "image":
            self.findings.append(
                Finding(
                    "missing_image",
                    "note",
                    "LaTeX shows a picture's description",
                    Where(self._furnished.document.shown),
                )
            )
            return f"\\textit{{{{[}}{_escape(plain(token.children))}{{]}}}}"
        if re.fullmatch(r"<br\s*/?>", token.content, re.IGNORECASE):
            return "\\newline{}"
        return "" if token.content.startswith("<!--") else _escape(token.content)

    def _note(self, ident: int) -> str:
        if ident in self._noted or ident not in self._notes:
            return f"\\footnotemark[{ident + 1}]"
        self._noted.add(ident)
        words = "\\par ".join(text.strip() for child in self._notes[ident].children for text in self._block(child))
        if self._in_table:
            self._pending.append(f"\\footnotetext[{ident + 1}]{{{words}}}")
            return f"\\footnotemark[{ident + 1}]"
        return f"\\footnote[{ident + 1}]{{{words}}}"

    def _display(self, formula: str) -> str:
        safe = _formula(formula)
        if safe is None:
            return _verbatim(formula)
        return f"\\[{safe[1:-1]}\\]\n"


_BOLD = "\\textbf"
_FIXED = {
    "strong_open": "\\textbf{", "strong_close": "}", "em_open": "\\emph{", "em_close": "}", "s_open": "\\sout{",
    "s_close": "}", "link_close": "}", "softbreak": "\n", "hardbreak": "\\newline{}", "footnote_anchor": "",
}  # fmt: skip


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text if letter >= " " or letter in "\n\t")


def _breakable(code: str) -> str:
    """Code that may break after its joints."""
    joined = re.sub(r"(\\_|[./:@-])(?=\w)", r"\1\\allowbreak{}", _escape(code))
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", r"\\allowbreak{}", joined)


def _link(address: str) -> str:
    if address.startswith("#"):
        return f"\\hyperref[{re.sub(r'[^A-Za-z0-9_-]', '-', address[1:])}]{{"
    kept = re.sub(r"[\\{}\s^]", "", address)
    return "\\href{" + re.sub(r"([%#&_~$])", r"\\\1", kept).replace("\\~", "\\string~") + "}{"


def _formula(formula: str) -> str | None:
    """A formula between dollars, or None where it holds anything but mathematics."""
    bare = formula.replace("\\{", "").replace("\\}", "")
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            return None
    if depth or _UNSAFE_MATH.search(formula) or "\n\n" in formula or formula.endswith("\\") or not formula.strip():
        return None
    return f"${formula}$"


def _verbatim(code: str) -> str:
    content = code.rstrip("\n").replace("\\end{Verbatim}", "\\end {Verbatim}").expandtabs(4)
    content = "\n".join(line[at : at + 100] for line in content.split("\n") for at in range(0, max(len(line), 1), 100))
    return f"\\begin{{Verbatim}}[fontsize=\\footnotesize]\n{content}\n\\end{{Verbatim}}\n"


def _longtable(
    words: Sequence[Sequence[str]], cells: Sequence[Sequence[str]], aligns: Sequence[str], title: str
) -> str:
    needed = column_widths(words)
    total = sum(needed) or 1.0
    count = len(needed)
    columns = "".join(
        f"{align}{{\\dimexpr {0.995 * width / total:.4f}\\linewidth-2\\tabcolsep\\relax}}"
        for align, width in zip(aligns, needed, strict=False)
    )
    size = "\\small" if total <= 80 else "\\footnotesize" if total <= 95 else "\\tiny"
    gap = "4pt" if count <= 8 else "1.5pt"
    head = " & ".join(f"\\textbf{{{cell}}}" if cell else "" for cell in cells[0])
    top = f"\\multicolumn{{{count}}}{{@{{}}L{{0.99\\linewidth}}@{{}}}}{{{title}}}\\\\[2pt]\n" if title else ""
    body = "\n".join(f"{' & '.join([*row, *[''] * (count - len(row))])}\\\\" for row in cells[1:])
    before, after = ("\\begin{landscape}\n", "\\end{landscape}\n") if total > PORTRAIT * 1.4 else ("", "")
    return (
        f"{before}{{{size}\\setlength{{\\tabcolsep}}{{{gap}}}\n\\begin{{longtable}}{{{columns}}}\n{top}\\toprule\n{head}\\\\\n"
        f"\\midrule\n\\endhead\n{body}\n\\bottomrule\n\\end{{longtable}}}}\n{after}"
    )


def _column_kind(cell: SyntaxTreeNode) -> str:
    if cell.attrs.get("class") == "num":
        return "R"
    return "C" if cell.attrs.get("style") == "text-align:center" else "L"


def _depth(node: SyntaxTreeNode, kind: str = "") -> int:
    depth, parent = 1, node.parent
    while parent is not None:
        depth += parent.type in ((kind,) if kind else ("bullet_list", "ordered_list"))
        parent = parent.parent
    return depth
