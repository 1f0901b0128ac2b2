"""What goes wrong in a training, said so that the user can mend it."""

from __future__ import annotations

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


def _advice(config: TrainConfig) -> str:
    """Return what is left to try, the cheapest first."""
    remedies = [
        (config.batch_size > 1, f"batch_size 1 (it is {config.batch_size}) with more gradient_accumulation"),
        (True, f"a smaller max_length (it is {config.max_length})"),
        (not config.gradient_checkpointing, "gradient_checkpointing"),
        (not config.lora, "lora"),
    ]
    return f"Try {', '.join(remedy for applies, remedy in remedies if applies)}, or a smaller model."
