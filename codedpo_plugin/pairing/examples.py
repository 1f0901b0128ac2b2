"""Believing no solution that fails an example of its own prompt, whatever the others say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.examples import normalised, prompt_examples


def trusting_examples(problem: ScoredProblem) -> ScoredProblem:
    """Return a problem in which all solutions that fail an example of the prompt share a score below all others.

    Examples are found among the tests by what they say. Without any there, nothing changes; if no solution passes
    them all, all scores are equal, and there is no pair.
    """
    candidates, scores = problem.candidates, problem.scores
    known = {*prompt_examples(candidates.prompt, candidates.entry_point)}
    tests = [number for number, test in enumerate(candidates.tests) if known and normalised(test) in known]
    if not tests or not len(scores.solutions):
        return problem
    passing = problem.matrix.passed[:, tests].all(axis=1)
    lowest = scores.solutions.min() - (np.ptp(scores.solutions) or 1.0)
    believed = np.where(passing, scores.solutions, lowest)
    return replace(problem, scores=replace(scores, solutions=believed))
