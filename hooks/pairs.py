"""Builds correctness and efficiency pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codedpo_plugin import hookimpl
from codedpo_plugin.calibration.model import DEFAULT, Calibration, read_calibration
from codedpo_plugin.config import ExecuteConfig, PairsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Nothing, ScoredProblem
from codedpo_plugin.execution import Pool
from codedpo_plugin.pairing.correctness import confident, correctness_pairs
from codedpo_plugin.pairing.efficiency import efficiency_pair
from codedpo_plugin.pairing.examples import trusting_examples
from codedpo_plugin.records import PairKind, PreferencePair


@hookimpl(trylast=True)
def codedpo_build_pairs(
    problems: Iterable[ScoredProblem], config: PairsConfig, execute: ExecuteConfig, context: Context
) -> Iterator[PreferencePair | Nothing]:
    """Yield the pairs of each problem; count what is no pair by kind and reason."""
    calibration = read_calibration(config.calibration or DEFAULT)
    with context.pool(execute, workers=1) as pool:  # programs timed side by side disturb each other
        for given in problems:
            problem = trusting_examples(given) if config.trust_examples else given
            for kind in config.kinds:
                for found in _pairs(problem, kind, config, pool, calibration):
                    pair = confident(found, config.min_confidence)
                    context.counts[f"{kind}_{pair if isinstance(pair, str) else 'pairs'}"] += 1
                    if not isinstance(pair, str):
                        yield pair
            yield Nothing(problem.problem_id)  # or nothing more


def _pairs(
    problem: ScoredProblem, kind: PairKind, config: PairsConfig, pool: Pool, calibration: Calibration
) -> Iterator[PreferencePair | str]:
    """Yield the pairs of one kind, the best first, and the reasons why there are no more."""
    if kind is PairKind.EFFICIENCY:
        yield efficiency_pair(problem, pool, config.timing, calibration, config.enlarge)
    else:
        yield from correctness_pairs(problem, calibration, config.per_problem)
