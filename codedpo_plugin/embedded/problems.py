"""Composed problems with their tests: to build pairs from, to choose settings on, and to evaluate on.

Compositions and names of the three splits differ from each other and from those of the model's training text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from random import Random
from typing import Any, Final

from codedpo_plugin.embedded.compose import EMPTY, LARGE, SPLITS, Structure, Task, argument, function_of, names
from codedpo_plugin.embedded.corpus import draw_task, examples, right_function
from codedpo_plugin.suites.micro import MicroProblem

SIZES: Final = dict(zip(SPLITS, (192, 48, 64), strict=True))
"""Problems of each split."""
TESTS: Final = 8
"""Tests of a problem, at least; three of them are the examples of its prompt."""
TRIED: Final = 40
"""Random calls that the tests are chosen from."""
LONGEST: Final = 8
"""Items of a list that a test passes."""
FAILURES: Final = (ArithmeticError, LookupError, TypeError, ValueError)
"""What wrong functions of ours raise."""


@cache
def composed_problems(split: str) -> tuple[MicroProblem, ...]:
    """Return the problems of a split, always the same. No two have the same operations in the same words."""
    rng = _random(split)
    own_names = _names(split, rng)
    if split == SPLITS[0]:
        own_names += [name for other in SPLITS[1:] for name in _names(other, _random(other))[SIZES[other] :]]
    found: dict[tuple[Structure, tuple[int, ...]], MicroProblem] = {}
    while len(found) < SIZES[split]:
        task = draw_task(rng, split, own_names[len(found) : len(found) + 1])
        key = (task.structure, task.phrasing)
        problem = None if key in found else _problem(task, split, rng)
        if problem:
            found[key] = problem
    return tuple(found.values())


def _random(split: str) -> Random:
    return Random(f"problems:{split}")  # noqa: S311 - not for secrets


def _names(split: str, rng: Random) -> list[str]:
    """Return the function names of a split's problems, in their order, and more; no two splits share one."""
    own = list(names(reserved=True)[SPLITS.index(split) :: len(SPLITS)])
    rng.shuffle(own)
    return own


def _problem(task: Task, split: str, rng: Random) -> MicroProblem | None:
    """Return the problem of a task; None if it gives mostly one result, or might as well do one step wrong."""
    right = right_function(task)
    known = examples(task, right, rng)
    tried = (argument(task.kind, rng, LONGEST) for _ in range(TRIED))
    calls = {source: right(source) for source in (*dict(known), EMPTY[task.kind], *tried)}
    (_, most), *_ = Counter(map(repr, calls.values())).most_common(1)
    bodies = list(task.wrong_bodies())
    failing = {body: failed for _, body in bodies if (failed := set(_failing(task, body, calls)))}
    if len({place for place, body in bodies if body in failing}) < len(task.structure) or 2 * most > len(calls):
        return None
    chosen = _telling(list(calls), failing.values(), len(known) + 1)
    return MicroProblem(
        id=f"composed/{task.name}",
        entry_point=task.name,
        split=split,
        prompt=task.prompt(known),
        reference=task.variant("fast"),
        wrong=tuple(failing),
        tests=tuple(_assertion(task, source, calls[source]) for source in chosen),
        slow=task.variant("slow"),
        fast=task.variant("fast"),
        timing=tuple(_assertion(task, source, right(source)) for source in LARGE[task.kind]),
    )


def _failing(task: Task, body: str, calls: Mapping[str, Any]) -> Iterator[str]:
    """Yield the arguments for which a body gives something else than it should."""
    function = function_of(task.signature + body, task.name)
    for source, value in calls.items():
        try:
            if function(source) != value:
                yield source
        except FAILURES:
            yield source


def _telling(calls: list[str], failing: Iterable[set[str]], start: int) -> list[str]:
    """Return the first ``start`` calls and more, so that each set has one of them and there are enough."""
    chosen = calls[:start]
    for failed in failing:
        if not failed & {*chosen}:
            chosen.append(next(call for call in calls if call in failed))
    rest = [call for call in calls if call not in chosen]
    return chosen + rest[: max(0, TESTS - len(chosen))]


def _assertion(task: Task, source: str, value: object) -> str:
    return f"assert {task.name}({source}) == {value!r}"
