"""Under which licence a file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from codedpo_plugin.problems.seeds.licences import Licences

MIT = """MIT License

Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def licence(root: Path, file: str, text: str = "x = 1\n") -> str:
    return Licences(root).of(str(root / file), text)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    return tmp_path


def test_without_any_sign_it_is_unknown(tree):
    assert licence(tree, "a.py") == ""


def test_the_file_itself_has_the_last_word(tree):
    (tree / "LICENSE").write_text(MIT)
    assert licence(tree, "a.py", "# SPDX-License-Identifier: BSD-3-Clause\nx = 1\n") == "BSD-3-Clause"


def test_the_licence_file_next_above_counts(tree):
    (tree / "LICENSE").write_text(MIT)
    (tree / "inner" / "COPYING").write_text("Do as you like, but do not tell.")
    assert licence(tree, "a.py") == "MIT"
    assert licence(tree, "inner/deep/a.py") == "COPYING"


def test_a_licence_file_above_the_corpus_does_not_count(tree):
    (tree / "LICENSE").write_text(MIT)
    assert licence(tree / "inner", "deep/a.py") == ""


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b""])
def test_a_licence_file_that_says_nothing_is_named(tree, content):
    (tree / "LICENSE.txt").write_bytes(content)
    assert licence(tree, "a.py") == "LICENSE.txt"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: Apache-2.0\n", "Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License\n", "BSD License"),
        ("License: MIT\n", "MIT"),
        ("License: a\n        whole text\n", ""),
        ("", ""),
    ],
)
def test_an_installed_package_says_it_in_its_metadata(tree, metadata, expected):
    info = tree / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n{metadata}")
    (info / "RECORD").write_text("thing/__init__.py,,\nthing/a.py,,\n")
    (tree / "thing" / "sub").mkdir(parents=True)
    assert licence(tree, "thing/sub/a.py") == expected
