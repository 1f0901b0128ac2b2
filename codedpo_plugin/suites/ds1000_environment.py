"""The Python environment that DS-1000's problems need: its pinned libraries, where it is, how it is built.

It is looked for in the task's metadata, in the environment variable, then where ``codedpo ds1000 setup`` builds
it. What is missing or has another version is told before anything is generated.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.formats.files import cache_folder

METADATA_KEY: Final = "ds1000_python"
VARIABLE: Final = "CODEDPO_DS1000_PYTHON"
OLDEST, NEWEST = (3, 9), (3, 11)
"""The Python versions for which all pinned libraries are published in binary form."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One library of the environment."""

    name: str
    version: str
    module: str
    """What a program imports."""
    others: tuple[str, ...] = ()
    """Further versions that are accepted."""
    alone: bool = False
    """Whether it is installed without what it depends on."""

    @property
    def requirement(self) -> str:
        """Return what is asked of pip."""
        return f"{self.name}=={self.version}"

    def accepts(self, version: str | None) -> bool:
        """Return whether an installed version will do; a local build (``2.13.0+cpu``) is as good as another."""
        return version is not None and version.partition("+")[0] in (self.version, *self.others)


PINS: Final = (
    Pin("numpy", "1.26.4", "numpy"),
    Pin("pandas", "1.5.3", "pandas"),
    Pin("scipy", "1.12.0", "scipy"),
    Pin("scikit-learn", "1.4.0", "sklearn"),
    Pin("threadpoolctl", "3.6.0", "threadpoolctl", others=("3.4.0", "3.5.0")),  # newer ones need /proc
    Pin("statsmodels", "0.14.1", "statsmodels"),
    Pin("xgboost", "2.0.3", "xgboost", alone=True),
    Pin("matplotlib", "3.8.4", "matplotlib"),
    Pin("seaborn", "0.13.2", "seaborn"),
    Pin("gensim", "4.3.2", "gensim"),
    Pin("PyYAML", "6.0.2", "yaml", others=("6.0", "6.0.1", "6.0.3")),
    Pin("torch", "2.13.0", "torch", others=("2.2.0",)),
    Pin("tensorflow-cpu", "2.16.1", "tensorflow"),
)


def home() -> Path:
    """Return the folder in which ``codedpo ds1000 setup`` builds the environment unless told otherwise."""
    return cache_folder() / "ds1000"


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


# --------------------------------------------------------------------------- finding and checking


def find_python(metadata: Mapping[str, Any]) -> str:
    """Return the interpreter to use. Raises EvaluationError, naming all three places, when there is none."""
    named = metadata.get(METADATA_KEY) or os.environ.get(VARIABLE)
    python = str(named or python_of(home()))
    if shutil.which(python):
        return python
    raise EvaluationError(
        f"the environment of DS-1000 is not there: no interpreter at {python!r}. Build it once with "
        f'`codedpo ds1000 setup`, or point at an existing one with --metadata \'{{"{METADATA_KEY}": "PYTHON"}}\' '
        f"or the environment variable {VARIABLE}."
    )


_INSPECT: Final = """
import importlib, importlib.metadata, json, sys
found = {}
for name, module in json.loads(sys.argv[1]):
    try:
        found[name] = [importlib.metadata.version(name), ""]
    except Exception:
        found[name] = [None, ""]
        continue
    try:
        module and importlib.import_module(module)
    except BaseException as error:
        found[name][1] = f"{type(error).__name__}: {error}"
sys.__stdout__.write("\\n" + json.dumps(found) + "\\n")
"""


INSPECTION_S: Final = 600.0
"""Importing every library takes seconds, on a cold disk a minute or two."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an environment has of one library."""

    version: str | None
    error: str = ""
    """Why it cannot be imported."""


def inspect(python: str, pins: Sequence[Pin] = PINS, *, load: bool = True) -> dict[str, Found]:
    """Return what an interpreter has of each library, importing each if ``load``.

    In two processes side by side: torch and TensorFlow take their time. Raises EvaluationError when the
    interpreter cannot be run; a library that brings it down is one that cannot be imported.
    """
    look = _import if load else partial(_ask, load=False)
    with ThreadPoolExecutor(2) as threads:
        halves = threads.map(lambda half: look(python, half), (pins[::2], pins[1::2]))
        return {name: found for half in halves for name, found in half.items()}


def _import(python: str, pins: Sequence[Pin]) -> dict[str, Found]:
    """Import libraries in one process; one by one, to know which it is, where that brings the interpreter down."""
    try:
        return _ask(python, pins, load=True)
    except EvaluationError as error:
        found = _ask(python, pins, load=False)
        if len(pins) == 1:
            return {name: Found(one.version, _brief(error)) for name, one in found.items()}
        return {name: one for pin in pins for name, one in _import(python, [pin]).items()}


def _brief(error: EvaluationError) -> str:
    """Return how an interpreter ended, without what it was asked."""
    status = getattr(error.__cause__, "returncode", None)
    return f"the interpreter ended with status {status}" if status is not None else str(error.__cause__)[-200:]


def _ask(python: str, pins: Sequence[Pin], *, load: bool) -> dict[str, Found]:
    """Return what an interpreter says of each library. Raises EvaluationError when it says nothing."""
    asked = json.dumps([(pin.name, pin.module if load else "") for pin in pins])
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": ""}
    try:
        done = subprocess.run(
            [python, "-s", "-c", _INSPECT, asked],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | quiet,
            timeout=INSPECTION_S,
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or "")[-500:]
        raise EvaluationError(
            f"the environment of DS-1000 cannot be used: {python}: {error} {said}\n{remedy(python)}"
        ) from error
    return {name: Found(*entry) for name, entry in told.items()}


def complaint(pin: Pin, library: Found) -> str:
    """Return what is wrong with a library: missing, another version, not to be imported; else nothing."""
    if library.version is None:
        return f"{pin.name} is not installed; {pin.version} is needed"
    if not pin.accepts(library.version):
        return f"{pin.name} is {library.version}; {pin.version} is needed"
    return f"{pin.name} {library.version} cannot be imported: {library.error}" if library.error else ""


def wrong_pins(found: Mapping[str, Found], pins: Iterable[Pin] = PINS) -> dict[Pin, str]:
    """Return the libraries that are not as they should be, each with what is wrong."""
    told = {pin: complaint(pin, found.get(pin.name, Found(None))) for pin in pins}
    return {pin: text for pin, text in told.items() if text}


def require(python: str, pins: Sequence[Pin] = PINS) -> None:
    """Raise one EvaluationError that names every library that is not as it should be, and how to mend it."""
    wrong = wrong_pins(inspect(python, pins), pins)
    if wrong:
        raise EvaluationError(
            "\n  ".join([f"the environment of DS-1000 ({python}) is not as it should be:", *wrong.values()])
            + f"\n{remedy(python, wrong)}"
        )


def remedy(python: str, wrong: Iterable[Pin] = ()) -> str:
    """Return what to do about an environment in which some libraries are not as they should be."""
    if python == str(python_of(home())):
        return "Run `codedpo ds1000 setup`, which mends what is wrong; with --restart it builds all anew."
    requirements = " ".join(pin.requirement for pin in wrong)
    mend = (
        f"Mend it with `{python} -m pip install --force-reinstall {requirements}`, or build"
        if requirements
        else "Build"
    )
    return f"{mend} one with `codedpo ds1000 setup` and leave {METADATA_KEY} and {VARIABLE} away."


# --------------------------------------------------------------------------- building


def builder(python: str | None) -> str:
    """Return a Python the environment can be built with. Raises UsageError when there is none."""
    supported = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    asked = [python] if python else [sys.executable, *supported]
    for candidate in filter(None, map(shutil.which, asked)):
        if OLDEST <= _version(candidate) <= NEWEST:
            return candidate
    raise UsageError(
        f"DS-1000's libraries are published for Python {'.'.join(map(str, OLDEST))} to "
        f"{'.'.join(map(str, NEWEST))}; {', '.join(asked)} is none. Install one and give it with --python."
    )


def _version(python: str) -> tuple[int, ...]:
    question = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-I", "-c", question], capture_output=True, text=True, check=False)
    return tuple(map(int, done.stdout.split()))


def build(folder: Path, python: str, pins: Sequence[Pin], tell: Callable[[str], None], *, verbose: bool) -> None:
    """Build the environment in ``folder``, or go on where an earlier call stopped: what is there is kept.

    What is there but cannot be imported is installed again. Raises EvaluationError when pip fails, or a library
    cannot be imported even then; UsageError when the folder holds something else.
    """
    require_own(folder)
    own = str(python_of(folder))
    _make(folder, python, tell)
    found = inspect(own, pins, load=False)
    missing = [pin for pin in pins if not pin.accepts(found[pin.name].version)]
    if missing:
        tell(f"{len(pins) - len(missing)} of {len(pins)} libraries are there")
    for number, pin in enumerate(missing, len(pins) - len(missing) + 1):
        tell(f"[{number}/{len(pins)}] {pin.requirement}")
        install(own, pin, pins, verbose=verbose)
    tell("checking that every library can be imported, building matplotlib's font cache")
    for pin, why in wrong_pins(inspect(own, pins), pins).items():
        tell(f"{why}; it is installed again")
        install(own, pin, pins, verbose=verbose, anew=True)
    prepare(own)
    require(own, pins)


def _make(folder: Path, python: str, tell: Callable[[str], None]) -> None:
    """Make an environment without libraries, unless it is there; one that was interrupted may lack pip."""
    own = python_of(folder)
    failure = f"the environment could not be made in {folder}"
    if not own.exists():
        tell(f"making the environment with {python}")
        _run([python, "-m", "venv", "--clear", str(folder)], failure)
    elif subprocess.run([str(own), "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        tell("the environment has no pip, which is mended")
        _run([str(own), "-m", "ensurepip", "--upgrade"], f"{failure}; --restart builds it anew")


def require_own(folder: Path) -> None:
    """Raise UsageError when a folder holds something that is not an environment, which building would destroy."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
        raise UsageError(f"{folder} holds something else; give an empty or new folder with --path")


def install(python: str, pin: Pin, pins: Iterable[Pin], *, verbose: bool, anew: bool = False) -> None:
    """Install one library with what it depends on, the other pins holding; ``anew`` even if it is there."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("".join(f"{other.requirement}\n" for other in pins))
        constraints.flush()
        options = ["--no-deps"] if pin.alone else ["--constraint", constraints.name]
        quiet = [] if verbose else ["--quiet"]
        command = [python, "-m", "pip", "install", "--no-input", *quiet]
        failure = f"{pin.requirement} could not be installed"
        if anew:  # without the rest, of which only what is missing is to come
            _run([*command, "--force-reinstall", "--no-deps", pin.requirement], failure)
        _run([*command, *options, pin.requirement], failure)


def _run(command: list[str], failure: str) -> None:
    """Run a command whose output goes to the user's standard error."""
    done = subprocess.run(command, stdout=sys.stderr.fileno(), check=False)
    if done.returncode != 0:
        raise EvaluationError(
            f"{failure}: `{' '.join(command)}` ended with status {done.returncode}. "
            "Run the same command again to go on from here."
        )


def prepare(python: str) -> None:
    """Build matplotlib's font cache inside the environment, where confined programs can read it."""
    question = "import sys; print(sys.prefix)"
    done = subprocess.run([python, "-c", question], capture_output=True, text=True, check=False)
    folder = matplotlib_folder(done.stdout.strip())
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [python, "-c", "import matplotlib.font_manager"],
        env=os.environ | {"MPLCONFIGDIR": str(folder)},
        check=False,
        capture_output=True,
    )


def matplotlib_folder(prefix: str) -> Path:
    """Return the folder of matplotlib's cache in an environment."""
    return Path(prefix) / "share" / "codedpo" / "matplotlib"
