"""What problems are about: the ten coding-related categories of Magicoder (arXiv 2312.02120, appendix).

A problem belongs to the category whose description is nearest: by the embeddings of a model, where one is named,
and by TF-IDF otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.errors import UsageError, boundary

CATEGORIES: Final = {
    "Algorithmic and Data Structure": (
        "algorithm data structure list array linked list stack queue heap tree graph search sort sorted recursion "
        "dynamic programming greedy traversal node path shortest permutation subsequence binary dictionary merge"
    ),
    "Mathematical and Computational": (
        "mathematics number prime integer factorial equation polynomial matrix geometry probability sum product "
        "divisor modulo fraction root numeric computation derivative vector coordinate angle distance area"
    ),
    "Database and SQL": (
        "database SQL query table row column record schema join insert select update delete transaction index "
        "migration ORM cursor connection foreign key primary key"
    ),
    "System Design and Architecture": (
        "system design architecture component service module interface class inheritance abstract plugin "
        "dependency configuration registry factory pattern message queue scheduler distributed scalable handler"
    ),
    "Security and Cryptography": (
        "security cryptography encryption decrypt cipher hash signature token password authentication "
        "authorization certificate key permission vulnerability sanitize secure random"
    ),
    "Performance Optimization": (
        "performance optimize efficient cache memory time complexity parallel concurrency thread batch profile "
        "benchmark latency throughput lazy vectorize asynchronous"
    ),
    "Web": (
        "web HTTP request response server client URL route API REST HTML page browser cookie session header JSON "
        "endpoint JavaScript website socket"
    ),
    "Domain Specific": (
        "domain simulation game robot biology chemistry physics finance bank invoice inventory calendar date "
        "weather music audio image video network packet device sensor compiler parser grammar operating system file"
    ),
    "User Interface and Application Design": (
        "user interface application window button menu widget layout view event click screen form dialog display "
        "component state theme mobile desktop render"
    ),
    "Data Science and Machine Learning": (
        "data science machine learning model training neural network layer tensor dataset feature classification "
        "regression clustering dataframe pandas numpy statistics mean variance plot accuracy loss gradient"
    ),
}
"""The categories, each with the words that describe it."""


def categories(texts: Sequence[str], model: str | None = None) -> list[str]:
    """Return the category of each text; ``model`` is a name or folder that ``sentence-transformers`` loads.

    Raises UsageError, with the command that mends it, when a model is named and the library is not installed.
    """
    if not texts:
        return []
    names = list(CATEGORIES)
    descriptions = [f"{name}: {words}" for name, words in CATEGORIES.items()]
    vectors = _embedded([*texts, *descriptions], model) if model else _weighted(texts, descriptions)
    own, known = vectors[: len(texts)], vectors[len(texts) :]
    return [names[i] for i in np.asarray(_product(own, known)).argmax(axis=1)]


def distribution(found: Sequence[str]) -> dict[str, int]:
    """Return how many problems each category has, in the order of :data:`CATEGORIES`."""
    return {name: found.count(name) for name in CATEGORIES}


def _weighted(texts: Sequence[str], descriptions: Sequence[str]) -> Any:
    """Return TF-IDF vectors, weighted by the texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True)
    return vectorizer.fit_transform([*texts, *descriptions])


def _embedded(texts: Sequence[str], model: str) -> NDArray[np.float32]:
    """Return normalised embeddings."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UsageError(f"embeddings need {error.name}: pip install sentence-transformers") from error
    with boundary(UsageError, f"embedding model {model!r} cannot be used"):
        found: NDArray[np.float32] = SentenceTransformer(model).encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
    return found


def _product(own: Any, known: Any) -> Any:
    product = own @ known.T
    return product.toarray() if hasattr(product, "toarray") else product
