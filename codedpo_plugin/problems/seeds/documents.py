"""Where code comes from: folders, a data set, or the standard library of the running Python.

What cannot be read is data, not an error: it is counted by reason and the rest goes on.
"""

from __future__ import annotations

import os
import stat
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from codedpo_plugin.errors import InputError, UsageError, boundary
from codedpo_plugin.problems.seeds.languages import language_named, language_of
from codedpo_plugin.problems.seeds.licences import PYTHON, Licences

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from codedpo_plugin.config import SeedsConfig

VERSION_CONTROL: Final = frozenset({".git", ".hg", ".svn", "CVS"})


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of source code."""

    text: str
    language: str
    source: str
    """Where it was found."""
    licence: str = ""
    """Its SPDX identifier where it is known."""


def documents(config: SeedsConfig, counts: Counter[str]) -> Iterator[Document]:
    """Yield the documents of the configured corpus that are in a language that is wanted, in a fixed order."""
    if config.dataset:
        yield from dataset_documents(config, counts)
        return
    for folder in config.folders or (Path(sysconfig.get_paths()["stdlib"]),):
        if not folder.is_dir():
            raise UsageError(f"{folder}: not a folder; seeds are collected from folders of source code")
        yield from folder_documents(folder, config, counts)


# --------------------------------------------------------------------------- folders


def folder_documents(folder: Path, config: SeedsConfig, counts: Counter[str]) -> Iterator[Document]:
    """Yield the documents in a folder, by name; what the ``.gitignore`` files of its work tree name is left out."""
    top, ignoring = _work_tree(folder)
    licences = Licences(folder, "" if config.folders else PYTHON, top)
    excluded = () if config.folders else ("site-packages", "dist-packages")  # they lie in the standard library's
    for path in _files(folder, excluded, ignoring, counts):
        language = language_of(path)
        if language is None:
            counts["file_of_another_kind"] += 1
        elif language not in config.quotas:
            counts["file_in_another_language"] += 1
        else:
            text = _read(path, config.max_file_kb * 1024)
            if isinstance(text, Fault):
                counts[text.reason] += 1
            else:
                yield Document(text, language, path, licences.of(path, text))


Ignoring = tuple[tuple[str, "GitIgnoreSpec"], ...]
"""Folders with a ``.gitignore``, the outermost first."""


def _work_tree(folder: Path) -> tuple[Path, Ignoring]:
    """Return the root of the git work tree that a folder is part of, and what is ignored there.

    A folder that is in no work tree, or that its work tree ignores (an environment with packages), stands alone.
    """
    inner = Path(os.path.abspath(folder))
    root = next((f for f in (inner, *inner.parents) if (f / ".git").exists()), inner)
    above = [f for f in reversed(inner.parents) if f.is_relative_to(root)]
    ignoring: Ignoring = ()
    for one in above:
        ignoring = _with_own(str(one), {".gitignore"}, ignoring)
    return (folder, ()) if _ignored(str(inner), ignoring, folder=True) else (root, ignoring)


def _files(root: Path, excluded: tuple[str, ...], ignoring: Ignoring, counts: Counter[str]) -> Iterator[str]:
    """Yield the paths of all files below a folder that are not ignored; links to folders are not followed."""
    waiting: list[tuple[str, Ignoring]] = [(str(root), ignoring)]
    while waiting:
        folder, ignoring = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            counts["folder_unreadable"] += 1
            continue
        ignoring = _with_own(folder, {e.name for e in entries}, ignoring)
        inner = []
        for entry in entries:
            kind = _kind(entry)
            if kind == "link":
                counts["link_not_followed"] += 1
            elif entry.name in VERSION_CONTROL or (kind == "folder" and entry.name in excluded):
                continue
            elif _ignored(entry.path, ignoring, folder=kind == "folder"):
                counts[f"{kind}_ignored"] += 1
            elif kind == "folder":
                inner.append((entry.path, ignoring))
            else:
                yield entry.path
        waiting += reversed(inner)


def _kind(entry: os.DirEntry[str]) -> str:
    """Return ``file``, ``folder`` or, for a symbolic link, ``link``: what it leads to may lie above it."""
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir(follow_symlinks=False) else "file"


def _with_own(folder: str, names: set[str], ignoring: Ignoring) -> Ignoring:
    """Return what is ignored below a folder, with its own ``.gitignore`` if it has one."""
    if ".gitignore" not in names:
        return ignoring
    from pathspec import GitIgnoreSpec

    text = _read(os.path.join(folder, ".gitignore"), 1 << 20)
    if isinstance(text, Fault):
        return ignoring
    return (*ignoring, (folder, GitIgnoreSpec.from_lines(text.splitlines())))


def _ignored(path: str, ignoring: Ignoring, *, folder: bool) -> bool:
    """Return whether a path is ignored; the innermost ``.gitignore`` that has an opinion decides."""
    for base, spec in reversed(ignoring):
        relative = os.path.relpath(path, base) + ("/" if folder else "")
        decided = spec.check_file(relative).include
        if decided is not None:
            return decided
    return False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file could not be read as text."""

    reason: str


def _read(path: str, limit: int) -> str | Fault:
    """Return the text of a file, with the line ends of Unix, or why there is none."""
    try:
        with open(path, "rb", opener=_without_waiting) as handle:
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Fault("file_not_regular")
            if status.st_size > limit:
                return Fault("file_huge")
            data = handle.read(limit + 1)
    except OSError:
        return Fault("file_unreadable")
    if b"\0" in data:
        return Fault("file_binary")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Fault("file_not_utf8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_waiting(path: str, flags: int) -> int:
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


# --------------------------------------------------------------------------- data sets


def dataset_documents(config: SeedsConfig, counts: Counter[str]) -> Iterator[Document]:
    """Yield the documents of a data set, streamed. Raises UsageError or InputError when it cannot be had."""
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise UsageError("a data set needs datasets: pip install 'codedpo-plugin[factory]'") from error
    with boundary(InputError, f"data set {config.dataset!r} cannot be read"):
        rows: Iterable[Mapping[str, Any]] = load_dataset(
            config.dataset, **{"split": "train", **config.dataset_args}, streaming=True
        )
        yield from row_documents(rows, config, counts)


def row_documents(
    rows: Iterable[Mapping[str, Any]], config: SeedsConfig, counts: Counter[str]
) -> Iterator[Document]:
    """Yield the documents in rows of a data set, whose columns the configuration names."""
    for number, row in enumerate(rows):
        text = row.get(config.text_column)
        path = str(row.get(config.path_column) or "")
        named = row.get(config.language_column)
        language = config.language or (language_named(str(named)) if named else language_of(path))
        if not isinstance(text, str):
            counts["row_without_text"] += 1
        elif language is None or language not in config.quotas:
            counts["row_in_another_language"] += 1
        elif len(text) > config.max_file_kb * 1024:
            counts["row_huge"] += 1
        else:
            licence = row.get(config.licence_column) or ""
            shown = ",".join(map(str, licence)) if isinstance(licence, list | tuple) else str(licence)
            yield Document(_without_tags(text), language, f"{config.dataset}:{path or number}", shown)


def _without_tags(text: str) -> str:
    """Return a text with the line ends of Unix and without the line of tags that StarCoder's data begins with."""
    text = text.replace("\r\n", "\n")
    return text.partition("\n")[2] if text.startswith(("<reponame>", "<filename>")) else text
