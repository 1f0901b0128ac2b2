"""What a run left out and why, from the counts of its stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from codedpo_plugin.records import PairKind, Verdict
from codedpo_plugin.report.data import StageFacts

REASONS: Final[Mapping[str, str]] = {
    "bad_lines": "lines that could not be used",
    "problem_without_solutions": "problems without a usable solution",
    "problem_without_tests": "problems without a usable test",
    "solution_empty": "solutions that are empty",
    "solution_does_not_parse": "solutions that are not Python",
    "solution_without_entry_point": "solutions without the function that was asked for",
    "test_without_entry_point": "tests that do not call the function",
    "test_duplicate": "tests written before",
    "test_too_long": "tests that are too long",
    "test_surplus": "tests beyond the number asked for",
    "test_does_not_parse": "tests that are not Python",
    "pairs": "paired",
    "all_scores_equal": "all solutions have the same score",
    "same_program": "both solutions are the same program",
    "empty_answer": "one of the two answers is empty",
    "below_min_confidence": "less probably right than min_confidence",
    "no_credible_test": "no test is credible",
    "fewer_than_two_correct": "fewer than two different solutions pass the credible tests",
    "not_measurable": "a program failed when it was timed",
    "no_time_difference": "no difference in time",
    "no_certain_time_difference": "no certain difference in time",
}
TOTALS: Final = frozenset({"problems", "cells", "pairs", "samples", "passed", "steps", "tests_judged_inside"})
"""Counts of what there is, not of what was left out."""


@dataclass(frozen=True, slots=True)
class Reason:
    """How often something happened, in words."""

    text: str
    count: int
    kept: bool = False


@dataclass(frozen=True, slots=True)
class DropGroup:
    """What became of the things of one kind; the counts are parts of ``total``."""

    title: str
    total: int
    reasons: tuple[Reason, ...]


def drop_groups(stages: Sequence[StageFacts]) -> tuple[DropGroup, ...]:
    """Return what each stage dropped. Stages that dropped nothing are left out."""
    return tuple(group for stage in stages for group in _groups(stage) if group.reasons)


def _groups(stage: StageFacts) -> Iterator[DropGroup]:
    if stage.name == "pairs":
        for kind in PairKind:
            yield _group(f"{kind.capitalize()} pairs, made and not made", stage.counts, f"{kind}_", {"pairs"})
    elif stage.name == "execute":
        yield _group("Cells of the pass matrices", stage.counts, "cells_", {Verdict.PASS.name.lower()})
    elif not stage.name.startswith("evaluate"):
        dropped = {name: count for name, count in stage.counts.items() if name not in TOTALS}
        yield _group(f"Stage {stage.name}: left out", dropped, "", set())


def _group(title: str, counts: Mapping[str, int], prefix: str, kept: set[str]) -> DropGroup:
    own = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix) and count}
    reasons = [
        Reason(REASONS.get(name, name.replace("_", " ")), count, name in kept) for name, count in own.items()
    ]
    return DropGroup(title, sum(own.values()), tuple(sorted(reasons, key=lambda r: (not r.kept, -r.count, r.text))))
