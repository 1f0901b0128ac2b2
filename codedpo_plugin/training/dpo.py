"""Direct preference optimisation (arXiv 2305.18290): plain (``dpo``) or with a likelihood term (``rpo``).

RPO adds the negative log-likelihood of the chosen answer to the loss (CodeDPO, arXiv 2410.05605, section 4.1,
after arXiv 2404.19733). It is meant to keep that answer's probability from falling along with the rejected one's.
"""

from __future__ import annotations

from pathlib import Path

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.training.data import preference_rows
from codedpo_plugin.training.loop import Method, refuse_data, split_file, train


def train_dpo(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train on the pairs of a file and write a model directory. Errors: :func:`.loop.train`."""
    refuse_data(config)
    split = split_file(pairs, config, context)
    rows = preference_rows(split.training, config.prompt_form)
    options = {"beta": config.beta, "loss_type": ["sigmoid"]}
    if config.method == "rpo":
        options |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, config.rpo_weight]}
    train(Method("DPO", rows, options, split.held_out), model, config, output, context)
