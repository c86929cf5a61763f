"""A formula as MathML that browsers draw: what their MathML Core leaves out is said by styles."""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import Element

from trainer.convert.formulas.tree import formula_tree

_STYLES = {
    ("mtext", "mathvariant", "bold"): "font-weight:bold",
    ("mtext", "mathvariant", "italic"): "font-style:italic",
    ("mtd", "columnalign", "left"): "text-align:left",
    ("mtd", "columnalign", "right"): "text-align:right;padding-right:0",
    ("mtd", "columnalign", "center"): "text-align:center",
    ("menclose", "notation", "box"): "border:1px solid;padding:.2em",
}
_BAR = "\u2015"
_BARS = {"mover": "border-top:.05em solid;padding-top:.1em", "munder": "border-bottom:.05em solid;padding-bottom:.1em"}


def as_mathml(tex: str, *, display: bool) -> str:
    """The `<math>` of a formula, its TeX source as the description; raises Untypeset."""
    tree = formula_tree(tex, display=display)
    tree.set("alttext", tex.strip())
    return _written(tree)


def _written(node: Element, *, flush: bool = False) -> str:
    """The markup of a node; `flush` is for the cells of equations that are set under each other."""
    if node.tag in _BARS and node[1].text == _BAR:
        return f'<mrow style="{_BARS[node.tag]}">{_written(node[0])}</mrow>'
    named = [(name, value) for name, value in sorted(node.items()) if name != "columnspacing"]
    styles = [_STYLES[node.tag, *pair] for pair in named if (node.tag, *pair) in _STYLES]
    if flush and node.get("columnalign") == "left":
        styles.append("padding-left:0")
    plain = "".join(f' {name}="{escape(value)}"' for name, value in named if (node.tag, name, value) not in _STYLES)
    style = f' style="{";".join(styles)}"' if styles else ""
    tag = "mrow" if node.tag == "menclose" else node.tag
    flush = (flush and tag == "mtr") or "columnspacing" in node.attrib
    inside = escape(node.text or "", quote=False) + "".join(_written(child, flush=flush) for child in node)
    return f"<{tag}{plain}{style}>{inside}</{tag}>"
