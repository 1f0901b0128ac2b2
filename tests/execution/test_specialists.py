"""Programs that import slow libraries run in forks of a worker that has them loaded, as confined as all are."""

from __future__ import annotations

import pytest

from codedpo_plugin.execution import Pool

from .forgeries import FORGERIES
from .support import ask, descendants, endings, job, matrix, names
from .test_hostile import HONEST, LITERAL

PID = "import os\nimport numpy\ndef f(x): return os.getppid()"


def test_programs_with_the_same_libraries_come_from_one_process():
    with Pool(1) as pool:
        first, plain, second, other = (
            ask(pool, program, "f(0)")[0].payload
            for program in (
                PID,
                PID.replace("import numpy\n", ""),
                f"{PID}\n# again",
                f"from networkx import Graph\n{PID}",
            )
        )
    assert first == second
    assert len({first, plain, other}) == 3


def test_a_library_is_loaded_before_the_program_and_answers_as_ever(confined):
    program = "import numpy as np, sys\ndef f(x): return np.arange(x).sum()"
    assert ask(confined, program, "f(4)")[0].payload == "6"
    assert names(matrix(confined, [program], ["assert f(4) == 6", "assert f(4) == 7"])) == [["PASS", "FAIL"]]


def test_no_more_than_a_few_specialists_live_at_a_time():
    libraries = ["numpy", "torch", "pandas", "networkx", "sympy", "requests"]
    with Pool(1) as pool:
        for count in range(1, 1 << 3):
            chosen = [name for bit, name in enumerate(libraries) if count >> bit & 1]
            program = "\n".join(f"try:\n    import {name}\nexcept ImportError: pass" for name in chosen)
            assert endings(ask(pool, program, "1")) == ["value"]
        assert len(descendants(pool._seats[0].worker.process.pid)) <= 4
        started = descendants(pool._seats[0].worker.process.pid)
    assert started


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_nothing_passes_without_an_answer_there_either(confined, program):
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
    forged, after = confined.run([job(program, "f(2)"), honest])
    assert endings(forged.answers) == ["crash"]
    assert after.answers[0].payload == "5"
