"""May a node's verdicts be trusted to be ours? What is looked at on every node before it gets a program."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import codedpo_plugin
from codedpo_plugin.errors import CodeDPOError
from codedpo_plugin.execution.interpreter import Interpreter, inspect_interpreter
from codedpo_plugin.execution.sandboxes import Sandbox, choose

LIBRARIES: Final = (
    *("numpy", "scipy", "pandas", "scikit-learn", "torch", "sympy", "matplotlib", "requests", "networkx"),
    "py-landlock",
)
"""Distributions that programs import, and those that confine them: other versions, other verdicts."""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a machine would run programs with."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """By name: the Pythons, this package, the libraries; everything that changes verdicts."""
    unusable: str = ""
    """Why programs cannot be confined or run there; empty where they can."""

    def to_bytes(self) -> bytes:
        """Return the report as JSON."""
        return json.dumps([dict(self.versions), self.unusable]).encode()

    @classmethod
    def from_bytes(cls, message: object) -> NodeReport:
        """Return the report in a message. Raises ValueError if there is none in it."""
        if not isinstance(message, bytes):
            raise ValueError(f"bytes are expected, got {type(message).__name__}")
        try:
            versions, unusable = json.loads(message)
            return cls({str(name): str(version) for name, version in versions.items()}, str(unusable))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a report: {error}") from error


def report_of(sandbox: str, sandboxes: Mapping[str, Sandbox], interpreter: str | None = None) -> NodeReport:
    """Return what this machine would run programs with."""
    try:
        choose(sandbox, sandboxes)
        return NodeReport(_versions(inspect_interpreter(interpreter)))
    except CodeDPOError as error:
        return NodeReport(unusable=str(error))


def _versions(interpreter: Interpreter) -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "interpreter": ".".join(map(str, interpreter.version)),
        "machine": platform.machine(),
        "codedpo-plugin": f"{codedpo_plugin.__version__} ({_engine()})",
    }
    installed: dict[str, str] = {}
    for distribution in distributions(path=list(interpreter.packages)):
        installed.setdefault(str(distribution.metadata["Name"]).lower(), distribution.version)
    return found | {name: installed.get(name, "not installed") for name in LIBRARIES}


@cache
def _engine() -> str:
    """Return a short digest of the engine's sources: two checkouts may have one version and different code."""
    folder = Path(codedpo_plugin.__file__).parent / "execution"
    sources = b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*.py")))
    return hashlib.sha256(sources).hexdigest()[:8]


def refusal(ours: NodeReport, theirs: NodeReport) -> str:
    """Return why a node must not be given programs, the differences shown; empty if it may."""
    if theirs.unusable:
        return theirs.unusable
    different = [
        f"{name} is {theirs.versions.get(name, 'unknown')} there, {version} here"
        for name, version in ours.versions.items()
        if theirs.versions.get(name) != version
    ]
    return f"verdicts may differ: {'; '.join(different)}" if different else ""
