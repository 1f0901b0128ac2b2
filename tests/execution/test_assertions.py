"""How assertions are cut into a question for the program and a judgement outside of it."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from codedpo_plugin.execution import Mode
from codedpo_plugin.execution.assertions import (
    Judgement,
    Relation,
    TestPlan,
    clean_expression,
    judge_on_host,
    plan_test,
    to_source,
)
from codedpo_plugin.execution.wire import Opaque

from .test_wire import typed, values


def form(plan: TestPlan) -> str:
    """Return how a test will be judged."""
    if plan.inside:
        return "inside"
    return "literal" if plan.judgement.relation else "clean"


LITERAL = [
    ("assert f(2) == 4", "f(2)", Relation.EQUAL, 4),
    ("assert 4 == f(2)", "f(2)", Relation.EQUAL, 4),
    ("assert f(2) == -4.5", "f(2)", Relation.EQUAL, -4.5),
    ("assert f(2) == 1 + 2j", "f(2)", Relation.EQUAL, 1 + 2j),
    ("assert f(2) == [1, ('a', None), {'b': {2}}]", "f(2)", Relation.EQUAL, [1, ("a", None), {"b": {2}}]),
    ("assert f(2) == set()", "f(2)", Relation.EQUAL, set()),
    ("assert f(2) == 'a' 'b', 'a message'", "f(2)", Relation.EQUAL, "ab"),
    ("assert (f(2)) == (4), f(3)", "f(2)", Relation.EQUAL, 4),
    ("assert f(2) != 4", "f(2)", Relation.UNEQUAL, 4),
    ("assert None != f(2)", "f(2)", Relation.UNEQUAL, None),
    ("assert f(2) is None", "f(2)", Relation.IS, None),
    ("assert True is f(2)", "f(2)", Relation.IS, True),
    ("assert f(2) is not False", "f(2)", Relation.IS_NOT, False),
    ("assert f(2) == True", "f(2)", Relation.EQUAL, True),
    ("assert f(2)", "f(2)", Relation.TRUE, None),
    ("assert not f(2)", "f(2)", Relation.FALSE, None),
    ("assert f(f(2), *[3], key='v') == 4", "f(f(2), *[3], key='v')", Relation.EQUAL, 4),
    ("assert sorted(f([2, 1])) == [1, 2]", "sorted(f([2, 1]))", Relation.EQUAL, [1, 2]),
    ("assert list(map(f, [1, 2])) == [1, 2]", "list(map(f, [1, 2]))", Relation.EQUAL, [1, 2]),
    ("assert [f(x) for x in range(3)] == [0, 1, 2]", "[f(x) for x in range(3)]", Relation.EQUAL, [0, 1, 2]),
    ("assert Solution().f(2) == 4", "Solution().f(2)", Relation.EQUAL, 4),
]


@pytest.mark.parametrize(("test", "question", "relation", "expected"), LITERAL, ids=[case[0] for case in LITERAL])
def test_a_comparison_with_a_literal_asks_for_the_value_only(test, question, relation, expected):
    plan = plan_test(test, "f")
    assert (plan.check.source, plan.check.mode) == (question, Mode.VALUE)
    assert (plan.judgement.relation, typed(plan.judgement.expected)) == (relation, typed(expected))
    assert not plan.inside


@pytest.mark.parametrize("test", ["assert f(2) == 12345", "assert 12345 != f(2)", "assert abs(f(2) - 12345) < 1"])
def test_what_is_expected_is_no_part_of_the_question(test):
    assert "12345" not in plan_test(test, "f").check.source


CLEAN = [
    ("assert abs(f(2) - 4) < 1e-6", "(f(2),)", "abs(_answers[0] - 4) < 1e-06"),
    ("assert f(2) == 2 + 2", "(f(2),)", "_answers[0] == 2 + 2"),
    ("assert f(2) == f(3)", "(f(2), f(3))", "_answers[0] == _answers[1]"),
    ("assert 1 < f(2) < 9", "(f(2),)", "1 < _answers[0] < 9"),
    ("assert f(1) == 1 and not f(2) == 3", "(f(1), f(2))", "_answers[0] == 1 and (not _answers[1] == 3)"),
    ("assert isinstance(f(2), int)", "(f(2),)", "isinstance(_answers[0], int)"),
    ("assert f(2) in [3, 4]", "(f(2),)", "_answers[0] in [3, 4]"),
    ("assert f(2) is 4", "(f(2),)", "_answers[0] is 4"),
    ("assert not f(2) == 4", "(f(2),)", "not _answers[0] == 4"),
    ("assert round(f(f(2)), 4) in {4}", "(f(f(2)),)", "round(_answers[0], 4) in {4}"),
    ("assert f(2) == 4 or ____", "(f(2),)", "_answers[0] == 4 or ____"),
    ("assert 1 < f(2) < limit", "(f(2),)", "1 < _answers[0] < limit"),
    ("assert f(2) if f(3) else ____", "(f(3), f(2))", "_answers[1] if _answers[0] else ____"),
    ("assert f(2) in [x for x in xs]", "(f(2),)", "_answers[0] in [x for x in xs]"),
    ("assert (limit := 5) > f(2)", "(f(2),)", "(limit := 5) > _answers[0]"),
    ("assert abs(f(lambda x: x) - 4) < 1", "(f(lambda x: x),)", "abs(_answers[0] - 4) < 1"),
    ("assert f(2)[0] + len(f(3)) > 1", "(f(2), f(3))", "_answers[0][0] + len(_answers[1]) > 1"),
]


@pytest.mark.parametrize(("test", "question", "rest"), CLEAN, ids=[case[0] for case in CLEAN])
def test_calls_are_cut_out_of_an_expression_that_is_judged_without_the_program(test, question, rest):
    plan = plan_test(test, "f")
    assert (plan.check.source, plan.check.mode) == (question, Mode.VALUE)
    assert plan.judgement == Judgement(clean=rest)


VERDICT_LIKE = [
    "assert (f(2) == 4) == True",
    "assert (f(2) == 4) is True",
    "assert True == (f(2) == 4)",
    "assert (f(2) != 4) is not True",
    "assert isinstance(f(2), int) == True",
    "assert (f(2) in [4, 5]) is True",
    "assert bool(f(2) == 4) == True",
    "assert int(f(2) == 4) == 1",
    "assert [f(1) == 1, f(2) == 4] == [True, True]",
    "assert (not f(2) != 4) == True",
]


@pytest.mark.parametrize("test", VERDICT_LIKE)
def test_a_comparison_inside_the_question_is_not_left_to_the_program(test):
    assert form(plan_test(test, "f")) == "clean"


INSIDE = [
    "assert ____ == f(2)",
    "assert f(2) == Point(1, 2)",
    "assert math.isclose(f(2), 4)",
    "assert same(f(2), 4) or f(3)",
    "assert f(2) in [low, 4]",
    "assert all(f(x) == x for x in range(3))",
    "assert sum([f(x) for x in range(3)]) > 2",
    "assert len({f(x) for x in range(3)}) > 2",
    "assert len({x: f(x) for x in range(3)}) > 2",
    "assert (lambda x: f(x) > x)(3)",
    "assert (y := f(2)) > 3 and y < 5",
    "assert callable(f)",
    "assert max(map(f, [1, 2])) > 1",
    "assert f is f",
    "assert f(2) > 3 and f.__name__ == 'f'",
    "assert f.helper(2) > 1",
    "assert g(2) > 1",
    "assert g(2)",
    "assert Solution().f(2) > 3",
    "assert 1",
    "assert 1 == 1",
    "f(2) == 4",
    "x = 4; assert f(2) == x",
    "assert f(2) == 4\nassert f(3) == 9",
    "for x in range(3): assert f(x) == x",
    "with open('x'): assert f(2) == 4",
    "def test(): assert f(2) == 4",
    "",
    "assert f(2 == 4",
    "assert",
    "assert f(2) == '\x00'",
    "assert " + "(" * 5000 + "f(2)" + ")" * 5000,
    "assert " + "-" * 50_000 + "f(2)",
    "assert f(2) == 1" + "0" * 5000,
]


@pytest.mark.parametrize("test", INSIDE, ids=lambda test: test[:45].replace("\x00", "NUL") or "empty")
def test_what_cannot_be_cut_is_left_whole(test):
    plan = plan_test(test, "f")
    assert form(plan) == "inside"
    assert (plan.source, plan.check.source, plan.judgement) == (test, test, Judgement())


@pytest.mark.parametrize(
    ("test", "expected"),
    [("assert f(2) == 4", "literal"), ("assert f(2)", "inside"), ("assert abs(f(2) - 4) < 1", "inside")],
)
def test_without_a_known_entry_point_only_comparisons_with_literals_are_cut(test, expected):
    assert form(plan_test(test)) == expected


NAN = float("nan")
JUDGED = [
    (Relation.EQUAL, 4, 4, True),
    (Relation.EQUAL, 4, 4.0, True),
    (Relation.EQUAL, 4, 5, False),
    (Relation.EQUAL, [1, (2,)], [1, [2]], False),
    (Relation.EQUAL, 4, Opaque("x", truth=True), False),
    (Relation.EQUAL, [4], [Opaque("x", truth=True)], False),
    (Relation.EQUAL, None, None, True),
    (Relation.EQUAL, 0.5, NAN, False),
    (Relation.UNEQUAL, 4, 5, True),
    (Relation.UNEQUAL, 4, 4, False),
    (Relation.UNEQUAL, 4, Opaque("x", truth=True), True),
    (Relation.IS, None, None, True),
    (Relation.IS, True, 1, False),
    (Relation.IS, True, True, True),
    (Relation.IS, None, Opaque("x", truth=False), False),
    (Relation.IS_NOT, None, 0, True),
    (Relation.IS_NOT, None, None, False),
    (Relation.TRUE, None, [0], True),
    (Relation.TRUE, None, [], False),
    (Relation.TRUE, None, Opaque("x", truth=True), True),
    (Relation.TRUE, None, Opaque("x", truth=False), False),
    (Relation.FALSE, None, "", True),
    (Relation.FALSE, None, "0", False),
    (Relation.FALSE, None, Opaque("x", truth=True), False),
]


@pytest.mark.parametrize(("relation", "expected", "value", "verdict"), JUDGED)
def test_a_value_is_judged_by_its_relation(relation, expected, value, verdict):
    assert judge_on_host(Judgement(relation, expected), value) is verdict


@pytest.mark.parametrize("answer", [3, 4])
def test_an_oracle_has_the_last_word(answer):
    judgement = Judgement(Relation.EQUAL, 3, oracle=lambda value: value == 4)
    assert judge_on_host(judgement, answer) is (answer == 4)


@given(values)
def test_the_source_of_a_value_evaluates_to_it(value):
    assert typed(eval(to_source(value))) == typed(value)


@pytest.mark.parametrize(
    "value",
    [math.inf, -math.inf, NAN, [NAN, -0.0], complex(0, math.inf), complex(NAN, -0.0), Decimal("NaN")],
    ids=repr,
)
def test_the_source_of_numbers_without_a_literal_evaluates_to_them(value):
    assert repr(eval(to_source(value))) == repr(value)


@pytest.mark.parametrize("value", [10**6000, -(10**6000), [10**6000], Fraction(10**6000, 7)], ids=lambda v: type(v))
def test_integers_of_any_size_have_a_source(value):
    assert eval(to_source(value)) == value


@pytest.mark.parametrize("make", [list, tuple, lambda parts: {"k": parts[0]}, lambda parts: [[parts]]])
def test_a_value_with_an_object_in_it_has_no_source(make):
    assert to_source(make([Opaque("x", truth=True)])) is None


@pytest.mark.parametrize("value", [4, 5, "four", [4]])
def test_a_clean_expression_evaluates_without_the_program(value):
    expression = clean_expression(plan_test("assert f(2) in [4, 'four']", "f").judgement, (value,))
    assert eval(expression, {}) is (value in [4, "four"])


@pytest.mark.parametrize(
    ("judgement", "value"),
    [(Judgement(clean="_answers[0]"), (Opaque("x", truth=True),)), (Judgement(Relation.TRUE), (4,))],
    ids=["object", "not clean"],
)
def test_without_a_source_or_a_clean_judgement_there_is_no_clean_expression(judgement, value):
    assert clean_expression(judgement, value) is None
