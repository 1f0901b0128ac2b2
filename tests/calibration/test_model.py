"""The model in its file, and the one that comes with the package."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from codedpo_plugin.calibration.features import FEATURES, pair_features
from codedpo_plugin.calibration.model import DEFAULT, Calibration, Logistic, read_calibration, write_calibration
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.errors import InputError
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, Scores

MODEL = Logistic(-1.0, (1.0, 0.5, 0.25, 0.0, -0.5, 2.0))
CALIBRATION = Calibration(("mine",), {PairKind.CORRECTNESS: MODEL}, "made up")
TRUSTING = Calibration(("mine",), {PairKind.CORRECTNESS: MODEL}, "made up", {PairKind.EFFICIENCY: MODEL})


def scored(agreeing: int, ranker: str, solutions: int = 15) -> ScoredProblem:
    """Return a problem of which so many solutions pass the same half of the tests."""
    verdicts = np.ones((solutions, 8), np.uint8)
    verdicts[:agreeing, :4] = 0
    candidates = Candidates("p", "", "f", tuple(map(str, range(solutions))), tuple("abcdefgh"))
    scores = Scores("p", ranker, 1.0 - verdicts.mean(axis=1), np.ones(8))
    return ScoredProblem(candidates, PassMatrix("p", verdicts), scores)


def test_a_probability_is_the_logistic_of_the_sum():
    features = np.array([[0.0] * 6, [1.0, 2, 4, 8, 2, 0]])
    np.testing.assert_allclose(MODEL.probability(features), 1 / (1 + np.exp([1.0, -1.0])))


@pytest.mark.parametrize("calibration", [CALIBRATION, TRUSTING])
def test_what_is_written_is_read(tmp_path, calibration):
    write_calibration(tmp_path / "c.json", calibration)
    assert read_calibration(tmp_path / "c.json") == calibration


def test_pairs_that_trust_examples_have_a_model_of_their_own():
    problem = replace(scored(5, "mine"), examples=(0,))
    assert CALIBRATION.confidence(problem, 0, 14, PairKind.CORRECTNESS) is None
    sure = replace(CALIBRATION, trusting={PairKind.CORRECTNESS: replace(MODEL, intercept=1.0)})
    features = pair_features(problem.matrix.passed, 0, 14)
    assert sure.confidence(problem, 0, 14, PairKind.CORRECTNESS) == pytest.approx(
        sure.trusting[PairKind.CORRECTNESS].probability(features), abs=1e-4
    )
    assert CALIBRATION.highest(15, 8) < sure.highest(15, 8, trusting=True)
    for unsure in (CALIBRATION, TRUSTING):
        assert unsure.highest(15, 8, trusting=True) == unsure.highest(15, 8)


@pytest.mark.parametrize("kind", PairKind)
@pytest.mark.parametrize("agreeing", [1, 5, 14])
def test_the_packaged_calibration_believes_more_where_examples_are_trusted(kind, agreeing):
    problem = scored(agreeing, "bayes")
    alone, trusting = (
        read_calibration().confidence(replace(problem, examples=examples), 0, 14, kind) for examples in ((), (0,))
    )
    assert alone < trusting


def test_a_ranker_or_kind_that_was_not_fitted_has_no_confidence():
    assert CALIBRATION.confidence(scored(3, "other"), 0, 14, PairKind.CORRECTNESS) is None
    assert CALIBRATION.confidence(scored(3, "mine"), 0, 1, PairKind.EFFICIENCY) is None
    assert 0 < CALIBRATION.confidence(scored(3, "mine"), 0, 14, PairKind.CORRECTNESS) < 1


@pytest.mark.parametrize("ranker", ["self-validation", "pass-count", "codet", "bayes"])
@pytest.mark.parametrize("kind", PairKind)
def test_the_packaged_calibration_believes_what_more_solutions_agree_on(ranker, kind):
    rejected = 1 if kind is PairKind.EFFICIENCY else 14
    found = [read_calibration().confidence(scored(n, ranker), 0, rejected, kind) for n in (2, 5, 10, 13)]
    assert found == sorted(set(found))
    assert all(round(value, 4) == value for value in found)


@pytest.mark.parametrize(("size", "highest", "trusting"), [(5, 0.65, 0.89), (15, 0.85, 0.93), (100, 0.97, 0.97)])
def test_how_high_a_confidence_can_be_depends_on_the_size(size, highest, trusting):
    """The figures are those of docs/confidence.md."""
    assert read_calibration().highest(size, size) == pytest.approx(highest, abs=0.006)
    assert read_calibration().highest(size, size, trusting=True) == pytest.approx(trusting, abs=0.006)


@pytest.mark.parametrize("agreeing", [1, 7, 14])
def test_no_agreement_gives_more_than_the_highest(agreeing):
    found = read_calibration().confidence(scored(agreeing, "bayes"), 0, 14, PairKind.CORRECTNESS)
    assert found <= read_calibration().highest(15, 8)


def test_the_highest_confidence_does_not_take_coefficients_to_be_positive():
    model = Logistic(0.0, (0.0, -1.0, 0.0, 0.0, 0.0, 0.0))
    wary = Calibration(("mine",), {PairKind.CORRECTNESS: model}, "made up")
    alone, agreed = (wary.confidence(scored(n, "mine"), 0, 14, PairKind.CORRECTNESS) for n in (1, 14))
    assert agreed < alone == wary.highest(15, 8)


def test_the_packaged_calibration_says_where_it_comes_from():
    assert "CodeGen-16B" in read_calibration(DEFAULT).source


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.clear(),
        lambda data: data["models"].update(beauty={}),
        lambda data: data["models"]["correctness"]["coefficients"].pop("support"),
        lambda data: data["models"]["correctness"]["coefficients"].update(age=1.0),
        lambda data: data["models"]["correctness"]["coefficients"].update(support="high"),
        lambda data: data["models"]["correctness"]["coefficients"].update(support=float("nan")),
        lambda data: data.update(models=[]),
    ],
)
def test_a_file_that_is_no_calibration_is_refused(tmp_path, change):
    path = tmp_path / "c.json"
    write_calibration(path, CALIBRATION)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"c\.json: not a calibration: .*`codedpo calibrate` makes one"):
        read_calibration(path)


@pytest.mark.parametrize("content", ["", "not JSON", "[1, 2]", "null"])
def test_neither_is_anything_else(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(InputError, match="not a calibration"):
        read_calibration(path)
    with pytest.raises(InputError, match=r"missing\.json: not a calibration"):
        read_calibration(tmp_path / "missing.json")


def test_there_is_a_coefficient_for_every_feature():
    assert all(len(model.coefficients) == len(FEATURES) for model in read_calibration().models.values())
