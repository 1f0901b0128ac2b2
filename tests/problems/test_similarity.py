"""Similarity to a reference: the cosine to its nearest text."""

from __future__ import annotations

import pytest

from codedpo_plugin.problems.similarity import BINS, similarity

REFERENCE = ["sort a list of numbers", "reverse the words of a sentence"]


def test_an_equal_text_is_as_similar_as_can_be_and_a_foreign_one_not_at_all():
    found = similarity(["reverse the words of a sentence", "paint mountains blue"], REFERENCE)
    assert found.values.tolist() == pytest.approx([1.0, 0.0])
    assert found.nearest[0] == 1


def test_the_nearest_text_counts_and_not_the_mean_of_all():
    (value,) = similarity(["sort numbers"], REFERENCE).values
    assert 0.5 < value < 1.0
    assert similarity(["sort numbers"], REFERENCE[:1]).values[0] == pytest.approx(value, abs=0.1)


def test_more_words_in_common_are_more_similar():
    close, far = similarity(["sort a list of names", "a list"], REFERENCE).values
    assert close > far > 0


def test_mean_and_histogram_are_over_all_problems():
    found = similarity([REFERENCE[0], "paint mountains blue"], REFERENCE)
    assert found.mean == pytest.approx(0.5)
    assert len(found.histogram) == BINS
    assert (found.histogram[0], found.histogram[-1], sum(found.histogram)) == (1, 1, 2)


@pytest.mark.parametrize(("texts", "reference"), [([], REFERENCE), (["a text"], []), (["?!"], ["…"]), ([], [])])
def test_nothing_to_compare_is_similarity_zero(texts, reference):
    found = similarity(texts, reference)
    assert found.values.tolist() == [0.0] * len(texts)
    assert found.mean == 0.0


def test_many_texts_are_compared_in_parts(monkeypatch):
    texts = [f"text number {i} about lists" for i in range(50)]
    whole = similarity(texts, REFERENCE)
    monkeypatch.setattr("codedpo_plugin.problems.similarity.AT_A_TIME", 7)
    assert similarity(texts, REFERENCE).values.tolist() == pytest.approx(whole.values.tolist())
