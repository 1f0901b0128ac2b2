"""What the calibrated model looks at: how far a solution is agreed with, its posterior, and the size of the matrix.

The posterior alone will not do. It takes every solution and test for evidence of its own, but wrong solutions and
wrong tests come from one misunderstanding of the prompt and agree with one another; and it knows no problem in
which no solution is right.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.ranking.bayes import log_posterior

FEATURES: Final = ("hardest_test", "support", "posterior", "n_solutions", "n_tests", "same_row")
"""Names of the features, in the order of :func:`pair_features`."""

_FARTHEST: Final = 12.0
"""Log odds beyond this say nothing more."""


def pair_features(passed: NDArray[np.bool_], chosen: int, rejected: int) -> NDArray[np.float64]:
    """Return the features of a pair of solutions, given the pass matrix of shape (solutions, tests).

    * the log of the share of solutions that pass the hardest of the tests that the chosen one passes: a test that
      many solutions pass is either right or a misunderstanding that many share, one that few pass proves nothing;
    * the log odds that a solution passes exactly the same tests as the chosen one;
    * the log odds of the chosen solution under the posterior of ``bayes`` with its default priors;
    * the logs of the numbers of solutions and tests;
    * 1 if both solutions pass the same tests, else 0.
    """
    n_solutions, n_tests = passed.shape
    row = passed[chosen]
    same = (passed == row).all(axis=1)
    hardest = passed[:, row].sum(axis=0).min(initial=n_solutions) if row.any() else 0
    return np.array(
        [
            np.log((hardest + 1) / (n_solutions + 1)),
            np.log((same.sum() + 1) / (n_solutions - same.sum() + 1)),
            _log_odds(float(log_posterior(passed)[chosen])),
            np.log(n_solutions),
            np.log(n_tests),
            float(same[rejected]),
        ]
    )


def feature_bounds(n_solutions: int, n_tests: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the greatest features that a correctness pair can have in a matrix of a size.

    Its solutions do not pass the same tests, so at most all solutions but one pass those of the chosen one.
    """
    n, size = n_solutions, [np.log(n_solutions), np.log(n_tests), 0.0]
    least = np.array([np.log(1 / (n + 1)), np.log(2 / n), -_FARTHEST, *size])
    greatest = np.array([0.0, np.log(n / 2), _FARTHEST, *size])
    return least, greatest


def _log_odds(log_probability: float) -> float:
    """Return the log odds of a log probability, within bounds."""
    rest = -np.expm1(min(log_probability, -1e-12))
    return float(np.clip(log_probability - np.log(rest), -_FARTHEST, _FARTHEST))
