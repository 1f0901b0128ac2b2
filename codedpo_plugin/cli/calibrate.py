"""``codedpo calibrate``: fit the confidence of pairs on problems of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
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
        names = [name.strip() for name in rankers.split(",")]
        chosen = {name: find("ranker", name, plugins.rankers) for name in names}
        labelled, left_out = read_labelled(RunDirectory(directory), truth)
        for line in left_out[:5]:
            say(line)
        examples = [example for problem in labelled for example in examples_of(problem, chosen)]
        calibration = fit_calibration(examples, f"{len(labelled)} problems of {directory.resolve().name}")
        write_calibration(output, calibration)
        whole = [example for problem in labelled for example in examples_of(problem, chosen, draws=0)]
    show(examples, whole)
    out(f"{len(labelled)} problems, {len(left_out)} left out; calibration: {output}")


def show(fitted_on: Sequence[Example], whole: Sequence[Example]) -> None:
    """Print how a fit on one half of the problems holds on the pairs of the other's, both ways together.

    Measured are the pairs of whole problems alone, by ranker, so that each problem counts once: those of its parts,
    and of other rankers, are much the same pairs.
    """
    import numpy as np

    from codedpo_plugin.calibration.fit import cross_fitted, halves, measure
    from codedpo_plugin.cli.console import say, table
    from codedpo_plugin.records import PairKind

    confidences = cross_fitted(fitted_on, whole, halves(example.problem_id for example in fitted_on))
    places: dict[tuple[PairKind, str, bool], list[int]] = {}
    for place in np.flatnonzero(~np.isnan(confidences)).tolist():
        pair = whole[place]
        places.setdefault((pair.kind, pair.ranker, pair.trusting), []).append(place)
    for kind in PairKind:
        known = [not np.isnan(value) for e, value in zip(whole, confidences, strict=True) if e.kind is kind]
        if not all(known) or not known:
            say(f"{kind} pairs: {_unmeasured(known)}")
    rows = []
    for (kind, ranker, trusting), own in sorted(places.items()):
        found = measure(confidences[own], np.array([whole[place].right for place in own]))
        figures = (found.right, found.ece, found.ece_by_chance, found.top_quarter)
        name = f"{kind}, {ranker}{', trusting examples' if trusting else ''}"
        rows.append((name, str(found.n), *(f"{figure:.3f}" for figure in figures)))
    columns = ("pairs not fitted on", "problems", "right", "calibration error", "by chance", "right, top quarter")
    table("fitted on one half of the problems, measured on the other", columns, rows)


def _unmeasured(known: Sequence[bool]) -> str:
    """Return why pairs have no confidence, given whether each has one."""
    if not known:
        return "there are none"
    return (
        f"{known.count(False)} of {len(known)} are not measured, as there is nothing to fit on the other half of "
        "the problems: none, or all, of its pairs are right"
    )
