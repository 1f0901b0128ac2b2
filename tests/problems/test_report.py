"""The report on problems: figures, and what is missing for them."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.problems.report import plot_report, report_on, write_report
from codedpo_plugin.records import MadeProblem, Problem

TASK = {
    "task_id": "T/1",
    "prompt": 'def f(x):\n    """Sort a list of numbers in place."""\n',
    "canonical_solution": "    x.sort()\n",
    "entry_point": "f",
    "base_input": [],
    "plus_input": [],
}


@pytest.fixture
def humaneval(tmp_path, monkeypatch):
    path = tmp_path / "h.jsonl"
    path.write_text(json.dumps(TASK) + "\n")
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(path))


PROBLEMS = [
    MadeProblem("a", "p", instruction="Sort a list of numbers in place.", licence="MIT"),
    MadeProblem("b", "p", None, "rust", instruction="Paint mountains blue."),
    Problem("c", "Sort it."),
]


def test_figures_are_over_all_problems(humaneval):
    report = report_on(PROBLEMS, {"near_duplicate": 2, "duplicate": 1})
    assert report.problems == 3
    assert list(report.counts) == ["duplicate", "near_duplicate"]
    assert report.languages == {"python": 2, "rust": 1}
    assert report.licences == {"unknown": 2, "MIT": 1}
    assert sum(report.categories.values()) == sum(report.similarity_histogram) == 3
    assert 0 < report.similarity_mean < 1


def test_without_humaneval_the_rest_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / "nowhere"))
    report = report_on(PROBLEMS, {})
    assert report.similarity_mean is None
    assert "HUMANEVAL_OVERRIDE_PATH" in report.similarity_missing
    assert report.problems == 3


def test_a_report_is_written_and_drawn(humaneval, tmp_path):
    report = report_on(PROBLEMS, {})
    write_report(tmp_path / "r.json", report)
    assert json.loads((tmp_path / "r.json").read_text())["similarity_mean"] == report.similarity_mean
    plot_report(tmp_path / "deep" / "r.png", report)
    assert (tmp_path / "deep" / "r.png").read_bytes().startswith(b"\x89PNG")


def test_no_problems_have_a_report(humaneval):
    assert report_on([], {}).similarity_mean == 0.0


def test_without_matplotlib_the_command_that_installs_it_is_told(humaneval, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"pip install 'codedpo-plugin\[plot\]'"):
        plot_report(tmp_path / "r.png", report_on(PROBLEMS, {}))
