"""Which slow library a program imports, by its text alone."""

from __future__ import annotations

import pytest

from codedpo_plugin.execution.libraries import SLOW_TO_IMPORT, slow_library


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
    assert slow_library(program) == library


def test_each_is_named_once():
    assert len(set(SLOW_TO_IMPORT)) == len(SLOW_TO_IMPORT)
