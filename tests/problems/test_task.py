"""The tasks that make problems, run by lm-eval itself."""

from __future__ import annotations

import json

import pytest
from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from codedpo_plugin.config import CleanConfig, ProblemsConfig
from codedpo_plugin.errors import EvaluationError, InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.harness.discovery import tasks_path
from codedpo_plugin.lock import RunLock
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.records import MadeProblem
from codedpo_plugin.rundir import RunDirectory

from .making.test_methods import EVOLVED, TASK
from .transcript import TRANSCRIPT


class MockLM(LM):
    """Answers from a function of the request and keeps the requests it got."""

    tokenizer_name = "mock"

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer, self.requests = answer, []

    def generate_until(self, requests, disable_tqdm=False):
        self.requests += requests
        return [self.answer(request) for request in requests]

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return "".join(f"<{m['role']}>{m['content']}" for m in chat_history) + "<assistant>"

    def loglikelihood(self, requests):
        raise AssertionError

    loglikelihood_rolling = loglikelihood


ANSWERS = {seed.text: answer for seed, answer, _ in TRANSCRIPT}


@pytest.fixture
def metadata(tmp_path):
    jsonl.write(tmp_path / "seeds.jsonl", [seed for seed, _, _ in TRANSCRIPT])
    return {
        "output": str(tmp_path / "run"),
        "seeds": str(tmp_path / "seeds.jsonl"),
        "benchmarks": [],
        "workers": 1,
    }


def evaluate(lm, task, metadata, **options):
    manager = TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)
    return simple_evaluate(model=lm, tasks=[task], task_manager=manager, bootstrap_iters=0, **options)["results"][
        task
    ]


def recorded(request) -> str:
    prompt = request.args[0]
    return next((ANSWERS[s] for s in sorted(ANSWERS, key=len, reverse=True) if f"\n{s}\n" in prompt), "")


def test_oss_instruct_writes_problems_beside_the_results(metadata, tmp_path):
    lm = MockLM(recorded)
    found = evaluate(lm, "codedpo_oss_instruct", metadata, apply_chat_template=True)
    parsed = sum(not reason.startswith(("answer", "solution_cut")) for _, _, reason in TRANSCRIPT)
    assert len(lm.requests) == len(TRANSCRIPT)
    assert found["parsed,make"] == pytest.approx(parsed / len(TRANSCRIPT))
    assert found["kept,make"] == pytest.approx(5 / len(TRANSCRIPT))
    problems, _ = jsonl.read_all(tmp_path / "run" / "problems.jsonl", jsonl.problem_from)
    assert [problem.entry_point for problem in problems] == ["due_tasks", None, None, "rare_words", None]
    assert len((tmp_path / "run" / "solutions.jsonl").read_text().splitlines()) == 5
    counts = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]["problems"]["counts"]
    assert counts["solution_cut_off"] == 1


def test_a_base_model_goes_on_where_the_prompt_ends(metadata):
    lm = MockLM(lambda request: recorded(request).partition("]\n")[2])
    found = evaluate(lm, "codedpo_oss_instruct", metadata, limit=4)
    assert lm.requests[0].args[0].endswith("[Problem Description]\n")
    assert "\nLines of " in lm.requests[0].args[1]["until"]
    assert found["parsed,make"] > 0


def test_concepts_give_tasks(metadata, tmp_path):
    found = evaluate(MockLM(lambda _: TASK), "codedpo_concepts", metadata, apply_chat_template=True, limit=3)
    assert found["parsed,make"] == 1.0
    assert found["kept,make"] == pytest.approx(1 / 3)
    (problem,) = jsonl.read_all(tmp_path / "run" / "problems.jsonl", jsonl.problem_from)[0]
    assert problem.entry_point == "list_names"


def test_problems_of_a_file_evolve(metadata, tmp_path):
    path = tmp_path / "p.jsonl"
    jsonl.write(
        path, [MadeProblem(f"p{i}", "p", instruction=f"Write a function `f(x)` that adds {i}.") for i in range(9)]
    )
    more = metadata | {"problems": str(path)}
    found = evaluate(MockLM(lambda _: EVOLVED), "codedpo_evol_instruct", more, apply_chat_template=True)
    assert 0 < found["parsed,make"] <= 1
    assert found["kept,make"] == pytest.approx(1 / 9)


def test_arguments_of_the_command_line_win(metadata):
    lm = MockLM(recorded)
    evaluate(lm, "codedpo_oss_instruct", metadata | {"max_tokens": 99}, limit=1, gen_kwargs={"temperature": 0.4})
    assert (lm.requests[0].args[1]["max_gen_toks"], lm.requests[0].args[1]["temperature"]) == (99, 0.4)


def test_seeds_are_collected_where_no_file_has_them(metadata, tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.py").write_text("def f(x):\n    return x\n")
    more = {k: v for k, v in metadata.items() if k != "seeds"} | {"folders": [str(corpus)], "quotas": {"python": 1}}
    lm = MockLM(recorded)
    evaluate(lm, "codedpo_oss_instruct", more)
    assert len(lm.requests) == 1


def test_launched_as_several_processes_each_writes_its_part_and_nothing_else(metadata, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        found = evaluate(MockLM(recorded), "codedpo_oss_instruct", metadata, apply_chat_template=True, limit=4)
        assert found["parsed,make"] > 0
        assert found["kept,make"] != found["kept,make"], "not a number: cleaning is left to `codedpo problems`"
    folder = tmp_path / "run"
    parts = ["problems-00000.jsonl", "problems-00001.jsonl"]
    assert sorted(path.name for path in folder.iterdir()) == [*parts, "seeds.jsonl"]
    monkeypatch.delenv("WORLD_SIZE")
    joined = tmp_path / "all.jsonl"
    joined.write_bytes((folder / parts[0]).read_bytes())
    pipeline = Pipeline(RunDirectory(folder), create_plugins(installed=False))
    pipeline.problems(ProblemsConfig(path=joined, clean=CleanConfig(benchmarks=(), run_solutions=False)))
    assert (folder / "solutions.jsonl").exists()


def test_a_directory_in_use_is_left_alone(metadata, tmp_path):
    evaluate(MockLM(recorded), "codedpo_oss_instruct", metadata, apply_chat_template=True, limit=4)
    before = (tmp_path / "run" / "problems.jsonl").read_bytes()
    with RunLock(tmp_path / "run" / "run.lock"), pytest.raises(UsageError, match="is in use by process"):
        evaluate(MockLM(recorded), "codedpo_oss_instruct", metadata, apply_chat_template=True)
    assert (tmp_path / "run" / "problems.jsonl").read_bytes() == before


@pytest.mark.parametrize("broken", [{"seeds": "nowhere.jsonl"}, {"benchmarks": ["humaneval"]}])
def test_what_is_missing_is_told_before_a_token_is_generated(metadata, broken, monkeypatch, tmp_path):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / "nowhere"))
    lm = MockLM(lambda request: pytest.fail("nothing is to be generated"))
    with pytest.raises((InputError, EvaluationError)):
        evaluate(lm, "codedpo_oss_instruct", metadata | broken)
