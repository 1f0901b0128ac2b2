"""A crew of actors, one on each node: groups of problems go out, matrices come back in the order of the problems.

One thread and no locks, as in the pool of one machine: a generator that keeps every actor supplied with two
groups, waits for whichever answers first and hands matrices out in order. Problems are read only as matrices are
consumed. An actor that dies, with its node or alone, is replaced where its node lives on; its groups go to others.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from codedpo_plugin.cluster.actor import NodeActor
from codedpo_plugin.cluster.messages import pack_candidates, unpack_matrices
from codedpo_plugin.cluster.nodes import NodeReport, refusal
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.errors import SandboxError
from codedpo_plugin.records import Candidates, PassMatrix

log = logging.getLogger(__name__)

GROUP: Final = 32
"""Problems a group: as many as the engine judges together."""
IN_FLIGHT: Final = 2
"""Groups an actor holds: one running, one waiting, so that it never idles."""
AHEAD: Final = 4
"""Groups per actor between source and consumer; bounds the memory of this process."""
ATTEMPTS: Final = 3
"""Actors that may die with a group, and actors that may die on a node, before it is given up."""
LOOK_EVERY_S: Final = 5.0
"""Seconds from one look for new nodes to the next."""
COMPLAIN_EVERY_S: Final = 30.0
"""Seconds without any actor after which it is said what is waited for."""


@dataclass(slots=True, eq=False)
class _Group:
    """Some problems on their way through the crew."""

    number: int
    candidates: list[Candidates]
    failures: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Member:
    """An actor and what it holds."""

    node: str
    name: str
    actor: Any
    accepted: bool = False
    groups: deque[_Group] = field(default_factory=deque)


class Crew:
    """Runs groups of problems on the nodes of a cluster that ``ray`` is connected to.

    On every node with CPUs one actor reserves ``config.workers`` of them, by default all, and owns as many
    workers. A node whose report differs from ``ours`` gets no programs; it is named in a warning and counted.
    """

    def __init__(self, ray: Any, config: ExecuteConfig, ours: NodeReport, counts: Counter[str]) -> None:
        self._ray, self._config, self._ours, self._counts = ray, config, ours, counts
        self._members: dict[str, _Member] = {}
        self._refused: dict[str, str] = {}
        """Why nodes get nothing, by id."""
        self._deaths: Counter[str] = Counter()
        self._pending: dict[Any, tuple[_Member, _Group | None]] = {}
        """What actors have been asked for, by Ray's reference; no group: their report."""
        self._waiting: deque[_Group] = deque()
        self._finished: dict[int, list[PassMatrix]] = {}
        self._taken = self._handed_out = 0
        self._looked = -LOOK_EVERY_S
        self._complained = time.monotonic()

    def run(self, candidates: Iterable[Candidates]) -> Iterator[PassMatrix]:
        """Yield one matrix per candidates, in order.

        Raises SandboxError when no node is left, or a group was given up.
        """
        source = iter(candidates)
        try:
            while True:
                while (matrices := self._finished.pop(self._handed_out, None)) is not None:
                    self._handed_out += 1
                    yield from matrices
                self._take(source)
                if self._taken == self._handed_out:
                    return
                self._recruit()
                self._supply()
                self._wait()
        finally:
            self._dismiss()

    def _take(self, source: Iterator[Candidates]) -> None:
        """Take in a group if there is none waiting and not too many are held back by a slow one."""
        ahead = AHEAD * max(len(self._members), 1)
        while len(self._waiting) < max(len(self._members), 1) and self._taken - self._handed_out < ahead:
            group = list(islice(source, GROUP))
            if not group:
                return
            self._waiting.append(_Group(self._taken, group))
            self._taken += 1

    # ----------------------------------------------------------------- nodes

    def _recruit(self) -> None:
        """Start an actor on every node that has none; raise SandboxError if no node can be had."""
        if self._members and time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        for node in self._ray.nodes():
            cpus, known = int(node["Resources"].get("CPU", 0)), node["NodeID"]
            if node["Alive"] and cpus and known not in self._members and known not in self._refused:
                self._start(known, f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})", cpus)
        if not self._members:
            reasons = "\n".join(
                f"  {reason}" for reason in self._refused.values() or ["none is there that has CPUs"]
            )
            raise SandboxError(f"no node of the cluster can run programs:\n{reasons}")

    def _start(self, node: str, name: str, cpus: int) -> None:
        """Start an actor on a node and ask it what it would run programs with."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        workers = min(self._config.workers or cpus, cpus)
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        kind = self._ray.remote(NodeActor).options(num_cpus=workers, scheduling_strategy=there)
        member = _Member(node, name, kind.remote(self._config.model_dump_json(), workers))
        self._members[node] = member
        self._pending[member.actor.report.remote()] = (member, None)

    def _refuse(self, member: _Member, reason: str) -> None:
        """Give a node nothing from now on."""
        log.warning("node %s is refused: %s", member.name, reason)
        self._refused[member.node] = f"{member.name}: {reason}"
        self._counts["nodes_refused"] += 1
        self._release(member)

    def _lose(self, member: _Member, reason: str) -> None:
        """Take back what a dead actor held; only the group it was running may be at fault."""
        self._deaths[member.node] += 1
        self._counts["actors_lost"] += 1
        if member.groups:
            culprit = member.groups[0]
            culprit.failures.append(f"{member.name}: {reason}")
            if len(culprit.failures) == ATTEMPTS:
                raise _given_up(culprit)
        if self._deaths[member.node] == ATTEMPTS:
            self._refuse(member, f"{ATTEMPTS} actors died there, the last one: {reason}")
        else:
            log.warning("an actor on node %s was lost (%s); its problems are run again", member.name, reason)
            self._release(member)

    def _release(self, member: _Member) -> None:
        """Forget an actor; the groups it holds are next in line."""
        self._ray.kill(member.actor)
        del self._members[member.node]
        self._pending = {ref: asked for ref, asked in self._pending.items() if asked[0] is not member}
        if member.groups:
            self._counts["groups_run_again"] += len(member.groups)
        self._waiting.extendleft(reversed(member.groups))
        self._looked = -LOOK_EVERY_S  # the node may have another one

    def _dismiss(self) -> None:
        """Let actors that are idle stop their workers; end all of them."""
        idle = [m.actor.close.remote() for m in self._members.values() if m.accepted and not m.groups]
        if idle:
            self._ray.wait(idle, num_returns=len(idle), timeout=LOOK_EVERY_S)
        for member in self._members.values():
            self._ray.kill(member.actor)
        self._members.clear()

    # ----------------------------------------------------------------- groups

    def _supply(self) -> None:
        """Give groups to the actors that have room, the least busy one first."""
        while self._waiting:
            free = [m for m in self._members.values() if m.accepted and len(m.groups) < IN_FLIGHT]
            if not free:
                return
            member, group = min(free, key=lambda m: len(m.groups)), self._waiting.popleft()
            member.groups.append(group)
            self._pending[member.actor.run.remote(pack_candidates(group.candidates))] = (member, group)

    def _wait(self) -> None:
        """Wait until something happens; file it."""
        ready, _ = self._ray.wait(list(self._pending), timeout=LOOK_EVERY_S)
        for ref in ready:
            self._settle(ref, *self._pending.pop(ref))
        if not ready and not any(m.accepted for m in self._members.values()):
            self._complain()

    def _settle(self, ref: Any, member: _Member, group: _Group | None) -> None:
        """File what an actor answered, or that it cannot answer any more."""
        try:
            message = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            quoted = "ray::" in str(error)  # a traceback: the node is there, but our code does not run on it
            (self._refuse if group is None and quoted else self._lose)(member, _reason(error))
            return
        try:
            if group is None:
                self._accept(member, NodeReport.from_bytes(message))
            else:
                self._finished[group.number] = unpack_matrices(message, group.candidates)
                member.groups.remove(group)
        except ValueError as error:
            self._refuse(member, f"it sent something else than was asked for: {error}")

    def _accept(self, member: _Member, report: NodeReport) -> None:
        reason = refusal(self._ours, report)
        if reason:
            self._refuse(member, reason)
        member.accepted = not reason

    def _complain(self) -> None:
        """Say, now and then, that nothing goes on because no node has room for an actor."""
        if time.monotonic() - self._complained > COMPLAIN_EVERY_S:
            self._complained = time.monotonic()
            names = ", ".join(m.name for m in self._members.values())
            log.warning("waiting for actors to start on %s; are CPUs free? --workers asks for fewer", names)


def _given_up(group: _Group) -> SandboxError:
    first, last = group.candidates[0].problem_id, group.candidates[-1].problem_id
    attempts = "\n".join(f"  {failure}" for failure in group.failures)
    return SandboxError(f"problems {first} to {last} are given up, after {ATTEMPTS} actors died:\n{attempts}")


def _reason(error: Exception) -> str:
    """Return what happened: our own error on the node, or the telling line of one of Ray's.

    That is the first, but the last one where it quotes a traceback.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return f"{type(cause).__name__}: {cause}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if "ray::" in str(error) else 0]
