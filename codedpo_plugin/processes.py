"""Which of the processes launched together this is, as ``accelerate launch`` and ``torchrun`` tell each of them."""

from __future__ import annotations

import os


def number_of_processes() -> int:
    """Return how many processes were launched together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_number() -> int:
    """Return which of them this is, from 0 on."""
    return int(os.environ.get("RANK", "0")) if number_of_processes() > 1 else 0


def is_main_process() -> bool:
    """Return whether this is the one process that writes files and shows progress."""
    return process_number() == 0
