"""What is printed of a result."""

from __future__ import annotations

from codedpo_plugin.cli.summary import show_result
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult


def sample(problem: str, status: str, group: str = "") -> SampleResult:
    return SampleResult(problem, 0, "", status, status, 1, group=group)


def words(text: str) -> list[list[str]]:
    return [line.translate({ord("│"): " ", ord("┃"): " "}).split() for line in text.splitlines()]


def test_samples_are_counted_by_status_after_the_table(capsys):
    show_result(SuiteResult("micro", {}, (sample("a", "pass"), sample("b", "not_run"), sample("c", "not_run"))))
    told = capsys.readouterr().out
    assert "3 samples of 3 problems: pass 1, not run 2" in told.splitlines()
    assert "samples by status" not in told


def test_parts_are_counted_too(capsys):
    own = (sample("a", "pass", "numpy"), sample("b", "fail", "numpy"), sample("c", "timeout", "pandas"))
    show_result(SuiteResult("ds1000", {}, own))
    rows = words(capsys.readouterr().out)
    assert ["problems", "pass", "fail", "timeout"] in rows
    assert ["numpy", "2", "1", "1", "0"] in rows
    assert ["pandas", "1", "0", "0", "1"] in rows


def test_a_result_without_samples_can_be_shown(capsys):
    show_result(SuiteResult("micro", {}, (), missing=("a",)))
    assert "0 samples of 0 problems: none" in capsys.readouterr().out
