"""What the tests of the cluster share: problems by the dozen."""

from __future__ import annotations

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.records import Candidates, PassMatrix

CONFIG = ExecuteConfig(executor="ray", workers=1, cpu_s=0.3, max_timeouts=1, sandbox="landlock")


def candidates(count: int) -> list[Candidates]:
    """Return problems whose matrices all differ from their neighbours'."""
    return [
        Candidates(
            f"p{number}",
            "def f(x):",
            "f",
            (f"def f(x): return x + {number % 3}", "def f(x): return 1 / 0", f"def f(x): return {number}"),
            ("assert f(2) == 2", "assert f(0) == 1", f"assert f({number}) == {number}"),
        )
        for number in range(count)
    ]


def cells(matrices: list[PassMatrix]) -> list[tuple[str, list[list[int]], tuple[int, ...]]]:
    """Return matrices in a form that can be compared."""
    return [(m.problem_id, m.verdicts.tolist(), m.judged_inside) for m in matrices]
