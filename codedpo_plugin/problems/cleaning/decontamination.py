"""Finding what a benchmark has in common with a text: normalised substrings and overlap of n-grams.

Every text of a benchmark is kept as the n-grams of its words and, where it is code, of its code tokens
(:mod:`codedpo_plugin.problems.cleaning.texts`). A text that is shorter than ``n`` tokens is one gram as a whole: a
normalised substring. A gram leads to the texts it occurs in, so the time a problem takes depends on its own length
and not on the number of benchmark items; Magicoder's way (arXiv 2312.02120, section 2.2) searches item by item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.problems.cleaning.texts import Grams, code_tokens, grams, hashed, prose, words


@dataclass(frozen=True, slots=True)
class BenchmarkText:
    """Something that must not be learned: a prompt, a description, or a solution."""

    benchmark: str
    item: str
    """Which problem of the benchmark it belongs to."""
    part: str
    """``prompt``, ``description`` or ``solution``."""
    text: str
    code: bool = False
    """Whether it is a program, which is recognised by its structure, too."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a text has in common with a benchmark."""

    text: BenchmarkText
    view: str
    share: float
    """The share of the benchmark text's n-grams that were found."""


@dataclass(frozen=True, slots=True)
class View:
    """A way of reading texts, and when two of them have too much in common."""

    name: str
    read: Callable[[str], Sequence[str]]
    n: int
    """Tokens of an n-gram."""
    shortest: int
    """Texts of fewer tokens are no evidence: they occur by chance."""
    share: float
    """Least share of a benchmark text's n-grams for a match."""
    code: bool | None = None
    """Whether programs are read this way, or everything else; None: both are."""


WORDS: Final = View("words", words, n=8, shortest=6, share=0.35)
PROSE: Final = View("prose", prose, n=6, shortest=5, share=0.3, code=False)
CODE: Final = View("code", code_tokens, n=12, shortest=12, share=0.5, code=True)


class Index:
    """Benchmark texts by their n-grams, in one view."""

    def __init__(self, view: View, texts: Sequence[BenchmarkText]) -> None:
        self.view = view
        self.texts: list[BenchmarkText] = []
        self.too_short: list[BenchmarkText] = []
        self._by_length: dict[int, _Grams] = {}
        found: dict[int, list[tuple[int, Grams]]] = {}
        for text in texts:
            numbers = hashed(view.read(text.text))
            if len(numbers) < view.shortest:
                self.too_short.append(text)
                continue
            length = min(view.n, len(numbers))
            found.setdefault(length, []).append((len(self.texts), np.unique(grams(numbers, length))))
            self.texts.append(text)
        self._sizes = np.ones(len(self.texts))
        for length, own in found.items():
            self._by_length[length] = _Grams.of(own)
            for number, values in own:
                self._sizes[number] = len(values)

    def matches(self, text: str) -> list[Match]:
        """Return the benchmark texts that a text contains, wholly or in good part, in the order of the index."""
        numbers = hashed(self.view.read(text))
        hits = np.zeros(len(self.texts))
        for length, known in self._by_length.items():
            known.count(np.unique(grams(numbers, length)), hits)
        shares = hits / self._sizes
        return [
            Match(self.texts[i], self.view.name, float(shares[i]))
            for i in np.flatnonzero(shares >= self.view.share)
        ]


@dataclass(frozen=True, slots=True)
class _Grams:
    """Sorted n-grams of one length, each with the texts it occurs in."""

    values: Grams
    starts: NDArray[np.int64]
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, own: Sequence[tuple[int, Grams]]) -> _Grams:
        """Return the inverted index of the n-grams of some texts."""
        everything = np.concatenate([values for _, values in own])
        owners = np.repeat([number for number, _ in own], [len(values) for _, values in own])
        order = np.argsort(everything, kind="stable")
        values, starts = np.unique(everything[order], return_index=True)
        return cls(values, np.append(starts, len(everything)), owners[order])

    def count(self, asked: Grams, hits: NDArray[np.float64]) -> None:
        """Add to ``hits`` how many of some distinct n-grams each text has."""
        places = np.searchsorted(self.values, asked)
        places[places == len(self.values)] = 0
        for place in places[self.values[places] == asked]:
            hits[self.owners[self.starts[place] : self.starts[place + 1]]] += 1


class Decontamination:
    """Says what a text has in common with any of some benchmarks."""

    def __init__(self, texts: Iterable[BenchmarkText], views: Sequence[View] = (WORDS, PROSE, CODE)) -> None:
        kept = list(texts)
        self.indexes = [Index(view, [t for t in kept if view.code in (None, t.code)]) for view in views]

    def matches(self, text: str) -> list[Match]:
        """Return everything a text has in common with the benchmarks, words first."""
        return [match for index in self.indexes for match in index.matches(text)]

    def benchmark_of(self, text: str) -> str | None:
        """Return the benchmark that a text has most in common with, or None if there is none."""
        best = max(self.matches(text), key=lambda match: match.share, default=None)
        return best.text.benchmark if best else None

    @property
    def undecidable(self) -> Mapping[str, int]:
        """Return by benchmark how many items have no text that is long enough to be recognised."""
        kept = {(t.benchmark, t.item) for index in self.indexes for t in index.texts}
        short = {(t.benchmark, t.item) for index in self.indexes for t in index.too_short} - kept
        counts: dict[str, int] = {}
        for benchmark, _ in sorted(short):
            counts[benchmark] = counts.get(benchmark, 0) + 1
        return counts
