"""The heat map: every cell once, in its place, in the colour of its verdict."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from codedpo_plugin.records import PairKind
from codedpo_plugin.report.heatmap import CELL, Layout, heat_map
from codedpo_plugin.report.problems import MatrixView, Role, Row

from .support import classed, parse, view


def squares(drawing, css: str) -> list[tuple[int, int, int]]:
    """Return column, row and length, in cells, of what a path draws."""
    (path,) = classed(drawing, css)
    found = re.findall(r"M([\d.]+) ([\d.]+)h(\d+)v", path.get("d"))
    left, top = (float(parse(drawing).get(f"data-{side}")) for side in ("left", "top"))
    return [((float(x) - left) // CELL, (float(y) - top) // CELL, math.ceil(int(w) / CELL)) for x, y, w in found]


def test_a_heat_map_draws_every_cell_once_in_the_colour_of_its_verdict():
    drawn = heat_map(view("PPF", "-TP").matrix, "label")
    assert squares(drawn, "v-pass") == [(0, 0, 1), (1, 0, 1), (2, 1, 1)]
    assert squares(drawn, "v-fail") == [(2, 0, 1)]
    assert squares(drawn, "v-not_run") == [(0, 1, 1)]
    assert squares(drawn, "v-timeout") == [(1, 1, 1)]
    assert classed(drawn, "v-error") == []
    assert parse(drawn).get("data-letters") == "PPF-TP"


def test_neighbours_of_a_large_heat_map_are_one_rectangle():
    cells = np.zeros((50, 50), np.uint8)
    cells[3, 10:20] = 1
    rows = tuple(Row(i + 1, 1.0, 50) for i in range(50))
    drawn = heat_map(MatrixView(cells, rows, rows), "label")
    assert squares(drawn, "v-fail") == [(10, 3, 10)]
    assert [square for square in squares(drawn, "v-pass") if square[1] == 3] == [(0, 3, 10), (20, 3, 30)]


def test_chosen_and_rejected_solutions_are_marked_in_their_rows():
    matrix = view("P", "F").matrix
    best, _ = matrix.solutions
    roles = (
        Row(best.number, 2.0, 1, roles=(Role("chosen", PairKind.CORRECTNESS), Role("chosen", PairKind.EFFICIENCY))),
        Row(2, 1.0, 0, roles=(Role("rejected", PairKind.CORRECTNESS),)),
    )
    drawn = heat_map(MatrixView(matrix.verdicts, roles, matrix.tests), "label")
    assert len(classed(drawn, "chosen")) == len(classed(drawn, "rejected")) == 1


@pytest.mark.parametrize("scores", [(0.0, 0.0), (-1.0, -5.0), (1e308, 1e-308), (math.inf, 1.0)])
def test_scores_of_any_size_have_bars(scores):
    matrix = view("P", "F").matrix
    rows = tuple(Row(k + 1, score, 0) for k, score in enumerate(scores))
    drawn = heat_map(MatrixView(matrix.verdicts, rows, matrix.tests), "label")
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_a_matrix_without_tests_is_a_picture_without_cells():
    drawn = heat_map(MatrixView(np.zeros((2, 0), np.uint8), (Row(1, 1.0, 0), Row(2, 1.0, 0)), ()), "label")
    assert not [element for element in parse(drawn).iter() if element.get("class", "").startswith("v-")]


def test_what_is_around_the_cells_grows_with_a_large_matrix():
    small, large = Layout(15, 15), Layout(100, 50)
    assert (small.left, small.scale) == (16, 1)
    assert large.left == 4 * small.left
    assert large.longest[0] == 4 * small.longest[0]
