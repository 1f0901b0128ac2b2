"""The rankers self-validation is compared with (CodeDPO, arXiv 2410.05605, table 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from codedpo_plugin.ranking.params import read_params
from codedpo_plugin.records import PassMatrix, Scores


def all_tests(matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
    """Score a solution 1 if it passes every test and 0 otherwise; believe all tests alike."""
    chosen = read_params("all-tests", params, {})
    codes = np.asarray(matrix.passed.all(axis=1), np.float64)
    return Scores(matrix.problem_id, "all-tests", codes, np.ones(matrix.verdicts.shape[1]), chosen)


def pass_count(matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
    """Score a solution by the tests it passes, and a test by the solutions that pass it."""
    chosen = read_params("pass-count", params, {})
    passed = matrix.passed.astype(np.float64)
    return Scores(matrix.problem_id, "pass-count", passed.sum(axis=1), passed.sum(axis=0), chosen)


def random(matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
    """Score at random: reproducible from ``seed`` and the problem's id, whatever the order of problems."""
    chosen = read_params("random", params, {"seed": 0})
    key = hashlib.sha256(f"{chosen['seed']}:{matrix.problem_id}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(key[:8], "big"))
    rows, columns = matrix.verdicts.shape
    return Scores(matrix.problem_id, "random", generator.random((rows,)), generator.random((columns,)), chosen)
