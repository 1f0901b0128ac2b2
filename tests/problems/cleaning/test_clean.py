"""All cleaning in its order, on problems that are each dropped for one reason."""

from __future__ import annotations

import json
from collections import Counter

from codedpo_plugin.config import CleanConfig
from codedpo_plugin.problems.cleaning.clean import benchmarks_of, clean, without_contamination
from codedpo_plugin.problems.cleaning.decontamination import BenchmarkText, Decontamination
from codedpo_plugin.records import MadeProblem

SECRET = "Write a function to find the widest gap between two lamps in a street."
FOUND = Decontamination([BenchmarkText("lamps", "1", "prompt", SECRET)])


def made(name: str, statement: str, solution: str = "x = 1\n") -> MadeProblem:
    return MadeProblem(name, statement, None, instruction=statement, solution=solution, seed=name)


PROBLEMS = [
    made("good", "Add the numbers in a list and return their sum, which is zero for an empty list."),
    made("copy", "add the numbers in a list and return their sum, which is ZERO for an empty list"),
    made("near", "Add the numbers in a list and return their sum, which is zero for an empty list, please."),
    made("file", "Read numbers.csv and add them."),
    made("broken", "Turn a word round.", "def f(:\n"),
    made("stolen", f"{SECRET} Good luck."),
    made("fails", "Multiply the numbers of a matrix by its smallest one.", "raise ValueError\n"),
    made("last", "Return the names of months that have a given number of days in a leap year."),
]


def cleaned(problems, pool=None) -> tuple[list[str], Counter[str]]:
    counts: Counter[str] = Counter()
    return [p.problem_id for p in clean(problems, CleanConfig(benchmarks=()), FOUND, pool, counts)], counts


def test_every_problem_that_is_dropped_has_its_reason(pool):
    kept, counts = cleaned(PROBLEMS, pool)
    assert kept == ["good", "last"]
    assert counts == {
        "problems_before_cleaning": 8,
        "duplicate": 1,
        "near_duplicate": 1,
        "mentions_outside_file": 1,
        "solution_does_not_parse": 1,
        "contaminated_lamps": 1,
        "solution_does_not_run": 1,
    }


def test_without_a_pool_nothing_is_run():
    assert "fails" in cleaned(PROBLEMS)[0]


def test_no_problems_are_clean(pool):
    assert cleaned([], pool) == ([], Counter())


def test_what_is_clean_stays_when_cleaned_again(pool):
    kept = set(cleaned(PROBLEMS, pool)[0])
    again = [problem for problem in PROBLEMS if problem.problem_id in kept]
    assert cleaned(again, pool)[0] == [problem.problem_id for problem in again]


def test_solutions_are_searched_too():
    counts: Counter[str] = Counter()
    hidden = made("p", "Do something with lamps.", f'"""{SECRET}"""\nx = 1\n')
    assert list(without_contamination([hidden], FOUND, counts)) == []
    assert counts == {"contaminated_lamps": 1}


def test_the_lists_of_a_user_count(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"prompt": SECRET}))
    found = benchmarks_of(CleanConfig(benchmarks=(), against=(path,)))
    assert found.benchmark_of(SECRET) == "mine.jsonl"
