"""What plugins register: the shapes of rankers, executors and trainers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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


@dataclass(frozen=True, slots=True)
class ScoredProblem:
    """A problem with all that is known about it before pairs are built."""

    candidates: Candidates
    matrix: PassMatrix
    scores: Scores


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
        """Write a directory that ``transformers`` loads to ``output``."""
