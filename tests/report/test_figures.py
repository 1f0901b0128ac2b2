"""The charts of the page: numbers, names, and the table that says the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from codedpo_plugin.evaluation.speed import BY, Outcome
from codedpo_plugin.records import PairKind
from codedpo_plugin.report.convergence import Convergence
from codedpo_plugin.report.figures import (
    MOST_BINS,
    confidence_figure,
    convergence_figures,
    logprob_figure,
    margin_figure,
    pair_speed_figure,
    speed_edges,
    speed_figure,
    trajectory_figure,
)
from codedpo_plugin.report.logprobs import LogProbability
from codedpo_plugin.report.problems import MatrixView, Role, Row
from codedpo_plugin.report.suites import Speed, SuiteFacts

from .support import view


def test_nothing_to_show_is_no_figure():
    assert speed_figure(SuiteFacts("micro")) is None
    assert speed_figure(SuiteFacts("micro", speeds=(Speed("p", Outcome.NOT_MEASURED, None),))) is None
    assert pair_speed_figure([]) is None
    assert margin_figure([], "a − b") is None
    assert confidence_figure({}) is None
    assert logprob_figure([]) is None
    assert trajectory_figure(view("P", trajectory=None)) is None
    assert trajectory_figure(view("P", trajectory=np.ones((1, 1)))) is None


@pytest.mark.parametrize("ratios", [[1.0], [0.5, 3.0], [1e-9, 1e9], [1.09]])
def test_the_bins_of_speeds_have_what_is_within_ten_percent_in_their_middle(ratios):
    edges = speed_edges(ratios)
    middle = edges.index(pytest.approx(BY))
    assert edges[middle - 1] == pytest.approx(1 / BY)
    assert len(edges) <= 2 * MOST_BINS + 2
    assert all(edges[0] <= ratio <= edges[-1] for ratio in ratios if BY**-40 < ratio < BY**40)


def test_speeds_are_counted_by_outcome():
    speeds = (
        Speed("a", Outcome.FASTER, 2.0),
        Speed("b", Outcome.FASTER, 2.0),
        Speed("c", Outcome.SLOWER, 0.5),
        Speed("d", Outcome.SAME, 1.0),
    )
    figure = speed_figure(SuiteFacts("micro", speeds=speeds))
    assert figure is not None
    assert figure.header == ("speedup", "faster", "slower", "same")
    assert [row[1:] for row in figure.rows] == [("0", "1", "0"), ("0", "0", "1"), ("2", "0", "0")]
    assert figure.rows[1][0] == "0.91× – 1.10×"
    assert [name for _, name in figure.legend] == ["faster", "slower", "same"]


def test_a_speed_beyond_the_last_bin_is_counted_in_it():
    figure = pair_speed_figure([1.2, 1e6])
    assert figure is not None
    assert [row[1] for row in figure.rows] == ["1", "1"]


def test_margins_and_confidences_are_binned_with_their_ends():
    margins = margin_figure([0.0, 0.04, 1.0], "a − b")
    assert margins is not None
    assert margins.axis == "a − b"
    assert margins.rows == (("0.00 – 0.05", "2"), ("0.95 – 1.00", "1"))
    assert margins.legend == ()
    confidences = confidence_figure({PairKind.CORRECTNESS: (0.5,), PairKind.EFFICIENCY: (0.5, 0.9)})
    assert confidences is not None
    assert confidences.rows[0] == ("0.50 – 0.55", "1", "1")
    assert [name for _, name in confidences.legend] == ["correctness", "efficiency"]


def test_the_curves_of_convergence_have_their_tables():
    found = Convergence(2, 5, ((0.1, 0.2, 0.4), (0.0, 0.001, 0.01)), (0.25, 0.5, 1.0))
    change, settled = convergence_figures(found)
    assert change.rows == (("1", "0.1", "0.2", "0.4"), ("2", "0", "0.001", "0.01"))
    assert "10⁻³" in change.drawing
    assert settled.rows == (("0", "0.250"), ("1", "0.500"), ("2", "1.000"))


def test_scores_that_never_move_can_be_drawn():
    change, _ = convergence_figures(Convergence(1, 1, ((0.0, 0.0, 0.0),), (1.0, 1.0)))
    assert "nan" not in change.drawing


def test_log_probabilities_have_a_line_a_kind_and_gaps_in_the_table():
    records = [
        LogProbability(0, "correct", -1.0, 4),
        LogProbability(10, "correct", -0.5, 4),
        LogProbability(0, "mystery", -2.0, 4),
    ]
    figure = logprob_figure(records)
    assert figure is not None
    assert figure.header == ("step", "correct", "mystery")
    assert figure.rows == (("0", "-1", "-2"), ("10", "-0.5", "–"))
    assert figure.legend == (("l-correct", "correct"), ("l-other", "mystery"))


def test_one_step_of_training_can_be_drawn():
    figure = logprob_figure([LogProbability(3, "correct", -1.0, 1)])
    assert figure is not None
    assert "nan" not in figure.drawing


def test_equal_trajectories_are_drawn_once_with_the_role_of_any_of_them():
    problem = view("PP", "PP", "FF")
    first, second, _ = problem.matrix.solutions
    rows = (
        first,
        Row(2, second.score, 2, roles=(Role("chosen", PairKind.CORRECTNESS),)),
        Row(3, 0.0, 0, roles=(Role("rejected", PairKind.CORRECTNESS),)),
    )
    matrix = MatrixView(problem.matrix.verdicts, rows, problem.matrix.tests)
    figure = trajectory_figure(view("PP", "PP", "FF", matrix=matrix))
    assert figure is not None
    assert figure.drawing.count('class="curve chosen"') == 1
    assert figure.drawing.count('class="curve rejected"') == 1
    assert figure.drawing.count('class="curve other"') == 0
    assert [row[0] for row in figure.rows] == ["1", "2", "3"]
    assert not math.isnan(float(figure.rows[0][1]))
