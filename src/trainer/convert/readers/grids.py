"""Ruled tables on a page of a PDF: the grid that its lines and boxes make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_MOST_RULES = 4_000
"""Lines beyond which a page is a drawing."""
_NEAR = 2.5
"""Points within which rules meet."""
_THIN = 2.0
_SHORT = 8.0


@dataclass(frozen=True, slots=True)
class Grid:
    """The rules of a table: its columns from left to right, its rows from top to bottom."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def cells(self) -> list[list[tuple[float, float, float, float]]]:
        """The boxes of its cells, row by row: left, bottom, right, top."""
        return [
            [(left, bottom, right, top) for left, right in zip(self.columns, self.columns[1:], strict=False)]
            for top, bottom in zip(self.rows, self.rows[1:], strict=False)
        ]

    def holds(self, left: float, bottom: float, right: float, top: float) -> bool:
        """Whether the middle of a box lies in it."""
        across, up = (left + right) / 2, (bottom + top) / 2
        return self.columns[0] - 1 < across < self.columns[-1] + 1 and self.rows[-1] - 1 < up < self.rows[0] + 1


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line along one axis."""

    at: float
    start: float
    end: float


def find_grids(page: Any) -> list[Grid]:
    """The grids of a page with two rows and two columns at least, each rule of which runs from edge to edge."""
    level, upright = _rules(page)
    if not level or not upright:
        return []
    grids = []
    for group_level, group_upright in _groups(level, upright):
        columns, rows = _places(group_upright), _places(group_level)[::-1]
        if len(columns) > 2 and len(rows) > 2:
            grids.append(Grid(tuple(columns), tuple(rows)))
    return grids


def _rules(page: Any) -> tuple[list[_Rule], list[_Rule]]:
    """The level and the upright rules: thin shapes, and the edges of boxes."""
    from pypdfium2 import raw

    level: list[_Rule] = []
    upright: list[_Rule] = []
    for shape in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=4):
        if len(level) + len(upright) > _MOST_RULES:
            return [], []
        left, bottom, right, top = shape.get_bounds()
        width, height = right - left, top - bottom
        if height <= _THIN and width >= _SHORT:
            level.append(_Rule((top + bottom) / 2, left, right))
        elif width <= _THIN and height >= _SHORT:
            upright.append(_Rule((left + right) / 2, bottom, top))
        elif width >= _SHORT and height >= _SHORT and 4 <= raw.FPDFPath_CountSegments(shape) <= 6:
            level += [_Rule(top, left, right), _Rule(bottom, left, right)]
            upright += [_Rule(left, bottom, top), _Rule(right, bottom, top)]
    return level, upright


def _groups(level: Sequence[_Rule], upright: Sequence[_Rule]) -> list[tuple[list[_Rule], list[_Rule]]]:
    """The rules that cross or touch one another, directly or by others."""
    groups: list[tuple[list[_Rule], list[_Rule]]] = []
    waiting = set(range(len(upright)))
    left = set(range(len(level)))
    while left:
        first = left.pop()
        mine_level, mine_upright, edge = [first], list[int](), [("level", first)]
        while edge:
            kind, index = edge.pop()
            if kind == "level":
                touched = [other for other in waiting if _touch(level[index], upright[other])]
                waiting.difference_update(touched)
                mine_upright += touched
                edge += [("upright", other) for other in touched]
            else:
                touched = [other for other in left if _touch(level[other], upright[index])]
                left.difference_update(touched)
                mine_level += touched
                edge += [("level", other) for other in touched]
        groups.append(([level[at] for at in mine_level], [upright[at] for at in mine_upright]))
    return groups


def _touch(level: _Rule, upright: _Rule) -> bool:
    return (
        level.start - _NEAR <= upright.at <= level.end + _NEAR
        and upright.start - _NEAR <= level.at <= upright.end + _NEAR
    )


def _places(rules: Sequence[_Rule]) -> list[float]:
    """Where rules stand, those within a few points of each other as one."""
    places: list[float] = []
    for at in sorted(rule.at for rule in rules):
        if not places or at - places[-1] > _NEAR * 1.6:
            places.append(at)
    return places
