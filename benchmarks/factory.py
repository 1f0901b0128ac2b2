"""Speed and memory of the factory: seeds from a large tree; duplicates and contamination of many problems.

    python benchmarks/factory.py seeds [--files 100000] [--wanted 80000]
    python benchmarks/factory.py clean [--problems 10000 30000 100000]

- *seeds*: a tree of so many Python files, cut out of the standard library and site-packages: each of 40 to 400
  lines, no two alike. ``codedpo seeds`` in a process of its own.
- *clean*: problems made of such code: a dozen lines as statement, two dozen as solution; one in fifty is nearly
  the one before. Every step in a process of its own, for its memory: exact and near-duplicates, decontamination
  against HumanEval, MBPP and DS-1000. Beside it Magicoder's way (``find_substrings.py`` of its repository, after
  bigcode-dataset): every benchmark text is searched for in every problem.

CPU time is what is compared: it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contamination import DATA, FILES
from rich.console import Console
from rich.table import Table

from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import MadeProblem


def sources() -> list[list[str]]:
    """Return the lines of every file of the standard library and of site-packages that says something."""
    found = []
    for root in (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]):
        for path in sorted(Path(root).rglob("*.py")):
            try:
                lines = path.read_text("utf-8").split("\n")
            except (OSError, UnicodeDecodeError):
                continue
            if len(lines) >= 80:
                found.append(lines)
    return found


def lay_tree(root: Path, number: int) -> None:
    """Write so many files, a thousand a folder, each a part of a real one."""
    generator, corpus = random.Random(0), sources()
    for index in range(number):
        lines = generator.choice(corpus)
        length = min(generator.randint(40, 400), len(lines))
        start = generator.randrange(len(lines) - length + 1)
        folder = root / f"{index // 1000:03}"
        folder.mkdir(exist_ok=True)
        text = "\n".join([f"NUMBER = {index}", *lines[start : start + length]])
        (folder / f"f{index}.py").write_text(text, "utf-8", "surrogatepass")


def lay_problems(path: Path, number: int) -> None:
    """Write so many problems."""
    generator, corpus = random.Random(1), sources()

    def made() -> Iterator[MadeProblem]:
        last = ("", "")
        for index in range(number):
            if index % 50:
                one, other = generator.choice(corpus), generator.choice(corpus)
                place = generator.randrange(len(one) - 12), generator.randrange(len(other) - 24)
                last = "\n".join(one[place[0] : place[0] + 12]), "\n".join(other[place[1] : place[1] + 24])
            statement = f"Problem {index}. {last[0]}"
            yield MadeProblem(str(index), statement, None, instruction=statement, solution=last[1])

    jsonl.write(path, made())


# --------------------------------------------------------------------------- what runs in a process of its own


def step(name: str, path: Path) -> None:
    """Do one step on the problems of a file; print what it took."""
    from codedpo_plugin.problems.cleaning.benchmarks import benchmark_texts
    from codedpo_plugin.problems.cleaning.clean import without_contamination
    from codedpo_plugin.problems.cleaning.decontamination import Decontamination
    from codedpo_plugin.problems.cleaning.duplicates import (
        text_of,
        without_exact_duplicates,
        without_near_duplicates,
    )

    problems: list[MadeProblem] = jsonl.read_all(path, jsonl.problem_from)[0]  # type: ignore[assignment]  # all made
    texts = [] if name == "near-duplicates" else benchmark_texts(("humaneval", "mbpp", "ds1000"))
    counts: Counter[str] = Counter()
    start, cpu = time.monotonic(), time.process_time()
    if name == "near-duplicates":
        kept = sum(1 for _ in without_near_duplicates(without_exact_duplicates(problems, counts), 0.7, counts))
    elif name == "decontamination":
        kept = sum(1 for _ in without_contamination(problems, Decontamination(texts), counts))
    else:
        wanted = [t.text.strip().lower() for t in texts if t.part != "description" and t.text.strip()]
        contents = (text_of(problem).lower() for problem in problems)
        kept = sum(1 for content in contents if not any(text in content for text in wanted))
    used = {"wall": time.monotonic() - start, "cpu": time.process_time() - cpu}
    print(json.dumps(used | {"kept": kept, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def apart(*command: str) -> dict[str, float]:
    """Run this script in a process of its own, whose peak memory begins with this one's; return what it prints."""
    done = subprocess.run([sys.executable, __file__, *command], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# --------------------------------------------------------------------------- the tables


def seeds(files: int, wanted: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        apart("lay", "tree", folder, str(files))
        size = sum(p.stat().st_size for p in Path(folder).rglob("*.py")) / 2**20
        command = ["-m", "codedpo_plugin", "seeds", "-o", f"{folder}/out", "--folder", folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        subprocess.run([sys.executable, *command, "--quota", f"python={wanted}"], check=True)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = Path(folder, "out", "seeds.jsonl").read_bytes().count(b"\n")
        columns = ("files", "MiB", "seeds", "CPU s", "wall s", "memory MiB")
        show(columns, [(files, f"{size:.0f}", found, f"{cpu:.0f}", f"{wall:.0f}", f"{after.ru_maxrss / 1024:.0f}")])


def clean(numbers: list[int], peer_numbers: list[int]) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            path = Path(folder, f"{number}.jsonl")
            apart("lay", "problems", str(path), str(number))
            for name in (
                "near-duplicates",
                "decontamination",
                *(["item by item"] if number in peer_numbers else []),
            ):
                used = apart("step", name, str(path))
                times = [f"{used['cpu']:.1f}", f"{1e6 * used['cpu'] / number:.0f}", f"{used['wall']:.1f}"]
                rows.append((name, number, int(used["kept"]), *times, f"{used['mb']:.0f}"))
                print(*rows[-1], file=sys.stderr, flush=True)  # all is not lost if the run is cut short
    show(("step", "problems", "kept", "CPU s", "µs a problem", "wall s", "memory MiB"), rows)


def show(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    table = Table()
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=120).print(table)


def main() -> None:
    for variable, name in FILES.items():
        os.environ.setdefault(variable, str(DATA / name))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("seeds")
    one.add_argument("--files", type=int, default=100_000)
    one.add_argument("--wanted", type=int, default=80_000)
    other = commands.add_parser("clean")
    other.add_argument("--problems", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    other.add_argument("--peer", type=int, nargs="*", default=[10_000], help="of these, also item by item")
    lay = commands.add_parser("lay")
    lay.add_argument("what")
    lay.add_argument("path", type=Path)
    lay.add_argument("number", type=int)
    alone = commands.add_parser("step")
    alone.add_argument("name")
    alone.add_argument("path", type=Path)
    options = parser.parse_args()
    if options.command == "seeds":
        seeds(options.files, options.wanted)
    elif options.command == "lay":
        (lay_tree if options.what == "tree" else lay_problems)(options.path, options.number)
        print("{}")
    elif options.command == "clean":
        clean(options.problems, options.peer)
    else:
        step(options.name, options.path)


if __name__ == "__main__":
    main()
