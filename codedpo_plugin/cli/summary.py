"""Tables that several commands print."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from codedpo_plugin.cli.console import out, table

if TYPE_CHECKING:
    from codedpo_plugin.evaluation.results import SuiteResult

LARGEST: Final = 10
"""Problems shown of those that changed."""


def show_result(result: SuiteResult) -> None:
    """Print the metrics of a result and its parts, with every denominator, and the number of samples by status."""
    from codedpo_plugin.evaluation.results import WHERE_RUN

    found = dict(result.metrics)
    for part, own in result.groups.items():
        found |= {f"{part}: {name}": estimate for name, estimate in own.metrics.items()}
    rows = [(name, f"{e.value:.3f}", f"{e.low:.3f} – {e.high:.3f}", str(e.n)) for name, e in found.items()]
    table(result.suite, ("metric", "value", "95% interval", "problems"), rows)
    _show_statuses(result)
    if result.not_run:
        out(f"{len(result.not_run)} problems could not be run; they count as not solved except in {WHERE_RUN[1:]}:")
        for problem, reason in result.not_run.items():
            out(f"  {problem}: {reason}")
    if result.missing:
        out(f"{len(result.missing)} problems of the suite have no sample and are in no denominator")


def _show_statuses(result: SuiteResult) -> None:
    """Print the number of samples by status, and where the suite has parts those of each."""
    counted = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in result.statuses.items())
    out(f"{len(result.samples)} samples of {len(result.by_problem())} problems: {counted or 'none'}")
    names, parts = [*result.statuses], result.groups
    rows = [
        (part, *map(str, (len(own.by_problem()), *(own.statuses.get(name, 0) for name in names))))
        for part, own in parts.items()
    ]
    if rows:
        table("samples by status", ("", "problems", *(name.replace("_", " ") for name in names)), rows)


def show_comparisons(path: Path) -> None:
    """Print the comparisons in a file, if there is one."""
    if not path.exists():
        return
    for comparison in json.loads(path.read_text("utf-8")):
        show_comparison(comparison)


def show_comparison(c: dict[str, Any]) -> None:
    """Print one comparison of two results, with every denominator."""
    rows = []
    differences = c.get("differences", {})
    for name in sorted(c["before"].keys() | c["after"].keys()):
        rows.append((name, _cell(c["before"].get(name)), _cell(c["after"].get(name))))
        if name in differences:
            rows.append((f"{name}, after − before", "", _cell(differences[name], "+.3f")))
    left_out = c["without_sample"]
    if any(left_out.values()):
        rows.append(("problems without sample", str(left_out["before"]), str(left_out["after"])))
    rows.append(("problems gained / lost", str(len(c["lost"])) + " lost", str(len(c["gained"])) + " gained"))
    rows.append(("solved by both", "", str(c["solved_by_both"])))
    rows.append(("mean speedup", "", _cell(c["mean_speedup"])))
    rows.append(("median speedup", "", _cell(c["median_speedup"])))
    rows.append(("share ≥ 10% faster", "", _cell(c["share_10_percent_faster"])))
    rows.append(("share ≥ 10% slower", "", _cell(c["share_10_percent_slower"])))
    table(c["suite"], ("", "before", "after"), rows)
    for name, changes in c.get("changes", {}).items():
        _show_largest(name, {problem: (change, f"{change:+.2f}") for problem, change in changes.items()})
    _show_outcomes(c)
    ratios = {p["problem_id"]: p["ratio"] for p in c["problems"] if p.get("ratio") and p["ratio"] != 1}
    _show_largest("speed", {problem: (log(ratio), f"{ratio:.3g}x") for problem, ratio in ratios.items()})


def _show_largest(name: str, changes: dict[str, tuple[float, str]]) -> None:
    """Print the problems that changed most, each with its change; ``changes`` has the size and the text of each."""
    ranked = sorted(changes.items(), key=lambda item: -abs(item[1][0]))
    if ranked:
        more = f", … ({len(ranked) - LARGEST} more)" if len(ranked) > LARGEST else ""
        shown = ", ".join(f"{problem} {text}" for problem, (_, text) in ranked[:LARGEST])
        out(f"largest changes in {name}: {shown}{more}")


def _show_outcomes(c: dict[str, Any]) -> None:
    """Say what became of the problems that both sides solve."""
    if not c["solved_by_both"]:
        out("no problem is solved by both sides: there is nothing to time")
        return
    out("timed: " + ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in c["outcomes"].items()))
    unclear = [p["problem_id"] for p in c["problems"] if p["outcome"] == "unclear"]
    if unclear:
        out("could not be told apart: " + ", ".join(unclear))


def _cell(estimate: dict[str, Any] | None, form: str = ".3f") -> str:
    if not estimate or estimate["value"] is None:
        return "–"
    value, low, high = (format(estimate[part], form) for part in ("value", "low", "high"))
    return f"{value} ({low} – {high}, n={estimate['n']})"
