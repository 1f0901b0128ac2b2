"""Writes the recorded samples of the regression run: ``python tests/regression/record.py``.

Four answers to every held-out problem of the micro suite: right, wrong, and in turn one of the ways in which a
model's answer goes wrong altogether. They are files so that what is run does not change when this script does.
"""

from __future__ import annotations

import json
from pathlib import Path

from codedpo_plugin.suites.micro import micro_problems

HERE = Path(__file__).resolve().parent
BROKEN = (
    "    raise ValueError('no idea')\n",  # error
    "    while True:\n        pass\n",  # timeout
    "    import os\n    return os.fork()\n",  # forbidden by every sandbox alike
    "    import os\n    os._exit(0)\n",  # crash
    "    return (\n",  # does not compile
    "    return [0] * 10**10\n",  # memory
    "    import socket\n    socket.socket()\n",  # forbidden
    "    return AlwaysEqual()\n\n\nclass AlwaysEqual:\n    def __eq__(self, other):\n        return True\n",
)


def main() -> None:
    """Write ``samples.jsonl`` and ``candidates.jsonl``."""
    heldout, train = micro_problems("heldout"), micro_problems("train")
    samples = [
        {"task_id": entry.id, "completion": body.removeprefix("\n")}
        for number, entry in enumerate(heldout)
        for body in (entry.reference, entry.wrong[0], entry.wrong[1], BROKEN[number % len(BROKEN)])
    ]
    candidates = [
        {
            "problem_id": entry.id,
            "prompt": entry.prompt,
            "entry_point": entry.entry_point,
            "solutions": [body.removeprefix("\n") for body in (entry.wrong[0], entry.reference, entry.wrong[1])],
            "tests": [*entry.tests, f"assert {entry.entry_point}() == 'not a test'"],
            "solution_form": "completion",
        }
        for entry in train[:12]
    ]
    for name, rows in (("samples", samples), ("candidates", candidates)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (HERE / f"{name}.jsonl").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
