"""Dropping duplicates: exact ones on normalised text and on the seed, then near-duplicates by MinHash-LSH.

Of several problems that are alike the first one stays, so the order of the problems decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from codedpo_plugin.problems.cleaning.texts import Grams, grams, hashed, words
from codedpo_plugin.records import MadeProblem, content_id

SHINGLE: Final = 3
"""Words of a shingle."""
PERMUTATIONS: Final = 128


def text_of(problem: MadeProblem) -> str:
    """Return all that a model trained on a problem would see of it."""
    return "\n".join(dict.fromkeys((problem.instruction or problem.prompt, problem.prompt, problem.solution)))


def without_exact_duplicates(problems: Iterable[MadeProblem], counts: Counter[str]) -> Iterator[MadeProblem]:
    """Yield problems of which no earlier one has the same words or was made in the same way of the same seed.

    Counted reasons: ``duplicate``, ``duplicate_seed``.
    """
    texts: set[str] = set()
    seeds: set[str] = set()
    for problem in problems:
        text = content_id(" ".join(words(problem.instruction or problem.prompt)))
        seed = content_id(f"{problem.method}:{' '.join(problem.seed.split())}") if problem.seed else ""
        if text in texts:
            counts["duplicate"] += 1
        elif seed in seeds:
            counts["duplicate_seed"] += 1
        else:
            texts.add(text)
            seeds.update({seed} - {""})
            yield problem


def without_near_duplicates(
    problems: Iterable[MadeProblem], threshold: float, counts: Counter[str]
) -> Iterator[MadeProblem]:
    """Yield problems that share less than ``threshold`` of their shingles with every earlier one that was kept.

    The share is the Jaccard similarity of the sets of runs of three words in statement and solution, estimated from
    128 permutations. Counted reason: ``near_duplicate``.
    """
    from datasketch import MinHashLSH

    kept: dict[str, Any] = {}
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    for number, problem in enumerate(problems):
        sketch = _sketch(text_of(problem))
        if any(kept[name].jaccard(sketch) >= threshold for name in index.query(sketch)):
            counts["near_duplicate"] += 1
            continue
        name = str(number)
        kept[name] = sketch
        index.insert(name, sketch)
        yield problem


def _sketch(text: str) -> Any:
    """Return the MinHash of a text's shingles; a text of fewer words than a shingle is one shingle."""
    from datasketch import LeanMinHash, MinHash

    numbers = hashed(words(text))
    sketch = MinHash(PERMUTATIONS, hashfunc=int)
    sketch.update_batch(_folded(grams(numbers, max(1, min(SHINGLE, len(numbers))))))
    return LeanMinHash(sketch)


def _folded(values: Grams) -> list[int]:
    """Return distinct n-grams as numbers of 32 bits, as datasketch takes them."""
    return list(set((values >> 32).tolist()))
