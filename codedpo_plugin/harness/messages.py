"""What tasks say is shown as lm-eval shows what it says itself."""

from __future__ import annotations

import logging


def speak_as_lm_eval() -> None:
    """Let the messages of this package go where lm-eval's go, unless somebody has decided where they go.

    lm-eval sets up its own logger only: without this what tasks tell, and do not warn of, is lost.
    """
    own, theirs = logging.getLogger("codedpo_plugin"), logging.getLogger("lm_eval")
    if theirs.handlers and not own.hasHandlers():
        own.handlers = list(theirs.handlers)
        own.setLevel(theirs.level)
        own.propagate = False
