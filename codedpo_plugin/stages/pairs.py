"""The stages from candidates to preference pairs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from codedpo_plugin import shards
from codedpo_plugin.calibration.model import DEFAULT, read_calibration
from codedpo_plugin.config import ExecuteConfig, PairsConfig, ScoreConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.execution.matrix import count_cells
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.manager import Plugins
from codedpo_plugin.pairing.examples import examples_among
from codedpo_plugin.records import PreferencePair
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.shards import Stream, streamed
from codedpo_plugin.stages.candidates import count_problem, counted, read_candidates, warn_of
from codedpo_plugin.stages.stage import Stage, dump

log = logging.getLogger(__name__)

ELSEWHERE: Final = ("workers", "sandbox", "ray_address")
"""Where and with how many workers programs run; that does not change the verdicts."""
ALIKE: Final = ("local", "ray")
"""Executors that give the same verdicts: a run may go on with another of them."""
SCORED: Final = 4
"""Shards in one of scores: to rank a problem takes microseconds, to finish a shard the disk takes milliseconds."""


def execute(run: RunDirectory, plugins: Plugins, config: ExecuteConfig) -> Stage:
    """Run every solution against every test."""
    source = run.require(run.candidates, "build CANDIDATES.jsonl -o DIR")
    bad = jsonl.BadLines()  # only where somebody else wrote them

    def work(context: Context) -> None:
        stream = Stream(
            counted(read_candidates(run, bad), bad, context.counts),
            lambda left: plugins.execute(left, config, context),
            parquet.MATRICES,
            run.matrix,
            total=jsonl.count(source),
            one_each=True,
            tally=count_cells,
            check=lambda _: warn_of(bad),
        )
        streamed(stream, context)

    unimportant = (*ELSEWHERE, "executor") if config.executor in ALIKE else ELSEWHERE
    settings = {name: value for name, value in dump(config).items() if name not in unimportant}
    return Stage("execute", settings, (source,), run.matrix, work, run.shards("execute"))


def score(run: RunDirectory, plugins: Plugins, config: ScoreConfig, seed: int) -> Stage:
    """Rank solutions and tests."""
    source = run.require(run.matrix, "execute DIR")

    def work(context: Context) -> None:
        stream = Stream(
            parquet.read_matrices(source),
            lambda left: plugins.score(left, config, context),
            parquet.SCORES,
            run.scores,
            total=parquet.count(source),
            one_each=True,
            tally=count_problem,
            size=SCORED * shards.SHARD,
        )
        streamed(stream, context)

    return Stage("score", dump(config) | {"seed": seed}, (source,), run.scores, work, run.shards("score"))


def pairs(run: RunDirectory, plugins: Plugins, config: PairsConfig, execute: ExecuteConfig) -> Stage:
    """Build preference pairs."""
    sources = (
        run.require(run.candidates, "build"),
        run.require(run.matrix, "execute DIR"),
        run.require(run.scores, "score DIR"),
    )

    def work(context: Context) -> None:
        stream: Stream[ScoredProblem, PreferencePair] = Stream(
            read_scored(run),
            lambda left: plugins.build_pairs(left, config, execute, context),
            jsonl.LINES,
            run.pairs,
            total=parquet.count(run.scores),
            tally=_count_pair,
        )
        context.counts["pairs"] = 0
        streamed(stream, context)
        _warn_of_confidence(run, config, context.counts)

    inputs = (*sources, config.calibration) if config.calibration else sources
    return Stage("pairs", dump(config), inputs, run.pairs, work, run.shards("pairs"))


def read_scored(run: RunDirectory) -> Iterator[ScoredProblem]:
    """Yield candidates, matrix and scores of each problem, which have to be in the same order."""
    triples = zip(
        read_candidates(run), parquet.read_matrices(run.matrix), parquet.read_scores(run.scores), strict=True
    )
    return (ScoredProblem.of(*triple) for triple in triples)


def _count_pair(_: PreferencePair, counts: Counter[str]) -> None:
    counts["pairs"] += 1


def _warn_of_confidence(run: RunDirectory, config: PairsConfig, counts: Mapping[str, int]) -> None:
    """Warn if every correctness pair was left out for its confidence, and tell what confidence there can be."""
    below = counts.get("correctness_below_min_confidence", 0)
    if not below or counts.get("correctness_pairs", 0):
        return
    solutions, tests, trusting = 0, 0, False
    for problem in read_scored(run):
        rows, columns = problem.matrix.verdicts.shape
        solutions, tests = max(solutions, rows), max(tests, columns)
        trusting |= config.trust_examples and bool(examples_among(problem.candidates))
    highest = read_calibration(config.calibration or DEFAULT).highest(solutions, tests, trusting=trusting)
    log.warning(
        "all %d correctness pairs were left out, as less probably right than min_confidence %g. The highest "
        "confidence that the calibration gives at %d solutions and %d tests a problem, the most here, is %.2f. Ask "
        "for less, for more solutions and tests, or fit a calibration to your model: `codedpo calibrate`",
        below,
        config.min_confidence,
        solutions,
        tests,
        highest,
    )
