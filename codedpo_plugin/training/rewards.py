"""The pass rate over tests as a reward function for TRL's GRPOTrainer.

::

    from codedpo_plugin.training.rewards import PassRateReward

    with PassRateReward(entry_point="f") as reward:  # or a column "entry_point" of the data set
        trainer = GRPOTrainer(model, reward_funcs=reward, train_dataset=data)  # columns: prompt, tests
        trainer.train()
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby
from types import TracebackType
from typing import Any, Final

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.sandboxes import AUTO
from codedpo_plugin.generation.extraction import fenced_code
from codedpo_plugin.records import Candidates, PassMatrix

log = logging.getLogger(__name__)

MOST_FAILURES: Final = 3
"""Batches in a row that may go unscored before training on nothing is stopped."""

Message = Mapping[str, str]


class PassRateReward:
    """Scores completions by the share of their tests that they pass, in [0, 1].

    Called by TRL with a batch; the data set's column ``tests`` holds a list of assertions for each prompt, the
    column ``entry_point``, if there is one, the function they call. A text prompt is continued by its completion; a
    message is answered by one, whose code blocks are the program. Programs that fail, loop or crash are wrong, and
    so are those whose worker dies every time they run. A batch that the machine did not let begin (no worker, no
    process, no space) is not scored: its rewards are None, which TRL leaves out of the loss. Raises SandboxError
    where programs cannot be confined, and when several batches in a row could not be run.
    """

    __name__ = "pass_rate"  # TRL logs a reward function under its name

    def __init__(
        self,
        *,
        entry_point: str | None = None,
        workers: int | None = None,
        sandbox: str = AUTO,
        limits: Limits | None = None,
    ) -> None:
        self.entry_point = entry_point
        self.limits = limits or Limits()
        self.pool = Pool(workers, sandbox=sandbox)
        self.failures = 0

    def __enter__(self) -> PassRateReward:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None) -> None:
        self.pool.close()

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], tests: Sequence[Sequence[str]], **columns: Any
    ) -> list[float | None]:
        """Return one reward per completion."""
        points = columns.get("entry_point") or [self.entry_point] * len(prompts)
        programs = [program_of(p, c) for p, c in zip(prompts, completions, strict=True)]
        rows = list(zip(points, map(tuple, tests), programs, strict=True))
        try:
            rates = self._rates(rows)
        except (SandboxError, OSError) as error:
            return self._unscored(len(rows), error)
        self.failures = 0
        return rates

    def _rates(self, rows: Sequence[tuple[str | None, tuple[str, ...], str]]) -> list[float | None]:
        """Run the completions of each prompt against its tests."""
        work = []
        for (point, tests), group in groupby(rows, key=lambda row: row[:2]):
            programs = tuple(program for *_, program in group)
            work.append(Workload.of(Candidates("reward", "", point, programs, tests), self.limits))
        return [rate for matrix in execute(self.pool, work) for rate in pass_rates(matrix)]

    def _unscored(self, number: int, error: Exception) -> list[float | None]:
        """Return no rewards. Raises SandboxError when that has happened too often."""
        self.failures += 1
        log.error("%d completions could not be run and are not scored: %s", number, error)
        if self.failures >= MOST_FAILURES:
            raise SandboxError(f"{self.failures} batches in a row could not be run, the last: {error}") from error
        return [None] * number


def pass_rates(matrix: PassMatrix) -> list[float | None]:
    """Return the share of tests that each solution passes; None for a solution without a test."""
    if not matrix.verdicts.shape[1]:
        return [None] * matrix.verdicts.shape[0]
    return [float(rate) for rate in matrix.passed.mean(axis=1)]


def program_of(prompt: str | Sequence[Message], completion: str | Sequence[Message]) -> str:
    """Return the program of a completion: it continues a text, or is the code of the answer to a message."""
    if isinstance(prompt, str) and isinstance(completion, str):
        return prompt + completion
    answer = completion if isinstance(completion, str) else completion[-1]["content"]
    return fenced_code(answer)
