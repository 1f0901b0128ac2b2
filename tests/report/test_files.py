"""Reading what may be missing or broken."""

from __future__ import annotations

import pytest

from codedpo_plugin.report.files import read_json, read_lines


@pytest.mark.parametrize("text", ["", "{", "[1,", "\x00", "[" * 100_000])
def test_what_is_not_json_is_noted_and_left_out(tmp_path, text):
    path, notes = tmp_path / "a.json", []
    path.write_text(text)
    assert read_json(path, notes) is None
    (note,) = notes
    assert note.startswith("a.json: left out, not JSON: ")


def test_what_is_not_utf8_is_noted_and_left_out(tmp_path):
    path, notes = tmp_path / "a.json", []
    path.write_bytes(b'"\xff"')
    assert read_json(path, notes) is None
    assert len(notes) == 1


def test_what_is_missing_is_nothing_to_note(tmp_path):
    notes: list[str] = []
    assert read_json(tmp_path / "a.json", notes) is None
    assert list(read_lines(tmp_path / "a.jsonl", notes)) == []
    assert notes == []


def test_lines_that_hold_no_object_are_counted(tmp_path):
    path, notes = tmp_path / "a.jsonl", []
    path.write_bytes(b'{"a": 1}\n[1]\n{\n\xff\n{"a": 2}')
    assert list(read_lines(path, notes)) == [{"a": 1}, {"a": 2}]
    assert notes == ["a.jsonl: 3 lines left out, not JSON objects"]
