"""The stage of problems on a recorded transcript, from seeds to a trained model, by the pipeline as it is."""

from __future__ import annotations

import json

import pytest
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from codedpo_plugin.config import (
    CleanConfig,
    ExecuteConfig,
    FactoryConfig,
    GenerateConfig,
    ModelConfig,
    PairsConfig,
    ProblemsConfig,
    ScoreConfig,
    TrainConfig,
)
from codedpo_plugin.context import Context
from codedpo_plugin.errors import EvaluationError, GenerationError, InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.problems.stage import make_problems
from codedpo_plugin.records import MadeProblem, Problem
from codedpo_plugin.rundir import RunDirectory

from .making.support import FakeModel
from .transcript import SOLUTIONS, TESTS, TRANSCRIPT

ANSWERS = {seed.text: answer for seed, answer, _ in TRANSCRIPT}
ASKED: list[str] = []


@register_model("transcript")
class Transcript(FakeModel, LM):
    """Answers as it is recorded; as a base model for candidates."""

    def __init__(self) -> None:
        LM.__init__(self)
        FakeModel.__init__(self, self.recorded)
        self.turn = 0

    @classmethod
    def create_from_arg_obj(cls, arguments, extra):
        return cls()

    def loglikelihood(self, requests):
        raise AssertionError

    loglikelihood_rolling = loglikelihood

    def recorded(self, prompt: str) -> str:
        ASKED.append(prompt)
        for name, bodies in SOLUTIONS.items():
            if f"def {name}" in prompt:
                self.turn += 1
                return TESTS[name] if prompt.endswith("assert") else bodies[self.turn % 2]
        return next((ANSWERS[s] for s in sorted(ANSWERS, key=len, reverse=True) if f"\n{s}\n" in prompt), "")


CLEAN = CleanConfig(benchmarks=())
ONE_WORKER = ExecuteConfig(workers=1)


@pytest.fixture
def seeds(tmp_path):
    jsonl.write(tmp_path / "seeds.jsonl", [seed for seed, _, _ in TRANSCRIPT])
    return tmp_path / "seeds.jsonl"


def section(seeds, **more: object) -> ProblemsConfig:
    making = FactoryConfig(
        method="oss-instruct",
        model="transcript",
        prompt_form="chat",
        seeds_path=seeds,
        retries=0,
        requests_a_call=5,
    )
    return ProblemsConfig(**{"make": making, "clean": CLEAN} | more)


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(RunDirectory(tmp_path / "run"), create_plugins(installed=False))


def counts_of(pipeline: Pipeline) -> dict[str, int]:
    return dict(pipeline.manifest.finished("problems").counts)


def test_the_snippets_are_shown_as_they_are_stripped_of_blank_lines(seeds, pipeline):
    ASKED.clear()
    pipeline.problems(section(seeds), ONE_WORKER)
    assert len(ASKED) == len(TRANSCRIPT)


def test_every_recorded_answer_becomes_a_problem_or_its_reason(seeds, pipeline):
    pipeline.problems(section(seeds), ONE_WORKER)
    made, _ = jsonl.read_all(pipeline.run.problems, jsonl.problem_from)
    good = [seed for seed, _, reason in TRANSCRIPT if not reason]
    assert [problem.seed for problem in made] == [seed.text for seed in good]
    assert [problem.language for problem in made] == [seed.language for seed in good]
    assert [problem.entry_point for problem in made] == ["due_tasks", None, None, "rare_words", None]
    assert made[0].licence == "MIT"
    counts = counts_of(pipeline)
    for _, _, reason in TRANSCRIPT:
        assert not reason or counts[reason] == 1
    assert (counts["questions"], counts["problems"], counts["problems_with_solution"]) == (13, 5, 5)
    assert counts["tokens_in"] > counts["tokens_out"] > 0


def test_equal_runs_write_equal_bytes(seeds, tmp_path):
    for name in ("one", "two"):
        Pipeline(RunDirectory(tmp_path / name), create_plugins(installed=False)).problems(
            section(seeds), ONE_WORKER
        )
    for file in ("problems.jsonl", "solutions.jsonl", "answers.jsonl", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.fixture
def told(pipeline, monkeypatch) -> list[tuple[int, int | None]]:
    """Return what observers are told of the progress: what is done, and of how much."""
    found: list[tuple[int, int | None]] = []
    monkeypatch.setattr(type(pipeline.plugins), "progress", lambda _self, _stage, *now: found.append(now))
    return found


@pytest.mark.parametrize("rounds", [0, 2])
def test_progress_is_told_of_all_questions_once(seeds, pipeline, tmp_path, told, rounds):
    if rounds:
        path = tmp_path / "p.jsonl"
        jsonl.write(path, [MadeProblem("a", "p", instruction="Add."), MadeProblem("b", "p", instruction="Sort.")])
        making = section(seeds).make.model_copy(update={"method": "evol-instruct", "rounds": rounds})
        with pytest.raises(InputError, match="not one problem"):  # the transcript has no harder ones
            pipeline.problems(ProblemsConfig(path=path, make=making, clean=CLEAN), ONE_WORKER)
        assert told == [(0, 4), (2, 4), (4, 4)]
    else:
        pipeline.problems(section(seeds), ONE_WORKER)
        assert told == [(0, 13), (5, 13), (10, 13), (13, 13)]


def test_cleaning_a_file_tells_its_progress(tmp_path, pipeline, told):
    jsonl.write(tmp_path / "p.jsonl", [Problem("a", "Add numbers."), Problem("b", "add NUMBERS")])
    pipeline.problems(ProblemsConfig(path=tmp_path / "p.jsonl", clean=CLEAN), ONE_WORKER)
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_an_interrupted_run_asks_only_what_is_left(seeds, pipeline):
    pipeline.problems(section(seeds), ONE_WORKER)
    whole = pipeline.run.problems.read_bytes()
    lines = pipeline.run.answers.read_bytes().splitlines(keepends=True)
    pipeline.run.answers.write_bytes(b"".join(lines[:7]) + lines[7][:9])
    pipeline.run.problems.unlink()
    ASKED.clear()
    Pipeline(pipeline.run, pipeline.plugins).problems(section(seeds), ONE_WORKER)
    assert len(ASKED) == len(TRANSCRIPT) - 7
    assert pipeline.run.problems.read_bytes() == whole


@pytest.mark.filterwarnings("default")
def test_problems_go_through_generate_build_and_train_unchanged(seeds, pipeline, tiny_model):
    pipeline.problems(section(seeds), ONE_WORKER)
    pipeline.generate(GenerateConfig(model="transcript", n_solutions=4, n_tests=2))
    candidates, _ = jsonl.read_all(pipeline.run.candidates, jsonl.candidates_parser())
    assert {c.entry_point for c in candidates} == {"due_tasks", "rare_words"}
    pipeline.execute(ONE_WORKER)
    pipeline.score(ScoreConfig())
    pipeline.pairs(PairsConfig.model_validate({"kinds": ["correctness"]}), ONE_WORKER)
    pairs = list(jsonl.read(pipeline.run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False))
    assert len(pairs) == 2
    for pair in pairs:
        right, wrong = next(bodies for name, bodies in SOLUTIONS.items() if f"def {name}" in pair.prompt)
        assert (pair.chosen.strip(), pair.rejected.strip()) == (right.strip(), wrong.strip())
    model = ModelConfig(model_args={"pretrained": str(tiny_model)})
    quick = {"max_steps": 1, "batch_size": 1, "gradient_accumulation": 1, "lora": True}
    pipeline.train(model, TrainConfig(method="dpo", track_share=0.0, **quick))
    assert (pipeline.run.train / "model.safetensors").exists()


@pytest.mark.filterwarnings("default")
def test_problems_with_solutions_train_a_model(seeds, pipeline, tiny_model):
    pipeline.problems(section(seeds), ONE_WORKER)
    rows = [json.loads(line) for line in pipeline.run.solutions.read_text().splitlines()]
    assert [row["language"] for row in rows] == ["python", "rust", "cpp", "python", "python"]
    config = TrainConfig(
        method="sft", data=pipeline.run.solutions, prompt_form="chat", chat_template="instruction", lora=True,
        max_steps=1, batch_size=1, gradient_accumulation=1, max_length=1024, track_share=0.0,
    )  # fmt: skip
    pipeline.train(ModelConfig(model_args={"pretrained": str(tiny_model)}), config)
    assert (pipeline.run.train / "model.safetensors").exists()


def test_problems_of_other_languages_are_not_asked_for_candidates(seeds, pipeline):
    pipeline.problems(section(seeds), ONE_WORKER)
    pipeline.generate(GenerateConfig(model="transcript", n_solutions=4, n_tests=2))
    assert pipeline.manifest.finished("generate").counts["problem_in_another_language"] == 2


def test_a_file_of_problems_can_be_cleaned_alone(tmp_path, pipeline):
    path = tmp_path / "p.jsonl"
    jsonl.write(path, [Problem("a", "Add numbers."), Problem("b", "add NUMBERS"), Problem("c", "Read x.csv")])
    pipeline.problems(ProblemsConfig(path=path, clean=CLEAN), ONE_WORKER)
    assert [p.problem_id for p in jsonl.read_all(pipeline.run.problems, jsonl.problem_from)[0]] == ["a"]
    assert counts_of(pipeline)["duplicate"] == 1


@pytest.mark.parametrize("which", ["own.jsonl", "humaneval.jsonl"])
def test_what_is_to_be_left_out_is_an_input(tmp_path, pipeline, monkeypatch, which):
    task = {"task_id": "T/1", "prompt": "def g(x):\n    pass\n", "canonical_solution": "    pass\n"}
    for name in ("own.jsonl", "humaneval.jsonl"):
        (tmp_path / name).write_text(json.dumps(task) + "\n")
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / "humaneval.jsonl"))
    jsonl.write(tmp_path / "p.jsonl", [Problem("a", "Add numbers.")])
    rules = CLEAN.model_copy(update={"benchmarks": ("humaneval",), "against": (tmp_path / "own.jsonl",)})
    config = ProblemsConfig(path=tmp_path / "p.jsonl", clean=rules)
    pipeline.problems(config, ONE_WORKER)
    pipeline.problems(config, ONE_WORKER)
    with (tmp_path / which).open("a") as handle:
        handle.write(json.dumps(task | {"task_id": "T/2"}) + "\n")
    with pytest.raises(UsageError, match=rf"made from something else:\n  input\.{which}"):
        pipeline.problems(config, ONE_WORKER)


def test_where_no_problem_is_left_the_reasons_are_told(tmp_path, pipeline):
    path = tmp_path / "p.jsonl"
    jsonl.write(path, [Problem("c", "Read x.csv")])
    with pytest.raises(InputError, match=r"not one problem \(.*mentions_outside_file: 1"):
        pipeline.problems(ProblemsConfig(path=path, clean=CLEAN), ONE_WORKER)


def test_what_cleaning_needs_is_checked_before_a_token_is_generated(seeds, pipeline, monkeypatch, tmp_path):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / "nowhere"))
    ASKED.clear()
    with pytest.raises(EvaluationError, match="HUMANEVAL_OVERRIDE_PATH"):
        pipeline.problems(section(seeds, clean=CleanConfig(benchmarks=("humaneval",))), ONE_WORKER)
    assert ASKED == []


def test_a_dead_server_stops_the_stage(seeds, pipeline, monkeypatch):
    def dead(self, prompt):
        raise ConnectionError("refused")

    monkeypatch.setattr(Transcript, "recorded", dead)
    with pytest.raises(GenerationError, match="ConnectionError: refused"):
        pipeline.problems(section(seeds), ONE_WORKER)
    assert not pipeline.run.problems.exists()


def test_problems_that_are_made_can_be_evolved(tmp_path):
    def answer(prompt: str) -> str:
        statement = (
            "Add up the even numbers of a list, leaving out those that occur twice, in one pass over the list."
        )
        return f"[Problem Description]\n{statement}\n[Solution]\n```python\ndef f(x):\n    return 0\n```"

    context = Context(create_plugins(installed=False), folder=tmp_path)
    given = [MadeProblem("a", "p", instruction="Add up the even numbers of a list.")]
    making = FactoryConfig(method="evol-instruct", prompt_form="chat")
    config = ProblemsConfig(path=tmp_path / "p.jsonl", make=making)
    made = list(make_problems((), given, config, ONE_WORKER, context, FakeModel(answer)))
    assert len(made) + context.counts["evolution_without_code"] == 1


@pytest.mark.parametrize("wrong", [{"suite": "micro"}, {"path": "p.jsonl"}])
def test_problems_from_seeds_take_no_other_source(seeds, wrong):
    with pytest.raises(ValueError, match="makes problems from seeds"):
        section(seeds, **wrong)
