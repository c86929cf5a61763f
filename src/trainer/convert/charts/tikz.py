"""A chart's drawing as TikZ: the five elements that our drawings are made of, in LaTeX's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from trainer.convert.charts.svg import WIDTH

_POINT = re.compile(r"[ML](-?[\d.]+) (-?[\d.]+)")
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
_SMALLEST = 7.0
"""Points of type below which nobody reads."""


def as_tikz(svg: str, escape: Callable[[str], str]) -> str:
    """The picture of a drawing by `draw`, as wide as the line; `escape` makes LaTeX of words."""
    root = ElementTree.fromstring(svg)  # noqa: S314  (made by ourselves a moment ago)
    width = float(root.get("viewBox", f"0 0 {WIDTH} 0").split()[2])
    lines = [line for element in root for line in _drawn(element, escape)]
    unit = f"{min(width / WIDTH, 1.0):.3f}\\linewidth/{width:g}"
    return "\n".join([f"\\begin{{tikzpicture}}[x={unit},y=-{unit}]", *lines, "\\end{tikzpicture}"])


def _drawn(element: ElementTree.Element, escape: Callable[[str], str]) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    number = {key: float(value) for key, value in element.items() if re.fullmatch(r"-?\d+(?:\.\d+)?", value)}
    if name == "rect":
        far = (number["x"] + number["width"], number["y"] + number["height"])
        yield f"\\fill[{_colour(element, 'fill')}] ({number['x']:g},{number['y']:g}) rectangle ({far[0]:g},{far[1]:g});"
    elif name == "line":
        start, end = (f"({number[f'x{at}']:g},{number[f'y{at}']:g})" for at in (1, 2))
        yield f"\\draw[line width=.4pt,{_colour(element, 'stroke')}] {start} -- {end};"
    elif name == "circle":
        radius = 0.7 * number["r"]
        yield f"\\fill[{_colour(element, 'fill')}] ({number['cx']:g},{number['cy']:g}) circle[radius={radius:g}pt];"
    elif name == "path":
        track = element.get("d", "")
        corners = " -- ".join(f"({x},{y})" for x, y in _POINT.findall(track))
        if track.endswith("Z"):
            yield f"\\fill[{_colour(element, 'fill')}] {corners} -- cycle;"
        else:
            yield f"\\draw[line width=1.1pt,{_colour(element, 'stroke')}] {corners};"
    elif name == "text":
        size = max(0.66 * number.get("font-size", 12), _SMALLEST)
        anchor = _ANCHORS[element.get("text-anchor", "start")]
        font = f"\\fontsize{{{size:.1f}}}{{{size * 1.2:.1f}}}\\selectfont"
        place = f"({number['x']:g},{number['y']:g})"
        words = escape(element.text or "")
        yield f"\\node[anchor={anchor},inner sep=0pt,font={font},{_colour(element, 'fill')}] at {place} {{{words}}};"


def _colour(element: ElementTree.Element, name: str) -> str:
    """An element's colour as TikZ takes it without a definition before."""
    red, green, blue = (int(element.get(name, "#000000")[at : at + 2], 16) for at in (1, 3, 5))
    opacity = f",opacity={element.get('fill-opacity')}" if element.get("fill-opacity") else ""
    return f"color={{rgb,255:red,{red};green,{green};blue,{blue}}}{opacity}"
