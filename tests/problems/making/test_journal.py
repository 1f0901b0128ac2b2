"""The answers of a model on the disk."""

from __future__ import annotations

import json
import logging

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats import files
from codedpo_plugin.problems.making.journal import Journal

A, B = "http://a/v1", "http://b/v1"


def test_without_a_path_nothing_is_remembered():
    journal = Journal()
    journal.add({"k": "a"})
    assert "k" not in journal


def test_answers_are_found_by_the_journal_that_noted_them_and_by_the_next(tmp_path):
    path = tmp_path / "deep" / "answers.jsonl"
    journal = Journal(path)
    journal.add({"k": "é\n", "l": ""})
    journal.add({"m": "\ud800"})
    for one in (journal, Journal(path)):
        assert [one.get(key) for key in "klm"] == ["é\n", "", "\ud800"]
        assert "n" not in one
        with pytest.raises(KeyError):
            one.get("n")


def test_answers_are_on_the_disk_when_they_are_noted(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(files.os, "fsync", synced.append)
    Journal(tmp_path / "a.jsonl").add({"k": "a"})
    assert len(synced) == 1


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{", b"[]", b'{"key": "k"}', b'{"key": "k", "answer": null}', b'{"answer": "a"}', b"\xff"]
)
def test_lines_without_an_answer_are_passed_over(tmp_path, line):
    path = tmp_path / "a.jsonl"
    Journal(path).add({"a": "1"})
    with path.open("ab") as handle:
        handle.write(line)
    torn = Journal(path)
    torn.add({"b": "2"})
    for one in (torn, Journal(path)):
        assert (one.get("a"), one.get("b"), "k" in one) == ("1", "2", False)


def test_the_last_answer_under_a_key_counts(tmp_path):
    journal = Journal(tmp_path / "a.jsonl")
    journal.add({"k": "1"})
    journal.add({"k": "2"})
    assert journal.get("k") == Journal(tmp_path / "a.jsonl").get("k") == "2"


def test_an_answer_of_another_server_is_taken_and_that_is_said_once(tmp_path, caplog):
    path = tmp_path / "a.jsonl"
    Journal(path, A).add({"k": "1", "l": "2"})
    assert json.loads(path.read_text().splitlines()[0]) == {"key": "k", "answer": "1", "server": A}
    with caplog.at_level(logging.WARNING):
        Journal(path, A).get("k")
        assert caplog.text == ""
        other = Journal(path, B)
        assert caplog.text == "", "nothing of it was taken yet"
        assert [other.get(key) for key in "kl"] == ["1", "2"]
    assert len(caplog.records) == 1
    assert A in caplog.text
    assert B in caplog.text


def test_a_journal_that_somebody_else_changes_is_not_believed(tmp_path):
    journal = Journal(tmp_path / "a.jsonl")
    journal.add({"k": "1"})
    journal.path.write_text("x")
    with pytest.raises(InputError, match="changed by somebody else"):
        journal.get("k")


def test_a_journal_that_cannot_be_read_or_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "file" / "a.jsonl").add({"k": "1"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Journal(tmp_path / "folder")
