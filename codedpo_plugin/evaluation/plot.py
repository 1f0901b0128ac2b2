"""The picture of a comparison: speed by problem, and the distribution of its figures over repeated experiments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import UsageError
from codedpo_plugin.evaluation.compare import Comparison
from codedpo_plugin.evaluation.speed import BY, Outcome
from codedpo_plugin.formats.files import atomic_write

FORMATS: Final = ("svg", "png", "pdf")


def require_plot(path: Path) -> None:
    """Raise UsageError unless a picture can be drawn: ``path`` has a known ending, matplotlib is installed."""
    if path.suffix.removeprefix(".") not in FORMATS:
        raise UsageError(f"{path}: a plot ends in {', '.join(f'.{name}' for name in FORMATS)}")
    try:
        import matplotlib  # noqa: F401 - is it there?
    except ImportError as error:
        raise UsageError("--plot needs matplotlib: pip install 'codedpo-plugin[plot]'") from error


def write_plot(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Draw comparisons, a row each; the same comparisons give the same SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6 * len(comparisons)), layout="constrained")
    for row, comparison in zip(figure.subplots(len(comparisons), 3, squeeze=False), comparisons, strict=True):
        _problems(row[0], comparison)
        _distribution(row[1], comparison, "speedup, by experiment", _speedups(comparison))
        _distribution(row[2], comparison, "share of problems, by experiment", _shares(comparison))
    kind = path.suffix.removeprefix(".")
    with atomic_write(path) as handle, mpl.rc_context({"svg.hashsalt": "codedpo"}):
        figure.savefig(
            handle, format=kind, metadata={"png": {}, "pdf": {"CreationDate": None}}.get(kind, {"Date": None})
        )


def _speedups(comparison: Comparison) -> dict[str, list[float]]:
    experiments = [e for e in comparison.experiments if e.ratios]
    return {"mean": [e.mean.value for e in experiments], "median": [e.median.value for e in experiments]}


def _shares(comparison: Comparison) -> dict[str, list[float]]:
    experiments = [e for e in comparison.experiments if e.ratios]
    return {
        "≥ 10% faster": [e.share(Outcome.FASTER).value for e in experiments],
        "≥ 10% slower": [e.share(Outcome.SLOWER).value for e in experiments],
    }


def _problems(axes: Any, comparison: Comparison) -> None:
    """Draw the ratio of each problem with its interval, in order of the ratios."""
    ratios = sorted(comparison.speeds.ratios, key=lambda ratio: ratio.value)
    axes.set(title=f"{comparison.suite}: {len(ratios)} problems", xlabel="problem, by speedup", ylabel="speedup")
    for edge, style in ((1 / BY, ":"), (1.0, "-"), (BY, ":")):
        axes.axhline(edge, color="grey", linewidth=0.8, linestyle=style)
    if not ratios:
        return
    values = [ratio.value for ratio in ratios]
    below = [value - (ratio.low if ratio.rounds else value) for value, ratio in zip(values, ratios, strict=True)]
    above = [(ratio.high if ratio.rounds else value) - value for value, ratio in zip(values, ratios, strict=True)]
    unbounded = max(values)  # an interval that has no end is drawn as long as the largest ratio
    above = [min(length, unbounded) for length in above]
    axes.errorbar(range(1, len(values) + 1), values, yerr=[below, above], fmt="o", markersize=3, linewidth=0.8)
    axes.set_yscale("log")


def _distribution(axes: Any, comparison: Comparison, label: str, figures: dict[str, list[float]]) -> None:
    """Draw figures of the experiments as boxes, with a point for each experiment."""
    axes.set(title=f"{len(comparison.experiments)} experiments", ylabel=label)
    if not any(figures.values()):
        return
    axes.boxplot(list(figures.values()), widths=0.5, showfliers=False)
    axes.set_xticks(range(1, len(figures) + 1), list(figures))
    for place, values in enumerate(figures.values(), 1):
        axes.plot([place] * len(values), values, "o", markersize=4, alpha=0.6)
