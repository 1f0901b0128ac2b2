"""What is done beside training: callbacks of transformers' Trainer, made of plain functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats.files import flush

COMPLETE: Final = "complete"
"""A file in every checkpoint that was written to its end."""


def callback(**events: Callable[..., None]) -> Any:
    """Return a TrainerCallback that calls a function with arguments and state at each named event."""
    from transformers import TrainerCallback

    def method(function: Callable[..., None]) -> Callable[..., None]:
        def on_event(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG001 - the protocol
            function(args, state, **more)

        return on_event

    return type("Callback", (TrainerCallback,), {name: method(function) for name, function in events.items()})()


def progress(context: Context) -> Any:
    """Return the callback that tells the progress of a stage in steps."""

    def tell(args: Any, state: Any, **_: Any) -> None:  # noqa: ARG001 - the protocol
        context.progress(state.global_step, state.max_steps)

    return callback(on_train_begin=tell, on_step_end=tell)


def stop_at_nan() -> Any:
    """Return the callback that ends a training which learns no more."""

    def look(args: Any, state: Any, logs: dict[str, float], **_: Any) -> None:  # noqa: ARG001 - idem
        if not math.isfinite(logs.get("loss", 0.0)):
            raise TrainingError(
                f"step {state.global_step}: the loss is {logs['loss']}. Lower learning_rate, or train with "
                "precision fp32."
            )

    return callback(on_log=look)


def completed_checkpoints() -> Any:
    """Return the callback that marks a checkpoint when every process has written its part."""

    def mark(args: Any, state: Any, **_: Any) -> None:
        from accelerate import PartialState

        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            flush(checkpoint)
            (checkpoint / COMPLETE).touch()

    return callback(on_save=mark)


def last_checkpoint(folder: Path | None) -> Path | None:
    """Return the newest complete checkpoint in a folder, or None."""
    if folder is None:
        return None
    found = [mark.parent for mark in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
