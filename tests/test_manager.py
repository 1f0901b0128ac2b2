"""The plugin manager: who is asked first, who is to blame, who is merely told."""

from __future__ import annotations

import logging
import sys
import types

import numpy as np
import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ProblemsConfig, ScoreConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import PluginError, UsageError
from codedpo_plugin.manager import BLOCK_VARIABLE, BUILT_IN, create_plugins, find
from codedpo_plugin.records import PassMatrix, Scores
from codedpo_plugin.suites import Suite

MATRIX = PassMatrix("p", np.zeros((1, 1), np.uint8))


class Scorer:
    """A plugin that scores with a mark of its own, or leaves it to others."""

    def __init__(self, mark: float | None) -> None:
        self.mark = mark

    @hookimpl
    def codedpo_score(self, matrices):
        if self.mark is None:
            return None
        return [Scores(m.problem_id, "mine", np.full(1, self.mark), np.ones(1)) for m in matrices]


class Registering:
    """A plugin that registers a ranker and offers a suite under some name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def codedpo_register_rankers(self, register):
        register(self.name, lambda matrix, params: None)

    @hookimpl
    def codedpo_suites(self):
        return [Suite(self.name, lambda metadata: [])]


class Observer:
    """A plugin that keeps what it is told, or fails."""

    def __init__(self, *, failing: bool = False) -> None:
        self.told: list[object] = []
        self.failing = failing

    @hookimpl
    def codedpo_stage_started(self, stage):
        if self.failing:
            raise RuntimeError("no ears")
        self.told.append(stage)

    @hookimpl
    def codedpo_stage_finished(self, seconds, counts):
        self.told.append((dict(counts), seconds))

    @hookimpl
    def codedpo_progress(self, stage, done, total):
        self.told.append((stage, done, total))


def with_plugins(**plugins: object):
    """Return a manager with these plugins, and none of those installed on this machine."""
    return create_plugins(plugins.items(), installed=False)


def plugin(**hooks: object) -> types.ModuleType:
    """Return a plugin module with these hooks."""
    module = types.ModuleType("some_module")
    vars(module).update({name: hookimpl(function) for name, function in hooks.items()})
    return module


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a plugin of this code, as pip would, for the time of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / "louder-1.2.dist-info"

    def installed(code: str) -> None:
        (tmp_path / "some_module.py").write_text(f"from codedpo_plugin import hookimpl\n\n{code}\n")
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: louder\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text("[codedpo]\nlouder = some_module\n")

    yield installed
    sys.modules.pop("some_module", None)


def score(plugins) -> Scores:
    (found,) = plugins.score([MATRIX], ScoreConfig(), Context(plugins))
    return found


# --------------------------------------------------------------------------- who is there


def test_every_manager_is_a_fresh_one():
    first, second = with_plugins(mine=Registering("mine")), with_plugins()
    assert first.manager is not second.manager
    assert "mine" in first.rankers
    assert "mine" not in second.rankers


def test_built_ins_are_described_with_their_hooks():
    described = {info.name: info for info in with_plugins().describe()}
    assert set(described) == {f"codedpo.{name}" for name in BUILT_IN}
    assert all(info.built_in and info.version == "" for info in described.values())
    assert described["codedpo.score"].hooks == ("codedpo_score",)


def test_a_plugin_is_described_before_those_asked_after_it():
    described = with_plugins(mine=Observer()).describe()
    assert described[0].name == "mine"
    assert described[0].hooks == ("codedpo_progress", "codedpo_stage_finished", "codedpo_stage_started")
    assert not described[0].built_in


def test_an_installed_plugin_is_found_and_described_with_its_version(install):
    install("@hookimpl\ndef codedpo_suites():\n    return []")
    (info,) = [info for info in create_plugins().describe() if info.name == "louder"]
    assert (info.version, info.built_in, info.hooks) == ("1.2", False, ("codedpo_suites",))


def test_installed_plugins_can_be_left_out(install):
    install("@hookimpl\ndef codedpo_suites():\n    return []")
    assert all(info.built_in for info in create_plugins(installed=False).describe())


@pytest.mark.parametrize("blocked", ["louder", "other, louder ,", " louder"])
def test_an_installed_plugin_can_be_blocked_by_name_even_if_it_is_broken(install, monkeypatch, blocked):
    install("raise RuntimeError('broken')")
    monkeypatch.setenv(BLOCK_VARIABLE, blocked)
    assert "louder" not in [info.name for info in create_plugins().describe()]


def test_an_installed_plugin_that_cannot_be_imported_is_named(install):
    install("raise RuntimeError('broken')")
    with pytest.raises(PluginError, match="broken") as caught:
        create_plugins()
    assert "louder" in str(caught.value)


def test_two_plugins_of_one_name_are_an_error():
    with pytest.raises(PluginError, match="mine"):
        create_plugins([("mine", Observer()), ("mine", Observer())], installed=False)


# --------------------------------------------------------------------------- what a plugin may implement


def test_a_hook_that_does_not_exist_is_an_error_that_names_plugin_and_hook():
    with pytest.raises(PluginError, match="unknown hook 'codedpo_scores'") as caught:
        with_plugins(mine=plugin(codedpo_scores=lambda matrices: None))
    assert "'mine'" in str(caught.value)


def test_an_argument_that_a_hook_does_not_have_is_an_error_that_names_plugin_hook_and_argument():
    with pytest.raises(PluginError, match="codedpo_score") as caught:
        with_plugins(mine=plugin(codedpo_score=lambda matrixes: None))
    assert "'mine'" in str(caught.value)
    assert "matrixes" in str(caught.value)


def test_an_installed_plugin_is_checked_too(install):
    install("@hookimpl\ndef codedpo_scoring():\n    return []")
    with pytest.raises(PluginError, match="codedpo_scoring") as caught:
        create_plugins()
    assert "louder" in str(caught.value)


# --------------------------------------------------------------------------- stages


def test_a_built_in_answers_where_no_other_plugin_does():
    assert score(with_plugins()).ranker == "self-validation"


def test_a_plugin_is_asked_before_the_built_in():
    assert score(with_plugins(mine=Scorer(7.0))).solutions.tolist() == [7.0]


def test_an_installed_plugin_is_asked_before_the_built_in(install):
    install("@hookimpl\ndef codedpo_score(matrices):\n    return ['scored by louder']")
    assert score(create_plugins()) == "scored by louder"


def test_of_two_plugins_the_last_one_is_asked_first():
    plugins = create_plugins([("first", Scorer(1.0)), ("last", Scorer(2.0))], installed=False)
    assert score(plugins).solutions.tolist() == [2.0]


def test_a_plugin_that_returns_none_leaves_the_stage_to_the_built_in():
    assert score(with_plugins(mine=Scorer(None))).ranker == "self-validation"


def test_a_stage_that_nobody_answers_is_an_error_that_names_the_hook():
    plugins = with_plugins()
    plugins.manager.unregister(name="codedpo.score")
    with pytest.raises(PluginError, match=r"no plugin answers the hook codedpo_score; see `codedpo plugins`"):
        plugins.score([MATRIX], ScoreConfig(), Context(plugins))


def test_seeds_need_no_answer():
    plugins = with_plugins()
    assert list(plugins.collect_seeds(ProblemsConfig(suite="micro"), Context(plugins))) == []


def test_the_error_of_a_stage_stops_the_run_unchanged():
    def codedpo_score(matrices):
        raise UsageError("there is no such ranker")

    with pytest.raises(UsageError, match=r"^there is no such ranker$"):
        score(with_plugins(mine=plugin(codedpo_score=codedpo_score)))


# --------------------------------------------------------------------------- register and collect


def test_what_plugins_register_joins_what_is_built_in():
    assert {"mine", "self-validation"} <= set(with_plugins(p=Registering("mine")).rankers)


def test_sandboxes_keep_their_order_of_preference():
    assert list(with_plugins().sandboxes)[-1] == "unconfined"


@pytest.mark.parametrize(
    ("things", "name", "owner"), [("rankers", "random", "codedpo.rankers"), ("suites", "micro", "codedpo.suites")]
)
def test_a_name_taken_by_a_built_in_is_an_error_that_names_both_plugins(things, name, owner):
    with pytest.raises(PluginError, match=name) as caught:
        getattr(with_plugins(mine=Registering(name)), things)
    assert "'mine'" in str(caught.value)
    assert f"'{owner}'" in str(caught.value)


@pytest.mark.parametrize("things", ["rankers", "suites"])
def test_a_name_taken_twice_is_an_error_that_names_both_plugins(things):
    plugins = with_plugins(one=Registering("x"), two=Registering("x"))
    with pytest.raises(PluginError, match="'x'") as caught:
        getattr(plugins, things)
    assert "'one'" in str(caught.value)
    assert "'two'" in str(caught.value)


def test_a_plugin_that_fails_to_register_is_named():
    def codedpo_register_rankers(register):
        raise ValueError("no rankers today")

    plugins = with_plugins(mine=plugin(codedpo_register_rankers=codedpo_register_rankers))
    with pytest.raises(PluginError, match="'mine' failed in codedpo_register_rankers: ValueError: no"):
        _ = plugins.rankers


def test_a_plugin_that_fails_to_offer_its_suites_is_named():
    def codedpo_suites():
        raise ValueError("no suites today")

    plugins = with_plugins(mine=plugin(codedpo_suites=codedpo_suites))
    with pytest.raises(PluginError, match="'mine' failed in codedpo_suites: ValueError: no"):
        _ = plugins.suites


# --------------------------------------------------------------------------- observers


def test_observers_are_told_what_they_ask_for():
    observer = Observer()
    plugins = with_plugins(mine=observer)
    plugins.stage_started("score")
    plugins.progress("score", 1, None)
    plugins.stage_finished("score", {"problems": 1}, 0.5)
    assert observer.told == ["score", ("score", 1, None), ({"problems": 1}, 0.5)]


def test_an_observer_that_fails_is_a_warning_with_its_name_and_the_others_are_told(caplog):
    first, last = Observer(), Observer()
    plugins = with_plugins(first=first, deaf=Observer(failing=True), last=last)
    with caplog.at_level(logging.WARNING):
        plugins.stage_started("score")
    assert (first.told, last.told) == (["score"], ["score"])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "plugin 'deaf' failed in codedpo_stage_started: no ears"


def test_an_interrupt_in_an_observer_is_not_swallowed():
    def codedpo_stage_started():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_plugins(mine=plugin(codedpo_stage_started=codedpo_stage_started)).stage_started("score")


# --------------------------------------------------------------------------- names


def test_what_is_registered_is_found_by_name():
    assert find("ranker", "mine", {"mine": 3}) == 3


def test_what_is_not_registered_is_an_error_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown ranker 'self-validaton'\. Did you mean 'self-validation'"):
        find("ranker", "self-validaton", with_plugins().rankers)
