"""pass@k: the unbiased estimator and its bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over problems with its 95% interval."""

    value: float
    low: float
    high: float
    n: int
    """Problems it is a mean of."""


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Return the chance that one of k samples drawn from n, of which ``correct`` are right, is right.

    The unbiased estimator ``1 - C(n-c, k) / C(n, k)`` of Chen et al. (arXiv 2107.03374, section 2.1). Needs
    ``0 <= correct <= n`` and ``1 <= k <= n``.
    """
    if not (0 <= correct <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} needs 0 <= correct <= n and k <= n, got correct={correct}, n={n}")
    if n - correct < k:
        return 1.0
    return 1.0 - float(np.prod(1.0 - k / np.arange(n - correct + 1, n + 1)))


def bootstrap_mean(values: Sequence[float], seed: int = 0) -> Estimate:
    """Return the mean with the 95% percentile interval of a bootstrap over problems.

    The same values and seed give the same interval. Without values everything is NaN.
    """
    return _bootstrap(values, lambda draws: np.asarray(draws.mean(axis=-1)), seed)


def bootstrap_median(values: Sequence[float], seed: int = 0) -> Estimate:
    """Return the median with its interval; the same as :func:`bootstrap_mean` otherwise."""
    return _bootstrap(values, lambda draws: np.asarray(np.median(draws, axis=-1)), seed)


def _bootstrap(values: Sequence[float], statistic: Callable[[Floats], Floats], seed: int) -> Estimate:
    if not values:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    array = np.asarray(values, np.float64)
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(statistic(array[draws]), [2.5, 97.5])
    return Estimate(float(statistic(array)), float(low), float(high), len(array))
