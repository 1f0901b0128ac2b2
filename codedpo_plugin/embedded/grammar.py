"""What composed problems are made of: operations, each with right and wrong ways to write it.

A form is a piece of Python: an expression, or statements that assign ``{o}``. ``{i}`` is what the operation works
on and ``{k}`` a small number. Fast and slow forms are both right; wrong forms differ from them on some input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ANNOTATIONS: Final = {
    "L": "list[int]",  # numbers
    "W": "list[str]",  # words
    "S": "str",  # a text
    "N": "int",  # a number to take apart
    "M": "int",  # a number to count to
    "I": "int",  # a number that was computed
    "D": "dict",  # a table of counts
}
"""The kinds of value, each with its type."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a composed function."""

    name: str
    takes: str
    """The kinds of value it works on, a letter each."""
    gives: str
    """The kind of its result; empty: the kind it was given."""
    family: str
    """Of one family a composition has at most one operation."""
    phrases: tuple[str, ...]
    fast: str
    slow: str
    wrong: tuple[str, ...]

    @property
    def counted(self) -> bool:
        """Return whether the operation has a number ``{k}``."""
        return "{k}" in self.phrases[0]


def copying(expression: str, condition: str = "") -> str:
    """Return statements that copy a list once for every item they add."""
    if condition:
        return f"{{o}} = []\nfor x in {{i}}:\n    if {condition}:\n        {{o}} = {{o}} + [{expression}]"
    return f"{{o}} = []\nfor x in {{i}}:\n    {{o}} = {{o}} + [{expression}]"


def filtering(name: str, takes: str, family: str, phrases: Iterable[str], right: str, *wrong: str) -> Operation:
    """Return the operation that keeps the items for which a condition holds."""
    forms = [
        form for condition in wrong for form in (f"[x for x in {{i}} if {condition}]", copying("x", condition))
    ]
    fast = f"[x for x in {{i}} if {right}]"
    return Operation(name, takes, "", family, tuple(phrases), fast, copying("x", right), tuple(forms))


def mapping(name: str, takes: str, gives: str, phrases: Iterable[str], right: str, *wrong: str) -> Operation:
    """Return the operation that replaces every item."""
    forms = [form for expression in wrong for form in (f"[{expression} for x in {{i}}]", copying(expression))]
    return Operation(
        name, takes, gives, "map", tuple(phrases), f"[{right} for x in {{i}}]", copying(right), tuple(forms)
    )


def sorting(name: str, phrases: Iterable[str], sign: str, options: str, *wrong: str) -> Operation:
    """Return the operation that sorts; slowly, it puts one item after another in its place."""
    slow = (
        f"{{o}} = []\nfor x in {{i}}:\n    j = len([y for y in {{o}} if y {sign} x])\n"
        "    {o} = {o}[:j] + [x] + {o}[j:]"
    )
    return Operation(name, "LW", "", "order", tuple(phrases), f"sorted({{i}}{options})", slow, wrong)


def extreme(name: str, phrases: Iterable[str], sign: str, function: str, *wrong: str) -> Operation:
    """Return the operation that takes the largest or smallest number."""
    slow = f"{{o}} = 0\nfor x in {{i}}:\n    if all(x {sign} y for y in {{i}}):\n        {{o}} = x"
    return Operation(name, "L", "I", "end", tuple(phrases), f"{function}({{i}}, default=0)", slow, wrong)
