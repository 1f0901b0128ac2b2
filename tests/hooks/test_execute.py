"""The built-in plugin and executor that run candidates."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Candidates, PassMatrix, Verdict

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"
CONFIG = ExecuteConfig(workers=1, cpu_s=0.2, max_timeouts=1)


def candidates(name: str = "p", *tests: str) -> Candidates:
    solutions = ("def f(x): return x", "def f(x): return 1 / 0", "def f(x):\n while x: pass")
    return Candidates(name, "def f(x):", "f", solutions, tests or ("assert f(2) == 2", "assert f(0) is None"))


def execute(*items: Candidates, config: ExecuteConfig = CONFIG) -> list[PassMatrix]:
    context = Context(create_plugins(installed=False))
    return list(context.plugins.execute(items, config, context))


def test_every_solution_is_run_against_every_test():
    (matrix,) = execute(candidates())
    assert matrix.verdicts.tolist() == [
        [Verdict.PASS, Verdict.FAIL],
        [Verdict.ERROR, Verdict.ERROR],
        [Verdict.TIMEOUT, Verdict.NOT_RUN],
    ]
    assert matrix.cpu_ns is None


def test_times_are_recorded_on_request():
    (matrix,) = execute(candidates(), config=CONFIG.model_copy(update={"record_times": True}))
    assert matrix.cpu_ns.shape == (3, 2)
    assert (matrix.cpu_ns[:2] >= 0).all()


def test_matrices_come_in_the_order_of_the_candidates():
    names = [f"p{number}" for number in range(5)]
    assert [m.problem_id for m in execute(*(candidates(name, "assert f(0) == 0") for name in names))] == names


def test_nothing_makes_nothing():
    assert execute() == []


def test_an_unknown_executor_comes_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown executor 'locl'\. Did you mean 'local'"):
        execute(candidates(), config=ExecuteConfig(executor="locl"))


def test_an_executor_of_a_plugin_is_used_by_name():
    class Plugin:
        @hookimpl
        def codedpo_register_executors(self, register):
            register("mine", lambda candidates, config, context: iter([config.executor]))

    context = Context(create_plugins([("plugin", Plugin())], installed=False))
    assert list(context.plugins.execute([], ExecuteConfig(executor="mine"), context)) == ["mine"]


@pytest.mark.skipif(not GUIDE.exists(), reason="the documentation is not beside the tests")
def test_the_executor_of_the_documentation_works():
    section = GUIDE.read_text("utf-8").split("## An executor")[1]
    plugin = ModuleType("careful")
    exec(section.split("```python")[1].split("```")[0], vars(plugin))
    context = Context(create_plugins([("careful", plugin)], installed=False))
    matrices = list(context.plugins.execute([candidates()], ExecuteConfig(executor="careful"), context))
    assert [m.problem_id for m in matrices] == ["p"]
    assert context.counts == {"seen": 1}
