"""Views of texts, and their n-grams as numbers."""

from __future__ import annotations

import pytest

from codedpo_plugin.problems.cleaning.texts import NAME, code_tokens, grams, hashed, prose, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello, World! 42", ["hello", "world", "42"]),
        ("has_close_elements(x)", ["has", "close", "elements", "x"]),
        ("# Été\n\t// b", ["été", "b"]),
    ],
)
def test_words_are_without_case_layout_and_marks(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(xs):\n    'Sum xs.'\n    total = 0", "def g(values):\n    'Sum values.'\n    result = 0"),
        ("Sort it.\nassert my_sort([3]) == [3]", "Sort it.\n# assert other([3]) == [3]"),
        ("for item in y: print(item)", "for z in y: print(z)"),
    ],
)
def test_prose_stays_when_names_change(one, other):
    assert prose(one) == prose(other)
    assert words(one) != words(other)


def test_prose_keeps_what_no_code_defines():
    assert prose("Write a function to sort numbers.") == words("Write a function to sort numbers.")


def test_code_stays_when_names_comments_and_layout_change():
    one = 'def add(a, b):\n    """Add."""\n    # sum\n    return a + b  # done\n'
    other = "def plus(left,right):\n\t'''Something else.'''\n\n\treturn left+right"
    assert code_tokens(one) == code_tokens(other)
    assert code_tokens(one) == ["def", NAME, "(", NAME, ",", NAME, ")", ":", "return", NAME, "+", NAME]


def test_code_keeps_attributes_builtins_and_literals():
    assert code_tokens("x = df.groupby('a').sum()") == [
        *(NAME, "=", NAME, ".", "groupby", "(", "a", ")", ".", "sum", "(", ")")
    ]
    assert code_tokens("sorted(x)[0x1f]") == ["sorted", "(", NAME, ")", "[", "0x1f", "]"]
    assert code_tokens('f("a")') == code_tokens("f('a')") != code_tokens("f('b')")


def test_division_is_no_comment_but_a_line_of_slashes_is():
    assert code_tokens("a // b + 1") == [NAME, "/", "/", NAME, "+", "1"]
    assert code_tokens("// a comment\n/* and\nanother */ x") == [NAME]


@pytest.mark.parametrize("text", ['"""never closed', "'open", "/* open", "\\", "\x00\ud800", '"\\'])
def test_any_text_has_tokens(text):
    assert isinstance(code_tokens(text), list)
    assert len(hashed(words(text))) == len(words(text))


def test_grams_are_equal_where_tokens_are():
    one, other = (grams(hashed(text.split()), 2) for text in ("a b c a b", "x a b"))
    assert len(one) == 4
    assert one[0] == one[3] == other[1]
    assert len(set(one.tolist())) == 3


def test_the_order_of_tokens_matters():
    assert grams(hashed(["a", "b"]), 2) != grams(hashed(["b", "a"]), 2)


@pytest.mark.parametrize(("number", "n"), [(0, 1), (2, 3)])
def test_too_few_tokens_have_no_grams(number, n):
    assert len(grams(hashed(["a"] * number), n)) == 0
