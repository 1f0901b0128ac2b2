"""The command line as a user meets it: real processes, real exit statuses."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Candidates
from codedpo_plugin.suites.micro import micro_problems

from .support import COMMAND, candidates, codedpo


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "run",
        "generate",
        "build",
        "execute",
        "score",
        "pairs",
        "calibrate",
        "train",
        "evaluate",
        "compare",
        "status",
        "report",
        "plugins",
        "doctor",
        "tasks-path",
        "push",
        "pull",
        "import",
        "ds1000",
    ],
)
def test_every_command_of_the_contract_has_help(command):
    shown = codedpo(command, "--help")
    assert shown.returncode == 0
    assert "Usage" in shown.stdout


def test_help_imports_nothing_slow():
    code = "import sys, codedpo_plugin.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "numpy", "pydantic", "pyarrow", "lm_eval", "datasets", "transformers"} & set(loaded)


def test_build_makes_pairs(source, tmp_path):
    done = codedpo("build", source, "-o", tmp_path / "run", "--kind", "correctness")
    assert done.returncode == 0, done.stderr
    pairs = [json.loads(line) for line in (tmp_path / "run" / "pairs.jsonl").read_text().splitlines()]
    assert len(pairs) == 3
    assert list(pairs[0])[:4] == ["prompt", "chosen", "rejected", "kind"]


def test_stages_can_be_called_one_at_a_time(source, tmp_path):
    codedpo("build", source, "-o", tmp_path / "run", "--kind", "correctness")
    before = (tmp_path / "run" / "pairs.jsonl").read_bytes()
    for stage, *options in (("execute",), ("score", "--ranker", "pass-count"), ("pairs", "--kind", "correctness")):
        done = codedpo(stage, tmp_path / "run", *options)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "pairs.jsonl").read_bytes() != before


def test_completions_are_made_programs_when_declared(tmp_path):
    entry = micro_problems("train")[0]
    line = {"problem_id": entry.id, "prompt": entry.prompt, "entry_point": entry.entry_point}
    line |= {"solutions": [entry.reference, entry.wrong[0]], "tests": list(entry.tests)}
    (tmp_path / "c.jsonl").write_text(json.dumps(line) + "\n")
    done = codedpo("build", tmp_path / "c.jsonl", "-o", tmp_path / "run", "--solution-form", "completion")
    assert done.returncode == 0, done.stderr
    assert "correctness pairs 1" in done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--ranker", "self-validaton"], "Did you mean 'self-validation'?"),
        (["--executor", "locl"], "Did you mean 'local'?"),
        (["--sandbox", "landlok"], "Did you mean 'landlock'?"),
        (["--kind", "correctnes"], "kinds"),
        (["--solution-form", "programm"], "Did you mean 'program'?"),
        (["--cpu-s", "0"], "cpu_s"),
        (["--ray-address", "auto"], "ray_address needs executor: ray"),
        (["-o", "s3://bucket/run"], "s3://bucket/run: runs are made in local folders"),
    ],
)
def test_a_wrong_option_is_a_usage_error(source, tmp_path, options, expected):
    done = codedpo("build", source, "-o", tmp_path / "run", *options)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_many_files_give_what_one_gives(source, tmp_path):
    lines = source.read_bytes().splitlines(keepends=True)
    for number, part in enumerate((lines[:1], lines[1:2], [lines[0], lines[2]])):
        (tmp_path / f"part-{number}.jsonl").write_bytes(b"".join(part))
    whole = codedpo("build", source, "-o", tmp_path / "whole", "--kind", "correctness")
    parts = ("part-[01].jsonl", f"file://{tmp_path}/part-2.jsonl")
    done = codedpo("build", *parts, "-o", tmp_path / "parts", "--kind", "correctness", cwd=tmp_path)
    assert (whole.returncode, done.returncode) == (0, 0), done.stderr
    assert (tmp_path / "parts" / "pairs.jsonl").read_bytes() == (tmp_path / "whole" / "pairs.jsonl").read_bytes()
    assert "bad lines 1, problems 3" in done.stderr
    assert "duplicate of part-0.jsonl:1" in done.stderr
    other = codedpo("build", *reversed(parts), "-o", tmp_path / "parts", "--kind", "correctness", cwd=tmp_path)
    assert other.returncode == 2
    assert "made from something else" in other.stderr


def test_a_finished_run_goes_to_a_store_and_back(source, tmp_path):
    codedpo("build", source, "-o", tmp_path / "run", "--kind", "correctness")
    there = codedpo("push", tmp_path / "run", f"file://{tmp_path}/store")
    back = codedpo("pull", f"file://{tmp_path}/store", "-o", tmp_path / "back")
    assert (there.returncode, back.returncode) == (0, 0), there.stderr + back.stderr
    again = codedpo("build", source, "-o", tmp_path / "back", "--kind", "correctness")
    assert again.returncode == 0, again.stderr
    assert "pairs: finished before" in again.stderr


def test_a_missing_file_is_named(tmp_path):
    done = codedpo("build", tmp_path / "nothing.jsonl", "-o", tmp_path / "run")
    assert done.returncode == 1
    assert "nothing.jsonl: cannot be read: No such file or directory" in done.stderr


def test_bad_lines_are_reported_and_the_rest_goes_on(source, tmp_path):
    good = source.read_bytes().splitlines(keepends=True)
    empty = json.dumps({"problem_id": "empty", "prompt": "p", "solutions": [], "tests": ["assert True"]}).encode()
    source.write_bytes(
        b"".join([good[0], b"{broken\n", b"\xff\xfe\n", empty + b"\n", good[0], good[1], good[2][:-40]])
    )
    done = codedpo("build", source, "-o", tmp_path / "run", "--kind", "correctness")
    assert done.returncode == 0, done.stderr
    assert "bad lines 5, problems 2" in done.stderr
    for part in (":2: not JSON", ":3: not UTF-8", ":4 (problem empty): no solutions", ":5", "duplicate of line 1"):
        assert part in done.stderr


def test_programs_of_every_kind_of_badness_get_a_verdict(tmp_path):
    bodies = [
        "return x * x",
        "return x * x +",
        "while True: pass",
        "print('x' * 100_000_000)",
        "return [0] * 10**11",
        "import os; os.fork()",
        "import os; os._exit(0)",
        "return type('E', (), {'__eq__': lambda a, b: 1 / 0})()",
    ]
    prompt = "def f(x):\n    "
    line = {
        "problem_id": "p",
        "prompt": prompt,
        "entry_point": "f",
        "tests": ["assert f(3) == 9", "assert f(0) == 0"],
    }
    (tmp_path / "c.jsonl").write_text(json.dumps(line | {"solutions": [prompt + b for b in bodies]}) + "\n")
    done = codedpo("build", tmp_path / "c.jsonl", "-o", tmp_path / "run", "--cpu-s", "0.3", "--kind", "correctness")
    assert done.returncode == 0, done.stderr
    counts = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]["execute"]["counts"]
    assert counts["cells"] == 16
    assert counts["cells_pass"] == 2
    for verdict in ("error", "timeout", "memory", "forbidden", "crash", "fail"):
        assert counts[f"cells_{verdict}"] >= 1, verdict


def test_a_full_disk_is_one_clear_message_and_the_run_resumes(source, tmp_path):
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))

    options = ("build", source, "-o", tmp_path / "run", "--kind", "correctness")
    full = codedpo(*options, preexec_fn=small_files)
    assert full.returncode == 1
    assert "cannot be written: File too large" in full.stderr
    assert "Traceback" not in full.stderr
    again = codedpo(*options)
    assert again.returncode == 0, again.stderr


def test_an_interrupt_keeps_what_is_finished(tmp_path):
    source = tmp_path / "slow.jsonl"
    loop = "def f():\n    while True: pass\n"
    looping = Candidates("loop", loop, "f", tuple(f"{loop}# {i}" for i in range(200)), ("assert f() == 1",))
    jsonl.write(source, [*candidates(1), looping])
    command = [*COMMAND, "build", source, "-o", tmp_path / "run"]

    def listen() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background of a script would ignore it

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        manifest = tmp_path / "run" / "manifest.json"
        while not manifest.exists() and process.poll() is None:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert list(json.loads(manifest.read_text())["stages"]) == ["candidates"]
    assert not (tmp_path / "run" / "matrix.parquet").exists()


def test_plugins_lists_hooks_and_names_as_json():
    shown = json.loads(codedpo("plugins", "--json").stdout)
    assert "self-validation" in shown["rankers"]
    assert {"name": "codedpo.score", "version": "", "built_in": True, "hooks": ["codedpo_score"]} in shown[
        "plugins"
    ]


def test_doctor_tests_every_promise():
    shown = codedpo("doctor", "--json")
    found = json.loads(shown.stdout)
    assert set(found) == {"landlock", "bubblewrap"}
    assert (shown.returncode == 0) == any(sandbox["usable"] for sandbox in found.values())
    for sandbox in found.values():
        assert sandbox["unavailable"] or all(p["holds"] for p in sandbox["promises"]), sandbox


def test_tasks_path_holds_the_task_files():
    folder = Path(codedpo("tasks-path").stdout.strip())
    assert (folder / "codedpo_micro.yaml").is_file()


def test_the_demo_without_a_model_needs_nothing_and_is_right(tmp_path):
    done = codedpo("demo", "--without-model", "-o", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines()]
    kinds = {row[0]: row[1:] for row in rows if row and row[0] in ("correctness", "efficiency")}
    assert kinds["correctness"] == ["30", "30", "0"]
    assert kinds["efficiency"][2] == "0"
    assert (tmp_path / "demo" / "report.html").is_file()


def test_a_configuration_with_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("problems: {suite: micro}\ngenerate: {}\nscore: {rankr: pass-count}\n")
    done = codedpo("run", tmp_path / "c.yaml")
    assert done.returncode == 2
    assert "score.rankr: unknown key; did you mean ranker" in done.stderr


def test_evaluate_and_compare_samples(tmp_path):
    entries = [e for e in micro_problems("heldout") if e.slow and e.fast][:4]
    for side, body in (("before", "slow"), ("after", "fast")):
        lines = [{"task_id": e.id, "solution": e.prompt + getattr(e, body)} for e in entries]
        (tmp_path / f"{side}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        samples = tmp_path / f"{side}.jsonl"
        done = codedpo("evaluate", "--suite", "micro", "--samples", samples, "-o", tmp_path / side)
        assert done.returncode == 0, done.stderr
        assert "26 problems of the suite have no sample" in done.stdout
    done = codedpo("compare", tmp_path / "before", tmp_path / "after", "-o", tmp_path / "comparison.json")
    assert done.returncode == 0, done.stderr
    (comparison,) = json.loads((tmp_path / "comparison.json").read_text())
    assert comparison["after"]["pass@1"]["value"] == 1
    assert comparison["solved_by_both"] == 4
    assert comparison["without_sample"] == {"before": 26, "after": 26}
    assert "problems without sample" in done.stdout
    assert comparison["mean_speedup"]["low"] > 2
    assert comparison["share_10_percent_faster"]["value"] == 1


@pytest.fixture
def sides(tmp_path) -> tuple[Path, Path]:
    """Return EvalPlus's sample files of two models; the second solves one problem less and is faster on another."""
    wrong, fast, *same = [e for e in micro_problems("heldout") if e.slow and e.fast][:4]
    before = {e.id: e.prompt + e.slow for e in (wrong, fast, *same)}
    after = before | {wrong.id: wrong.prompt + wrong.wrong[0], fast.id: fast.prompt + fast.fast}
    for name, side in (("before", before), ("after", after)):
        lines = (json.dumps({"task_id": task, "solution": text}) + "\n" for task, text in side.items())
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    return tmp_path / "before.jsonl", tmp_path / "after.jsonl"


def test_compare_judges_two_sample_files_decides_gates_and_draws(sides, tmp_path):
    gates = ("--gate", "pass@1 >= -0.01", "--gate", "speedup >= 1.0")
    options = ("--suite", "micro", "-o", tmp_path / "c.json", "--plot", tmp_path / "c.svg", "--experiments", 2)
    done = codedpo("compare", *sides, *options, *gates)
    assert done.returncode == 1, done.stderr
    assert "gate pass@1 >= -0.01 on micro: FAILED, -0.25 (" in done.stdout
    assert "short by 0.24; 4 problems are too few to say" in done.stdout
    assert "gate speedup >= 1 on micro: passed" in done.stdout
    assert done.stderr.endswith("error: 1 of 2 gates failed\n")
    (comparison,) = json.loads((tmp_path / "c.json").read_text())
    assert len(comparison["experiments"]) == 2
    assert comparison["outcomes"] == {"faster": 1, "slower": 0, "same": 2, "unclear": 0, "not_measured": 0}
    assert "timed: 1 faster, 0 slower, 2 same, 0 unclear, 0 not measured" in done.stdout
    assert (tmp_path / "c.svg").read_text().startswith("<?xml")


def test_gates_that_hold_leave_with_success(sides):
    done = codedpo("compare", sides[1], sides[1], "--suite", "micro", "--gate", "pass@1>=0", "--gate", "speedup>=1")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--gate", "pass@1 => 0"), "gate 'pass@1 => 0'"),
        (("--gate", "sped >= 0"), "unknown metric"),
        (("--plot", "c.txt"), "a plot ends in"),
        (("--budget-s", "0"), "budget_s"),
        (("--suite", "mikro"), "Did you mean 'micro'"),
        ((), "name their suite with --suite"),
    ],
)
def test_a_wrong_way_to_compare_is_a_usage_error(sides, options, expected):
    done = codedpo("compare", *sides, *options)
    assert done.returncode == 2
    assert expected in done.stderr


def test_a_truncated_side_is_a_clear_error(sides):
    before, after = sides
    after.write_bytes(after.read_bytes()[:-9])
    done = codedpo("compare", before, after, "--suite", "micro")
    assert done.returncode == 1
    assert f"{after}:4: not JSON" in done.stderr
    assert "is it complete?" in done.stderr


# --------------------------------------------------------------------------- train


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "track_evry=3"), "Did you mean 'track_every'"),
        (("--set", "track_every"), "--set: KEY=VALUE is expected, got 'track_every'"),
        (("--set", "track_every=never"), "track_every"),
        (("--set", "track_every=[1"), "--set track_every: '[1' cannot be read as YAML"),
        (("--method", "dop"), "unknown trainer 'dop'. Did you mean 'dpo'"),
        (("--data", "d.jsonl"), "dpo learns from the pairs of a run; data is for sft"),
        ((), "codedpo pairs DIR"),
    ],
)
def test_what_cannot_be_trained_is_wrong_usage(tmp_path, options, message):
    done = codedpo("train", tmp_path, "--model", "m", *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_model_that_is_not_there_fails_the_training(tmp_path):
    pair = {"prompt": "p", "chosen": "a", "rejected": "b", "kind": "correctness", "problem_id": "1"}
    scores = {"chosen_score": 2, "rejected_score": 1, "margin": 1}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair | scores) + "\n")
    done = codedpo("train", tmp_path, "--model", tmp_path / "nowhere")
    assert done.returncode == 1
    assert f"the tokenizer of {tmp_path / 'nowhere'} cannot be loaded" in done.stderr
