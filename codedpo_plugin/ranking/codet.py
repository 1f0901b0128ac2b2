"""Dual execution agreement: solutions that pass the same tests vouch for one another (CodeT, arXiv 2207.10397).

The solutions with one row of the pass matrix are a consensus set. Its score is the number of tests it passes times
the square root of the number of its solutions (the form the paper's experiments use).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.ranking.params import NoParams
from codedpo_plugin.ranking.stacks import ScoreArrays, Stack, StackRanker


def agreement(passed: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what solutions have in common, for pass matrices of shape (…, solutions, tests).

    First the number of tests that both of two solutions pass, then whether they pass the same ones; both of shape
    (…, solutions, solutions).
    """
    weights = passed.astype(np.float64)
    common = weights @ np.swapaxes(weights, -1, -2)
    count = weights.sum(axis=-1)
    return common, (common == count[..., :, None]) & (common == count[..., None, :])


def _formula(stack: Stack, params: NoParams) -> ScoreArrays:  # noqa: ARG001 - a formula's signature
    _, same = agreement(stack.passed)
    codes = stack.passed.sum(axis=2) * np.sqrt(same.sum(axis=2))
    tests = np.where(stack.passed, codes[:, :, None], 0.0).max(axis=1, initial=0.0)
    return codes, tests


rank: Final = StackRanker("codet", NoParams, _formula)
"""Scores a solution by its consensus set, and a test by the best set that passes it, which CodeT leaves open."""
