"""Languages by extension and by name, and whether a text is what its extension says."""

from __future__ import annotations

import sys

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.problems.seeds import languages
from codedpo_plugin.problems.seeds.languages import (
    CHECKED_BYTES,
    LANGUAGES,
    is_of_language,
    language_named,
    language_of,
    parses,
    require_grammars,
)

SAMPLES = {
    "python": "def f(x):\n    return x + 1\n",
    "cpp": "#include <vector>\nint main() { std::vector<int> v; return v.size(); }\n",
    "java": "class A { int f(int x) { return x + 1; } }\n",
    "typescript": "export function f(x: number): number { return x + 1; }\n",
    "shell": 'for f in *.txt; do\n  echo "$f"\ndone\n',
    "csharp": "class A { int F(int x) { return x + 1; } }\n",
    "rust": "fn f(x: i32) -> i32 { x + 1 }\n",
    "php": "<?php\nfunction f($x) { return $x + 1; }\n",
    "swift": "func f(_ x: Int) -> Int { return x + 1 }\n",
}


def test_there_are_the_nine_languages_of_magicoder():
    assert set(SAMPLES) == set(LANGUAGES)


@pytest.mark.parametrize("language", SAMPLES)
def test_a_program_is_of_its_language_and_prose_is_of_none(language):
    assert is_of_language(SAMPLES[language], language)
    assert parses(SAMPLES[language], language)


@pytest.mark.parametrize("language", ["python", "cpp", "java", "rust", "csharp"])
def test_prose_is_not_of_a_language(language):
    assert not is_of_language("Once upon a time, there was; a dragon! (it slept: long)\n" * 3, language)


def test_a_long_program_that_is_cut_in_the_middle_of_something_is_still_of_its_language():
    text = "TABLE = {\n" + "    'a': 1,\n" * (CHECKED_BYTES // 8) + "}\n"
    assert len(text) > CHECKED_BYTES
    assert is_of_language(text, "python")


@pytest.mark.parametrize("text", ["", "\n", "def f(:\n"])
def test_what_is_empty_or_broken_does_not_parse(text):
    assert not parses(text, "python")


@pytest.mark.parametrize(
    ("path", "language"),
    [("a/b.py", "python"), ("A.CPP", "cpp"), ("x.tar.gz", None), ("Makefile", None), (".py", None), ("a.h", None)],
)
def test_the_extension_names_the_language(path, language):
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("name", "language"),
    [("Python", "python"), ("C++", "cpp"), ("c-sharp", "csharp"), ("rs", "rust"), ("COBOL", None)],
)
def test_data_sets_call_languages_by_other_names(name, language):
    assert language_named(name) == language


def test_an_unknown_language_comes_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown language 'pyhton'.*'python'"):
        require_grammars({"pyhton": 1})


def test_a_grammar_that_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch):
    languages._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_swift", None)
    with pytest.raises(UsageError, match=r"seeds in swift need .*pip install 'codedpo-plugin\[factory\]'"):
        require_grammars({"swift": 1})
