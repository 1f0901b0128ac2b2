"""What is printed of a result."""

from __future__ import annotations

from codedpo_plugin.cli.summary import show_comparison, show_result
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


def comparison(**changed: object) -> dict:
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    figures = dict.fromkeys(
        ("mean_speedup", "median_speedup", "share_10_percent_faster", "share_10_percent_slower"), nothing
    )
    return {
        "suite": "micro",
        "before": {},
        "after": {},
        "without_sample": {"before": 0, "after": 0},
        "gained": [],
        "lost": [],
        "solved_by_both": 0,
        "outcomes": {},
        "problems": [],
        **figures,
        **changed,
    }


def test_the_problems_that_changed_most_are_named_up_to_ten(capsys):
    changes = {"pass@1": {f"p{n}": n / 20 * (-1) ** n for n in range(1, 13)}}
    speeds = [{"problem_id": i, "outcome": "same", "ratio": r} for i, r in (("a", 0.25), ("b", 1.0), ("c", 2.0))]
    show_comparison(comparison(changes=changes, problems=[*speeds, {"problem_id": "d", "outcome": "not_measured"}]))
    told = capsys.readouterr().out
    assert "largest changes in pass@1: p12 +0.60, p11 -0.55, p10 +0.50," in told
    assert "p3 -0.15, … (2 more)\n" in told
    assert "largest changes in speed: a 0.25x, c 2x\n" in told


def test_a_comparison_without_changes_names_none(capsys):
    show_comparison(comparison())
    assert "largest" not in capsys.readouterr().out
