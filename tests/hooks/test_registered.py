"""What the built-in plugins register and offer, and the report they write."""

from __future__ import annotations

import pytest

from codedpo_plugin.context import Context
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.rundir import Manifest, RunDirectory


@pytest.mark.parametrize(
    ("things", "names"),
    [
        ("rankers", {"self-validation", "all-tests", "pass-count", "random", "codet", "bayes"}),
        ("executors", {"local"}),
        ("sandboxes", {"landlock", "bubblewrap", "unconfined"}),
        ("trainers", {"dpo", "rpo", "kto", "sft"}),
        ("suites", {"micro", "humaneval", "humaneval_plus", "mbpp", "mbpp_plus"}),
    ],
)
def test_what_the_contract_names_is_there(things, names):
    assert names <= set(getattr(create_plugins(installed=False), things))


def test_a_sandbox_is_registered_under_its_own_name():
    sandboxes = create_plugins(installed=False).sandboxes
    assert {name: sandbox.name for name, sandbox in sandboxes.items()} == {name: name for name in sandboxes}


def test_running_unconfined_is_the_last_choice():
    assert list(create_plugins(installed=False).sandboxes)[-1] == "unconfined"


def test_the_report_is_a_page_in_the_run_directory(tmp_path):
    run = RunDirectory(tmp_path)
    Manifest(run).write()
    context = Context(create_plugins(installed=False))
    assert context.plugins.report(run, context) == run.report
    assert run.report.read_text("utf-8").startswith("<!doctype html>")
