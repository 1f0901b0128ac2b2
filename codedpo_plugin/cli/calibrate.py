"""``codedpo calibrate``: fit the confidence of pairs on problems of which the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codedpo_plugin.cli.options import RunPath, Verbose

if TYPE_CHECKING:
    from codedpo_plugin.calibration.examples import Example

DEFAULT_RANKERS = "self-validation,pass-count,codet,bayes"


def calibrate(
    directory: RunPath,
    truth: Annotated[
        Path, typer.Option(help='JSON lines {"problem_id": …, "right": [true, …]}, or an eval/SUITE.json.')
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the coefficients.")] = Path(
        "calibration.json"
    ),
    rankers: Annotated[str, typer.Option(help="Rankers whose pairs are fitted, by commas.")] = DEFAULT_RANKERS,
    verbose: Verbose = False,
) -> None:
    """Fit the confidence of pairs on DIR's matrices and the truth; show how it holds on problems not fitted on."""
    from codedpo_plugin.calibration.examples import examples_of
    from codedpo_plugin.calibration.fit import fit_calibration
    from codedpo_plugin.calibration.model import write_calibration
    from codedpo_plugin.calibration.truth import read_labelled
    from codedpo_plugin.cli.console import out, say, session
    from codedpo_plugin.manager import find
    from codedpo_plugin.rundir import RunDirectory

    with session(verbose=verbose) as plugins:
        chosen = {name: find("ranker", name.strip(), plugins.rankers) for name in rankers.split(",")}
        labelled, left_out = read_labelled(RunDirectory(directory), truth)
        for line in left_out[:5]:
            say(line)
        examples = [example for problem in labelled for example in examples_of(problem, chosen)]
        calibration = fit_calibration(examples, f"{len(labelled)} problems of {directory.resolve().name}")
        write_calibration(output, calibration)
    _show(examples)
    out(f"{len(labelled)} problems, {len(left_out)} left out; calibration: {output}")


def _show(examples: list[Example]) -> None:
    """Print how a fit on one half of the problems holds on the other, both ways together."""
    import numpy as np

    from codedpo_plugin.calibration.fit import cross_fitted, measure
    from codedpo_plugin.cli.console import table
    from codedpo_plugin.errors import InputError
    from codedpo_plugin.records import PairKind

    rows = []
    for kind in PairKind:
        try:
            confidences = cross_fitted(examples, kind)
        except InputError:
            continue
        known = ~np.isnan(confidences)
        if known.any():
            right = np.array([example.right for example in examples if example.kind is kind])
            found = measure(confidences[known], right[known])
            figures = (found.right, found.ece, found.top_quarter)
            rows.append((str(kind), str(found.n), *(f"{figure:.3f}" for figure in figures)))
    columns = ("pairs not fitted on", "n", "right", "calibration error", "right, top quarter")
    table("fitted on one half of the problems, measured on the other", columns, rows)
