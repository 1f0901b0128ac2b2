"""Texts as sequences of tokens, and their n-grams as numbers: what duplicates and contamination are found by.

Three views of a text. *Words* are what is left without case, punctuation, layout and comment marks: prose, and code
as if it were prose. *Prose* is the same without the names that the text's code defines. *Code tokens* are what is
left of code without comments, documentation strings and the names a programmer chose. The last two stay the same
when names change, the last one when comments do.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Grams = NDArray[np.uint64]

_WORD: Final = re.compile(r"[^\W_]+")

_CODE: Final = re.compile(
    r"""
    (?P<skipped> [rRbBuUfF]{0,2}(?:\"{3}.*?(?:\"{3}|\Z)|'{3}.*?(?:'{3}|\Z))  # documentation
               | /\*.*?(?:\*/|\Z) | \#[^\n]* | ^[^\S\n]*//[^\n]*             # comments
               | \n | [^\S\n]+ )
  | (?P<text>    (?:[rRbBuUfF]{0,2})(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') )
  | (?P<number>  \d[\w.]* )
  | (?P<name>    [^\W\d]\w* )
  | (?P<mark>    . )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

_DEFINITIONS: Final = (
    re.compile(r"\b(?:def|class)\s+(\w+)"),
    re.compile(r"\bdef\s+\w+\s*\(([^)]*)\)"),
    re.compile(r"^[ \t>]*(\w+(?:\s*,\s*\w+)*)\s*(?::[^=\n]+)?=[^=]", re.MULTILINE),
    re.compile(r"\bfor\s+\(?(\w+(?:\s*,\s*\w+)*)\)?\s+in\b"),
)
"""Where names are defined. What is found in prose by mistake does no harm."""

_EXAMPLE: Final = re.compile(r"^[ \t#]*(?:assert|>>>)(.*)", re.MULTILINE)
_CALL: Final = re.compile(r"(?<![.\w])(\w+)\(")
"""In examples a function that is described but not defined is called."""

_NAME: Final = re.compile(r"[^\W\d]\w*")

KEPT: Final = frozenset({*keyword.kwlist, *dir(builtins), "self", "cls"})
"""Names that a programmer did not choose."""

NAME: Final = "§"
"""Stands for a name that a programmer chose."""

BASE: Final = 0x9E3779B97F4A7C15
"""Base of the polynomial that makes one number of an n-gram's tokens; odd, so that no token is lost."""


def words(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case; what ``snake_case`` joins is taken apart."""
    return _WORD.findall(text.lower())


def prose(text: str) -> list[str]:
    """Return the words of a text without the names that its code defines: what stays when these are changed."""
    defined = {name for form in _DEFINITIONS for match in form.findall(text) for name in _NAME.findall(match)}
    called = {name for line in _EXAMPLE.findall(text) for name in _CALL.findall(line)}
    dropped = (defined | called) - KEPT
    return words(_NAME.sub(lambda match: " " if match[0] in dropped else match[0], text))


def code_tokens(text: str) -> list[str]:
    """Return the tokens of code, names that were chosen in it as :data:`NAME`, without comments and docstrings.

    Names of attributes and of Python's own are kept: they do not change when a program is rewritten with other
    names. A comment of ``//`` counts as one only where it begins its line; elsewhere it is Python's division.
    """
    return list(_code_tokens(text))


def _code_tokens(text: str) -> Iterator[str]:
    before = ""
    for match in _CODE.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "skipped":
            continue
        if kind == "name" and before != "." and token not in KEPT:
            token = NAME
        elif kind == "text":
            token = token.lstrip("rRbBuUfF")[1:-1]
        yield token
        before = token


def hashed(tokens: Sequence[str]) -> Grams:
    """Return one number a token."""
    return np.fromiter(
        (crc32(token.encode("utf-8", "surrogatepass")) for token in tokens), np.uint64, count=len(tokens)
    )


def grams(numbers: Grams, n: int) -> Grams:
    """Return one number for each ``n`` consecutive tokens; none where there are fewer."""
    length = len(numbers) - n + 1
    if length <= 0:
        return np.empty(0, np.uint64)
    total = np.zeros(length, np.uint64)
    for start in range(n):
        total = total * np.uint64(BASE) + numbers[start : start + length] + np.uint64(1)
    return total
