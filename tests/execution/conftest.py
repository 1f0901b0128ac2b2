"""Fixtures of the engine's tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedpo_plugin.execution import Pool

from .support import built_in, leave_out


@pytest.fixture
def scratch_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which, for one test, temporary folders are made."""
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    return root


@pytest.fixture(scope="module", params=["landlock", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest) -> str:
    """Return the name of each sandbox in turn."""
    if reason := built_in(request.param).unavailable():
        leave_out(request.param, reason)
    return request.param


@pytest.fixture(scope="module")
def confined(sandbox: str) -> Iterator[Pool]:
    """Return a pool of one worker under each sandbox in turn."""
    with Pool(1, sandbox=sandbox) as pool:
        yield pool
