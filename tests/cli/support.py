"""The command line as a process, and something to give it."""

from __future__ import annotations

import subprocess
import sys

from codedpo_plugin.records import Candidates
from codedpo_plugin.suites.micro import micro_problems

COMMAND = (sys.executable, "-P", "-m", "codedpo_plugin")


def codedpo(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def candidates(count: int) -> list[Candidates]:
    return [
        Candidates(e.id, e.prompt, e.entry_point, tuple(e.prompt + b for b in e.bodies), e.tests)
        for e in micro_problems("train")[:count]
    ]
