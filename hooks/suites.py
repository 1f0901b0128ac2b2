"""Offers the built-in evaluation suites."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.suites import Suite, ds1000, evalplus
from codedpo_plugin.suites.micro import MICRO


@hookimpl(trylast=True)
def codedpo_suites() -> Iterable[Suite]:
    """Offer the micro suite, EvalPlus's four, DS-1000 and its seven libraries."""
    return [MICRO, *evalplus.SUITES, *ds1000.SUITES]
