"""How the scores of self-validation settle: its iterations one by one, by the ranker itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.ranking.self_validation import SelfValidationParams, rank
from codedpo_plugin.records import PassMatrix

MOST_ITERATIONS: Final = 50
"""Of a ranker that iterates longer, so many iterations are shown."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Convergence:
    """What the iterations do to the scores of several problems, divided by the largest of each."""

    iterations: int
    problems: int
    change: tuple[tuple[float, float, float], ...]
    """For iterations 1, 2, …: the largest move of a score; 10th percentile, median, 90th over problems."""
    settled: tuple[float, ...]
    """For iterations 0, 1, …: the share of the best solutions that are still best after the last iteration."""


def iterates(ranker: str) -> bool:
    """Return whether a ranker is the one whose iterations are known here."""
    return ranker == rank.name


def trajectory(matrix: PassMatrix, params: Mapping[str, Any]) -> Floats:
    """Return the scores of solutions after 0, 1, … iterations: shape (iterations + 1, solutions), largest 1."""
    last = min(SelfValidationParams(**params).iterations, MOST_ITERATIONS)
    scores = [rank(matrix, {**params, "iterations": k}).solutions for k in range(last + 1)]
    return np.array([step / max(step.max(initial=0.0), np.finfo(np.float64).tiny) for step in scores])


def summarise(trajectories: Sequence[Floats]) -> Convergence | None:
    """Return what the trajectories of several problems have in common; None where nothing iterates."""
    iterations = max((len(steps) - 1 for steps in trajectories), default=0)
    if not iterations:
        return None
    whole = [steps for steps in trajectories if len(steps) == iterations + 1]
    moves = np.array([np.abs(np.diff(steps, axis=0)).max(axis=1) for steps in whole])
    low, middle, high = np.percentile(moves, [10, 50, 90], axis=0)
    settled = np.mean([_settled(steps) for steps in whole], axis=0)
    change = tuple(zip(low.tolist(), middle.tolist(), high.tolist(), strict=True))
    return Convergence(iterations, len(whole), change, tuple(settled.tolist()))


def _settled(steps: Floats) -> Floats:
    """Return, for each iteration, the share of its best solutions that are best in the end."""
    best = steps == steps.max(axis=1, keepdims=True)
    shares: Floats = (best & best[-1]).sum(axis=1) / best.sum(axis=1)
    return shares
