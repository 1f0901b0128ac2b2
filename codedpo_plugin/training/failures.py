"""What the user hears of the libraries below: failures, with what mends them, and nothing else."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.errors import TrainingError

OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""How torch's allocators say it."""
NOT_WRITTEN: Final = ("no space left", "inline_container", "i/o error", "stale file handle")
"""How torch, safetensors and the system say that a file could not be written; the first two raise no OSError."""


@contextmanager
def explained(config: TrainConfig, folder: Path) -> Iterator[None]:
    """Turn missing packages, a lack of memory and a full disk into a TrainingError that says what to do.

    ``folder`` is where checkpoints and the model are written. All else is passed on.
    """
    try:
        yield
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}: pip install 'codedpo-plugin[train]'") from error
    except (MemoryError, OSError, RuntimeError, _error_of_safetensors()) as error:
        words = str(error).lower()  # torch.OutOfMemoryError is a RuntimeError
        if isinstance(error, MemoryError) or any(known in words for known in OUT_OF_MEMORY):
            raise TrainingError(f"there is not enough memory. {_advice(config)}") from error
        if any(known in words for known in NOT_WRITTEN):
            raise TrainingError(
                f"{folder}: the model or a checkpoint cannot be written, {_free(folder)}: {error}. A checkpoint "
                "takes three times the space of the trained weights in 32 bits, and there may be three at a time. "
                "What was finished before is kept: when that is mended, the same command continues."
            ) from error
        raise


def _error_of_safetensors() -> type[Exception]:
    """Return the class of its errors, which is none of Python's own, where it has been imported."""
    module = sys.modules.get("safetensors")
    found: type[Exception] = module.SafetensorError if module else OSError
    return found


def _free(folder: Path) -> str:
    """Return how much room there is."""
    try:
        return f"where {shutil.disk_usage(folder).free / 1e6:,.0f} MB are free"
    except OSError:
        return "and its disk cannot be asked how much is free"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' own progress bars, and what they say to one another, off the screen."""
    from datasets import utils as datasets
    from transformers.utils import logging as transformers

    bars = datasets.are_progress_bars_disabled(), transformers.is_progress_bar_enabled()
    verbosity = transformers.get_verbosity()
    datasets.disable_progress_bars()
    transformers.disable_progress_bar()
    transformers.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        transformers.set_verbosity(verbosity)
        if not bars[0]:
            datasets.enable_progress_bars()
        if bars[1]:
            transformers.enable_progress_bar()


def _advice(config: TrainConfig) -> str:
    """Return what is left to try, the cheapest first."""
    remedies = [
        (config.batch_size > 1, f"batch_size 1 (it is {config.batch_size}) with more gradient_accumulation"),
        (True, f"a smaller max_length (it is {config.max_length})"),
        (not config.gradient_checkpointing, "gradient_checkpointing"),
        (not config.lora, "lora"),
    ]
    return f"Try {', '.join(remedy for applies, remedy in remedies if applies)}, or a smaller model."
