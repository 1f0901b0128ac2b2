"""What ``codedpo demo`` runs: the whole loop on the embedded model, or the pipeline without a model.

Without a model the candidates are the bodies and tests of the micro suite, with wrong tests mixed in: they show the
pipeline where the truth is known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from codedpo_plugin.config import (
    EvaluateConfig,
    ExecuteConfig,
    GenerateConfig,
    PairsConfig,
    ProblemsConfig,
    RunConfig,
    ScoreConfig,
    TimingConfig,
    TrainConfig,
)
from codedpo_plugin.errors import UsageError
from codedpo_plugin.records import Candidates, PairKind, PreferencePair
from codedpo_plugin.suites.micro import MicroProblem, micro_problems

NEEDED: Final = ("torch", "transformers", "accelerate", "trl")
"""Libraries of the extra ``train`` that the loop imports."""
PROBLEMS: Final = 96
"""Problems to learn from, of the 192 that there are: more teach more, and take longer than three minutes."""
LONGEST: Final = 84
"""Tokens of an answer, at most. A right solution has up to 79; a batch takes as long as its longest answer."""


def embedded_model() -> Path:
    """Return the folder of the embedded model."""
    return Path(str(files("codedpo_plugin.embedded"))) / "model"


def demo_config(seed: int, execute: ExecuteConfig, split: str = "composed_heldout") -> RunConfig:
    """Return the configuration of the demo: what a user would write in a file for ``codedpo run``.

    The settings are to be chosen on the split ``composed_dev``; the model's card says what they give so far.
    """
    model = {"pretrained": str(embedded_model()), "dtype": "float32"}
    return RunConfig(
        seed=seed,
        problems=ProblemsConfig(suite="micro", split="composed_train", limit=PROBLEMS),
        generate=GenerateConfig(
            model_args=model,
            batch_size=120,
            n_solutions=15,
            n_tests=40,
            test_generations=4,
            prompt_examples=True,
            temperature=1.0,
            max_solution_tokens=LONGEST,
            max_test_tokens=LONGEST,
        ),
        execute=execute,
        score=ScoreConfig(ranker="bayes"),
        pairs=PairsConfig(per_problem=4, trust_examples=True, enlarge=32, timing=TimingConfig(rounds=7)),
        train=TrainConfig(
            method="rpo",
            learning_rate=6e-4,
            beta=0.5,
            epochs=2,
            batch_size=16,
            gradient_accumulation=1,
            max_length=256,
            track_every=20,
        ),
        evaluate=EvaluateConfig(
            n_samples=10, temperature=1.0, top_p=1.0, max_tokens=LONGEST, metadata={"split": split}
        ),
    )


def training_is_installed() -> bool:
    """Return whether a model can be trained here."""
    return not _missing()


def _missing() -> list[str]:
    return [name for name in NEEDED if find_spec(name) is None]


def require_training() -> None:
    """Raise UsageError, with what to install, unless a model can be trained here."""
    if missing := _missing():
        raise UsageError(
            f"the demo trains a model and needs {', '.join(missing)}: pip install 'codedpo-plugin[train]'; "
            "`codedpo demo --without-model` shows the pipeline without"
        )


def demo_candidates() -> Iterator[Candidates]:
    """Yield candidates for the training half: right, slow, fast and wrong solutions; right and wrong tests."""
    for entry in micro_problems("train"):
        solutions = tuple(entry.prompt + body for body in reversed(entry.bodies))
        tests = (*entry.tests, *entry.timing, *wrong_tests(entry))
        yield Candidates(entry.id, entry.prompt, entry.entry_point, solutions, tests, {"model": "embedded"})


def wrong_tests(entry: MicroProblem) -> tuple[str, ...]:
    """Return two tests whose expected values are exchanged, where that makes them wrong."""
    cut = [ast.parse(test).body[0] for test in entry.tests]
    sides = [
        (a.test.left, a.test.comparators[0])
        for a in cut
        if isinstance(a, ast.Assert) and isinstance(a.test, ast.Compare)
    ]
    first, other = sides[0], next((s for s in sides if ast.dump(s[1]) != ast.dump(sides[0][1])), sides[0])
    swapped = ((first[0], other[1]), (other[0], first[1]))
    return tuple(
        f"assert {ast.unparse(call)} == {ast.unparse(value)}" for call, value in swapped if first is not other
    )


def judge_pairs(pairs: Sequence[PreferencePair]) -> list[tuple[str, str, str, str]]:
    """Return a row per kind: pairs, how many prefer as the suite says, how many the other way round."""
    entries = {entry.id: entry for entry in micro_problems("train")}
    rows = []
    for kind in PairKind:
        own = [pair for pair in pairs if pair.kind is kind]
        signs = [_sign(pair, entries[pair.problem_id]) for pair in own]
        rows.append((str(kind), str(len(own)), str(signs.count(1)), str(signs.count(-1))))
    return rows


def _sign(pair: PreferencePair, entry: MicroProblem) -> int:
    """Return 1 if a pair is right, -1 if it is inverted, 0 if the suite cannot tell."""
    if pair.kind is PairKind.EFFICIENCY:
        slow_last = {entry.fast: 2, entry.reference: 1, entry.slow: 0}
        better = slow_last.get(pair.chosen, 0) - slow_last.get(pair.rejected, 0)
    else:
        better = (pair.chosen not in entry.wrong) - (pair.rejected not in entry.wrong)
    return (better > 0) - (better < 0)
