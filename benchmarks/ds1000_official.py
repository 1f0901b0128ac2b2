"""DS-1000's programs run the official way: ``test_ds1000.py`` and ``execution.py`` of xlang-ai/DS-1000, in essence.

    PYTHON_OF_THE_ENVIRONMENT benchmarks/ds1000_official.py PROGRAMS.jsonl VERDICTS.jsonl [--processes 2]

A process for each program, forked from one that has loaded pandas (the official script does, for its tables), with
a manager for the result, a temporary folder, output swallowed and an alarm after 120 s. It runs in the
environment itself and needs nothing of this project. Programs are run as they are, without any confinement.
"""

import argparse
import concurrent.futures
import contextlib
import io
import json
import multiprocessing
import os
import signal
import tempfile
import time
from typing import Any

import pandas as pd  # type: ignore[import-untyped,unused-ignore]  # noqa: F401 - loaded when the official script forks

TIMEOUT_S = 120.0


class OutOfTimeError(Exception):
    pass


def alarm(*_: object) -> None:
    raise OutOfTimeError


def execute(program: str, result: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sink = io.StringIO()
        try:
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                signal.setitimer(signal.ITIMER_REAL, TIMEOUT_S)
                signal.signal(signal.SIGALRM, alarm)
                exec(program, {})
                signal.setitimer(signal.ITIMER_REAL, 0)
            result.append("passed")
        except OutOfTimeError:
            result.append("timed out")
        except BaseException as error:  # noqa: BLE001 - whatever a program raises is its result
            result.append(f"failed: {type(error).__name__}: {error}"[:300])
        os.chdir("/")


def check(program: str) -> tuple[str, float]:
    """Return what became of one program, and its seconds."""
    start = time.monotonic()
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=execute, args=(program, result))
        process.start()
        process.join(timeout=TIMEOUT_S + 1)
        if process.is_alive():
            process.kill()
        return (result[0] if len(result) else "timed out"), time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs")
    parser.add_argument("verdicts")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with open(options.programs) as handle:
        rows = [json.loads(line) for line in handle]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["OMP_NUM_THREADS"] = "1"
    with (
        concurrent.futures.ProcessPoolExecutor(options.processes) as pool,
        open(options.verdicts, "w") as handle,
    ):
        for row, (status, seconds) in zip(rows, pool.map(check, [r["program"] for r in rows]), strict=True):
            verdict = {"id": row["id"], "passed": status == "passed", "status": status, "seconds": seconds}
            handle.write(json.dumps(verdict) + "\n")
            handle.flush()


if __name__ == "__main__":
    main()
