"""``codedpo ds1000 setup`` as a process, with a stand-in for Python and its pip: nothing is downloaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codedpo_plugin.formats.files import CACHE_VARIABLE
from codedpo_plugin.suites.ds1000_environment import PINS

from .support import codedpo

FAKE = """#!{python} -I
# A Python whose libraries are lines of a file; `-m venv` copies it.
import json, pathlib, shutil, sys

arguments, here = sys.argv[1:], pathlib.Path(__file__).absolute()
state, log = here.parent / "libraries.json", pathlib.Path({log!r})
log.open("a").write(" ".join(arguments) + "\\n")
there = json.loads(state.read_text()) if state.exists() else {{}}
if arguments[:2] == ["-I", "-c"]:
    print(3, 11)
elif arguments[:2] == ["-m", "venv"]:
    folder = pathlib.Path(arguments[-1])
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    shutil.copy(here, folder / "bin" / "python")
    (folder / "bin" / "pip").touch()
elif arguments[:2] == ["-m", "ensurepip"]:
    (here.parent / "pip").touch()
elif arguments[:2] == ["-m", "pip"]:
    if not (here.parent / "pip").exists():
        sys.exit("No module named pip")
    if "install" in arguments:
        name, _, version = arguments[-1].partition("==")
        if name == {failing!r} and not log.with_name("mended").exists():
            sys.exit("no matching distribution")
        state.write_text(json.dumps(there | {{name: version}}))
elif arguments[0] == "-s":
    print(json.dumps({{name: [there.get(name), ""] for name, _ in json.loads(arguments[-1])}}))
elif "sys.prefix" in arguments[-1]:
    print(here.parents[1])
"""


@pytest.fixture
def python(tmp_path) -> Path:
    """Return a stand-in for Python that cannot install seaborn until a file says so."""
    path = tmp_path / "python3.11"
    path.write_text(FAKE.format(python=sys.executable, log=str(tmp_path / "log"), failing="seaborn"))
    path.chmod(0o755)
    return path


def setup(python: Path, *options: object):
    environment = os.environ | {CACHE_VARIABLE: str(python.parent / "cache")}
    return codedpo("ds1000", "setup", "--python", python, *options, env=environment)


def installed(python: Path) -> list[str]:
    return [line.split()[-1] for line in (python.parent / "log").read_text().splitlines() if "pip install" in line]


def test_setup_goes_on_after_a_failure_and_says_how_to_use_what_it_built(python):
    failed = setup(python)
    assert failed.returncode == 1
    assert "seaborn==0.13.2 could not be installed" in failed.stderr
    assert "same command again" in failed.stderr
    (python.parent / "mended").touch()
    done = setup(python)
    assert done.returncode == 0, done.stderr
    assert sorted({*installed(python)}) == sorted(pin.requirement for pin in PINS)
    assert len(installed(python)) == len(PINS) + 1  # the one that failed, twice
    assert f"ready: {python.parent}/cache/ds1000/bin/python" in done.stdout
    assert '--metadata \'{"ds1000_python": "PYTHON"}\'  or  CODEDPO_DS1000_PYTHON=PYTHON' in done.stdout


def test_setup_mends_an_environment_that_was_interrupted_before_it_had_pip(python, tmp_path):
    (python.parent / "mended").touch()
    folder = tmp_path / "environment"
    assert setup(python, "--path", folder).returncode == 0
    (folder / "bin" / "pip").unlink()
    (folder / "bin" / "libraries.json").unlink()
    done = setup(python, "--path", folder)
    assert done.returncode == 0, done.stderr
    assert "has no pip" in done.stderr
    assert f"CODEDPO_DS1000_PYTHON={folder}/bin/python" in done.stdout


def test_setup_leaves_a_folder_with_something_else_alone(python, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.tex").write_text("years of work")
    done = setup(python, "--path", tmp_path / "own", "--restart")
    assert done.returncode == 2
    assert "holds something else" in done.stderr
    assert (tmp_path / "own" / "thesis.tex").exists()


def test_the_help_says_how_to_use_an_environment_that_exists(python):
    told = " ".join(codedpo("ds1000", "setup", "--help", env=os.environ | {"COLUMNS": "200"}).stdout.split())
    assert "ds1000_python" in told
    assert "CODEDPO_DS1000_PYTHON" in told
