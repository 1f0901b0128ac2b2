"""The lm-eval tasks, run by lm-eval itself."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from itertools import cycle
from pathlib import Path

import pytest
import yaml

from codedpo_plugin.errors import EvaluationError, SandboxError, UsageError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, write_result
from codedpo_plugin.execution import Runtime
from codedpo_plugin.harness.baseline import geometric_mean
from codedpo_plugin.harness.discovery import tasks_path
from codedpo_plugin.harness.options import PairsOptions, ProblemsOptions, SuiteOptions, read_options
from codedpo_plugin.harness.replay import ReplayLM
from codedpo_plugin.harness.suite_task import SuiteTask
from codedpo_plugin.suites import ds1000
from codedpo_plugin.suites.ds1000 import LIBRARIES
from codedpo_plugin.suites.micro import MICRO, micro_problems

from .support import MockLM, evaluate, manager, reference_answers

EVALUATION_TASKS = [f"codedpo_{name}" for name in ("micro", "humaneval", "humaneval_plus", "mbpp", "mbpp_plus")]
DS1000_TASKS = [f"codedpo_ds1000_{library}" for library in LIBRARIES]


FACTORY_TASKS = ["codedpo_oss_instruct", "codedpo_concepts", "codedpo_evol_instruct"]


def test_lm_eval_finds_every_task():
    found = {*EVALUATION_TASKS, *DS1000_TASKS, *FACTORY_TASKS, "codedpo_ds1000", "codedpo_pairs"}
    assert set(manager().all_tasks) == found


GROUP = tasks_path() / "codedpo_ds1000.yaml"


def read_task_file(file: Path) -> dict:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    return yaml.load(file.read_text(), Loader)


def test_ds1000_is_a_group_over_its_seven_libraries():
    config = read_task_file(GROUP)
    assert config["group"] == GROUP.stem
    assert config["metadata"]["version"]
    assert sorted(config["task"]) == sorted(DS1000_TASKS)


def test_the_group_scores_over_all_problems_and_tells_which_share_was_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(ds1000.environment, "require", lambda python, pins: None)
    monkeypatch.setattr(ds1000, "runtime_of", lambda key, python: Runtime())
    monkeypatch.setenv("SEABORN_DATA", str(tmp_path))
    numbers = {"Matplotlib": (519, 520), "Sklearn": (820, 821, 822)}
    context = 'def test_execution(code):\n    exec(code, scope := {})\n    assert scope["result"] == 4\n'
    rows = [
        {
            "prompt": f"{n}",
            "reference_code": "",
            "code_context": context,
            "metadata": {"problem_id": n, "library": own},
        }
        for own in (library.name for library in LIBRARIES.values())
        for n in numbers.get(own, (len(own),))
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    metadata = {"ds1000_path": str(data), "ds1000_python": sys.executable, "workers": 1, "n_samples": 5}
    lm = MockLM(lambda request: "result = 4" if request.doc["problem_id"] != "DS-1000/820" else "result = 5")
    results = evaluate(lm, "codedpo_ds1000", metadata | {"ks": [1, 5]})
    assert results["groups"]["codedpo_ds1000"]["pass@1,execute"] == pytest.approx(8 / 10)
    assert results["groups"]["codedpo_ds1000"]["pass@5,execute"] == pytest.approx(8 / 10)
    assert results["groups"]["codedpo_ds1000"]["not_run,execute"] == pytest.approx(1 / 10)
    by_library = {name: results["results"][f"codedpo_ds1000_{name}"] for name in LIBRARIES}
    assert by_library["sklearn"]["pass@1,execute"] == pytest.approx(2 / 3)
    assert by_library["matplotlib"]["pass@1,execute"] == pytest.approx(1 / 2)
    assert by_library["matplotlib"]["pass@1_where_run,execute"] == 1.0


@pytest.mark.parametrize("file", sorted({*tasks_path().glob("*.yaml")} - {GROUP}), ids=lambda f: f.stem)
def test_every_task_file_has_a_version_and_a_class_of_ours(file):
    config = read_task_file(file)
    assert config["task"] == file.stem
    assert config["metadata"]["version"]
    assert config["class"].startswith("codedpo_plugin.harness.")


def test_the_references_of_the_micro_suite_score_one():
    results = evaluate(ReplayLM(reference_answers("heldout")), "codedpo_micro", {})
    assert results["results"]["codedpo_micro"]["pass@1,execute"] == 1.0
    assert results["n-samples"]["codedpo_micro"] == {"original": 30, "effective": 30}


def test_samples_and_ks_come_from_the_metadata():
    metadata = {"n_samples": 3, "ks": [1, 2, 5]}
    results = evaluate(ReplayLM(reference_answers("heldout", 1, wrong=2)), "codedpo_micro", metadata, limit=5)
    found = results["results"]["codedpo_micro"]
    assert found["pass@1,execute"] == pytest.approx(1 / 3)
    assert found["pass@2,execute"] == pytest.approx(2 / 3)
    assert "pass@5,execute" not in found


def test_logged_samples_tell_status_time_and_program():
    results = evaluate(ReplayLM(reference_answers("heldout")), "codedpo_micro", {}, limit=2, log_samples=True)
    (sample,) = results["samples"]["codedpo_micro"][0]["filtered_resps"][0]
    entry = micro_problems("heldout")[0]
    assert sample["status"] == "pass"
    assert sample["cpu_ns"] > 0
    assert entry.entry_point in sample["solution"]


def results_of(answers: dict[str, list[str]], folder: Path, limit: int = 4) -> Path:
    """Run the micro task and lay its log where lm-eval does; return the folder."""
    from lm_eval.loggers import EvaluationTracker

    tracker = EvaluationTracker(output_path=str(folder))
    found = evaluate(
        ReplayLM(answers), "codedpo_micro", {}, limit=limit, log_samples=True, evaluation_tracker=tracker
    )
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    tracker.save_results_samples(task_name="codedpo_micro", samples=samples["codedpo_micro"])
    return folder


def bodies(choose) -> dict[str, list[str]]:
    return {e.id: [choose(e)] for e in micro_problems("heldout")}


def test_with_a_baseline_the_task_reports_speed_on_what_both_solve(tmp_path):
    limit = 6
    entries = micro_problems("heldout")[:limit]
    efficient = next(e for e in entries if e.slow)
    first, second = [e for e in entries if not e.slow][:2]
    before = bodies(lambda e: e.slow or e.reference) | {first.id: [first.wrong[0]]}
    after = bodies(lambda e: e.fast or e.reference) | {second.id: [second.wrong[0]]}
    folder = results_of(before, tmp_path / "before", limit)
    found = evaluate(ReplayLM(after), "codedpo_micro", {"baseline": str(folder)}, limit=limit, log_samples=True)
    metrics = found["results"]["codedpo_micro"]
    assert metrics["timed,execute"] == limit - 2
    by_problem = {s["doc"]["problem_id"]: s for s in found["samples"]["codedpo_micro"]}
    assert by_problem[efficient.id]["speedup"] > 2
    assert by_problem[efficient.id]["optimized"] == 1
    assert (by_problem[first.id]["timed"], by_problem[second.id]["timed"]) == (0, 0)
    assert "speedup" not in by_problem[first.id]
    ratios = [s["speedup"] for s in by_problem.values() if s["timed"]]
    assert metrics["speedup,execute"] == pytest.approx(geometric_mean(ratios))
    assert metrics["optimized,execute"] == pytest.approx(
        sum(s.get("optimized", 0) for s in by_problem.values()) / len(ratios)
    )


def test_against_itself_a_run_is_exactly_as_fast(tmp_path):
    answers = bodies(lambda e: e.reference)
    folder = results_of(answers, tmp_path)
    found = evaluate(ReplayLM(answers), "codedpo_micro", {"baseline": str(folder)}, limit=4)["results"]
    metrics = found["codedpo_micro"]
    assert (metrics["speedup,execute"], metrics["optimized,execute"], metrics["timed,execute"]) == (1, 0, 4)


def test_where_nothing_is_solved_by_both_there_is_no_speedup_and_not_a_zero(tmp_path):
    folder = results_of(bodies(lambda e: e.wrong[0]), tmp_path, limit=2)
    answers = bodies(lambda e: e.reference)
    found = evaluate(ReplayLM(answers), "codedpo_micro", {"baseline": str(folder)}, limit=2)["results"]
    assert found["codedpo_micro"]["timed,execute"] == 0
    assert not {"speedup,execute", "optimized,execute"} & found["codedpo_micro"].keys()


def test_without_a_baseline_nothing_is_timed():
    found = evaluate(ReplayLM(bodies(lambda e: e.reference)), "codedpo_micro", {}, limit=1)["results"]
    assert not {"speedup,execute", "optimized,execute", "timed,execute"} & found["codedpo_micro"].keys()


def test_a_baseline_is_checked_before_anything_runs(tmp_path):
    lm = MockLM(lambda request: pytest.fail("nothing is to be generated"))
    with pytest.raises(EvaluationError, match="there is no such file or directory"):
        evaluate(lm, "codedpo_micro", {"baseline": str(tmp_path / "nowhere")})
    answers = bodies(lambda e: e.reference)
    folder = results_of(answers, tmp_path / "heldout", limit=1)
    with pytest.raises(EvaluationError, match=r"the baseline .*heldout is of another version of suite 'micro'"):
        evaluate(lm, "codedpo_micro", {"baseline": str(folder), "split": "train"})
    mbpp = SuiteResult("mbpp", {}, (SampleResult("Mbpp/2", 0, "", "pass", "pass", 1),))
    write_result(tmp_path / "other" / "eval" / "mbpp.json", mbpp)
    with pytest.raises(EvaluationError, match="no results of suite 'micro'; it has mbpp"):
        evaluate(lm, "codedpo_micro", {"baseline": str(tmp_path / "other")})


def test_metadata_that_is_wrong_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match="n_samples"):
        evaluate(ReplayLM({}), "codedpo_micro", {"n_samples": 0})


@pytest.mark.parametrize(
    ("task", "wrong", "meant"),
    [
        ("codedpo_micro", "n_sample", "n_samples"),
        ("codedpo_micro", "splt", "split"),
        ("codedpo_humaneval_plus", "human_eval_path", "humaneval_path"),
        ("codedpo_ds1000_numpy", "ds1000_pyhton", "ds1000_python"),
        ("codedpo_pairs", "n_solution", "n_solutions"),
        ("codedpo_concepts", "benchmark", "benchmarks"),
    ],
)
def test_a_misspelt_key_is_refused_before_anything_is_loaded(task, wrong, meant):
    with pytest.raises(UsageError, match=f"unknown key '{wrong}'; did you mean '{meant}'"):
        evaluate(MockLM(lambda request: ""), task, {wrong: "x"})


def test_keys_of_other_tasks_and_arguments_of_the_model_are_left_alone():
    others = {"n_solutions": 3, "max_tokens": 9, "pretrained": "m", "dtype": "auto", "max_length": 512}
    assert read_options(ProblemsOptions, others, ()).max_tokens == 9
    assert read_options(SuiteOptions, others, ("split",)) == SuiteOptions()
    assert read_options(PairsOptions, {"run_solutions": False}) == PairsOptions()


def test_a_machine_that_cannot_confine_is_refused_when_the_task_is_built():
    class Missing:
        name = "landlock"

        def unavailable(self):
            return "this kernel has none"

    with pytest.raises(SandboxError, match="this kernel has none"):
        SuiteTask({}, MICRO, {"landlock": Missing()})


def pairs_answers(request) -> str:
    """Answer like a model that is sometimes right: two bodies in turn, and the suite's tests."""
    entry = next(e for e in micro_problems("train") if e.id == request.doc["problem_id"])
    if request.idx == 1:
        return " " + "\n".join(entry.tests).removeprefix("assert ")
    pairs_answers.turn[entry.id] += 1
    return [entry.reference, entry.wrong[0]][pairs_answers.turn[entry.id] % 2]


@pytest.fixture
def paired(tmp_path):
    pairs_answers.turn = defaultdict(int)
    metadata = {"n_solutions": 4, "n_tests": 8, "output": str(tmp_path / "run"), "kinds": ["correctness"]}
    lm = MockLM(pairs_answers)
    return lm, evaluate(lm, "codedpo_pairs", metadata, limit=3, log_samples=True), tmp_path / "run"


def test_codedpo_pairs_asks_for_solutions_and_tests(paired):
    lm, _, _ = paired
    kinds = [request.idx for request in lm.requests]
    assert (kinds.count(0), kinds.count(1)) == (12, 24)
    assert lm.requests[-1].args[0].endswith("assert")


def test_codedpo_pairs_builds_pairs_and_reports_them(paired):
    _, results, folder = paired
    found = results["results"]["codedpo_pairs"]
    pairs = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    assert found["pairs_per_problem,build"] == len(pairs) / 3 == 1.0
    assert found["self_validated,build"] == 1.0
    assert found["solutions_kept,build"] == 1.0
    for pair in pairs:
        entry = next(e for e in micro_problems("train") if e.id == pair["problem_id"])
        assert pair["chosen"].strip() == entry.reference.strip()
        assert pair["rejected"].strip() == entry.wrong[0].strip()


def test_codedpo_pairs_launched_as_several_processes_leaves_the_building_to_build(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    pairs_answers.turn = defaultdict(int)
    metadata = {"output": str(tmp_path / "run"), "n_solutions": 2, "n_tests": 2, "workers": 1}
    found = evaluate(MockLM(pairs_answers), "codedpo_pairs", metadata, limit=2)["results"]["codedpo_pairs"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["generated-00002.jsonl"]
    assert found["pairs_per_problem,build"] != found["pairs_per_problem,build"], "not a number"
    assert found["solutions_kept,build"] == 1.0


def test_codedpo_pairs_takes_problems_from_a_file(tmp_path):
    entry = micro_problems("train")[0]
    line = {"problem_id": entry.id, "prompt": entry.prompt, "entry_point": entry.entry_point}
    (tmp_path / "problems.jsonl").write_text(json.dumps(line) + "\n")
    pairs_answers.turn = defaultdict(int)
    metadata = {"problems": str(tmp_path / "problems.jsonl"), "output": str(tmp_path / "run"), "n_solutions": 2}
    results = evaluate(MockLM(pairs_answers), "codedpo_pairs", metadata | {"n_tests": 1})
    assert results["n-samples"]["codedpo_pairs"]["original"] == 1
    assert (tmp_path / "run" / "pairs.jsonl").is_file()


def test_codedpo_pairs_holds_solutions_to_the_examples_of_their_prompt_where_that_is_asked_for(tmp_path):
    prompt = 'def twice(x):\n    """Double.\n\n    >>> twice(3)\n    6\n    """\n'
    line = {"problem_id": "p", "prompt": prompt, "entry_point": "twice"}
    (tmp_path / "problems.jsonl").write_text(json.dumps(line) + "\n")
    answers = cycle(
        ["    return x ** 2\n", "    return x * x\n", "    return x + x\n", " twice(2) == 4\nassert twice(1) == 1"]
    )
    metadata = {
        "problems": str(tmp_path / "problems.jsonl"),
        "output": str(tmp_path / "run"),
        "kinds": ["correctness"],
    }
    metadata |= {
        "n_solutions": 3,
        "n_tests": 2,
        "test_generations": 1,
        "prompt_examples": True,
        "trust_examples": True,
    }
    evaluate(MockLM(lambda request: next(answers)), "codedpo_pairs", metadata)
    (pair,) = map(json.loads, (tmp_path / "run" / "pairs.jsonl").read_text().splitlines())
    assert pair["chosen"].strip() == "return x + x"
    (candidates,) = map(json.loads, (tmp_path / "run" / "candidates.jsonl").read_text().splitlines())
    assert candidates["tests"][0] == "assert twice(3) == 6"


def test_codedpo_pairs_reports_zero_where_the_model_says_nothing(tmp_path):
    metadata = {"n_solutions": 2, "n_tests": 1, "output": str(tmp_path / "run")}
    results = evaluate(MockLM(lambda request: ""), "codedpo_pairs", metadata, limit=2)
    assert results["results"]["codedpo_pairs"]["pairs_per_problem,build"] == 0.0
    assert not (Path(tmp_path) / "run" / "pairs.jsonl").exists()


def test_codedpo_pairs_tells_how_many_pairs_there_are_and_where(paired, caplog):
    caplog.set_level("INFO", "codedpo_plugin")
    pairs_answers.turn = defaultdict(int)
    _, _, folder = paired
    metadata = {"n_solutions": 4, "n_tests": 8, "output": str(folder), "kinds": ["correctness"]}
    evaluate(MockLM(pairs_answers), "codedpo_pairs", metadata, limit=3)
    assert f"{folder / 'pairs.jsonl'}: 3 pairs of 3 problems; solutions 12" in caplog.text


def test_codedpo_pairs_without_a_candidate_leaves_nothing_of_an_earlier_run_and_says_why(paired, caplog):
    _, _, folder = paired
    assert (folder / "pairs.jsonl").exists()
    metadata = {"n_solutions": 2, "n_tests": 1, "output": str(folder)}
    evaluate(MockLM(lambda request: ""), "codedpo_pairs", metadata, limit=2)
    assert sorted(path.name for path in folder.iterdir()) == ["generated.jsonl", "manifest.json", "problems.jsonl"]
    assert json.loads((folder / "manifest.json").read_text())["stages"] == {}
    assert "no pairs, as no problem has a solution and a test; solution empty 4" in caplog.text
