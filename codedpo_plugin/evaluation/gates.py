"""Gates: what a comparison must fulfil, such as ``pass@1 >= -0.01`` or ``speedup >= 1.0``.

A gate is decided by the estimate. Its interval says whether the decision could be chance.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

from codedpo_plugin.errors import UsageError, unknown_name
from codedpo_plugin.evaluation.compare import Comparison
from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.evaluation.speed import Outcome

FORM: Final = re.compile(r"\s*([\w@]+)\s*(>=|<=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*")
OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
SPEED_METRICS: Final = ("speedup", "median_speedup", "faster", "slower")
FEWEST: Final = 6
"""With fewer problems a bootstrap's interval says nothing."""
SHOWN: Final = 5
"""Problems that a failed gate names."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound on one metric of a comparison."""

    metric: str
    """``pass@k``: its difference, after minus before; ``speedup`` (geometric mean), ``median_speedup``;
    ``faster``, ``slower``: the share of the measured problems, by at least 10%."""
    relation: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound:g}"

    @property
    def from_below(self) -> bool:
        """Return whether the bound is the least that is allowed."""
        return self.relation.startswith(">")

    def holds(self, value: float) -> bool:
        """Return whether a value is within the bound; what could not be computed is not."""
        return OPERATORS[self.relation](value, self.bound)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one gate on one suite."""

    gate: Gate
    suite: str
    estimate: Estimate
    problems: tuple[tuple[str, float], ...]
    """The problems that count against the gate, the worst first: id, and its difference or its ratio."""

    @property
    def passed(self) -> bool:
        """Return whether the gate holds."""
        return self.gate.holds(self.estimate.value)

    @property
    def certain(self) -> bool:
        """Return whether the whole interval is on the same side of the bound as the estimate."""
        ends = (self.estimate.low, self.estimate.high)
        return self.estimate.n >= FEWEST and all(self.gate.holds(end) is self.passed for end in ends)


def parse_gate(text: str) -> Gate:
    """Return the gate in ``METRIC >= NUMBER`` (or ``<=``, ``>``, ``<``). Raises UsageError for anything else."""
    match = FORM.fullmatch(text)
    if not match:
        raise UsageError(
            f"gate {text!r}: a metric, one of >= <= > < and a number are expected, as 'pass@1 >= -0.01'"
        )
    metric, relation, bound = match.groups()
    if metric not in SPEED_METRICS and not re.fullmatch(r"pass@[1-9]\d*", metric):
        raise unknown_name("metric of a gate", metric, (*SPEED_METRICS, "pass@1"))
    return Gate(metric, relation, float(bound))


def require_metrics(gates: Iterable[Gate], suite: str, metrics: Collection[str]) -> None:
    """Raise UsageError for a gate on a pass@k that both sides of a suite do not have."""
    for gate in gates:
        if gate.metric not in (*SPEED_METRICS, *metrics):
            known = ", ".join((*metrics, *SPEED_METRICS))
            raise UsageError(
                f"gate '{gate}': both sides of suite {suite!r} have {known}; see --k of `codedpo evaluate`"
            )


def decide(gates: Iterable[Gate], comparison: Comparison) -> list[Decision]:
    """Return what becomes of each gate."""
    return [Decision(g, comparison.suite, _estimate(g, comparison), _against(g, comparison)) for g in gates]


def _estimate(gate: Gate, comparison: Comparison) -> Estimate:
    speeds = comparison.speeds
    match gate.metric:
        case "speedup":
            return speeds.mean
        case "median_speedup":
            return speeds.median
        case "faster" | "slower":
            return speeds.share(Outcome(gate.metric))
        case _:
            nothing = Estimate(float("nan"), float("nan"), float("nan"), 0)
            return comparison.differences.get(gate.metric, nothing)


def _against(gate: Gate, comparison: Comparison) -> tuple[tuple[str, float], ...]:
    """Return the problems that are on the wrong side of no change, the worst first."""
    values: Mapping[str, float] = comparison.changes.get(gate.metric, {})
    neutral = 0.0
    if gate.metric in SPEED_METRICS:
        values = {s.problem_id: s.ratio.value for s in comparison.speeds.problems if s.ratio}
        neutral = 1.0
    worse_is_less = gate.from_below is not (gate.metric == "slower")
    wrong = [(i, v) for i, v in values.items() if (v < neutral if worse_is_less else v > neutral)]
    return tuple(sorted(wrong, key=lambda item: item[1] if worse_is_less else -item[1]))


def describe(decision: Decision) -> str:
    """Return a decision in words: what was found, by how much it fails, how certain that is, on which problems."""
    estimate, gate = decision.estimate, decision.gate
    head = f"gate {gate} on {decision.suite}: {'passed' if decision.passed else 'FAILED'}"
    if isnan(estimate.value):
        missing = "no problem was timed" if gate.metric in SPEED_METRICS else "no problem has samples on both sides"
        return f"{head}, it cannot be computed: {missing}"
    found = f"{estimate.value:.4g} ({estimate.low:.4g} – {estimate.high:.4g}, n={estimate.n})"
    if decision.passed:
        return f"{head}, {found}"
    side, distance = "short" if gate.from_below else "over", abs(estimate.value - gate.bound)
    return f"{head}, {found}, {side} by {distance:.4g}; {_certainty(decision)}{_problems(decision.problems)}"


def _certainty(decision: Decision) -> str:
    if decision.estimate.n < FEWEST:
        return f"{decision.estimate.n} problems are too few to say whether this is chance"
    if decision.certain:
        return "the whole interval says so"
    return "the interval reaches across the bound, this can be chance"


def _problems(found: Sequence[tuple[str, float]]) -> str:
    """Return the problems that count against a gate, as many as are shown."""
    if not found:
        return ""
    shown = ", ".join(
        f"{name} {value:+.2f}" if value <= 0 else f"{name} {value:.2f}" for name, value in found[:SHOWN]
    )
    return f"\n  worst: {shown}" + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
