"""Compositions: what they look like, and to which split they belong."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import permutations
from random import Random

from codedpo_plugin.embedded.compose import (
    LONGEST,
    OPERATIONS,
    SPLITS,
    Task,
    function_of,
    is_reserved,
    kinds,
    names,
    split_of,
    structures,
    task_of,
)

TASK = Task(("positive", "scale", "largest"), (2, 3, 4), "pick_rows", "numbers", "L", (0, 0, 0))


def test_a_task_reads_as_a_function_with_examples():
    assert TASK.prompt([("[1, -2]", "3")]) == (
        "def pick_rows(numbers: list[int]) -> int:\n"
        '    """Keep the positive numbers, multiply each number by 3, then take the largest or 0.\n'
        "\n"
        "    >>> pick_rows([1, -2])\n"
        "    3\n"
        '    """\n'
    )


def test_a_body_hands_each_result_to_the_next_operation():
    assert TASK.variant("fast") == (
        "    first = [x for x in numbers if x > 0]\n"
        "    second = [x * 3 for x in first]\n"
        "    return max(second, default=0)\n"
    )
    assert TASK.variant("slow").startswith("    first = []\n    for x in numbers:\n        if x > 0:\n")
    assert TASK.variant("slow").endswith("            result = x\n    return result\n")


def test_a_wrong_body_has_one_wrong_form():
    bodies = list(TASK.wrong_bodies())
    assert Counter(place for place, _ in bodies) == {
        place: len(operation.wrong) for place, operation in enumerate(TASK.operations)
    }
    lines = TASK.variant("fast").splitlines()
    assert (2, "\n".join([*lines[:2], "    return max([0] + second)\n"])) in bodies


def test_a_single_operation_is_a_sentence_of_its_own():
    assert Task(("sum",), (2,), "f", "data", "L", (1,)).sentence == "Add them up."


def test_compositions_fit_together_and_have_one_operation_of_a_family():
    for structure, kind in structures():
        assert 1 <= len(structure) <= LONGEST
        before = kinds(structure, kind)
        assert all(b in OPERATIONS[name].takes for b, name in zip(before, structure, strict=False))
        families = [OPERATIONS[name].family for name in structure]
        assert len({*families}) == len(families)
    assert len({*structures()}) == len(structures())


def test_every_body_is_python():
    rng = Random(1)
    for structure, kind in rng.sample(structures(), 300):
        task = task_of(structure, kind, "f", rng)
        for body in (task.variant("fast"), task.variant("slow"), *(body for _, body in task.wrong_bodies())):
            (function,) = ast.parse(task.signature + body).body
            assert isinstance(function, ast.FunctionDef)


def test_the_order_of_operations_does_not_move_a_composition_to_another_split():
    for structure, _ in Random(2).sample(structures(), 300):
        assert len({split_of(turned) for turned in permutations(structure)}) == 1


def test_every_split_has_its_share_and_the_training_text_the_most():
    shares = Counter(split_of(structure) for structure, _ in structures())
    assert {*shares} == {None, *SPLITS}
    assert shares[None] > len(structures()) / 2
    assert all(split_of(structure) is None for structure, _ in structures() if len(structure) == 1)


def test_names_are_either_for_problems_or_for_the_training_text():
    problems, text = names(reserved=True), names(reserved=False)
    assert not {*problems} & {*text}
    assert all(is_reserved(name) for name in problems)
    assert not any(is_reserved(name) for name in text)


def test_a_function_takes_its_argument_as_source():
    assert function_of("def f(x):\n    return x + [1]\n", "f")("[0] * 2") == [0, 0, 1]
