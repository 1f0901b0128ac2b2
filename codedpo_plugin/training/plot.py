"""The picture of a training: the log-probability of held-out correct, wrong, fast and slow code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.formats.files import atomic_write

STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "correct": ("#1b7837", "-"),
    "wrong": ("#b2182b", "-"),
    "fast": ("#2166ac", "--"),
    "slow": ("#e08214", "--"),
}
PANELS: Final = {"mean": "per token", "mean_sequence": "per answer"}


def write_logprobs_plot(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Draw the lines of a ``logprobs.jsonl`` as SVG; the same lines give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    found = list(lines)
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    for axes, (field, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        axes.set(xlabel="step", ylabel=f"mean log-probability {label}", title=f"held-out code, {label}")
        for kind, (color, style) in STYLES.items():
            points = [(line["step"], line[field], line["count"]) for line in found if line["kind"] == kind]
            if points:
                steps, values, counts = zip(*points, strict=True)
                axes.plot(steps, values, style, color=color, marker=".", label=f"{kind} (n={counts[0]})")
        if found:
            axes.legend()
    with atomic_write(path) as handle, mpl.rc_context({"svg.hashsalt": "codedpo"}):
        figure.savefig(handle, format="svg", metadata={"Date": None})
