"""Believing no solution that fails an example of its own prompt, whatever the others say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.examples import normalised, prompt_examples
from codedpo_plugin.records import Candidates


def trusting_examples(problem: ScoredProblem) -> ScoredProblem:
    """Return a problem in which all solutions that fail an example of the prompt share a score below all others.

    Examples are found among the tests by what they say. Without any there, nothing changes; if no solution passes
    them all, all scores are equal, and there is no pair.
    """
    tests, scores = examples_among(problem.candidates), problem.scores
    if not tests or not len(scores.solutions):
        return problem
    solutions = believed(scores.solutions, problem.matrix.passed, tests)
    return replace(problem, scores=replace(scores, solutions=solutions), examples=tests)


def examples_among(candidates: Candidates) -> tuple[int, ...]:
    """Return which tests are examples of the prompt."""
    known = {*prompt_examples(candidates.prompt, candidates.entry_point)}
    return tuple(number for number, test in enumerate(candidates.tests) if known and normalised(test) in known)


def believed(
    scores: NDArray[np.float64], passed: NDArray[np.bool_], examples: Sequence[int]
) -> NDArray[np.float64]:
    """Return the scores of solutions, lower than all others for those that fail an example.

    ``passed`` has shape (solutions, tests). There has to be a solution.
    """
    lowest = scores.min() - (np.ptp(scores) or 1.0)
    return np.where(passed[:, list(examples)].all(axis=1), scores, lowest)
