"""The built-in plugin that generates candidates."""

from __future__ import annotations

from codedpo_plugin.config import GenerateConfig
from codedpo_plugin.context import Context
from codedpo_plugin.generation import sampling
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Problem


class FakeModel:
    """Stands for a model of lm-eval."""

    def generate_until(self, instances):
        return [" f(1) == 1" if i.args[0].endswith("assert") else "    return x" for i in instances]


def test_the_configured_model_is_asked_and_what_it_wrote_is_counted(monkeypatch):
    loaded = []
    monkeypatch.setattr(sampling, "load_model", lambda config: loaded.append(config) or FakeModel())
    context = Context(create_plugins(installed=False), seed=9)
    config = GenerateConfig(model="dummy", n_solutions=2, n_tests=2)
    problem = Problem("p", 'def f(x):\n    """Return x."""\n', "f")
    (candidates,) = context.plugins.generate([problem], config, context)
    assert loaded == [config]
    assert candidates.tests == ("assert f(1) == 1",)
    assert candidates.generator["seed"] == 9
    assert context.counts == {"solutions": 2, "tests": 1, "test_duplicate": 1}
