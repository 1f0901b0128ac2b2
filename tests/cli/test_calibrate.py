"""Confidence on the command line: fitted again, and used to leave out pairs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from codedpo_plugin.calibration.examples import Example
from codedpo_plugin.calibration.features import FEATURES
from codedpo_plugin.calibration.fit import halves
from codedpo_plugin.calibration.model import read_calibration
from codedpo_plugin.cli.calibrate import show
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import PairKind

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
    shown = rows_of(done.stdout)
    for ranker in ("self-validation", "pass-count", "codet", "bayes"):  # whole problems: one pair each, or none
        problems, right, error, chance, quarter = shown[f"correctness, {ranker}"]
        assert problems == "11"
        assert all(0 <= float(figure) <= 1 for figure in (right, error, chance, quarter))

    pairs = [json.loads(line) for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert all(0 < pair["confidence"] < 1 for pair in pairs)
    done = codedpo("pairs", run, "--kind", "correctness", "--calibration", fitted, "--min-confidence", "0.01")
    assert done.returncode == 0, done.stderr
    again = [json.loads(line) for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert [pair["confidence"] for pair in again] != [pair["confidence"] for pair in pairs]
    assert "WARNING" not in done.stderr
    done = codedpo("pairs", run, "--kind", "correctness", "--min-confidence", "1")
    assert f"correctness below min confidence {len(pairs)}" in done.stderr
    warning = f"WARNING: all {len(pairs)} correctness pairs were left out, as less probably right than min_conf"
    assert done.stderr.count(f"{warning}idence 1.") == 1
    rows, columns = (max(len(getattr(c, name)) for c in found) for name in ("solutions", "tests"))
    highest = read_calibration().highest(rows, columns)
    assert f"at {rows} solutions and {columns} tests a problem, the most here, is {highest:.2f}" in done.stderr
    assert (run / "pairs.jsonl").read_text() == ""


def rows_of(table: str) -> dict[str, list[str]]:
    """Return the rows of a table by their first cell."""
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    return {line[0]: line[1:] for line in lines if line}


def example(number: int, ranker: str, kind: PairKind, *, right: bool) -> Example:
    return Example(f"p{number}", ranker, kind, np.full(len(FEATURES), float(number)), right)


def test_what_is_measured_is_said_by_ranker_and_what_is_not_with_the_reason(capsys):
    rights = [True, True, False, False, True, False, True, False]
    first, _ = halves(f"p{number}" for number in range(8))
    whole = [
        example(number, ranker, PairKind.CORRECTNESS, right=right)
        for number, right in enumerate(rights)
        for ranker in ("codet", "bayes")
        if ranker == "codet" or number < 3
    ]
    whole += [example(n, "codet", PairKind.EFFICIENCY, right=f"p{n}" in first and n % 2 == 0) for n in range(8)]
    trusting = [replace(one, trusting=True) for one in whole if one.kind is PairKind.CORRECTNESS]
    show([*whole, *trusting] * 5, [*whole, *trusting])
    shown = capsys.readouterr()
    problems = {name: row[0] for name, row in rows_of(shown.out).items()}
    known = {"correctness, codet": "8", "correctness, bayes": "3", "efficiency, codet": "4"}
    apart = {"correctness, codet, trusting examples": "8", "correctness, bayes, trusting examples": "3"}
    assert problems == known | apart
    assert "efficiency pairs: 4 of 8 are not measured" in shown.err
    assert "correctness pairs" not in shown.err


def test_pairs_that_no_half_can_be_fitted_on_are_said_to_be_unmeasured(capsys):
    show([], [])
    assert "correctness pairs: there are none" in capsys.readouterr().err
    one = [example(n, "codet", PairKind.CORRECTNESS, right=True) for n in range(4)]
    show(one, one)
    shown = capsys.readouterr()
    assert "correctness pairs: 4 of 4 are not measured" in shown.err
    assert "codet" not in shown.out


def test_names_of_rankers_may_have_spaces_around_them(tmp_path):
    source, run, truth, fitted = (tmp_path / name for name in ("c.jsonl", "run", "truth.jsonl", "fitted.json"))
    found = candidates(4)
    jsonl.write(source, found)
    assert codedpo("build", source, "-o", run, "--kind", "correctness", "--ranker", "codet").returncode == 0
    rows = [
        {"problem_id": c.problem_id, "right": [n < 2] + [False] * (len(c.solutions) - 1)}
        for n, c in enumerate(found)
    ]
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = codedpo("calibrate", run, "--truth", truth, "-o", fitted, "--rankers", "bayes, codet ")
    assert done.returncode == 0, done.stderr
    assert json.loads(fitted.read_text())["rankers"] == ["bayes", "codet"]
    done = codedpo("pairs", run, "--kind", "correctness", "--calibration", fitted, "--min-confidence", "0")
    assert done.returncode == 0, done.stderr


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
