"""The hook contract holds what it promises: every hook typed, documented, of a known kind, cheap to import."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from codedpo_plugin import config, context, contracts, hookspecs, manager, records, rundir, suites
from codedpo_plugin.evaluation import results
from codedpo_plugin.execution import sandboxes
from codedpo_plugin.manager import BUILT_IN, create_plugins

STAGES = (
    "codedpo_collect_seeds",
    "codedpo_make_problems",
    "codedpo_generate",
    "codedpo_execute",
    "codedpo_score",
    "codedpo_build_pairs",
    "codedpo_train",
    "codedpo_evaluate",
    "codedpo_report",
)
COLLECTS = ("codedpo_suites",)
REGISTERS = (
    "codedpo_register_rankers",
    "codedpo_register_executors",
    "codedpo_register_sandboxes",
    "codedpo_register_trainers",
)
OBSERVES = ("codedpo_stage_started", "codedpo_stage_finished", "codedpo_progress")
KINDS = {"Stage": STAGES, "Collect": COLLECTS, "Register": REGISTERS, "Observe": OBSERVES}
NAMED = [name for names in KINDS.values() for name in names]

SPECS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "codedpo_spec")}
"""What Pluggy finds: functions that its marker has marked."""

NAMESPACE = {
    name: thing
    for module in (config, context, contracts, records, rundir, suites, results, sandboxes)
    for name, thing in vars(module).items()
} | {"Callable": Callable, "Iterable": Iterable, "Mapping": Mapping, "Path": Path}


def options(name: str) -> Mapping[str, Any]:
    """Return what a hook was specified with."""
    return SPECS[name].codedpo_spec


def test_the_hooks_are_those_of_the_contract():
    assert sorted(SPECS) == sorted(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_hook_is_known_to_the_manager(name):
    assert getattr(create_plugins(installed=False).manager.hook, name).spec is not None


@pytest.mark.parametrize("name", NAMED)
def test_only_stages_end_with_the_first_result(name):
    assert bool(options(name)["firstresult"]) is (name in STAGES)
    assert not options(name)["historic"]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names])
def test_the_docstring_of_a_hook_states_its_kind(kind, name):
    stated = re.findall(r"\b(Stage|Collect|Register|Observe)(?=[:.])", SPECS[name].__doc__)
    assert stated == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_module_explains_every_kind(kind):
    assert f"* **{kind.lower()}**:" in hookspecs.__doc__


@pytest.mark.parametrize("name", NAMED)
def test_the_docstring_of_a_hook_documents_its_parameters_in_order(name):
    documented = re.findall(r":param (\w+): +\S", SPECS[name].__doc__)
    assert documented == list(inspect.signature(SPECS[name]).parameters)


@pytest.mark.parametrize("name", NAMED)
def test_a_hook_is_typed_with_types_that_exist(name):
    found = typing.get_type_hints(SPECS[name], globalns=NAMESPACE)
    assert set(found) == {*inspect.signature(SPECS[name]).parameters, "return"}


@pytest.mark.parametrize("name", [*REGISTERS, *OBSERVES])
def test_the_result_of_a_hook_that_registers_or_observes_is_nothing(name):
    assert typing.get_type_hints(SPECS[name], globalns=NAMESPACE)["return"] is type(None)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_may_leave_its_work_to_the_next_plugin(name):
    assert type(None) in typing.get_args(typing.get_type_hints(SPECS[name], globalns=NAMESPACE)["return"])


@pytest.mark.parametrize("name", STAGES)
def test_the_face_of_the_manager_has_a_method_for_every_stage_with_its_parameters(name):
    method = getattr(manager.Plugins, name.removeprefix("codedpo_"))
    assert [*inspect.signature(method).parameters][1:] == [*inspect.signature(SPECS[name]).parameters]


def built_in(name: str) -> list[Any]:
    """Return the built-in implementations of a hook."""
    return getattr(create_plugins(installed=False).manager.hook, name).get_hookimpls()


@pytest.mark.parametrize("name", NAMED)
def test_built_in_implementations_come_last(name):
    assert all(implementation.trylast for implementation in built_in(name))


@pytest.mark.parametrize("name", [*STAGES[1:], *COLLECTS, *REGISTERS])
def test_every_hook_that_has_to_be_answered_is_answered_by_a_built_in(name):
    assert built_in(name)


def test_every_built_in_plugin_implements_a_hook():
    registered = create_plugins(installed=False).manager
    plugins = [registered.get_plugin(f"codedpo.{module}") for module in BUILT_IN]
    assert all(registered.get_hookcallers(plugin) for plugin in plugins)


@pytest.mark.parametrize("module", ["codedpo_plugin", "codedpo_plugin.hookspecs", "codedpo_plugin.manager"])
def test_the_contract_is_cheap_to_import(module):
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pluggy" in loaded
    assert not loaded & {"torch", "transformers", "lm_eval", "evalplus", "datasets", "pyarrow", "numpy", "pydantic"}
