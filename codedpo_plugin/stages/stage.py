"""What a stage is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from codedpo_plugin.context import Context
from codedpo_plugin.errors import InputError


@dataclass(frozen=True)
class Stage:
    """One step of a run."""

    name: str
    config: Mapping[str, Any]
    inputs: tuple[Path, ...]
    output: Path
    work: Callable[[Context], None]
    checkpoints: Path | None = None
    """Where it keeps what it continues from after an interruption."""
    many_processes: bool = False
    """Whether it may be launched as several processes that work together."""


def dump(config: BaseModel) -> dict[str, Any]:
    """Return a section of the configuration as JSON can hold it."""
    return config.model_dump(mode="json")


def require_some(number: int, what: str, counts: Mapping[str, int]) -> None:
    """Raise InputError with all counts if there is not one of something."""
    if not number:
        details = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
        raise InputError(f"not one {what} ({details})")
