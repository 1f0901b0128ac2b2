"""Which Python runs the programs, and what of the file system it needs to see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Final

from codedpo_plugin.errors import SandboxError

_QUESTION: Final = """
import json, os, sys
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "prefixes": sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}),
    "packages": [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))],
    "modules": [f.partition(".")[0] for p in sys.path if os.path.isdir(p) for f in os.listdir(p)]
    + list(sys.builtin_module_names),
}))
"""

SYSTEM_READABLE: Final = (
    *("/usr", "/lib", "/lib64", "/lib32", "/bin"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types"),
)
"""What dynamic linking and the standard library read; nothing of it is private to a user."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that can run programs."""

    executable: str
    version: tuple[int, int, int]
    prefixes: tuple[str, ...]
    packages: tuple[str, ...]
    """Folders of installed packages, which programs may import from."""
    modules: frozenset[str]
    """What lies where modules are imported from: whatever is not here cannot be imported."""

    @property
    def readable(self) -> tuple[str, ...]:
        """Return the paths a worker of this interpreter has to read."""
        return (*SYSTEM_READABLE, *self.prefixes, *self.packages, os.path.dirname(self.executable))


@cache
def inspect_interpreter(executable: str | None = None) -> Interpreter:
    """Ask a Python interpreter about itself; the running one by default.

    Raises SandboxError when it cannot be started or is older than Python 3.9.
    """
    asked = executable or sys.executable
    executable = os.path.abspath(shutil.which(asked) or asked)
    try:
        done = subprocess.run([executable, "-c", _QUESTION], capture_output=True, text=True, check=True, timeout=60)
        told = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SandboxError(
            f"interpreter {executable!r} cannot be used: {error}. Give the path of a Python 3.9 or newer."
        ) from error
    version = tuple(told["version"])
    if version < (3, 9, 0):
        raise SandboxError(f"interpreter {executable!r} is Python {'.'.join(map(str, version))}; 3.9 is needed")
    prefixes, packages, modules = (told[name] for name in ("prefixes", "packages", "modules"))
    return Interpreter(executable, version, tuple(prefixes), tuple(packages), frozenset(modules))
