"""The run directory: where files are, and the manifest that says what is finished."""

from __future__ import annotations

import json
import platform

import pytest

import codedpo_plugin
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord, differences, tool_versions

RECORD = StageRecord({"ranker": "random"}, {"matrix.parquet": "12ab"}, {"problems": 2, "cells": 8})


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run")


@pytest.mark.parametrize(
    ("attribute", "place"),
    [
        ("manifest", "manifest.json"),
        ("problems", "problems.jsonl"),
        ("candidates", "candidates.jsonl"),
        ("matrix", "matrix.parquet"),
        ("scores", "scores.parquet"),
        ("pairs", "pairs.jsonl"),
        ("train", "train"),
        ("checkpoints", "train.checkpoints"),
        ("lock", "run.lock"),
        ("progress", "progress.json"),
        ("report", "report.html"),
        ("comparison", "comparison.json"),
    ],
)
def test_every_file_of_the_contract_has_its_place(run, attribute, place):
    assert getattr(run, attribute) == run.path / place


def test_results_are_by_suite_and_those_before_training_in_a_run_directory_of_their_own(run):
    assert run.result("micro") == run.path / "eval" / "micro.json"
    assert run.before.result("micro") == run.path / "before" / "eval" / "micro.json"


def test_a_missing_file_comes_with_the_command_that_makes_it(run):
    with pytest.raises(UsageError, match=r"pairs\.jsonl does not exist; make it with `codedpo pairs DIR`"):
        run.require(run.pairs, "pairs DIR")


def test_a_file_that_is_there_is_returned(run):
    run.path.mkdir()
    run.pairs.touch()
    assert run.require(run.pairs, "pairs DIR") == run.pairs


FIRST_STAGES = {
    "seeds": set(),
    "problems": {"seeds.jsonl"},
    "generate": {"seeds.jsonl", "problems.jsonl", "solutions.jsonl"},
    "candidates": {"seeds.jsonl", "problems.jsonl", "solutions.jsonl"},
    "score": {
        *("seeds.jsonl", "problems.jsonl", "solutions.jsonl"),
        *("candidates.jsonl", "matrix.parquet", "execute.shards"),
    },
}


@pytest.mark.parametrize("stage", FIRST_STAGES)
def test_forgetting_removes_what_a_stage_and_later_ones_wrote_and_nothing_else(run, stage):
    for folder in (run.train, run.checkpoints, run.before.path / "eval", run.path / "eval"):
        folder.mkdir(parents=True)
    for name in ("execute", "score"):
        run.shards(name).mkdir()
    own = (run.seeds, run.problems, run.solutions, run.candidates, run.matrix, run.scores, run.pairs, run.report)
    for path in (*own, run.progress, run.answers, run.path / "notes.txt"):
        path.touch()
    run.forget(stage)
    assert {path.name for path in run.path.iterdir()} == FIRST_STAGES[stage] | {"notes.txt", "answers.jsonl"}


def test_a_manifest_forgets_a_stage_and_those_after_it(run):
    run.path.mkdir()
    manifest = Manifest(run)
    for name in ("seeds", "problems", "generate", "execute", "evaluate_before_micro", "train"):
        manifest.finish(name, StageRecord({}, {}))
    manifest.forget("execute")
    assert list(Manifest(run).data["stages"]) == ["seeds", "problems", "generate"]


def test_a_manifest_that_cannot_be_read_is_mended_only_where_that_is_asked_for(run):
    run.path.mkdir()
    run.manifest.write_text("{")
    with pytest.raises(InputError, match="not a manifest"):
        Manifest(run)
    assert Manifest(run, mend=True).data["stages"] == {}


def test_a_run_is_there_as_soon_as_a_stage_has_begun(run):
    assert not run.exists()
    run.shards("candidates").mkdir(parents=True)
    assert run.exists()


def test_a_new_manifest_is_in_memory_only(run):
    manifest = Manifest(run)
    assert manifest.finished("score") is None
    assert manifest.data["schema_version"] == 1
    assert not run.path.exists()


def test_a_finished_stage_is_read_back(run):
    Manifest(run).finish("score", RECORD)
    assert Manifest(run).finished("score") == RECORD
    assert Manifest(run).finished("pairs") is None


def test_the_manifest_holds_what_the_contract_says(run):
    manifest = Manifest(run)
    manifest.set("config", {"seed": 3})
    manifest.finish("score", RECORD)
    data = json.loads(run.manifest.read_text())
    assert set(data) == {"schema_version", "versions", "stages", "config"}
    assert data["config"] == {"seed": 3}
    assert data["stages"]["score"] == {
        "state": "finished",
        "config": {"ranker": "random"},
        "inputs": {"matrix.parquet": "12ab"},
        "counts": {"cells": 8, "problems": 2},
    }


def test_equal_runs_make_equal_manifests(tmp_path):
    runs = [RunDirectory(tmp_path / name) for name in ("one", "two")]
    for run, counts in zip(runs, ({"a": 1, "b": 2}, {"b": 2, "a": 1}), strict=True):
        Manifest(run).finish("score", StageRecord({}, {}, counts))
    assert runs[0].manifest.read_bytes() == runs[1].manifest.read_bytes()


def test_a_stage_that_is_done_again_makes_the_later_ones_unfinished(run):
    manifest = Manifest(run)
    for stage in ("execute", "score", "pairs"):
        manifest.finish(stage, RECORD)
    manifest.finish("score", RECORD)
    kept = Manifest(run)
    assert [kept.finished(stage) is not None for stage in ("execute", "score", "pairs")] == [True, True, False]


def test_a_stage_in_another_state_is_not_finished(run):
    manifest = Manifest(run)
    manifest.finish("score", RECORD)
    manifest.data["stages"]["score"]["state"] = "failed"
    assert manifest.finished("score") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not a manifest"),
        (b"\xff\xff", "not a manifest"),
        (b"[]", "schema version 1 is expected"),
        (b'{"stages": {}}', "schema version 1 is expected"),
        (b'{"schema_version": 2, "stages": {}}', "schema version 1 is expected"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_so_and_what_to_do(run, content, reason):
    run.path.mkdir()
    run.manifest.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        Manifest(run)
    assert str(run.manifest) in str(caught.value)
    assert "--restart" in str(caught.value)


def test_versions_are_of_this_package_of_python_and_of_the_tools():
    found = tool_versions()
    assert found["codedpo-plugin"] == codedpo_plugin.__version__
    assert found["python"] == platform.python_version()
    assert {"lm-eval", "evalplus", "pyarrow", "numpy", "pluggy"} <= set(found)


def test_a_tool_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr("codedpo_plugin.rundir.TOOLS", ("numpy", "no-such-tool"))
    assert set(tool_versions()) == {"codedpo-plugin", "python", "numpy"}


def test_differences_name_the_key_and_both_values():
    old = {"config": {"seed": 1, "params": {"damping": 0.85}}, "input": {"f": "ab"}}
    new = {"config": {"seed": 1, "params": {"damping": 0.5}, "limit": 3}, "input": {"f": "ab"}}
    assert differences(old, new) == [
        "  config.limit: None -> 3",
        "  config.params.damping: 0.85 -> 0.5",
    ]


def test_equal_mappings_do_not_differ():
    assert differences({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}) == []


def test_a_section_that_becomes_a_value_is_one_difference():
    assert differences({"train": {"lora": True}}, {"train": None}) == ["  train: {'lora': True} -> None"]
