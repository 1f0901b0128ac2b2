"""What the evaluations say: the comparison of before and after, or the results alone where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.evaluation.speed import Outcome
from codedpo_plugin.report.files import Notes, read_json
from codedpo_plugin.rundir import RunDirectory

T = TypeVar("T")

NOTHING: Final = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of one problem, time before over time after."""

    problem_id: str
    outcome: Outcome
    ratio: float | None
    """None where it was not measured."""
    low: float = math.nan
    high: float = math.nan
    """NaN where there were too few rounds for an interval."""


@dataclass(frozen=True, slots=True)
class SuiteFacts:
    """What is known about a model, or about a model before and after training, on one suite."""

    suite: str
    before: Mapping[str, Estimate] = field(default_factory=dict)
    after: Mapping[str, Estimate] = field(default_factory=dict)
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    """After minus before, paired by problem."""
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    speeds: tuple[Speed, ...] = ()
    """Of the problems that both solve."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    mean_speedup: Estimate = NOTHING
    median_speedup: Estimate = NOTHING
    faster: Estimate = NOTHING
    """Share of the timed problems that are certainly at least 10% faster."""
    slower: Estimate = NOTHING

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics of either side."""
        return tuple(dict.fromkeys((*self.before, *self.after)))

    @property
    def compared(self) -> bool:
        """Return whether both sides are there."""
        return bool(self.before and self.after)


def read_suites(run: RunDirectory, notes: Notes) -> tuple[SuiteFacts, ...]:
    """Return what is known of each suite; files that cannot be used are noted."""
    compared = _usable(_comparison, read_json(run.comparison, notes), run.comparison, notes)
    found = {facts.suite: facts for facts in compared}
    before, after = (_results(where, notes) for where in (run.before, run))
    for suite in dict.fromkeys((*before, *after)):
        found.setdefault(suite, SuiteFacts(suite, before.get(suite, {}), after.get(suite, {})))
    return tuple(found.values())


def _results(where: RunDirectory, notes: Notes) -> dict[str, Mapping[str, Estimate]]:
    """Return the metrics of each suite that was evaluated in a directory."""
    found: dict[str, Mapping[str, Estimate]] = {}
    for path in sorted((where.path / "eval").glob("*.json")):
        found |= _usable(
            lambda data: [(str(data["suite"]), _estimates(data["metrics"]))], read_json(path, notes), path, notes
        )
    return found


def _usable(parse: Callable[[Any], Sequence[T]], data: Any, path: Path, notes: Notes) -> Sequence[T]:
    """Return what a parser makes of a file's data; nothing, and a note, if it is of another form."""
    if data is None:
        return ()
    try:
        return parse(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        notes.append(f"{path.name}: left out, not of the expected form: {type(error).__name__}: {error}")
        return ()


def _comparison(data: Sequence[Mapping[str, Any]]) -> list[SuiteFacts]:
    return [_facts(item) for item in data]


def _facts(data: Mapping[str, Any]) -> SuiteFacts:
    return SuiteFacts(
        str(data["suite"]),
        _estimates(data["before"]),
        _estimates(data["after"]),
        _estimates(data.get("differences", {})),
        gained=tuple(map(str, data.get("gained", ()))),
        lost=tuple(map(str, data.get("lost", ()))),
        speeds=tuple(_speed(problem) for problem in data.get("problems", ())),
        outcomes={str(name): int(count) for name, count in data.get("outcomes", {}).items()},
        mean_speedup=_estimate(data.get("mean_speedup")),
        median_speedup=_estimate(data.get("median_speedup")),
        faster=_estimate(data.get("share_10_percent_faster")),
        slower=_estimate(data.get("share_10_percent_slower")),
    )


def _speed(data: Mapping[str, Any]) -> Speed:
    ratio = _number(data.get("ratio"))
    usable = ratio if math.isfinite(ratio) and ratio > 0 else None
    low, high = _number(data.get("low")), _number(data.get("high"))
    return Speed(str(data["problem_id"]), Outcome(data["outcome"]), usable, low, high)


def _estimates(data: Mapping[str, Any]) -> dict[str, Estimate]:
    return {str(name): _estimate(value) for name, value in data.items()}


def _estimate(data: Mapping[str, Any] | None) -> Estimate:
    if not data:
        return NOTHING
    value, low, high = (_number(data.get(part)) for part in ("value", "low", "high"))
    return Estimate(value, low, high, int(data.get("n") or 0))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
