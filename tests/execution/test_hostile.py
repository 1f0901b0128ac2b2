"""What every sandbox has to withstand: programs that attack it, and programs that try to pass without an answer."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from codedpo_plugin.execution import Ending, Limits, Pool
from codedpo_plugin.execution.wire import decode

from .attacks import ATTACKS, Attack
from .forgeries import FORGERIES, MEMORY, SEARCH
from .support import FORGE, LIMITS, ask, descendants, endings, job, matrix, names

ROOMY = Limits(cpu_s=2.0, memory_mb=256, answer_mb=4)
IMPATIENT = replace(LIMITS, wall_s=0.5)
LIMITS_OF = {"resources": LIMITS, "interpreter": LIMITS, "patience": IMPATIENT}

NEIGHBOUR = """
import json, math, os, random, sys
def f(x): return x * x
"""
STATE = (
    "f(3)",
    "os.listdir('.')",
    "os.getcwd() == os.environ['HOME']",
    "'LEFT' in os.environ, hasattr(json, 'LEFT'), hasattr(__builtins__, 'LEFT')",
    "math.pi > 3, len([1, 2]), len(os.environ) > 5",
    "open('own', 'w').write('abc'), oct(os.stat('own').st_mode)",
)
EXPECTED = [9, [], True, (False, False, False), (True, 2, True), (3, "0o100644")]


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside of the sandbox, for programs to attack."""

    folder: Path
    victim: subprocess.Popen[bytes]

    @property
    def secret(self) -> Path:
        return self.folder / "secret.txt"

    def look(self) -> dict[str, object]:
        """Return all that an attack might have changed."""
        pid = self.victim.pid
        files = {p.name: (p.lstat()[:6], p.lstat().st_ctime_ns, p.is_dir()) for p in self.folder.iterdir()}
        return {
            "files": files,
            "text": self.secret.read_text(),
            "ended": self.victim.poll(),
            "limits": resource.prlimit(pid, resource.RLIMIT_NOFILE),
            "processors": os.sched_getaffinity(pid),
            "priority": os.getpriority(os.PRIO_PROCESS, pid),
        }

    def place(self, program: str) -> str:
        """Fill in what a program is to attack."""
        folder, secret = repr(str(self.folder)), repr(str(self.secret))
        return program.replace("FOLDER", folder).replace("SECRET", secret).replace("VICTIM", str(self.victim.pid))


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.txt").write_text("secret")
    (folder / "empty").mkdir()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]) as victim:
        yield Outside(folder, victim)
        victim.kill()


def processes_of(pool: Pool) -> list[int]:
    """Return how many processes each worker of a pool consists of."""
    return [len(descendants(seat.worker.process.pid)) for seat in pool._seats]


def workers_of(pool: Pool) -> list[int]:
    """Return the processes of a pool's workers."""
    return [seat.worker.process.pid for seat in pool._seats]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.group}: {attack.name}")
def test_an_attack_gains_nothing_and_leaves_nothing(confined, outside, attack: Attack):
    neighbour = job(NEIGHBOUR, *STATE, limits=ROOMY)
    list(confined.run([neighbour]))
    before, idle, workers = outside.look(), processes_of(confined), workers_of(confined)
    limits = LIMITS_OF.get(attack.group, ROOMY)
    hostile, after = confined.run([job(outside.place(attack.program), "attack()", limits=limits), neighbour])
    (answer,) = hostile.answers
    assert answer.ending in attack.endings, answer
    assert answer.payload != "true"
    assert [decode(a.payload) for a in after.answers] == EXPECTED
    assert outside.look() == before
    assert workers_of(confined) == workers  # or the worker's death could have passed for the program's
    assert processes_of(confined) == idle
    assert [os.listdir(seat.worker.scratch) for seat in confined._seats] == [[]]


@pytest.mark.parametrize("status", [0, 1, 125, 255])
def test_a_program_that_exits_keeps_the_answers_it_gave_and_its_worker(confined, status):
    list(confined.run([job(NEIGHBOUR, "f(1)")]))
    workers = workers_of(confined)
    answers = ask(confined, "import os\ndef f(x): return x", "f(1)", f"os._exit({status})", "f(2)")
    assert endings(answers) == ["value", "crash", "value"]
    assert workers_of(confined) == workers


DISTURBANCES = {
    "kill every process": "while True:\n  for pid in (-1, 0, os.getppid(), *range(2, 4096)):\n"
    "   try: os.kill(pid, 9)\n   except OSError: pass",
    "fill the disk": "for n in range(16): open(str(n), 'wb').write(bytes(15 << 20))\n while True: pass",
    "write files without end": "for n in itertools.count(): open(str(n), 'w').close()",
    "start threads without end": "while True:\n  try: threading.Thread(target=threading.Event().wait).start()\n"
    "  except RuntimeError: pass",
    "take memory for ever": "held = []\n while True:\n  try: held.append(bytearray(1 << 20))\n"
    "  except MemoryError: pass",
}


@pytest.mark.parametrize("body", DISTURBANCES.values(), ids=DISTURBANCES.keys())
def test_a_program_does_not_disturb_one_that_runs_beside_it(sandbox, body):
    hostile = f"import itertools, os, threading\ndef attack():\n {body}"
    busy = "def f(n):\n for _ in range(300_000): n ^= 1\n open(f'{n}', 'w').write('x')\n return n"
    numbers = range(0, 60, 2)
    with Pool(2, sandbox=sandbox) as pool:
        neighbour = job(busy, *(f"f({n})" for n in numbers), limits=ROOMY)
        list(pool.run([job("import time\ntime.sleep(0.2)", "1", limits=ROOMY)] * 2))
        workers = workers_of(pool)
        answers, attacked = (r.answers for r in pool.run([neighbour, job(hostile, "attack()", limits=ROOMY)]))
        assert [answer.payload for answer in answers] == [str(n) for n in numbers]
        assert attacked[0].ending in (Ending.TIMEOUT, Ending.MEMORY, Ending.CRASH)
        assert workers_of(pool) == workers
        assert len(workers) == 2


LITERAL = ["assert f(2) == 1234567", "assert f(3) == [7654321]", "assert f('a') == 'the answer is 42'"]
CUT = ["assert abs(f(4) - 2468024) < 0.5", "assert f(5) == 3000000 + 113355", "assert f(6) > 8642864"]
ANSWERS = {2: 1234567, 3: [7654321], "a": "the answer is 42", 4: 2468024, 5: 3113355, 6: 8642865}
HONEST = f"def f(x): return {ANSWERS!r}[x]"


@pytest.mark.parametrize("program", FORGERIES.values(), ids=FORGERIES.keys())
def test_nothing_passes_without_an_answer(confined, program):
    result = matrix(confined, [program, HONEST], LITERAL + CUT)
    forged, honest = names(result)
    assert "PASS" not in forged
    assert honest == ["PASS"] * 6
    assert result.judged_inside == ()


DISGUISED = [
    "assert (f(2) == 1234567) == True",
    "assert (f(2) == 1234567) is True",
    "assert True == (f(2) == 1234567)",
    "assert (f(2) != 1234567) is not True",
    "assert not f(2) != 1234567",
    "assert bool(f(2) == 1234567) == True",
    "assert int(f(2) == 1234567) == 1",
    "assert [f(2) == 1234567, 5] == [True, 5]",
    "assert all(f(x) == 1234567 for x in [2]) == True",
]


@pytest.mark.parametrize("test", DISGUISED)
def test_an_object_that_equals_everything_passes_no_comparison_unnoticed(confined, test):
    program = "class Any:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
    result = matrix(confined, [program + "def f(x): return Any()", HONEST], [test])
    forged, honest = names(result)
    assert honest == ["PASS"]
    assert forged in (["FAIL"], ["ERROR"]) or result.judged_inside == (0,)


def test_a_program_that_searches_its_process_finds_what_is_judged_inside(confined):
    result = matrix(confined, [SEARCH], ["assert all(f(x) == 1234567 for x in [2])"])
    assert names(result) == [["PASS"]]
    assert result.judged_inside == (0,)


def test_a_program_that_can_read_its_memory_finds_what_is_judged_inside():
    with Pool(1, sandbox="unconfined") as pool:
        assert names(matrix(pool, [MEMORY], LITERAL)) == [["FAIL"] * 3]
        found = matrix(pool, [MEMORY], ["assert all(f(x) == 1234567 for x in [2])"])
        assert names(found) == [["PASS"]]


def test_a_program_that_searches_its_process_finds_nothing_that_earlier_runs_have_left(sandbox):
    with Pool(1, sandbox=sandbox) as pool:
        for _ in range(2):
            result = matrix(pool, [HONEST, SEARCH], LITERAL + CUT)
            assert names(result)[0] == ["PASS"] * 6
            assert "PASS" not in names(result)[1]
            assert result.judged_inside == ()


TRICKS = ["vars(builtins)['__debug__'] = False", "builtins.compile = None", "sys.flags = None"]


@pytest.mark.parametrize("trick", TRICKS)
def test_assertions_are_compiled_before_a_program_can_turn_them_off(confined, trick):
    program = f"import builtins, sys\n{trick}\ndef f(x): return 0"
    assert names(matrix(confined, [program], ["assert all(f(x) == 7 for x in [2])", "assert f(2) == 7"])) == [
        ["FAIL", "FAIL"]
    ]


def test_answers_that_a_forged_line_has_shifted_are_worth_no_more_than_what_the_program_knows(confined):
    program = f"{FORGE}\nforge('value 1 null\\n')\ndef f(x): return 1"
    tests = ["assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4", "assert f(4) == 5"]
    assert "PASS" not in names(matrix(confined, [program], tests))[0]


def test_a_forged_outcome_of_a_statement_is_on_record_as_judged_inside(confined):
    program = f"{FORGE}\nforge('value 1 null\\nheld 1 \\n')\nos._exit(0)"
    result = matrix(confined, [program, HONEST], ["assert f(2) == 1234567", "assert all(f(x) > 0 for x in [2])"])
    assert names(result)[0][0] != "PASS"
    assert names(result)[1] == ["PASS", "PASS"]
    assert result.judged_inside == (1,)
