"""Lines that cannot be used are counted and described; the rest goes on."""

from __future__ import annotations

import errno
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.formats.jsonl import BadLines, candidates_parser, pair_from, problem_from, read_all
from codedpo_plugin.records import Candidates, PreferencePair, Problem, SolutionForm

PROBLEM = {"problem_id": "a/1", "prompt": "def f(): ..."}
CANDIDATES = {"problem_id": "a/1", "prompt": "p", "solutions": ["s"], "tests": ["t"]}
PAIR = {
    "prompt": "p",
    "chosen": "c",
    "rejected": "r",
    "kind": "correctness",
    "problem_id": "a/1",
    "chosen_score": 2.0,
    "rejected_score": 1.0,
    "margin": 1.0,
}


def dump(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def numbered(number: int) -> dict[str, Any]:
    return PROBLEM | {"problem_id": f"a/{number}"}


BAD = {
    "broken JSON": (b'{"problem_id": \n', ":2: not JSON"),
    "not UTF-8": (b'{"problem_id": "\xff"}\n', ":2: not UTF-8"),
    "a list": (b"[1, 2]\n", ":2: a JSON object is expected, got list"),
    "a string": (b'"text"\n', ":2: a JSON object is expected, got str"),
    "null": (b"null\n", ":2: a JSON object is expected, got NoneType"),
    "too deep": (b"[" * 100_000 + b"\n", ":2: not JSON"),
    "field missing": (dump({"problem_id": "a/9"}), ":2 (problem a/9): missing field 'prompt'"),
    "id missing": (dump({"prompt": "p"}), ":2: missing field 'problem_id'"),
    "wrong type": (
        dump({"problem_id": "a/9", "prompt": 3}),
        ":2 (problem a/9): field 'prompt' has to be a string, got int",
    ),
    "id not a text": (
        dump({"problem_id": 9, "prompt": "p"}),
        ":2 (problem 9): field 'problem_id' has to be a string, got int",
    ),
    "optional field of a wrong type": (
        dump(PROBLEM | {"problem_id": "a/9", "entry_point": ["f"]}),
        ":2 (problem a/9): field 'entry_point' has to be a string, got list",
    ),
    "duplicate": (dump(numbered(1)), ":2 (problem a/1): duplicate of line 1"),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_described_and_the_rest_goes_on(tmp_path, line, suffix):
    raw, expected = BAD[line]
    path = tmp_path / f"problems.jsonl{suffix}"
    content = dump(numbered(1)) + raw + dump(numbered(3))
    path.write_bytes(gzip.compress(content) if suffix else content)
    problems, bad = read_all(path, problem_from)
    assert [p.problem_id for p in problems] == ["a/1", "a/3"]
    assert len(bad) == 1
    assert bad.messages[0].startswith(f"{path}{expected}")


def test_a_last_line_that_was_cut_off_is_said_to_be_one(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(dump(numbered(1)) + dump(numbered(2))[:-10])
    problems, bad = read_all(path, problem_from)
    assert [p.problem_id for p in problems] == ["a/1"]
    assert bad.messages[0].startswith(f"{path}:2: not JSON")
    assert bad.messages[0].endswith("(the file ends here: is it complete?)")


def test_a_last_line_without_a_newline_counts_if_it_is_whole(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(dump(numbered(1)) + dump(numbered(2)).rstrip())
    problems, bad = read_all(path, problem_from)
    assert (len(problems), len(bad)) == (2, 0)


def test_a_gz_file_that_was_cut_off_gives_what_is_whole_and_says_so(tmp_path):
    path = tmp_path / "problems.jsonl.gz"
    whole = gzip.compress(b"".join(dump(numbered(n) | {"prompt": str(n) * 999}) for n in range(500)))
    path.write_bytes(whole[: len(whole) // 2])
    problems, bad = read_all(path, problem_from)
    assert 0 < len(problems) < 500
    assert len(bad) == 1
    assert bad.messages[0].startswith(f"{path}:")


def test_what_is_called_gz_but_is_not_packed_is_reported_with_its_path(tmp_path):
    path = tmp_path / "problems.jsonl.gz"
    path.write_bytes(dump(PROBLEM))
    with pytest.raises(InputError) as caught:
        read_all(path, problem_from)
    assert str(path) in str(caught.value)


def test_blank_lines_are_neither_records_nor_bad_but_are_counted_as_lines(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(b"\n" + dump(numbered(1)) + b"   \n" + b"{\n")
    problems, bad = read_all(path, problem_from)
    assert len(problems) == 1
    assert bad.messages[0].startswith(f"{path}:4:")


def test_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes((dump(numbered(1)) + dump(numbered(2))).replace(b"\n", b"\r\n"))
    problems, bad = read_all(path, problem_from)
    assert (len(problems), len(bad)) == (2, 0)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(tmp_path, content):
    (tmp_path / "f.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"f\.jsonl: the file is empty"):
        read_all(tmp_path / "f.jsonl", problem_from)


def test_a_file_without_a_usable_line_is_an_error_that_quotes_the_lines(tmp_path):
    (tmp_path / "f.jsonl").write_bytes(b"{\n" * 8)
    with pytest.raises(InputError, match=r"f\.jsonl: no usable line") as caught:
        read_all(tmp_path / "f.jsonl", problem_from)
    message = str(caught.value)
    assert message.count("not JSON") == jsonl.SHOWN
    assert message.endswith("… and 3 more lines")


def test_lines_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(dump(numbered(1)) + b"{\n")
    bad = BadLines()
    records = jsonl.read(path, problem_from, bad)
    assert next(records).problem_id == "a/1"
    assert len(bad) == 0
    assert list(records) == []
    assert len(bad) == 1


def test_ids_may_repeat_where_they_need_not_be_unique(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(dump(PAIR) * 2)
    assert len(read_all(path, pair_from, unique=False)[0]) == 2


def test_a_line_that_was_bad_makes_no_later_line_a_duplicate(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(dump({"problem_id": "a/1"}) + dump(numbered(1)))
    problems, bad = read_all(path, problem_from)
    assert (len(problems), len(bad)) == (1, 1)


def test_an_id_that_no_file_can_hold_is_a_bad_line():
    # A lone surrogate has no UTF-8 form, so matrix.parquet could not name the problem.
    with pytest.raises(ValueError, match="problem_id"):
        problem_from(json.loads(r'{"problem_id": "\ud800", "prompt": "p"}'))


def test_optional_fields_of_a_problem_may_be_null_or_absent():
    expected = Problem("a/1", "def f(): ...", None, "python", "")
    assert problem_from(PROBLEM) == expected
    assert problem_from(PROBLEM | {"entry_point": None, "language": None, "source": None}) == expected


def test_unknown_fields_are_let_be():
    assert problem_from(PROBLEM | {"difficulty": 3}) == problem_from(PROBLEM)


def test_candidates_need_four_fields_only():
    assert candidates_parser()(CANDIDATES) == Candidates("a/1", "p", None, ("s",), ("t",), {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"solutions": []}, "no solutions: nothing to run"),
        ({"tests": []}, "no tests: nothing to run"),
        ({"solutions": "s"}, "field 'solutions' has to be a list of strings"),
        ({"solutions": ["s", None]}, "field 'solutions' has to be a list of strings"),
        ({"tests": [["t"]]}, "field 'tests' has to be a list of strings"),
        ({"tests": {"t": 1}}, "field 'tests' has to be a list of strings"),
        ({"generator": ["model"]}, "field 'generator' has to be an object"),
        ({"solution_form": "programme"}, "'programme' is not a valid SolutionForm"),
        ({"solution_form": 3}, "3 is not a valid SolutionForm"),
        ({"entry_point": 3}, "field 'entry_point' has to be a string, got int"),
    ],
)
def test_candidates_that_cannot_be_run_are_bad_lines(tmp_path, change, reason):
    path = tmp_path / "candidates.jsonl"
    path.write_bytes(dump(CANDIDATES | {"problem_id": "good"}) + dump(CANDIDATES | change))
    candidates, bad = read_all(path, candidates_parser())
    assert [c.problem_id for c in candidates] == ["good"]
    assert bad.messages == [f"{path}:2 (problem a/1): {reason}"]


@pytest.mark.parametrize(
    ("default", "declared", "solution"),
    [
        (SolutionForm.PROGRAM, None, "s"),
        (SolutionForm.PROGRAM, "completion", "ps"),
        (SolutionForm.COMPLETION, None, "ps"),
        (SolutionForm.COMPLETION, "program", "s"),
    ],
)
def test_a_declared_form_of_solutions_beats_the_option(default, declared, solution):
    line = CANDIDATES | ({"solution_form": declared} if declared else {})
    assert candidates_parser(default)(line).solutions == (solution,)


def test_a_pair_needs_its_eight_fields_only():
    pair = pair_from(PAIR | {"note": "unknown fields are let be"})
    assert isinstance(pair, PreferencePair)
    assert (pair.confidence, pair.speedup, pair.chosen_cpu_ns, pair.rejected_cpu_ns) == (None,) * 4
    assert (pair.chosen_form, pair.rejected_form) == (None, None)


def test_a_pair_may_say_what_its_answers_are():
    pair = pair_from(PAIR | {"chosen_form": "completion", "rejected_form": "program"})
    assert (pair.chosen_form, pair.rejected_form) == (SolutionForm.COMPLETION, SolutionForm.PROGRAM)


@pytest.mark.parametrize(
    "line",
    [
        *({k: v for k, v in PAIR.items() if k != name} for name in PAIR),
        PAIR | {"kind": "beauty"},
        PAIR | {"prompt": 3},
        PAIR | {"chosen": None},
        PAIR | {"rejected": ["r"]},
        PAIR | {"margin": "large"},
        PAIR | {"speedup": "2x"},
        PAIR | {"chosen_form": "half"},
        PAIR | {"rejected_form": ["program"]},
    ],
    ids=lambda line: ",".join(k for k in {**PAIR, **line} if line.get(k) != PAIR.get(k)),
)
def test_a_pair_that_is_incomplete_or_of_wrong_types_is_a_bad_line(tmp_path, line):
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(dump(PAIR) + dump(line))
    pairs, bad = read_all(path, pair_from, unique=False)
    assert (len(pairs), len(bad)) == (1, 1)
    assert bad.messages[0].startswith(f"{path}:2")


def test_bad_lines_are_all_counted_and_the_first_ones_shown():
    bad = BadLines()
    for number in range(jsonl.SHOWN + 2):
        bad.add(Path("f.jsonl"), number, "p" if number else None, "reason")
    lines = str(bad).splitlines()
    assert len(bad) == jsonl.SHOWN + 2
    assert lines[:2] == ["f.jsonl:0: reason", "f.jsonl:1 (problem p): reason"]
    assert lines[-1] == "… and 2 more lines"


def test_no_bad_lines_are_falsy_and_say_nothing():
    assert not BadLines()
    assert str(BadLines()) == ""


def test_objects_are_written_one_a_line_in_the_order_of_their_keys(tmp_path):
    jsonl.write_objects(tmp_path / "o.jsonl", [{"b": 1, "a": "ü"}, {}])
    assert (tmp_path / "o.jsonl").read_text() == '{"b": 1, "a": "\\u00fc"}\n{}\n'


def test_of_many_bad_lines_only_the_first_are_remembered():
    bad = BadLines()
    for number in range(jsonl.KEPT + 50):
        bad.add(Path("f.jsonl"), number, None, "reason")
    assert (len(bad), len(bad.messages)) == (jsonl.KEPT + 50, jsonl.KEPT)
    assert str(bad).endswith(f"… and {jsonl.KEPT + 50 - jsonl.SHOWN} more lines")


def test_a_file_that_cannot_be_read_to_its_end_is_an_error_and_no_bad_line(tmp_path, monkeypatch):
    class Vanishing:
        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self):
            yield dump(numbered(1))
            raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(jsonl, "open_bytes", lambda _: Vanishing())
    with pytest.raises(InputError, match=r"p\.jsonl:2: cannot be read: Stale file handle"):
        list(jsonl.read(Path("p.jsonl"), problem_from, BadLines()))


@pytest.mark.parametrize(("content", "number"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\n  \nb\n", 2)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_lines_are_counted_but_blank_ones(tmp_path, content, number, suffix):
    path = tmp_path / f"f.jsonl{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    assert jsonl.count(path) == number


@pytest.mark.parametrize("sizes", [[], [0], [3], [2, 0, 3]])
def test_joined_files_hold_what_one_would(tmp_path, sizes):
    numbers = iter(range(99))
    parts = [[problem_from(numbered(next(numbers))) for _ in range(size)] for size in sizes]
    for place, part in enumerate(parts):
        jsonl.write(tmp_path / str(place), part)
    jsonl.write(tmp_path / "one", [problem for part in parts for problem in part])
    jsonl.LINES.join(tmp_path / "joined", [tmp_path / str(place) for place in range(len(parts))])
    assert (tmp_path / "joined").read_bytes() == (tmp_path / "one").read_bytes()


def test_several_files_are_read_as_one_in_their_order(tmp_path):
    parts = [tmp_path / "b.jsonl", tmp_path / "a.jsonl"]
    jsonl.write(parts[0], [Problem("2", "p"), Problem("1", "p")])
    jsonl.write(parts[1], [Problem("3", "p")])
    found = jsonl.read_files(parts, jsonl.problem_from, jsonl.BadLines())
    assert [p.problem_id for p in found] == ["2", "1", "3"]


def test_a_problem_of_an_earlier_file_is_a_bad_line_that_says_where(tmp_path):
    parts = [tmp_path / f"part-{n}.jsonl" for n in range(3)]
    jsonl.write(parts[0], [Problem("1", "first"), Problem("2", "first")])
    jsonl.write(parts[1], [Problem("3", "p")])
    jsonl.write(parts[2], [Problem("2", "second"), Problem("4", "p"), Problem("4", "again")])
    bad = jsonl.BadLines()
    found = list(jsonl.read_files(parts, jsonl.problem_from, bad))
    assert [(p.problem_id, p.prompt) for p in found] == [("1", "first"), ("2", "first"), ("3", "p"), ("4", "p")]
    assert bad.messages == [
        f"{parts[2]}:1 (problem 2): duplicate of {parts[0]}:2",
        f"{parts[2]}:3 (problem 4): duplicate of line 2",
    ]


def test_no_files_hold_nothing():
    assert list(jsonl.read_files([], jsonl.problem_from, jsonl.BadLines())) == []
