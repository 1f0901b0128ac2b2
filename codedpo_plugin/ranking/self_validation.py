"""Self-validation: code and tests vouch for each other, as in PageRank (CodeDPO, arXiv 2410.05605, eq. 3-4)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from codedpo_plugin.config import Section
from codedpo_plugin.ranking.numbers import round_significant
from codedpo_plugin.ranking.stacks import ScoreArrays, Stack, StackRanker

_LARGE: Final = 1e100


class SelfValidationParams(Section):
    """The parameters of ``self-validation``; defaults as in the paper."""

    damping: float = Field(0.85, ge=0, le=1, description="how much of a score comes from the other side")
    iterations: int = Field(10, ge=0, description="times both sides are updated")


def self_validation(link: NDArray[np.bool_], damping: float = 0.85, iterations: int = 10) -> ScoreArrays:
    """Return the scores of solutions and tests after a number of iterations.

    ``link`` has shape (…, solutions, tests) and is true where a solution passes a test; leading axes are problems
    of the same shape. All scores start at 1, and with ``d`` the damping both sides are updated at once::

        code_k(c) = (1-d) code_{k-1}(c) + d sum_t test_{k-1}(t) link(c,t)
        test_k(t) = (1-d) test_{k-1}(t) + d sum_c code_{k-1}(c) link(c,t)

    When scores grow large, solutions and tests of a problem are divided by one common power of two, which keeps
    their order and their ratios.
    """
    by_code = link.astype(np.float64)
    by_test = np.ascontiguousarray(np.swapaxes(by_code, -1, -2))
    codes = np.ones(link.shape[:-1])
    tests = np.ones((*link.shape[:-2], link.shape[-1]))
    for _ in range(iterations):
        from_tests = _sums(by_code * tests[..., None, :])
        from_codes = _sums(by_test * codes[..., None, :])
        codes = (1 - damping) * codes + damping * from_tests
        tests = (1 - damping) * tests + damping * from_codes
        largest = np.maximum(codes.max(axis=-1, initial=0.0), tests.max(axis=-1, initial=0.0))
        if largest.max(initial=0.0) > _LARGE:
            scale = np.exp2(-np.ceil(np.log2(np.where(largest > _LARGE, largest, 1.0))))[..., None]
            codes, tests = codes * scale, tests * scale
    return round_significant(codes), round_significant(tests)


def _sums(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over the last axis that are equal, to the last bit, for the same terms in any order.

    A plain sum, and a matrix product even more, depends on the order of the terms. Sorts ``products`` in place.
    """
    products.sort(axis=-1)
    total: NDArray[np.float64] = products.sum(axis=-1)
    return total


def _formula(stack: Stack, params: SelfValidationParams) -> ScoreArrays:
    return self_validation(stack.passed, params.damping, params.iterations)


rank: Final = StackRanker("self-validation", SelfValidationParams, _formula)
"""The ranker of the paper."""
