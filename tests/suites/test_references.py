"""Answers of reference solutions: computed once, kept as far as needed, and not used when they do not fit."""

from __future__ import annotations

import gzip
import json

import pytest

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution import Check, Ending, Job, Pool
from codedpo_plugin.formats.files import CACHE_VARIABLE, cache_folder
from codedpo_plugin.suites.references import LONG, Reference, reference_answers

PROGRAM = "def f(x): return x"
JOBS = [Job(PROGRAM, (Check("f(1)"), Check("f(2.5)"), Check("f(1 / 0)"))), Job(PROGRAM, (Check("f('a')"),))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEDPO_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def runs(monkeypatch):
    """Return the jobs that were really run."""
    ran = []
    run = Pool.run

    def noting(self, jobs):
        jobs = list(jobs)
        ran.extend(jobs)
        return run(self, jobs)

    monkeypatch.setattr(Pool, "run", noting)
    return ran


def seen(rows: list[list[Reference]]) -> list[list[object]]:
    return [[r.value if r.ending is Ending.VALUE else r.ending.value for r in row] for row in rows]


def test_answers_are_computed_once(folder, runs):
    first = reference_answers("suite", JOBS)
    assert runs == JOBS
    again = reference_answers("suite", JOBS)
    assert runs == JOBS
    assert seen(first) == seen(again) == [[1, 2.5, "raised"], ["a"]]
    assert [r.cpu_s for row in first for r in row] == [r.cpu_s for row in again for r in row]
    assert [path.name.split("-")[0] for path in folder.iterdir()] == ["suite"]


@pytest.mark.parametrize(
    "change",
    [Job(f"{PROGRAM}  # other", JOBS[0].checks), Job(PROGRAM, (Check("f(2)"), Check("f(2.5)"), Check("f(1 / 0)")))],
)
def test_what_changes_is_computed_anew(folder, runs, change):
    reference_answers("suite", JOBS)
    reference_answers("suite", [change, JOBS[1]])
    assert len(runs) == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"broken", *(gzip.compress(text, mtime=0) for text in (b"{", b"[]", b'[[["value", 0, "1"]]]'))],
)
def test_a_file_that_does_not_fit_is_computed_anew(folder, runs, content):
    reference_answers("suite", JOBS)
    (path,) = folder.iterdir()
    path.write_bytes(content)
    assert seen(reference_answers("suite", JOBS)) == [[1, 2.5, "raised"], ["a"]]
    assert len(runs) == 4


def test_a_cache_that_cannot_be_written_costs_time_only(folder, runs, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("CODEDPO_CACHE", str(folder / "file" / "below"))
    assert seen(reference_answers("suite", JOBS)) == [[1, 2.5, "raised"], ["a"]]


def test_of_a_long_answer_a_digest_is_kept_and_the_answer_is_asked_for_again(folder, runs):
    job = Job(PROGRAM, (Check(f"f('x' * {LONG})"), Check("f(1)")))
    ((long, short),) = reference_answers("suite", [job])
    (path,) = folder.iterdir()
    assert path.stat().st_size < 1000
    assert long.has_encoding(json.dumps("x" * LONG))
    assert not long.has_encoding(json.dumps("x" * (LONG - 1) + "y"))
    assert len(runs) == 1
    assert long.value == "x" * LONG
    assert runs[1:] == [Job(PROGRAM, (job.checks[0],))]
    assert short.value == 1
    assert len(runs) == 2


def test_a_reference_that_fails_when_asked_again_is_an_error(folder):
    ((long,),) = reference_answers("suite", [Job(PROGRAM, (Check(f"f('x' * {LONG})"),))])
    broken = Reference(Job("def f(x): raise KeyError", long.job.checks), 0, long.ending, 0.0, long.kept)
    with pytest.raises(EvaluationError, match="asked again, ends with raised"):
        broken.value  # noqa: B018 - the property asks


@pytest.mark.parametrize(
    ("payload", "sure"),
    [("1", True), ("1.0", False), ("2", False)],
)
def test_an_equal_encoding_is_surely_right(payload, sure):
    assert Reference(JOBS[0], 0, Ending.VALUE, 0.0, "1").has_encoding(payload) is sure


@pytest.mark.parametrize("payload", ["NaN", "[NaN]", '{"object": ["x.Y", true]}', '{"array": [1]}'])
def test_what_is_unequal_to_itself_is_not(payload):
    assert not Reference(JOBS[0], 0, Ending.VALUE, 0.0, payload).has_encoding(payload)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CODEDPO_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/codedpo"),
        ({"HOME": "/c"}, "/c/.cache/codedpo"),
    ],
)
def test_where_the_cache_is(monkeypatch, variables, expected):
    for name in ("CODEDPO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(cache_folder()) == expected
    assert CACHE_VARIABLE == "CODEDPO_CACHE"
