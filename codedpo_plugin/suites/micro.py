"""The micro suite: sixty small problems written for this project, and composed ones, see ``micro/README.md``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from codedpo_plugin.embedded.compose import SPLITS as COMPOSED
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import Suite, SuiteProblem

SPLITS: Final = ("train", "heldout", "all", *COMPOSED)


@dataclass(frozen=True, slots=True)
class MicroProblem:
    """One entry of the suite's files. Bodies continue the prompt."""

    id: str
    entry_point: str
    split: str
    prompt: str
    reference: str
    wrong: tuple[str, ...]
    tests: tuple[str, ...]
    slow: str | None = None
    fast: str | None = None
    timing: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem:
        """Return the problem as a model sees it."""
        return Problem(self.id, self.prompt, self.entry_point, "python", "micro")

    @property
    def bodies(self) -> tuple[str, ...]:
        """Return every body the suite has of this problem: right ones first, then wrong ones."""
        right = (self.reference, self.slow, self.fast)
        return tuple(dict.fromkeys(b for b in (*right, *self.wrong) if b is not None))


def micro_problems(split: str = "all") -> list[MicroProblem]:
    """Return the problems of a split: ``train``, ``heldout``, ``all`` (in the files' order) or a composed one."""
    if split not in SPLITS:
        raise EvaluationError(f"the micro suite has no split {split!r}; it has {', '.join(SPLITS)}")
    if split in COMPOSED:
        from codedpo_plugin.embedded.problems import composed_problems

        return list(composed_problems(split))
    return [p for p in _entries() if split in ("all", p.split)]


def _entries() -> Iterator[MicroProblem]:
    folder = files("codedpo_plugin.suites") / "micro"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            for entry in tomllib.loads(file.read_text("utf-8"))["problem"]:
                fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
                yield MicroProblem(**fields)


def load(metadata: Mapping[str, Any]) -> list[SuiteProblem]:
    """Return the suite; ``metadata["split"]`` chooses a split (``heldout`` by default)."""
    return [_suite_problem(entry) for entry in micro_problems(metadata.get("split") or "heldout")]


def _suite_problem(entry: MicroProblem) -> SuiteProblem:
    plans = tuple(plan_test(test, entry.entry_point) for test in entry.tests)
    return SuiteProblem(
        problem=entry.problem,
        reference=entry.prompt + entry.reference,
        plans=plans,
        base=len(plans),
        timing=tuple(plan_test(test, entry.entry_point).check for test in entry.timing),
        split=entry.split,
    )


STOP: Final = (
    "\ndef ",
    "\nclass ",
    "\nimport ",
    "\nfrom ",
    "\nassert ",
    "\nif __name__",
    "\nprint(",
    "\n#",
    "\n```",
)

MICRO: Final = Suite(
    "micro", load, STOP, "sixty small embedded problems, half of them held out", options=("split",)
)
