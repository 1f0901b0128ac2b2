"""The built-in plugin that builds pairs and counts why there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codedpo_plugin.calibration.model import DEFAULT, Calibration, Logistic, write_calibration
from codedpo_plugin.config import ExecuteConfig, PairsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Nothing, ScoredProblem
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair, Scores

PROMPT = "def f(n):\n"
FAST = PROMPT + "    return sum(range(n))\n"
SLOW = PROMPT + "    return sum(1 for i in range(n) for j in range(i))\n"
WRONG = PROMPT + "    return n\n"
TIMING = {"rounds": 6, "passes": 2, "min_pass_ms": 0.2}


def scored(name: str, *solutions: tuple[str, int]) -> ScoredProblem:
    """Return a problem with solutions and whether each fails its only test."""
    matrix = np.array([[fails] for _, fails in solutions], np.uint8)
    candidates = Candidates(name, PROMPT, "f", tuple(text for text, _ in solutions), ("assert f(300) == 44850",))
    scores = Scores(name, "r", 1.0 - matrix[:, 0], np.ones(1))
    return ScoredProblem(candidates, PassMatrix(name, matrix), scores)


def build(*problems: ScoredProblem, **config: object) -> tuple[list[PreferencePair], dict[str, int]]:
    context = Context(create_plugins(installed=False))
    settings = PairsConfig(timing=TIMING, **config)
    pairs = context.plugins.build_pairs(problems, settings, ExecuteConfig(), context)
    found = list(pairs)
    done = [it.problem_id for it in found if isinstance(it, Nothing)]
    assert done == [problem.problem_id for problem in problems]
    return [it for it in found if not isinstance(it, Nothing)], dict(context.counts)


def test_a_problem_gives_a_pair_of_each_kind():
    pairs, counts = build(scored("p", (SLOW, 0), (FAST, 0), (WRONG, 1)))
    assert [(pair.kind, pair.problem_id) for pair in pairs] == [
        (PairKind.CORRECTNESS, "p"),
        (PairKind.EFFICIENCY, "p"),
    ]
    assert PROMPT + pairs[1].chosen == FAST
    assert counts == {"correctness_pairs": 1, "efficiency_pairs": 1}


def test_every_problem_without_a_pair_is_counted_by_kind_and_reason():
    pairs, counts = build(scored("a", (FAST, 0), (FAST, 0)), scored("b", (WRONG, 1), (SLOW, 1)))
    assert pairs == []
    assert counts == {
        "correctness_all_scores_equal": 2,
        "efficiency_fewer_than_two_correct": 1,
        "efficiency_no_credible_test": 1,
    }


def test_only_the_kinds_that_are_asked_for_are_built():
    pairs, counts = build(scored("p", (SLOW, 0), (FAST, 0), (WRONG, 1)), kinds=("correctness",))
    assert [pair.kind for pair in pairs] == [PairKind.CORRECTNESS]
    assert counts == {"correctness_pairs": 1}


def test_without_problems_there_is_nothing_to_count():
    assert build() == ([], {})


def agreed(name: str, share: int) -> ScoredProblem:
    """Return a problem of ten solutions, so many of which pass its tests, ranked by a ranker that is calibrated."""
    programs = tuple(PROMPT + f"    return {number}\n" for number in range(10))
    matrix = PassMatrix(name, np.repeat((np.arange(10) >= share)[:, None], 4, axis=1).astype(np.uint8))
    candidates = Candidates(name, PROMPT, "f", programs, ("assert f(0) == 0",) * 4)
    return ScoredProblem(candidates, matrix, Scores(name, "codet", 1.0 - matrix.verdicts[:, 0], np.ones(4)))


def test_a_pair_is_as_confident_as_solutions_agree():
    pairs, _ = build(agreed("few", 1), agreed("many", 9), kinds=("correctness",))
    assert 0 < pairs[0].confidence < pairs[1].confidence < 1


def test_pairs_below_the_least_confidence_are_dropped_and_counted():
    few, many = (pair.confidence for pair in build(agreed("a", 1), agreed("b", 9), kinds=("correctness",))[0])
    for least, kept in ((few, ["a", "b"]), (few + 1e-4, ["b"]), (many, ["b"]), (1.0, [])):
        pairs, counts = build(agreed("a", 1), agreed("b", 9), kinds=("correctness",), min_confidence=least)
        assert [pair.problem_id for pair in pairs] == kept
        assert counts.get("correctness_below_min_confidence", 0) == 2 - len(kept)
        assert counts.get("correctness_pairs", 0) == len(kept)


def test_of_many_pairs_a_problem_each_one_that_is_dropped_is_counted():
    problem = agreed("a", 5)
    graded = replace(problem, scores=replace(problem.scores, solutions=np.arange(10.0)))
    for settings, expected in (
        ({}, {"correctness_pairs": 4}),
        ({"min_confidence": 1.0}, {"correctness_below_min_confidence": 4}),
    ):
        _, counts = build(graded, kinds=("correctness",), per_problem=4, **settings)
        assert counts == expected


def test_a_place_without_a_pair_is_counted_and_the_next_one_looked_at():
    programs = (FAST, WRONG, SLOW, PROMPT + "    return 0\n", FAST)
    problem = scored("p", *((program, 0) for program in programs))
    graded = replace(problem, scores=replace(problem.scores, solutions=np.array([5.0, 4.0, 3.0, 2.0, 1.0])))
    pairs, counts = build(graded, kinds=("correctness",), per_problem=3)
    assert [PROMPT + pair.chosen for pair in pairs] == [WRONG]
    assert counts == {"correctness_same_program": 1, "correctness_pairs": 1}


def test_a_ranker_the_calibration_does_not_know_has_no_confidence_and_no_filter():
    other = replace(agreed("a", 5), scores=replace(agreed("a", 5).scores, ranker="popular"))
    assert build(other, kinds=("correctness",))[0][0].confidence is None
    with pytest.raises(UsageError, match=r"problem a: its correctness pair has no confidence.*calibrate"):
        build(other, kinds=("correctness",), min_confidence=0.0)


def test_another_calibration_can_be_used(tmp_path):
    certain = Logistic(0.0, (0.0,) * 6)
    path = tmp_path / "mine.json"
    write_calibration(path, Calibration(("codet",), {PairKind.CORRECTNESS: certain}, "mine"))
    pairs, _ = build(agreed("a", 5), kinds=("correctness",), calibration=path)
    assert pairs[0].confidence == 0.5
    with pytest.raises(InputError, match="not a calibration"):
        build(agreed("a", 5), calibration=tmp_path / "none.json")
    assert DEFAULT.exists()


def test_an_efficiency_pair_is_as_confident_as_both_are_right():
    problem = scored("p", (SLOW, 0), (FAST, 0), (WRONG, 1))
    pairs, _ = build(replace(problem, scores=replace(problem.scores, ranker="codet")))
    assert [pair.kind for pair in pairs] == [PairKind.CORRECTNESS, PairKind.EFFICIENCY]
    assert all(0 < pair.confidence < 1 for pair in pairs)


def test_examples_of_the_prompt_are_trusted_where_that_is_asked_for():
    prompt = 'def f(n):\n    """Sum.\n\n    >>> f(3)\n    3\n    """\n'
    texts = (
        prompt + "    return n\n",
        prompt + "    return sum(range(n + 1))\n",
        prompt + "    return sum(range(n))\n",
    )
    candidates = Candidates("p", prompt, "f", texts, ("assert f(0) == 0", "assert f(1) == 1", "assert f(3) == 3"))
    passed = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], bool)
    problem = ScoredProblem(
        candidates, PassMatrix("p", (~passed).astype(np.uint8)), Scores("p", "r", np.array([2.0, 2, 1]), np.ones(3))
    )
    (plain,), _ = build(problem, kinds=("correctness",))
    (trusting,), _ = build(problem, kinds=("correctness",), trust_examples=True)
    assert plain.rejected == trusting.chosen == "    return sum(range(n))\n"
