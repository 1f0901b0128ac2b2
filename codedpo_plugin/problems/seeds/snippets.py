"""Windows of consecutive lines in a document, and which of them say enough to inspire a problem."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ATTEMPTS: Final = 8
"""Windows tried for each snippet wanted of a document before it is given up."""
HEAD_LINES: Final = 80
"""Where a licence and the mark of generated code are looked for."""
LONGEST_LINE: Final = 1_000
LONGEST_MEAN_LINE: Final = 100
"""Longer lines, or lines that are longer on average, were not written by hand (as in The Stack's filters)."""

_LICENCE: Final = re.compile(
    r"copyright|SPDX-License|\blicen[cs]ed? (?:under|agreement|information)|permission is hereby granted"
    r"|redistribution and use|without warrant|all rights reserved|GNU (?:Lesser |Affero )?General Public",
    re.IGNORECASE,
)
_GENERATED: Final = re.compile(
    r"@generated\b|auto-?generated|automatically generated|generated (?:by|from)\s+['\"`]?[\w/-]+\.\w"
    r"|code generated|do not (?:edit|modify)\b|(?:file|code|module) (?:is|was|has been) generated",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"\s*(?:#|//|/\*|\*|<!--|--|;|\"{3}|'{3}|<\?php)")
_LITERAL: Final = re.compile(
    r"[bBrRuU]{0,2}\"(?:\\.|[^\"\\])*\"|[bBrRuU]{0,2}'(?:\\.|[^'\\])*'"
    r"|\b(?:0[xX][0-9a-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)[uUlLfF]*\b|\b(?:True|False|None|true|false|null|nullptr)\b"
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Some consecutive lines of a document."""

    text: str
    first_line: int
    """Counted from 1."""
    rank: int
    """Where it stands among all snippets: drawn from seed and content, so that no order of files matters."""


def document_fault(text: str) -> str | None:
    """Return why a whole document is no source of snippets, or None."""
    if not text.strip():
        return "document_blank"
    lines = text.split("\n")
    if max(map(len, lines)) > LONGEST_LINE or len(text) > LONGEST_MEAN_LINE * len(lines):
        return "document_minified"
    if any(_GENERATED.search(line) for line in _head(lines)):
        return "document_generated"
    return None


def _head(lines: list[str]) -> list[str]:
    """Return the comments and blank lines that a document begins with."""
    end = 0
    quoted = ""
    for end, line in enumerate(lines[:HEAD_LINES], 1):
        opened = next((mark for mark in ('"""', "'''", "/*") if line.lstrip().startswith(mark)), "")
        if quoted:
            quoted = "" if quoted in line else quoted
        elif opened:
            closing = "*/" if opened == "/*" else opened
            quoted = "" if closing in line.lstrip()[len(opened) :] else closing
        elif line.strip() and not _COMMENT.match(line):
            return lines[: end - 1]
    return lines[:end]


def licence_lines(lines: list[str]) -> int:
    """Return how many of a document's first lines are a licence: up to the end of the comment that has one."""
    head = _head(lines)
    last = max((i for i, line in enumerate(head) if _LICENCE.search(line)), default=-1)
    if last < 0:
        return 0
    return next((i for i in range(last + 1, len(head)) if not head[i].strip()), len(head))


def snippet_fault(lines: list[str]) -> str | None:
    """Return why some lines are no snippet, or None."""
    if not any(line.strip() for line in lines):
        return "snippet_blank"
    if any(_LICENCE.search(line) for line in lines):
        return "snippet_licence"
    if not any(map(_says_something, lines)):
        return "snippet_data_only"
    return None


def _says_something(line: str) -> bool:
    """Return whether there is a word in a line besides literals."""
    return any(c.isalpha() for c in _LITERAL.sub("", line))


def snippets(text: str, seed: int, wanted: int, longest: int) -> Iterator[Snippet | str]:
    """Yield up to ``wanted`` snippets that do not overlap, and a reason for every window that was none.

    What is drawn depends on the seed and the document's content alone.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    digest = hashlib.sha256(f"{seed}:".encode() + text.encode("utf-8", "surrogatepass")).digest()
    generator = random.Random(digest)  # noqa: S311 - sampling, not secrecy
    licence = licence_lines(lines)
    taken: set[int] = set()
    for _ in range(ATTEMPTS * wanted):
        length = min(generator.randint(1, longest), len(lines))
        start = generator.randrange(len(lines) - length + 1)
        window = range(start, start + length)
        if start < licence:
            yield "snippet_licence"
        elif not taken.isdisjoint(window):
            yield "snippet_overlaps"
        elif fault := snippet_fault(lines[start : start + length]):
            yield fault
        else:
            taken.update(window)
            rank = hashlib.sha256(digest + start.to_bytes(8, "big")).digest()
            yield Snippet("\n".join(lines[start : start + length]), start + 1, int.from_bytes(rank[:16], "big"))
            wanted -= 1
            if not wanted:
                return
