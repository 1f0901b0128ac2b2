"""How the log-probabilities of held-out code moved in training (CodeDPO, arXiv 2410.05605, figure 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from codedpo_plugin.report.files import Notes, read_lines
from codedpo_plugin.rundir import RunDirectory

FILE: Final = "logprobs.jsonl"
KINDS: Final = ("correct", "wrong", "fast", "slow")


@dataclass(frozen=True, slots=True)
class LogProbability:
    """The mean log-probability, per token, of one kind of code at one step of training."""

    step: int
    kind: str
    mean: float
    count: int
    """Programs it is a mean of."""


def read_logprobs(run: RunDirectory, notes: Notes) -> tuple[LogProbability, ...]:
    """Return what training recorded, by kind and step; nothing if it recorded nothing.

    A step that is there twice, because training was resumed before it, counts as it was recorded last.
    """
    found: dict[tuple[str, int], LogProbability] = {}
    unusable = 0
    for value in read_lines(run.train / FILE, notes):
        record = _record(value)
        if record is None:
            unusable += 1
        else:
            found[record.kind, record.step] = record
    if unusable:
        notes.append(f"{FILE}: {unusable} lines left out, without a step, a kind and a finite mean")
    return tuple(sorted(found.values(), key=lambda r: (_rank(r.kind), r.kind, r.step)))


def _record(value: Mapping[str, Any]) -> LogProbability | None:
    try:
        record = LogProbability(
            int(value["step"]), str(value["kind"]), float(value["mean"]), int(value.get("count") or 0)
        )
    except (KeyError, TypeError, ValueError):
        return None
    return record if math.isfinite(record.mean) else None


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
