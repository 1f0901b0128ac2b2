"""The rankers self-validation is compared with (CodeDPO, arXiv 2410.05605, table 5)."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from codedpo_plugin.config import Section
from codedpo_plugin.ranking.params import NoParams
from codedpo_plugin.ranking.stacks import ScoreArrays, Stack, StackRanker


class RandomParams(Section):
    """The parameters of ``random``."""

    seed: int = Field(0, description="the run's seed unless given")


def _all_tests(stack: Stack, params: NoParams) -> ScoreArrays:  # noqa: ARG001 - a formula's signature
    problems, _, tests = stack.passed.shape
    codes = np.asarray(stack.passed.all(axis=2), np.float64)
    return codes, np.ones((problems, tests))


def _pass_count(stack: Stack, params: NoParams) -> ScoreArrays:  # noqa: ARG001 - idem
    return stack.passed.sum(axis=2, dtype=np.float64), stack.passed.sum(axis=1, dtype=np.float64)


def _random(stack: Stack, params: RandomParams) -> ScoreArrays:
    _, rows, columns = stack.passed.shape
    drawn = np.array([_draw(f"{params.seed}:{name}", rows + columns) for name in stack.problem_ids])
    return drawn[:, :rows], drawn[:, rows:]


def _draw(key: str, count: int) -> NDArray[np.float64]:
    """Return so many random numbers that depend on a key alone."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).random(count)


all_tests: Final = StackRanker("all-tests", NoParams, _all_tests)
"""Scores a solution 1 if it passes every test and 0 otherwise; believes all tests alike."""

pass_count: Final = StackRanker("pass-count", NoParams, _pass_count)
"""Scores a solution by the tests it passes, and a test by the solutions that pass it."""

random: Final = StackRanker("random", RandomParams, _random)
"""Scores at random: reproducible from ``seed`` and the problem's id, whatever the order of problems."""
