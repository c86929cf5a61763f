"""Tables of LaTeX documents: longtables whose columns have the widths of the tables of PDFs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainer.convert.widths import PORTRAIT, column_shares, column_widths, fit

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_ROOMY = 70.0
"""Letters of a table that may have larger type."""
_LINES = 30
"""How high a row may become."""


def longtable(
    words: Sequence[Sequence[str]],
    cells: Sequence[Sequence[str]],
    aligns: Sequence[str],
    title: str,
    *,
    small: bool = False,
) -> str:
    """A table over the whole line; its head is repeated on every page, its title stands over the first.

    `small` asks for small type even where it is not needed, so that all parts of a wide table look alike.
    """
    count = len(cells[0])
    columns = "".join(
        f"{align}{{\\dimexpr {0.998 * share:.4f}\\linewidth-2\\tabcolsep\\relax}}"
        for align, share in zip(aligns, column_shares(words), strict=False)
    )
    head = " & ".join(f"\\textbf{{{cell}}}" if cell else "" for cell in cells[0]) + "\\\\\n\\midrule\n"
    top = f"\\multicolumn{{{count}}}{{@{{}}L{{0.99\\linewidth}}@{{}}}}{{{title}}}\\\\[2pt]\n" if title else ""
    rows = (piece for row in cells[1:] for piece in _pieces([*row, *[""] * (count - len(row))], words))
    body = "\n".join(f"{' & '.join(row)}\\\\" for row in rows)
    return (
        f"{{{_type(words, small=small)}\\atmargin\n\\begin{{longtable}}{{{columns}}}\n"
        f"{top}\\toprule\n{head}\\endfirsthead\n"
        f"\\toprule\n{head}\\endhead\n{body}\n\\bottomrule\n\\end{{longtable}}}}\n"
    )


def _pieces(row: Sequence[str], words: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """The row, or as many as it takes so that none is higher than a page: LaTeX breaks no row."""
    rooms = [_LINES * PORTRAIT * share for share in column_shares(words)]
    if all(len(cell) <= room for cell, room in zip(row, rooms, strict=True)):
        yield list(row)
        return
    parts = [_parts(cell, int(room)) for cell, room in zip(row, rooms, strict=True)]
    for at in range(max(map(len, parts))):
        yield [part[at] if at < len(part) else "" for part in parts]


def _parts(cell: str, room: int) -> list[str]:
    """The cell's LaTeX cut at spaces outside of all braces and formulas, about every `room` letters."""
    parts, start, depth, in_formula = [], 0, 0, False
    for at, letter in enumerate(cell):
        if cell[at - 1 : at] == "\\":
            continue
        depth += (letter == "{") - (letter == "}")
        in_formula ^= letter == "$"
        if letter == " " and not depth and at - start > room and not in_formula:
            parts.append(cell[start:at])
            start = at + 1
    return [*parts, cell[start:]]


def column_kind(cell: SyntaxTreeNode) -> str:
    """How a column's words stand: left, right or in the middle."""
    if cell.attrs.get("class") == "num":
        return "R"
    return "C" if cell.attrs.get("style") == "text-align:center" else "L"


def _type(words: Sequence[Sequence[str]], *, small: bool) -> str:
    if small or fit(words):
        return "\\scriptsize\\setlength{\\tabcolsep}{1.5pt}"
    size = "\\small" if sum(column_widths(words)) <= _ROOMY else "\\footnotesize"
    return f"{size}\\setlength{{\\tabcolsep}}{{4pt}}"
