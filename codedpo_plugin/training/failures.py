"""What the user hears of the libraries below: failures, with what mends them, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.errors import TrainingError

OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""How torch's allocators say it."""


@contextmanager
def explained(config: TrainConfig) -> Iterator[None]:
    """Turn missing packages and a lack of memory into a TrainingError that says what to do; pass on the rest."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}: pip install 'codedpo-plugin[train]'") from error
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise TrainingError(f"there is not enough memory. {_advice(config)}") from error
        raise


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
