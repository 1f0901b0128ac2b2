"""Preference training for code models, as a plugin of the pipelines that measure them.

A plugin author needs nothing but this module and :mod:`codedpo_plugin.hookspecs`::

    from codedpo_plugin import hookimpl

    @hookimpl
    def codedpo_register_rankers(register):
        register("mine", my_ranker)
"""

from typing import Final

import pluggy

__all__ = ["NAME", "__version__", "hookimpl"]

NAME: Final = "codedpo"
"""The Pluggy project name, and the entry-point group that plugins declare."""

__version__: Final = "0.1.0"

hookimpl: Final = pluggy.HookimplMarker(NAME)
"""Marks a function as an implementation of a hook of :mod:`codedpo_plugin.hookspecs`."""
