"""The records: immutable, with stable ids and stored numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.records import (
    Candidates,
    PairKind,
    PassMatrix,
    PreferencePair,
    Problem,
    Scores,
    SolutionForm,
    Verdict,
    content_id,
)

MATRIX = PassMatrix("p", np.array([[0, 1], [7, 0]], np.uint8))
RECORDS = [
    Problem("p", "prompt"),
    Candidates("p", "prompt", None, ("s",), ("t",)),
    MATRIX,
    Scores("p", "r", np.ones(2), np.ones(2)),
    PreferencePair("prompt", "a", "b", PairKind.CORRECTNESS, "p", 2.0, 1.0, 1.0),
]


def test_verdicts_keep_the_numbers_that_files_hold() -> None:
    assert {verdict.name: int(verdict) for verdict in Verdict} == {
        "PASS": 0,
        "FAIL": 1,
        "ERROR": 2,
        "TIMEOUT": 3,
        "MEMORY": 4,
        "CRASH": 5,
        "FORBIDDEN": 6,
        "NOT_RUN": 7,
    }


@pytest.mark.parametrize("verdict", Verdict)
def test_only_pass_is_a_link(verdict: Verdict) -> None:
    matrix = PassMatrix("p", np.array([[verdict]], np.uint8))
    assert matrix.passed.tolist() == [[verdict is Verdict.PASS]]


def test_links_have_the_shape_and_type_of_the_paper() -> None:
    assert MATRIX.passed.dtype == np.bool_
    assert MATRIX.passed.tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_a_matrix_may_be_empty(shape: tuple[int, int]) -> None:
    assert PassMatrix("p", np.zeros(shape, np.uint8)).passed.shape == shape


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_cannot_be_changed(record: object) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.problem_id = "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_have_no_other_attributes(record: object) -> None:
    assert not hasattr(record, "__dict__")


def test_a_generator_is_not_shared_between_candidates() -> None:
    first, second = (Candidates("p", "", None, (), ()) for _ in range(2))
    assert first.generator == {}
    assert first.generator is not second.generator


def test_kinds_and_forms_are_the_words_that_files_hold() -> None:
    assert [str(kind) for kind in PairKind] == ["correctness", "efficiency"]
    assert [str(form) for form in SolutionForm] == ["program", "completion"]


def test_a_content_id_is_the_same_on_every_machine() -> None:
    assert content_id("def f(): return 1") == "cd802a81ac4cf7ae"


@given(st.text(st.characters()))
def test_every_text_has_an_id_of_sixteen_digits(text: str) -> None:
    found = content_id(text)
    assert len(found) == 16
    assert set(found) <= set("0123456789abcdef")
    assert found == content_id(text) != content_id(text + " ")
