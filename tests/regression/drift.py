"""Runs the recorded samples through the command line and compares what comes out with what is locked.

    python tests/regression/drift.py            exit status 1, and what has drifted, if anything has
    python tests/regression/drift.py --lock     take what comes out for right, after reading the difference

Compared are the figures and verdicts that have to be the same on every machine: pass@k, counts, the status of every
sample, the pairs. Times are not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LOCKED = HERE / "locked.json"
COMMAND = (sys.executable, "-P", "-m", "codedpo_plugin")


def current(folder: Path) -> dict[str, Any]:
    """Run everything into a folder and return what came out, in the form that is locked."""
    _codedpo("evaluate", "--suite", "micro", "--samples", HERE / "samples.jsonl", "--k", "1,2,4", "-o", folder)
    _codedpo("build", HERE / "candidates.jsonl", "--kind", "correctness", "-o", folder)
    result = json.loads((folder / "eval" / "micro.json").read_text("utf-8"))
    pairs = [json.loads(line) for line in (folder / "pairs.jsonl").read_text("utf-8").splitlines()]
    return {
        "evaluate": {
            "suite_version": result["suite_version"],
            "metrics": result["metrics"],
            "counts": result["counts"],
            "statuses": {f"{s['problem_id']} sample {s['sample']}": s["status"] for s in result["samples"]},
        },
        "build": {pair["problem_id"]: pair for pair in pairs},
    }


def _codedpo(*arguments: object) -> None:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"codedpo {' '.join(map(str, arguments))} failed:\n{done.stderr}")


def drift(locked: Any, found: Any, where: str = "") -> Iterator[str]:
    """Yield a line for every value that is not as it is locked."""
    if isinstance(locked, Mapping) and isinstance(found, Mapping):
        for key in sorted(locked.keys() | found.keys()):
            place = f"{where} > {key}" if where else key
            if key not in found:
                yield f"{place}: gone, was {json.dumps(locked[key])}"
            elif key not in locked:
                yield f"{place}: new, {json.dumps(found[key])}"
            else:
                yield from drift(locked[key], found[key], place)
    elif locked != found:
        yield f"{where}: was {json.dumps(locked)}, is {json.dumps(found)}"


def main() -> None:
    """Compare, or lock."""
    with tempfile.TemporaryDirectory() as folder:
        found = current(Path(folder))
    lines = list(drift(json.loads(LOCKED.read_text("utf-8")) if LOCKED.exists() else {}, found))
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "nothing has drifted\n")
    if "--lock" in sys.argv[1:]:
        LOCKED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    elif lines:
        sys.exit(f"{len(lines)} values have drifted; if that is meant, lock them with --lock and say why")


if __name__ == "__main__":
    main()
