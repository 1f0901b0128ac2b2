"""Larger inputs to time solutions on, made from the tests they pass.

Tests that a model writes have small inputs, on which overheads decide: a quadratic loop beats a comprehension on
two items. The arguments of such tests are repeated; EvalPlus (arXiv 2305.01210, section 2) makes new inputs of old
ones in a similar way. What the right value is need not be known: solutions have to agree on it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codedpo_plugin.execution import Check, Ending, Job, Limits, Mode, Pool
from codedpo_plugin.execution.assertions import Parsed, is_literal
from codedpo_plugin.execution.requests import Answer
from codedpo_plugin.execution.wire import decode

LIMITS = Limits(cpu_s=5.0)


def larger_checks(checks: Sequence[Check], entry_point: str | None, factor: int) -> tuple[Check, ...]:
    """Return the calls among some checks with every list, tuple and text repeated, or every number multiplied.

    Numbers grow only where a call has nothing to repeat: beside a list they may be positions in it. Calls that stay
    what they are, such as ``f([])``, are left out; so are equal ones.
    """
    grown = (_larger(check, entry_point, factor) for check in checks if check.mode is Mode.VALUE)
    return tuple(dict.fromkeys(check for check in grown if check))


def _larger(check: Check, entry_point: str | None, factor: int) -> Check | None:
    try:
        call = ast.parse(check.source, mode="eval").body
    except Parsed:
        return None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != entry_point:
        return None
    places = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not all(is_literal(place) for place in places):
        return None
    values = [ast.literal_eval(place) for place in places]
    kinds = (list, tuple, str) if any(isinstance(value, (list, tuple, str)) for value in values) else (int,)
    if not any(value and type(value) in kinds for value in values):
        return None
    texts = [
        f"{ast.unparse(place)} * {factor}" if type(value) in kinds else ast.unparse(place)
        for place, value in zip(places, values, strict=True)
    ]
    names = [""] * len(call.args) + [f"{keyword.arg}=" if keyword.arg else "**" for keyword in call.keywords]
    return Check(f"{entry_point}({', '.join(name + text for name, text in zip(names, texts, strict=True))})")


def agreed(
    pool: Pool, programs: Sequence[str], best: int, checks: tuple[Check, ...]
) -> tuple[list[int], tuple[Check, ...]]:
    """Return the programs that agree with the best one on every check that it answers, and those checks.

    ``best`` is a position in ``programs``. A program that fails or runs out of time disagrees.
    """
    results = [result.answers for result in pool.run([Job(program, checks, LIMITS) for program in programs])]
    answered = [i for i, answer in enumerate(results[best]) if answer.ending is Ending.VALUE and _says(answer)]
    wanted = [results[best][i].payload for i in answered]
    same = [
        number
        for number, answers in enumerate(results)
        if [answers[i].payload for i in answered] == wanted
        and all(answers[i].ending is Ending.VALUE for i in answered)
    ]
    return same, tuple(checks[i] for i in answered)


def _says(answer: Answer) -> bool:
    """Return whether a value can be compared: an object without a built-in form does not even equal itself."""
    try:
        return bool(decode(answer.payload) == decode(answer.payload))
    except ValueError:
        return False
