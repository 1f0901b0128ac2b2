"""Which problems of a run are shown one by one: all of a small one; of a large one those that teach most.

No chance is involved. The extremes of several orders take turns until they fill half of the places; the other half
is spread evenly over the rest of the run, so that the ordinary is to be seen as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from codedpo_plugin.records import PairKind


@dataclass(frozen=True, slots=True)
class PairOutline:
    """The figures of a pair, without its programs."""

    kind: PairKind
    margin: float
    """Between 0 and 1, see :mod:`codedpo_plugin.report.margins`. NaN where that has no sense."""
    confidence: float | None
    speedup: float | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What is kept of every problem, without its programs."""

    problem_id: str
    passed: float
    """Share of its cells that pass."""
    broken: int
    """Cells that neither pass nor fail: errors, timeouts, crashes, …"""
    tied: bool
    """Whether all solutions have the same score."""
    pairs: tuple[PairOutline, ...] = field(default=())

    def figure(self, name: str, kind: PairKind | None = None) -> float | None:
        """Return a figure of the first pair, of a kind if one is given, that has it."""
        values = (getattr(pair, name) for pair in self.pairs if kind in (None, pair.kind))
        return next((value for value in values if value is not None and value == value), None)


Order = Callable[[Outline], float | None]
"""What problems are ordered by, lowest first; None leaves a problem out."""


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


ORDERS: Final[tuple[tuple[str, Order], ...]] = (
    ("largest margin", lambda o: _negative(o.figure("margin", PairKind.CORRECTNESS))),
    ("smallest margin", lambda o: o.figure("margin", PairKind.CORRECTNESS)),
    ("largest speedup", lambda o: _negative(o.figure("speedup"))),
    ("lowest confidence", lambda o: o.figure("confidence")),
    ("highest confidence", lambda o: _negative(o.figure("confidence"))),
    ("most errors and timeouts", lambda o: -o.broken if o.broken else None),
    ("all scores equal", lambda o: 0.0 if o.tied else None),
    ("no pair", lambda o: 0.0 if not o.pairs and not o.tied else None),
    ("fewest passes", lambda o: o.passed),
    ("most passes", lambda o: -o.passed),
)


def choose(problems: Sequence[Outline], limit: int) -> dict[int, str]:
    """Return the positions of at most ``limit`` problems, in order, each with why it was chosen.

    The reason is empty where every problem is shown, or where a problem stands for the ordinary.
    """
    if len(problems) <= limit:
        return dict.fromkeys(range(len(problems)), "")
    chosen = _extremes(problems, limit // 2)
    rest = [position for position in range(len(problems)) if position not in chosen]
    places = limit - len(chosen)
    chosen |= {rest[(2 * place + 1) * len(rest) // (2 * places)]: "" for place in range(places)}
    return dict(sorted(chosen.items()))


def _extremes(problems: Sequence[Outline], limit: int) -> dict[int, str]:
    """Return the positions that the orders pick in turns, each with the name of its order."""
    chosen: dict[int, str] = {}
    turns = [(name, _ordered(problems, order)) for name, order in ORDERS]
    while turns and len(chosen) < limit:
        name, positions = turns.pop(0)
        position = next((p for p in positions if p not in chosen), None)
        if position is not None:
            chosen[position] = name
            turns.append((name, positions))
    return chosen


def _ordered(problems: Sequence[Outline], order: Order) -> Iterator[int]:
    """Return the positions of the problems that an order ranks, lowest first."""
    ranked = [(value, position) for position, o in enumerate(problems) if (value := order(o)) is not None]
    return iter([position for _, position in sorted(ranked)])
