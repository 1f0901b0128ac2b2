"""The languages of seeds: what their files end in, and whether a text is one of theirs.

The grammars are tree-sitter's, one package a language, which work offline: the collection of them on PyPI downloads
each grammar when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import Any, Final

from codedpo_plugin.errors import UsageError

CHECKED_BYTES: Final = 16_384
"""How much of a document is parsed first: its beginning mostly tells the language."""
MOST_ERRORS: Final = 0.2
"""Largest share of lines in which a grammar finds something wrong. Macros and new syntax take some."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language as this project sees it."""

    name: str
    extensions: tuple[str, ...]
    module: str
    """The package with its grammar."""
    function: str = "language"
    """What in that package returns the grammar."""


_ALL: Final = (
    Language("python", (".py", ".pyi"), "tree_sitter_python"),
    Language("cpp", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"), "tree_sitter_cpp"),
    Language("java", (".java",), "tree_sitter_java"),
    Language("typescript", (".ts",), "tree_sitter_typescript", "language_typescript"),
    Language("shell", (".sh", ".bash"), "tree_sitter_bash"),
    Language("csharp", (".cs",), "tree_sitter_c_sharp"),
    Language("rust", (".rs",), "tree_sitter_rust"),
    Language("php", (".php",), "tree_sitter_php", "language_php"),
    Language("swift", (".swift",), "tree_sitter_swift"),
)
LANGUAGES: Final[Mapping[str, Language]] = {language.name: language for language in _ALL}
"""The nine languages of Magicoder's seeds, by name."""

_BY_EXTENSION: Final = {extension: language.name for language in _ALL for extension in language.extensions}

ALIASES: Final = {
    "py": "python", "python3": "python", "c++": "cpp", "ts": "typescript", "bash": "shell", "sh": "shell",
    "c#": "csharp", "cs": "csharp", "c-sharp": "csharp", "rs": "rust",
}  # fmt: skip
"""Other names that data sets and code blocks have for them."""


def language_of(path: str) -> str | None:
    """Return the language that a file's extension stands for, or None."""
    return _BY_EXTENSION.get(PurePath(path).suffix.lower())


def language_named(name: str) -> str | None:
    """Return the language that a data set calls by a name, or None if it is none of ours."""
    lower = name.strip().lower()
    found = ALIASES.get(lower, lower)
    return found if found in LANGUAGES else None


def is_of_language(text: str, language: str) -> bool:
    """Return whether a text parses as a language, but for a small part of it."""
    data = text.encode("utf-8", "replace")
    beginning = data[: data.rfind(b"\n", 0, CHECKED_BYTES) + 1] if len(data) > CHECKED_BYTES else data
    # What is cut off in the middle may look like an error from there up to its beginning.
    return _makes_sense(beginning, language) or (beginning != data and _makes_sense(data, language))


def _makes_sense(data: bytes, language: str) -> bool:
    root = _parser(language).parse(data).root_node
    return bool(data) and (not root.has_error or len(_lines_in_error(root)) <= MOST_ERRORS * data.count(b"\n"))


def parses(text: str, language: str) -> bool:
    """Return whether a text is free of syntax errors."""
    return bool(text.strip()) and not _parser(language).parse(text.encode("utf-8", "replace")).root_node.has_error


def require_grammars(languages: Mapping[str, int]) -> None:
    """Check, before any file is read, that languages are known and their grammars installed.

    Raises UsageError naming the language, or the command that installs what is missing.
    """
    from codedpo_plugin.errors import unknown_name

    for name in languages:
        if name not in LANGUAGES:
            raise unknown_name("language", name, LANGUAGES)
        _parser(name)


@cache
def _parser(language: str) -> Any:
    """Return the parser of a language."""
    known = LANGUAGES[language]
    try:
        from tree_sitter import Language as Grammar
        from tree_sitter import Parser

        return Parser(Grammar(getattr(import_module(known.module), known.function)()))
    except ImportError as error:
        raise UsageError(
            f"seeds in {language} need {error.name}: pip install 'codedpo-plugin[factory]', or leave it out"
        ) from error


def _lines_in_error(node: Any) -> set[int]:
    """Return the lines in which the grammar could make no sense of something, or missed something."""
    lines: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type == "ERROR" or one.is_missing:
            lines.update(range(one.start_point.row, one.end_point.row + 1))
        elif one.has_error:
            waiting += one.children
    return lines
