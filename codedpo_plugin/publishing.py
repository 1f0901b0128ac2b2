"""Run directories in object stores: copied there when they are finished, and copied back to go on elsewhere.

Beside the files lies ``files.json``, the digests of all of them, written last: what it does not name is not there
yet. With it the next copy leaves out what has not changed, and a copy back is checked.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from codedpo_plugin.errors import InputError, UsageError, boundary
from codedpo_plugin.formats.files import digest, put_in_place
from codedpo_plugin.inputs import is_url, open_store
from codedpo_plugin.lock import RunLock
from codedpo_plugin.records import SCHEMA_VERSION
from codedpo_plugin.rundir import RunDirectory

LISTING: Final = "files.json"
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = (".partial", ".lock", ".shards", ".checkpoints")
"""How the names of files and folders end that belong to work under way."""
UNDER_WAY: Final = ("progress.json",)


def push(run: Path, url: str) -> Counter[str]:
    """Copy what is finished of a run directory to a URL; return how many files were copied, left out, removed.

    Files that an earlier copy brought there and that the run has no more are removed. Raises UsageError if ``run``
    is no run directory or another process works on it, InputError if the store cannot be written.
    """
    if not (run / MANIFEST).is_file():
        raise UsageError(f"{run} is not a run directory: it has no {MANIFEST}")
    store, root = _open(url)
    with boundary(InputError, f"{url}: cannot be written"), RunLock(RunDirectory(run).lock):
        new, old = {name: digest(run / name) for name in _finished(run)}, _listed(store, root, url)
        changed = [name for name in new if old.get(name) != new[name]]
        gone = [name for name in old if name not in new]
        if old:  # a copy that is interrupted must not look complete
            store.rm_file(f"{root}/{LISTING}")
        for name in changed:
            _put(store, run / name, f"{root}/{name}")
        for name in gone:
            store.rm_file(f"{root}/{name}")
        listing = {"schema_version": SCHEMA_VERSION, "files": new}
        store.pipe_file(f"{root}/{LISTING}", json.dumps(listing, indent=2).encode() + b"\n")
    return +Counter(copied=len(changed), unchanged=len(new) - len(changed), removed=len(gone))


def pull(url: str, run: Path) -> Counter[str]:
    """Copy a run directory back from a URL, the manifest last; return how many files.

    What is there already with the right content is left. Raises UsageError if ``run`` holds another run or another
    process works on it, InputError if the URL has no complete run directory or a file is damaged.
    """
    store, root = _open(url)
    counts: Counter[str] = Counter()
    with boundary(InputError, f"{url}: cannot be read"):
        files = _listed(store, root, url)
        if MANIFEST not in files:
            raise InputError(f"{url}: no complete copy of a run directory; `codedpo push DIR {url}` makes one")
        with RunLock(RunDirectory(run).lock):
            _require_room(run, files)
            for name in sorted(files, key=lambda name: (name == MANIFEST, name)):
                if (run / name).exists() and digest(run / name) == files[name]:
                    counts["unchanged"] += 1
                else:
                    _get(store, f"{root}/{name}", run / name, files[name])
                    counts["copied"] += 1
    return counts


def _require_room(run: Path, files: Mapping[str, str]) -> None:
    """Raise UsageError if a directory holds another run than that of some files, finished or not."""
    manifest = run / MANIFEST
    other = digest(manifest) != files[MANIFEST] if manifest.exists() else RunDirectory(run).exists()
    if other:
        raise UsageError(f"{run} holds another run, or another state of this one; give a new directory")


def _open(url: str) -> tuple[Any, str]:
    if not is_url(url):
        raise UsageError(f"{url}: a URL is expected: s3://BUCKET/NAME, gs://…, hf://…, file:///…")
    store, root = open_store(url)
    return store, root.rstrip("/")


def _finished(run: Path) -> list[str]:
    """Return the names of the finished files, the manifest last."""
    found = []
    for folder, folders, files in os.walk(run):
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED)]
        for name in files:
            if not name.endswith(UNFINISHED) and name not in UNDER_WAY:
                found.append(Path(folder, name).relative_to(run).as_posix())
    return sorted(found, key=lambda name: (name == MANIFEST, name))


def _listed(store: Any, root: str, url: str) -> dict[str, str]:
    """Return the digests of the files at a URL, if any are listed. Raises InputError for what is not ours."""
    try:
        content = store.cat_file(f"{root}/{LISTING}")
    except FileNotFoundError:
        return {}
    try:
        files = json.loads(content)["files"]
        if all(_is_inside(name) and re.fullmatch("[0-9a-f]{64}", value) for name, value in files.items()):
            return dict(files)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise InputError(f"{url}/{LISTING} is not a listing of a run directory")


def _is_inside(name: str) -> bool:
    """Return whether a name leads nowhere else."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _put(store: Any, source: Path, target: str) -> None:
    """Copy a file to a store."""
    if getattr(store, "local_file", False):  # elsewhere folders are not needed, and the first one may be a bucket
        Path(target).parent.mkdir(parents=True, exist_ok=True)
    store.put_file(str(source), target)


def _get(store: Any, source: str, target: Path, expected: str) -> None:
    """Copy a file, which appears under its name when it is complete. Raises InputError if it is damaged."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    store.get_file(source, str(partial))
    if digest(partial) != expected:
        partial.unlink()
        raise InputError(f"{source} is damaged: it is not what was copied there")
    put_in_place(partial, target)
