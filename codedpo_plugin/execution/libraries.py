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

_IMPORT: Final = re.compile(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+(\w+))?", re.MULTILINE)


@lru_cache(maxsize=1024)
def slow_library(program: str) -> str | None:
    """Return the slowest of the slow libraries that a program's import statements name first, or None."""
    named = {
        ".".join(parts[:depth])
        for module, name in _IMPORT.findall(program)
        for parts in ([*module.split("."), name],)
        for depth in range(1, len(parts) + 1)
    }
    return next((library for library in SLOW_TO_IMPORT if library in named), None)
