"""The formulas of one document, and what was found about them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from trainer.convert.formulas.drawing import as_picture
from trainer.convert.formulas.mathml import as_mathml
from trainer.convert.formulas.tex import Untypeset
from trainer.core.errors import Where
from trainer.core.values import Finding

Typeset = Callable[..., str]


class Formulas:
    """Typesets formulas for a screen or for paper; what cannot be typeset stands as its TeX source, and says so."""

    def __init__(self, shown: str, *, paper: bool = False) -> None:
        self._shown = shown
        self._typeset: Typeset = as_picture if paper else as_mathml
        self.findings: list[Finding] = []
        self.line: int | None = None
        """The line of the block that is being written."""

    def inline(self, tex: str) -> str:
        """The HTML of a formula among words."""
        markup = self._found(tex, display=False)
        return markup or f'<code class="math">{escape(tex)}</code>'

    def block(self, tex: str) -> str:
        """The HTML of a formula on a line of its own."""
        markup = self._found(tex, display=True)
        if markup is None:
            return f'<pre class="math"><code>{escape(tex.strip())}</code></pre>\n'
        return f'<div class="formula" tabindex="0">{markup}</div>\n'

    def _found(self, tex: str, *, display: bool) -> str | None:
        try:
            return self._typeset(tex, display=display)
        except Untypeset as error:
            message = f"formula shown as its TeX source: {error}"
            self.findings.append(
                Finding("formula", "warning", message, Where(self._shown, self.line), text=tex.strip())
            )
            return None
