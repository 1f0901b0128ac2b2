"""Labelled examples: the pairs that rankers make of problems of which it is known what solutions are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.calibration.features import pair_features
from codedpo_plugin.contracts import Ranker
from codedpo_plugin.pairing.examples import believed
from codedpo_plugin.records import PairKind, PassMatrix, content_id

DRAWS: Final = 12
"""Random parts of each matrix that are fitted on beside the whole, so that the model knows other sizes, too."""
SMALLEST: Final = 5
"""Fewest solutions and tests of a part."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledProblem:
    """A pass matrix with the truth."""

    matrix: PassMatrix
    right: NDArray[np.bool_]
    """Shape (solutions,)."""
    programs: tuple[str, ...]
    """The solutions, normalised: equal ones make no pair."""
    examples: tuple[int, ...] = ()
    """The tests that are examples of the prompt."""

    def part(self, solutions: NDArray[np.intp], tests: NDArray[np.intp]) -> LabelledProblem:
        """Return the problem with some of its solutions and tests, and all of its examples."""
        tests = np.append(tests, np.setdiff1d(self.examples, tests)).astype(np.intp)
        verdicts = self.matrix.verdicts[np.ix_(solutions, tests)]
        matrix = PassMatrix(self.matrix.problem_id, verdicts)
        examples = tuple(np.flatnonzero(np.isin(tests, self.examples)).tolist())
        return LabelledProblem(matrix, self.right[solutions], tuple(self.programs[s] for s in solutions), examples)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A pair with its features and whether it is right."""

    problem_id: str
    ranker: str
    kind: PairKind
    features: NDArray[np.float64]
    right: bool
    trusting: bool = False
    """Whether the examples of the prompt were trusted."""


def examples_of(problem: LabelledProblem, rankers: Mapping[str, Ranker], draws: int = DRAWS) -> Iterator[Example]:
    """Yield the pairs of a problem and of random parts of it; the same ones on every call.

    Where tests are examples of the prompt, there are also the pairs that trusting these makes.
    """
    generator = np.random.default_rng(int(content_id(problem.matrix.problem_id), 16))
    for part in (problem, *(_drawn(problem, generator) for _ in range(draws))):
        for name, ranker in rankers.items():
            scores = ranker(part.matrix, {"seed": 0}).solutions
            yield from _pairs(part, name, scores, generator)
            if part.examples and scores.size:
                trusted = believed(scores, part.matrix.passed, part.examples)
                yield from _pairs(part, name, trusted, generator, trusting=True)


def _drawn(problem: LabelledProblem, generator: np.random.Generator) -> LabelledProblem:
    """Return a random part, small ones being as likely as large ones."""
    chosen = []
    for size in problem.matrix.verdicts.shape:
        fewest = min(SMALLEST, size)
        count = round(fewest * (size / fewest) ** generator.random())
        chosen.append(generator.permutation(size)[:count])
    return problem.part(chosen[0], chosen[1])


def _pairs(
    problem: LabelledProblem,
    name: str,
    scores: NDArray[np.float64],
    generator: np.random.Generator,
    *,
    trusting: bool = False,
) -> Iterator[Example]:
    """Yield the correctness pair that a ranker's scores make, and one that could be its efficiency pair.

    Which of the solutions that pass all credible tests are fastest and slowest is not known without timing them;
    two are drawn.
    """
    if not scores.size or scores.max() == scores.min():
        return
    best, worst = int(np.argmax(scores)), int(np.argmin(scores))
    passed, right = problem.matrix.passed, problem.right

    def example(kind: PairKind, pair: tuple[int, int], *, is_right: bool) -> Example:
        features = pair_features(passed, *pair)
        return Example(problem.matrix.problem_id, name, kind, features, is_right, trusting)

    if problem.programs[best] != problem.programs[worst]:
        is_right = bool(right[best] and not right[worst])
        yield example(PairKind.CORRECTNESS, (best, worst), is_right=is_right)
    able = np.flatnonzero(passed[:, passed[best]].all(axis=1))
    distinct = list({problem.programs[s]: int(s) for s in able[::-1]}.values())
    if passed[best].any() and len(distinct) > 1:
        first, second = (int(s) for s in generator.choice(distinct, 2, replace=False))
        yield example(PairKind.EFFICIENCY, (first, second), is_right=bool(right[first] and right[second]))
