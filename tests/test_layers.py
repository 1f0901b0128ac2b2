"""What may import what: hooks adapt the library, the library does not know them; heavy imports come late."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import codedpo_plugin

LIBRARY = Path(codedpo_plugin.__file__).parent
HOOKS = Path(importlib.import_module("codedpo_plugin.hooks").__file__).parent
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.parent.name != "hooks")
LOADED_BY_THE_HARNESS = {
    LIBRARY / "harness" / name for name in ("pairs_task.py", "problems_task.py", "replay.py", "suite_task.py")
}
HEAVY = ("torch", "transformers", "trl", "peft", "lm_eval", "evalplus", "datasets", "ray", "grpc", "fsspec")


def imported(nodes: Iterator[ast.AST], module: Path) -> Iterator[str]:
    """Yield the full names of the modules that import statements name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_load_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run, or may run, when a module is loaded: none inside functions."""
    for node in ast.iter_child_nodes(tree):
        type_checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not type_checking:
            yield node
            yield from at_load_time(node)


def names(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


@pytest.mark.parametrize("module", MODULES, ids=names)
def test_the_library_does_not_import_hooks(module):
    found = list(imported(ast.walk(ast.parse(module.read_text("utf-8"))), module))
    assert [name for name in found if f"{name}.".startswith(("hooks.", "codedpo_plugin.hooks."))] == []


@pytest.mark.parametrize("module", sorted({*MODULES} - LOADED_BY_THE_HARNESS), ids=names)
def test_heavy_libraries_are_imported_where_they_are_used(module):
    found = list(imported(at_load_time(ast.parse(module.read_text("utf-8"))), module))
    assert [name for name in found if name.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("module", sorted(HOOKS.glob("*.py")), ids=lambda path: path.name)
def test_hooks_import_no_heavy_library_and_not_one_another(module):
    found = list(imported(at_load_time(ast.parse(module.read_text("utf-8"))), module))
    assert [name for name in found if name.split(".")[0] in HEAVY or ".hooks" in name] == []


@pytest.mark.parametrize("module", sorted(HOOKS.glob("[a-z]*.py")), ids=lambda path: path.name)
def test_hooks_are_thin(module):
    assert len(module.read_text("utf-8").splitlines()) <= 60


def test_records_and_rankers_know_nothing_of_files_and_processes():
    pure = [LIBRARY / "records.py", LIBRARY / "contracts.py", *sorted((LIBRARY / "ranking").glob("*.py"))]
    found = {n for m in pure for n in imported(at_load_time(ast.parse(m.read_text("utf-8"))), m)}
    assert not {
        n for n in found if n.startswith(("codedpo_plugin.formats", "codedpo_plugin.execution", "subprocess"))
    }
