"""The posterior over consistency sets: which solutions and tests are right, given who passes what.

After B4 (arXiv 2409.08692). If a solution is right, so are the tests it passes, and exactly those; all solutions
that pass the same tests are right with it. So each distinct row of the pass matrix is one hypothesis: its solutions
and the tests they pass are right, all others wrong. How many solutions and tests are right, how often a wrong
solution passes a right test and how often a wrong test, are unknown rates with Beta priors, integrated out::

    P(row | matrix) ∝ B(n + a_n, N-n + b_n) · B(m + a_m, M-m + b_m)
                      · B(k1 + a_1, n1-k1 + b_1) · B(k0 + a_0, n0-k0 + b_0)

with B the Beta function, n of N solutions and m of M tests in the set, and k1 of n1 cells of the other solutions
passing on the set's tests, k0 of n0 on the other tests.

That each cell is evidence of its own is not true of what a model writes. Its tests are variants of one another:
tests that the same solutions pass are counted as ``k ** repeats`` tests where there are k. And its wrong solutions
agree with its wrong tests, in small matrices as in large ones: that they seldom do is a prior worth ``rarity``
cells per cell of the matrix, which no number of cells outweighs.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from codedpo_plugin.config import Section
from codedpo_plugin.ranking.codet import agreement
from codedpo_plugin.ranking.numbers import round_significant
from codedpo_plugin.ranking.stacks import ScoreArrays, Stack, StackRanker

Positive: TypeAlias = Annotated[float, Field(gt=0)]
Beta: TypeAlias = tuple[Positive, Positive]
Floats: TypeAlias = NDArray[np.float64]


class BayesParams(Section):
    """The parameters of ``bayes``: the Beta priors, each as (a, b) with mean a / (a + b), and the count of repeats.

    How the defaults were chosen is told in ``docs/results/rankers.md``.
    """

    solutions: Beta = Field((1.0, 1.0), description="share of the solutions that are right")
    tests: Beta = Field((1.0, 1.0), description="share of the tests that are right")
    wrong_on_right: Beta = Field((1.0, 1.0), description="how often a wrong solution passes a right test")
    wrong_on_wrong: Beta = Field((1.0, 1.0), description="how often a wrong solution passes a wrong test")
    rarity: float = Field(3.0, ge=0, description="b of wrong_on_wrong grows by this per cell: it is rare")
    repeats: float = Field(0.5, ge=0, le=1, description="k tests passed by the same solutions count as k**repeats")


DEFAULTS: Final = BayesParams()


def log_posterior(passed: NDArray[np.bool_], params: BayesParams = DEFAULTS) -> Floats:
    """Return the log of the posterior probability that a solution is right, for each solution.

    ``passed`` has shape (…, solutions, tests). The probabilities of the distinct rows of a problem sum to one: that
    no solution is right is not among the hypotheses. Solutions with equal rows are equal to the last bit.
    """
    _, alike = agreement(np.swapaxes(passed, -1, -2))
    weights = alike.sum(axis=-1) ** (params.repeats - 1.0)  # of tests
    _, same = agreement(passed)
    evidence = _log_evidence(passed * weights[..., None, :], passed, same, weights.sum(axis=-1), params)
    # Rows that are equal may differ in the last bits of their sums.
    evidence = np.where(same, evidence[..., None, :], -np.inf).max(axis=-1, initial=-np.inf)
    highest = evidence.max(axis=-1, initial=-np.inf, keepdims=True)
    with np.errstate(divide="ignore"):  # of a problem without solutions
        total = np.log((np.exp(evidence - highest) / same.sum(axis=-1)).sum(axis=-1, keepdims=True))
    return round_significant(evidence - highest - total)


def _log_evidence(
    weighted: Floats, passed: NDArray[np.bool_], same: NDArray[np.bool_], tests: Floats, params: BayesParams
) -> Floats:
    """Return the log of the right-hand side above for each solution's row, up to a constant of the problem."""
    from scipy.special import betaln

    others = ~same
    common = weighted @ np.swapaxes(passed, -1, -2).astype(np.float64)  # of two solutions' tests
    count, all_tests = weighted.sum(axis=-1), tests[..., None]
    in_set, outside = same.sum(axis=-1), others.sum(axis=-1)
    on_right = (others * common).sum(axis=-1)
    on_wrong = (others * count[..., None, :]).sum(axis=-1) - on_right
    (wrong_a, wrong_b), cells = params.wrong_on_wrong, passed.shape[-2] * all_tests
    parts = (
        (in_set, outside, params.solutions),
        (count, all_tests - count, params.tests),
        (on_right, outside * count - on_right, params.wrong_on_right),
        (on_wrong, outside * (all_tests - count) - on_wrong, (wrong_a, wrong_b + params.rarity * cells)),
    )
    total: Floats = sum(betaln(np.maximum(k, 0) + a, np.maximum(rest, 0) + b) for k, rest, (a, b) in parts)
    return total


def _formula(stack: Stack, params: BayesParams) -> ScoreArrays:
    codes = log_posterior(stack.passed, params)
    _, same = agreement(stack.passed)
    share = np.exp(codes) / same.sum(axis=2)
    return codes, round_significant((share[:, :, None] * stack.passed).sum(axis=1))


rank: Final = StackRanker("bayes", BayesParams, _formula)
"""Scores a solution by the log of its posterior probability, and a test by its posterior probability."""
