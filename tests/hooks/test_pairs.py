"""The built-in plugin that builds pairs and counts why there are none."""

from __future__ import annotations

import numpy as np

from codedpo_plugin.config import ExecuteConfig, PairsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import ScoredProblem
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
    return list(pairs), dict(context.counts)


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
