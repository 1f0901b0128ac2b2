"""Self-validation: code and tests vouch for each other, as in PageRank (CodeDPO, arXiv 2410.05605, eq. 3-4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking.numbers import round_significant
from codedpo_plugin.ranking.params import read_params
from codedpo_plugin.records import PassMatrix, Scores

NAME: Final = "self-validation"
DEFAULTS: Final[Mapping[str, Any]] = {"damping": 0.85, "iterations": 10}

_LARGE: Final = 1e100


def self_validation(
    link: NDArray[np.bool_], damping: float = 0.85, iterations: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores of solutions and tests after a number of iterations.

    ``link`` has shape (…, solutions, tests) and is true where a solution passes a test; leading axes are problems
    of the same shape. All scores start at 1, and with ``d`` the damping both sides are updated at once::

        code_k(c) = (1-d) code_{k-1}(c) + d sum_t test_{k-1}(t) link(c,t)
        test_k(t) = (1-d) test_{k-1}(t) + d sum_c code_{k-1}(c) link(c,t)

    When scores grow large, solutions and tests of a problem are divided by one common power of two, which keeps
    their order and their ratios.
    """
    weights = link.astype(np.float64)
    codes = np.ones(link.shape[:-1])
    tests = np.ones((*link.shape[:-2], link.shape[-1]))
    for _ in range(iterations):
        from_tests = _sums(weights * tests[..., None, :])
        from_codes = _sums(np.swapaxes(weights * codes[..., :, None], -1, -2))
        codes = (1 - damping) * codes + damping * from_tests
        tests = (1 - damping) * tests + damping * from_codes
        largest = np.maximum(codes.max(axis=-1, initial=0.0), tests.max(axis=-1, initial=0.0))
        if largest.max(initial=0.0) > _LARGE:
            scale = np.exp2(-np.ceil(np.log2(np.where(largest > _LARGE, largest, 1.0))))[..., None]
            codes, tests = codes * scale, tests * scale
    return round_significant(codes), round_significant(tests)


def _sums(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over the last axis that are equal, to the last bit, for the same terms in any order.

    A plain sum, and a matrix product even more, depends on the order of the terms and on the memory layout.
    """
    total: NDArray[np.float64] = np.sort(np.ascontiguousarray(products), axis=-1).sum(axis=-1)
    return total


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def rank(matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
    """Rank one problem. Parameters: ``damping`` in [0, 1], ``iterations`` >= 0."""
    chosen = read_params(NAME, params, DEFAULTS)
    damping, iterations = chosen["damping"], chosen["iterations"]
    if not (_is_number(damping) and 0 <= damping <= 1 and isinstance(iterations, int) and iterations >= 0):
        raise UsageError(
            f"{NAME}: damping must be in [0, 1] and iterations >= 0, got {damping!r} and {iterations!r}"
        )
    codes, tests = self_validation(matrix.passed, damping, iterations)
    return Scores(matrix.problem_id, NAME, codes, tests, chosen)
