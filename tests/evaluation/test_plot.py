"""The picture of a comparison: drawn for whatever was measured, the same for the same figures."""

from __future__ import annotations

import math
import sys

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.evaluation.compare import Comparison
from codedpo_plugin.evaluation.plot import require_plot, write_plot
from codedpo_plugin.evaluation.speed import ProblemSpeed, Speeds
from codedpo_plugin.timing import Ratio

pytest.importorskip("matplotlib")


def comparison(*ratios: Ratio | None, experiments: int = 3) -> Comparison:
    speeds = Speeds(tuple(ProblemSpeed(f"p{i}", ratio) for i, ratio in enumerate(ratios)))
    return Comparison("micro", {}, {}, speeds=speeds, experiments=(speeds,) * experiments)


MEASURED = (
    Ratio(2.0, 1.5, 2.5, 1.0, 2.0, 7),
    Ratio(1.0, 1.0, 1.0, math.nan, math.nan),
    Ratio(0.5, 0.0, math.inf, 2.0, 1.0, 2),
    None,
)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_a_picture_is_drawn_in_the_format_of_its_name(tmp_path, kind):
    path = tmp_path / f"c.{kind}"
    write_plot(path, [comparison(*MEASURED)])
    start = path.read_bytes()[:200]
    assert {"svg": b"<svg" in path.read_bytes(), "png": b"PNG" in start, "pdf": b"%PDF" in start}[kind]


def test_a_picture_says_what_it_shows(tmp_path, monkeypatch):
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):
        write_plot(tmp_path / "c.svg", [comparison(*MEASURED)])
    text = (tmp_path / "c.svg").read_text()
    for words in ("micro: 3 problems", "3 experiments", "mean", "median", "10% faster", "10% slower"):
        assert words in text


@pytest.mark.parametrize("found", [comparison(), comparison(None), comparison(experiments=0)])
def test_a_comparison_without_figures_has_an_empty_picture(tmp_path, found):
    write_plot(tmp_path / "c.svg", [found, found])
    assert (tmp_path / "c.svg").stat().st_size


def test_equal_comparisons_have_equal_pictures(tmp_path):
    for name in ("a", "b"):
        write_plot(tmp_path / f"{name}.svg", [comparison(*MEASURED)])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["c", "c.txt", "c.jpeg"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"a plot ends in \.svg, \.png, \.pdf"):
        require_plot(tmp_path / name)


def test_without_matplotlib_the_command_that_installs_it_is_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'codedpo-plugin\[plot\]'"):
        require_plot(tmp_path / "c.svg")
