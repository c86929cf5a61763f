"""What Office draws: charts by the numbers they hold, and diagrams by their words, as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from trainer.convert.readers.package import Package, Relationship, child, children, local


def drawn_parts(package: Package, relations: dict[str, Relationship], identifiers: set[str]) -> list[str]:
    """The charts and diagrams behind some identifiers of a part, as HTML, in the order of their parts' names."""
    pieces = []
    for relation in sorted(
        {relations[name] for name in identifiers if name in relations}, key=lambda one: (one.kind, one.target)
    ):
        if relation.external or relation.target not in package:
            continue
        if relation.kind == "chart":
            pieces.append(_chart(package.xml(relation.target)))
        elif relation.kind == "diagramData":
            pieces.append(_diagram(package.xml(relation.target)))
    return [piece for piece in pieces if piece]


def paragraphs_of_drawing(root: Any) -> list[str]:
    """The words of each paragraph of DrawingML below an element."""
    return [words for paragraph in root.iter("{*}p") if (words := _words(paragraph))]


def _words(element: Any) -> str:
    pieces = (part.text or "" if local(part) == "t" else " " for part in element.iter("{*}t", "{*}br", "{*}tab"))
    return "".join(pieces).strip()


def _diagram(root: Any) -> str:
    items = [f"<li>{escape(words)}</li>" for words in paragraphs_of_drawing(root)]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _chart(root: Any) -> str:
    """A chart's title, and a table of its categories and series."""
    titles = [_words(title) for title in root.iter("{*}title")]
    series = []
    for one in root.iter("{*}ser"):
        name = child(one, "tx")
        labels = child(one, "cat") if child(one, "cat") is not None else child(one, "xVal")
        values = child(one, "val") if child(one, "val") is not None else child(one, "yVal")
        series.append((" ".join(_points(name).values()), _points(labels), _points(values)))
    caption = "".join(f"<p>{escape(title)}</p>" for title in titles if title)
    if not series:
        return caption
    positions = sorted({position for _, labels, values in series for position in (*labels, *values)})
    labels = {position: label for _, one, _ in reversed(series) for position, label in one.items()}
    head = ["", *(name for name, _, _ in series)]
    rows = [
        [labels.get(position, ""), *(values.get(position, "") for _, _, values in series)] for position in positions
    ]
    return caption + table_html([[escape(cell) for cell in row] for row in (head, *rows)])


def _points(element: Any | None) -> dict[int, str]:
    """The cached points of a series by their position."""
    if element is None:
        return {}
    points = {}
    for point in element.iter("{*}pt"):
        value = child(point, "v")
        index = point.get("idx", "")
        if value is not None and value.text and index.isdecimal() and len(index) < 8:
            points[int(index)] = value.text.strip()
    plain = next(children(element, "v"), None)
    return points or ({0: plain.text} if plain is not None and plain.text else {})


def table_html(rows: list[list[str]]) -> str:
    """A table of cells that are HTML."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>" if rows else ""
