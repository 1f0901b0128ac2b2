"""What decontamination finds: planted benchmark items in disguise, and unrelated snippets of the standard library.

Every prompt, every solution and every prompt with its solution of HumanEval, MBPP and DS-1000 is planted verbatim,
renamed, re-commented, re-indented, inside longer text, and all of that at once. Beside it, what a case-insensitive
substring search (Magicoder's way) finds of the same plants.

    python benchmarks/contamination.py [--snippets 10000]
"""

from __future__ import annotations

import argparse
import ast
import builtins
import keyword
import os
import random
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Final

from codedpo_plugin.config import SeedsConfig
from codedpo_plugin.problems.cleaning.benchmarks import benchmark_texts
from codedpo_plugin.problems.cleaning.decontamination import BenchmarkText, Decontamination
from codedpo_plugin.problems.seeds.collection import collect_seeds

DATA = Path(os.environ.get("CODEDPO_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
FILES: Final = {
    "HUMANEVAL_OVERRIDE_PATH": "humanevalplus-v0.1.10.jsonl.gz",
    "MBPP_OVERRIDE_PATH": "mbppplus-v0.2.0.jsonl.gz",
    "DS1000_OVERRIDE_PATH": "ds1000/ds1000.jsonl.gz",
}
FIXED: Final = {*keyword.kwlist, *dir(builtins), "self"}

STORY: Final = (
    "The following exercise was found in the notes of a reading group that met every other week to talk about "
    "small programs, what they are good for, and how one tells that they are right. It is given as found."
)


def renamed(text: str) -> str:
    """Rename everything that is defined in code: in the code, and where its name is mentioned."""
    names = sorted(_defined(text), key=len, reverse=True)
    table = {name: f"value_{number}" for number, name in enumerate(names)}
    return re.sub(r"(?<![.\w])[A-Za-z_]\w*", lambda m: table.get(m[0], m[0]), text)


def _defined(text: str) -> set[str]:
    """Return the names that a text's code defines and that do not occur in its prose as plain words."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        found = set(re.findall(r"^\s*(\w+) = ", text, re.MULTILINE)) | set(re.findall(r"def (\w+)", text))
        return found - FIXED
    functions = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    arguments = {n.arg for n in nodes if isinstance(n, ast.arg)}
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    asserted = set(re.findall(r"assert (\w+)\(", text)) | set(re.findall(r">>> (\w+)\(", text))
    return (functions | arguments | stored | asserted | (called & functions)) - FIXED


def recommented(text: str) -> str:
    """Turn documentation into comments, drop the comments of programs, and write new ones between the lines.

    The comments of DS-1000's plots are the problem itself; they stay.
    """
    without = _without_comments(text) if "def " in text else text
    lines = []
    inside = False
    for line in without.split("\n"):
        quotes = line.count('"""') + line.count("'''")
        bare = line.replace('"""', "").replace("'''", "")
        if inside or quotes:
            lines.append(f"# {bare.strip()}" if bare.strip() else "#")
            inside ^= quotes % 2 == 1
        else:
            lines += [line] + (["    # and then on to what comes next"] if line.startswith("    ") else [])
    return "\n".join(lines)


def _without_comments(text: str) -> str:
    """Return code without its comments; other texts as they are."""
    try:
        tokens = [t for t in tokenize.generate_tokens(StringIO(text).readline) if t.type != tokenize.COMMENT]
        return tokenize.untokenize(tokens)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return text


def reindented(text: str) -> str:
    """Indent by two thirds of a tab more and with tabs: layout of another hand."""
    return "\n".join("\t" + line.replace("    ", "\t").replace("  ", " ") for line in text.split("\n"))


def embedded(text: str) -> str:
    """Put a text into a longer one."""
    return f"{STORY}\n\n```\n{text}\n```\n\n{STORY[::-1]}\nimport os\nprint(os.getcwd())\n"


DISGUISES: Final[dict[str, Callable[[str], str]]] = {
    "verbatim": str,
    "renamed": renamed,
    "re-commented": recommented,
    "re-indented": reindented,
    "inside longer text": embedded,
    "all at once": lambda text: embedded(reindented(recommented(renamed(text)))),
}


def plants(texts: list[BenchmarkText]) -> Iterator[tuple[str, str, str]]:
    """Yield benchmark, part and text of everything that is planted."""
    by_item: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for text in texts:
        parts = by_item[text.benchmark, text.item]
        parts.setdefault(text.part, text.text)
    for (benchmark, _), parts in by_item.items():
        prompt, solution = parts["prompt"], parts["solution"]
        whole = solution if solution.startswith(prompt) else f"{prompt}\n{solution}"
        yield benchmark, "prompt", prompt
        yield benchmark, "prompt and solution", whole
        yield benchmark, "solution alone", solution.removeprefix(prompt) if whole == solution else solution


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--snippets", type=int, default=10_000)
    parser.add_argument("--corpus", type=Path, nargs="*", default=(), help="instead of the standard library")
    parser.add_argument("--show", type=int, default=0, help="print so many misses and false alarms")
    options = parser.parse_args()
    for variable, name in FILES.items():
        os.environ.setdefault(variable, str(DATA / name))
    texts = benchmark_texts(("humaneval", "mbpp", "ds1000"))
    found = Decontamination(texts)
    print(f"too short to be recognised at all: {dict(found.undecidable)}")
    searched = [t.text.strip().lower() for t in texts if t.part != "description" and len(t.text) > 30]
    table: dict[tuple[str, str, str], list[tuple[bool, bool]]] = defaultdict(list)
    shown = 0
    for benchmark, part, text in plants(texts):
        for disguise, change in DISGUISES.items():
            planted = change(text)
            ours = any(found.matches(planted))
            theirs = any(one in planted.lower() for one in searched)
            table[benchmark, part, disguise].append((ours, theirs))
            if not ours and part != "solution alone" and shown < options.show:
                shown += 1
                print("-" * 20, benchmark, part, disguise, planted, sep="\n")
    print("| benchmark | part | disguise | plants | found | by substring search |\n|---|---|---|---|---|---|")
    for (benchmark, part, disguise), rows in table.items():
        both = (sum(row[i] for row in rows) for i in (0, 1))
        print(f"| {benchmark} | {part} | {disguise} | {len(rows)} | {' | '.join(map(str, both))} |")
    config = SeedsConfig(folders=tuple(options.corpus), quotas={"python": options.snippets}, per_document=20)
    seeds = list(collect_seeds(config, seed=1))
    alarms = [(seed, matches) for seed in seeds if (matches := found.matches(seed.text))]
    print(f"\nunrelated snippets: {len(seeds)}; called contaminated: {len(alarms)}")
    random.Random(0).shuffle(alarms)
    for seed, matches in alarms[: options.show]:
        print("=" * 20, seed.source, seed.text, *matches[:2], sep="\n")


if __name__ == "__main__":
    main()
