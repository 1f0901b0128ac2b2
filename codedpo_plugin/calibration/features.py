"""What the calibrated model looks at: how far a solution is agreed with, how many solutions pass nothing, and the
size of the matrix.

The posterior of ``bayes`` is not among it. It takes every solution and test for evidence of its own, but wrong
solutions and wrong tests come from one misunderstanding of the prompt and agree with one another; and it knows no
problem in which no solution is right.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FEATURES: Final = ("hardest_test", "support", "silent", "n_solutions", "n_tests", "same_row")
"""Names of the features, in the order of :func:`pair_features`."""


def pair_features(passed: NDArray[np.bool_], chosen: int, rejected: int) -> NDArray[np.float64]:
    """Return the features of a pair of solutions, given the pass matrix of shape (solutions, tests).

    * the log of the share of solutions that pass the hardest of the tests that the chosen one passes: a test that
      many solutions pass is either right or a misunderstanding that many share, one that few pass proves nothing;
    * the log odds that a solution passes exactly the same tests as the chosen one;
    * the log odds that a solution passes no test at all: where most pass none, the best one may be wrong, too;
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
            _log_odds(int(same.sum()), n_solutions),
            _log_odds(int((~passed.any(axis=1)).sum()), n_solutions),
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
    least = np.array([np.log(1 / (n + 1)), _log_odds(1, n), _log_odds(0, n), *size])
    greatest = np.array([0.0, _log_odds(n - 1, n), _log_odds(n - 1, n), *size])
    return least, greatest


def _log_odds(count: int, of: int) -> float:
    """Return the log odds of a share, one more counted on either side."""
    return float(np.log((count + 1) / (of - count + 1)))
