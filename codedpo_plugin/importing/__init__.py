"""Candidates out of what existing pipelines have already written. One module per tool."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from codedpo_plugin.context import told
from codedpo_plugin.formats.jsonl import BadLines
from codedpo_plugin.records import Candidates, PassMatrix


@dataclass(slots=True)
class Imported:
    """What was found in the logs of another tool."""

    candidates: list[Candidates] = field(default_factory=list)
    matrices: list[PassMatrix] = field(default_factory=list)
    """One per candidates, where the tool recorded its verdicts."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was taken and dropped, by reason."""
    bad: BadLines = field(default_factory=BadLines)

    def summary(self) -> str:
        """Return the counts and the lines that could not be used."""
        left_out = f"\n{len(self.bad)} lines were left out:\n{self.bad}" if self.bad else ""
        return f"{len(self.candidates)} problems; {told(self.counts)}{left_out}"
