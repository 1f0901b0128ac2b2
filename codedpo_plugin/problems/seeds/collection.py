"""Collecting seeds: a fixed share of each language, chosen by content alone."""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from codedpo_plugin.contracts import Seed
from codedpo_plugin.errors import InputError
from codedpo_plugin.problems.seeds.documents import Document, documents
from codedpo_plugin.problems.seeds.languages import is_of_language, require_grammars
from codedpo_plugin.problems.seeds.snippets import Snippet, document_fault, snippets

if TYPE_CHECKING:
    from codedpo_plugin.config import SeedsConfig

log = logging.getLogger(__name__)


class Shares:
    """The best-ranked snippets of each language, as many as are wanted.

    Ranks are drawn from content, so which snippets are kept does not depend on the order in which they come. Memory
    grows with what is wanted, not with the corpus.
    """

    def __init__(self, quotas: Mapping[str, int]) -> None:
        self.quotas = quotas
        self._kept: dict[str, dict[int, Seed]] = {language: {} for language in quotas}
        self._worst: dict[str, list[int]] = {language: [] for language in quotas}

    def wants(self, language: str, rank: int) -> bool:
        """Return whether a snippet of a rank is among the best so far."""
        worst = self._worst[language]
        return len(worst) < self.quotas[language] or rank < -worst[0]

    def add(self, rank: int, seed: Seed) -> str | None:
        """Take in a snippet that is wanted; return why another one left, or None."""
        kept, worst = self._kept[seed.language], self._worst[seed.language]
        if rank in kept:  # a copy of a document
            kept[rank] = min(kept[rank], seed, key=lambda one: one.source)
            return "snippet_duplicate"
        kept[rank] = seed
        heapq.heappush(worst, -rank)
        if len(worst) <= self.quotas[seed.language]:
            return None
        del kept[-heapq.heappop(worst)]
        return "snippet_surplus"

    def seeds(self) -> list[Seed]:
        """Return what is kept, languages mixed as the ranks have it."""
        ranked = [entry for kept in self._kept.values() for entry in kept.items()]
        return [seed for _, seed in sorted(ranked, key=lambda entry: entry[0])]


def collect_seeds(config: SeedsConfig, seed: int, counts: Counter[str] | None = None) -> list[Seed]:
    """Return seeds from the configured corpus, up to the number wanted of each language.

    Every document is offered to :func:`snippets`; what is skipped is counted by reason. Raises InputError if there
    is not one seed, UsageError when a folder, a language or a grammar is not there.
    """
    counts = Counter() if counts is None else counts
    require_grammars(config.quotas)
    shares = Shares(config.quotas)
    for document in islice(documents(config, counts), config.max_documents):
        counts["documents"] += 1
        fault = document_fault(document.text)
        if fault:
            counts[fault] += 1
        else:
            _take(document, config, seed, shares, counts)
    found = shares.seeds()
    _tell(found, config, counts)
    return found


def _take(document: Document, config: SeedsConfig, seed: int, shares: Shares, counts: Counter[str]) -> None:
    """Offer a document's snippets; its language is only checked if one of them is wanted."""
    found: list[Snippet] = []
    for snippet in snippets(document.text, seed, config.per_document, config.max_lines):
        if isinstance(snippet, str):
            counts[snippet] += 1
        else:
            found.append(snippet)
    if not found:
        counts["document_without_snippet"] += 1
    wanted = [snippet for snippet in found if shares.wants(document.language, snippet.rank)]
    counts["snippet_surplus"] += len(found) - len(wanted)
    if wanted and not is_of_language(document.text, document.language):
        counts["document_of_another_language"] += 1
        return
    for snippet in wanted:
        source = f"{document.source}:{snippet.first_line}"
        reason = shares.add(snippet.rank, Seed(snippet.text, document.language, source, document.licence))
        if reason:
            counts[reason] += 1


def _tell(found: list[Seed], config: SeedsConfig, counts: Counter[str]) -> None:
    """Count the seeds by language, and say where there are fewer than wanted."""
    if not found:
        details = ", ".join(f"{name}: {number}" for name, number in sorted(counts.items())) or "it is empty"
        raise InputError(f"the corpus has not one seed ({details})")
    languages = Counter(seed.language for seed in found)
    counts["seeds"] = len(found)
    counts.update({f"seeds_{language}": number for language, number in languages.items()})
    missing = [language for language in config.quotas if not languages[language]]
    if missing and "quotas" not in config.model_fields_set:  # nobody asked for these by name
        log.warning("no seeds in %s; the corpus has none", ", ".join(missing))
        missing = []
    for language, quota in config.quotas.items():
        if 0 < languages[language] < quota or language in missing:
            log.warning("%s: %d seeds instead of %d; the corpus has no more", language, languages[language], quota)
