"""Starting afresh, and inputs that lie in the run directory itself: no input is removed or rewritten."""

from __future__ import annotations

import pytest

from codedpo_plugin.config import ExecuteConfig, PairsConfig, ProblemsConfig, ScoreConfig
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.records import Candidates, MadeProblem, SolutionForm
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord
from codedpo_plugin.suites.micro import micro_problems

ENTRIES = micro_problems("train")[:2]
CANDIDATES = [
    Candidates(e.id, e.prompt, e.entry_point, tuple(e.prompt + body for body in e.bodies), e.tests) for e in ENTRIES
]
PROBLEMS = [MadeProblem(e.id, e.prompt, e.entry_point, instruction="Do it.", licence="MIT") for e in ENTRIES]


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    return run


def build(run: RunDirectory, *sources, restart: bool = False, form=SolutionForm.PROGRAM, executor="local") -> None:
    """Do what ``codedpo build SOURCES -o RUN`` does."""
    execute = ExecuteConfig(workers=1, executor=executor)
    with Pipeline(run, create_plugins(installed=False), restart=restart) as pipeline:
        pipeline.take_candidates(sources or [run.candidates], form)
        pipeline.execute(execute)
        pipeline.score(ScoreConfig())
        pipeline.pairs(PairsConfig(kinds=("correctness",)), execute)


def test_a_run_builds_pairs_of_its_own_candidates_as_often_as_it_is_told_to(run):
    jsonl.write(run.problems, PROBLEMS)
    jsonl.write(run.candidates, CANDIDATES)
    before = run.problems.read_bytes(), run.candidates.read_bytes()
    build(run)
    made = run.pairs.read_bytes()
    for restart in (False, True):
        build(run, restart=restart)
        assert run.pairs.read_bytes() == made
    assert (run.problems.read_bytes(), run.candidates.read_bytes()) == before


def test_own_candidates_that_would_have_to_be_rewritten_are_refused(run):
    jsonl.write(run.candidates, CANDIDATES)
    with pytest.raises(UsageError, match="would have to be rewritten to be taken as completions: use another -o"):
        build(run, form=SolutionForm.COMPLETION)
    whole = run.candidates.read_bytes()
    run.candidates.write_bytes(whole + b"{\n")
    with pytest.raises(InputError, match=r"1 lines cannot be used:\n.*candidates\.jsonl:3.*\n.*another -o"):
        build(run)
    assert run.candidates.read_bytes() == whole + b"{\n"
    with pytest.raises(UsageError, match="is among the candidates"):
        build(run, run.candidates, run.path / "more.jsonl")


def test_candidates_that_were_given_are_not_replaced_by_others(run, tmp_path):
    other = tmp_path / "other.jsonl"
    jsonl.write(other, CANDIDATES[:1])
    jsonl.write(run.candidates, CANDIDATES)
    given = run.candidates.read_bytes()
    for built in (False, True):
        for restart in (False, True):
            with pytest.raises(UsageError, match=r"candidates\.jsonl is there .*: use another -o, or move it away"):
                build(run, other, restart=restart)
            with Pipeline(run, create_plugins(installed=False), restart=restart) as pipeline:
                pipeline.problems(ProblemsConfig(suite="micro", split="train", limit=2))
            assert run.candidates.read_bytes() == given
        if not built:
            build(run)


def test_candidates_of_a_model_are_replaced_by_given_ones_only_with_restart(run, tmp_path):
    source = tmp_path / "c.jsonl"
    jsonl.write(source, CANDIDATES)
    jsonl.write(run.candidates, CANDIDATES[:1])
    Manifest(run).finish("generate", StageRecord({}, {}))
    with pytest.raises(UsageError, match="use another -o, or --restart to start afresh"):
        build(run, source)
    assert jsonl.count(run.candidates) == 1
    build(run, source, restart=True)
    assert jsonl.count(run.candidates) == 2


def test_candidates_for_other_problems_than_those_that_were_made_here_are_refused(run, tmp_path):
    problems = tmp_path / "mine.jsonl"
    jsonl.write(problems, PROBLEMS[:1])
    with Pipeline(run, create_plugins(installed=False)) as pipeline:
        pipeline.problems(ProblemsConfig(path=problems))
    made = run.problems.read_bytes()
    source = tmp_path / "c.jsonl"
    jsonl.write(source, CANDIDATES)
    with pytest.raises(UsageError, match="which was made here, lacks problems of the candidates"):
        build(run, source)
    assert run.problems.read_bytes() == made


def test_problems_taken_with_candidates_are_those_of_the_last_ones(run, tmp_path):
    source = tmp_path / "c.jsonl"
    jsonl.write(source, CANDIDATES)
    build(run, source)
    assert jsonl.count(run.problems) == 2
    jsonl.write(
        source, [CANDIDATES[1], Candidates("new", "def f():\n", "f", ("def f():\n    return 1",), ("assert f()",))]
    )
    build(run, source, restart=True)
    assert [p.problem_id for p in jsonl.read_all(run.problems, jsonl.problem_from)[0]] == [ENTRIES[1].id, "new"]


def test_problems_are_not_replaced_by_what_is_made_of_them(run):
    jsonl.write(run.problems, PROBLEMS)
    for restart in (False, True):
        pipeline = Pipeline(run, create_plugins(installed=False), restart=restart)
        with pytest.raises(UsageError, match="would be replaced by what is made of it: use another -o"):
            pipeline.problems(ProblemsConfig(path=run.problems))
    assert jsonl.count(run.problems) == 2


def test_starting_afresh_leaves_alone_what_comes_before(run, tmp_path):
    problems = tmp_path / "mine.jsonl"
    jsonl.write(problems, PROBLEMS)
    run.seeds.write_text("{}\n")
    run.answers.write_text("{}\n")
    for restart in (False, True):
        with Pipeline(run, create_plugins(installed=False), restart=restart) as pipeline:
            pipeline.problems(ProblemsConfig(path=problems, limit=1 + restart))
    assert jsonl.count(run.problems) == 2
    assert run.seeds.exists()
    assert run.answers.exists()


def test_a_manifest_that_cannot_be_read_is_no_reason_not_to_start_afresh(run, tmp_path):
    source = tmp_path / "c.jsonl"
    jsonl.write(source, CANDIDATES)
    run.manifest.write_text("{")
    with pytest.raises(InputError, match="Start afresh with --restart"):
        build(run, source)
    build(run, source, restart=True)
    assert list(Manifest(run).data["stages"]) == ["candidates", "execute", "score", "pairs"]


def test_an_executor_with_verdicts_of_its_own_is_part_of_what_a_matrix_was_made_from(run):
    jsonl.write(run.candidates, CANDIDATES)
    build(run)
    with pytest.raises(UsageError, match=r"config\.executor: None -> 'evalplus'"):
        build(run, executor="evalplus")
