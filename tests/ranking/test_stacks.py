"""Scoring many problems at once gives what scoring them one by one gives, in their order."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.errors import RankingError, UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.ranking.stacks import CELLS, READ_AHEAD, score_all
from codedpo_plugin.records import PassMatrix, Scores, Verdict

RANKERS = create_plugins(installed=False).rankers
SHAPES = [(4, 6), (2, 3), (4, 6), (1, 1), (0, 2), (3, 0), (4, 6), (2, 3)]


def problems(shapes) -> list[PassMatrix]:
    generator = np.random.default_rng(1)
    return [
        PassMatrix(f"p{i}", generator.choice([0, 1, 3, 7], size=shape, p=[0.6, 0.2, 0.1, 0.1]).astype(np.uint8))
        for i, shape in enumerate(shapes)
    ]


def bytes_of(scores: Scores) -> tuple[object, ...]:
    return scores.problem_id, scores.ranker, scores.params, scores.solutions.tobytes(), scores.tests.tobytes()


@pytest.mark.parametrize("name", RANKERS)
@pytest.mark.parametrize("shapes", [[], SHAPES, [(15, 15)] * (CELLS // 225 + 2)], ids=["none", "mixed", "many"])
def test_a_stack_scores_as_its_problems_do_alone_to_the_last_bit(name, shapes):
    matrices, ranker = problems(shapes), RANKERS[name]
    together = list(score_all(ranker, name, matrices, {"seed": 2}))
    assert [bytes_of(s) for s in together] == [bytes_of(ranker(m, {"seed": 2})) for m in matrices]


@pytest.mark.parametrize("name", RANKERS)
def test_a_problem_larger_than_a_stack_is_scored(name):
    (matrix,) = problems([(CELLS // 64, 65)])
    assert len(RANKERS[name](matrix, {}).solutions) == CELLS // 64


def test_problems_are_read_no_further_ahead_than_said():
    read = 0

    def stream():
        nonlocal read
        for matrix in problems([(1, 2)] * (READ_AHEAD + 5)):
            read += 1
            yield matrix

    found = score_all(RANKERS["pass-count"], "pass-count", stream(), {})
    next(found)
    assert read == READ_AHEAD
    assert len(list(found)) == READ_AHEAD + 4


def test_a_ranker_of_one_matrix_is_asked_for_one_at_a_time():
    asked = []

    def ranker(matrix, params):
        asked.append((matrix.problem_id, dict(params)))
        return Scores(matrix.problem_id, "mine", np.ones(1), np.ones(2))

    found = score_all(ranker, "mine", problems([(1, 2)] * 3), {"depth": 1})
    assert next(found).problem_id == "p0"
    assert asked == [("p0", {"depth": 1})]
    assert [s.problem_id for s in found] == ["p1", "p2"]


def test_a_wrong_parameter_is_the_users_error_not_the_rankers():
    with pytest.raises(UsageError, match="'depth'"):
        list(score_all(RANKERS["codet"], "codet", problems([(1, 2)]), {"depth": 1}))


def test_a_failure_within_a_stack_names_the_problems():
    broken = PassMatrix("broken", np.zeros(3, np.uint8))  # not a matrix
    with pytest.raises(RankingError, match="ranker 'codet' failed on problem p0 to broken"):
        list(score_all(RANKERS["codet"], "codet", [*problems([(1, 2)]), broken], {}))


def test_only_a_pass_counts():
    verdicts = np.array([list(Verdict)], np.uint8)
    assert RANKERS["pass-count"](PassMatrix("p", verdicts), {}).solutions.tolist() == [1.0]
