"""Confidence on the command line: fitted again, and used to leave out pairs."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.formats import jsonl

from .support import candidates, codedpo


def test_confidence_can_be_fitted_again_and_filters_pairs(tmp_path):
    source, run, truth, fitted = (tmp_path / name for name in ("c.jsonl", "run", "truth.jsonl", "fitted.json"))
    found = candidates(12)
    jsonl.write(source, found)
    assert codedpo("build", source, "-o", run, "--kind", "correctness", "--ranker", "bayes").returncode == 0
    rows = [
        {"problem_id": c.problem_id, "right": [place < 3 and n % 3 > 0 for place in range(len(c.solutions))]}
        for n, c in enumerate(found)
    ]
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]) + "not JSON\n")
    done = codedpo("calibrate", run, "--truth", truth, "-o", fitted)
    assert done.returncode == 0, done.stderr
    assert "11 problems, 2 left out" in done.stdout
    assert "truth.jsonl:12: not JSON" in done.stderr
    assert json.loads(fitted.read_text())["source"] == "11 problems of run"

    pairs = [json.loads(line) for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert all(0 < pair["confidence"] < 1 for pair in pairs)
    done = codedpo("pairs", run, "--kind", "correctness", "--calibration", fitted, "--min-confidence", "0.01")
    assert done.returncode == 0, done.stderr
    again = [json.loads(line) for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert [pair["confidence"] for pair in again] != [pair["confidence"] for pair in pairs]
    done = codedpo("pairs", run, "--kind", "correctness", "--min-confidence", "1")
    assert f"correctness below min confidence {len(pairs)}" in done.stderr
    assert (run / "pairs.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--min-confidence", "2"), "min_confidence"),
        (("--calibration", "none.json"), "none.json: not a calibration"),
    ],
)
def test_a_wrong_confidence_option_is_an_error(source, tmp_path, options, expected):
    done = codedpo("build", source, "-o", tmp_path / "run", "--kind", "correctness", *options)
    assert done.returncode in (1, 2)
    assert expected in done.stderr
