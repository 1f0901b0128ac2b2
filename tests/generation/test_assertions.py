"""Single assertions out of what models really write when they are asked for tests."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.generation.extraction import LONGEST_TEST, extract_tests, split_assertions


def extract(*texts: str, entry_point: str | None = "f", limit: int = 99) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the tests in some texts and what was counted."""
    counts: Counter[str] = Counter()
    return extract_tests(entry_point, texts, limit, counts), dict(counts)


CONTINUATION = "assert f(1) == 2\nassert f(2) == 3\n\n# edge cases\nassert f(-1) == 0"
FENCED = """Here are tests:

```python
assert f(1) == 2
assert f(2) == 3
```
And one more:
```
assert f(-1) == 0
```"""
UNFENCED = "Sure, here they are.\nassert f(1) == 2\nassert f(2) == 3\nassert f(-1) == 0\nI hope this helps!"
FUNCTIONS = """```python
import pytest

def test_f():
    # plain
    assert f(1) == 2
    assert f(2) == 3  # comment

class TestF:
    def test_negative(self):
        assert f(-1) == 0
```"""
OPEN_FENCE = "```python\nassert f(1) == 2\nassert f(2) == 3\nassert f(-1) == 0\nassert f(5"
MESSAGES = (
    "assert f(1) == 2, 'one, or two'\nassert f(2) == 3, f\"got {f(2)}, not 3\"\nassert f(-1) == 0, ('a', 'b')"
)
LINES = "assert f(\n    1\n) == 2\nassert (\n    f(2)\n    == 3\n)\nassert f(-1) == \\\n    0"


@pytest.mark.parametrize(
    "text",
    [CONTINUATION, FENCED, UNFENCED, FUNCTIONS, OPEN_FENCE, MESSAGES, LINES, CONTINUATION.replace("\n", "\r\n")],
    ids=["continuation", "fenced", "prose", "functions", "open fence", "messages", "several lines", "line ends"],
)
def test_every_assertion_is_found_whatever_is_around_it(text):
    tests, _ = extract(text)
    assert tests == ("assert f(1) == 2", "assert f(2) == 3", "assert f(-1) == 0")


@pytest.mark.parametrize("text", [CONTINUATION, FENCED, FUNCTIONS, MESSAGES, LINES])
def test_nothing_is_counted_where_all_is_well(text):
    assert extract(text)[1] == {}


@pytest.mark.parametrize(
    "tail", ["assert f(5", "assert f(5) ==", "assert f(5) == [1, 2", "assert", "assert f(5) == 'x"]
)
def test_a_last_line_that_was_cut_off_is_dropped_and_counted(tail):
    assert extract("assert f(1) == 2\n" + tail) == (("assert f(1) == 2",), {"test_does_not_parse": 1})


def test_an_assertion_that_does_not_parse_does_not_take_the_next_ones_with_it():
    tests, counts = extract("assert f(1) == 2\nassert f(2 == 3\nassert f(3) == [4\nassert f(-1) == 0")
    assert tests == ("assert f(1) == 2", "assert f(-1) == 0")
    assert counts == {"test_does_not_parse": 2}


def test_strings_of_several_lines_keep_their_blank_lines_and_spaces():
    text = "assert f('''a  \n\n  b\n''') == 2\nassert f(1) == 2"
    (first, second), _ = extract(text)
    call = ast.parse(first).body[0].test.left
    assert ast.literal_eval(call.args[0]) == "a  \n\n  b\n"
    assert second == "assert f(1) == 2"


def test_lists_of_several_lines_may_hold_blank_lines():
    assert extract("assert f([\n    1,\n\n    2,\n]) == 3")[0] == ("assert f([1, 2]) == 3",)


@pytest.mark.parametrize("between", ["\n", "\n    ", " \n\n  "])
def test_a_condition_on_the_line_after_the_word_is_accepted(between):
    text = f"assert{between}f(1) == [\n    2,\n]\nassert f(2) == 3"
    assert extract(text)[0] == ("assert f(1) == [2]", "assert f(2) == 3")


def test_two_assertions_on_one_line_are_two():
    assert extract("assert f(1) == 2; assert f(2) == 3")[0] == ("assert f(1) == 2", "assert f(2) == 3")


def test_an_assertion_that_goes_on_too_long_is_given_up():
    text = "assert f([\n" + "    1,\n" * 30 + "]) == 3\nassert f(1) == 2"
    tests, counts = extract(text)
    assert tests[-1] == "assert f(1) == 2"
    assert len(tests) + counts.get("test_does_not_parse", 0) == 2


@pytest.mark.parametrize(
    "text",
    [
        "assert g(1) == 2",
        "assert True",
        "assert f",
        "assert f.g(1) == 2",
        "assert self.f(1) == 2",
        "assert 'f(1)' == 2",
        "assert 1 == 2, f(1)",
    ],
)
def test_an_assertion_that_does_not_call_the_function_is_dropped_and_counted(text):
    assert extract(text) == ((), {"test_without_entry_point": 1})


@pytest.mark.parametrize(
    "text",
    [
        "assert not f(1)",
        "assert f(1) is None",
        "assert abs(f(1) - 2) < 1e-06",
        "assert f(f(1)) == 3",
        "assert all((f(x) == x for x in range(3)))",
        "assert sorted(f([1])) == [1]",
    ],
)
def test_any_assertion_that_calls_the_function_is_kept(text):
    assert extract(text) == ((text,), {})


def test_without_an_entry_point_every_assertion_is_kept():
    assert extract("assert g(1) == 2\nassert True", entry_point=None) == (("assert g(1) == 2", "assert True"), {})


def test_duplicates_are_dropped_across_texts_whatever_they_look_like():
    tests, counts = extract("assert f(1)==2", "assert f( 1 ) == 2, 'message'\nassert (f(1) == 2)")
    assert tests == ("assert f(1) == 2",)
    assert counts == {"test_duplicate": 2}


def test_tests_are_taken_from_the_texts_in_turn():
    texts = ["\n".join(f"assert f({start + n}) == 0" for n in range(3)) for start in (0, 10)]
    tests, counts = extract(*texts, "assert f(1) == 0\nassert f(20) == 0", limit=4)
    assert tests == ("assert f(0) == 0", "assert f(10) == 0", "assert f(1) == 0", "assert f(11) == 0")
    assert counts == {"test_surplus": 3, "test_duplicate": 1}


def test_tests_beyond_the_limit_are_counted():
    tests, counts = extract("\n".join(f"assert f({n}) == 0" for n in range(5)), limit=2)
    assert tests == ("assert f(0) == 0", "assert f(1) == 0")
    assert counts == {"test_surplus": 3}


def test_a_test_that_is_too_long_is_counted():
    assert extract(f"assert f('{'x' * LONGEST_TEST}') == 0") == ((), {"test_too_long": 1})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no code here",
        "I assert that f(1) == 2",
        "```python\nprint(f(1))\n```",
        "self.assertEqual(f(1), 2)",
    ],
)
def test_a_text_without_assertions_has_none_and_nothing_is_counted(text):
    assert extract(text) == ((), {})


@pytest.mark.parametrize("line", ["assertEqual(f(1), 2)", "assertion = f(1)", "asserts that f(1) is 2"])
def test_a_line_that_only_begins_like_an_assertion_is_none(line):
    assert extract(f"{line}\nassert f(1) == 2")[0] == ("assert f(1) == 2",)


def test_assertions_outside_of_the_code_blocks_of_an_answer_do_not_count():
    text = "assert f(9) == 9 would be wrong.\n```python\nassert f(1) == 2\n```"
    assert extract(text)[0] == ("assert f(1) == 2",)


@pytest.mark.parametrize(
    "text",
    [
        "assert f('\x00') == 1",
        "assert f('\ud800') == 1",
        "assert f(" + "-" * 100_000 + "1) == 1",
        "assert " + "(" * 999,
    ],
    ids=["null", "surrogate", "deep", "nested"],
)
def test_what_no_parser_takes_is_counted(text):
    assert extract(text + "\nassert f(1) == 2") == (("assert f(1) == 2",), {"test_does_not_parse": 1})


words = st.text(st.characters(exclude_characters="`"), max_size=5)
literals = st.recursive(st.none() | st.booleans() | st.integers() | words, lambda v: st.lists(v, max_size=3))


FORMS = {
    "plain": "{}",
    "fenced": "Tests:\n```python\n{}\n```\nDone.",
    "function": "def test_f():\n    {}\n",
}


@pytest.mark.parametrize("form", FORMS)
@given(st.lists(st.tuples(literals, literals), max_size=5))
def test_tests_come_out_as_they_went_in(form, cases):
    lines = list(dict.fromkeys(f"assert f({argument!r}) == {expected!r}" for argument, expected in cases))
    text = FORMS[form].replace("{}", "\n    ".join(lines) if form == "function" else "\n".join(lines))
    assert extract(text) == (tuple(lines), {})


@given(st.text(st.sampled_from(list("assert f(1)=\n`'\"[],\\ \t#;:"))))
def test_no_text_breaks_the_splitting(text):
    assert all(isinstance(found, ast.Assert) for found in split_assertions(text, Counter()))
