"""How far apart the scores of a pair are, between 0 and 1, and how that is read: it depends on what scores are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from codedpo_plugin.ranking import ablations, bayes


@dataclass(frozen=True, slots=True)
class Measure:
    """How the margins of a ranker's pairs are measured."""

    of: Callable[[float, float], float]
    """The margin of a chosen and a rejected solution's scores; NaN where that has no sense."""
    formula: str
    """The same in words."""
    reading: str
    """What a margin says, in a sentence."""


def _share(chosen: float, rejected: float) -> float:
    return (chosen - rejected) / chosen if chosen > 0 and rejected >= 0 else math.nan


def _posterior(chosen: float, rejected: float) -> float:
    return math.exp(min(chosen, 0.0)) - math.exp(min(rejected, 0.0))


SHARE: Final = Measure(
    _share,
    "(score of the chosen − score of the rejected) ÷ score of the chosen",
    "A margin near 0 means that little speaks for the chosen solution, near 1 that nothing speaks for the rejected "
    "one.",
)
"""For scores that are sums of evidence: their unit means nothing, 0 is no evidence at all."""

MEASURES: Final[Mapping[str, Measure]] = {
    bayes.rank.name: Measure(
        _posterior,
        "posterior of the chosen − posterior of the rejected",
        "A margin near 0 means that the chosen solution is hardly more probable than the rejected one, near 1 that "
        "the ranker is sure of both. It is too sure of itself: how often such pairs are right, confidence says.",
    ),
    ablations.all_tests.name: replace(
        SHARE, reading="A solution that passes every test scores 1, any other 0, so every margin is 1."
    ),
    ablations.random.name: replace(SHARE, reading="The scores were drawn at random, so the margins say nothing."),
}


def measure_of(ranker: str) -> Measure:
    """Return how the margins of a ranker's pairs are measured: as shares of the chosen score if not known."""
    return MEASURES.get(ranker, SHARE)
