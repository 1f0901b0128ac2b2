"""What the tests of training share: pairs of the micro suite, and a training in one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.suites.micro import micro_problems

PROMPT = 'def add(a, b):\n    """Add."""\n'
QUICK = {"learning_rate": 1e-2, "batch_size": 2, "gradient_accumulation": 1, "warmup_ratio": 0.0}
PLUGINS = create_plugins(installed=False)


def pair(
    chosen: str = "    return a + b",
    rejected: str = "    return a - b",
    problem_id: str = "add",
    kind: PairKind = PairKind.CORRECTNESS,
    score: float = 2.0,
) -> PreferencePair:
    return PreferencePair(PROMPT, chosen, rejected, kind, problem_id, score, 1.0, score - 1.0)


def micro_pairs(problems: int, *, efficiency: bool = False) -> list[PreferencePair]:
    """Return a correctness pair for each of some problems, and an efficiency pair if asked for."""
    found = []
    for e in [e for e in micro_problems("train") if e.fast and e.slow][:problems]:
        found.append(PreferencePair(e.prompt, e.reference, e.wrong[0], PairKind.CORRECTNESS, e.id, 2.0, 1.0, 1.0))
        if efficiency:
            found.append(PreferencePair(e.prompt, e.fast, e.slow, PairKind.EFFICIENCY, e.id, 2.0, 2.0, 0.0))
    return found


def pairs_file(folder: Path, pairs: Sequence[PreferencePair]) -> Path:
    jsonl.write(folder / "pairs.jsonl", pairs)
    return folder / "pairs.jsonl"


def trained(pairs: Path, model: Path, output: Path, context: Context | None = None, **fields: Any) -> Context:
    """Train as the built-in plugin does; return the context, which holds the counts."""
    config = TrainConfig(**QUICK | fields)
    context = context or Context(PLUGINS)
    PLUGINS.trainers[config.method](
        pairs, ModelConfig(model_args={"pretrained": str(model)}), config, output, context
    )
    return context


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()
