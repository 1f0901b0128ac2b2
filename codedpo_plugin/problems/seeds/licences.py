"""Under which licence a file is: what it says itself, its package's metadata, or the licence file next above it."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

_TAG: Final = re.compile(r"SPDX-License-Identifier:\s*([\w.+-]+(?: (?:OR|AND|WITH) [\w.+-]+)*)")
_FILE: Final = re.compile(r"(?:licen[cs]e|copying)(?:[.-][\w.-]+)?", re.IGNORECASE)
HEAD_CHARACTERS: Final = 2_000

PYTHON: Final = "PSF-2.0"
"""The licence of the standard library."""


class Licences:
    """The licences of the files below a folder."""

    def __init__(self, root: Path, known: str = "", top: Path | None = None) -> None:
        """Take in a folder, its licence if that is known beforehand, and the last folder above it to look into."""
        self.root, self.known, self.top = str(root), known, os.path.abspath(top or root)
        self._packages = _package_licences(root)
        self._of_folder = cache(self._look_up)

    def of(self, path: str, text: str) -> str:
        """Return the SPDX identifier of a file's licence, the name of an unknown licence file, or nothing."""
        tag = _TAG.search(text, 0, HEAD_CHARACTERS)
        return tag[1] if tag else self.known or self._of_folder(os.path.dirname(path))

    def _look_up(self, folder: str) -> str:
        """Return the licence of a folder: of its own licence file or that of the next folder above."""
        try:
            names = sorted(name for name in os.listdir(folder) if _FILE.fullmatch(name))
        except OSError:
            names = []
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return _identified(path) or name
        if os.path.abspath(folder) == self.top:
            return ""
        parent = os.path.dirname(os.path.abspath(folder) if folder == self.root else folder)
        known = self._packages.get(os.path.basename(folder)) if parent == self.root else None
        return known or self._of_folder(parent)


def _identified(path: str) -> str:
    """Return the SPDX identifier of a licence's text, or nothing."""
    try:
        from identify.identify import license_id

        return license_id(path) or ""
    except (ImportError, OSError, UnicodeDecodeError):
        return ""


def _package_licences(root: Path) -> dict[str, str]:
    """Return the licences of the packages installed in a folder, by the names they are imported by."""
    found: dict[str, str] = {}
    for distribution in distributions(path=[str(root)]):
        licence = _declared(distribution)
        for file in distribution.files or () if licence else ():
            found.setdefault(file.parts[0].removesuffix(".py"), licence)
    return found


def _declared(distribution: Distribution) -> str:
    """Return the licence that a distribution declares, if it is short enough to be a name."""
    metadata = distribution.metadata
    classified = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    named = metadata["License-Expression"] or (classified[0] if classified else metadata["License"]) or ""
    return named if len(named) <= 80 and "\n" not in named else ""
