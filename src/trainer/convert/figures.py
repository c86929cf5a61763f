"""Figures: charts and captioned pictures, numbered together in reading order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trainer.convert.document import Document
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token

    from trainer.convert.charts import Chart


def number_figures(
    tokens: Sequence[Token], document: Document, data: Mapping[str, Json]
) -> tuple[list[Token], dict[str, Chart], list[Finding]]:
    """The tokens with each chart and each titled picture that stands alone as one token with its number.

    `chart` tokens name their chart by id; `picture` tokens hold the image and its caption.
    """
    charts: dict[str, Chart] = {}
    findings: list[Finding] = []
    out: list[Token] = []
    number = 0
    for token in tokens:
        out.append(token)
        if token.type == "paragraph_close" and _is_picture(out):
            number += 1
            out[-3:] = [_picture(out[-3], out[-2], number)]
        elif token.type == "fence" and token.info.split()[:1] == ["chart"]:
            chart = _chart(token, document, data, findings)
            if chart:
                number += 1
                token.type, token.meta = "chart", {"ident": f"figure-{number}", "number": number}
                charts[f"figure-{number}"] = chart
    return out, charts, findings


def _is_picture(out: Sequence[Token]) -> bool:
    children = out[-2].children or []
    return len(children) == 1 and children[0].type == "image" and bool(str(children[0].attrGet("title") or "").strip())


def _picture(paragraph: Token, inline: Token, number: int) -> Token:
    from markdown_it.token import Token

    (image,) = inline.children or []
    caption = " ".join(str(image.attrGet("title")).split())
    bare = image.copy(attrs={name: value for name, value in image.attrs.items() if name != "title"})
    meta = {"ident": f"figure-{number}", "number": number, "caption": caption}
    return Token("picture", "", 0, map=paragraph.map, level=paragraph.level, children=[bare], meta=meta, block=True)


def _chart(token: Token, document: Document, data: Mapping[str, Json], findings: list[Finding]) -> Chart | None:
    from trainer.convert.charts import ChartError, parse_chart

    where = document.where(token)
    try:
        return parse_chart(token.content, data=data, shown=document.shown, first_line=(where.line or 0) + 1)
    except ChartError as error:
        message = f"chart not drawn: {error.message}"
        findings.append(Finding("chart", "warning", message, where, hint=error.hint or ""))
        return None
