"""Finding, checking and building the environment of DS-1000, with stand-ins for interpreters and pip."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.formats.files import CACHE_VARIABLE
from codedpo_plugin.suites import ds1000_environment as environment
from codedpo_plugin.suites.ds1000_environment import PINS, Found, Pin

RIGHT = {pin.name: Found(pin.version) for pin in PINS}
JSON = Pin("json-like", "1.0", "json")


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_local_build_of_a_version_is_that_version():
    torch = Pin("torch", "2.13.0", "torch", others=("2.2.0",))
    assert [torch.accepts(v) for v in ("2.13.0", "2.13.0+cpu", "2.2.0", "2.2.1", None)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_the_metadata_names_the_interpreter_before_the_variable_and_the_place_of_setup(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    built, named = (script(p, "") for p in (tmp_path / "ds1000/bin/python", tmp_path / "named"))
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    assert environment.find_python({}) == built
    monkeypatch.setenv(environment.VARIABLE, named)
    assert environment.find_python({}) == named
    assert environment.find_python({"ds1000_python": sys.executable}) == sys.executable


def test_without_an_interpreter_the_error_names_all_ways_to_have_one(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    with pytest.raises(EvaluationError) as caught:
        environment.find_python({})
    assert all(way in str(caught.value) for way in ("codedpo ds1000 setup", "ds1000_python", environment.VARIABLE))


def test_what_is_right_gives_no_complaint():
    assert environment.wrong_pins(RIGHT) == {}


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ({"pandas": Found(None)}, "pandas is not installed; 1.5.3 is needed"),
        ({"numpy": Found("2.0.0")}, "numpy is 2.0.0; 1.26.4 is needed"),
        ({"scipy": Found("1.12.0", "OSError: no BLAS")}, "scipy 1.12.0 cannot be imported: OSError: no BLAS"),
    ],
)
def test_a_library_that_is_not_as_it_should_be_is_named_with_both_versions(found, complaint):
    assert [*environment.wrong_pins(RIGHT | found).values()] == [complaint]


def test_an_environment_is_asked_for_versions_and_imports():
    found = environment.inspect(sys.executable, (Pin("pytest", "0", "pytest"), Pin("pluggy", "0", "no_such"), JSON))
    assert found["pytest"] == Found(pytest.__version__)
    assert "No module named 'no_such'" in found["pluggy"].error
    assert found["json-like"] == Found(None)


def test_a_wrong_environment_is_one_error_that_says_how_to_mend_it():
    with pytest.raises(EvaluationError, match="json-like is not installed") as caught:
        environment.require(sys.executable, (JSON,))
    assert f"`{sys.executable} -m pip install --force-reinstall json-like==1.0`" in str(caught.value)


def test_the_environment_of_setup_is_mended_by_setup(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert "codedpo ds1000 setup" in environment.remedy(str(environment.python_of(environment.home())))


@pytest.mark.parametrize("text", ["exit 3", "echo hello", "kill -9 $$"])
def test_something_that_is_not_python_is_an_error(tmp_path, text):
    with pytest.raises(EvaluationError, match="cannot be used"):
        environment.inspect(script(tmp_path / "python", text))


def test_a_python_without_binary_libraries_cannot_build_the_environment(tmp_path):
    new = script(tmp_path / "python", "echo 3 14")
    with pytest.raises(UsageError, match=r"for Python 3\.9 to 3\.11"):
        environment.builder(new)
    assert environment.builder(script(tmp_path / "python", "echo 3 10")) == new


@pytest.fixture
def pip(monkeypatch):
    """Record what is installed instead of installing it."""
    asked: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", lambda command, failure: asked.append(command))
    monkeypatch.setattr(environment, "prepare", lambda python: None)
    return asked


def test_building_installs_what_is_missing_and_tells_of_it(tmp_path, monkeypatch, pip):
    there = RIGHT | {"xgboost": Found(None), "torch": Found("1.0")}
    monkeypatch.setattr(environment, "inspect", lambda python, pins, load=True: RIGHT if load else there)
    told: list[str] = []
    environment.build(tmp_path, sys.executable, PINS, told.append, verbose=False)
    venv, *installs = pip
    assert venv[1:3] == ["-m", "venv"]
    assert [command[-1] for command in installs] == ["xgboost==2.0.3", "torch==2.13.0"]
    assert ["--no-deps" in command for command in installs] == [True, False]
    assert "[13/13] torch==2.13.0" in told


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, pip):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds something else"):
        environment.build(tmp_path, sys.executable, PINS, lambda line: None, verbose=False)
    assert pip == []


def test_building_goes_on_where_it_stopped(tmp_path, monkeypatch, pip):
    script(environment.python_of(tmp_path), "")
    (tmp_path / "pyvenv.cfg").write_text("")
    monkeypatch.setattr(environment, "inspect", lambda python, pins, load=True: RIGHT)
    environment.build(tmp_path, sys.executable, PINS, lambda line: None, verbose=False)
    assert pip == []


def test_other_pins_hold_while_one_library_is_installed(monkeypatch):
    seen: list[str] = []

    def run(command, failure):
        seen.append(Path(command[command.index("--constraint") + 1]).read_text())

    monkeypatch.setattr(environment, "_run", run)
    environment.install("python", PINS[1], PINS, verbose=True)
    assert seen[0].splitlines() == [pin.requirement for pin in PINS]


def test_a_failing_pip_is_an_error_that_says_how_to_go_on(tmp_path, capfd):
    failing = script(tmp_path / "python", "echo no such version >&2; exit 1")
    with pytest.raises(EvaluationError, match=r"pandas==1\.5\.3 could not be installed.*same command again"):
        environment.install(failing, PINS[1], PINS, verbose=False)
    assert "no such version" in capfd.readouterr().err


def test_the_font_cache_lies_inside_the_environment(tmp_path):
    python = script(tmp_path / "python", f"echo {tmp_path}")
    environment.prepare(python)
    assert environment.matplotlib_folder(str(tmp_path)).is_dir()


def test_pins_are_unique():
    assert len({pin.name for pin in PINS}) == len(PINS)
    assert json.dumps([pin.requirement for pin in PINS])


def crashing(tmp_path: Path) -> str:
    """Return a Python that a module brings down."""
    (tmp_path / "fragile.py").write_text("import os\nos.abort()\n")
    return script(tmp_path / "python", f'PYTHONPATH={tmp_path} exec {sys.executable} "$@"')


def test_a_library_that_brings_the_interpreter_down_is_named(tmp_path):
    pins = (Pin("pytest", pytest.__version__, "fragile"), Pin("x", "0", "json"), Pin("pluggy", "0", "pluggy"))
    found = environment.inspect(crashing(tmp_path), pins)
    assert found["pytest"] == Found(pytest.__version__, "the interpreter ended with status -6")
    assert found["pluggy"].error == ""
    with pytest.raises(
        EvaluationError, match=r"pytest .* cannot be imported: the interpreter ended with status -6"
    ):
        environment.require(crashing(tmp_path), pins[:1])


def test_a_library_that_cannot_be_imported_is_installed_again(tmp_path, monkeypatch, pip):
    answers = iter([RIGHT, RIGHT | {"scipy": Found("1.12.0", "OSError: cut short")}, RIGHT])
    monkeypatch.setattr(environment, "inspect", lambda python, pins, load=True: next(answers))
    told: list[str] = []
    environment.build(tmp_path, sys.executable, PINS, told.append, verbose=False)
    _, alone, rest = pip
    assert alone[-3:] == ["--force-reinstall", "--no-deps", "scipy==1.12.0"]
    assert "--constraint" in rest
    assert rest[-1] == "scipy==1.12.0"
    assert "scipy 1.12.0 cannot be imported: OSError: cut short; it is installed again" in told


def test_an_environment_that_was_interrupted_before_it_had_pip_gets_it(tmp_path, monkeypatch, pip):
    own = script(environment.python_of(tmp_path), "exit 1")
    (tmp_path / "pyvenv.cfg").write_text("")
    monkeypatch.setattr(environment, "inspect", lambda python, pins, load=True: RIGHT)
    environment.build(tmp_path, sys.executable, PINS, lambda line: None, verbose=False)
    assert pip == [[own, "-m", "ensurepip", "--upgrade"]]


def test_a_foreign_python_is_mended_with_a_command_that_can_be_copied():
    assert environment.remedy("/opt/python", PINS[:2]).startswith(
        "Mend it with `/opt/python -m pip install --force-reinstall numpy==1.26.4 pandas==1.5.3`"
    )
    assert "pip install" not in environment.remedy("/opt/python")
