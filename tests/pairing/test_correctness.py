"""Correctness pairs: the solution believed most against the one believed least, or a reason why not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.pairing.correctness import correctness_pair, correctness_pairs, make_pair
from codedpo_plugin.programs import programs_of
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair, Scores, SolutionForm

PROMPT = 'def f(x):\n    """Add one."""\n'
RIGHT, WRONG, OTHER = (PROMPT + f"    return x + {number}\n" for number in (1, 2, 3))


def scored(solutions: list[str], scores: list[float], prompt: str = PROMPT) -> ScoredProblem:
    """Return a problem with these solutions and scores; correctness pairs do not look at the matrix."""
    candidates = Candidates("p", prompt, "f", tuple(solutions), ("assert f(1) == 2",))
    matrix = PassMatrix("p", np.zeros((len(solutions), 1), np.uint8))
    return ScoredProblem(candidates, matrix, Scores("p", "r", np.array(scores, np.float64), np.ones(1)))


def test_the_highest_score_is_preferred_to_the_lowest():
    assert correctness_pair(scored([WRONG, OTHER, RIGHT], [1.0, 0.5, 3.0])) == PreferencePair(
        prompt=PROMPT,
        chosen="    return x + 1\n",
        rejected="    return x + 3\n",
        kind=PairKind.CORRECTNESS,
        problem_id="p",
        chosen_score=3.0,
        rejected_score=0.5,
        margin=2.5,
        chosen_form=SolutionForm.COMPLETION,
        rejected_form=SolutionForm.COMPLETION,
    )


def test_a_pair_says_of_each_answer_whether_it_is_a_whole_program():
    whole = "f = lambda x: x"
    pair = correctness_pair(scored([whole, RIGHT], [0.0, 1.0]))
    assert (pair.chosen_form, pair.rejected_form) == (SolutionForm.COMPLETION, SolutionForm.PROGRAM)
    assert (pair.rejected, programs_of(pair)) == (whole, (RIGHT, whole))


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=8, unique=True))
def test_the_pair_is_of_the_extreme_scores_wherever_they_stand(scores):
    pair = correctness_pair(scored([PROMPT + f"    return {i}" for i in range(len(scores))], scores))
    assert (pair.chosen_score, pair.rejected_score) == (max(scores), min(scores))
    assert pair.margin == max(scores) - min(scores) > 0
    assert pair.chosen == f"    return {scores.index(max(scores))}"
    assert pair.rejected == f"    return {scores.index(min(scores))}"


def test_of_equal_scores_the_first_is_taken():
    programs = [PROMPT + f"    return {i}" for i in range(4)]
    pair = correctness_pair(scored(programs, [1.0, 1.0, 0.0, 0.0]))
    assert (pair.chosen, pair.rejected) == ("    return 0", "    return 2")


@pytest.mark.parametrize(
    ("solutions", "scores", "reason"),
    [
        ([], [], "all_scores_equal"),
        ([RIGHT], [1.0], "all_scores_equal"),
        ([RIGHT, WRONG, OTHER], [2.0, 2.0, 2.0], "all_scores_equal"),
        ([RIGHT, RIGHT], [2.0, 1.0], "same_program"),
        ([RIGHT, RIGHT.replace("x + 1", "(x+1)  # add")], [2.0, 1.0], "same_program"),
        ([RIGHT, RIGHT.replace('"""Add one."""', '"""Plus one."""')], [2.0, 1.0], "same_program"),
        ([PROMPT, WRONG], [2.0, 1.0], "empty_answer"),
        ([RIGHT, PROMPT + "   \n"], [2.0, 1.0], "empty_answer"),
        ([RIGHT, "  \n"], [2.0, 1.0], "empty_answer"),
    ],
    ids=[
        "no solution",
        "one solution",
        "equal scores",
        "copies",
        "cosmetic difference",
        "docstring",
        "empty chosen",
        "empty rejected",
        "blank program",
    ],
)
def test_a_problem_that_says_nothing_has_no_pair_but_a_reason(solutions, scores, reason):
    assert correctness_pair(scored(solutions, scores)) == reason


def test_answers_that_are_the_same_text_make_no_pair():
    # The programs differ in what the prompt gives anyway.
    prompt = "import math\n" + PROMPT
    first, second = PROMPT + "    return 1", prompt + "    return 1"
    assert correctness_pair(scored([first, second], [2.0, 1.0], prompt)) == "empty_answer"


def test_a_pair_of_given_solutions_carries_its_kind():
    pair = make_pair(scored([RIGHT, WRONG, OTHER], [1.0, 2.0, 3.0]), 0, 1, PairKind.EFFICIENCY)
    assert (pair.kind, pair.margin, pair.speedup, pair.confidence) == (PairKind.EFFICIENCY, -1.0, None, None)


def test_a_solution_in_another_form_than_the_prompt_is_answered_as_a_whole():
    whole = "f = lambda x: x + 1"
    pair = correctness_pair(scored([whole, WRONG], [2.0, 1.0]))
    assert (pair.chosen, pair.rejected) == (whole, "    return x + 2\n")


def test_further_pairs_go_inwards_from_the_ends_over_different_programs():
    programs = [PROMPT + f"    return {i}" for i in (0, 0, 1, 2, 3, 4)]
    problem = scored(programs, [9.0, 9.0, 5.0, 4.0, 1.0, 3.0])
    pairs = [correctness_pair(problem, place=place) for place in range(4)]
    assert [(p.chosen, p.rejected) for p in pairs[:2]] == [
        ("    return 0", "    return 3"),
        ("    return 1", "    return 4"),
    ]
    assert pairs[2:] == ["no_further_pair", "no_further_pair"]


def test_there_is_no_further_pair_of_equal_scores():
    problem = scored([PROMPT + f"    return {i}" for i in range(4)], [2.0, 1.0, 1.0, 0.0])
    assert correctness_pair(problem, place=1) == "no_further_pair"
    assert correctness_pair(problem, place=7) == "no_further_pair"


def test_places_are_looked_at_until_there_can_be_no_further_pair():
    programs = [PROMPT + f"    return {i}" for i in range(5)]
    found = list(correctness_pairs(scored(programs, [5.0, 4.0, 3.0, 2.0, 1.0]), most=9))
    assert [(pair.chosen_score, pair.rejected_score) for pair in found] == [(5.0, 1.0), (4.0, 2.0)]
    assert len(list(correctness_pairs(scored(programs, [5.0, 4.0, 3.0, 2.0, 1.0]), most=1))) == 1


@pytest.mark.parametrize(
    ("best", "worst", "reason"), [(RIGHT, RIGHT, "same_program"), (PROMPT, RIGHT, "empty_answer")]
)
def test_solutions_that_make_no_pair_do_not_keep_the_next_from_making_one(best, worst, reason):
    others = [PROMPT + f"    return {i}" for i in range(4)]
    first, *further = correctness_pairs(scored([best, *others, worst], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), most=9)
    assert first == reason
    assert (further[0].chosen_score, further[0].rejected_score) in {(5.0, 3.0), (5.0, 2.0)}


def test_equal_scores_are_said_once():
    assert list(correctness_pairs(scored([RIGHT, WRONG], [1.0, 1.0]), most=4)) == ["all_scores_equal"]
