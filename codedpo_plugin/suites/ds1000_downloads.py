"""The problems of DS-1000 whose tests download a data set, and where that data set lies once it is cached.

Programs have no network. Where the data set is in the cache that seaborn or scikit-learn keep of it, the problems
run; where it is not, they are not run at all, and say why.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DOWNLOADS: Final[Mapping[int, tuple[str, str]]] = {
    **dict.fromkeys((519, 565, 566, 567), ("seaborn", "tips")),
    539: ("seaborn", "planets"),
    **dict.fromkeys((577, 598, 624, 629, 650, 661), ("seaborn", "penguins")),
    **dict.fromkeys((654, 655, 656), ("seaborn", "exercise")),
    819: ("scikit-learn", "California housing"),
}
"""By problem id, the library that downloads and the data set. Found by running the reference solutions without a
network: these 15 of the 1,000 fail, and only these."""

VARIABLES: Final = {"seaborn": "SEABORN_DATA", "scikit-learn": "SCIKIT_LEARN_DATA"}
"""The environment variable that names the folder of a library's cache."""


def cache_folder(library: str) -> Path:
    """Return the folder in which a library keeps what it downloaded."""
    if named := os.environ.get(VARIABLES[library]):
        return Path(named).expanduser()
    if library == "scikit-learn":
        return Path.home() / "scikit_learn_data"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seaborn"


def cached_file(library: str, data: str) -> Path:
    """Return the file in which a library keeps a data set."""
    return cache_folder(library) / (f"{data}.csv" if library == "seaborn" else "cal_housing_py3.pkz")


def cached_folders() -> dict[str, str]:
    """Return the caches there are, by the variable that points a library at them."""
    there = {library for library, data in DOWNLOADS.values() if cached_file(library, data).is_file()}
    return {VARIABLES[library]: str(cache_folder(library)) for library in sorted(there)}


def what_is_missing(problem: int) -> str:
    """Return why a problem cannot be run here, or nothing."""
    if problem not in DOWNLOADS:
        return ""
    library, data = DOWNLOADS[problem]
    file = cached_file(library, data)
    return "" if file.is_file() else f"it downloads {library}'s data set {data}, which is not cached in {file}"
