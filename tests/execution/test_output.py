"""Tests by input and output: scripts are run on an input, and what they print is compared outside."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution import Check, Limits, Mode
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.output import plan_output, same_output

from .support import FORGE, LIMITS, ask, endings, job, names

DOUBLE = "print(2 * int(input()))"


@pytest.mark.parametrize(
    ("expected", "printed", "tolerance", "same"),
    [
        ("1 2\n3\n", "1 2\n3", None, True),
        ("1 2\n3", "1 2  \n3\n\n", None, True),
        ("1 2\n3", "1  2\n3", None, False),
        ("1\n2", "1 2", None, False),
        ("", "\n", None, True),
        ("1.0", "1.00", None, False),
        ("0.3", "0.30000004", 1e-6, True),
        ("0.3", "0.31", 1e-6, False),
        ("1000000", "1000000.5", 1e-6, True),
        ("yes 0.5", "yes 0.50", 1e-6, True),
        ("yes 0.5", "no 0.5", 1e-6, False),
        ("1 2", "1", 1e-6, False),
        ("1", "1 2", 1e-6, False),
        ("1\n2", "1 2", 1e-6, True),
        ("nan", "nan", 1e-6, False),
    ],
)
def test_what_counts_as_the_same_output(expected, printed, tolerance, same):
    assert same_output(expected, printed, tolerance) is same


def outputs(pool, program: str, *texts: str, limits: Limits = LIMITS):
    return ask(pool, program, *[Check(text, Mode.OUTPUT) for text in texts], limits=limits)


def verdicts(pool, programs: list[str], tests, limits: Limits = LIMITS) -> list[list[str]]:
    (matrix,) = execute(pool, [Workload("p", tuple(programs), tuple(tests), limits)])
    assert matrix.judged_inside == ()
    return names(matrix)


def test_scripts_are_judged_by_what_they_print(confined):
    tests = [plan_output(f"{n}\n", f"{2 * n}\n") for n in (1, 2, 30)]
    programs = [DOUBLE, "print(2)", "n = int(input())\nprint(n + n if n < 9 else n)", "print(1 / 0)", "print(("]
    assert verdicts(confined, programs, tests) == [
        ["PASS", "PASS", "PASS"],
        ["PASS", "FAIL", "FAIL"],
        ["PASS", "PASS", "FAIL"],
        ["ERROR"] * 3,
        ["ERROR"] * 3,
    ]


def test_a_number_may_be_off_by_the_tolerance_that_the_suite_asks_for(pool):
    tests = [plan_output("", "0.333333 ok", 1e-5), plan_output("", "0.333333 ok")]
    assert verdicts(pool, ["print(1 / 3, 'ok')"], tests) == [["PASS", "FAIL"]]


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        ("sys.exit()", "value"),
        ("sys.exit(0)", "value"),
        ("sys.stdout.flush(); os._exit(0)", "value"),
        ("sys.exit(1)", "raised"),
        ("sys.exit('no')", "raised"),
        ("os._exit(3)", "crash"),
        ("os.abort()", "crash"),
        ("sys.stdout.close()", "raised"),
        ("while True: pass", "timeout"),
        ("bytearray(1 << 30)", "memory"),
        ("os.fork()", "forbidden"),
    ],
)
def test_how_a_script_ends(confined, end, ending):
    (answer,) = outputs(confined, f"import os, sys\nprint(5)\n{end}", "")
    assert answer.ending == ending
    assert ending != "value" or answer.payload == '"5\\n"'


def test_a_script_is_the_main_module_and_reads_to_the_end(pool):
    program = "import sys\nif __name__ == '__main__':\n    print(len(sys.stdin.read()), file=sys.stdout)"
    assert [a.payload for a in outputs(pool, program, "é" * 300_000, "")] == ['"300000\\n"', '"0\\n"']


def test_each_input_has_a_process_of_its_own(pool):
    program = (
        "import builtins, os\nprint(hasattr(builtins, 'LEFT'), os.listdir('.'))\nbuiltins.LEFT = 1\nopen('x', 'w')"
    )
    assert {a.payload for a in outputs(pool, program, "", "", "")} == {'"False []\\n"'}


def test_too_much_output_is_a_crash_and_a_script_that_loops_is_not_run_on(pool):
    limits = Limits(cpu_s=0.1, answer_mb=1, max_timeouts=2)
    assert endings(outputs(pool, "print('x' * (2 << 20))", "", limits=limits)) == ["crash"]
    assert endings(outputs(pool, "while True: pass", "", "", "", limits=limits)) == [
        "timeout",
        "timeout",
        "not_run",
    ]


def test_a_script_is_held_to_what_the_kernel_says_it_used(confined):
    work = "import os, time\nwhile time.process_time() < 0.06: pass\nprint(1)\nos._exit(0)"
    (within,) = outputs(confined, work, "", limits=Limits(cpu_s=1.0))
    assert within.ending == "value"
    assert within.cpu_ns >= 60e6
    (beyond,) = outputs(confined, work, "", limits=Limits(cpu_s=0.05))  # it ends before the watch looks again
    assert beyond.ending == "timeout"


@pytest.mark.parametrize(
    "forgery",
    [
        f"{FORGE}\nforge('value 1 \"4\"\\n')\nos._exit(0)",
        f"{FORGE}\nforge('confined\\nvalue 1 \"4\\\\n\"\\n')",
        "import os\nfor fd in range(3, 64):\n    try: print(os.read(fd, 99), end='')\n    except OSError: pass",
        "import sys\nsys.modules['__main__'].__dict__.clear()",
        "import atexit\natexit.register(print, 4)",
    ],
)
def test_only_what_is_printed_counts(confined, forgery):
    assert verdicts(confined, [forgery, DOUBLE], [plan_output("2", "4")]) in (
        [["FAIL"], ["PASS"]],
        [["CRASH"], ["PASS"]],
    )


def test_a_job_of_both_kinds_is_refused():
    with pytest.raises(UsageError, match="make two jobs"):
        job("", "1", Check("", Mode.OUTPUT))
