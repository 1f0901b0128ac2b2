"""Of problems that are alike the first one stays."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.problems.cleaning.duplicates import without_exact_duplicates, without_near_duplicates
from codedpo_plugin.records import MadeProblem

WORDS = [f"word{i}" for i in range(400)]


def problem(number: int, text: str, **more: str) -> MadeProblem:
    return MadeProblem(f"p{number}", text, instruction=text, **more)


def exact(*problems: MadeProblem) -> tuple[list[str], Counter[str]]:
    counts: Counter[str] = Counter()
    return [p.problem_id for p in without_exact_duplicates(problems, counts)], counts


def near(*texts: str, threshold: float = 0.7) -> tuple[list[str], Counter[str]]:
    counts: Counter[str] = Counter()
    problems = [problem(i, text) for i, text in enumerate(texts)]
    return [p.problem_id for p in without_near_duplicates(problems, threshold, counts)], counts


def test_texts_that_differ_in_case_and_layout_are_duplicates():
    kept, counts = exact(problem(0, "Add two numbers."), problem(1, "add  two\nNUMBERS"), problem(2, "Add three."))
    assert kept == ["p0", "p2"]
    assert counts == {"duplicate": 1}


def test_problems_made_alike_of_the_same_seed_are_duplicates():
    one = problem(0, "a", seed="x = 1", method="oss-instruct")
    again = problem(1, "b", seed="x  =  1\n", method="oss-instruct")
    otherwise = problem(2, "c", seed="x = 1", method="concepts")
    assert exact(one, again, otherwise) == (["p0", "p2"], Counter(duplicate_seed=1))


def test_problems_without_a_seed_have_no_seed_in_common():
    assert exact(problem(0, "a"), problem(1, "b")) == (["p0", "p1"], Counter())


def test_a_problem_that_was_dropped_takes_nothing_with_it():
    first, second = problem(0, "same", seed="s"), problem(1, "same", seed="t")
    assert exact(first, second, problem(2, "other", seed="t"))[0] == ["p0", "p2"]


def test_problems_that_share_most_runs_of_words_are_near_duplicates():
    text = " ".join(WORDS[:100])
    changed = " ".join([*WORDS[:95], *WORDS[200:205]])
    kept, counts = near(text, changed, " ".join(WORDS[300:400]))
    assert kept == ["p0", "p2"]
    assert counts == {"near_duplicate": 1}


def test_problems_that_share_half_their_words_are_not():
    assert near(" ".join(WORDS[:100]), " ".join(WORDS[50:150]))[0] == ["p0", "p1"]


@pytest.mark.parametrize("threshold", [0.2, 0.3])
def test_the_threshold_decides(threshold):
    texts = " ".join(WORDS[:100]), " ".join(WORDS[40:140])  # similarity 58/138 = 0.42
    assert near(*texts, threshold=threshold)[0] == ["p0"]
    assert near(*texts, threshold=0.9)[0] == ["p0", "p1"]


def test_the_solution_counts_too():
    pair = [
        MadeProblem(f"p{i}", "do it", instruction="do it", solution=" ".join(WORDS[100 * i : 100 * i + 100]))
        for i in range(2)
    ]
    assert len(list(without_near_duplicates(pair, 0.7, Counter()))) == 2


@pytest.mark.parametrize("texts", [(), ("",), ("one",), ("one two",)])
def test_few_words_are_no_error(texts):
    assert len(near(*texts)[0]) == len(texts)


def test_two_texts_of_the_same_few_words_are_near_duplicates():
    assert near("one two", "one two")[0] == ["p0"]


def test_equal_input_gives_equal_output():
    texts = [" ".join(WORDS[i : i + 60]) for i in range(0, 300, 7)]
    assert near(*texts) == near(*texts)
