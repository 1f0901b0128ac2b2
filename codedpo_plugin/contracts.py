"""What plugins register: the shapes of rankers, executors and trainers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from codedpo_plugin.errors import InputError

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig, ModelConfig, TrainConfig
    from codedpo_plugin.context import Context
    from codedpo_plugin.records import Candidates, PassMatrix, Scores


@dataclass(frozen=True, slots=True)
class Seed:
    """A snippet of code that may inspire a problem."""

    text: str
    language: str
    source: str
    """Where it was found."""
    licence: str = ""
    """What is known of the licence it is under."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """What a stage yields where nothing, or nothing more, comes for a problem: that it is done."""

    problem_id: str


@dataclass(frozen=True, slots=True)
class ScoredProblem:
    """A problem with all that is known about it before pairs are built."""

    candidates: Candidates
    matrix: PassMatrix
    scores: Scores
    examples: tuple[int, ...] = ()
    """The tests that are examples of the prompt, where they are trusted: no solution that fails one is believed."""

    @property
    def problem_id(self) -> str:
        """Return the problem's id."""
        return self.candidates.problem_id

    @classmethod
    def of(cls, candidates: Candidates, matrix: PassMatrix, scores: Scores) -> ScoredProblem:
        """Put together what belongs to one problem. Raises InputError if it does not."""
        ids = {candidates.problem_id, matrix.problem_id, scores.problem_id}
        if len(ids) > 1:
            raise InputError(
                f"candidates, matrix and scores are not of the same problems: {', '.join(sorted(ids))}"
            )
        if matrix.verdicts.shape != (len(candidates.solutions), len(candidates.tests)):
            raise InputError(f"problem {candidates.problem_id}: the matrix does not fit the candidates")
        return cls(candidates, matrix, scores)


class Ranker(Protocol):
    """Scores the solutions and tests of one problem.

    One that is a :class:`~codedpo_plugin.ranking.stacks.StackRanker` is given many problems at once.
    """

    def __call__(self, matrix: PassMatrix, params: Mapping[str, Any]) -> Scores:
        """Return scores of shapes (solutions,) and (tests,); higher is better, equal evidence scores equal.

        ``params`` is the ``params`` mapping of the ``score`` section, with ``seed`` added. Raises UsageError for
        a parameter it does not know.
        """


class Executor(Protocol):
    """Runs solutions against tests."""

    def __call__(
        self, candidates: Iterable[Candidates], config: ExecuteConfig, context: Context
    ) -> Iterator[PassMatrix]:
        """Yield one matrix per candidates, in order."""


class Trainer(Protocol):
    """Trains a model on preference pairs."""

    def __call__(
        self, pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context
    ) -> None:
        """Write a directory that ``transformers`` loads to ``output``, which is not there yet.

        With ``context.checkpoints`` it may keep there what it continues from after an interruption. Launched as
        several processes (:mod:`codedpo_plugin.processes`), only the main one writes.
        """
