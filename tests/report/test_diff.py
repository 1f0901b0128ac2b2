"""Two programs side by side."""

from __future__ import annotations

import pytest

from codedpo_plugin.report.diff import LONGEST, LONGEST_LINE, MOST_LINES, Hunk, highlight, side_by_side, visible

LEFT = "def f(x):\n    y = x + 1\n    return y\n"
RIGHT = "def f(x):\n    y = x - 1\n    return y\n"


def texts(lines) -> list[str]:
    return ["".join(piece.text for piece in line.pieces) for line in lines]


def marked(lines) -> list[str]:
    return [piece.text for line in lines for piece in line.pieces if piece.marked]


def test_equal_programs_are_one_run_of_equal_lines():
    (hunk,) = side_by_side(LEFT, LEFT)
    assert hunk.same
    assert texts(hunk.left) == texts(hunk.right) == LEFT.splitlines()
    assert marked(hunk.left) == []


def test_only_the_words_that_differ_are_marked():
    same, changed, end = side_by_side(LEFT, RIGHT)
    assert (same.same, changed.same, end.same) == (True, False, True)
    assert [line.number for line in changed.left] == [2]
    assert marked(changed.left) == ["+"]
    assert marked(changed.right) == ["-"]


def test_lines_that_only_one_has_stand_alone():
    hunks = side_by_side("a = 1\nb = 2\n", "a = 1\n")
    assert hunks[1] == Hunk(same=False, left=hunks[1].left, right=())
    assert texts(hunks[1].left) == ["b = 2"]
    assert marked(hunks[1].left) == []


def test_lines_that_are_not_alike_are_not_marked_all_over():
    (hunk,) = side_by_side("return sorted(xs)[0]\n", "while True: pass\n")
    assert not hunk.same
    assert marked(hunk.left) == marked(hunk.right) == []


@pytest.mark.parametrize(("left", "right"), [("", ""), ("\n", ""), ("", "x = 1"), ("\n\n", "\n")])
def test_programs_of_nothing_do_no_harm(left, right):
    hunks = side_by_side(left, right)
    assert [text for hunk in hunks for text in texts(hunk.left)] == left.removesuffix("\n").split("\n")
    assert [text for hunk in hunks for text in texts(hunk.right)] == right.removesuffix("\n").split("\n")


@pytest.mark.parametrize("program", [LEFT, "\n\n  x = 'a\n", 'f"""a\n{b}\n"""', "\tx\n\n", "def (:\n  ?", "x"])
def test_colouring_keeps_every_character(program):
    lines = highlight(program)
    assert "\n".join("".join(piece.text for piece in line) for line in lines) == program.removesuffix("\n")


def test_tokens_have_their_kind():
    (line,) = highlight("def f(x): return 'a' + str(1)  # why")
    kinds = {piece.text: piece.css for piece in line}
    assert (kinds["def"], kinds["f"], kinds["str"], kinds["1"], kinds["# why"]) == ("k", "f", "b", "m", "c")
    assert {kinds[piece.text] for piece in line if "a" in piece.text} == {"s"}


def test_what_could_hide_is_shown():
    assert visible("a\x00b\x1b[31m\r\n\tc\x7f") == "a␀b␛[31m\n\tc‹U+007F›"
    assert visible("if x:\u202e \u2066# \u200b\ufeff") == "if x:‹U+202E› ‹U+2066›# ‹U+200B›‹U+FEFF›"
    assert visible("\ud800 größe 😀") == "‹U+D800› größe 😀"


def test_a_separator_that_only_python_takes_for_a_line_end_is_none():
    assert len(highlight("a = 1\x0cb = 2\u2028c = 3\x85d")) == 1


def test_of_a_long_program_the_beginning_is_shown():
    for program in ("x = 1\n" * (MOST_LINES + 50), "x" * (LONGEST + 50)):
        lines = highlight(program)
        assert "".join(piece.text for piece in lines[-1]) == "# … cut here"
        assert sum(len(piece.text) for line in lines for piece in line) <= LONGEST + 20
        assert len(lines) <= MOST_LINES + 1


def test_very_long_lines_are_not_compared_word_by_word():
    long = "a + " * LONGEST_LINE
    (hunk,) = side_by_side(long + "b", long + "c")
    assert marked(hunk.left) == []
