"""Ranking many problems at once: pass matrices of one shape are stacked, and a formula scores the whole stack.

What numpy does for one small matrix is mostly overhead; for a stack of some thousand cells it is arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.contracts import Ranker
from codedpo_plugin.errors import RankingError, boundary
from codedpo_plugin.ranking.params import P, read_params
from codedpo_plugin.records import PassMatrix, Scores, Verdict

CELLS: Final = 1 << 14
"""Most cells a stack: as many as keep the intermediate results of a formula in the processor's cache."""
READ_AHEAD: Final = 1024
"""Problems read before the first is scored, so that there are some of each shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Pass matrices of one shape."""

    problem_ids: tuple[str, ...]
    passed: NDArray[np.bool_]
    """Shape (problems, solutions, tests): true where a solution passes a test."""


ScoreArrays: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Scores of shapes (problems, solutions) and (problems, tests)."""


@dataclass(frozen=True)
class StackRanker(Generic[P]):
    """A ranker made of a formula for stacks."""

    name: str
    params: type[P]
    formula: Callable[[Stack, P], ScoreArrays]
    """Must score a problem alike whatever other problems are in its stack."""

    def __call__(self, matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
        """Score one problem."""
        return self.rank_all([matrix], params)[0]

    def rank_all(self, matrices: Sequence[PassMatrix], params: Mapping[str, Any]) -> list[Scores]:
        """Score problems, of whatever shapes, in their order."""
        chosen = read_params(self.name, params, self.params)
        recorded = chosen.model_dump()
        found: dict[int, Scores] = {}
        for places in _stacked(matrices):
            own = [matrices[place] for place in places]
            ids = tuple(matrix.problem_id for matrix in own)
            passed = np.stack([matrix.verdicts for matrix in own]) == Verdict.PASS
            rows = zip(places, ids, *self.formula(Stack(ids, passed), chosen), strict=True)
            found |= {place: Scores(i, self.name, codes, tests, recorded) for place, i, codes, tests in rows}
        return [found[place] for place in range(len(matrices))]


def _stacked(matrices: Sequence[PassMatrix]) -> Iterator[list[int]]:
    """Yield the places of matrices of the same shape, as many as one stack should hold."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, matrix in enumerate(matrices):
        shapes.setdefault(matrix.verdicts.shape, []).append(place)
    for (rows, columns), places in shapes.items():
        size = max(1, CELLS // max(1, rows * columns))
        yield from (places[start : start + size] for start in range(0, len(places), size))


def score_all(
    ranker: Ranker, name: str, matrices: Iterable[PassMatrix], params: Mapping[str, Any]
) -> Iterator[Scores]:
    """Yield the scores of each problem, in order; rankers of one matrix and of stacks alike.

    Raises RankingError, naming ranker and problem, for a ranker that fails or returns scores of another shape.
    """
    stream = iter(matrices)
    ahead = READ_AHEAD if isinstance(ranker, StackRanker) else 1
    while group := list(islice(stream, ahead)):
        whose = group[0].problem_id if ahead == 1 else f"{group[0].problem_id} to {group[-1].problem_id}"
        with boundary(RankingError, f"ranker {name!r} failed on problem {whose}"):
            if isinstance(ranker, StackRanker):
                found = ranker.rank_all(group, params)
            else:
                found = [ranker(matrix, params) for matrix in group]
        for matrix, scores in zip(group, found, strict=True):
            yield _checked(name, matrix, scores)


def _checked(name: str, matrix: PassMatrix, scores: Scores) -> Scores:
    """Return the scores if they fit the matrix."""
    got = (len(scores.solutions), len(scores.tests))
    if got != matrix.verdicts.shape:
        raise RankingError(
            f"ranker {name!r} returned {got} scores for the {matrix.verdicts.shape} matrix of "
            f"problem {matrix.problem_id}"
        )
    return scores
