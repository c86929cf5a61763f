"""LaTeX by our own hand: longtables with sensible widths, code, notes, formulas passed through, all else escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from trainer.convert.base import Options
from trainer.convert.charts import as_tikz, chart_rows, chart_title, draw
from trainer.convert.dates import long_date
from trainer.convert.document import Converted, Document, visible_html
from trainer.convert.formulas import Untypeset
from trainer.convert.furnish import Furnished, furnish
from trainer.convert.images import Images
from trainer.convert.paper import lay_out
from trainer.convert.widths import breaks_in_words
from trainer.convert.writers.latex_tables import column_kind, longtable
from trainer.convert.writers.latex_text import (
    ESCAPES,
    address,
    code,
    declarations,
    escape,
    formula,
    pdf_string,
    uncovered,
    verbatim,
)
from trainer.convert.writers.markdown import as_document
from trainer.core.errors import Where
from trainer.core.markdown import is_break, plain_text
from trainer.core.readings import Dataset
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_PREAMBLE = r"""% For pdfLaTeX, LuaLaTeX and XeLaTeX. Packages: amsmath, amssymb, array, booktabs, enumitem, fancyvrb,
% fvextra, geometry, graphicx, hyperref, iftex, lmodern, longtable, pdflscape, textcomp, tikz, ulem, upquote
% (Debian: apt-get install texlive-latex-extra texlive-fonts-recommended lmodern; TeX Live and MiKTeX have them all).
\documentclass[11pt,a4paper]{article}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp}\usepackage{lmodern}\input{glyphtounicode}\pdfgentounicode=1\else\usepackage{fontspec}\fi
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,enumitem,fvextra,graphicx,longtable,pdflscape,tikz,ulem,upquote}
\usepackage[hidelinks]{hyperref}
\normalem
\setlength{\parindent}{0pt}\setlength{\parskip}{6pt plus 2pt}
\setlength{\emergencystretch}{4em}
\setlistdepth{30}\renewlist{itemize}{itemize}{30}\renewlist{enumerate}{enumerate}{30}
\setlist{leftmargin=1.4em}\setlist[itemize]{label=\textbullet}\setlist[itemize,2]{label=--}
\setlist[enumerate]{label=\arabic*.}\setlist[enumerate,2]{label=\alph*.}\setlist[enumerate,3]{label=\roman*.}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
\newcolumntype{R}[1]{>{\raggedleft\arraybackslash}p{#1}}
\newcolumntype{C}[1]{>{\centering\arraybackslash}p{#1}}
\fvset{fontsize=\footnotesize,breaklines,breakanywhere}
\newcommand{\missingletter}[1]{{\setlength{\fboxsep}{1pt}\fbox{\tiny\ttfamily #1}}}
\makeatletter
\newcommand{\atmargin}{\setlength{\LTleft}{\@totalleftmargin}\setlength{\LTright}{\fill}}
\def\input@path{{./}{../}{../../}{../../../}}
\define@key{Gin}{alt}{}
\setkeys{Gin}{width=\ifdim\Gin@nat@width>\linewidth\linewidth\else\Gin@nat@width\fi,keepaspectratio}
\makeatother
\newcommand{\projectpicture}[2]{\IfFileExists{#1}{\includegraphics[alt={#2}]{#1}}{\textit{#2}}}
"""
_HEADINGS = ("part", "section", "subsection", "subsubsection", "paragraph", "subparagraph")
_DEEPEST_INDENT = 16
"""Lists and quotations inside each other, beyond which a line has no room left."""
_NAMEABLE = re.compile(r"[A-Za-z0-9._/+-]+")


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """A whole LaTeX document: charts are their tables, pictures are read from the project's folder or one below it."""
    document = as_document(source, options)
    furnished = furnish(document, data=options.data, meta=options.meta)
    furnished = replace(furnished, tokens=tuple(lay_out(furnished.tokens)))
    images = Images(options.assets, document.shown, base=options.folder)
    writer = _Writer(furnished, images)
    facts = {**document.meta, **options.meta}
    body = "\n".join([*_title(writer.title(), facts, furnished.language), *writer.body()])
    info = f"\\hypersetup{{pdftitle={{{pdf_string(furnished.title)}}}}}\n" if furnished.title else ""
    missing = uncovered(info + body)
    content = f"{_PREAMBLE}{declarations(missing)}{info}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    findings = (
        *document.findings,
        *furnished.findings,
        *images.findings,
        *writer.findings,
        *_missing(missing, document),
    )
    return Converted(content, findings, furnished.title)


def _missing(letters: Sequence[str], document: Document) -> Iterator[Finding]:
    """A finding on the letters for which pdfLaTeX shows boxes."""
    boxed = [letter for letter in letters if letter not in ESCAPES]
    if not boxed:
        return
    at = min((document.source.find(letter) for letter in boxed if letter in document.source), default=0)
    line = document.source.count("\n", 0, at) + 1
    listed = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in boxed[:3]) + (
        " and more" if len(boxed) > 3 else ""
    )
    message = f"pdfLaTeX has no letter for {listed}: boxes with their numbers stand in their place"
    hint = "compile it with LuaLaTeX or XeLaTeX and a font that has them"
    yield Finding("missing_glyph", "warning", message, Where(document.shown, line), hint=hint)


def _title(title: str, facts: Mapping[str, Json], language: str) -> Iterator[str]:
    if title:
        yield f"{{\\LARGE\\bfseries {title}\\par}}"
    date = long_date(str(facts.get("date") or ""), language)
    for words in (str(facts.get("subtitle") or ""), date):
        if words:
            yield f"{{\\large {escape(words)}\\par}}"
    if title:
        yield "\\medskip\\hrule\\bigskip\n"


class _Writer:
    """Walks the tree once."""

    def __init__(self, furnished: Furnished, images: Images) -> None:
        from markdown_it.tree import SyntaxTreeNode

        self._furnished = furnished
        self._images = images
        self._tree = SyntaxTreeNode(list(furnished.tokens))
        self._notes = {
            note.meta["id"]: note
            for block in self._tree.children
            if block.type == "footnote_block"
            for note in block.children
        }
        self._noted: set[int] = set()
        self._marks_only = self._in_note = False
        self._pending: list[str] = []
        self._depth = 0
        self._line = furnished.document.first_line
        self.findings: list[Finding] = []
        self._labels = _labels(self._tree)

    def title(self) -> str:
        """The title with its marks, and the notes it leads to after it."""
        if not self._furnished.heading:
            return escape(self._furnished.title)
        with self._notes_after() as notes:
            words = self._runs(self._furnished.heading)
        return words + notes()

    @contextmanager
    def _notes_after(self) -> Iterator[Callable[[], str]]:
        """Where a note's text cannot stand beside its mark: the marks alone, and the texts for the place after it."""
        outer, pending = self._marks_only, self._pending
        self._marks_only, self._pending = True, []
        texts = self._pending
        yield lambda: "".join(texts)
        self._marks_only, self._pending = outer, pending

    def body(self) -> Iterator[str]:
        """The document's content."""
        yield from self._blocks(self._tree.children)
        yield from self._unused_notes()

    def _blocks(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
        for node in nodes:
            yield from self._block(node)

    def _block(self, node: SyntaxTreeNode) -> Iterator[str]:
        if node.type == "heading":
            yield self._heading(node)
        elif node.type in ("paragraph", "alert_title", "dt"):
            words = self._inline(node)
            yield f"{words if node.type == 'paragraph' else f'{_BOLD}{{{words}}}'}\n"
        elif node.type in ("bullet_list", "ordered_list"):
            yield from self._list(node)
        elif node.type in ("blockquote", "alert", "dd"):
            yield from self._nested(node, "quote")
        elif node.type in ("fence", "code_block"):
            yield self._code(node.content)
        elif node.type in ("math_block", "math_block_label"):
            yield self._display(node.content.strip())
        elif node.type == "table":
            yield from self._table(node)
        elif node.type == "wide":
            yield "\n".join(["\\begin{landscape}", *self._blocks(node.children), "\\end{landscape}\n"])
        elif node.type in ("chart", "picture"):
            yield self._figure(node)
        else:
            yield from self._rare_block(node)

    def _rare_block(self, node: SyntaxTreeNode) -> Iterator[str]:
        if node.type == "hr":
            yield "\\par\\medskip{\\centering\\rule{0.4\\linewidth}{0.4pt}\\par}\\medskip\n"
        elif node.type == "html_block":
            yield f"{escape(visible_html(node.content))}\n"
        elif node.type == "dl":
            yield from self._blocks(node.children)

    def _heading(self, node: SyntaxTreeNode) -> str:
        command = _HEADINGS[int(node.tag[1]) - 1]
        inline = node.children[0].token if node.children else None
        plainly = pdf_string(plain_text(inline.children if inline else None))
        with self._notes_after() as notes:
            words = f"\\texorpdfstring{{{self._inline(node)}}}{{{plainly}}}"
        label = self._labels.get(str(node.attrs.get("id", "")), "")
        contents = f"\\addcontentsline{{toc}}{{{command}}}{{{plainly}}}"
        return f"\\{command}*{{{words}}}{contents}\\label{{{label}}}{notes()}\n"

    def _nested(self, node: SyntaxTreeNode, environment: str) -> Iterator[str]:
        """Blocks set in from those around them, as long as there is room on the page."""
        self._depth += 1
        blocks = list(self._blocks(node.children))
        self._depth -= 1
        if self._depth >= _DEEPEST_INDENT:
            yield from blocks
        else:
            yield "\n".join([f"\\begin{{{environment}}}", *blocks, f"\\end{{{environment}}}\n"])

    def _code(self, content: str) -> str:
        """A block of code; a note cannot hold one, there it is set as lines."""
        if not self._in_note:
            return verbatim(content)
        return "\\newline{}".join(f"\\texttt{{{code(line)}}}" for line in content.rstrip("\n").split("\n"))

    def _list(self, node: SyntaxTreeNode) -> Iterator[str]:
        """A list; below a depth that fills the page its items are paragraphs with their marks."""
        kind = "enumerate" if node.type == "ordered_list" else "itemize"
        start = int(node.attrs.get("start", 1))
        is_flat = self._depth >= _DEEPEST_INDENT
        self._depth += 1
        items = []
        for number, item in enumerate(node.children, start):
            checked = item.meta.get("checked")
            mark = "" if checked is None else "$\\boxtimes$" if checked else "$\\square$"
            blocks = "\n".join(self._blocks(item.children)).strip()
            if is_flat:
                items.append(f"{mark or (f'{number}.' if kind == 'enumerate' else '{}--')} {blocks}\n")
            else:
                items.append(f"\\item{f'[{mark}]' if mark else ''} {blocks}")
        self._depth -= 1
        if is_flat:
            yield "\n".join(items)
        else:
            first = f"[start={start}]" if kind == "enumerate" and start != 1 else ""
            yield "\n".join([f"\\begin{{{kind}}}{first}", *items, f"\\end{{{kind}}}\n"])

    def _table(self, node: SyntaxTreeNode) -> Iterator[str]:
        meta = node.nester_tokens.opening.meta if node.nester_tokens else {}
        rows = [row for part in node.children for row in part.children]
        with self._notes_after() as notes:
            title = self._caption(meta)
            cells = [[self._inline(cell) for cell in row.children] for row in rows]
        if self._in_note:
            yield "\\newline{}".join(" -- ".join(row) for row in cells) + notes()
            return
        aligns = [column_kind(cell) for cell in (rows[1] if len(rows) > 1 else rows[0]).children]
        yield longtable(meta["rows"], cells, aligns, title, small=_is_wide(node)) + notes()

    def _caption(self, meta: Mapping[str, Any]) -> str:
        """Number and words over a table, and which of its parts this is."""
        part = f" ({meta['part']})" if "part" in meta else ""
        if "caption" not in meta:
            return part.strip()
        label = self._label(f"table-{meta['number']}") if meta.get("first", True) else ""
        return f"{label}\\textbf{{Table {meta['number']}{part}.}} {self._runs(meta['caption'].children or [])}"

    def _figure(self, node: SyntaxTreeNode) -> str:
        meta = node.meta
        chart = self._furnished.charts.get(meta["ident"])
        caption = escape(chart_title(chart) if chart else meta["caption"])
        title = f"{self._label(meta['ident'])}\\textbf{{Figure {meta['number']}.}} {caption}"
        if chart is None:
            drawn = self._pieces(node.token) if node.token else ""
            whole = f"{title}\\par\\smallskip\n{drawn}"
            return f"\\par\\noindent\\begin{{minipage}}{{\\linewidth}}\n{whole}\n\\end{{minipage}}\\par\n"
        words = chart_rows(chart)
        cells = [[escape(cell) for cell in row] for row in words]
        picture = as_tikz(draw(chart, ident=meta["ident"]), escape)
        whole = f"{title}\\par\\smallskip\n{picture}"
        figure = f"\\par\\noindent\\begin{{minipage}}{{\\linewidth}}\n{whole}\n\\end{{minipage}}\\par\n"
        return figure + longtable(words, cells, ["L", *"R" * len(chart.series)], "")

    def _label(self, name: str) -> str:
        return f"\\phantomsection\\label{{{self._labels[name]}}}"

    def _inline(self, node: SyntaxTreeNode) -> str:
        inline = next((child for child in node.children if child.type == "inline"), None)
        return self._pieces(inline.token) if inline and inline.token else ""

    def _pieces(self, token: Token) -> str:
        if token.map:
            self._line = self._images.line = token.map[0] + self._furnished.document.first_line
        return self._runs(token.children or [])

    def _runs(self, tokens: Sequence[Token]) -> str:
        breaks = breaks_in_words(tokens)
        return "".join(
            ("\\allowbreak{}" if at in breaks else "") + self._piece(token) for at, token in enumerate(tokens)
        )

    def _piece(self, token: Token) -> str:
        fixed = _FIXED.get(token.type)
        if fixed is not None:
            return fixed
        if token.type == "link_open":
            return self._link(str(token.attrGet("href") or ""))
        if token.type == "code_inline":
            return f"\\texttt{{{code(token.content)}}}"
        if token.type in ("math_inline", "math_inline_double"):
            return self._formula(token.content, display=False) or f"\\texttt{{{code(token.content)}}}"
        if token.type == "footnote_ref":
            return self._note(token.meta["id"])
        if token.type == "image":
            return self._picture(token)
        if is_break(token):
            return "\\newline{}"
        return escape(visible_html(token.content) if token.type == "html_inline" else token.content)

    def _link(self, target: str) -> str:
        if not target.startswith("#"):
            return address(target)
        label = self._labels.get(unquote(target[1:]))
        return f"\\hyperref[{label}]{{" if label else "{"

    def _picture(self, token: Token) -> str:
        alt = plain_text(token.children)
        source = str(token.attrGet("src") or "")
        image, place = self._images.find(token, alt), self._images.place(source)
        replacement = f"\\textit{{{{[}}{escape(alt)}{{]}}}}"
        if image is None or isinstance(place, str):
            return replacement
        name = self._images.shown_as(place)
        if image[0] not in ("image/png", "image/jpeg") or not _NAMEABLE.fullmatch(name):
            why = f"LaTeX reads no {image[0]}" if _NAMEABLE.fullmatch(name) else "LaTeX cannot read a file of that name"
            self._images.leave_out(source, why)
            return replacement
        return f"\\projectpicture{{{name}}}{{{escape(alt)}}}"

    def _note(self, ident: int) -> str:
        if ident in self._noted or ident not in self._notes:
            return f"\\footnotemark[{ident + 1}]"
        self._noted.add(ident)
        outer, self._in_note = self._in_note, True
        with self._notes_after() as inner:
            words = "\\par ".join(text.strip() for child in self._notes[ident].children for text in self._block(child))
        self._in_note = outer
        if self._marks_only:
            self._pending.append(f"\\footnotetext[{ident + 1}]{{{words}}}{inner()}")
            return f"\\footnotemark[{ident + 1}]"
        return f"\\footnote[{ident + 1}]{{{words}}}{inner()}"

    def _unused_notes(self) -> Iterator[str]:
        """The notes that no mark leads to, at the end."""
        for ident, note in self._notes.items():
            if ident not in self._noted:
                self._noted.add(ident)
                yield f"\\textsuperscript{{{ident + 1}}} " + "\n".join(self._blocks(note.children))

    def _display(self, tex: str) -> str:
        return self._formula(tex, display=True) or self._code(tex)

    def _formula(self, tex: str, *, display: bool) -> str | None:
        """The formula as LaTeX can read it; None, and a finding that says why, where it would stop there."""
        try:
            return formula(tex, display=display)
        except Untypeset as error:
            message = f"formula shown as its TeX source: {error}"
            where = Where(self._furnished.document.shown, self._line)
            self.findings.append(Finding("formula", "warning", message, where, text=tex.strip()))
            return None


_BOLD = "\\textbf"
_FIXED = {
    "strong_open": "\\textbf{", "strong_close": "}", "em_open": "\\emph{", "em_close": "}", "s_open": "\\sout{",
    "s_close": "}", "sub_open": "\\textsubscript{", "sub_close": "}", "sup_open": "\\textsuperscript{",
    "sup_close": "}", "link_close": "}", "softbreak": "\n", "hardbreak": "\\newline{}", "footnote_anchor": "",
}  # fmt: skip


def _labels(tree: SyntaxTreeNode) -> dict[str, str]:
    """The name that LaTeX knows each place of the document by."""
    labels: dict[str, str] = {}
    for node in tree.walk():
        meta = node.nester_tokens.opening.meta if node.nester_tokens else node.token.meta if node.token else {}
        if node.type == "heading":
            labels[str(node.attrs.get("id", ""))] = f"h{len(labels) + 1}"
        elif node.type == "table" and "number" in meta:
            labels[f"table-{meta['number']}"] = f"table-{meta['number']}"
        elif node.type in ("chart", "picture"):
            labels[meta["ident"]] = meta["ident"]
    return labels


def _is_wide(table: SyntaxTreeNode) -> bool:
    return table.parent is not None and table.parent.type == "wide"
