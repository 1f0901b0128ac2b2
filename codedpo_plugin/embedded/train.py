"""Trains the embedded model from scratch, on the CPU.

python -m codedpo_plugin.embedded.train -o DIR [--steps N] [--seed N]
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.embedded.corpus import Document, documents

log = logging.getLogger(__name__)

STEPS: Final = 3_000
VOCABULARY: Final = 1024
EOS, PAD = "<eos>", "<pad>"
TOKENIZER_DOCUMENTS: Final = 2_000
LONGEST: Final = 448
"""Tokens of a document; longer ones, a few in a thousand, are left out."""
CONTEXT: Final = 512
"""Tokens that the model can look back on."""
BATCH_TOKENS: Final = 3_072
POOL: Final = 512
"""Documents that are sorted by length before they are cut into batches."""
HIDDEN_RATE: Final = 0.02
"""Learning rate of the matrices of the layers (Muon)."""
REST_RATE: Final = 0.004
"""Learning rate of embeddings and norms (AdamW)."""
WARM_UP: Final = 0.03
"""Share of the steps in which the rates rise; they fall in the last half."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    steps: int
    seed: int
    """Of the text and of the first weights."""


def make_tokenizer(texts: Iterable[str]) -> Any:
    """Return a byte-level BPE tokenizer in which the corpus' words are single tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # No token spans a line break: a prompt that ends in one has the same tokens with an answer as without.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=EOS, pad_token=PAD, model_max_length=CONTEXT
    )


def make_model(tokenizer: Any) -> Any:
    """Return a Llama of about 2.1 million random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=192,
            intermediate_size=576,
            num_hidden_layers=4,
            num_attention_heads=6,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def batches(tokenizer: Any, seed: int) -> Iterator[Batch]:
    """Yield batches without end, of documents of about one length."""
    import torch

    order = torch.Generator().manual_seed(seed)
    stream = documents(seed)
    while True:
        rows = [packed(tokenizer, document) for document in islice(stream, POOL)]
        rows = sorted((row for row in rows if len(row.tokens) <= LONGEST), key=lambda row: len(row.tokens))
        cut = []
        while rows:
            size = max(1, BATCH_TOKENS // len(rows[-1].tokens))
            rows, batch = rows[:-size], rows[-size:]
            cut.append(Batch.of(batch, tokenizer.pad_token_id))
        yield from (cut[int(i)] for i in torch.randperm(len(cut), generator=order))


@dataclass(frozen=True, slots=True)
class Packed:
    """A document's tokens: what its prompts have in common, then the rest of each prompt with its answer."""

    tokens: list[int]
    places: list[int]
    """The position of each token in its own text."""
    branches: list[int]
    """The text that each token belongs to, from 1; 0 for the common beginning."""
    learnt: list[bool]
    """Whether a token is to be learnt: those of answers are."""


def packed(tokenizer: Any, document: Document) -> Packed:
    """Return the tokens of a document, the common beginning of its prompts only once.

    Prompts and answers are tokenized apart, as they are when a model is asked.
    """
    prompts, answers = zip(*document.solutions, document.tests, strict=True)
    starts: list[list[int]] = tokenizer(list(prompts))["input_ids"]
    ends: list[list[int]] = tokenizer(list(answers))["input_ids"]
    shared = sum(1 for _ in takewhile(lambda tokens: len({*tokens}) == 1, zip(*starts, strict=False)))
    row = Packed(starts[0][:shared], list(range(shared)), [0] * shared, [False] * shared)
    for branch, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        own = [*start[shared:], *end, tokenizer.eos_token_id]
        row.tokens.extend(own)
        row.places.extend(range(shared, shared + len(own)))
        row.branches.extend([branch] * len(own))
        row.learnt.extend([False] * (len(start) - shared) + [True] * (len(end) + 1))
    return row


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed documents, each of shape (documents, length) but for ``seen``."""

    tokens: Any
    places: Any
    learnt: Any
    seen: Any
    """Which tokens each token sees, of shape (documents, 1, length, length): its own text's, up to itself."""

    @classmethod
    def of(cls, rows: Sequence[Packed], pad: int) -> Batch:
        """Return a batch, filled up to the longest row."""
        import torch

        length = max(len(row.tokens) for row in rows)

        def filled(lists: Iterable[list[Any]], value: int) -> Any:
            return torch.tensor([own + [value] * (length - len(own)) for own in lists])

        branches = filled((row.branches for row in rows), -1)
        one, other = branches[:, :, None], branches[:, None, :]
        seen = ((one == other) | ((other == 0) & (one > 0))) & torch.ones(length, length, dtype=torch.bool).tril()
        return cls(
            filled((row.tokens for row in rows), pad),
            filled((row.places for row in rows), 0),
            filled((row.learnt for row in rows), value=False),
            seen[:, None],
        )


def loss_of(model: Any, batch: Batch) -> Any:
    """Return the mean negative log-likelihood of the tokens to be learnt."""
    from torch.nn.functional import cross_entropy

    states = model.model(
        input_ids=batch.tokens, position_ids=batch.places, attention_mask=batch.seen, use_cache=False
    ).last_hidden_state
    learnt = batch.learnt[:, 1:]
    return cross_entropy(model.lm_head(states[:, :-1][learnt]), batch.tokens[:, 1:][learnt])


def optimizers(model: Any) -> list[Any]:
    """Return Muon for the matrices of the layers, AdamW for the rest."""
    import torch

    hidden = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(hidden, lr=HIDDEN_RATE, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(rest, lr=REST_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def share_of_rate(step: int, steps: int) -> float:
    """Return the factor of the learning rates at a step: up, level, down along a cosine."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * max(0.0, 2 * step / steps - 1)) if 2 * step > steps else 1.0


def train(output: Path, recipe: Recipe) -> None:
    """Train a model and write it, in bfloat16, with its tokenizer; a half-trained one every 50 steps."""
    import torch

    torch.set_num_threads(1)  # sums in the same order on any number of cores
    torch.manual_seed(recipe.seed)
    tokenizer = make_tokenizer(texts(recipe.seed))
    model = make_model(tokenizer)
    log.info("%d weights", model.num_parameters())
    steppers = optimizers(model)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(stepper, lambda step: share_of_rate(step, recipe.steps))
        for stepper in steppers
    ]
    losses, start = [], time.monotonic()
    for step, batch in enumerate(islice(batches(tokenizer, recipe.seed), recipe.steps), 1):
        loss = loss_of(model, batch)
        loss.backward()
        for part in (*steppers, *schedules):
            part.step()
        model.zero_grad()
        losses.append(loss.item())
        if step % 50 == 0 or step == recipe.steps:
            log.info("step %d: loss %.3f, %.0f s", step, sum(losses[-50:]) / 50, time.monotonic() - start)
            save(model, tokenizer, output)


def texts(seed: int) -> Iterator[str]:
    """Yield the text that the tokenizer is made from."""
    for document in islice(documents(seed), TOKENIZER_DOCUMENTS):
        yield from (prompt + answer for prompt, answer in (*document.solutions, document.tests))


def save(model: Any, tokenizer: Any, output: Path) -> None:
    """Write the model in bfloat16."""
    import copy

    import torch

    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(output)
    tokenizer.save_pretrained(output)


def main() -> None:
    """Train as the command line says."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Train the embedded model from scratch.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train(options.output, Recipe(options.steps, options.seed))


if __name__ == "__main__":
    main()
