"""Registers the built-in rankers."""

from __future__ import annotations

from collections.abc import Callable

from codedpo_plugin import hookimpl
from codedpo_plugin.contracts import Ranker
from codedpo_plugin.ranking import ablations, bayes, codet, self_validation


@hookimpl(trylast=True)
def codedpo_register_rankers(register: Callable[[str, Ranker], None]) -> None:
    """Register self-validation, the rankers it is compared with, and those beyond the paper."""
    for ranker in (
        self_validation.rank,
        ablations.all_tests,
        ablations.pass_count,
        ablations.random,
        codet.rank,
        bayes.rank,
    ):
        register(ranker.name, ranker)
