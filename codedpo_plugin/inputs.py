"""What the names of inputs stand for: files, globs, and URLs of anything that ``fsspec`` knows.

A file behind a URL is fetched into the cache, and again only when the store says that it has changed; all that
follows reads local files.
"""

from __future__ import annotations

import glob
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codedpo_plugin.errors import InputError, UsageError, boundary
from codedpo_plugin.formats.files import cache_folder, put_in_place

log = logging.getLogger(__name__)


def is_url(name: str) -> bool:
    """Return whether a name is a URL, which a path that happens to hold a colon is not."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name) is not None


def input_files(names: Iterable[str]) -> tuple[Path, ...]:
    """Return the files that names stand for, each once, URLs fetched.

    In the order of the names; what matches a glob (``part-*.jsonl``, ``s3://bucket/part-*.jsonl``) in the order of
    code points. Raises UsageError for a glob that matches nothing and for URLs nothing is installed for, InputError
    for what cannot be fetched.
    """
    found = (path for name in names for path in (_remote(name) if is_url(name) else _local(name)))
    return tuple(dict.fromkeys(found))


def input_file(name: str) -> Path:
    """Return the one file that a name stands for. Raises UsageError if there are several, else as above."""
    found = input_files([name])
    if len(found) > 1:
        raise UsageError(f"{name}: one file is expected, {len(found)} match")
    return found[0]


def _local(name: str) -> list[Path]:
    if not glob.has_magic(name) or os.path.exists(name):
        return [Path(name)]
    found = sorted(glob.glob(name, recursive=True))
    if not found:
        raise UsageError(f"{name}: no file matches")
    return [Path(match) for match in found]


def _remote(url: str) -> list[Path]:
    store, path = open_store(url)
    with _reading(url):
        paths = sorted(map(str, store.glob(path))) if "*" in path else [path]
        if not paths:
            raise UsageError(f"{url}: no file matches")
        return [_fetched(store, one) for one in paths]


def open_store(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it. Raises UsageError naming what has to be installed."""
    from fsspec.core import url_to_fs

    try:
        store, path = url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url}: a package is missing: {error}") from error
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    return store, str(path)


@contextmanager
def _reading(url: str) -> Iterator[None]:
    """Turn whatever a file system raises into an InputError that names the URL."""
    with boundary(InputError, f"{url}: cannot be read"):
        yield


def _fetched(store: Any, path: str) -> Path:
    """Return a local copy of a file, under its own name in a folder for its URL and version."""
    if getattr(store, "local_file", False):
        return Path(path)
    url = str(store.unstrip_protocol(path))
    versions = cache_folder() / "inputs" / _key(url)
    target = versions / _key(str(store.info(path))) / path.rstrip("/").rsplit("/", 1)[-1]
    if not target.exists():
        log.info("fetching %s", url)
        for former in set(versions.glob("*")) - {target.parent}:
            shutil.rmtree(former, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Another process may be fetching it, too.
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        try:
            store.get_file(path, str(partial))
            put_in_place(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
