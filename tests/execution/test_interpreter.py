"""Which Python runs the programs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.interpreter import inspect_interpreter

from .support import ask


def script(folder: Path, text: str) -> str:
    """Write something that is started like an interpreter."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def claims_version(folder: Path, *version: int) -> str:
    told = {"version": version, "prefixes": [], "packages": [], "modules": []}
    return script(folder, f"echo '{json.dumps(told)}'")


def test_the_running_interpreter_is_the_default():
    interpreter = inspect_interpreter()
    assert interpreter.executable == sys.executable
    assert interpreter.version == sys.version_info[:3]
    assert {sys.prefix, sys.base_prefix} <= set(interpreter.prefixes)


def test_a_worker_may_read_the_interpreter_its_packages_and_the_system():
    interpreter = inspect_interpreter()
    needed = {*interpreter.prefixes, *interpreter.packages, os.path.dirname(sys.executable), "/usr"}
    assert needed <= set(interpreter.readable)


@pytest.mark.parametrize("folder", ["~", "/", "/home", "/tmp", "/etc", "/var", "/proc"])
def test_a_worker_may_not_read_folders_that_hold_private_files(folder):
    assert os.path.expanduser(folder) not in inspect_interpreter().readable


@pytest.mark.parametrize("text", ["echo hello", "exit 3", "echo '{'", "kill -9 $$"])
def test_something_that_is_not_python_is_refused(tmp_path, text):
    executable = script(tmp_path, text)
    with pytest.raises(SandboxError, match="cannot be used") as caught:
        inspect_interpreter(executable)
    assert executable in str(caught.value)


@pytest.mark.parametrize("version", [(3, 8, 10), (2, 7, 18)])
def test_a_python_that_is_too_old_is_refused_by_version(tmp_path, version):
    with pytest.raises(SandboxError, match=f"is Python {'.'.join(map(str, version))}; 3.9 is needed"):
        inspect_interpreter(claims_version(tmp_path, *version))


def test_the_oldest_supported_python_is_accepted(tmp_path):
    assert inspect_interpreter(claims_version(tmp_path, 3, 9, 0)).version == (3, 9, 0)


def test_a_missing_interpreter_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(SandboxError, match="no-python"):
        Pool(1, interpreter=str(tmp_path / "no-python"))


def test_an_interpreter_that_is_too_old_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(SandboxError, match=r"3\.9 is needed"):
        Pool(1, interpreter=claims_version(tmp_path, 3, 8, 0))


def test_an_interpreter_named_by_a_relative_path_is_found(monkeypatch):
    folder, name = os.path.split(sys.executable)
    monkeypatch.chdir(folder)
    with Pool(1, interpreter=f"./{name}") as pool:
        assert ask(pool, "import sys", "sys.version_info[:2]")[0].payload == json.dumps(
            {"tuple": list(sys.version_info[:2])}
        )


def test_an_interpreter_named_without_a_path_is_the_one_the_shell_would_start(monkeypatch, tmp_path):
    (tmp_path / "python-of-choice").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with Pool(1, interpreter="python-of-choice") as pool:
        assert ask(pool, "import sys", "sys.version_info[0]")[0].payload == "3"


def test_an_interpreter_may_be_reached_through_a_linked_folder(tmp_path, sandbox):
    link = tmp_path / "environment"
    link.symlink_to(sys.prefix)
    executable = link / os.path.relpath(sys.executable, sys.prefix)
    with Pool(1, interpreter=str(executable), sandbox=sandbox) as pool:
        assert ask(pool, "import sys", "sys.version_info[0]")[0].payload == "3"


def test_programs_may_import_installed_packages_but_only_preloaded_modules_are_there_already():
    with Pool(1, preload=("wave",)) as pool:
        program = "import sys\nthere = 'wave' in sys.modules, 'zipfile' in sys.modules\nimport packaging"
        assert ask(pool, program, "there")[0].payload == '{"tuple": [true, false]}'


def test_a_module_that_cannot_be_preloaded_is_an_error_that_names_it():
    with Pool(1, preload=("no_such_module",)) as pool, pytest.raises(SandboxError, match="no_such_module"):
        ask(pool, "", "1")
