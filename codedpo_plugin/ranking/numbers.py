"""Numerical details that rankers share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def round_significant(values: NDArray[np.float64], digits: int = 12) -> NDArray[np.float64]:
    """Return values rounded to so many significant digits.

    Scores that are equal on paper but were summed in another order, because solutions or tests were permuted,
    differ in their last bits; rounded, they are ties again.
    """
    magnitude = np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values))))
    with np.errstate(over="ignore", invalid="ignore"):
        scale = 10.0 ** (digits - 1 - magnitude)
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)
