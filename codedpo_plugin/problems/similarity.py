"""How similar problems are to HumanEval: TF-IDF cosine to the nearest item, as in Magicoder's figure.

Every problem, with its solution, is paired with the HumanEval problem it is most similar to (arXiv 2312.02120, and
its repository's ``experiments/data_embedding/cosine_similarity.py``): it tells how much of what is learned looks
like the benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 20
"""Bins of the histogram, over similarities from 0 to 1."""
AT_A_TIME: Final = 4_096
"""Problems compared in one step; bounds the memory."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """The similarity of each problem to the nearest item of a reference."""

    values: NDArray[np.float64]
    """Shape (problems,); from 0 to 1."""
    nearest: NDArray[np.int64]
    """Shape (problems,); index of that item, the first of several."""

    @property
    def mean(self) -> float:
        """Return the mean over all problems; 0 if there are none."""
        return float(self.values.mean()) if len(self.values) else 0.0

    @property
    def histogram(self) -> list[int]:
        """Return how many problems lie in each of :data:`BINS` equal bins."""
        return [int(n) for n in np.histogram(self.values, bins=BINS, range=(0.0, 1.0))[0]]


def similarity(texts: Sequence[str], reference: Sequence[str]) -> Similarity:
    """Return the cosine of each text's TF-IDF vector with the nearest reference's.

    The weights are those of both collections together; a text without a known word has similarity 0.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not texts or not reference:
        return Similarity(np.zeros(len(texts)), np.zeros(len(texts), np.int64))
    vectorizer = TfidfVectorizer()
    try:
        vectors = vectorizer.fit_transform([*texts, *reference])
    except ValueError:  # not one word in all of them
        return Similarity(np.zeros(len(texts)), np.zeros(len(texts), np.int64))
    own, known = vectors[: len(texts)], vectors[len(texts) :].T.tocsc()
    parts = [(own[i : i + AT_A_TIME] @ known).toarray() for i in range(0, len(texts), AT_A_TIME)]
    values = np.concatenate([part.max(axis=1) for part in parts])
    nearest = np.concatenate([part.argmax(axis=1) for part in parts])
    return Similarity(np.clip(values, 0.0, 1.0), nearest.astype(np.int64))
