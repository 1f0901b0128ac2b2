"""A pass matrix as a heat map: a square a cell, in the colour of its verdict, with the scores as bars beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from codedpo_plugin.records import Verdict
from codedpo_plugin.report.problems import MatrixView, Role
from codedpo_plugin.report.svg import join, number, tag

CELL: Final = 10
"""Units of a cell."""
PIXELS: Final = 2.2
"""Of a unit, where there is room."""
MOST_APART: Final = 1_600
"""Cells of a matrix in which they stand apart; in a larger one they touch."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a heat map are, in units. What is around the cells grows with them."""

    rows: int
    columns: int

    @property
    def scale(self) -> float:
        """Return how much larger things are than for a matrix of the usual size."""
        return max(1.0, max(self.rows, self.columns) / 25)

    @property
    def left(self) -> float:
        """Return the width of the marks left of the cells."""
        return 16 * self.scale

    @property
    def top(self) -> float:
        """Return the height of the tests' scores above the cells."""
        return 34 * self.scale

    @property
    def right(self) -> float:
        """Return where the cells end and the solutions' scores begin."""
        return self.left + self.columns * CELL + 4 * self.scale

    @property
    def longest(self) -> tuple[float, float]:
        """Return the lengths of the highest scores: of a solution, of a test."""
        return 42 * self.scale, 26 * self.scale

    @property
    def size(self) -> tuple[float, float]:
        """Return width and height."""
        return self.right + self.longest[0] + 2, self.top + self.rows * CELL + 2

    def x(self, column: float) -> str:
        """Return the left side of a column."""
        return number(self.left + column * CELL)

    def y(self, row: float) -> str:
        """Return the upper side of a row."""
        return number(self.top + row * CELL)


def heat_map(matrix: MatrixView, label: str) -> Markup:
    """Return the drawing; its ``data-`` attributes tell the page's script where which cell is, and its verdict."""
    rows, columns = matrix.verdicts.shape
    layout = Layout(rows, columns)
    width, height = layout.size
    marks = (_marks(layout, row, solution.roles) for row, solution in enumerate(matrix.solutions))
    cursor = tag("rect", class_="cursor", width=CELL, height=CELL, visibility="hidden")
    places = {"data_rows": rows, "data_columns": columns, "data_cell": CELL}
    return tag(
        "svg",
        *_cells(layout, matrix),
        *_score_bars(layout, matrix),
        *marks,
        cursor,
        class_="heat",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=PIXELS * width,
        height=PIXELS * height,
        data_left=layout.left,
        data_top=layout.top,
        data_letters="".join(matrix.letters),
        **places,
    )


def _cells(layout: Layout, matrix: MatrixView) -> list[Markup]:
    """Return one path for all cells of a verdict."""
    gap = 1 if matrix.verdicts.size <= MOST_APART else 0
    found = []
    for verdict in Verdict:
        held = (matrix.verdicts == verdict).tolist()
        runs = [
            _square(layout, row, *run, gap) for row, own in enumerate(held) for run in _runs(own, joined=not gap)
        ]
        if runs:
            found.append(tag("path", class_=f"v-{verdict.name.lower()}", d="".join(runs)))
    return found


def _runs(held: Sequence[bool], *, joined: bool) -> list[tuple[int, int]]:
    """Return start and end of the cells of a row that are held; neighbours as one if they are joined."""
    if not joined:
        return [(column, column + 1) for column, here in enumerate(held) if here]
    edges = [k for k, (a, b) in enumerate(zip([False, *held], [*held, False], strict=True)) if a != b]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _square(layout: Layout, row: int, start: int, end: int, gap: int) -> str:
    width = (end - start) * CELL - gap
    return f"M{layout.x(start)} {layout.y(row)}h{width}v{CELL - gap}h-{width}z"


def _score_bars(layout: Layout, matrix: MatrixView) -> list[Markup]:
    """Return the scores of solutions to the right, of tests upwards."""
    across = _lengths([row.score for row in matrix.solutions], layout.longest[0])
    up = _lengths([row.score for row in matrix.tests], layout.longest[1])
    right, foot = number(layout.right), number(layout.top - 4 * layout.scale)
    bars = [f"M{right} {layout.y(row)}h{x}v{CELL - 1}h-{x}z" for row, x in enumerate(across)]
    bars += [f"M{layout.x(column)} {foot}v-{y}h{CELL - 1}v{y}z" for column, y in enumerate(up)]
    return [tag("path", class_="score", d="".join(bars))]


def _lengths(scores: Sequence[float], longest: float) -> list[str]:
    """Return scores as lengths: the highest is the longest, 0 (or the lowest, if that is negative) is nothing."""
    low = min(0.0, *scores) if scores else 0.0
    span = max(scores, default=0.0) - low
    usable = span > 0 and math.isfinite(span)
    return [number(longest * ((score - low) / span) if usable else 0.0) for score in scores]


def _marks(layout: Layout, row: int, roles: Sequence[Role]) -> Markup:
    """Return a triangle for a chosen solution, a bar for a rejected one."""
    unit, middle = layout.scale, layout.y(row + 0.45)
    left, wide, half = (number(k * unit) for k in (4, 8, 4.5))
    shapes = {
        "chosen": f"M{left} {middle}v-{half}l{wide} {half}l-{wide} {half}z",
        "rejected": f"M{left} {middle}v-{number(1.5 * unit)}h{wide}v{number(3 * unit)}h-{wide}z",
    }
    names = sorted({role.name for role in roles})
    return join(*(tag("path", class_=f"role {name}", d=shapes[name]) for name in names))
