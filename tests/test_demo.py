"""The demo: the configuration of its loop, and the candidates whose truth is known."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest
import yaml

from codedpo_plugin import demo
from codedpo_plugin.config import ExecuteConfig, load_config
from codedpo_plugin.demo import demo_candidates, demo_config, embedded_model, judge_pairs, wrong_tests
from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.suites.micro import micro_problems

ENTRIES = {entry.id: entry for entry in micro_problems("train")}
TIMED = next(entry for entry in ENTRIES.values() if entry.fast and entry.fast != entry.reference != entry.slow)


def pair(entry, chosen: str, rejected: str, kind: PairKind) -> PreferencePair:
    return PreferencePair(entry.prompt, chosen, rejected, kind, entry.id, 2.0, 1.0, 1.0)


def test_there_are_candidates_for_the_training_half_only():
    candidates = list(demo_candidates())
    assert [c.problem_id for c in candidates] == list(ENTRIES)
    assert all(c.prompt == ENTRIES[c.problem_id].prompt for c in candidates)
    assert all(c.generator == {"model": "embedded"} for c in candidates)


@pytest.mark.parametrize("candidates", demo_candidates(), ids=lambda c: c.problem_id)
def test_candidates_hold_all_bodies_and_all_tests_with_wrong_ones_among_them(candidates):
    entry = ENTRIES[candidates.problem_id]
    assert set(candidates.solutions) == {entry.prompt + body for body in entry.bodies}
    assert set(candidates.tests) == {*entry.tests, *entry.timing, *wrong_tests(entry)}
    assert len(wrong_tests(entry)) == 2


def test_no_solution_that_is_right_stands_first():
    # A ranker that only keeps the order it is given must not look right.
    for candidates in demo_candidates():
        entry = ENTRIES[candidates.problem_id]
        assert candidates.solutions[0].removeprefix(entry.prompt) in entry.wrong


def test_wrong_tests_are_wrong_and_all_others_right(pool: Pool):
    work = [
        Workload(
            entry.id,
            (entry.prompt + entry.reference,),
            tuple(plan_test(test, entry.entry_point) for test in (*entry.tests, *wrong_tests(entry))),
            Limits(cpu_s=5.0, wall_s=60.0),
        )
        for entry in ENTRIES.values()
    ]
    for matrix in execute(pool, work):
        right = len(ENTRIES[matrix.problem_id].tests)
        assert matrix.passed[0, :right].all(), matrix.problem_id
        assert not matrix.passed[0, right:].any(), matrix.problem_id


def test_wrong_tests_exchange_expected_values():
    entry = replace(TIMED, tests=("assert f(1) == 'a'", "assert f(2) == 'a'", "assert f(3) == 'b'"))
    assert wrong_tests(entry) == ("assert f(1) == 'b'", "assert f(3) == 'a'")


def test_tests_with_one_expected_value_cannot_be_made_wrong():
    assert wrong_tests(replace(TIMED, tests=("assert f(1) == 'a'", "assert f(2) == 'a'"))) == ()


def test_wrong_tests_are_assertions():
    for entry in ENTRIES.values():
        assert all(isinstance(ast.parse(test).body[0], ast.Assert) for test in wrong_tests(entry))


@pytest.mark.parametrize(
    ("kind", "chosen", "rejected", "right", "inverted"),
    [
        (PairKind.CORRECTNESS, TIMED.reference, TIMED.wrong[0], "1", "0"),
        (PairKind.CORRECTNESS, TIMED.fast, TIMED.wrong[1], "1", "0"),
        (PairKind.CORRECTNESS, TIMED.wrong[0], TIMED.reference, "0", "1"),
        (PairKind.CORRECTNESS, TIMED.wrong[0], TIMED.wrong[1], "0", "0"),
        (PairKind.EFFICIENCY, TIMED.fast, TIMED.slow, "1", "0"),
        (PairKind.EFFICIENCY, TIMED.reference, TIMED.slow, "1", "0"),
        (PairKind.EFFICIENCY, TIMED.slow, TIMED.fast, "0", "1"),
    ],
)
def test_pairs_are_judged_by_what_the_suite_knows(kind, chosen, rejected, right, inverted):
    rows = {row[0]: row[1:] for row in judge_pairs([pair(TIMED, chosen, rejected, kind)])}
    assert rows[str(kind)] == ("1", right, inverted)


def test_without_pairs_there_is_a_row_of_zeros_for_each_kind():
    assert judge_pairs([]) == [("correctness", "0", "0", "0"), ("efficiency", "0", "0", "0")]


def test_the_loop_is_a_configuration_that_a_file_can_hold(tmp_path):
    config = demo_config(3, ExecuteConfig(workers=2))
    path = tmp_path / "demo.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert load_config(path) == config
    assert config.seed == 3
    assert config.execute.workers == 2


def test_the_loop_learns_on_one_split_and_is_evaluated_on_another():
    config = demo_config(0, ExecuteConfig())
    assert (config.problems.suite, config.problems.split) == ("micro", "composed_train")
    assert (config.evaluate.suites, config.evaluate.metadata) == (("micro",), {"split": "composed_heldout"})
    assert demo_config(0, ExecuteConfig(), "composed_dev").evaluate.metadata == {"split": "composed_dev"}


def test_the_model_of_the_loop_is_a_folder_of_the_package():
    assert demo_config(0, ExecuteConfig()).generate.model_args["pretrained"] == str(embedded_model())
    assert (embedded_model() / "model.safetensors").is_file()


def test_without_the_libraries_for_training_the_demo_says_what_to_install(monkeypatch):
    demo.require_training()
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == "trl" else object())
    with pytest.raises(UsageError, match=r"needs trl: pip install 'codedpo-plugin\[train\]'.*--without-model"):
        demo.require_training()
