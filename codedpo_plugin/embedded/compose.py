"""From operations to functions: which compositions there are, how they are asked for, written and called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from textwrap import indent
from typing import Any, Final

from codedpo_plugin.embedded.grammar import ANNOTATIONS, Operation
from codedpo_plugin.embedded.lists import FILTERS, LISTS, MAPS
from codedpo_plugin.embedded.values import ENDS, STARTS, TABLES, TEXTS

Structure = tuple[str, ...]
"""The names of a composition's operations, in their order."""

OPERATIONS: Final = {op.name: op for op in (*FILTERS, *MAPS, *LISTS, *ENDS, *STARTS, *TEXTS, *TABLES)}
"""All operations by name."""
LONGEST: Final = 2
"""Operations of a composition, at most."""
SPLITS: Final = ("composed_train", "composed_dev", "composed_heldout")
_SHARES: Final = {0: SPLITS[0], 1: SPLITS[0], 2: SPLITS[1], 3: SPLITS[2], 4: SPLITS[2]}
"""The split of each of sixteen shares of all compositions; the rest is for the model's training text."""

_VERBS: Final = (
    "arrange", "build", "collect", "compute", "derive", "evaluate", "extract", "filter", "find", "fold",
    "gather", "get", "handle", "make", "merge", "pick", "prepare", "process", "reduce", "refine", "render",
    "resolve", "select", "shape", "solve", "summarize", "transform", "tidy", "trim", "update",
)  # fmt: skip
_NOUNS: Final = (
    "batch", "bundle", "chain", "cells", "chunk", "column", "data", "entries", "feed", "fields", "group", "input",
    "items", "keys", "ledger", "levels", "marks", "parts", "pieces", "points", "queue", "rates", "record", "report",
    "result", "rows", "sample", "scores", "sequence", "series", "signal", "stock", "stream", "table", "tokens",
    "units", "values", "view",
)  # fmt: skip
_PARAMETERS: Final = {
    "L": ("numbers", "values"),
    "W": ("words", "names"),
    "S": ("text", "line"),
    "N": ("n", "number"),
    "M": ("n", "limit"),
}
_WORDS: Final = (
    "tea", "sun", "map", "ox", "ice", "tree", "lamp", "door", "ant", "rain", "boat", "apple", "stone", "river", "a",
    "cloud", "moss", "to", "egg", "fern",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """A composed function to be written: what is asked for, without how."""

    structure: Structure
    numbers: tuple[int, ...]
    """The number of each operation, whether it has use for one or not."""
    name: str
    parameter: str
    kind: str
    """What the function is given, see ``grammar.ANNOTATIONS``."""
    phrasing: tuple[int, ...]
    """Which phrase stands for each operation."""

    @property
    def operations(self) -> list[Operation]:
        """Return the operations."""
        return [OPERATIONS[name] for name in self.structure]

    @property
    def signature(self) -> str:
        """Return the line of the definition."""
        kind = kinds(self.structure, self.kind)[-1]
        return f"def {self.name}({self.parameter}: {ANNOTATIONS[self.kind]}) -> {ANNOTATIONS[kind]}:\n"

    @property
    def sentence(self) -> str:
        """Return what the function does, in English."""
        parts = [
            op.phrases[choice].format(k=number)
            for op, choice, number in zip(self.operations, self.phrasing, self.numbers, strict=True)
        ]
        text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, then {parts[-1]}"
        return f"{text[0].upper()}{text[1:]}."

    def prompt(self, calls: Sequence[tuple[str, str]]) -> str:
        """Return the beginning of the function, with examples: arguments and results."""
        examples = "".join(f"    >>> {self.name}({argument})\n    {value}\n" for argument, value in calls)
        return f'{self.signature}    """{self.sentence}\n\n{examples}    """\n'

    def body(self, forms: Sequence[str]) -> str:
        """Return the rest of the function, given how to write each operation."""
        lines = ""
        variables = (self.parameter, "first", "second")[: len(forms)]
        for place, (form, number) in enumerate(zip(forms, self.numbers, strict=True)):
            last = place == len(forms) - 1
            target = "result" if last else ("first", "second")[place]
            code = form.format(i=variables[place], o=target, k=number)
            if "{o}" in form:
                lines += code + ("\nreturn result\n" if last else "\n")
            else:
                lines += f"return {code}\n" if last else f"{target} = {code}\n"
        return indent(lines, "    ")

    def variant(self, name: str) -> str:
        """Return the body that takes each operation's ``fast`` or ``slow`` form."""
        return self.body([getattr(operation, name) for operation in self.operations])

    def wrong_bodies(self) -> Iterator[tuple[int, str]]:
        """Yield the bodies with one wrong form, each with its place; every other operation has its fast form."""
        right = [operation.fast for operation in self.operations]
        for place, operation in enumerate(self.operations):
            for form in operation.wrong:
                yield place, self.body([*right[:place], form, *right[place + 1 :]])


def kinds(structure: Structure, kind: str) -> list[str]:
    """Return the kind of value before and after each operation."""
    found = [kind]
    for name in structure:
        found.append(OPERATIONS[name].gives or found[-1])
    return found


@cache
def structures() -> tuple[tuple[Structure, str], ...]:
    """Return all compositions, each with the kind of value it begins with."""
    found: list[tuple[Structure, str]] = []

    def extend(structure: Structure, start: str, kind: str) -> None:
        for name, operation in OPERATIONS.items():
            if kind not in operation.takes or operation.family in {OPERATIONS[n].family for n in structure}:
                continue
            found.append(((*structure, name), start))
            if len(structure) + 1 < LONGEST:
                extend((*structure, name), start, operation.gives or kind)

    for start in _PARAMETERS:
        extend((), start, start)
    return tuple(found)


def split_of(structure: Structure) -> str | None:
    """Return the split of a composition; None: it is for the model's training text.

    The order of the operations does not count, so that no training text holds a held-out composition turned round.
    Single operations are all for the training text.
    """
    return _SHARES.get(_share(" ".join(sorted(structure)))) if len(structure) > 1 else None


def is_reserved(name: str) -> bool:
    """Return whether a function name is kept for problems, out of the model's training text."""
    return _share(name) < 5


def _share(text: str) -> int:
    """Return one of sixteen equal shares."""
    return hashlib.sha256(text.encode()).digest()[0] % 16


def task_of(structure: Structure, kind: str, name: str, rng: Random) -> Task:
    """Return a task for a composition: numbers, a parameter's name and phrases drawn at random."""
    return Task(
        structure,
        tuple(rng.randint(2, 6) for _ in structure),
        name,
        rng.choice(_PARAMETERS[kind]),
        kind,
        tuple(rng.randrange(len(OPERATIONS[op].phrases)) for op in structure),
    )


@cache
def names(*, reserved: bool) -> tuple[str, ...]:
    """Return the function names that are kept for problems, or the others."""
    every = (f"{verb}_{noun}" for verb in _VERBS for noun in _NOUNS)
    return tuple(name for name in every if is_reserved(name) is reserved)


def argument(kind: str, rng: Random, longest: int) -> str:
    """Return a small argument, as source text."""
    match kind:
        case "N":
            return str(rng.randint(10, 9999))
        case "M":
            return str(rng.randint(1, 8))
        case "S":
            return repr(" ".join(rng.choices(_WORDS, k=rng.randint(1, 2))))
    length = rng.randint(1, longest)
    if kind == "W":
        return repr(rng.choices(_WORDS, k=length))
    pool = [rng.randint(-5, 12) for _ in range(max(1, length - 1))]
    return repr(rng.choices(pool, k=length))


EMPTY: Final = {"L": "[]", "W": "[]", "S": "''", "N": "7", "M": "0"}
"""The least argument of each kind."""

LARGE: Final = {
    "L": ("[(j * 37) % 101 - 40 for j in range(300)]", "[j % 150 - 50 for j in range(300)]"),
    "W": ("['tea', 'stone', 'river', 'ox', 'moss'] * 60", "[str(j * 7919) for j in range(250)]"),
    "S": ("'a stone in the river and moss on it ' * 12", "'tea for two and egg ' * 20"),
    "N": ("int('9071526438' * 30)", "int('1384' * 80)"),
    "M": ("300", "400"),
}
"""Arguments that are large enough to tell a fast function from a slow one."""


def function_of(program: str, name: str) -> Callable[[str], Any]:
    """Return a function of ours, taking its argument as source text. Only for text that this module made."""
    scope: dict[str, Any] = {}
    exec(program, scope)  # noqa: S102 - our own text, not a model's
    function = scope[name]
    return lambda source: function(eval(source))  # noqa: S307 - idem
