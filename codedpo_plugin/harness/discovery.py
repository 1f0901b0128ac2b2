"""Where the task YAMLs are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from codedpo_plugin.errors import UsageError

MARKER = "codedpo_micro.yaml"


def tasks_path() -> Path:
    """Return the folder to give to ``lm_eval --include_path``.

    In an editable install that is ``tasks/`` of the working tree; in an installed wheel it lies where lm-eval
    finds it anyway, under ``lm_eval/tasks/codedpo``.
    """
    here = Path(__file__).resolve().parents[2] / "tasks"
    spec = importlib.util.find_spec("lm_eval")
    installed = (
        [Path(folder) / "tasks" / "codedpo" for folder in (spec.submodule_search_locations or [])] if spec else []
    )
    for folder in (here, *installed):
        if (folder / MARKER).is_file():
            return folder
    raise UsageError("the task files are not installed; reinstall codedpo-plugin")
