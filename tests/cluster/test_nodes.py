"""Nodes that would not give our verdicts are refused, and one is told why."""

from __future__ import annotations

import sys

import pytest

from codedpo_plugin.cluster.nodes import LIBRARIES, NodeReport, refusal, report_of
from codedpo_plugin.execution.sandboxes import BUILT_IN

SANDBOXES = {s.name: s for s in BUILT_IN}
OURS = NodeReport({"python": "3.11.9", "numpy": "2.4.6"})


class Missing:
    """A sandbox that no kernel has."""

    name = "landlock"

    def unavailable(self) -> str:
        return "the kernel has no Landlock"

    def launch(self, plan):
        raise NotImplementedError


def test_the_report_names_all_that_changes_verdicts():
    versions = report_of("unconfined", SANDBOXES).versions
    assert {"python", "interpreter", "machine", "codedpo-plugin", *LIBRARIES} == set(versions)
    assert versions["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert versions["numpy"][0].isdigit()


def test_a_machine_is_like_itself():
    assert refusal(report_of("unconfined", SANDBOXES), report_of("unconfined", SANDBOXES)) == ""


def test_a_report_survives_the_way():
    assert NodeReport.from_bytes(OURS.to_bytes()) == OURS


@pytest.mark.parametrize("message", [None, "text", b"", b"1", b"[1, 2]", b"[{}]", b"\xff"])
def test_what_is_no_report_is_refused(message):
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        NodeReport.from_bytes(message)


def test_a_node_that_cannot_confine_is_refused_with_the_reason():
    theirs = report_of("landlock", {"landlock": Missing()})
    assert "the kernel has no Landlock" in refusal(OURS, theirs)


def test_a_node_is_not_unconfined_because_it_cannot_confine():
    theirs = report_of("auto", {"landlock": Missing(), "unconfined": SANDBOXES["unconfined"]})
    assert "cannot be confined on this machine" in refusal(OURS, theirs)


def test_a_node_without_the_interpreter_is_refused():
    assert "'/nowhere/python' cannot be used" in refusal(
        OURS, report_of("unconfined", SANDBOXES, "/nowhere/python")
    )


@pytest.mark.parametrize(
    ("versions", "shown"),
    [
        ({"python": "3.11.9", "numpy": "1.26.4"}, "numpy is 1.26.4 there, 2.4.6 here"),
        ({"python": "3.11.9"}, "numpy is unknown there, 2.4.6 here"),
        ({"python": "3.12.1", "numpy": "1.26.4"}, "python is 3.12.1 there, 3.11.9 here; numpy is"),
    ],
)
def test_a_node_with_other_versions_is_refused_with_the_difference(versions, shown):
    assert shown in refusal(OURS, NodeReport(versions))


def test_what_a_node_has_besides_makes_no_difference():
    assert refusal(OURS, NodeReport({**OURS.versions, "more": "1"})) == ""
