"""The problems that are shown one by one."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.ranking.ablations import pass_count
from codedpo_plugin.records import PairKind, Verdict
from codedpo_plugin.report.problems import (
    LETTERS,
    LONGEST_PROMPT,
    LONGEST_TEST,
    MOST_PAIRS,
    MOST_ROWS,
    Role,
    read_outlines,
    read_problems,
)
from codedpo_plugin.report.sample import PairOutline

from .support import CHOSEN, PROMPT, REJECTED, candidates, empty_run, pair, verdicts, write_run


@pytest.fixture
def run(tmp_path):
    return empty_run(tmp_path)


def views(run, **pairs):
    outlines = list(read_outlines(run, pairs))
    return read_problems(run, outlines, dict.fromkeys(range(len(outlines)), ""))


def test_every_verdict_has_a_letter_of_its_own():
    assert set(LETTERS) == set(Verdict)
    assert len(set(LETTERS.values())) == len(Verdict)


def test_a_run_without_matrices_has_no_problems(run):
    assert views(run) == []


def test_outlines_keep_what_the_sample_needs(run):
    write_run(run, [verdicts("PPE", "PFT"), verdicts("PF-", "PF-"), np.zeros((1, 0), np.uint8)])
    known = {"p0": [PairOutline(PairKind.CORRECTNESS, 0.5, None, None)]}
    first, second, third = read_outlines(run, known)
    assert (first.passed, first.broken, first.tied, len(first.pairs)) == (0.5, 2, False, 1)
    assert (second.passed, second.broken, second.tied, second.pairs) == (pytest.approx(1 / 3), 0, True, ())
    assert (third.passed, third.tied) == (0.0, True)


def test_solutions_and_tests_stand_in_the_order_of_their_scores(run):
    write_run(run, [verdicts("FFP", "FPP", "PPP")])
    (view,) = views(run)
    assert [row.number for row in view.matrix.solutions] == [3, 2, 1]
    assert [row.number for row in view.matrix.tests] == [3, 2, 1]
    assert view.matrix.letters == ("PPP", "PPF", "PFF")
    assert [row.passed for row in view.matrix.solutions] == [3, 2, 1]
    assert [row.passed for row in view.matrix.tests] == [3, 2, 1]
    assert view.matrix.tests[0].text == "assert f(2) == 3"
    assert view.trajectory is not None
    assert view.trajectory[-1].tolist() == sorted(view.trajectory[-1], reverse=True)


def test_equal_scores_stand_in_the_order_of_the_candidates(run):
    write_run(run, [verdicts("PF", "PF", "PF")])
    assert [row.number for row in views(run)[0].matrix.solutions] == [1, 2, 3]


def test_the_solutions_of_a_pair_are_found_by_their_text(run):
    pairs = [pair(), pair(kind=PairKind.EFFICIENCY, chosen=REJECTED, rejected=CHOSEN)]
    write_run(run, [verdicts("PPP", "PFF", "FFF")], pairs)
    (view,) = views(run)
    assert view.pairs == tuple(pairs)
    assert [row.roles for row in view.matrix.solutions] == [
        (Role("chosen", PairKind.CORRECTNESS), Role("rejected", PairKind.EFFICIENCY)),
        (Role("rejected", PairKind.CORRECTNESS), Role("chosen", PairKind.EFFICIENCY)),
        (),
    ]


def test_of_equal_solutions_the_first_is_the_chosen_one(run):
    twice = candidates(solutions=(PROMPT + CHOSEN, PROMPT + CHOSEN, PROMPT + REJECTED), tests=("assert f(0) == 1",))
    write_run(run, [verdicts("P", "P", "F")], [pair()], [twice])
    roles = [row.roles for row in views(run)[0].matrix.solutions]
    assert roles == [(Role("chosen", PairKind.CORRECTNESS),), (), (Role("rejected", PairKind.CORRECTNESS),)]


def test_of_very_many_pairs_of_a_problem_some_are_shown(run):
    pairs = [pair(confidence=k / 100) for k in range(MOST_PAIRS + 3)]
    write_run(run, [verdicts("P", "F")], pairs)
    known = [PairOutline(PairKind.CORRECTNESS, 0.5, None, None)] * len(pairs)
    (view,) = views(run, p0=known)
    assert view.pairs == tuple(pairs[:MOST_PAIRS])
    assert len(view.outline.pairs) == len(pairs)


def test_a_pair_of_programs_that_are_no_candidates_has_no_roles(run):
    write_run(run, [verdicts("P", "F")], [pair(chosen="    return 77\n", rejected="    return 78\n")])
    (view,) = views(run)
    assert len(view.pairs) == 1
    assert [row.roles for row in view.matrix.solutions] == [(), ()]


def test_of_a_huge_matrix_the_ends_are_shown(run):
    size = MOST_ROWS + 7
    triangle = np.where(np.tri(size, dtype=bool), Verdict.PASS, Verdict.FAIL).astype(np.uint8)
    write_run(run, [triangle])
    (view,) = views(run)
    assert view.matrix.verdicts.shape == (MOST_ROWS, MOST_ROWS)
    assert view.matrix.left_out == (7, 7)
    assert view.matrix.solutions[0].passed == size
    assert view.matrix.solutions[-1].passed == 1
    assert view.trajectory is not None
    assert view.trajectory.shape[1] == MOST_ROWS


def test_a_ranker_that_does_not_iterate_has_no_trajectory(run):
    write_run(run, [verdicts("P", "F")], ranker=pass_count)
    assert views(run)[0].trajectory is None


def test_only_the_chosen_problems_are_read(run):
    write_run(run, [verdicts("P", "F")] * 3, [pair(0), pair(1)])
    outlines = list(read_outlines(run, {}))
    found = read_problems(run, outlines, {1: "no pair"})
    assert [(view.problem_id, view.reason, len(view.pairs)) for view in found] == [("p1", "no pair", 1)]


def test_problems_whose_candidates_are_gone_or_do_not_fit_are_left_out(run):
    write_run(run, [verdicts("P", "F")] * 3)
    jsonl.write(run.candidates, [candidates(0, 2, 1), candidates(1, 3, 1)])
    assert [view.problem_id for view in views(run)] == ["p0"]
    run.candidates.unlink()
    assert views(run) == []


def test_scores_of_other_problems_end_what_is_shown(run):
    write_run(run, [verdicts("P", "F")] * 2)
    scores = list(parquet.read_scores(run.scores))
    parquet.write_scores(run.scores, [scores[0]])
    assert [view.problem_id for view in views(run)] == ["p0"]
    parquet.write_scores(run.scores, [scores[1], scores[0]])
    assert views(run) == []


def test_long_prompts_and_tests_are_cut_and_hidden_characters_shown(run):
    long = candidates(
        prompt="p\u202e" * LONGEST_PROMPT, solutions=("a", "b"), tests=("assert f(1)\x00", "t" * 10_000)
    )
    write_run(run, [verdicts("PF", "FF")], found=[long])
    (view,) = views(run)
    assert view.prompt.startswith("p‹U+202E›")
    assert view.prompt.count("p") == LONGEST_PROMPT // 2
    assert view.matrix.tests[0].text == "assert f(1)␀"
    assert len(view.matrix.tests[1].text) == LONGEST_TEST + 2
