"""Tables that several commands print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codedpo_plugin.cli.console import out, table

if TYPE_CHECKING:
    from codedpo_plugin.evaluation.results import SuiteResult


def show_result(result: SuiteResult) -> None:
    """Print the metrics of a result and of its parts, with every denominator."""
    from codedpo_plugin.evaluation.results import WHERE_RUN

    found = dict(result.metrics)
    for part, own in result.groups.items():
        found |= {f"{part}: {name}": estimate for name, estimate in own.metrics.items()}
    rows = [(name, f"{e.value:.3f}", f"{e.low:.3f} – {e.high:.3f}", str(e.n)) for name, e in found.items()]
    table(result.suite, ("metric", "value", "95% interval", "problems"), rows)
    if result.not_run:
        out(f"{len(result.not_run)} problems could not be run; they count as not solved except in {WHERE_RUN[1:]}:")
        for problem, reason in result.not_run.items():
            out(f"  {problem}: {reason}")
    if result.missing:
        out(f"{len(result.missing)} problems of the suite have no sample and are in no denominator")


def show_comparisons(path: Path) -> None:
    """Print the comparisons in a file, if there is one."""
    if not path.exists():
        return
    for comparison in json.loads(path.read_text("utf-8")):
        show_comparison(comparison)


def show_comparison(c: dict[str, Any]) -> None:
    """Print one comparison of two results."""
    rows = []
    for name in c["before"].keys() | c["after"].keys():
        rows.append((name, _cell(c["before"].get(name)), _cell(c["after"].get(name))))
    rows.sort()
    rows.append(("problems gained / lost", str(len(c["lost"])) + " lost", str(len(c["gained"])) + " gained"))
    rows.append(("solved by both", "", str(c["solved_by_both"])))
    rows.append(("mean speedup", "", _cell(c["mean_speedup"])))
    median = c["median_speedup"]
    rows.append(("median speedup", "", "–" if median is None else f"{median:.3f}"))
    rows.append(("share ≥ 10% faster", "", _cell(c["share_10_percent_faster"])))
    rows.append(("share ≥ 10% slower", "", _cell(c["share_10_percent_slower"])))
    table(c["suite"], ("", "before", "after"), rows)


def _cell(estimate: dict[str, Any] | None) -> str:
    if not estimate or estimate["value"] is None:
        return "–"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} – {estimate['high']:.3f}, n={estimate['n']})"
