"""Registers the built-in rankers."""

from __future__ import annotations

from collections.abc import Callable

from codedpo_plugin import hookimpl
from codedpo_plugin.contracts import Ranker
from codedpo_plugin.ranking import ablations, self_validation


@hookimpl(trylast=True)
def codedpo_register_rankers(register: Callable[[str, Ranker], None]) -> None:
    """Register self-validation and the rankers it is compared with."""
    register(self_validation.NAME, self_validation.rank)
    register("all-tests", ablations.all_tests)
    register("pass-count", ablations.pass_count)
    register("random", ablations.random)
