"""Labelled problems whose truth is simple: what most solutions agree on is right, or it is not."""

from __future__ import annotations

import numpy as np

from codedpo_plugin.calibration.examples import LabelledProblem
from codedpo_plugin.records import PassMatrix


def labelled(name: str, share: float, *, solutions: int = 12, tests: int = 8) -> LabelledProblem:
    """Return a problem of which a share of the solutions passes half of the tests; they are right if many."""
    generator = np.random.default_rng([*name.encode()])
    agreeing = round(share * solutions)
    passed = generator.random((solutions, tests)) < 0.15
    passed[:agreeing] = np.arange(tests) % 2 == 0
    right = np.arange(solutions) < (agreeing if generator.normal(share, 0.15) > 0.5 else 0)
    programs = tuple(f"def f(): return {n}" for n in range(solutions))
    return LabelledProblem(PassMatrix(name, (~passed).astype(np.uint8)), right, programs)


def many(count: int = 60) -> list[LabelledProblem]:
    """Return problems of every share."""
    return [labelled(f"p{n}", 0.15 + 0.7 * n / count) for n in range(count)]
