"""What crosses the network survives it, and what was not asked for is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from codedpo_plugin.cluster.messages import pack_candidates, pack_matrices, unpack_candidates, unpack_matrices
from codedpo_plugin.records import Candidates, PassMatrix

ASKED = Candidates("p/1", "prompt", "f", ("a", "b"), ("t", "u", "v"))
CELLS = np.arange(6, dtype=np.uint8).reshape(2, 3)


def matrix(**changes) -> PassMatrix:
    return PassMatrix(**{"problem_id": "p/1", "verdicts": CELLS, "judged_inside": (0, 2)} | changes)


def forged(**changes) -> bytes:
    """Return an answer in which some columns are not what a node of ours would send."""
    names = ("problem_id", "verdicts", "cpu_ns", "judged_inside")
    (columns,) = json.loads(pack_matrices([matrix()]))
    return json.dumps([list((dict(zip(names, columns, strict=True)) | changes).values())]).encode()


@pytest.mark.parametrize("text", ["", "def f(): pass", "\x00\u2028é", "\ud800 alone", "x" * 100_000])
def test_candidates_survive_but_for_their_prompts(text):
    one = Candidates(text, "prompt", None, (text, "b"), (text,), {"model": "m"})
    assert unpack_candidates(pack_candidates([one])) == [Candidates(text, "", None, (text, "b"), (text,))]


def test_nothing_survives():
    assert unpack_candidates(pack_candidates([])) == []
    assert unpack_matrices(pack_matrices([]), []) == []


@pytest.mark.parametrize("times", [None, np.array([[-1, 0, 2**62], [3, 4, 5]])])
def test_matrices_survive(times):
    (back,) = unpack_matrices(pack_matrices([matrix(cpu_ns=times)]), [ASKED])
    assert back.problem_id == "p/1"
    assert back.verdicts.dtype == np.uint8
    assert back.verdicts.tolist() == CELLS.tolist()
    assert back.judged_inside == (0, 2)
    assert back.cpu_ns is None if times is None else back.cpu_ns.tolist() == times.tolist()


def test_a_matrix_that_is_a_view_survives():
    (back,) = unpack_matrices(pack_matrices([matrix(verdicts=CELLS.T.copy().T)]), [ASKED])
    assert back.verdicts.tolist() == CELLS.tolist()


def test_a_problem_without_tests_has_a_matrix_without_columns():
    empty = Candidates("p/1", "", None, ("a",), ())
    (back,) = unpack_matrices(pack_matrices([matrix(verdicts=np.zeros((1, 0)), judged_inside=())]), [empty])
    assert back.verdicts.shape == (1, 0)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        [],
        b"",
        b"not JSON",
        b"\x80\x04.",
        b"{}",
        b"[]",
        b"[1]",
        b"[[]]",
        b"[" * 100_000,
        pack_matrices([matrix(), matrix()]),
        pack_matrices([matrix(problem_id="another")]),
        pack_matrices([matrix(verdicts=CELLS[:1])]),
        pack_matrices([matrix(verdicts=CELLS + 5)]),
        pack_matrices([matrix(judged_inside=(3,))]),
        pack_matrices([matrix(judged_inside=(-1,))]),
        forged(verdicts=7),
        forged(verdicts="AAAA*AAAA"),
        forged(cpu_ns="AAAA"),
        forged(cpu_ns=[1, 2, 3, 4, 5, 6]),
        forged(judged_inside=[True]),
        forged(judged_inside=None),
        forged(problem_id=["p/1"]),
    ],
)
def test_what_was_not_asked_for_is_refused(message):
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        unpack_matrices(message, [ASKED])
