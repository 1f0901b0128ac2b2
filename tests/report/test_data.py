"""What the page shows, gathered from a run directory."""

from __future__ import annotations

import json
import math

import pytest

from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.ranking import bayes
from codedpo_plugin.records import PairKind, Verdict
from codedpo_plugin.report.data import gather
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord

from .support import candidates, empty_run, pair, verdicts, write_everything, write_run


@pytest.fixture
def run(tmp_path):
    return empty_run(tmp_path / "my-run")


def test_a_directory_without_a_run_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"holds no run: there is no manifest\.json"):
        gather(RunDirectory(tmp_path))


def test_a_run_of_nothing_but_a_manifest_has_nothing_but_its_provenance(run):
    data = gather(run)
    assert data.name == "my-run"
    assert (data.suites, data.matrices, data.problems, data.logprobs, data.notes) == ((), None, (), (), ())
    assert data.pairs.total == 0
    assert data.provenance.seed == 3
    assert json.loads(data.provenance.config) == {"seed": 3, "score": {"ranker": "random"}}
    assert not data.sampled


def test_a_whole_run_is_gathered(run):
    data = gather(write_everything(run))
    assert data.matrices is not None
    assert (data.matrices.problems, data.matrices.solutions, data.matrices.tests) == (3, 6, 9)
    assert data.matrices.cells == {
        Verdict.PASS: 10,
        Verdict.FAIL: 5,
        Verdict.ERROR: 1,
        Verdict.TIMEOUT: 1,
        Verdict.NOT_RUN: 1,
    }
    assert data.matrices.total == 18
    assert data.ranker == "self-validation"
    assert data.pairs.counts == {PairKind.CORRECTNESS: 2, PairKind.EFFICIENCY: 1}
    assert data.pairs.problems == {PairKind.CORRECTNESS: 2, PairKind.EFFICIENCY: 1}
    assert data.pairs.margins == (0.75, 0.75)
    assert data.pairs.confidences == {PairKind.CORRECTNESS: (0.5,), PairKind.EFFICIENCY: (0.75,)}
    assert data.pairs.speedups == (2.25,)
    assert [view.problem_id for view in data.problems] == ["p0", "p1", "p2"]
    assert data.convergence is not None
    assert data.convergence.problems == 3
    assert len(data.logprobs) == 4
    assert [suite.suite for suite in data.suites] == ["micro"]
    assert data.notes == ()


def test_gathering_twice_gives_the_same(run):
    write_everything(run)
    first, second = gather(run), gather(run)
    assert first.pairs == second.pairs
    assert [v.matrix.letters for v in first.problems] == [v.matrix.letters for v in second.problems]


def test_of_many_problems_some_are_shown_and_all_are_counted(run):
    write_run(run, [verdicts("PP", "PF")] * 30, [pair(k) for k in range(30)])
    data = gather(run, limit=10)
    assert data.sampled
    assert len(data.problems) == 10
    assert data.matrices is not None
    assert data.matrices.problems == 30
    assert data.pairs.total == 30
    assert data.convergence is not None
    assert data.convergence.problems == 10


@pytest.mark.parametrize(("chosen", "rejected"), [(0.0, 0.0), (-1.0, -2.0), (1.0, -1.0)])
def test_a_margin_that_is_no_share_is_not_counted(run, chosen, rejected):
    odd = pair(0, chosen_score=chosen, rejected_score=rejected, margin=chosen - rejected)
    write_run(run, [verdicts("P", "F")], [odd])
    data = gather(run)
    assert data.pairs.margins == ()
    assert data.pairs.total == 1
    assert math.isnan(data.problems[0].outline.pairs[0].margin)


def test_margins_are_measured_as_the_ranker_s(run):
    sure = pair(0, chosen_score=math.log(0.75), rejected_score=math.log(0.25), margin=math.log(3))
    write_run(run, [verdicts("P", "F")], [sure], ranker=bayes.rank)
    assert gather(run).pairs.margins == pytest.approx((0.5,))


def test_of_many_pairs_of_a_problem_the_problem_is_counted_once(run):
    write_run(run, [verdicts("P", "F")] * 2, [pair(0), pair(0), pair(1)])
    assert (gather(run).pairs.total, gather(run).pairs.problems) == (3, {PairKind.CORRECTNESS: 2})


def test_pairs_were_looked_for_once_the_stage_has_finished(run):
    write_run(run, [verdicts("P", "P")])
    assert not gather(run).paired
    Manifest(run).finish("pairs", StageRecord({}, {}, {"correctness_all_scores_equal": 1}))
    assert gather(run).paired


def test_lines_that_are_no_pairs_are_noted(run):
    write_run(run, [verdicts("P", "F")])
    run.pairs.write_bytes(b"{\n" + jsonl.line(pair()) + b'{"problem_id": "x"}\n')
    data = gather(run)
    assert data.pairs.total == 1
    (note,) = data.notes
    assert note.startswith("pairs.jsonl: 2 lines left out, the first: not JSON")


def test_a_matrix_that_cannot_be_read_is_an_error(run):
    write_run(run, [verdicts("P", "F")])
    run.matrix.write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"matrix\.parquet"):
        gather(run)


def test_stages_have_their_seeds_digests_and_counts(run):
    Manifest(run).finish("score", StageRecord({"seed": 7}, {"matrix.parquet": "abc"}, {"problems": 2}))
    (stage,) = gather(run).provenance.stages
    assert (stage.name, stage.seed, stage.inputs, stage.counts) == (
        "score",
        7,
        {"matrix.parquet": "abc"},
        {"problems": 2},
    )


def test_without_a_configuration_of_the_run_those_of_its_stages_are_shown(tmp_path):
    run = RunDirectory(tmp_path)
    Manifest(run).finish("score", StageRecord({"seed": 7}, {}, {}))
    provenance = gather(run).provenance
    assert json.loads(provenance.config) == {"score": {"seed": 7}}
    assert provenance.seed is None


def test_problems_without_scores_or_candidates_of_their_own_are_noted(run):
    write_run(run, [verdicts("P", "F")] * 3)
    parquet.write_scores(run.scores, list(parquet.read_scores(run.scores))[:2])
    jsonl.write(run.candidates, [candidates(0, 2, 1), candidates(1, 3, 1)])
    data = gather(run)
    assert [view.problem_id for view in data.problems] == ["p0"]
    assert data.notes == (
        "scores.parquet: 1 problems have no scores of their own",
        "candidates.jsonl: 1 problems have none that fit their matrix",
    )


def test_a_run_that_is_not_scored_yet_has_matrices_and_no_problems(run):
    write_run(run, [verdicts("P", "F")])
    run.scores.unlink()
    data = gather(run)
    assert data.matrices is not None
    assert (data.problems, data.convergence, data.ranker, data.notes) == ((), None, "", ())
