"""Builds correctness and efficiency pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codedpo_plugin import hookimpl
from codedpo_plugin.calibration.model import DEFAULT, read_calibration
from codedpo_plugin.config import ExecuteConfig, PairsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.pairing.correctness import confident, correctness_pair
from codedpo_plugin.pairing.efficiency import efficiency_pair
from codedpo_plugin.records import PairKind, PreferencePair


@hookimpl(trylast=True)
def codedpo_build_pairs(
    problems: Iterable[ScoredProblem], config: PairsConfig, execute: ExecuteConfig, context: Context
) -> Iterator[PreferencePair]:
    """Yield at most one pair of each configured kind per problem; count the problems without one by reason."""
    calibration = read_calibration(config.calibration or DEFAULT)
    with context.pool(execute, workers=1) as pool:  # programs timed side by side disturb each other
        for problem in problems:
            for kind in config.kinds:
                if kind is PairKind.CORRECTNESS:
                    pair = correctness_pair(problem, calibration)
                else:
                    pair = efficiency_pair(problem, pool, config.timing, calibration)
                pair = confident(pair, config.min_confidence)
                if isinstance(pair, str):
                    context.counts[f"{kind}_{pair}"] += 1
                else:
                    context.counts[f"{kind}_pairs"] += 1
                    yield pair
