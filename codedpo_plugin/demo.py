"""The embedded candidates of ``codedpo demo``: the bodies and tests of the micro suite, with wrong tests mixed in.

No model wrote them; they show the pipeline where the truth is known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from codedpo_plugin.records import Candidates, PairKind, PreferencePair
from codedpo_plugin.suites.micro import MicroProblem, micro_problems


def demo_candidates() -> Iterator[Candidates]:
    """Yield candidates for the training half: right, slow, fast and wrong solutions; right and wrong tests."""
    for entry in micro_problems("train"):
        solutions = tuple(entry.prompt + body for body in reversed(entry.bodies))
        tests = (*entry.tests, *entry.timing, *wrong_tests(entry))
        yield Candidates(entry.id, entry.prompt, entry.entry_point, solutions, tests, {"model": "embedded"})


def wrong_tests(entry: MicroProblem) -> tuple[str, ...]:
    """Return two tests whose expected values are exchanged, where that makes them wrong."""
    cut = [ast.parse(test).body[0] for test in entry.tests]
    sides = [
        (a.test.left, a.test.comparators[0])
        for a in cut
        if isinstance(a, ast.Assert) and isinstance(a.test, ast.Compare)
    ]
    first, other = sides[0], next((s for s in sides if ast.dump(s[1]) != ast.dump(sides[0][1])), sides[0])
    swapped = ((first[0], other[1]), (other[0], first[1]))
    return tuple(
        f"assert {ast.unparse(call)} == {ast.unparse(value)}" for call, value in swapped if first is not other
    )


def judge_pairs(pairs: Sequence[PreferencePair]) -> list[tuple[str, str, str, str]]:
    """Return a row per kind: pairs, how many prefer as the suite says, how many the other way round."""
    entries = {entry.id: entry for entry in micro_problems("train")}
    rows = []
    for kind in PairKind:
        own = [pair for pair in pairs if pair.kind is kind]
        signs = [_sign(pair, entries[pair.problem_id]) for pair in own]
        rows.append((str(kind), str(len(own)), str(signs.count(1)), str(signs.count(-1))))
    return rows


def _sign(pair: PreferencePair, entry: MicroProblem) -> int:
    """Return 1 if a pair is right, -1 if it is inverted, 0 if the suite cannot tell."""
    if pair.kind is PairKind.EFFICIENCY:
        slow_last = {entry.fast: 2, entry.reference: 1, entry.slow: 0}
        better = slow_last.get(pair.chosen, 0) - slow_last.get(pair.rejected, 0)
    else:
        better = (pair.chosen not in entry.wrong) - (pair.rejected not in entry.wrong)
    return (better > 0) - (better < 0)
