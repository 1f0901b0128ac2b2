"""Problems with their solutions as supervised fine-tuning takes them: ``codedpo train --method sft --data``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import MadeProblem, Problem


def write_solutions(path: Path, problems: Iterable[Problem]) -> int:
    """Write what is asked and answered in each problem that came with a solution; return how many there are.

    A line has ``prompt``, the problem in words, and ``solution``, the program in a code block, as a chat model
    would answer. Without such problems there is no file.
    """
    solved = [problem for problem in problems if isinstance(problem, MadeProblem) and problem.solution]
    path.unlink(missing_ok=True)
    if solved:
        with atomic_write(path) as handle:
            for problem in solved:
                handle.write(json.dumps(_row(problem)).encode() + b"\n")
    return len(solved)


def _row(problem: MadeProblem) -> dict[str, str]:
    return {
        "problem_id": problem.problem_id,
        "prompt": problem.instruction,
        "solution": f"```{problem.language}\n{problem.solution.strip()}\n```",
        "language": problem.language,
    }
