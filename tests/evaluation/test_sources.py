"""Where the sides of a comparison come from, and what is refused."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from codedpo_plugin.errors import EvaluationError, InputError, UsageError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, write_result
from codedpo_plugin.evaluation.sources import Judge, read_results, read_side
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.suites import version_of
from codedpo_plugin.suites.micro import MICRO, micro_problems

ENTRIES = micro_problems("heldout")[:3]
DATE = "2026-01-02T03-04-05.678901"


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(MICRO, sandboxes=create_plugins(installed=False).sandboxes)


def result(suite: str = "micro") -> SuiteResult:
    return SuiteResult(suite, {}, (SampleResult("p", 0, "x = 1", "pass", "pass", 1),), suite_version="v")


def sample(number: int, status: str = "pass", problem: str = "p") -> dict:
    return {
        "problem_id": problem,
        "sample": number,
        "solution": "def f():\n    return 'quo\"ted'",
        "status": status,
        "base_status": status,
        "cpu_ns": 7,
    }


def own_line(doc_id: int, *samples: dict, version: str = "v") -> dict:
    """Return a line as lm-eval writes it: everything in the responses is text."""
    doc = {"problem_id": samples[0]["problem_id"], "suite_version": version}
    return {
        "doc_id": doc_id,
        "doc": doc,
        "resps": [["…"] * len(samples)],
        "filtered_resps": [[str(s) for s in samples]],
        "filter": "execute",
    }


def write_log(folder: Path, task: str, lines: list[dict], date: str = DATE, **results) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_{date}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    if results:
        (folder / f"results_{date}.json").write_text(json.dumps(results))
    return path


def write_samples(path: Path, **bodies: str) -> Path:
    """Write EvalPlus samples: by form, the body of every entry to answer with."""
    ((form, body),) = bodies.items()
    rows = [
        {"task_id": e.id, form: (e.prompt if form == "solution" else "") + (getattr(e, body) or e.reference)}
        for e in ENTRIES
    ]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


# --------------------------------------------------------------------------- results of ours


def test_the_results_of_a_folder_are_by_suite(tmp_path):
    for suite in ("micro", "mbpp"):
        write_result(tmp_path / "eval" / f"{suite}.json", result(suite))
    assert read_results(tmp_path) == read_side(tmp_path, Judge())
    assert read_side(tmp_path, Judge()) == {suite: result(suite) for suite in ("mbpp", "micro")}


def test_only_the_named_suite_is_read(tmp_path, judge):
    for suite in ("micro", "mbpp"):
        write_result(tmp_path / "eval" / f"{suite}.json", result(suite))
    assert list(read_side(tmp_path, judge)) == ["micro"]


def test_a_run_of_another_suite_is_refused(tmp_path, judge):
    write_result(tmp_path / "eval" / "mbpp.json", result("mbpp"))
    with pytest.raises(EvaluationError, match="no results of suite 'micro'; it has mbpp"):
        read_side(tmp_path, judge)


@pytest.mark.parametrize(("there", "wanted"), [("ds1000", "ds1000_pandas"), ("ds1000_pandas", "ds1000")])
def test_a_whole_and_its_parts_are_told_apart(tmp_path, judge, there, wanted):
    own = replace(result(there).samples[0], problem_id="DS-1000/1")
    write_result(tmp_path / "eval" / f"{there}.json", replace(result(there), samples=(own,)))
    suite = replace(MICRO, name=wanted, prefix="DS-1000/")
    with pytest.raises(EvaluationError, match=f"it has {there}. A whole and its parts .*--suite {wanted}`"):
        read_side(tmp_path, replace(judge, suite=suite))
    with pytest.raises(EvaluationError, match=f"it has {there}$"):
        read_side(tmp_path, judge)


def test_one_result_file_is_read(tmp_path):
    write_result(tmp_path / "r.json", result())
    assert read_side(tmp_path / "r.json", Judge()) == {"micro": result()}


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_results_comes_with_the_command_that_makes_them(tmp_path, name):
    with pytest.raises(EvaluationError, match="no results under eval/; make them with `codedpo evaluate"):
        read_results(tmp_path / name)


@pytest.mark.parametrize("name", ["", "missing"])
def test_what_holds_nothing_says_what_could_be_there(tmp_path, name):
    with pytest.raises(
        EvaluationError, match=r"expected is a directory with eval/\*\.json.*samples_\*\.jsonl.*EvalPlus"
    ):
        read_side(tmp_path / name, Judge())


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_truncated_result_is_refused(tmp_path, cut):
    write_result(tmp_path / "eval" / "micro.json", result())
    path = tmp_path / "eval" / "micro.json"
    path.write_bytes(path.read_bytes()[:-cut])
    if cut > 1:
        with pytest.raises(EvaluationError, match="not the result of an evaluation"):
            read_side(tmp_path, Judge())
    else:  # only the line end is gone
        assert read_side(tmp_path, Judge()) == {"micro": result()}


def test_a_result_of_another_format_version_is_refused(tmp_path):
    write_result(tmp_path / "micro.json", result())
    data = json.loads((tmp_path / "micro.json").read_text())
    (tmp_path / "micro.json").write_text(json.dumps(data | {"schema_version": 99}))
    with pytest.raises(EvaluationError, match="version 99 of its format, this package reads version 1"):
        read_side(tmp_path / "micro.json", Judge())


# --------------------------------------------------------------------------- logs of our lm-eval tasks


def test_the_log_of_a_task_of_ours_is_read_as_it_was_judged(tmp_path):
    lines = [own_line(0, sample(0), sample(1, "fail")), own_line(1, sample(0, "timeout", "q"))]
    config = {"metadata": {"split": "train", "ks": [1, 2], "baseline": "elsewhere"}}
    path = write_log(tmp_path / "model", "codedpo_micro", lines, configs={"codedpo_micro": config})
    for given in (tmp_path, path):
        found = read_side(given, Judge())["micro"]
        assert [(s.problem_id, s.sample, s.status) for s in found.samples] == [
            ("p", 0, "pass"),
            ("p", 1, "fail"),
            ("q", 0, "timeout"),
        ]
        assert found.samples[0] == SampleResult(**sample(0))
        assert (found.suite_version, found.ks, found.metadata) == ("v", (1, 2), {"split": "train", "ks": [1, 2]})


def test_the_newest_log_of_a_task_counts(tmp_path):
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0, "fail"))])
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0))], date=DATE.replace("2026", "2027"))
    assert read_side(tmp_path, Judge())["micro"].samples[0].passed


def test_logs_of_several_runs_are_not_mixed(tmp_path):
    for model in ("a", "b"):
        write_log(tmp_path / model, "codedpo_micro", [own_line(0, sample(0))])
    with pytest.raises(EvaluationError, match=r"holds several runs, name one: .*a, .*b"):
        read_side(tmp_path, Judge())


def test_a_log_of_several_versions_is_refused(tmp_path):
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0)), own_line(1, sample(0), version="w")])
    with pytest.raises(EvaluationError, match="several versions"):
        read_side(tmp_path, Judge())


def test_a_truncated_log_is_refused_with_its_line(tmp_path):
    path = write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0)), own_line(1, sample(0, problem="q"))])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(EvaluationError, match=r"1 lines cannot be used(.|\n)*:2: not JSON(.|\n)*is it complete"):
        read_side(tmp_path, Judge())


def test_a_log_that_ends_between_two_lines_is_refused(tmp_path):
    run = {"n-samples": {"codedpo_micro": {"original": 30, "effective": 2}}}
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0))], **run)
    with pytest.raises(EvaluationError, match="has 1 of the 2 documents of the run"):
        read_side(tmp_path, Judge())


@pytest.mark.parametrize(
    "filtered", [[], [[]], [["nonsense"]], [["{'problem_id': 'p'}"]], [["__import__('os')"]], 3]
)
def test_a_log_that_only_looks_like_ours_is_refused(tmp_path, filtered):
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0)) | {"filtered_resps": filtered}])
    with pytest.raises(EvaluationError, match=r"not a log of a task of ours|no sample"):
        read_side(tmp_path, Judge())


@pytest.mark.parametrize("made", ["pairs", "oss_instruct", "concepts", "evol_instruct"])
def test_a_run_that_judged_nothing_has_nothing_to_compare(tmp_path, made):
    write_log(tmp_path, f"codedpo_{made}", [own_line(0, sample(0))])
    with pytest.raises(EvaluationError, match="nothing to compare"):
        read_side(tmp_path, Judge())


# --------------------------------------------------------------------------- what has to be judged


def statuses(found: SuiteResult) -> list[str]:
    return [s.status for s in found.samples]


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz"])
@pytest.mark.parametrize("form", ["solution", "completion"])
def test_samples_of_evalplus_are_judged(tmp_path, judge, name, form):
    found = read_side(write_samples(tmp_path / name, **{form: "reference"}), judge)["micro"]
    assert statuses(found) == ["pass"] * 3
    assert len(found.missing) == 27
    assert found.suite_version == version_of(MICRO.load({}))


def test_results_of_evalplus_are_judged_again(tmp_path, judge):
    wrong, *right = ENTRIES
    entries = {e.id: [{"solution": e.prompt + e.reference, "plus_status": "fail"}] for e in right}
    entries[wrong.id] = [{"solution": wrong.prompt + wrong.wrong[0], "plus_status": "pass"}]
    (tmp_path / "s_eval_results.json").write_text(json.dumps({"eval": entries}))
    found = read_side(tmp_path / "s_eval_results.json", judge)["micro"]
    assert {s.problem_id: s.passed for s in found.samples} == {wrong.id: False} | {e.id: True for e in right}


def foreign_line(number: int, *responses: str, **doc) -> dict:
    return {"doc_id": number, "doc": doc, "resps": [list(responses)], "filtered_resps": ["…"], "arguments": {}}


def test_the_log_of_another_task_is_judged(tmp_path, judge):
    lines = [
        foreign_line(n, e.reference, "    this is no program", task_id=e.id, prompt=e.prompt)
        for n, e in enumerate(ENTRIES)
    ]
    write_log(tmp_path, "humanlike", [*lines, *lines])  # a line per filter
    found = read_side(tmp_path, judge)["micro"]
    assert [s.passed for s in found.samples] == [True, False] * 3


def test_tasks_that_the_suite_lacks_are_left_out_and_told(tmp_path, judge, caplog):
    own = [foreign_line(n, e.reference, task_id=e.id, prompt=e.prompt) for n, e in enumerate(ENTRIES)]
    lines = [*own, *(foreign_line(n, "x", task_id=n, prompt="") for n in (7, 8))]
    write_log(tmp_path, "mbpplike", [*lines, *lines])
    found = read_side(tmp_path, judge)["micro"]
    assert [s.passed for s in found.samples] == [True] * 3
    assert "2 of its 5 tasks are not in suite 'micro' and are left out: 7, 8" in caplog.text


def test_a_log_without_a_task_of_the_suite_is_refused(tmp_path, judge):
    write_log(tmp_path, "other", [foreign_line(0, "x", task_id="HumanEval/0", prompt="")])
    with pytest.raises(EvaluationError, match=r"not samples of suite 'micro', it has tasks .*: HumanEval/0"):
        read_side(tmp_path, judge)


@pytest.mark.parametrize("named", [True, False])
def test_logs_of_other_tasks_beside_ours_are_told_of(tmp_path, judge, caplog, named):
    write_log(tmp_path, "codedpo_micro", [own_line(0, sample(0))])
    other = write_log(tmp_path, "humaneval", [foreign_line(0, "x", task_id="HumanEval/0", prompt="")])
    assert [*read_side(tmp_path, judge if named else Judge())] == ["micro"]
    assert other.name in caplog.text


def test_of_several_tasks_that_are_not_ours_one_has_to_be_named(tmp_path, judge):
    for task in ("one", "two"):
        write_log(tmp_path, task, [foreign_line(0, "x", task_id=ENTRIES[0].id, prompt="")])
    with pytest.raises(UsageError, match=r"give one of the logs in it: .*samples_one.*samples_two"):
        read_side(tmp_path, judge)


def test_samples_without_a_suite_are_refused(tmp_path):
    with pytest.raises(UsageError, match="have to be judged first; name their suite with --suite"):
        read_side(write_samples(tmp_path / "s.jsonl", solution="reference"), Judge())


def test_truncated_samples_are_refused_and_not_judged_in_part(tmp_path, judge):
    path = write_samples(tmp_path / "s.jsonl", solution="reference")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EvaluationError, match=r"1 lines cannot be used(.|\n)*:3: not JSON"):
        read_side(path, judge)


def test_a_truncated_archive_is_refused(tmp_path, judge):
    path = write_samples(tmp_path / "s.jsonl.gz", solution="reference")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises((EvaluationError, InputError), match="cannot be read any further"):
        read_side(path, judge)


def test_samples_of_another_suite_are_refused(tmp_path, judge):
    (tmp_path / "s.jsonl").write_text('{"task_id": "HumanEval/0", "solution": "x"}\n')
    with pytest.raises(EvaluationError, match="'HumanEval/0' is not in the suite"):
        read_side(tmp_path / "s.jsonl", judge)
    (tmp_path / "r.json").write_text('{"eval": {"HumanEval/0": [{"solution": "x"}]}}')
    with pytest.raises(EvaluationError, match=r"not samples of suite 'micro', it has tasks .*: HumanEval/0"):
        read_side(tmp_path / "r.json", judge)


@pytest.mark.parametrize(
    "content", ['{"eval": ', '{"eval": {"a": 1}}', '{"eval": {"a": [{}]}}', '{"eval": {}}', "[]", ""]
)
def test_what_are_no_results_of_evalplus_are_refused(tmp_path, judge, content):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises((EvaluationError, InputError), match=r"r\.json: not"):
        read_side(tmp_path / "r.json", judge)
