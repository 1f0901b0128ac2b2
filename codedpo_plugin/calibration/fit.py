"""Fitting a calibration on labelled examples, and measuring one on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.calibration.examples import Example
from codedpo_plugin.calibration.model import Calibration, Logistic
from codedpo_plugin.errors import InputError
from codedpo_plugin.records import PairKind, content_id

PENALTY: Final = 0.25
"""Variance of the Gaussian prior on a coefficient per standard deviation of its feature (scikit-learn's C)."""
BINS: Final = 10
HIGH: Final = 0.9


def fit_calibration(examples: Sequence[Example], source: str) -> Calibration:
    """Return the calibration fitted on examples, every problem having the same weight.

    Raises InputError if there are no correctness pairs, or all are right, or none is; without usable efficiency
    pairs, or pairs that trust examples of prompts, these will have no confidence.
    """
    models, trusting = (_models(own) for own in _by_trust(examples))
    if PairKind.CORRECTNESS not in models:
        raise InputError(
            "there is nothing to fit: of the labelled problems' correctness pairs none, or all, are right"
        )
    return Calibration(tuple(dict.fromkeys(example.ranker for example in examples)), models, source, trusting)


def _by_trust(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples that do not trust the examples of a prompt, and those that do."""
    known = list(examples)
    return [one for one in known if not one.trusting], [one for one in known if one.trusting]


def _models(examples: Sequence[Example]) -> dict[PairKind, Logistic]:
    """Return what is fitted for each kind of which some pairs are right and some are not."""
    own = {kind: [example for example in examples if example.kind is kind] for kind in PairKind}
    return {kind: _fitted(pairs) for kind, pairs in own.items() if len({pair.right for pair in pairs}) == 2}


def _fitted(examples: Sequence[Example]) -> Logistic:
    """Return a logistic regression on standardised features, expressed in the features as they are."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = np.array([example.features for example in examples])
    _, problem, count = np.unique([e.problem_id for e in examples], return_inverse=True, return_counts=True)
    weights = 1 / count[problem]
    scaler = StandardScaler().fit(features, sample_weight=weights)
    model = LogisticRegression(C=PENALTY, max_iter=2000)
    model.fit(scaler.transform(features), [e.right for e in examples], sample_weight=weights)
    slopes = model.coef_[0] / scaler.scale_
    return Logistic(float(model.intercept_[0] - slopes @ scaler.mean_), tuple(map(float, slopes)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of about the same confidence."""

    confidence: float
    """Their mean confidence."""
    right: float
    """The share of them that is right."""
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How confidences hold against the truth."""

    n: int
    right: float
    """The share of all pairs that is right."""
    ece: float
    """Expected calibration error: the mean gap between confidence and share right over ten bins of equal width."""
    ece_by_chance: float
    """The mean of the same figure for pairs that are right exactly as often as said: so few pairs scatter."""
    top_quarter: float
    """The share right among the most confident quarter."""
    high: int
    """Pairs with a confidence above 0.9."""
    high_right: float
    """The share right among those; NaN if there is none."""
    bins: tuple[Bin, ...]


def measure(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Reliability:
    """Return how confidences of shape (pairs,) hold against the truth. There has to be a pair."""
    order = np.argsort(-confidences, kind="stable")[: max(1, len(confidences) // 4)]
    high = confidences > HIGH
    draws = np.random.default_rng(0).random((500, len(confidences))) < confidences
    return Reliability(
        n=len(confidences),
        right=float(right.mean()),
        ece=_ece(_bins(confidences, right)),
        ece_by_chance=float(np.mean([_ece(_bins(confidences, draw)) for draw in draws])),
        top_quarter=float(right[order].mean()),
        high=int(high.sum()),
        high_right=float(right[high].mean()) if high.any() else float("nan"),
        bins=_bins(confidences, right),
    )


def _bins(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(float(confidences[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (place == number for number in np.unique(place))
    )


def _ece(bins: Iterable[Bin]) -> float:
    parts = [(abs(part.confidence - part.right), part.count) for part in bins]
    return sum(gap * count for gap, count in parts) / sum(count for _, count in parts)


def halves(problem_ids: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the problems in two halves: every other one in the order of their digests, so by nobody's choice."""
    ordered = sorted(set(problem_ids), key=content_id)
    return set(ordered[::2]), set(ordered[1::2])


def cross_fitted(
    fitted_on: Sequence[Example], reported: Sequence[Example], split: tuple[set[str], set[str]]
) -> NDArray[np.float64]:
    """Return the confidence of each reported pair by what was fitted on the half of the problems it is not of.

    NaN where that half has nothing to fit for its kind.
    """
    found = np.full(len(reported), np.nan)
    for half in split:
        both = [_models(own) for own in _by_trust(e for e in fitted_on if e.problem_id not in half)]
        for place, example in enumerate(reported):
            models = both[example.trusting]
            if example.problem_id in half and example.kind in models:
                found[place] = models[example.kind].probability(example.features)
    return found
