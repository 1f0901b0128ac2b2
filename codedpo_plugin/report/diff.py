"""Two programs side by side: coloured as Python, and what differs marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST: Final = 12_000
"""Characters of a program that are shown."""
MOST_LINES: Final = 300
"""Lines of a program that are shown."""
LONGEST_LINE: Final = 200
"""Lines longer than this are not compared word by word: that takes the square of their length."""
SIMILAR: Final = 0.5
"""Lines less alike than this are not compared character by character: marks all over help nobody."""

_CLASSES: Final = (
    ("Comment", "c"),
    ("Literal.String", "s"),
    ("Literal.Number", "m"),
    ("Keyword", "k"),
    ("Operator.Word", "k"),
    ("Name.Function", "f"),
    ("Name.Class", "f"),
    ("Name.Builtin", "b"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line, all of one kind."""

    text: str
    css: str
    """The kind of token; empty for plain text."""
    marked: bool = False
    """Whether the other program has something else here."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a program."""

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of two programs that belong together: the same, or one in place of the other."""

    same: bool
    left: tuple[Line, ...]
    right: tuple[Line, ...]


def side_by_side(left: str, right: str) -> tuple[Hunk, ...]:
    """Return two programs as runs of lines that are the same and lines that are not."""
    lines = highlight(left), highlight(right)
    left_texts, right_texts = (["".join(piece.text for piece in line) for line in side] for side in lines)
    hunks = []
    for kind, a, b, c, d in SequenceMatcher(None, left_texts, right_texts, autojunk=False).get_opcodes():
        sides = lines[0][a:b], lines[1][c:d]
        marked = sides if kind == "equal" else _mark(*sides)
        hunks.append(Hunk(kind == "equal", _numbered(marked[0], a), _numbered(marked[1], c)))
    return tuple(hunks)


def highlight(program: str) -> list[list[Piece]]:
    """Return the lines of a program as coloured pieces; of a very long one the beginning, which its end says."""
    text = visible(program)
    shown = "\n".join(text[:LONGEST].split("\n", MOST_LINES)[:MOST_LINES])
    lines: list[list[Piece]] = [[]]
    for token, value in _lexer().get_tokens(shown + ("\n# … cut here" if shown != text else "")):
        css = _css(token)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append(Piece(part, css))
    return lines[:-1]  # the lexer ends every text with a line end


def visible(text: str) -> str:
    """Return a text in which nothing can hide: control characters and marks of direction show as what they are."""
    return _HIDDEN.sub(lambda found: _shown(found[0]), text.replace("\r\n", "\n"))


_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]"
)


def _shown(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"‹U+{code:04X}›"


@cache
def _lexer() -> Lexer:
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False)


@cache
def _css(token: Any) -> str:
    """Return the class of a type of token."""
    name = str(token).removeprefix("Token.")
    return next((css for prefix, css in _CLASSES if name.startswith(prefix)), "")


def _numbered(lines: Sequence[list[Piece]], start: int) -> tuple[Line, ...]:
    return tuple(Line(number, tuple(_merged(pieces))) for number, pieces in enumerate(lines, start + 1))


def _merged(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield pieces with neighbours of one kind joined."""
    for (css, marked), group in groupby(pieces, key=lambda piece: (piece.css, piece.marked)):
        yield Piece("".join(piece.text for piece in group), css, marked)


def _mark(left: list[list[Piece]], right: list[list[Piece]]) -> tuple[list[list[Piece]], list[list[Piece]]]:
    """Mark what differs between lines that stand in place of each other and are alike."""
    marked: tuple[list[list[Piece]], list[list[Piece]]] = ([], [])
    for pair in zip_longest(left, right):
        sides = pair if None in pair else _mark_line(*pair)
        for side, lines in zip(sides, marked, strict=True):
            if side is not None:
                lines.append(side)
    return marked


def _mark_line(left: list[Piece], right: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    if any(sum(len(piece.text) for piece in side) > LONGEST_LINE for side in (left, right)):
        return left, right
    words = [[word for piece in side for word in _words(piece)] for side in (left, right)]
    left_words, right_words = ([word.text for word in side] for side in words)
    matcher = SequenceMatcher(None, left_words, right_words, autojunk=False)
    if matcher.ratio() < SIMILAR:
        return left, right
    for kind, *bounds in matcher.get_opcodes():
        if kind != "equal":
            for side, (start, end) in zip(words, (bounds[:2], bounds[2:]), strict=True):
                side[start:end] = [Piece(word.text, word.css, marked=True) for word in side[start:end]]
    return words[0], words[1]


def _words(piece: Piece) -> Iterator[Piece]:
    """Yield the words and signs of a piece."""
    for word in re.findall(r"\w+|\s+|[^\w\s]", piece.text):
        yield Piece(word, piece.css)
