"""Parameters of rankers: a mapping with defaults, in which unknown names are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codedpo_plugin.errors import unknown_name


def read_params(ranker: str, params: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults overridden by ``params``. ``seed`` may always be given; it is kept only if used.

    Raises UsageError, with near matches, for a parameter the ranker does not have.
    """
    for name in params:
        if name not in defaults and name != "seed":
            raise unknown_name(f"parameter of ranker {ranker!r}:", name, defaults)
    return {name: params.get(name, default) for name, default in defaults.items()}
