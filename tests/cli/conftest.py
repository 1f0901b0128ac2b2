from __future__ import annotations

from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl

from .support import candidates


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "candidates.jsonl"
    jsonl.write(path, candidates(3))
    return path
