"""``codedpo tasks-path``: where the lm-eval task files are."""

from __future__ import annotations


def tasks_path() -> None:
    """Print the folder for lm_eval --include_path."""
    from codedpo_plugin.cli.console import out
    from codedpo_plugin.harness.discovery import tasks_path as find_tasks

    out(str(find_tasks()))
