"""The fitted model: a few coefficients in a JSON file, evaluated by numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.calibration.features import FEATURES, feature_bounds, pair_features
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import SCHEMA_VERSION, PairKind

DIGITS: Final = 4
"""Decimals of a confidence: more would differ from machine to machine, and say nothing."""

DEFAULT: Final = Path(__file__).with_name("default.json")
"""The calibration that comes with the package."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """The coefficients of a logistic regression, one per feature."""

    intercept: float
    coefficients: tuple[float, ...]

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of features of shape (…, features)."""
        return np.asarray(1 / (1 + np.exp(-(self.intercept + features @ np.array(self.coefficients)))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The probability that a pair is right, for the pairs of some rankers.

    A correctness pair is right if its chosen solution is right and its rejected one wrong; an efficiency pair if
    both are right (that the chosen one is faster has been measured, see :mod:`codedpo_plugin.timing`).
    """

    rankers: tuple[str, ...]
    """The rankers whose pairs it was fitted on."""
    models: Mapping[PairKind, Logistic]
    source: str
    """The labelled data it was fitted on, in words."""
    trusting: Mapping[PairKind, Logistic] = field(default_factory=dict)
    """The models of pairs that trust the examples of the prompt, which are right far more often."""

    def confidence(self, problem: ScoredProblem, chosen: int, rejected: int, kind: PairKind) -> float | None:
        """Return the probability that a pair is right; None if no such pairs of the ranker were fitted on."""
        models = self.trusting if problem.examples else self.models
        if problem.scores.ranker not in self.rankers or kind not in models:
            return None
        features = pair_features(problem.matrix.passed, chosen, rejected)
        return round(float(models[kind].probability(features)), DIGITS)

    def highest(self, n_solutions: int, n_tests: int, *, trusting: bool = False) -> float:
        """Return what no confidence of a correctness pair is above in a matrix of two solutions or more."""
        own = self.trusting if trusting else self.models
        model = own.get(PairKind.CORRECTNESS) or self.models[PairKind.CORRECTNESS]
        least, greatest = feature_bounds(n_solutions, n_tests)
        best = np.where(np.array(model.coefficients) > 0, greatest, least)
        return round(float(model.probability(best)), DIGITS)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration as JSON."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "source": calibration.source,
        "rankers": list(calibration.rankers),
        "models": _written(calibration.models),
        "trusting_examples": _written(calibration.trusting),
    }
    with atomic_write(path) as handle:
        handle.write(json.dumps(data, indent=1).encode() + b"\n")


def _written(models: Mapping[PairKind, Logistic]) -> dict[str, Any]:
    return {
        str(kind): {
            "intercept": model.intercept,
            "coefficients": dict(zip(FEATURES, model.coefficients, strict=True)),
        }
        for kind, model in models.items()
    }


def read_calibration(path: Path = DEFAULT) -> Calibration:
    """Read a calibration. Raises InputError for a file that is not one, or one of other features."""
    try:
        data = json.loads(path.read_text("utf-8"))
        models, trusting = (_read(data[name]) for name in ("models", "trusting_examples"))
        return Calibration(tuple(data["rankers"]), models, str(data["source"]), trusting)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a calibration: {type(error).__name__}: {error}. `codedpo calibrate` makes one."
        ) from error


def _read(models: Mapping[str, Any]) -> dict[PairKind, Logistic]:
    return {PairKind(kind): _logistic(model) for kind, model in models.items()}


def _logistic(data: Mapping[str, Any]) -> Logistic:
    coefficients = data["coefficients"]
    if set(coefficients) != set(FEATURES):
        raise ValueError(f"coefficients of {', '.join(FEATURES)} are expected, got {', '.join(coefficients)}")
    values = tuple(float(coefficients[name]) for name in FEATURES)
    if not np.isfinite([data["intercept"], *values]).all():
        raise ValueError("a coefficient is not finite")
    return Logistic(float(data["intercept"]), values)
