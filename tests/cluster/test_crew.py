"""A real cluster: the verdicts and the order of one machine, whatever happens to actors and nodes."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir

import pytest

from codedpo_plugin.cluster import crew as crew_module
from codedpo_plugin.cluster.connection import INSTALLED, QUIET
from codedpo_plugin.cluster.crew import AHEAD, Crew
from codedpo_plugin.cluster.nodes import NodeReport, report_of
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution.sandboxes import BUILT_IN
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Candidates, PassMatrix

from .support import CONFIG, candidates, cells

pytestmark = pytest.mark.xdist_group("ray")
os.environ.update(QUIET)
ray = pytest.importorskip("ray", reason="Ray is not installed")
SANDBOXES = {s.name: s for s in BUILT_IN}


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """Return a cluster of one node with one CPU; Ray is connected to it."""
    from ray.cluster_utils import Cluster

    # A node that falls silent is noticed in a second or two; the default is half a minute.
    checks = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 500,
        "health_check_failure_threshold": 4,
    }
    own = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20, "_system_config": checks}
    cluster = Cluster(initialize_head=True, head_node_args=own)
    with chdir(INSTALLED):
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def second_node(cluster) -> Iterator:
    """Return a second node of the cluster, for one test."""
    node = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)


@pytest.fixture(scope="module")
def local() -> list[PassMatrix]:
    """Return what this machine alone makes of sixty problems."""
    return run_by("local", candidates(60))


@pytest.fixture(autouse=True)
def small_groups(monkeypatch) -> None:
    monkeypatch.setattr(crew_module, "GROUP", 4)
    monkeypatch.setattr(crew_module, "LOOK_EVERY_S", 0.5)


def run_by(executor: str, found: list[Candidates]) -> list[PassMatrix]:
    context = Context(create_plugins(installed=False))
    return list(context.plugins.execute(found, CONFIG.model_copy(update={"executor": executor}), context))


def crew_of(counts: Counter[str], ours: NodeReport | None = None) -> Crew:
    return Crew(ray, CONFIG, ours or report_of("landlock", SANDBOXES), counts)


def test_a_cluster_gives_the_matrices_of_one_machine_in_order(cluster, local):
    assert cells(run_by("ray", candidates(60))) == cells(local)


def test_no_problems_need_no_cluster():
    assert run_by("ray", []) == []


def test_times_are_recorded_on_request(cluster):
    counts: Counter[str] = Counter()
    config = CONFIG.model_copy(update={"record_times": True})
    (matrix,) = Crew(ray, config, report_of("landlock", SANDBOXES), counts).run(candidates(1))
    assert (matrix.cpu_ns >= 0).all()
    assert not counts


def test_no_more_is_read_than_is_needed(cluster):
    read = []
    found = crew_of(Counter()).run(read.append(c.problem_id) or c for c in candidates(400))
    next(found)
    assert len(read) <= 4 * (AHEAD + 1)
    found.close()


def test_an_actor_that_is_killed_is_replaced_and_its_problems_are_run_again(cluster, local, caplog):
    counts: Counter[str] = Counter()
    crew = crew_of(counts)
    found = crew.run(candidates(60))
    got = [next(found)]
    ray.kill(next(iter(crew._members.values())).actor)
    got += found
    assert cells(got) == cells(local)
    assert counts["actors_lost"] == 1
    assert counts["groups_run_again"] >= 1
    assert "was lost" in caplog.text


def test_a_group_that_kills_every_actor_is_given_up_by_name(cluster, monkeypatch):
    class Deadly(crew_module.NodeActor):
        def run(self, message: bytes) -> bytes:
            os._exit(1)

    monkeypatch.setattr(crew_module, "NodeActor", Deadly)
    counts: Counter[str] = Counter()
    with pytest.raises(
        SandboxError, match=r"problems p0 to p3 are given up, after 3 actors died:\n  .+\n  .+\n  .+"
    ):
        list(crew_of(counts).run(candidates(20)))
    assert counts["actors_lost"] == 3


def test_a_node_whose_workers_cannot_start_says_why(cluster, monkeypatch):
    class Broken(crew_module.NodeActor):
        def run(self, message: bytes) -> bytes:
            raise SandboxError("no room\nfor a worker")

    monkeypatch.setattr(crew_module, "NodeActor", Broken)
    with pytest.raises(SandboxError, match=r"given up.*\n  .*SandboxError: no room\nfor a worker"):
        list(crew_of(Counter()).run(candidates(1)))


@pytest.mark.parametrize("answer", [b"[]", {"p0": 0}])
def test_a_node_that_sends_something_else_is_refused(cluster, monkeypatch, answer):
    class Lying(crew_module.NodeActor):
        def run(self, message: bytes) -> object:
            return answer

    monkeypatch.setattr(crew_module, "NodeActor", Lying)
    with pytest.raises(SandboxError, match="it sent something else than was asked for"):
        list(crew_of(Counter()).run(candidates(1)))


def test_a_node_with_other_versions_is_refused_by_name_with_the_difference(cluster):
    ours = report_of("landlock", SANDBOXES)
    theirs = NodeReport({**ours.versions, "numpy": "0.0.1"})
    counts: Counter[str] = Counter()
    (name,) = (node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"])
    with pytest.raises(
        SandboxError, match=rf"no node .*\n  {name} .*numpy is {ours.versions['numpy']} there, 0.0.1"
    ):
        list(crew_of(counts, theirs).run(candidates(1)))
    assert counts == {"nodes_refused": 1}


def test_the_other_nodes_go_on_where_one_is_refused(cluster, local, tmp_path, caplog):
    fake = tmp_path / "site-packages" / "numpy-0.0.1.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    node = cluster.add_node(num_cpus=1, object_store_memory=80 << 20, env_vars={"PYTHONPATH": str(fake.parent)})
    counts: Counter[str] = Counter()
    try:
        assert cells(list(crew_of(counts).run(candidates(60)))) == cells(local)
    finally:
        cluster.remove_node(node)
    assert counts == {"nodes_refused": 1}
    assert "numpy is 0.0.1 there" in caplog.text


def test_a_node_that_goes_in_the_middle_changes_nothing(cluster, second_node, local):
    counts: Counter[str] = Counter()
    crew = crew_of(counts)
    while sum(m.accepted for m in crew._members.values()) < 2:  # else the first one ready may do all the work
        crew._recruit()
        crew._wait()

    def source() -> Iterator[Candidates]:
        for number, one in enumerate(candidates(60)):
            if number == 20:
                cluster.remove_node(second_node, allow_graceful=False)
                while sum(node["Alive"] for node in ray.nodes()) > 1:  # its actor goes on working for a moment
                    time.sleep(0.1)
            yield one

    got = list(crew.run(source()))
    assert cells(got) == cells(local)
    assert counts["actors_lost"] >= 1  # two, where the node still counts as alive when its actor is replaced
    assert counts["groups_run_again"] >= 1


def test_a_crew_without_nodes_says_so(cluster, monkeypatch):
    monkeypatch.setattr(ray, "nodes", list)
    with pytest.raises(SandboxError, match="no node of the cluster can run programs"):
        list(crew_of(Counter()).run(candidates(1)))


def test_an_actor_takes_no_more_cpus_than_workers_are_asked_for(cluster, monkeypatch):
    node = dict(next(n for n in ray.nodes() if n["Alive"]))
    node["Resources"] = {**node["Resources"], "CPU": 64.0}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    config: ExecuteConfig = CONFIG.model_copy(update={"workers": 1})
    assert len(list(Crew(ray, config, report_of("landlock", SANDBOXES), Counter()).run(candidates(2)))) == 2
