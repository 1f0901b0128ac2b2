"""Planted items are found in every disguise; what is not planted is not."""

from __future__ import annotations

import pytest

from codedpo_plugin.problems.cleaning.decontamination import CODE, WORDS, BenchmarkText, Decontamination, Index

PROMPT = '''from typing import List


def rising_runs(heights: List[int]) -> List[int]:
    """Given the heights of hills along a road, return the lengths of all stretches
    in which every hill is higher than the one before, from left to right.
    >>> rising_runs([3, 4, 5, 1, 2])
    [3, 2]
    """
'''
BODY = """    runs = []
    current = 0
    for index, height in enumerate(heights):
        if index and height > heights[index - 1]:
            current += 1
        else:
            runs.append(current)
            current = 1
    return [run for run in runs[1:] + [current] if run]
"""
DESCRIPTION = "Write a function to find the widest gap between two lamps in a street."
ITEMS = [
    BenchmarkText("hills", "hills/1", "prompt", PROMPT),
    BenchmarkText("hills", "hills/1", "solution", PROMPT + BODY, code=True),
    BenchmarkText("lamps", "lamps/7", "prompt", f'"""\n{DESCRIPTION}\nassert widest([1, 4]) == 3\n"""'),
    BenchmarkText("lamps", "lamps/7", "description", DESCRIPTION),
    BenchmarkText("lamps", "lamps/8", "solution", "return x", code=True),
]
RENAMED = (
    (PROMPT + BODY)
    .replace("rising_runs", "task_4")
    .replace("heights", "zs")
    .replace("runs", "out")
    .replace("current", "k")
    .replace("index", "i")
)


@pytest.fixture(scope="module")
def found() -> Decontamination:
    return Decontamination(ITEMS)


def around(text: str) -> str:
    story = "A long story about something else entirely, told in many words. " * 5
    return f"{story}\n```\n{text}\n```\n{story}\nimport os\nfor name in os.listdir():\n    print(name)\n"


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        PROMPT + BODY,
        BODY,
        PROMPT.upper(),
        RENAMED,
        (PROMPT + BODY).replace("    ", "\t"),
        (PROMPT + BODY).replace("    ", "  "),
        "\n".join(f"# {line}" for line in PROMPT.split("\n")),
        BODY.replace("\n", "  # a remark\n"),
        around(PROMPT),
        around(RENAMED),
        around(RENAMED.replace("    ", "\t").replace('"""', "#")),
    ],
    ids=[
        "verbatim", "with solution", "solution", "case", "renamed", "tabs", "two blanks", "as comments",
        "re-commented", "inside longer text", "renamed inside", "all at once",
    ],
)  # fmt: skip
def test_a_planted_item_is_found(found, text):
    assert found.benchmark_of(text) == "hills"


@pytest.mark.parametrize("text", [DESCRIPTION, f"Please {DESCRIPTION.lower()} Thanks.", around(DESCRIPTION)])
def test_a_short_description_is_a_normalised_substring(found, text):
    assert found.benchmark_of(text) == "lamps"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "return x",
        "Write a function to find the longest word in a sentence.",
        "def f(values):\n    total = 0\n    for value in values:\n        total += value\n    return total\n",
        "from typing import List\n\n\ndef g(names: List[str]) -> List[str]:\n    return sorted(names)\n",
    ],
)
def test_what_is_not_planted_is_not_found(found, text):
    assert found.matches(text) == []


def test_a_match_says_what_was_found_and_how_much_of_it(found):
    (match, *_) = found.matches(PROMPT)
    assert (match.text.item, match.text.part, match.view, match.share) == ("hills/1", "prompt", "words", 1.0)


def test_half_an_item_is_enough_and_a_tenth_is_not(found):
    words = PROMPT.split()
    assert found.matches(" ".join(words[: len(words) * 2 // 3]))
    assert not found.matches(" ".join(words[: len(words) // 10]))


def test_items_without_a_text_that_could_be_recognised_are_told(found):
    assert found.undecidable == {"lamps": 1}


def test_the_fitting_of_several_benchmarks_is_the_one_with_more_in_common(found):
    both = f"{DESCRIPTION} {' '.join(PROMPT.split()[:30])}"
    assert {match.text.benchmark for match in found.matches(both)} == {"hills", "lamps"}
    assert found.benchmark_of(both) == "lamps"


def test_without_benchmarks_nothing_is_found():
    assert Decontamination([]).matches(PROMPT) == []


def test_an_index_of_equal_texts_names_all_of_them():
    twice = [BenchmarkText("b", str(i), "prompt", DESCRIPTION) for i in range(2)]
    assert [match.text.item for match in Index(WORDS, twice).matches(DESCRIPTION)] == ["0", "1"]


def test_prose_is_not_looked_for_as_code():
    assert [index.view for index in Decontamination(ITEMS).indexes if len(index.texts) == 1] == [CODE]
