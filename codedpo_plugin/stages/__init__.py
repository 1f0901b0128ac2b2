"""The stages of a run, one function each: what a stage reads and writes, what it depends on, and its work."""

from codedpo_plugin.stages.stage import Stage

__all__ = ["Stage"]
