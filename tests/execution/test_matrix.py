"""From candidates to verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.assertions import Judgement, TestPlan, plan_test
from codedpo_plugin.execution.matrix import BATCH, CELLS, Workload, execute
from codedpo_plugin.execution.requests import Check
from codedpo_plugin.records import Verdict

from .support import FORGE, LIMITS, all_end, matrix, names, worker_processes, workload

SQUARE = "def f(x): return x * x"
FAULTY = """
import os
def f(x):
    if x == 1: return 1
    if x == 2: return 3
    if x == 3: raise KeyError(x)
    if x == 4:
        while True: pass
    if x == 5: return len(bytearray(1 << 30))
    if x == 6: os._exit(0)
    if x == 7: return os.listdir('/etc')
    return x * x
"""


def test_every_way_to_fail_has_its_verdict(pool):
    tests = [f"assert f({x}) == {x * x}" for x in range(1, 9)]
    result = matrix(pool, [SQUARE, FAULTY], tests)
    assert names(result) == [
        ["PASS"] * 8,
        ["PASS", "FAIL", "ERROR", "TIMEOUT", "MEMORY", "CRASH", "FORBIDDEN", "PASS"],
    ]
    assert result.problem_id == "problem"
    assert result.verdicts.dtype == np.uint8
    assert result.judged_inside == ()
    assert result.cpu_ns is None


def test_every_way_to_fail_has_its_verdict_when_judged_inside(pool):
    tests = [f"assert all(f(x) == x * x for x in [{x}])" for x in range(1, 9)]
    result = matrix(pool, [SQUARE, FAULTY], tests)
    assert names(result)[1] == ["PASS", "FAIL", "ERROR", "TIMEOUT", "MEMORY", "CRASH", "FORBIDDEN", "PASS"]
    assert result.judged_inside == tuple(range(8))


def test_tests_after_too_many_timeouts_are_not_run(pool):
    limits = Limits(cpu_s=0.05, max_timeouts=2)
    (result,) = execute(pool, [workload(["def f(x):\n while True: pass"], ["assert f(1) == 1"] * 4, limits=limits)])
    assert names(result) == [["TIMEOUT", "TIMEOUT", "NOT_RUN", "NOT_RUN"]]


@pytest.mark.parametrize("program", ["def f(:", "raise KeyError", "import no_such_module", "def g(x): return x"])
def test_a_program_that_cannot_be_used_is_an_error_in_every_cell(pool, program):
    assert names(matrix(pool, [program], ["assert f(1) == 1", "assert abs(f(1)) < 2"])) == [["ERROR"] * 2]


@pytest.mark.parametrize(
    "test", ["assert f(2 == 4", "assert f(2) == 4, f(", "f(2) = 4", "assert f('\ud800')"], ids=ascii
)
def test_a_test_that_does_not_parse_is_an_error(pool, test):
    assert names(matrix(pool, [SQUARE], [test])) == [["ERROR"]]


CLEAN = [
    ("assert abs(f(2) - 4.0) < 1e-6", "PASS", "ERROR"),
    ("assert f(2) == 2 + 2", "PASS", "FAIL"),
    ("assert f(2) == int('4')", "PASS", "FAIL"),
    ("assert isinstance(f(2), (int, float))", "PASS", "FAIL"),
    ("assert f(2) == f(-2)", "PASS", "PASS"),
    ("assert f(3) > f(2)", "PASS", "FAIL"),
    ("assert f(2) in {4, 5}", "PASS", "FAIL"),
    ("assert not f(2) == 5", "PASS", "PASS"),
    ("assert f(2) + 1 == 5 and 0 < f(1)", "PASS", "ERROR"),
    ("assert 10 // (f(2) - 4) == 0", "ERROR", "ERROR"),
    ("assert len(f(2)) == 4 or 1", "ERROR", "PASS"),
]


@pytest.mark.parametrize(("test", "squared", "text"), CLEAN, ids=[case[0] for case in CLEAN])
def test_an_expression_over_values_is_judged_without_the_program(pool, test, squared, text):
    result = matrix(pool, [SQUARE, "def f(x): return 'text'"], [test])
    assert names(result) == [[squared], [text]]
    assert result.judged_inside == ()


@pytest.mark.parametrize("test", ["assert f(400) == 10**5000", "assert f(400) - 1 == 10**5000 - 1"])
def test_huge_numbers_are_judged_without_the_program(pool, test):
    result = matrix(pool, ["def f(x): return 10 ** 5000", "def f(x): return 10 ** 5000 + 1"], [test])
    assert names(result) == [["PASS"], ["FAIL"]]


INSIDE = [
    ("assert all(f(x) == x * x for x in range(4))", "PASS", "FAIL"),
    ("assert sum([f(x) for x in range(3)]) == 2 + 3", "PASS", "FAIL"),
    ("assert callable(f) and f(3) == 9", "PASS", "FAIL"),
    ("assert (lambda x: f(x) == x * x)(3)", "PASS", "FAIL"),
    ("x = f(3)\nassert x == 9", "PASS", "FAIL"),
    ("for x in range(4): assert f(x) == x * x", "PASS", "FAIL"),
]


@pytest.mark.parametrize(("test", "right", "wrong"), INSIDE, ids=[case[0] for case in INSIDE])
def test_what_cannot_be_cut_is_judged_inside_and_the_record_says_so(pool, test, right, wrong):
    result = matrix(pool, [SQUARE, "def f(x): return x + 2"], ["assert f(2) == 4", test])
    assert names(result) == [["PASS", right], ["PASS", wrong]]
    assert result.judged_inside == (1,)


def test_a_test_with_a_name_that_the_program_defines_falls_back_to_inside(pool):
    helpful = f"import math\n{SQUARE}\ndef helper(): return 4"
    tests = ["assert f(2) == helper()", "assert math.isclose(f(2), 4)", "assert f(2) == 4", "assert abs(f(2)) == 4"]
    result = matrix(pool, [helpful, SQUARE], tests)
    assert names(result) == [["PASS"] * 4, ["ERROR", "ERROR", "PASS", "PASS"]]
    assert result.judged_inside == (0, 1)


def test_a_value_that_cannot_leave_the_program_passes_only_by_what_is_taken_out_of_it(pool):
    program = "class Two:\n    value = 2\n    __getitem__ = __add__ = lambda self, n: 2\ndef f(x): return Two()"
    tests = ["assert f(2)[0] == 1 + 1", "assert f(2) + 0 < 3", "assert f(2).value == 2", "assert f(2) == 2"]
    result = matrix(pool, [program], tests)
    assert names(result) == [["ERROR", "ERROR", "PASS", "FAIL"]]
    assert result.judged_inside == ()


@pytest.mark.parametrize(
    ("value", "test", "verdict"),
    [
        ("__import__('collections').deque([x])", "assert f(2)[0] == 1 + 1", "PASS"),
        ("__import__('collections').deque([x])", "assert f(2) == [1 + 1]", "FAIL"),
        ("{x: 1}.keys()", "assert 2 in f(2) and f(2) == {1 + 1}", "PASS"),
        ("{1: x}.values()", "assert sorted(f(2)) == sorted([2])", "PASS"),
        ("{1: [x]}.items()", "assert dict(f(2)) == {1: [1 + 1]}", "PASS"),
        ("__import__('numpy').array([x, 3])", "assert abs(f(2) - 2).max() < 1.5", "PASS"),
        ("__import__('numpy').array([x, 3])", "assert abs(f(2) - 2).max() < 0.5", "FAIL"),
        ("__import__('numpy').array([x, 3])", "assert f(2) == [1 + 1, 3]", "ERROR"),
        ("(x for x in [x])", "assert sorted(f(2)) == sorted([2])", "ERROR"),
    ],
)
def test_collections_and_arrays_are_judged_without_the_program(pool, value, test, verdict):
    result = matrix(pool, [f"def f(x): return {value}"], [test])
    assert names(result) == [[verdict]]
    assert result.judged_inside == ()


@pytest.mark.parametrize(
    ("test", "value", "verdict"),
    [
        ("assert f() == 4", "4.0", "PASS"),
        ("assert f() == [1, 2]", "(1, 2)", "FAIL"),
        ("assert f() == (1, 2)", "__import__('collections').namedtuple('P', 'x y')(1, 2)", "PASS"),
        ("assert f() == {'a': 1}", "__import__('collections').Counter('a')", "PASS"),
        ("assert f() == 0.1", "__import__('decimal').Decimal('0.1')", "FAIL"),
        ("assert f() == 0.5", "__import__('fractions').Fraction(1, 2)", "PASS"),
        ("assert f() == 1", "True", "PASS"),
        ("assert f() is True", "1", "FAIL"),
        ("assert f() is not None", "0", "PASS"),
        ("assert f() != 4", "object()", "PASS"),
        ("assert f()", "object()", "PASS"),
        ("assert not f()", "[]", "PASS"),
        ("assert f()", "0", "FAIL"),
        ("assert f() == 1", "__import__('decimal').Decimal('sNaN')", "ERROR"),
        ("assert f() == {1}", "{object()}", "ERROR"),
    ],
)
def test_a_value_is_compared_as_python_would(pool, test, value, verdict):
    assert names(matrix(pool, [f"def f(): return {value}"], [test])) == [[verdict]]


def test_text_of_any_script_is_compared(pool):
    program = "def grüße(名): return f'grüß {名} \U0001f600'"
    test = "assert grüße('Ω') == 'grüß Ω \U0001f600'"
    assert names(matrix(pool, [program], [test], "grüße")) == [["PASS"]]


def test_an_oracle_judges_instead_of_a_relation(pool):
    plan = TestPlan("", Check("f(2)"), Judgement(oracle=lambda value: value > 3))
    programs = (SQUARE, "def f(x): return 3", "def f(x): return 'text'")
    (result,) = execute(pool, [Workload("problem", programs, (plan,), LIMITS)])
    assert names(result) == [["PASS"], ["FAIL"], ["ERROR"]]


def test_equal_programs_have_equal_rows(pool):
    other = "import random\ndef f(x): return random.random()"
    result = matrix(pool, [other, SQUARE, other, SQUARE, other], ["assert f(2) == 4", "assert f(2) > 0.5"])
    rows = result.verdicts.tolist()
    assert rows[0] == rows[2] == rows[4]
    assert rows[1] == rows[3] == [Verdict.PASS, Verdict.PASS]


def test_times_are_recorded_where_a_check_was_answered(pool):
    work = workload(
        [SQUARE, "raise KeyError", SQUARE], ["assert f(2) == 4", "assert f('a') == 4", "assert f(2) > 3"]
    )
    (result,) = execute(pool, [work], record_times=True)
    assert result.cpu_ns.dtype == np.int64
    assert (result.cpu_ns >= 0).tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert result.cpu_ns[0].tolist() == result.cpu_ns[2].tolist()


@pytest.mark.parametrize(("programs", "tests"), [([], ["assert f(1) == 1"]), ([SQUARE], []), ([], [])])
def test_a_problem_without_programs_or_tests_has_an_empty_matrix(pool, programs, tests):
    assert matrix(pool, programs, tests).verdicts.shape == (len(programs), len(tests))


def test_matrices_come_in_the_order_of_the_problems_over_several_batches():
    numbers = range(2 * BATCH + 3)
    works = (
        Workload(str(n), (f"def f(): return {n}",), (plan_test(f"assert f() == {n - n % 2}"),), LIMITS)
        for n in numbers
    )
    with Pool(2) as pool:
        results = list(execute(pool, works))
    assert [result.problem_id for result in results] == [str(n) for n in numbers]
    assert [names(result) for result in results] == [[["FAIL" if n % 2 else "PASS"]] for n in numbers]


def test_no_problems_give_no_matrices(pool):
    assert list(execute(pool, [])) == []


@pytest.mark.parametrize(("cells", "problems"), [(CELLS, BATCH), (10, 5), (9, 5), (1, 1)])
def test_problems_are_taken_batch_by_batch_and_the_rest_may_be_left(monkeypatch, cells, problems):
    monkeypatch.setattr("codedpo_plugin.execution.matrix.CELLS", cells)
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield workload([SQUARE], ["assert f(2) == 4", "assert f(3) == 9"])

    with Pool(2) as pool:
        results = execute(pool, endless())
        assert names(next(results)) == [["PASS", "PASS"]]
        started = worker_processes(pool)
        results.close()
    assert len(taken) == problems
    assert started
    assert all_end(started)


def test_programs_that_stall_a_clean_judgement_cost_others_nothing(pool):
    endless, fine = "def f(x): return range(10 ** 12)", "def f(x): return [x]"
    tests = [f"assert sum(f({x})) < {x} + 2" for x in range(1, 4)]
    result = matrix(pool, [endless, fine], tests)
    assert names(result)[1] == ["PASS"] * 3
    assert set(names(result)[0]) <= {"TIMEOUT", "NOT_RUN"}


FORGED = [
    'value 1 {"fraction": []}',
    'value 1 {"object": ""}',
    'value 1 {"tuple": {"range": [0, 1000000000000000000, 1]}}',
    'value 1 {"nonsense": 1}',
    "value 1 " + "9" * 5000,
    "value 1 " + "[" * 100_000,
    'value 1 {"decimal": "sNaN"}',
    "value 1 ",
    "held 1 ",
    "broken 1 ",
    "raised 1 NameError",
    'raised 1 "NameError"',
    "nonsense",
]


@pytest.mark.parametrize("line", FORGED, ids=lambda line: line[:40])
def test_a_forged_answer_is_no_pass_and_never_stops_the_run(pool, line):
    program = f"{FORGE}\nforge('value 1 null\\n' + ({line!r} + '\\n') * 4)\nos._exit(0)"
    tests = ["assert f(2) == 4", "assert f(2) is None", "assert abs(f(2) - 4) < 1", "assert 3 < f(2) < 5"]
    result = matrix(pool, [program, SQUARE], tests)
    assert "PASS" not in names(result)[0]
    assert names(result)[1] == ["PASS", "FAIL", "PASS", "PASS"]


def test_answers_of_the_wrong_kind_to_a_fallback_never_stop_the_run(pool):
    program = f"{FORGE}\nforge('value 1 null\\n' * 2)\ndef helper(): return 4\ndef f(x): return object()"
    result = matrix(pool, [program, SQUARE], ["assert f(2) == helper()"])
    assert names(result)[0] != ["PASS"]
    assert names(result)[1] == ["ERROR"]
