"""The picture of the log-probabilities: all kinds in it, and the same for the same lines."""

from __future__ import annotations

import pytest

from codedpo_plugin.training.plot import write_logprobs_plot

pytest.importorskip("matplotlib")

LINES = [
    {"step": step, "kind": kind, "mean": -1.0 - step, "mean_sequence": -20.0 - step, "count": 3}
    for step in (0, 5)
    for kind in ("correct", "wrong", "fast", "slow")
]


def drawn(path, lines) -> str:
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):
        write_logprobs_plot(path, lines)
    return path.read_text("utf-8")


def test_a_picture_names_the_kinds_that_were_tracked(tmp_path):
    text = drawn(tmp_path / "l.svg", LINES)
    for words in ("correct (n=3)", "wrong (n=3)", "fast (n=3)", "slow (n=3)", "per token", "per answer", "step"):
        assert words in text
    assert "fast" not in drawn(tmp_path / "l.svg", [line for line in LINES if line["kind"] in ("correct", "wrong")])


def test_equal_lines_have_equal_pictures(tmp_path):
    for name in ("a", "b"):
        write_logprobs_plot(tmp_path / f"{name}.svg", LINES)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_no_lines_are_an_empty_picture(tmp_path):
    assert "<svg" in drawn(tmp_path / "l.svg", [])
