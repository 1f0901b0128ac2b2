"""The paper's ablations on the embedded model: what each choice does to pairs, correctness and speed.

    python benchmarks/ablations.py [--groups ranker,method,kinds,formula,size] [--seeds 0,1,2] [--pairs-only]
                                   [-o DIR]

A seed's candidates are generated once; every variant builds its own pairs of them, trains and evaluates on the
held-out problems; with ``--pairs-only`` it ends with the pairs. What is there already is not repeated, also where
two groups have a variant in common: a run of hours can be interrupted. Rows are means over the seeds, with 95%
intervals of the mean (Student's t). *right* is the share of correctness pairs whose chosen solution passes the
problem's own tests and whose rejected one does not; no stage sees these tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from demo import configuration
from scipy.stats import t as student

from codedpo_plugin.execution import Check, Ending, Job, Mode, Pool
from codedpo_plugin.formats import jsonl
from codedpo_plugin.programs import programs_of
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.suites.micro import micro_problems

MOST: Final = 50
"""Solutions and tests a problem where their number is what varies."""
WITHOUT_EXAMPLES: Final = (
    *("generate.prompt_examples=false", "pairs.trust_examples=false"),
    *("generate.test_generations=4", "pairs.per_problem=4"),
)
"""The demo before it trusted the examples in prompts, which the paper does not: rankers on their own."""
RANKERS: Final = ("self-validation", "all-tests", "pass-count", "random", "codet", "bayes")
COLUMNS: Final = ("group", "variant", "pairs", "right", "pass@1 after − before", "mean speedup", "seeds")


@dataclass(frozen=True)
class Variant:
    """What is changed of the demo's configuration (without examples), as ``section.key=value``."""

    group: str
    name: str
    changes: tuple[str, ...]
    size: int | None = None
    """So many solutions and tests a problem, of ``MOST``."""

    def folder(self, config: dict[str, Any]) -> str:
        """Return a name that only variants of the same configuration share."""
        what = json.dumps([config, self.size], sort_keys=True)
        return f"variant-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def variants() -> list[Variant]:
    """Return all variants; those of ``ranker`` differ from one another in the ranker alone, and so on."""
    paper = "score.ranker=self-validation"
    rounds = [f"score.params={{iterations: {n}}}" for n in (1, 3, 10, 30)]
    dampings = [f"score.params={{damping: {d}}}" for d in (0.5, 0.85, 1.0)]
    return [
        *(Variant("ranker", ranker, (f"score.ranker={ranker}", "train.method=dpo")) for ranker in RANKERS),
        *(Variant("method", m, (paper, f"train.method={m}")) for m in ("dpo", "rpo", "kto", "sft")),
        *(
            Variant("kinds", " and ".join(kinds), (f"pairs.kinds=[{', '.join(kinds)}]",))
            for kinds in (("correctness",), ("efficiency",), ("correctness", "efficiency"))
        ),
        *(Variant("formula", c.partition("{")[2].rstrip("}"), (paper, c)) for c in (*rounds, *dampings)),
        *(Variant("size", f"{n} × {n}", (paper,), n) for n in (5, 10, 15, 25, MOST)),
    ]


# --------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class Lab:
    """Where runs are kept, and what all of them have in common."""

    output: Path
    changes: tuple[str, ...]
    trains: bool
    """Whether runs go on to the end; else they end with their pairs, those of correctness alone."""

    def configuration(self, seed: int, changes: Sequence[str] = ()) -> dict[str, Any]:
        """Return the demo's configuration with what is changed."""
        kinds = () if self.trains else ("pairs.kinds=[correctness]",)
        config = configuration(seed, "composed_heldout", [*WITHOUT_EXAMPLES, *self.changes, *kinds, *changes])
        return config if self.trains else config | {"train": None, "evaluate": None}

    def folder(self, seed: int) -> Path:
        return self.output / ("trained" if self.trains else "pairs") / str(seed)

    def base(self, seed: int) -> Path:
        """Return the run directory of the demo as it is, for one seed; make it if it is not there."""
        return finished(self.folder(seed) / "base", self.configuration(seed))

    def varied(self, variant: Variant, seed: int) -> Path:
        """Return the run directory of a variant, which takes over what the variant does not change."""
        config = self.configuration(seed, variant.changes)
        target = self.folder(seed) / variant.folder(config)
        if (target / "run" / "report.html").exists():
            return target / "run"
        source, kept = self.base(seed), {"evaluate_before_micro"}
        shutil.rmtree(target, ignore_errors=True)
        (target / "run").mkdir(parents=True)
        if self.trains:
            shutil.copytree(source / "before", target / "run" / "before")
        if variant.size is None:
            kept |= {"problems", "generate", "execute"}
            for name in ("problems.jsonl", "candidates.jsonl", "matrix.parquet"):
                shutil.copy(source / name, target / "run")
        else:
            config["candidates"] = str(smaller(self.many(seed), variant.size, target))
        manifest = json.loads((source / "manifest.json").read_text("utf-8"))
        manifest["stages"] = {name: record for name, record in manifest["stages"].items() if name in kept}
        (target / "run" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        return finished(target, config)

    def many(self, seed: int) -> Path:
        """Return the candidates with up to ``MOST`` solutions and tests a problem; generate them if need be."""
        sizes = (f"generate.n_solutions={MOST}", f"generate.n_tests={MOST}", "generate.test_generations=10")
        config = self.configuration(seed, sizes) | {"train": None, "evaluate": None}
        return finished(self.folder(seed) / "many", config) / "candidates.jsonl"


def finished(folder: Path, config: dict[str, Any]) -> Path:
    """Run a configuration to its end, unless it was run before; return the run directory."""
    run = folder / "run"
    if not (run / "report.html").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
        command = [sys.executable, "-m", "codedpo_plugin", "run", str(folder / "config.yaml"), "-o", str(run)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return run


def smaller(source: Path, size: int, folder: Path) -> Path:
    """Write candidates with the first so many solutions and tests of each problem; return the file."""
    rows = map(json.loads, source.read_text("utf-8").splitlines())
    cut = (row | {key: row[key][:size] for key in ("solutions", "tests")} for row in rows)
    jsonl.write_objects(folder / "candidates.jsonl", cut)
    return folder / "candidates.jsonl"


# --------------------------------------------------------------------------- figures


def rightness(run: RunDirectory, pool: Pool) -> tuple[int, float]:
    """Return the number of pairs, and the share of correctness pairs that are right."""
    pairs = list(jsonl.read(run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False))
    own = [pair for pair in pairs if pair.kind is PairKind.CORRECTNESS]
    jobs = [_judging(pair, program) for pair in own for program in programs_of(pair)]
    passed = [all(a.ending is Ending.HELD for a in result.answers) for result in pool.run(jobs)]
    right = [chosen and not rejected for chosen, rejected in zip(passed[::2], passed[1::2], strict=True)]
    return len(pairs), float(np.mean(right)) if right else math.nan


def _judging(pair: PreferencePair, program: str) -> Job:
    problem = next(p for p in micro_problems("composed_train") if p.id == pair.problem_id)
    return Job(program, tuple(Check(test, Mode.INSIDE) for test in problem.tests))


def figures(run: Path, pool: Pool) -> tuple[float, float, float, float]:
    """Return pairs, share of right ones, difference in pass@1, and mean speedup of a run."""
    pairs, right = rightness(RunDirectory(run), pool)
    if not (run / "comparison.json").exists():
        return pairs, right, math.nan, math.nan
    (comparison,) = json.loads((run / "comparison.json").read_text("utf-8"))
    return pairs, right, comparison["differences"]["pass@1"]["value"], comparison["mean_speedup"]["value"]


def interval(values: Iterable[float], form: str) -> str:
    """Return mean and 95% interval of the mean."""
    known = np.array([value for value in values if not math.isnan(value)])
    if len(known) < 2:
        return format(known.mean(), form) if len(known) else "–"
    half = student.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known))
    return f"{known.mean():{form}} ± {half:{form.lstrip('+')}}"


def row(variant: Variant, found: Sequence[tuple[float, float, float, float]]) -> str:
    """Return a variant's row of the table."""
    pairs, right, difference, speedup = zip(*found, strict=True)
    cells = (
        *(variant.group, variant.name, f"{np.mean(pairs):.0f}", interval(right, ".2f")),
        *(interval(difference, "+.3f"), interval(speedup, ".2f"), str(len(found))),
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", default="ranker,method,kinds,formula,size")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--set", dest="changes", nargs="*", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument(
        "--pairs-only", action="store_true", help="end with the correctness pairs, without training"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("out/ablations"))
    options = parser.parse_args()
    chosen = [variant for variant in variants() if variant.group in options.groups.split(",")]
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    lab = Lab(options.output, tuple(options.changes), trains=not options.pairs_only)
    with Pool() as pool:
        for variant in chosen:
            runs = [lab.varied(variant, seed) for seed in map(int, options.seeds.split(","))]
            print(row(variant, [figures(run, pool) for run in runs]), flush=True)


if __name__ == "__main__":
    main()
