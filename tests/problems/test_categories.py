"""What problems are about."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.problems.categories import CATEGORIES, categories, distribution

EXAMPLES = {
    "Algorithmic and Data Structure": "Find the shortest path between two nodes of a graph with a priority queue.",
    "Mathematical and Computational": "Return the prime factors of an integer and the sum of its divisors.",
    "Database and SQL": "Write an SQL query that joins two tables and updates a column of each row.",
    "Security and Cryptography": "Hash the password with a secret key and verify the signature of the token.",
    "Web": "Build a REST API endpoint that answers an HTTP request with JSON.",
    "User Interface and Application Design": "Create a window with a menu and a button that handles the click.",
    "Data Science and Machine Learning": "Train a neural network for classification and plot its accuracy.",
}


def test_there_are_ten_categories():
    assert len(CATEGORIES) == 10


@pytest.mark.parametrize("category", EXAMPLES)
def test_a_plain_example_is_in_its_category(category):
    assert categories([EXAMPLES[category]]) == [category]


def test_the_distribution_counts_every_category():
    found = distribution(["Web", "Web", "Database and SQL"])
    assert list(found) == list(CATEGORIES)
    assert (found["Web"], found["Database and SQL"], sum(found.values())) == (2, 1, 3)


def test_no_texts_have_no_categories():
    assert categories([]) == []


def test_a_text_without_a_known_word_still_has_one():
    assert categories(["zzz"])[0] in CATEGORIES


def test_an_embedding_model_decides_where_one_is_named(monkeypatch):
    """The model is replaced by one that puts every text beside the description of the last category."""
    last = len(CATEGORIES) - 1

    class Model:
        def __init__(self, name):
            assert name == "some/model"

        def encode(self, texts, normalize_embeddings, show_progress_bar):
            vectors = np.zeros((len(texts), len(CATEGORIES)), np.float32)
            vectors[: -len(CATEGORIES), last] = 1
            vectors[-len(CATEGORIES) :] = np.eye(len(CATEGORIES))
            return vectors

    monkeypatch.setitem(sys.modules, "sentence_transformers", types.SimpleNamespace(SentenceTransformer=Model))
    assert categories(["a", "b"], "some/model") == [list(CATEGORIES)[last]] * 2


def test_without_the_library_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UsageError, match="pip install sentence-transformers"):
        categories(["a"], "some/model")
