"""From tokens to HTML: markdown-it's renderer, with raw HTML shown as text and reports' own parts added."""
# ruff: noqa: ARG002  (every method has markdown-it's signature)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from trainer.convert.charts import Chart, chart_rows, chart_title, draw
from trainer.convert.document import visible_html
from trainer.convert.formulas import Formulas
from trainer.convert.highlight import highlighted
from trainer.convert.images import Images
from trainer.convert.together import kept_together
from trainer.convert.widths import breaks_in_words, fit
from trainer.core.markdown import is_break, plain_text
from trainer.core.values import FIGURE_MARKS

TokenList = Sequence[Token]


class BodyRenderer(RendererHTML):
    """Renders the body of a page; charts by figure id, the pictures and the formulas come in with it."""

    def __init__(
        self,
        *,
        charts: Mapping[str, Chart] | None = None,
        images: Images | None = None,
        formulas: Formulas | None = None,
        first_line: int = 1,
        paper: bool = False,
    ) -> None:
        super().__init__()
        self._charts = charts or {}
        self._images = images
        self._formulas = formulas or Formulas("document.md")
        self._first_line = first_line
        self._paper = paper

    def render(self, tokens: TokenList, options: Any, env: Any) -> str:
        """The HTML of block tokens; the line of each is kept for what is found in it."""
        out = []
        for at, token in enumerate(tokens):
            if token.type == "inline":
                children = token.children or []
                if len(children) == 1 and children[0].type == "text":
                    out.append(kept_together(escapeHtml(children[0].content)))
                else:
                    self._stand_at(token)
                    out.append(self.renderInline(children, options, env))
            elif rule := self.rules.get(token.type):
                out.append(rule(tokens, at, options, env))
            else:
                out.append(self.renderToken(tokens, at, options, env))
        return "".join(out)

    def renderInline(self, tokens: TokenList, options: Any, env: Any) -> str:  # noqa: N802
        """The HTML of inline tokens; on paper long words may break where one mark ends and another starts.

        WeasyPrint breaks a long word anywhere inside one element, never between two.
        """
        breaks = breaks_in_words(tokens) if self._paper and len(tokens) > 1 else ()
        if not breaks:
            return super().renderInline(tokens, options, env)
        pieces = [super(BodyRenderer, self).renderInline([token], options, env) for token in tokens]
        return "".join(f"<wbr>{piece}" if at in breaks else piece for at, piece in enumerate(pieces))

    def _stand_at(self, token: Token) -> None:
        """Keep the line of a block for what is found in it."""
        if not token.map:
            return
        self._formulas.line = token.map[0] + self._first_line
        if self._images:
            self._images.line = self._formulas.line

    def renderToken(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:  # noqa: N802
        """A tag as markdown-it writes it; the plain ones, which are most, by a shorter way."""
        token = tokens[idx]
        if token.hidden:
            return ""
        if token.nesting == -1 and not token.attrs:
            return f"</{token.tag}>\n" if token.block else f"</{token.tag}>"
        return super().renderToken(tokens, idx, options, env)

    def link_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A link; one that is a mark of the checks gets its class, and its title as a note that a tap shows too."""
        kind = _mark_of(tokens, idx)
        if kind is None:
            return super().renderToken(tokens, idx, options, env)
        target, title = (escape(str(tokens[idx].attrGet(name) or "")) for name in ("href", "title"))
        note = f'<span class="said" aria-hidden="true">{title}</span>' if title and not self._paper else ""
        label = f' aria-label="{kind}: {title}"' if title else ""
        return f'<span class="mark {kind}">{note}<a href="{target}"{label}>'

    def link_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of a link."""
        return "</a></span>" if idx >= 2 and _mark_of(tokens, idx - 2) else "</a>"

    def text(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """Words, whose dates and amounts stay whole at the end of a line."""
        return kept_together(escapeHtml(tokens[idx].content))

    @staticmethod
    def renderAttrs(token: Token) -> str:  # noqa: N802
        """A tag's attributes, of which most have none."""
        return RendererHTML.renderAttrs(token) if token.attrs else ""

    def html_block(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """Raw HTML, shown as the text it is; comments are left out."""
        content = visible_html(tokens[idx].content)
        return f"<p>{escape(content, quote=False)}</p>\n" if content else ""

    def html_inline(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A line break for `<br>`, nothing for a comment, everything else as text."""
        content = tokens[idx].content
        if is_break(tokens[idx]):
            return "<br>"
        return "" if content.startswith("<!--") else escape(content, quote=False)

    def s_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """Words struck out."""
        return "<del>"

    def s_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of words struck out."""
        return "</del>"

    def math_inline(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A formula among words, typeset where it can be."""
        return self._formulas.inline(tokens[idx].content)

    math_inline_double = math_inline

    def math_block(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A formula on a line of its own, typeset where it can be."""
        self._stand_at(tokens[idx])
        return self._formulas.block(tokens[idx].content)

    math_block_label = math_block

    def fence(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A code block, coloured by class names where its language is known."""
        token = tokens[idx]
        coloured = highlighted(token.content, token.info)
        if coloured is None:
            return super().fence(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)
        language = escape(token.info.split()[0])
        return f'<pre class="code" tabindex="0"><code class="language-{language}">{coloured}</code></pre>\n'

    def code_block(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """Indented code, which scrolls where its lines are long."""
        return super().code_block(tokens, idx, options, env).replace("<pre", '<pre tabindex="0"', 1)

    def chart(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A figure with its drawing, its caption and the table behind it."""
        ident, number = tokens[idx].meta["ident"], tokens[idx].meta["number"]
        chart = self._charts[ident]
        caption = f"<b>Figure {number}.</b> {escape(chart_title(chart), quote=False)}"
        return (
            f'<figure class="chart {chart.kind}" id="{ident}">\n<figcaption>{caption}</figcaption>\n'
            f'<div class="drawing" role="region" aria-label="Figure {number}" tabindex="0">'
            f"{draw(chart, ident=ident)}</div>\n{_behind(chart)}</figure>\n"
        )

    def picture(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A picture under its numbered caption."""
        token = tokens[idx]
        if self._images and token.map:
            self._images.line = token.map[0] + self._first_line
        caption = f"<b>Figure {token.meta['number']}.</b> {kept_together(escapeHtml(token.meta['caption']))}"
        drawn = self.renderInline(token.children or [], options, env)
        ident = token.meta["ident"]
        return f'<figure class="picture" id="{ident}">\n<figcaption>{caption}</figcaption>\n{drawn}\n</figure>\n'

    def table_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The table's frame, sized by its content, with a numbered caption where it has one."""
        meta = tokens[idx].meta
        if "rows" not in meta:
            return "<table>\n"
        caption, number, part = meta.get("caption"), meta.get("number"), meta.get("part", "")
        name = f"Table {number}" if number else "Table"
        label = f' role="region" aria-label="{name}" tabindex="0"'
        classes = f"table {fit(meta['rows'])}".strip()
        opening = f'<div class="{classes}"{label}>\n<table'
        suffix = f" ({part})" if part else ""
        if caption is None:
            return f"{opening}>\n<caption>{suffix.strip()}</caption>\n" if part else f"{opening}>\n"
        words = self.renderInline(caption.children, options, env)
        ident = f' id="table-{number}"' if meta.get("first", True) else ""
        return f"{opening}{ident}>\n<caption><b>Table {number}{suffix}.</b> {words}</caption>\n"

    def wide_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The start of a part that stands on landscape pages."""
        return '<section class="wide">\n'

    def wide_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of a part that stands on landscape pages."""
        return "</section>\n"

    def table_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of the table and of its frame, where it has one."""
        return "</table>\n</div>\n" if _framed(tokens, idx) else "</table>\n"

    def td_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A cell, or a row's header."""
        attributes = self.renderAttrs(tokens[idx])
        return f'<th scope="row"{attributes}>' if tokens[idx].meta else f"<td{attributes}>"

    def td_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of a cell."""
        return "</th>\n" if tokens[idx - 2].meta else "</td>\n"

    def image(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A picture inlined from inside the project, or its description where that cannot be."""
        if self._images is None:
            return super().image(tokens, idx, options, env)
        return self._images.render(tokens[idx], plain_text(tokens[idx].children))

    def footnote_ref(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """A raised number that leads to the note."""
        number, back = _note(tokens[idx])
        return f'<sup class="note"><a href="#fn-{number}" id="fnref-{back}" role="doc-noteref">{number}</a></sup>'

    def footnote_block_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The start of the notes."""
        return '<section class="notes" role="doc-endnotes">\n<ol>\n'

    def footnote_block_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of the notes."""
        return "</ol>\n</section>\n"

    def footnote_open(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The start of a note."""
        return f'<li id="fn-{_note(tokens[idx])[0]}">'

    def footnote_close(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The end of a note."""
        return "</li>\n"

    def footnote_anchor(self, tokens: TokenList, idx: int, options: Any, env: Any) -> str:
        """The way back from a note."""
        return f' <a class="back" href="#fnref-{_note(tokens[idx])[1]}" role="doc-backlink" aria-label="Back">↩</a>'


def _note(token: Token) -> tuple[int, str]:
    number = token.meta["id"] + 1
    again = token.meta.get("subId", 0)
    return number, f"{number}-{again + 1}" if again > 0 else str(number)


def _framed(tokens: TokenList, close: int) -> bool:
    for at in range(close - 1, -1, -1):
        if tokens[at].type == "table_open":
            return "rows" in tokens[at].meta
    return False


def _behind(chart: Chart) -> str:
    """The figures of a chart as a table that unfolds."""
    (first, *names), *body = chart_rows(chart)
    heads = f'<th scope="col">{escape(first, quote=False)}</th>' + "".join(
        f'<th scope="col" class="num">{escape(name, quote=False)}</th>' for name in names
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name, quote=False)}</th>'
        + "".join(f'<td class="num">{shown}</td>' for shown in figures)
        + "</tr>\n"
        for name, *figures in body
    )
    return (
        "<details><summary>Figures</summary>\n"
        f'<div class="table" role="region" aria-label="Figures" tabindex="0"><table>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n</details>\n"
    )


_KINDS = {mark: kind for kind, mark in FIGURE_MARKS.items()}


def _mark_of(tokens: TokenList, idx: int) -> str | None:
    """What a link stands for that is a mark of the checks; None for any other."""
    if tokens[idx].type != "link_open" or idx + 2 >= len(tokens) or tokens[idx + 2].type != "link_close":
        return None
    return _KINDS.get(tokens[idx + 1].content) if str(tokens[idx].attrGet("href")).startswith("#") else None
