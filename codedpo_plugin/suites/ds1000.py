"""DS-1000 (arXiv 2211.11501): a thousand problems over seven libraries, judged as the official script does.

The program run for an answer is the problem's ``code_context``, then ``code = <repr of the answer>``; its tests are
``test_execution(code)`` and, where the context defines it, ``test_string(code)``. Both run in the program's own
process: they compare objects of the libraries. Data: xlang-ai/DS-1000 (CC-BY-SA-4.0), the simplified format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.execution.interpreter import inspect_interpreter
from codedpo_plugin.execution.requests import Limits, Runtime
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import Suite, SuiteProblem
from codedpo_plugin.suites import ds1000_environment as environment
from codedpo_plugin.suites.ds1000_downloads import cached_folders, what_is_missing

METADATA_KEY: Final = "ds1000_path"
VARIABLE: Final = "DS1000_OVERRIDE_PATH"
DATASET: Final = "xlang-ai/DS-1000"
PREFIX: Final = "DS-1000/"

LIMITS: Final = Limits(cpu_s=120.0, wall_s=240.0, memory_mb=16384, max_timeouts=1)
"""The official limit is 120 s of wall time; here it is CPU time, so that a busy machine changes no verdict. Memory
is address space, of which these libraries reserve far more than they use."""


@dataclass(frozen=True, slots=True)
class Library:
    """One of the seven parts of the benchmark."""

    name: str
    """As in the data."""
    preload: tuple[str, ...]
    """What its workers import once, besides ``BASE``; every program finds it imported."""
    pins: tuple[str, ...]
    """What of the environment its problems need, besides numpy and pandas."""
    warm_up: str = ""
    """What its workers do once, after that."""


BASE: Final = ("copy", "tokenize", "io", "numpy", "pandas")

SEED: Final = "import numpy\nnumpy.random.seed(0)\n"
"""Unlike the official script's, every program starts from the same random state, so that verdicts repeat."""

DRAW: Final = """
import io, matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig(io.BytesIO())
plt.close("all")
"""
"""Fills matplotlib's caches of fonts."""

COMPARE: Final = """
import torch
torch.testing.assert_close(torch.ones(2), torch.ones(2))
"""
"""The first comparison, which most of torch's tests make, imports five hundred modules."""

KERNELS: Final = """
from tensorflow.python.framework import kernels
kernels.get_registered_kernels_for_op("AddV2")
"""
"""Makes TensorFlow look for kernels, without starting a thread. It does so once, and reads the command line of its
process, which only the worker may."""

LIBRARIES: Final = {
    "pandas": Library("Pandas", (), ("PyYAML",)),
    "numpy": Library("Numpy", (), ("scipy", "scikit-learn", "torch", "tensorflow-cpu")),
    "matplotlib": Library(
        "Matplotlib",
        ("PIL.Image", "PIL.PngImagePlugin", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "seaborn"),
        ("matplotlib", "seaborn"),
        DRAW,
    ),
    "sklearn": Library(
        "Sklearn",
        ("sklearn.linear_model", "sklearn.datasets", "sklearn.model_selection", "sklearn.ensemble"),
        ("scipy", "scikit-learn", "threadpoolctl", "statsmodels", "xgboost"),
    ),
    "scipy": Library("Scipy", ("scipy.stats", "scipy.optimize"), ("scipy",)),
    "pytorch": Library("Pytorch", ("torch",), ("scikit-learn", "gensim", "torch"), COMPARE),
    "tensorflow": Library("Tensorflow", ("tensorflow", "keras"), ("tensorflow-cpu",), KERNELS),
}
"""By the last part of the task's name."""

HOSTS: Final = (("tensorflow", "tensorflow"), ("torch", "pytorch"))
"""Modules too slow to import for every program that needs them: its problem runs beside that library's."""

STOP: Final = ("</code>", "# SOLUTION END", "\nEND SOLUTION")

INSTRUCTION: Final = (
    "Write a short code following the given format and indentation. Place the executable code between <code> and "
    "</code> tags, without any other non-executable things."
)
"""What the official script tells chat models."""


# --------------------------------------------------------------------------- answers


def postprocess(answer: str | Sequence[str]) -> str:
    """Return the code in a model's answer, as ``test_ds1000.postprocess`` does; a list counts as its first item."""
    text = answer if isinstance(answer, str) else answer[0]
    text = text.split("</code>")[0].replace("```python", "")
    return text.split("```")[0].split("\nEND SOLUTION")[0].replace("<code>", "")


def program(context: str, solution: str) -> str:
    """Return the program for a solution; its tests are checks of their own."""
    return f"{context}\ncode = {solution!r}\n"


def tests_of(context: str) -> tuple[str, ...]:
    """Return the tests that a context defines."""
    return ("test_execution(code)", *(("test_string(code)",) if "test_string(" in context else ()))


# --------------------------------------------------------------------------- data


def read_rows(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the problems in their order, from the metadata's path, the environment's, or the Hugging Face hub.

    Raises EvaluationError naming all three when none can be had.
    """
    path = metadata.get(METADATA_KEY) or os.environ.get(VARIABLE)
    try:
        return _read_file(Path(path)) if path else _download()
    except Exception as error:
        raise EvaluationError(
            f"the data of DS-1000 cannot be read from {path or f'the hub ({DATASET})'}: {type(error).__name__}: "
            f"{error}. Give a local copy of ds1000.jsonl.gz with the environment variable {VARIABLE} or, to "
            f'evaluate on it, with --metadata \'{{"{METADATA_KEY}": "FILE"}}\', or make {DATASET} of the '
            "Hugging Face hub reachable."
        ) from error


def _read_file(path: Path) -> list[Mapping[str, Any]]:
    """Read the published file, packed or not. Raises ValueError for a line that is not a problem."""
    bad = jsonl.BadLines()
    rows = list(jsonl.read(path, _checked, bad, unique=False))
    if bad or not rows:
        raise ValueError(str(bad) if bad else "the file is empty")
    return rows


def _download() -> list[Mapping[str, Any]]:
    from datasets import load_dataset

    return list(map(_checked, load_dataset(DATASET, split="test")))


def _checked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row that has all that is needed. Raises ValueError, KeyError or TypeError if it has not."""
    for name in ("prompt", "reference_code", "code_context"):
        jsonl.text_field(row, name)
    known = {library.name for library in LIBRARIES.values()}
    if row["metadata"]["library"] not in known:
        raise ValueError(f"problem {row['metadata']['problem_id']} is of a library {row['metadata']['library']!r}")
    return row


# --------------------------------------------------------------------------- problems


def load(metadata: Mapping[str, Any], only: str | None = None) -> list[SuiteProblem]:
    """Return the problems of one library, or of all, after checking the data and the environment they need.

    Raises EvaluationError when either is not as it should be.
    """
    libraries = {only: LIBRARIES[only]} if only else LIBRARIES
    names = {library.name: key for key, library in libraries.items()}
    rows = [row for row in read_rows(metadata) if row["metadata"]["library"] in names]
    python = environment.find_python(metadata)
    needed = {"numpy", "pandas"}.union(*(library.pins for library in libraries.values()))
    environment.require(python, tuple(pin for pin in environment.PINS if pin.name in needed))
    runtimes = {key: runtime_of(key, python) for key in LIBRARIES}
    return [_problem(row, names[row["metadata"]["library"]], runtimes) for row in rows]


def runtime_of(key: str, python: str) -> Runtime:
    """Return what programs of a library find when they start."""
    folders = cached_folders()
    variables = VARIABLES | folders
    for prefix in inspect_interpreter(python).prefixes:
        if environment.matplotlib_folder(prefix).is_dir():
            variables["MPLCONFIGDIR"] = str(environment.matplotlib_folder(prefix))
    return Runtime(
        interpreter=python,
        preload=(*BASE, *LIBRARIES[key].preload),
        variables=tuple(variables.items()),
        readable=tuple(folders.values()),
        command_line=key == "tensorflow",
        warm_up=SEED + LIBRARIES[key].warm_up,
    )


VARIABLES: Final = {
    "MPLBACKEND": "agg",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    **dict.fromkeys(("MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}
"""What the libraries are told: no screen, no GPU, one thread, since the engine runs a program on each core."""


def host_of(key: str, context: str) -> str:
    """Return the library among whose programs a problem runs: its own, unless it imports a slower one."""
    for module, host in HOSTS:
        if re.search(rf"^\s*(?:import|from) {module}\b", context, re.MULTILINE):
            return host
    return key


def _problem(row: Mapping[str, Any], key: str, runtimes: Mapping[str, Runtime]) -> SuiteProblem:
    context, number = row["code_context"], row["metadata"]["problem_id"]
    plans = tuple(plan_test(test) for test in tests_of(context))
    return SuiteProblem(
        Problem(f"{PREFIX}{number}", row["prompt"], None, "python", "ds1000"),
        row["reference_code"],
        plans,
        len(plans),
        limits=LIMITS,
        runtime=runtimes[host_of(key, context)],
        group=key,
        unavailable=what_is_missing(number),
        program=partial(program, context),
    )


OPTIONS: Final = (METADATA_KEY, environment.METADATA_KEY)


def _suite(only: str | None, description: str) -> Suite:
    name = f"ds1000_{only}" if only else "ds1000"
    load_part = partial(load, only=only)
    return Suite(
        name, load_part, STOP, description, PREFIX, postprocess, INSTRUCTION, downloads=True, options=OPTIONS
    )


SUITES: Final = (
    _suite(None, "DS-1000, 1,000 problems over seven libraries"),
    *(_suite(key, f"DS-1000, the problems of {library.name}") for key, library in LIBRARIES.items()),
)
