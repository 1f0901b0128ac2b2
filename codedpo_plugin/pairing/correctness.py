"""Correctness pairs: the solution believed most against the one believed least (CodeDPO, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.errors import UsageError
from codedpo_plugin.programs import answer_to, form_of, normalise
from codedpo_plugin.records import PairKind, PreferencePair

if TYPE_CHECKING:
    from codedpo_plugin.calibration.model import Calibration


_ALL_EQUAL: Final = "all_scores_equal"
_NO_FURTHER: Final = "no_further_pair"


def correctness_pairs(
    problem: ScoredProblem, calibration: Calibration | None = None, most: int = 1
) -> Iterator[PreferencePair | str]:
    """Yield what is at the places of a problem, the best first: a pair, or the reason why there is none.

    It ends after ``most`` places or where no further pair can be, which is no reason of its own: two solutions that
    make no pair say nothing about the next two.
    """
    for place in range(most):
        found = correctness_pair(problem, calibration, place)
        if found != _NO_FURTHER:
            yield found
        if found in (_NO_FURTHER, _ALL_EQUAL):
            return


def correctness_pair(
    problem: ScoredProblem, calibration: Calibration | None = None, place: int = 0
) -> PreferencePair | str:
    """Return a pair of one problem, or the reason why it has none.

    The pair at ``place`` 0 is the highest score against the lowest; at 1 the second highest of the different
    programs against the second lowest; and so on. Of solutions with equal scores the first is taken. A problem
    whose scores are all equal says nothing.
    """
    scores = problem.scores.solutions
    if not len(scores) or scores.max() == scores.min():
        return _ALL_EQUAL
    if not place:
        return make_pair(problem, int(np.argmax(scores)), int(np.argmin(scores)), PairKind.CORRECTNESS, calibration)
    different = distinct(problem.candidates.solutions, range(len(scores)))
    highest = sorted(different, key=lambda solution: -scores[solution])
    lowest = sorted(different, key=lambda solution: scores[solution])
    if place >= len(different) or scores[highest[place]] <= scores[lowest[place]]:
        return _NO_FURTHER
    return make_pair(problem, highest[place], lowest[place], PairKind.CORRECTNESS, calibration)


def distinct(programs: Sequence[str], chosen: Iterable[int]) -> list[int]:
    """Return the first of each group of programs that are the same, in their order."""
    first: dict[str, int] = {}
    for number in chosen:
        first.setdefault(normalise(programs[number]), number)
    return list(first.values())


def confident(pair: PreferencePair | str, least: float | None) -> PreferencePair | str:
    """Return a pair that is confident enough, or the reason why there is none.

    Raises UsageError if the pair has no confidence although one is asked for.
    """
    if isinstance(pair, str) or least is None:
        return pair
    if pair.confidence is None:
        raise UsageError(
            f"problem {pair.problem_id}: its {pair.kind} pair has no confidence, so min_confidence cannot be "
            "applied: the calibration was not fitted on such pairs of the ranker, or not on pairs that trust the "
            "examples of prompts. `codedpo calibrate --rankers NAME` fits one"
        )
    return pair if pair.confidence >= least else "below_min_confidence"


def make_pair(
    problem: ScoredProblem,
    chosen: int,
    rejected: int,
    kind: PairKind,
    calibration: Calibration | None = None,
) -> PreferencePair | str:
    """Return the pair of two solutions of a problem, or a reason why they make none.

    It has a confidence if there is a calibration that knows the ranker.
    """
    candidates, scores = problem.candidates, problem.scores.solutions
    programs = candidates.solutions[chosen], candidates.solutions[rejected]
    if normalise(programs[0]) == normalise(programs[1]):
        return "same_program"
    answers = [answer_to(candidates.prompt, program, candidates.entry_point) for program in programs]
    if not all(answer.strip() for answer in answers) or answers[0] == answers[1]:
        return "empty_answer"
    return PreferencePair(
        prompt=candidates.prompt,
        chosen=answers[0],
        rejected=answers[1],
        kind=kind,
        problem_id=candidates.problem_id,
        chosen_score=float(scores[chosen]),
        rejected_score=float(scores[rejected]),
        margin=float(scores[chosen] - scores[rejected]),
        confidence=calibration.confidence(problem, chosen, rejected, kind) if calibration else None,
        chosen_form=form_of(programs[0], answers[0]),
        rejected_form=form_of(programs[1], answers[1]),
    )
