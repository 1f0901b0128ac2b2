"""DS-1000's own problems, where the data and the environment are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.judging import Engine, Entry, judge
from codedpo_plugin.execution.sandboxes import BUILT_IN
from codedpo_plugin.formats.files import CACHE_VARIABLE
from codedpo_plugin.records import PassMatrix, Verdict
from codedpo_plugin.suites import SuiteProblem, ds1000
from codedpo_plugin.suites.ds1000_environment import find_python

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("CODEDPO_TEST_DATA", ROOT / ".." / "shared" / "data")) / "ds1000" / "ds1000.jsonl.gz"
ENGINE = Engine(1, "auto", {sandbox.name: sandbox for sandbox in BUILT_IN})

SOME = (0, 120, 300, 379, 511, 666, 706, 720, 820, 862, 935, 950)
"""Of every library, among them TensorFlow inside numpy, a saved model, k-means, PyTorch with gensim."""

pytestmark = pytest.mark.xdist_group("ds1000")


def judged(entries: list[Entry]) -> list[PassMatrix]:
    """Return the matrices of the suite's own tests; it has no others."""
    return [found.base for found in judge(entries, ENGINE)]


@pytest.fixture(scope="module")
def problems() -> dict[int, SuiteProblem]:
    """Return the whole suite by the number of the problem."""
    if not FILE.exists():
        pytest.skip(f"{FILE} is not there; set CODEDPO_TEST_DATA to the folder that holds ds1000/ds1000.jsonl.gz")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(CACHE_VARIABLE, raising=False)  # the environment is the user's, unlike what tests compute
        try:
            find_python({})
        except EvaluationError as error:
            pytest.skip(str(error))
        loaded = ds1000.load({ds1000.METADATA_KEY: str(FILE)})
    return {int(p.problem.problem_id.removeprefix(ds1000.PREFIX)): p for p in loaded}


def test_the_suite_has_a_thousand_problems_in_seven_libraries(problems):
    assert len(problems) == 1000
    assert {p.group for p in problems.values()} == set(ds1000.LIBRARIES)
    assert all(plan.inside for p in problems.values() for plan in p.plans)


def test_reference_solutions_pass(problems):
    matrices = judged([Entry(problems[n], (problems[n].reference,)) for n in SOME])
    assert [m.problem_id for m in matrices if not m.passed.all()] == []


def test_an_answer_that_does_nothing_or_leaves_early_passes_nothing(problems):
    answers = ("", "import sys\nsys.exit(0)", "import os\nos._exit(0)", "raise KeyboardInterrupt")
    entries = [Entry(problems[n], answers) for n in (0, 300, 720, 820)]
    assert not any(m.passed.all(axis=1).any() for m in judged(entries))


def test_a_problem_that_downloads_is_not_run_without_its_data(problems, monkeypatch, tmp_path):
    monkeypatch.setenv("SEABORN_DATA", str(tmp_path))
    rows = {row["metadata"]["problem_id"]: row for row in ds1000.read_rows({ds1000.METADATA_KEY: str(FILE)})}
    missing = ds1000._problem(rows[519], "matplotlib", {"matplotlib": problems[519].runtime})
    (matrix,) = judged([Entry(missing, (missing.reference,))])
    assert (matrix.verdicts == Verdict.NOT_RUN).all()
    assert "tips" in missing.unavailable
