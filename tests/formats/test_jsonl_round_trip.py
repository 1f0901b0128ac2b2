"""What is written is read back the same, whatever a model has written into it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Candidates, PairKind, PreferencePair, Problem, SolutionForm

ODD = '\x00 \n\r\n\t\u2028 \u0085 " \\ 😀 \ud800 é \ufeff \x7f'


def one_character_each(text: str) -> bool:
    """Return whether no two lone surrogates stand side by side: JSON takes them for one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == text


texts = st.one_of(st.just(ODD), st.text(st.characters()).filter(one_character_each))
ids = st.text(min_size=1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
optional_numbers = st.none() | numbers
values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts, lambda v: st.lists(v, max_size=3)
)

problems = st.builds(Problem, ids, texts, st.none() | texts, ids, texts)
candidates = st.builds(
    Candidates,
    ids,
    texts,
    st.none() | texts,
    st.lists(texts, min_size=1, max_size=4).map(tuple),
    st.lists(texts, min_size=1, max_size=4).map(tuple),
    st.dictionaries(texts, values, max_size=3),
)
cpu_times = st.none() | st.integers(0, 1 << 62)
forms = st.none() | st.sampled_from(SolutionForm)
pairs = st.builds(
    PreferencePair,
    *(texts, texts, texts, st.sampled_from(PairKind), ids),
    *(numbers, numbers, numbers, optional_numbers, optional_numbers, cpu_times, cpu_times, forms, forms),
)


def through_a_file(records: Sequence[Any], parse: Callable[[Any], Any]) -> list[Any]:
    """Return records after a trip through a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.jsonl"
        assert jsonl.write(path, records) == len(records)
        found, bad = jsonl.read_all(path, parse, unique=False)
    assert not bad
    return found


@given(st.lists(problems, min_size=1, max_size=4))
@example([Problem("p", ODD, ODD, "python", ODD)])
def test_problems_come_back_the_same(records):
    assert through_a_file(records, jsonl.problem_from) == records


@given(st.lists(candidates, min_size=1, max_size=4))
@example([Candidates("p", "", None, ("",), (ODD,), {"dropped": {"x": 1}})])
def test_candidates_come_back_the_same(records):
    assert through_a_file(records, jsonl.candidates_parser()) == records


@given(st.lists(pairs, min_size=1, max_size=4))
def test_pairs_come_back_the_same(records):
    assert through_a_file(records, jsonl.pair_from) == records


@given(st.one_of(problems, candidates, pairs))
def test_a_record_is_one_line_of_strict_json_in_utf8(record):
    raw = jsonl.line(record)
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    json.loads(raw.decode("utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (Problem("i", "p"), "problem_id prompt entry_point language source"),
        (
            Candidates("i", "p", None, ("s",), ("t",)),
            "problem_id prompt entry_point solutions tests generator",
        ),
        (
            PreferencePair("p", "c", "r", PairKind.EFFICIENCY, "i", 2.0, 1.0, 1.0),
            "prompt chosen rejected kind problem_id chosen_score rejected_score margin confidence speedup "
            "chosen_cpu_ns rejected_cpu_ns chosen_form rejected_form",
        ),
    ],
    ids=["problems", "candidates", "pairs"],
)
def test_the_fields_are_those_of_the_contract_in_their_order(record, fields):
    assert list(json.loads(jsonl.line(record))) == fields.split()


def test_text_that_is_not_ascii_stays_readable():
    assert "größe 😀".encode() in jsonl.line(Problem("p", "größe 😀"))


def test_records_of_a_stream_are_written_as_they_come(tmp_path):
    path = tmp_path / "f.jsonl"
    assert jsonl.write(path, (Problem(str(n), "p") for n in range(3))) == 3
    assert [p.problem_id for p in jsonl.read_all(path, jsonl.problem_from)[0]] == ["0", "1", "2"]


def test_no_records_make_an_empty_file(tmp_path):
    assert jsonl.write(tmp_path / "f.jsonl", []) == 0
    assert (tmp_path / "f.jsonl").read_bytes() == b""


def test_a_stream_that_breaks_off_leaves_the_former_file(tmp_path):
    path = tmp_path / "f.jsonl"
    jsonl.write(path, [Problem("former", "p")])

    def breaking():
        yield Problem("new", "p")
        raise InputError("the source is gone")

    with pytest.raises(InputError, match="the source is gone"):
        jsonl.write(path, breaking())
    assert [p.problem_id for p in jsonl.read_all(path, jsonl.problem_from)[0]] == ["former"]
    assert list(tmp_path.iterdir()) == [path]


def test_equal_records_make_equal_lines():
    pair = PreferencePair("p", "c", "r", PairKind.EFFICIENCY, "i", 2.0, 1.0, 1.0)
    assert jsonl.line(pair) == jsonl.line(dataclasses.replace(pair))
