"""The executor ``ray`` against ``local`` on the same cores, and what a lost node costs; on real programs.

    python benchmarks/cluster.py [--runs 3] [--problems 154] [--only one,two,lost]

- *local*: a pool of as many workers as there are cores.
- *one*: an embedded cluster of one node with all cores.
- *two*: a cluster of two nodes (raylets) on this machine, each with half of the cores.
- *lost*: the same, one node being killed when a third of the problems is done.

Each run executes CodeGen-16B's solutions and tests for HumanEval, 15 x 15 a problem (benchmarks/codegen.py). The
ways take turns. Ray's start is timed apart; a run's time counts from the first problem read to the last matrix, and
contains the start of the actors. Whatever verdict differs from the first local run is counted.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from codegen import candidates
from rich.console import Console
from rich.table import Table

from codedpo_plugin.cluster.connection import QUIET, STORE_BYTES, connected
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Candidates, PassMatrix

CORES = len(os.sched_getaffinity(0))


def run(
    executor: str, found: Sequence[Candidates], watch: Callable[[int], None]
) -> tuple[str, float, Counter[str]]:
    """Execute everything; return a digest of all verdicts, the seconds it took, and what was counted."""
    context = Context(create_plugins())
    config = ExecuteConfig(executor=executor, workers=CORES)
    total, start = hashlib.sha256(), time.perf_counter()
    for done, matrix in enumerate(context.plugins.execute(found, config, context), 1):
        total.update(_bytes(matrix))
        watch(done)
    return total.hexdigest(), time.perf_counter() - start, context.counts


def _bytes(matrix: PassMatrix) -> bytes:
    return (
        f"{matrix.problem_id} {matrix.verdicts.shape} {matrix.judged_inside}".encode() + matrix.verdicts.tobytes()
    )


def nothing(_: int) -> None:
    """Watch without doing anything."""


@contextmanager
def no_cluster() -> Iterator[None]:
    yield


@contextmanager
def one_node() -> Iterator[Any]:
    with connected(None, CORES) as ray:
        yield ray


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Yield the second of two nodes of one cluster."""
    os.environ.update(QUIET)
    import ray
    from ray.cluster_utils import Cluster

    each = {"num_cpus": max(CORES // 2, 1), "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=each | {"include_dashboard": False})
    try:
        node = cluster.add_node(**each)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield lambda: cluster.remove_node(node, allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()  # ends the nodes with SIGTERM; Ray tells of that on standard error


def measure(way: str, found: Sequence[Candidates]) -> tuple[float, str, float, Counter[str]]:
    """Return seconds to start, digest, seconds to run, counts of one run."""
    place = {"local": no_cluster, "one": one_node}.get(way, two_nodes)
    start = time.perf_counter()
    with place() as opened:
        started = time.perf_counter() - start

        def kill(done: int) -> None:
            if done == len(found) // 3:
                opened()

        return started, *run("local" if way == "local" else "ray", found, kill if way == "lost" else nothing)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--problems", type=int, default=154)
    parser.add_argument("--only", default="one,two,lost")
    options = parser.parse_args()
    found = [c for c in candidates(15, 15) if c.tests][: options.problems]
    ways = ["local", *options.only.split(",")]
    results: dict[str, list[tuple[float, str, float, Counter[str]]]] = {way: [] for way in ways}
    for _ in range(options.runs):
        for way in ways:
            results[way].append(measure(way, found))
            print(way, *(f"{seconds:.1f} s" for seconds in (results[way][-1][0], results[way][-1][2])), flush=True)
    show(results, len(found))


def show(results: dict[str, list[tuple[float, str, float, Counter[str]]]], problems: int) -> None:
    """Print one row for each way."""
    base = median(seconds for _, _, seconds, _ in results["local"])
    expected = results["local"][0][1]
    table = Table(title=f"{problems} problems, {CORES} cores", title_justify="left")
    for column in (
        "way",
        "start of Ray",
        "runs, s",
        "median, s",
        "against local",
        "other verdicts",
        "lost, run again",
    ):
        table.add_column(column)
    for way, runs in results.items():
        times = [seconds for _, _, seconds, _ in runs]
        counts = sum((counts for *_, counts in runs), Counter[str]())
        table.add_row(
            way,
            f"{median(started for started, *_ in runs):.1f} s",
            ", ".join(f"{seconds:.1f}" for seconds in times),
            f"{median(times):.1f}",
            f"{median(times) / base:.2f}",
            f"{sum(digest != expected for _, digest, _, _ in runs)} of {len(runs)} runs",
            f"{counts['actors_lost']} actors, {counts['groups_run_again']} groups",
        )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
