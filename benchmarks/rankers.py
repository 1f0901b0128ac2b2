"""Rankers and the confidence of pairs, on CodeGen-16B's recorded output for HumanEval at 15×15 and 100×100.

    python benchmarks/rankers.py [-o DIR] [--plot FILE.svg] [--write]

All solutions are executed against all tests once; the matrices and the truth are kept in DIR and used again. Among
the tests are the examples in HumanEval's prompts, which CodeT's prompts lack; only what is said to trust examples
knows them. What is chosen or fitted (the priors of ``bayes``, the calibration of the confidence) is so on one half
of the problems and reported on the other, then the other way round. ``--write`` fits the calibration that comes
with the package, on all problems. Data: microsoft/CodeT (MIT), see benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

import codegen
import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.calibration.examples import Example, LabelledProblem, examples_of
from codedpo_plugin.calibration.fit import Reliability, cross_fitted, fit_calibration, halves, measure
from codedpo_plugin.calibration.model import DEFAULT, Calibration, write_calibration
from codedpo_plugin.calibration.truth import read_labelled
from codedpo_plugin.contracts import Ranker
from codedpo_plugin.execution import Pool
from codedpo_plugin.formats import jsonl
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.ranking import bayes
from codedpo_plugin.ranking.stacks import score_all
from codedpo_plugin.records import PairKind
from codedpo_plugin.rundir import RunDirectory

SIZE: Final = 100
CALIBRATED: Final = ("self-validation", "pass-count", "codet", "bayes")
PRIORS: Final = tuple(
    {"rarity": rarity, "repeats": repeats}
    for rarity, repeats in product((0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), (0.0, 0.5, 1.0))
)
"""What is chosen from; the other priors are uniform."""
DRAWS: Final = 20
SPLITS: Final = 20

Problems = Sequence[LabelledProblem]


@dataclass(frozen=True)
class Sample:
    """Problems at one size, with the base rates of those without a test, which no ranker can score."""

    name: str
    problems: Problems
    untested: Mapping[str, float]

    def among(self, ids: set[str]) -> Sample:
        problems = [p for p in self.problems if p.matrix.problem_id in ids]
        return Sample(self.name, problems, {i: rate for i, rate in self.untested.items() if i in ids})


# --------------------------------------------------------------------------- data


def prepare(folder: Path) -> tuple[RunDirectory, Path]:
    """Return the run directory with the executed matrices, and the truth; make what is not there yet."""
    source, truth, run = folder / "input.jsonl", folder / "truth.jsonl", folder / "run"
    known = codegen.examples()
    found = [
        replace(own, tests=tuple(dict.fromkeys((*own.tests, *known[own.entry_point or ""]))))
        for own in codegen.candidates(SIZE, SIZE)
    ]
    if not truth.exists():
        jsonl.write(source, found)
        with Pool() as pool:
            right = codegen.truth(found, pool)
        with atomic_write(truth) as handle:
            for name, values in right.items():
                handle.write(json.dumps({"problem_id": name, "right": values.tolist()}).encode() + b"\n")
    command = ["build", str(source), "-o", str(run), "--kind", "correctness"]
    if not (run / "matrix.parquet").exists():
        subprocess.run([sys.executable, "-m", "codedpo_plugin", *command], check=True)
    return RunDirectory(run), truth


def written(run: RunDirectory, truth: Path) -> tuple[list[LabelledProblem], list[LabelledProblem]]:
    """Return the problems with the tests that the model wrote, and those with examples with these beside them."""
    labelled, _ = read_labelled(run, truth)
    known = codegen.examples()
    own = {c.problem_id: (len(c.tests), {*known[c.entry_point or ""]}) for c in codegen.candidates(SIZE, SIZE)}
    candidates, _ = jsonl.read_all(run.candidates, jsonl.candidates_parser())
    tests = {c.problem_id: c.tests for c in candidates}
    alone, beside = [], []
    for problem in labelled:
        name = problem.matrix.problem_id
        number, examples = own[name]
        if number:
            alone.append(problem.part(np.arange(len(problem.right)), np.arange(number)))
        if places := tuple(place for place, test in enumerate(tests[name]) if test in examples):
            beside.append(replace(problem, examples=places))
    return alone, beside


def part(problem: LabelledProblem, size: int, generator: np.random.Generator | None = None) -> LabelledProblem:
    """Return the first, or randomly drawn, so many solutions and tests of a problem."""
    shape = problem.matrix.verdicts.shape
    order = [np.arange(n) if generator is None else generator.permutation(n) for n in shape]
    return problem.part(order[0][:size], order[1][:size])


def samples(labelled: Problems, truth: Path) -> tuple[Sample, Sample, list[Sample]]:
    """Return the problems at 15×15, at 100×100, and random draws of 15×15 out of 100×100."""
    rights = {row["problem_id"]: row["right"] for row in map(json.loads, truth.read_text("utf-8").splitlines())}
    tested = {problem.matrix.problem_id for problem in labelled}
    untested = {i: float(np.mean(right)) for i, right in rights.items() if i not in tested}
    few = {i: float(np.mean(rights[i][:15])) for i in untested}
    generator = np.random.default_rng(0)
    draws = [Sample("15×15, drawn", [part(p, 15, generator) for p in labelled], untested) for _ in range(DRAWS)]
    return Sample("15×15", [part(p, 15) for p in labelled], few), Sample("100×100", labelled, untested), draws


# --------------------------------------------------------------------------- figures


def scores(ranker: Ranker, problems: Problems, params: Mapping[str, Any]) -> Iterator[NDArray[np.float64]]:
    for found in score_all(ranker, "ranker", (problem.matrix for problem in problems), {"seed": 0, **params}):
        yield found.solutions


def top_1(sample: Sample, ranker: Ranker, params: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Return each problem's chance that a solution with the highest score is right; ties are drawn at random."""
    found = scores(ranker, sample.problems, params or {})
    own = {p.matrix.problem_id: codegen.top_1(s, p.right) for p, s in zip(sample.problems, found, strict=True)}
    return own | dict(sample.untested)


def area(sample: Sample, ranker: Ranker) -> float:
    """Return the mean, over problems with both, of the chance that a right solution is above a wrong one."""
    values = []
    for problem, own in zip(sample.problems, scores(ranker, sample.problems, {}), strict=True):
        right, wrong = own[problem.right], own[~problem.right]
        if len(right) and len(wrong):
            above = np.sign(right[:, None] - wrong[None, :])
            values.append(float((above + 1).mean() / 2))
    return float(np.mean(values))


def whole(sample: Sample, rankers: Mapping[str, Ranker]) -> list[Example]:
    """Return the pairs that rankers make of whole problems, trusting examples where there are some."""
    found = ((bool(p.examples), example) for p in sample.problems for example in examples_of(p, rankers, draws=0))
    return [example for trusting, example in found if example.trusting == trusting]


def correctness(sample: Sample, rankers: Mapping[str, Ranker]) -> list[Example]:
    """Return the correctness pairs among them."""
    return [example for example in whole(sample, rankers) if example.kind is PairKind.CORRECTNESS]


# --------------------------------------------------------------------------- choosing and fitting


def choose_priors(layouts: Sequence[Sequence[Sample]], ids: set[str]) -> int:
    """Return the number of the priors with the highest top-1 on some problems, each layout counting the same."""
    parts = [[sample.among(ids) for sample in layout] for layout in layouts]
    found = [
        [np.mean([[*top_1(p, bayes.rank, priors).values()] for p in layout]) for layout in parts]
        for priors in PRIORS
    ]
    return int(np.argmax(np.mean(found, axis=1)))


def unseen(
    fitted_on: Sequence[Example], reported: Sequence[Example], split: tuple[set[str], set[str]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return confidences by the calibration that was fitted on the other half, and whether the pairs are right."""
    right = np.array([example.right for example in reported])
    return cross_fitted(fitted_on, reported, split), right


def random_splits(ids: Sequence[str]) -> Iterator[tuple[set[str], set[str]]]:
    generator = np.random.default_rng(0)
    for _ in range(SPLITS):
        order = [ids[place] for place in generator.permutation(len(ids))]
        yield set(order[: len(ids) // 2]), set(order[len(ids) // 2 :])


# --------------------------------------------------------------------------- tables


def accuracy_table(sizes: Sequence[Sample], draws: Sequence[Sample], rankers: Mapping[str, Ranker]) -> None:
    print(
        "| ranker | size | top-1 | half A | half B | pairs | pairs right | AUC |\n|---|---|---|---|---|---|---|---|"
    )
    ids = [p.matrix.problem_id for p in sizes[0].problems] + [*sizes[0].untested]
    first, second = halves(ids)
    for sample, (name, ranker) in product(sizes, rankers.items()):
        chances = top_1(sample, ranker)
        shares = [float(np.mean([chances[i] for i in own])) for own in (chances, first, second)]
        pairs = correctness(sample, {name: ranker})
        cells = (*(f"{s:.3f}" for s in shares), len(pairs), f"{np.mean([e.right for e in pairs]):.3f}")
        print(f"| `{name}` | {sample.name} | {' | '.join(map(str, cells))} | {area(sample, ranker):.3f} |")
    for name, ranker in rankers.items():
        values = [float(np.mean([*top_1(draw, ranker).values()])) for draw in draws]
        print(f"| `{name}` | {draws[0].name} | {np.mean(values):.3f} ± {np.std(values):.3f} | | | | | |")


def priors_table(sizes: Sequence[Sample], draws: Sequence[Sample]) -> None:
    """Print the priors chosen on each half, with the top-1 on the other, and those chosen on all."""
    layouts = [[sizes[1]], draws]
    ids = {p.matrix.problem_id for p in sizes[0].problems} | set(sizes[0].untested)
    first, second = halves(ids)
    print("\n| chosen on | rarity, repeats | reported on | " + " | ".join(s.name for s in sizes) + " |")
    print("|---|---|---|---|---|")
    both: list[list[float]] = [[] for _ in sizes]
    for chosen_on, other, names in ((first, second, "AB"), (second, first, "BA")):
        priors = PRIORS[choose_priors(layouts, chosen_on)]
        found = [[*top_1(sample.among(other), bayes.rank, priors).values()] for sample in sizes]
        for column, values in zip(both, found, strict=True):
            column += values
        cells = " | ".join(f"{np.mean(values):.3f}" for values in found)
        print(f"| {names[0]} | {[*priors.values()]} | {names[1]} | {cells} |")
    print("| both | | the other half | " + " | ".join(f"{np.mean(column):.3f}" for column in both) + " |")
    print(f"| all | {[*PRIORS[choose_priors(layouts, ids)].values()]} | | | |")


def confidence_table(
    sizes: Sequence[Sample], fitted_on: Sequence[Example], rankers: Mapping[str, Ranker]
) -> dict[tuple[str, str], Reliability]:
    """Print how confidences hold on unseen halves; return the reliability of each size and ranker."""
    found: dict[tuple[str, str], Reliability] = {}
    print("\n| pairs | ranker | size | n | right | ECE | ECE by chance | top quarter | ratio | > .9 | right |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    split = halves(example.problem_id for example in fitted_on)
    for kind, sample, name in product(PairKind, sizes, CALIBRATED):
        own = [e for e in whole(sample, {name: rankers[name]}) if e.kind is kind]
        r = measure(*unseen(fitted_on, own, split))
        if kind is PairKind.CORRECTNESS:
            found[sample.name, name] = r
        errors = f"{r.ece:.3f} | {r.ece_by_chance:.3f}"
        quarter = f"{r.top_quarter:.3f} | {r.top_quarter / r.right:.2f}"
        high = f"{r.high} | {r.high_right:.3f}"
        print(f"| {kind} | `{name}` | {sample.name} | {r.n} | {r.right:.3f} | {errors} | {quarter} | {high} |")
    return found


def examples_table(sizes: Sequence[Sample], trusting: Sequence[Sample], rankers: Mapping[str, Ranker]) -> None:
    """Print how often pairs of the problems with examples are right: without these, with them, trusting them."""
    print("\n| problems with examples | size | pairs, right | examples as tests | examples trusted |")
    print("|---|---|---|---|---|")
    for (sample, held), name in product(zip(sizes, trusting, strict=True), CALIBRATED):
        beside = {problem.matrix.problem_id for problem in held.problems}
        plain = Sample("", [replace(problem, examples=()) for problem in held.problems], {})
        cells = []
        for own in (sample.among(beside), plain, held):
            right = [example.right for example in correctness(own, {name: rankers[name]})]
            cells.append(f"{len(right)}, {np.mean(right):.3f}")
        print(f"| `{name}` | {sample.name} | {' | '.join(cells)} |")


def splits_table(sizes: Sequence[Sample], fitted_on: Sequence[Example], rankers: Mapping[str, Ranker]) -> None:
    """Print the same of correctness pairs over random halves: mean and standard deviation."""
    known = [example for example in fitted_on if example.kind is PairKind.CORRECTNESS]
    pairs = {
        (name, sample.name): correctness(sample, {name: rankers[name]})
        for name, sample in product(CALIBRATED, sizes)
    }
    everything = [example for own in pairs.values() for example in own]
    ends = np.cumsum([len(own) for own in pairs.values()])[:-1]
    found: dict[tuple[str, str], list[Reliability]] = {key: [] for key in pairs}
    for split in random_splits(sorted({example.problem_id for example in known})):
        parts = (np.split(values, ends) for values in unseen(known, everything, split))
        for key, values, right in zip(pairs, *parts, strict=True):
            found[key].append(measure(values, right))
    print(f"\n| {SPLITS} random splits | size | ECE | above 0.10 | top quarter, ratio | > .9 | right of those |")
    print("|---|---|---|---|---|---|---|")
    for (name, size), own in found.items():
        errors, ratios = [r.ece for r in own], [r.top_quarter / r.right for r in own]
        high = sum(r.high for r in own)
        high_right = sum(r.high * r.high_right for r in own if r.high) / high if high else float("nan")
        spread = f"{_spread(errors)} | {sum(e > 0.1 for e in errors)} | {_spread(ratios)}"
        print(f"| `{name}` | {size} | {spread} | {high / SPLITS:.1f} | {high_right:.3f} |")


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


def raw_table(sizes: Sequence[Sample]) -> None:
    """Print what the posterior itself says of its pairs."""
    print(
        "\n| posterior as it is | size | n | right | ECE | ≥ .99 | right of those |\n|---|---|---|---|---|---|---|"
    )
    for sample, repeats in product(sizes, (1.0, bayes.BayesParams().repeats)):
        rows = []
        for problem, own in zip(
            sample.problems, scores(bayes.rank, sample.problems, {"repeats": repeats}), strict=True
        ):
            best, worst = int(np.argmax(own)), int(np.argmin(own))
            if own[best] > own[worst]:
                rows.append((float(np.exp(own[best])), bool(problem.right[best] and not problem.right[worst])))
        said, right = (np.array(column) for column in zip(*rows, strict=True))
        r, sure = measure(said, right), said >= 0.99
        print(f"| repeats {repeats:g} | {sample.name} | {r.n} | {r.right:.3f} | {r.ece:.3f} | {sure.sum()} "
              f"| {right[sure].mean():.3f} |")  # fmt: skip


def plot(path: Path, found: Mapping[tuple[str, str], Reliability]) -> None:
    """Draw a reliability diagram for each size and ranker."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(size for size, _ in found))
    figure = Figure(figsize=(3.1 * len(CALIBRATED), 3.2 * len(names)), layout="constrained")
    for (size, name), axes in zip(
        product(names, CALIBRATED), figure.subplots(len(names), len(CALIBRATED)).flat, strict=True
    ):
        own = found[size, name]
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
        axes.plot([b.confidence for b in own.bins], [b.right for b in own.bins], color="C0", linewidth=1)
        axes.scatter(
            [b.confidence for b in own.bins], [b.right for b in own.bins], s=[3 * b.count for b in own.bins]
        )
        axes.set_title(f"{name}\n{size}\nECE {own.ece:.3f}, n = {own.n}", fontsize="medium")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.set(xlabel="confidence", ylabel="share right")
    with atomic_write(path) as handle, mpl.rc_context({"svg.hashsalt": "codedpo", "svg.fonttype": "none"}):
        figure.savefig(handle, format="svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("out/rankers"))
    parser.add_argument("--plot", type=Path, help="write the reliability diagrams here")
    parser.add_argument("--write", action="store_true", help="write the calibration that comes with the package")
    options = parser.parse_args()
    labelled, beside = written(*prepare(options.output))
    rankers = create_plugins(installed=False).rankers
    few, many, draws = samples(labelled, options.output / "truth.jsonl")
    calibrated = {name: rankers[name] for name in CALIBRATED}
    accuracy_table((few, many), draws, rankers)
    priors_table((few, many), draws)
    raw_table((few, many))
    trusting = (
        Sample("15×15, examples trusted", [part(p, 15) for p in beside], {}),
        Sample("100×100, examples trusted", beside, {}),
    )
    examples_table((few, many), trusting, rankers)
    fitted_on = [example for problem in labelled for example in examples_of(problem, calibrated)]
    fitted_on += [e for problem in beside for e in examples_of(problem, calibrated) if e.trusting]
    found = confidence_table((few, many, *trusting), fitted_on, rankers)
    splits_table((few, many, *trusting), fitted_on, rankers)
    if options.plot:
        plot(options.plot, found)
    if options.write:
        source = f"{len(labelled)} problems of HumanEval, 100 solutions and up to 100 tests each by CodeGen-16B"
        fitted: Calibration = fit_calibration(fitted_on, source)
        write_calibration(DEFAULT, fitted)


if __name__ == "__main__":
    main()
