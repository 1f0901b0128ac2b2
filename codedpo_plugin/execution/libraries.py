"""Libraries that load slowly: a worker keeps a process that has loaded one, and forks from it what imports it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

SLOW_TO_IMPORT: Final = (
    *("torch", "sklearn", "scipy.stats", "matplotlib.pyplot", "pandas", "sympy", "matplotlib"),
    *("requests", "networkx", "scipy", "numpy"),
)
"""Slowest first."""

_IMPORT: Final = re.compile(r"^([ \t]*)(?:from|import)\b[ \t]*([\w.]+)(?:[ \t]+import[ \t]+(\w+))?", re.MULTILINE)


@lru_cache(maxsize=1024)
def slow_library(program: str, modules: frozenset[str]) -> str | None:
    """Return the slowest of the slow libraries that a program imports, by its import statements, or None.

    ``modules``: what can be imported. A program ends where it imports something else, unless an indent says that it
    may be prepared for that; whatever it would import after it, it need not be given.
    """
    named: set[str] = set()
    for indent, module, name in _IMPORT.findall(program):
        parts = [*module.split("."), name]
        if parts[0] in modules:
            named.update(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        elif not indent:
            break
    return next((library for library in SLOW_TO_IMPORT if library in named), None)
