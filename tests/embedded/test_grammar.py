"""Operations: two ways to be right, at least two to be wrong, and one name for each."""

from __future__ import annotations

from random import Random

import pytest

from codedpo_plugin.embedded.compose import EMPTY, OPERATIONS, argument, function_of, structures, task_of
from codedpo_plugin.embedded.grammar import ANNOTATIONS
from codedpo_plugin.embedded.problems import FAILURES

SINGLE = [(structure, kind) for structure, kind in structures() if len(structure) == 1 and kind not in "ID"]


def outcome(program: str, name: str, source: str) -> str:
    try:
        return repr(function_of(program, name)(source))
    except FAILURES as error:
        return type(error).__name__


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_an_operation_has_forms_and_phrases_to_choose_from(operation):
    assert OPERATIONS[operation.name] is operation
    assert {*operation.takes, *operation.gives} <= {*ANNOTATIONS}
    assert len(operation.phrases) >= 2
    assert len(operation.wrong) >= 2
    forms = (operation.fast, operation.slow, *operation.wrong)
    assert len({*forms}) == len(forms)
    assert all(("{k}" in phrase) == operation.counted for phrase in operation.phrases)


def test_no_two_operations_are_asked_for_alike():
    phrases = [phrase for operation in OPERATIONS.values() for phrase in operation.phrases]
    assert len({*phrases}) == len(phrases)


@pytest.mark.parametrize(("structure", "kind"), SINGLE, ids=lambda value: "".join(value))
def test_both_right_forms_agree_and_every_wrong_one_differs_somewhere(structure, kind):
    rng = Random(0)
    task = task_of(structure, kind, "f", rng)
    sources = [EMPTY[kind], *(argument(kind, rng, 8) for _ in range(300))]
    right = [outcome(task.signature + task.variant("fast"), "f", source) for source in sources]
    assert right == [outcome(task.signature + task.variant("slow"), "f", source) for source in sources]
    for _, body in task.wrong_bodies():
        assert right != [outcome(task.signature + body, "f", source) for source in sources], body
