"""Offers the built-in evaluation suites."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.suites import Suite
from codedpo_plugin.suites.evalplus import SUITES
from codedpo_plugin.suites.micro import MICRO


@hookimpl(trylast=True)
def codedpo_suites() -> Iterable[Suite]:
    """Offer the micro suite and EvalPlus's four."""
    return [MICRO, *SUITES]
