"""What a stage was made from: digests by name, and inputs that change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import digest
from codedpo_plugin.provenance import digests, require_unchanged, seen_of
from codedpo_plugin.rundir import StageRecord
from codedpo_plugin.stages.stage import Stage


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_digests_are_by_name_and_by_place_where_two_have_the_same(tmp_path):
    a, b = written(tmp_path / "one" / "part.jsonl", "a"), written(tmp_path / "two" / "part.jsonl", "b")
    c = written(tmp_path / "more.jsonl", "c")
    found = digests([a, c, b, tmp_path / "missing.jsonl"])
    assert found == {"part.jsonl (1)": digest(a), "more.jsonl": digest(c), "part.jsonl (3)": digest(b)}


def test_a_file_that_is_written_again_or_gone_is_seen(tmp_path):
    path = written(tmp_path / "c.jsonl", "a")
    before = seen_of([path])
    assert seen_of([path]) == before
    os.utime(path, ns=(1, 1))
    assert seen_of([path]) != before
    path.unlink()
    assert seen_of([path]) == {}


def test_only_another_content_is_a_change(tmp_path):
    path = written(tmp_path / "c.jsonl", "a")
    stage = Stage("execute", {}, (path,), tmp_path / "matrix.parquet", lambda _: None)
    record = StageRecord({}, digests([path]))
    written(path, "a")
    require_unchanged(stage, record)
    written(path, "b")
    with pytest.raises(InputError, match=r"stage 'execute': an input has changed .*\n.*c\.jsonl"):
        require_unchanged(stage, record)
