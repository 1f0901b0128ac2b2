"""Where code comes from, and that nothing that lies about can stop it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from codedpo_plugin.config import SeedsConfig
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.problems.seeds.documents import Document, documents, row_documents

from .test_licences import MIT


def read(*folders: Path, **config: object) -> tuple[list[Document], Counter[str]]:
    counts: Counter[str] = Counter()
    return list(documents(SeedsConfig(folders=folders, **config), counts)), counts


def lay(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_come_by_name_with_their_language(tmp_path):
    lay(tmp_path, b_py="b = 1\n", a_rs="fn a() {}\n", sub__c_py="c = 1\n", readme_md="text")
    found, counts = read(tmp_path)
    assert [(d.language, Path(d.source).name) for d in found] == [
        ("rust", "a.rs"),
        ("python", "b.py"),
        ("python", "c.py"),
    ]
    assert counts == {"file_of_another_kind": 1}


def test_the_work_tree_around_a_folder_has_its_say(tmp_path, monkeypatch):
    lay(
        tmp_path, LICENSE=MIT, sub__a_py="a = 1\n", sub__b_py="b = 1\n", sub__c__d_py="d = 1\n", sub__e_py="e = 1\n"
    )
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("b.py\n/sub/c/\ne.py\n")
    (tmp_path / "sub" / ".gitignore").write_text("!e.py\n")
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "sub", Path("sub")):
        found, counts = read(folder)
        assert [(d.source, d.licence) for d in found] == [(str(folder / f), "MIT") for f in ("a.py", "e.py")]
        assert counts == {"file_ignored": 1, "folder_ignored": 1, "file_of_another_kind": 1}


def test_above_the_work_tree_nothing_counts(tmp_path):
    lay(tmp_path, LICENSE=MIT, tree__sub__a_py="a = 1\n")
    (tmp_path / ".gitignore").write_text("*.py\n")
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere\n")
    ((document,), _) = read(tmp_path / "tree" / "sub")
    assert document.licence == ""


@pytest.mark.parametrize("rule", ["sub\n", "*\n", "/sub/*\n"])
def test_a_folder_that_its_work_tree_ignores_stands_alone(tmp_path, rule):
    lay(tmp_path, LICENSE=MIT, sub__inner__a_py="a = 1\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(rule)
    ((document,), _) = read(tmp_path / "sub" / "inner")
    assert document.licence == ""


def test_only_languages_that_are_wanted_are_read(tmp_path):
    lay(tmp_path, b_py="b = 1\n", a_rs="fn a() {}\n")
    found, counts = read(tmp_path, quotas={"rust": 1})
    assert [d.language for d in found] == ["rust"]
    assert counts == {"file_in_another_language": 1}


def test_line_ends_and_byte_order_marks_are_those_of_unix(tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\rz = 3\n")
    assert read(tmp_path)[0][0].text == "x = 1\ny = 2\nz = 3\n"


def test_what_cannot_be_read_is_counted_and_the_rest_goes_on(tmp_path):
    lay(tmp_path, good_py="x = 1\n", huge_py="x = 1\n" * 1000)
    (tmp_path / "binary.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "latin.py").write_bytes("x = 'é'\n".encode("latin-1"))
    os.mkfifo(tmp_path / "pipe.py")
    found, counts = read(tmp_path, max_file_kb=4)
    assert [Path(d.source).name for d in found] == ["good.py"]
    assert counts == {"file_huge": 1, "file_binary": 1, "file_not_utf8": 1, "file_not_regular": 1}


def test_files_and_folders_without_permission_are_counted(tmp_path, monkeypatch):
    lay(tmp_path, good_py="x = 1\n", secret_py="x = 1\n", closed__a_py="x = 1\n")
    real_open, real_scan = os.open, os.scandir

    def refuse(path, *rest, **more):
        if str(path).endswith(("secret.py", "closed")):
            raise PermissionError(13, "no", str(path))
        return real_scan(path) if not rest and not more else real_open(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    found, counts = read(tmp_path)
    assert [Path(d.source).name for d in found] == ["good.py"]
    assert counts == {"file_unreadable": 1, "folder_unreadable": 1}


def test_links_are_not_followed_so_loops_end(tmp_path):
    lay(tmp_path, sub__a_py="x = 1\n")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    found, counts = read(tmp_path)
    assert len(found) == 1
    assert counts == {"link_not_followed": 3}


def test_what_gitignore_names_is_left_out(tmp_path):
    lay(
        tmp_path,
        a_py="x = 1\n",
        build__b_py="x = 1\n",
        sub__c_py="x = 1\n",
        sub__d_py="x = 1\n",
        sub__build__e_py="x",
    )
    (tmp_path / ".gitignore").write_text("build/\n*.py\n!a.py\n")
    (tmp_path / "sub" / ".gitignore").write_text("!c.py\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.py").write_text("x = 1\n")
    found, counts = read(tmp_path)
    assert [Path(d.source).name for d in found] == ["a.py", "c.py"]
    assert (counts["folder_ignored"], counts["file_ignored"]) == (2, 1)


def test_a_gitignore_that_cannot_be_read_ignores_nothing(tmp_path):
    lay(tmp_path, a_py="x = 1\n")
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe*.py")
    assert len(read(tmp_path)[0]) == 1


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        read(tmp_path / "nowhere")


def test_by_default_it_is_the_standard_library_of_this_python():
    found, _ = read(max_documents=None, quotas={"python": 1})
    names = {Path(d.source).name for d in found}
    assert {"heapq.py", "textwrap.py"} <= names
    assert not any("site-packages" in d.source for d in found)
    assert next(d.licence for d in found if d.source.endswith("heapq.py")) == "PSF-2.0"


ROWS = [
    {"content": "<reponame>a/b<filename>c.py\nx = 1\r\n", "max_stars_repo_path": "c.py", "license": ["MIT", "X"]},
    {"content": "fn f() {}\n", "lang": "Rust", "license": "MIT"},
    {"content": "x", "max_stars_repo_path": "c.cobol"},
    {"content": None, "lang": "python"},
    {"content": "x" * 3000, "lang": "python"},
]


def test_the_rows_of_a_data_set_are_documents():
    counts: Counter[str] = Counter()
    config = SeedsConfig(dataset="some/data", max_file_kb=2)
    found = list(row_documents(ROWS, config, counts))
    assert found == [
        Document("x = 1\n", "python", "some/data:c.py", "MIT,X"),
        Document("fn f() {}\n", "rust", "some/data:1", "MIT"),
    ]
    assert counts == {"row_in_another_language": 1, "row_without_text": 1, "row_huge": 1}


def test_the_language_of_all_rows_can_be_given():
    config = SeedsConfig(dataset="d", language="shell", text_column="code")
    assert [d.language for d in row_documents([{"code": "ls\n"}], config, Counter())] == ["shell"]


def test_a_data_set_is_streamed(tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"content": "x = 1\\n", "lang": "python"}\n')
    config = SeedsConfig(dataset="json", dataset_args={"data_files": str(data)})
    assert [d.text for d in documents(config, Counter())] == ["x = 1\n"]


def test_a_data_set_that_cannot_be_had_is_named(tmp_path):
    config = SeedsConfig(dataset=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"data set .*nowhere' cannot be read"):
        list(documents(config, Counter()))


def test_without_the_library_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match=r"pip install 'codedpo-plugin\[factory\]'"):
        list(documents(SeedsConfig(dataset="d"), Counter()))
