"""The charts of the page: which numbers they show, what they are called, and the table that says the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from markupsafe import Markup

from codedpo_plugin.evaluation.speed import BY, Outcome
from codedpo_plugin.records import PairKind
from codedpo_plugin.report.charts import Axis, Bars, Curve, curves, histogram, linear
from codedpo_plugin.report.convergence import Convergence
from codedpo_plugin.report.logprobs import LogProbability
from codedpo_plugin.report.problems import ProblemView
from codedpo_plugin.report.suites import SuiteFacts

BINS: Final = 20
SPEED_TICKS: Final = (0.1, 0.2, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_BINS: Final = 24
"""Bins on either side of equal speed; what is further out is counted in the last."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with what it takes to read it without seeing it."""

    title: str
    drawing: Markup
    axis: str
    """What the horizontal axis shows."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()
    """Class and name of each series."""


# --------------------------------------------------------------------------- histograms


@dataclass(frozen=True, slots=True)
class Scale:
    """The bins of a histogram."""

    name: str
    caption: str
    axis: Axis
    edges: Sequence[float]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one kind."""

    css: str
    name: str
    values: Sequence[float]


def speed_figure(suite: SuiteFacts) -> Figure | None:
    """Return how many problems became how much faster; None if no speed was measured."""
    measured = [(speed.ratio, speed.outcome) for speed in suite.speeds if speed.ratio]
    if not measured:
        return None
    ratios = {outcome: [ratio for ratio, found in measured if found is outcome] for outcome in Outcome}
    return _histogram(
        f"Speed on {suite.suite}, problem by problem",
        _speed_scale(
            "time before ÷ time after; right of 1 is faster", speed_edges([ratio for ratio, _ in measured])
        ),
        [Values(f"o-{outcome}", outcome.replace("_", " "), found) for outcome, found in ratios.items() if found],
        f"Histogram of the speedups of {len(measured)} problems of {suite.suite}",
        marks=(1.0,),
    )


def pair_speed_figure(speedups: Sequence[float]) -> Figure | None:
    """Return how much faster the chosen programs of efficiency pairs are; None if there are none."""
    if not speedups:
        return None
    edges = [edge for edge in speed_edges(speedups) if edge >= 1]
    return _histogram(
        "Efficiency pairs: how much faster the chosen program is",
        _speed_scale("CPU time of the rejected ÷ CPU time of the chosen", edges),
        [Values("efficiency", "pairs", speedups)],
        f"Histogram of the speedups of {len(speedups)} efficiency pairs",
    )


def speed_edges(ratios: Sequence[float]) -> tuple[float, ...]:
    """Return bins for ratios, each a factor of 1.1² wide; the middle one holds what is within 10% of equal."""
    steps = [math.log(ratio) / math.log(BY) for ratio in ratios]
    left, right = (min(max(math.ceil((end - 1) / 2), 2), MOST_BINS) for end in (-min(steps), max(steps)))
    return tuple(BY ** (2 * k + 1) for k in range(-left - 1, right + 1))


def _speed_scale(caption: str, edges: Sequence[float]) -> Scale:
    ticks = tuple((tick, f"{tick:g}×") for tick in SPEED_TICKS if edges[0] <= tick <= edges[-1])
    return Scale("speedup", caption, Axis(edges[0], edges[-1], ticks, logarithmic=True), edges, "×")


def margin_figure(margins: Sequence[float], formula: str) -> Figure | None:
    """Return how far apart the scores of correctness pairs are; None if there are none."""
    return _shares("Correctness pairs: margin of the scores", "margin", formula, {PairKind.CORRECTNESS: margins})


def confidence_figure(confidences: Mapping[PairKind, Sequence[float]]) -> Figure | None:
    """Return how probable it is that pairs are right; None if no pair says."""
    return _shares("Confidence", "confidence", "calibrated probability that the preference is right", confidences)


def _shares(title: str, name: str, caption: str, values: Mapping[PairKind, Sequence[float]]) -> Figure | None:
    """Return a histogram of values between 0 and 1; None if there are none."""
    total = sum(map(len, values.values()))
    scale = Scale(name, caption, linear(0, 1, 5), [k / BINS for k in range(BINS + 1)])
    series = [Values(str(kind), str(kind), own) for kind, own in values.items()]
    return _histogram(title, scale, series, f"Histogram of the {name} of {total} pairs") if total else None


def _histogram(
    title: str, scale: Scale, series: Sequence[Values], label: str, marks: Sequence[float] = ()
) -> Figure:
    bars = [Bars(own.css, _counts(scale.edges, own.values)) for own in series]
    bins = [f"{low:.2f}{scale.unit} – {high:.2f}{scale.unit}" for low, high in pairwise(scale.edges)]
    columns = zip(*(own.counts for own in bars), strict=True)
    return Figure(
        title,
        histogram(scale.axis, scale.edges, bars, label, marks),
        scale.caption,
        (scale.name, *(own.name for own in series)),
        tuple((name, *map(str, counts)) for name, counts in zip(bins, columns, strict=True) if any(counts)),
        tuple((own.css, own.name) for own in series) if len(series) > 1 else (),
    )


def _counts(edges: Sequence[float], values: Sequence[float]) -> tuple[int, ...]:
    """Return the number of values in each bin; what is outside is counted in the first and the last."""
    inside = np.clip(np.asarray(values, np.float64), edges[0], edges[-1])
    return tuple(int(count) for count in np.histogram(inside, edges)[0])


# --------------------------------------------------------------------------- curves


def convergence_figures(found: Convergence) -> tuple[Figure, Figure]:
    """Return how much scores still move, and how many of the best are best in the end, by iteration."""
    return _change_figure(found), _settled_figure(found)


def _change_figure(found: Convergence) -> Figure:
    smallest = max(min(low for low, _, _ in found.change), 1e-6)
    decades = range(0, math.floor(math.log10(smallest)) - 1, -1)
    up = Axis(10.0 ** decades[-1], 1.0, tuple((10.0**d, _power(d)) for d in decades), logarithmic=True)
    steps = list(enumerate(found.change, 1))
    curve = Curve("main", tuple((k, m) for k, (_, m, _) in steps), tuple((k, lo, hi) for k, (lo, _, hi) in steps))
    return Figure(
        "How much a score still moves",
        curves(_steps_axis(1, found.iterations), up, [curve], "Largest move of a score, by iteration"),
        "iteration; the scale upwards is logarithmic",
        ("iteration", "10th percentile", "median", "90th percentile"),
        tuple((str(k), *(f"{value:.2g}" for value in values)) for k, values in steps),
        (("main", "median of the problems"), ("band main", "10th to 90th percentile")),
    )


def _settled_figure(found: Convergence) -> Figure:
    points = tuple((float(k), share) for k, share in enumerate(found.settled))
    return Figure(
        "How soon the best solution is known",
        curves(
            _steps_axis(0, found.iterations),
            linear(0, 1),
            [Curve("main", points)],
            "Share of the best solutions that are best in the end, by iteration",
        ),
        "iteration",
        ("iteration", "share of the best that are best in the end"),
        tuple((f"{k:g}", f"{share:.3f}") for k, share in points),
    )


def logprob_figure(records: Iterable[LogProbability]) -> Figure | None:
    """Return the log-probabilities of held-out code in training, a line a kind; None if nothing was recorded."""
    kinds = {kind: list(own) for kind, own in groupby(records, key=lambda record: record.kind)}
    everything = [record for own in kinds.values() for record in own]
    if not everything:
        return None
    means, steps = [r.mean for r in everything], sorted({r.step for r in everything})
    room = (max(means) - min(means)) * 0.06 or 0.1
    up = linear(min(means) - room, max(means) + room)
    lines = [Curve(f"l-{_known(kind)}", tuple((r.step, r.mean) for r in own)) for kind, own in kinds.items()]
    at = {(r.kind, r.step): r.mean for r in everything}
    return Figure(
        "Log-probability of held-out code",
        curves(
            _steps_axis(steps[0], steps[-1]),
            up,
            lines,
            f"Mean log-probability of {', '.join(kinds)} code over {len(steps)} steps of training",
        ),
        "training step",
        ("step", *kinds),
        tuple((str(s), *(f"{at[k, s]:.4g}" if (k, s) in at else "–" for k in kinds)) for s in steps),
        tuple((f"l-{_known(kind)}", kind) for kind in kinds),
    )


def trajectory_figure(problem: ProblemView) -> Figure | None:
    """Return how the scores of a problem's solutions went; None where the ranker does not iterate."""
    steps = problem.trajectory
    if steps is None or len(steps) < 2:
        return None
    lines: dict[tuple[float, ...], str] = {}  # equal lines are drawn once, with the role that one of them has
    for row, own in zip(problem.matrix.solutions, steps.T, strict=True):
        key = tuple(round(float(value), 4) for value in own)
        lines[key] = lines.get(key) or next((role.name for role in row.roles), "")
    drawn = sorted((role, points) for points, role in lines.items())
    return Figure(
        "How the scores settled",
        curves(
            _steps_axis(0, len(steps) - 1),
            linear(0, 1, 2),
            [Curve(role or "other", tuple(enumerate(points))) for role, points in drawn],
            f"Scores of the {steps.shape[1]} solutions of {problem.problem_id}, by iteration",
        ),
        "iteration; the highest score is 1",
        ("solution", "first", "last"),
        tuple(
            (str(row.number), f"{own[0]:.3f}", f"{own[-1]:.3g}")
            for row, own in zip(problem.matrix.solutions, steps.T, strict=True)
        ),
    )


def _known(kind: str) -> str:
    return kind if kind in ("correct", "wrong", "fast", "slow") else "other"


def _steps_axis(first: int, last: int) -> Axis:
    ticks = tuple((value, text) for value, text in linear(first, max(last, first + 1), 5).ticks if value % 1 == 0)
    return Axis(first, max(last, first + 1), ticks)


def _power(exponent: int) -> str:
    """Return a power of ten: as a number down to 0.01, then as 10⁻³ and so on."""
    return f"{10.0**exponent:g}" if exponent > -3 else f"10⁻{str(-exponent).translate(_RAISED)}"
