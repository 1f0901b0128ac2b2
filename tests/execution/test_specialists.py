"""Programs that import slow libraries run in forks of a worker that has them loaded, as confined as all are."""

from __future__ import annotations

import pytest

from codedpo_plugin.execution import Pool

from .forgeries import FORGERIES
from .support import all_end, ask, descendants, endings, job, matrix, names
from .test_hostile import HONEST, LITERAL

PID = "import os\nimport numpy\ndef f(x): return os.getppid()"


def test_programs_with_the_same_library_come_from_one_process():
    programs = [PID, PID.replace("import numpy\n", ""), PID, f"{PID}\n# again"]
    with Pool(1) as pool:
        first, plain, second, third = (ask(pool, program, "f(0)")[0].payload for program in programs)
    assert first == second == third != plain


def test_a_program_that_imports_several_goes_to_the_specialist_for_the_slowest():
    both = f"import requests\n{PID}"
    with Pool(1) as pool:
        parents = [
            ask(pool, program, "f(0)")[0].payload for program in (PID, both, PID, "import requests\n" + PID[10:])
        ]
    assert parents[0] == parents[2] != parents[1]


def test_programs_with_one_library_go_to_the_worker_that_has_loaded_it():
    with Pool(2) as pool:
        list(pool.run([job(PID, "f(0)"), job("def f(x): return x", "f(0)")]))  # both workers start
        parents = {ask(pool, f"{PID}\n# {n}", "f(0)")[0].payload for n in range(6)}
    assert len(parents) == 1


def test_when_that_worker_has_enough_to_do_another_one_loads_the_library_too():
    slow = PID.replace("return os.getppid()", "return [os.getppid(), sum(range(3_000_000))][0]")
    with Pool(2) as pool:
        parents = {r.answers[0].payload for r in pool.run([job(f"{slow}\n# {n}", "f(0)") for n in range(30)])}
    assert len(parents) == 2


@pytest.mark.parametrize("module", ["random", "numpy.random"])
def test_random_numbers_are_the_same_in_every_program(confined, module):
    program = f"import {module}\ndef f(x): return {module}.random()"
    answers = {ask(confined, f"{program}\n# {n}", "f(0)")[0].payload for n in range(3)}
    with Pool(1) as other:
        answers.add(ask(other, program, "f(0)")[0].payload)
    assert len(answers) == 1


def test_a_worker_is_as_cheap_to_fork_as_it_can_be(confined):
    assert ask(confined, "import sys", "'threading' in sys.modules")[0].payload == "false"


def test_a_library_is_loaded_before_the_program_and_answers_as_ever(confined):
    program = "import numpy as np, sys\ndef f(x): return np.arange(x).sum()"
    assert ask(confined, program, "f(4)")[0].payload == "6"
    assert names(matrix(confined, [program], ["assert f(4) == 6", "assert f(4) == 7"])) == [["PASS", "FAIL"]]


def test_there_is_one_specialist_for_a_library_and_all_end_with_their_worker():
    libraries = ["numpy", "torch", "pandas", "networkx", "sympy", "requests"]
    with Pool(1) as pool:
        for name in [*libraries, *libraries, *libraries]:
            assert endings(ask(pool, f"try:\n    import {name}\nexcept ImportError: pass", "1")) == ["value"]
        started = descendants(pool._seats[0].worker.process.pid)
    assert 1 <= len(started) <= len(libraries)
    assert all_end(started)


def test_a_specialist_is_told_checks_again_that_it_has_forgotten():
    programs = ["import numpy\ndef f(x): return x", "def f(x): return x"]
    with Pool(1) as pool:
        ask(pool, programs[0], "f(0)")
        worker = pool._seats[0].worker.process.pid
        for number in [0, 0, 1, 2, 3, 4, 5, 0, 5, 1]:
            for program in programs if number % 2 else programs[:1]:
                answers = ask(pool, program, f"f({number})", f"-f({number})")
                assert [answer.payload for answer in answers] == [f"{number}", f"{-number}"]
        assert pool._seats[0].worker.process.pid == worker  # none died of it


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_nothing_passes_without_an_answer_there_either(confined, program):
    warm = f"import numpy\n{HONEST}\n# a first program, to have the next ones forked from a specialist"
    matrix(confined, [warm], LITERAL)
    forged, honest = names(matrix(confined, [f"import numpy\n{program}", f"import numpy\n{HONEST}"], LITERAL))
    assert "PASS" not in forged
    assert honest == ["PASS"] * len(LITERAL)


def test_a_program_cannot_speak_to_the_worker_on_behalf_of_its_specialist(confined):
    frame = b'{"id": 0, "answers": [["value", 1, "1234567"]]}'
    program = (
        "import numpy, os, struct\n"
        f"frame = {frame!r}\n"
        "for fd in range(3, 256):\n"
        "    try: os.write(fd, struct.pack('>I', len(frame)) + frame)\n"
        "    except OSError: pass\n"
        "os._exit(0)"
    )
    honest = job("import numpy\ndef f(x): return x", "f(5)")
    list(confined.run([honest, honest]))
    forged, after = confined.run([job(program, "f(2)"), honest])
    assert endings(forged.answers) == ["crash"]
    assert after.answers[0].payload == "5"
