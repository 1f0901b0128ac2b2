"""Which slow library a program imports, by its text alone."""

from __future__ import annotations

import pytest

from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.interpreter import inspect_interpreter
from codedpo_plugin.execution.libraries import SLOW_TO_IMPORT, slow_library

from .support import ask

MODULES = frozenset({"os", "requests", *(library.partition(".")[0] for library in SLOW_TO_IMPORT)})


@pytest.mark.parametrize(
    ("program", "library"),
    [
        ("", None),
        ("import os, sys\ndef f(x): return x", None),
        ("import numpy as np", "numpy"),
        ("from numpy import array", "numpy"),
        ("def f(x):\n    import torch.nn as nn\n    return x", "torch"),
        ("import numpy\nimport torch", "torch"),
        ("import matplotlib", "matplotlib"),
        ("import matplotlib.pyplot as plt", "matplotlib.pyplot"),
        ("from matplotlib import pyplot as plt", "matplotlib.pyplot"),
        ("from scipy.stats import norm", "scipy.stats"),
        ("from scipy import (\n    stats,\n)", "scipy"),
        ("import numpy_financial", None),
        ("important = 'numpy'", None),
        ("x = 1; import numpy", None),
    ],
)
def test_the_slowest_library_that_is_named_first_in_an_import_statement(program, library):
    assert slow_library(program, MODULES) == library


@pytest.mark.parametrize(
    ("program", "library"),
    [
        ("import missing\nimport numpy", None),
        ("from . import missing\nimport numpy", None),
        ("from. import missing\nimport numpy", None),
        ("import numpy\nimport missing\nimport torch", "numpy"),
        ("try:\n    import missing\nexcept ImportError:\n    import numpy", "numpy"),
        ("def f():\n    import absent\n    import numpy", "numpy"),
    ],
)
def test_what_comes_after_something_that_is_not_there_does_not_count(program, library):
    assert slow_library(program, MODULES) == library


def test_a_library_that_is_not_there_does_not_count():
    assert (
        slow_library("try:\n    import torch\nexcept ImportError:\n    import numpy", MODULES - {"torch"})
        == "numpy"
    )


def test_an_interpreter_tells_what_can_be_imported_from_it():
    modules = inspect_interpreter().modules
    assert {"sys", "os", "math", "numpy", "_json"} <= modules
    assert "missing" not in modules


def test_a_program_that_ends_before_it_imports_a_slow_library_has_none_loaded_for_it():
    with Pool(1) as pool:
        here = ask(pool, "import os", "os.getppid()")[0].payload
        (failed,) = ask(pool, "import missing\nimport numpy", "1")
        after = ask(pool, "try:\n    import missing\nexcept ImportError:\n    import os", "os.getppid()")[0].payload
        library = ask(pool, "import numpy, os", "os.getppid()")[0].payload
    assert "ModuleNotFoundError" in failed.payload
    assert here == after != library


def test_each_is_named_once():
    assert len(set(SLOW_TO_IMPORT)) == len(SLOW_TO_IMPORT)
