"""The operations that make a list of a list: filters, maps, orders, cuts."""

from __future__ import annotations

from typing import Final

from codedpo_plugin.embedded.grammar import Operation, copying, filtering, mapping, sorting

FILTERS: Final = (
    filtering("even", "L", "parity", ("keep the even numbers", "drop the odd numbers"), "x % 2 == 0", "x % 2 == 1"),
    filtering("odd", "L", "parity", ("keep the odd numbers", "drop the even numbers"), "x % 2 == 1", "x % 2 == 0"),
    filtering(
        "positive", "L", "size", ("keep the positive numbers", "keep what is over zero"), "x > 0", "x >= 0", "x < 0"
    ),
    filtering(
        "negative",
        "L",
        "size",
        ("keep the negative numbers", "keep what is below zero"),
        "x < 0",
        "x < -1",
        "x > 0",
    ),
    filtering(
        "above",
        "L",
        "size",
        ("keep the numbers greater than {k}", "keep those above {k}"),
        "x > {k}",
        "x >= {k}",
        "x < {k}",
    ),
    filtering(
        "below",
        "L",
        "size",
        ("keep the numbers less than {k}", "keep those under {k}"),
        "x < {k}",
        "x <= {k}",
        "x > {k}",
    ),
    filtering(
        "multiples",
        "L",
        "parity",
        ("keep the multiples of {k}", "keep what {k} divides"),
        "x % {k} == 0",
        "x // {k} == 0",
        "x % {k} != 0",
    ),
    filtering(
        "no_multiples",
        "L",
        "parity",
        ("drop the multiples of {k}", "drop what {k} divides"),
        "x % {k} != 0",
        "x != {k}",
        "x % {k} == 0",
    ),
    filtering(
        "longer",
        "W",
        "size",
        ("keep the words longer than {k}", "keep words of more than {k} letters"),
        "len(x) > {k}",
        "len(x) >= {k}",
        "len(x) < {k}",
    ),
)

MAPS: Final = (
    mapping("double", "L", "L", ("double each number", "multiply each by two"), "x * 2", "x ** 2", "x + 2"),
    mapping("square", "L", "L", ("square each number", "multiply each by itself"), "x * x", "x * 2", "x + x"),
    mapping("negate", "L", "L", ("negate each number", "flip every sign"), "-x", "abs(x)", "-abs(x)"),
    mapping("add", "L", "L", ("add {k} to each number", "increase each by {k}"), "x + {k}", "x - {k}", "x * {k}"),
    mapping(
        "scale", "L", "L", ("multiply each number by {k}", "scale each by {k}"), "x * {k}", "x + {k}", "x ** {k}"
    ),
    mapping("absolute", "L", "L", ("take absolute values", "drop every sign"), "abs(x)", "-x", "max(x, 0)"),
    mapping(
        "lengths",
        "W",
        "L",
        ("take the length of each word", "replace words by their lengths"),
        "len(x)",
        "len({i})",
        "len(x) - 1",
    ),
    mapping(
        "upper",
        "W",
        "W",
        ("write each word in upper case", "capitalize every letter"),
        "x.upper()",
        "x.title()",
        "x.lower()",
    ),
    mapping(
        "initials",
        "W",
        "W",
        ("take the first letter of each word", "shorten words to initials"),
        "x[:1]",
        "x[-1:]",
        "x[1:]",
    ),
)

LISTS: Final = (
    sorting(
        "ascending",
        ("sort in ascending order", "sort from low to high"),
        "<=",
        "",
        "sorted({i}, reverse=True)",
        "sorted(set({i}))",
    ),
    sorting(
        "descending",
        ("sort in descending order", "sort from high to low"),
        ">=",
        ", reverse=True",
        "sorted({i})",
        "{i}[::-1]",
    ),
    Operation(
        "reverse",
        "LW",
        "",
        "order",
        ("reverse the order", "turn the list around"),
        "{i}[::-1]",
        "{o} = []\nfor x in {i}:\n    {o} = [x] + {o}",
        ("sorted({i}, reverse=True)", "{i}[:0:-1]"),
    ),
    Operation(
        "unique",
        "LW",
        "",
        "unique",
        ("remove duplicates", "keep each item once"),
        "list(dict.fromkeys({i}))",
        copying("x", "x not in {o}"),
        ("sorted(set({i}))", "[x for x in {i} if {i}.count(x) == 1]"),
    ),
    Operation(
        "totals",
        "L",
        "L",
        "neighbours",
        ("take running totals", "replace items by the sum so far"),
        "{o} = []\nt = 0\nfor x in {i}:\n    t += x\n    {o}.append(t)",
        "[sum({i}[:j + 1]) for j in range(len({i}))]",
        (
            "[sum({i}[:j]) for j in range(len({i}))]",
            "{o} = []\nt = 0\nfor x in {i}:\n    {o}.append(t)\n    t += x",
        ),
    ),
    Operation(
        "differences",
        "L",
        "L",
        "neighbours",
        ("take differences of neighbours", "subtract from each its predecessor"),
        "[b - a for a, b in zip({i}, {i}[1:])]",
        "{o} = []\nfor j in range(1, len({i})):\n    {o} = {o} + [{i}[j] - {i}[j - 1]]",
        ("[a - b for a, b in zip({i}, {i}[1:])]", "[{i}[j] - {i}[j - 1] for j in range(len({i}))]"),
    ),
    Operation(
        "first",
        "LW",
        "",
        "cut",
        ("take the first {k} items", "cut after {k} items"),
        "{i}[:{k}]",
        "[x for j, x in enumerate({i}) if j < {k}]",
        ("{i}[:{k} - 1]", "{i}[-{k}:]"),
    ),
    Operation(
        "skip",
        "LW",
        "",
        "cut",
        ("skip the first {k} items", "leave out {k} items at the start"),
        "{i}[{k}:]",
        copying("x").replace("for x in {i}", "for x in {i}[{k}:]"),
        ("{i}[{k} - 1:]", "{i}[:{k}]"),
    ),
    Operation(
        "every_other",
        "LW",
        "",
        "cut",
        ("take every other item", "keep items at even positions"),
        "{i}[::2]",
        "{o} = []\nfor j, x in enumerate({i}):\n    if j % 2 == 0:\n        {o} = {o} + [x]",
        ("{i}[1::2]", "[x for j, x in enumerate({i}) if j % 2 == 1]"),
    ),
)
