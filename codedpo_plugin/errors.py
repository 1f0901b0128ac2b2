"""What can go wrong, one class per boundary.

Every error a user can cause or mend derives from :class:`CodeDPOError` and is shown as its message, without
a traceback. Anything else that reaches the command line is a defect of this project. A failing program under
test is neither: it is a :class:`~codedpo_plugin.records.Verdict`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final


class CodeDPOError(Exception):
    """Base of all errors with a message for the user: what happened, where, what to do."""


class UsageError(CodeDPOError):
    """A wrong option, name, config key or path; nothing has been run."""


class InputError(CodeDPOError):
    """A file that cannot be used at all (single bad lines are counted instead)."""


class PluginError(CodeDPOError):
    """A plugin breaks the hook contract, or no plugin answers a hook."""


class GenerationError(CodeDPOError):
    """The model or the harness failed to produce candidates."""


class SandboxError(CodeDPOError):
    """Programs cannot be confined or run on this machine."""


class RankingError(CodeDPOError):
    """A ranker failed or returned scores of the wrong shape."""


class PairingError(CodeDPOError):
    """Pairs could not be built."""


class TrainingError(CodeDPOError):
    """A trainer failed."""


class EvaluationError(CodeDPOError):
    """A suite could not be loaded, run or compared."""


@contextmanager
def boundary(error: type[CodeDPOError], action: str) -> Iterator[None]:
    """Attribute whatever foreign code raises to one stage.

    Errors that already have a message for the user, and interrupts, pass unchanged; any other exception is
    re-raised as ``error`` with ``action`` (what was being done) in front, the original as its cause.
    """
    try:
        yield
    except CodeDPOError:
        raise
    except Exception as cause:
        raise error(f"{action}: {type(cause).__name__}: {cause}{_to_install(cause)}") from cause


FACTORY: Final = ("datasketch", "identify", "pathspec", "sklearn")
"""Modules of the extra ``factory`` that are imported where they are needed."""


def _to_install(cause: Exception) -> str:
    """Return what to install where a module of an extra is missing."""
    missing = isinstance(cause, ModuleNotFoundError) and (cause.name or "").partition(".")[0] in FACTORY
    return ": pip install 'codedpo-plugin[factory]'" if missing else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is not registered, with near matches and all valid names."""
    valid = sorted(known)
    near = difflib.get_close_matches(name, valid, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(str(n)) for n in near)}?" if near else ""
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(valid) or 'none'}.")
