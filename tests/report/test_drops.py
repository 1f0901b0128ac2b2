"""What was left out, in words."""

from __future__ import annotations

from codedpo_plugin.records import Verdict
from codedpo_plugin.report.data import StageFacts
from codedpo_plugin.report.drops import TOTALS, Reason, drop_groups


def stage(name: str, **counts: int) -> StageFacts:
    return StageFacts(name, counts, None, {})


def test_stages_that_left_nothing_out_are_not_shown():
    assert (
        drop_groups([stage("score", problems=3), stage("train", steps=4), stage("generate", solution_empty=0)])
        == ()
    )
    assert drop_groups([]) == ()


def test_the_pairs_of_a_kind_are_made_or_have_a_reason():
    counts = {"correctness_pairs": 5, "correctness_same_program": 2, "efficiency_no_time_difference": 3, "pairs": 5}
    correctness, efficiency = drop_groups([stage("pairs", **counts)])
    assert correctness.title == "Correctness pairs, made and not made"
    assert correctness.total == 7
    assert correctness.reasons == (Reason("paired", 5, kept=True), Reason("both solutions are the same program", 2))
    assert efficiency.reasons == (Reason("no difference in time", 3),)


def test_cells_are_shown_by_verdict_those_that_pass_first():
    (group,) = drop_groups([stage("execute", cells=11, cells_error=4, cells_pass=1, cells_not_run=6)])
    assert [(r.text, r.count, r.kept) for r in group.reasons] == [
        ("pass", 1, True),
        ("not run", 6, False),
        ("error", 4, False),
    ]
    assert group.total == 11


def test_a_reason_nobody_knows_is_shown_by_its_name():
    (group,) = drop_groups([stage("seeds", problems=9, near_duplicates=2, bad_lines=1)])
    assert [r.text for r in group.reasons] == ["near duplicates", "lines that could not be used"]


def test_evaluations_drop_nothing():
    assert drop_groups([stage("evaluate_micro", samples=3, passed=1, failed=2)]) == ()


def test_every_verdict_is_a_count_of_cells():
    counts = {f"cells_{verdict.name.lower()}": 1 for verdict in Verdict}
    (group,) = drop_groups([stage("execute", cells=8, **counts)])
    assert group.total == len(Verdict)
    assert "cells" in TOTALS
