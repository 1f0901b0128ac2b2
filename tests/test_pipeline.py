"""The pipeline: hooks in order, files, resumption."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import PairsConfig, RunConfig, ScoreConfig
from codedpo_plugin.errors import GenerationError, InputError, UsageError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.lock import holder_of
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pipeline import Pipeline, run_all
from codedpo_plugin.records import Candidates, SolutionForm
from codedpo_plugin.rundir import Manifest, RunDirectory
from codedpo_plugin.suites.micro import micro_problems

CONFIG = {
    "problems": {"suite": "micro", "split": "train", "limit": 3},
    "generate": {"model_args": {"pretrained": "nowhere"}},
    "execute": {"workers": 1},
    "pairs": {"kinds": ["correctness"]},
    "train": {"method": "dpo"},
    "evaluate": {"suites": ["micro"]},
}


class FakeModel:
    """A plugin that stands for the model: generates, trains and evaluates without one."""

    def __init__(self) -> None:
        self.generated = 0
        self.fail_after: int | None = None

    @hookimpl
    def codedpo_generate(self, problems):
        for problem in problems:
            if self.generated == self.fail_after:
                raise GenerationError("the model is gone")
            self.generated += 1
            entry = next(e for e in micro_problems() if e.id == problem.problem_id)
            programs = tuple(entry.prompt + body for body in entry.bodies)
            yield Candidates(entry.id, entry.prompt, entry.entry_point, programs, entry.tests, {"model": "fake"})

    @hookimpl
    def codedpo_train(self, pairs, output):
        output.mkdir()
        (output / "config.json").write_text(str(len(pairs.read_text().splitlines())))
        return output

    @hookimpl
    def codedpo_evaluate(self, suite, model):
        entry = micro_problems("heldout")[0]
        solved = "train" in model.model_args["pretrained"]
        program = entry.prompt + (entry.reference if solved else entry.wrong[0])
        sample = SampleResult(entry.id, 0, program, "pass" if solved else "fail", "pass", 1)
        return SuiteResult(suite.name, {"model": "fake"}, (sample,))


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ({"execute": {"executor": "locl"}}, "unknown executor 'locl'. Did you mean 'local'"),
        ({"score": {"ranker": "codett"}}, "unknown ranker 'codett'. Did you mean 'codet'"),
        ({"train": {"method": "dop"}}, "unknown trainer 'dop'. Did you mean 'dpo'"),
        ({"evaluate": {"suites": ["micro", "mirco"]}}, "unknown suite 'mirco'. Did you mean 'micro'"),
        ({"problems": {"suite": "mirco"}}, "unknown suite 'mirco'. Did you mean 'micro'"),
    ],
)
def test_a_name_that_nothing_has_is_refused_before_anything_is_run(tmp_path, section, meant):
    with pytest.raises(UsageError, match=re.escape(meant)):
        run_with(FakeModel(), tmp_path / "run", section)
    assert not (tmp_path / "run").exists()


def run_with(model: FakeModel, folder: Path, config: dict | None = None, **options) -> Pipeline:
    plugins = create_plugins([("fake", model)], installed=False)
    pipeline = Pipeline(RunDirectory(folder), plugins, **options)
    run_all(pipeline, RunConfig.model_validate(CONFIG | (config or {})))
    return pipeline


def test_a_whole_run_calls_the_hooks_in_order(tmp_path):
    plugins = create_plugins([("fake", FakeModel())], installed=False)
    calls: list[str] = []
    plugins.manager.add_hookcall_monitoring(
        lambda name, impls, kwargs: calls.append(name), lambda outcome, name, impls, kwargs: None
    )
    run_all(Pipeline(RunDirectory(tmp_path / "run"), plugins), RunConfig.model_validate(CONFIG))
    assert calls == [
        "codedpo_collect_seeds",
        "codedpo_make_problems",
        "codedpo_generate",
        "codedpo_execute",
        "codedpo_score",
        "codedpo_build_pairs",
        "codedpo_evaluate",
        "codedpo_train",
        "codedpo_evaluate",
        "codedpo_report",
    ]


def test_observers_hear_of_every_stage_in_order(tmp_path):
    heard: list[tuple[str, str]] = []

    class Observer:
        @hookimpl
        def codedpo_stage_started(self, stage):
            heard.append(("started", stage))

        @hookimpl
        def codedpo_stage_finished(self, stage, counts, seconds):
            heard.append(("finished", stage))

    plugins = create_plugins([("fake", FakeModel()), ("observer", Observer())], installed=False)
    run_all(Pipeline(RunDirectory(tmp_path / "run"), plugins), RunConfig.model_validate(CONFIG))
    stages = ["problems", "generate", "execute", "score", "pairs", "evaluate_before_micro", "train"]
    stages += ["evaluate_micro", "compare", "report"]
    assert heard == [(word, stage) for stage in stages for word in ("started", "finished")]


def test_a_run_writes_every_file_of_the_contract(tmp_path):
    run = run_with(FakeModel(), tmp_path / "run").run
    for path in (run.manifest, run.problems, run.candidates, run.matrix, run.scores, run.pairs, run.report):
        assert path.is_file(), path
    assert run.result("micro").is_file()
    assert run.before.result("micro").is_file()
    assert run.train.is_dir()
    manifest = json.loads(run.manifest.read_text())
    assert manifest["schema_version"] == 1
    assert manifest["config"]["seed"] == 0
    assert "python" in manifest["versions"]
    assert manifest["stages"]["pairs"]["counts"]["correctness_pairs"] == 3
    assert all(stage["state"] == "finished" for stage in manifest["stages"].values())


def test_equal_runs_write_equal_bytes(tmp_path):
    first, second = (run_with(FakeModel(), tmp_path / name / "run").run for name in ("a", "b"))
    for name in ("problems", "candidates", "matrix", "scores", "pairs", "manifest"):
        one, other = getattr(first, name).read_bytes(), getattr(second, name).read_bytes()
        assert one.replace(b"/a/", b"/b/") == other, name


def test_a_finished_run_is_not_repeated(tmp_path):
    model = FakeModel()
    run_with(model, tmp_path / "run")
    run_with(model, tmp_path / "run")
    assert model.generated == 3


def test_a_failed_run_continues_after_its_last_finished_stage(tmp_path):
    model = FakeModel()
    model.fail_after = 2
    with pytest.raises(GenerationError, match="the model is gone"):
        run_with(model, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert list(manifest["stages"]) == ["problems"]
    assert not (tmp_path / "run" / "candidates.jsonl").exists()
    model.fail_after = None
    run = run_with(model, tmp_path / "run").run
    assert run.report.exists()


def test_a_changed_configuration_is_refused_with_the_difference(tmp_path):
    run_with(FakeModel(), tmp_path / "run")
    with pytest.raises(UsageError, match=r"ranker: 'self-validation' -> 'pass-count'") as refusal:
        run_with(FakeModel(), tmp_path / "run", {"score": {"ranker": "pass-count"}})
    assert "--restart" in str(refusal.value)
    assert Manifest(RunDirectory(tmp_path / "run")).data["config"]["score"]["ranker"] == "self-validation"


def test_another_seed_is_another_run_of_every_stage_that_draws(tmp_path):
    run_with(FakeModel(), tmp_path / "run")
    stages = Manifest(RunDirectory(tmp_path / "run")).data["stages"]
    drawing = ("generate", "evaluate_before_micro", "train", "evaluate_micro")
    assert [stages[name]["config"]["seed"] for name in drawing] == [0, 0, 0, 0]
    with pytest.raises(UsageError, match=r"stage 'generate' is finished.*\n  config\.seed: 0 -> 1\n"):
        run_with(FakeModel(), tmp_path / "run", seed=1)


def test_restart_forgets_the_earlier_run(tmp_path):
    run_with(FakeModel(), tmp_path / "run")
    run = run_with(FakeModel(), tmp_path / "run", {"score": {"ranker": "pass-count"}}, restart=True).run
    assert {s.ranker for s in parquet.read_scores(run.scores)} == {"pass-count"}


def test_restart_leaves_files_alone_that_are_not_of_a_run(tmp_path):
    precious = tmp_path / "run" / "notes.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    run_with(FakeModel(), tmp_path / "run")
    run_with(FakeModel(), tmp_path / "run", restart=True)
    assert precious.read_text() == "mine"


def test_redoing_a_stage_forgets_the_stages_after_it(tmp_path):
    run_with(FakeModel(), tmp_path / "run", {"train": None, "evaluate": None})
    plugins = create_plugins(installed=False)
    pipeline = Pipeline(RunDirectory(tmp_path / "run"), plugins, redo=True)
    pipeline.score(ScoreConfig(ranker="pass-count"))
    stages = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]
    assert stages["score"]["config"]["ranker"] == "pass-count"
    assert "pairs" not in stages


def test_input_that_has_changed_is_noticed(tmp_path):
    source = tmp_path / "candidates.jsonl"
    entry = micro_problems("train")[0]
    record = Candidates(entry.id, entry.prompt, entry.entry_point, (entry.prompt + entry.reference,), entry.tests)
    jsonl.write(source, [record])
    pipeline = Pipeline(RunDirectory(tmp_path / "run"), create_plugins(installed=False))
    pipeline.take_candidates([source], SolutionForm.PROGRAM)
    source.write_text(source.read_text().replace("self", "this") + "\n")
    with pytest.raises(UsageError, match=r"input\.candidates\.jsonl"):
        pipeline.take_candidates([source], SolutionForm.PROGRAM)


@pytest.mark.parametrize("content", [None, "more"])
def test_input_that_changes_while_it_is_read_is_noticed(tmp_path, content):
    source = tmp_path / "candidates.jsonl"
    entry = micro_problems("train")[0]
    one = Candidates(entry.id, entry.prompt, entry.entry_point, (entry.prompt + entry.reference,), entry.tests)
    jsonl.write(source, [one])

    class Observer:
        @hookimpl
        def codedpo_stage_finished(self):
            source.touch()
            if content:
                source.write_text(source.read_text() + content)

    pipeline = Pipeline(RunDirectory(tmp_path / "run"), create_plugins([("o", Observer())], installed=False))
    if content is None:
        pipeline.take_candidates([source], SolutionForm.PROGRAM)
        assert Manifest(pipeline.run).finished("candidates")
    else:
        with pytest.raises(InputError, match=r"changed while it was read:\n  input\.candidates\.jsonl: "):
            pipeline.take_candidates([source], SolutionForm.PROGRAM)
        assert not Manifest(pipeline.run).finished("candidates")
    assert jsonl.count(pipeline.run.candidates) == 1


def test_candidates_and_matrix_of_different_problems_are_refused(tmp_path):
    run = run_with(FakeModel(), tmp_path / "run", {"train": None, "evaluate": None}).run
    lines = run.candidates.read_text().splitlines(keepends=True)
    run.candidates.write_text("".join([lines[1], lines[0], *lines[2:]]))
    pairs, execute = PairsConfig(kinds=("correctness",)), RunConfig.model_validate(CONFIG).execute
    with pytest.raises(UsageError, match=r"what stage 'execute' reads has changed .*`codedpo execute .*run` first"):
        Pipeline(run, create_plugins(installed=False), redo=True).pairs(pairs, execute)
    run.manifest.unlink()
    with pytest.raises(InputError, match="not of the same problems"):
        Pipeline(run, create_plugins(installed=False), redo=True).pairs(pairs, execute)


def test_pairs_are_made_of_scores_of_the_present_matrix(tmp_path):
    run = run_with(FakeModel(), tmp_path / "run", {"train": None, "evaluate": None}).run
    pipeline = Pipeline(run, create_plugins(installed=False), redo=True)
    pairs, execute = PairsConfig(kinds=("correctness",)), RunConfig.model_validate(CONFIG).execute
    pipeline.execute(execute)
    with pytest.raises(UsageError, match=r"what stage 'score' reads has changed .* `codedpo score .*run` first"):
        pipeline.pairs(pairs, execute)
    pipeline.score(ScoreConfig())
    pipeline.pairs(pairs, execute)
    del pipeline.manifest.data["stages"]["execute"]  # as if the matrix had been put there, now another one
    pipeline.manifest.write()
    parquet.write_matrices(run.matrix, [*parquet.read_matrices(run.matrix)][:2])
    with pytest.raises(UsageError, match=r"what stage 'score' reads has changed"):
        pipeline.pairs(pairs, execute)


def test_a_stage_without_its_input_names_the_command_that_makes_it(tmp_path):
    pipeline = Pipeline(RunDirectory(tmp_path), create_plugins(installed=False))
    with pytest.raises(UsageError, match="codedpo execute"):
        pipeline.score(ScoreConfig())


def test_generation_without_any_usable_problem_stops_the_run(tmp_path):
    class Silent(FakeModel):
        @hookimpl
        def codedpo_generate(self, problems, context):
            context.counts["problem_without_tests"] += len(list(problems))
            return iter(())

    with pytest.raises(InputError, match="problem_without_tests: 3"):
        run_with(Silent(), tmp_path / "run")


def test_generation_goes_on_with_the_problems_that_are_left(tmp_path, monkeypatch):
    monkeypatch.setattr("codedpo_plugin.stages.candidates.GENERATED_SHARD", 2)
    limit = {"problems": {"suite": "micro", "split": "train", "limit": 4}}
    model = FakeModel()
    model.fail_after = 3
    with pytest.raises(GenerationError, match="the model is gone"):
        run_with(model, tmp_path / "a" / "run", limit)
    changed = limit | {"generate": {"model_args": {"pretrained": "nowhere"}, "temperature": 0.5}}
    with pytest.raises(UsageError, match=r"config\.temperature: 1\.5 -> 0\.5"):
        run_with(model, tmp_path / "a" / "run", changed)
    model.fail_after = None
    resumed = run_with(model, tmp_path / "a" / "run", limit).run
    assert model.generated == 3 + 2
    whole = run_with(FakeModel(), tmp_path / "b" / "run", limit).run
    assert resumed.candidates.read_bytes() == whole.candidates.read_bytes()
    counts = [Manifest(run).finished("generate").counts for run in (resumed, whole)]
    assert counts[0] == counts[1]


def test_an_interrupted_stage_does_not_go_on_with_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr("codedpo_plugin.stages.candidates.GENERATED_SHARD", 1)
    model = FakeModel()
    model.fail_after = 2
    with pytest.raises(GenerationError):
        run_with(model, tmp_path / "run")
    monkeypatch.setattr("codedpo_plugin.pipeline.__version__", "9.9")
    with pytest.raises(UsageError, match=r"to be continued.*\n  versions\.codedpo-plugin: '.*' -> '9\.9'"):
        run_with(model, tmp_path / "run")


def test_what_a_finished_stage_did_not_come_to_remove_is_removed(tmp_path):
    run = run_with(FakeModel(), tmp_path / "run").run
    run.shards("execute").mkdir()
    run_with(FakeModel(), tmp_path / "run")
    assert not run.shards("execute").exists()


def test_a_stage_that_was_being_done_again_with_something_else_is_not_taken_for_finished(tmp_path):
    short = {"train": None, "evaluate": None}
    run = run_with(FakeModel(), tmp_path / "run", short).run
    redone = Pipeline(run, create_plugins(installed=False), redo=True)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt  # the output has been replaced, and the manifest does not know

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Manifest, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            redone.score(ScoreConfig(ranker="pass-count"))
    assert {s.ranker for s in parquet.read_scores(run.scores)} == {"pass-count"}
    with pytest.raises(UsageError, match=r"to be continued.*\n  config\.ranker: 'pass-count' -> 'self-validation'"):
        run_with(FakeModel(), run.path, short)


def test_a_run_keeps_its_lock_from_stage_to_stage_and_the_report_needs_none(tmp_path):
    held: list[bool] = []

    class Observer:
        @hookimpl
        def codedpo_stage_finished(self, stage):
            held.append(holder_of(RunDirectory(tmp_path / "run").lock) is not None)

    plugins = create_plugins([("fake", FakeModel()), ("observer", Observer())], installed=False)
    run_all(Pipeline(RunDirectory(tmp_path / "run"), plugins), RunConfig.model_validate(CONFIG))
    assert held == [True] * (len(held) - 1) + [False]


def test_candidates_come_in_a_stream_and_their_bad_lines_are_counted(tmp_path, caplog):
    source = tmp_path / "candidates.jsonl"
    entry = micro_problems("train")[0]
    one = Candidates("a", entry.prompt, entry.entry_point, (entry.prompt + entry.reference,), entry.tests)
    source.write_bytes(b"{\n" + jsonl.line(one) + jsonl.line(one) + b"[]\n")
    pipeline = Pipeline(RunDirectory(tmp_path / "run"), create_plugins(installed=False))
    pipeline.take_candidates([source], SolutionForm.PROGRAM)
    assert Manifest(pipeline.run).finished("candidates").counts == {"bad_lines": 3, "problems": 1}
    assert "3 lines were left out" in caplog.text
    assert f"{source}:3 (problem a): duplicate of line 2" in caplog.text


def test_bad_lines_of_given_candidates_are_counted_where_they_are_executed(tmp_path, caplog):
    entry = micro_problems("train")[0]
    one = Candidates("a", entry.prompt, entry.entry_point, (entry.prompt + entry.reference,), entry.tests)
    run = RunDirectory(tmp_path)
    run.candidates.write_bytes(b"{\n" + jsonl.line(one) + jsonl.line(one))
    Pipeline(run, create_plugins(installed=False)).execute(RunConfig.model_validate(CONFIG).execute)
    assert Manifest(run).finished("execute").counts["bad_lines"] == 2
    assert f"{run.candidates}:3 (problem a): duplicate of line 2" in caplog.text


def test_candidates_that_cannot_be_used_leave_nothing_behind(tmp_path):
    source = tmp_path / "candidates.jsonl"
    source.write_bytes(b"{\n")
    pipeline = Pipeline(RunDirectory(tmp_path / "run"), create_plugins(installed=False))
    with pytest.raises(InputError, match="no usable line"):
        pipeline.take_candidates([source], SolutionForm.PROGRAM)
    assert [path.name for path in pipeline.run.path.iterdir()] == ["progress.json"]


def test_other_stages_refuse_to_run_in_several_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="stage 'problems' runs in one process"):
        run_with(FakeModel(), tmp_path / "run")
