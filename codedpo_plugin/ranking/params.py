"""Parameters of rankers: typed, with defaults; unknown names and values out of range are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from codedpo_plugin.config import Section
from codedpo_plugin.errors import UsageError, unknown_name

P = TypeVar("P", bound=Section)


class NoParams(Section):
    """The parameters of a ranker that has none."""


def read_params(ranker: str, params: Mapping[str, Any], kind: type[P]) -> P:
    """Return the parameters of a ranker. ``seed`` may always be given; it is kept only if the ranker has it.

    Raises UsageError for a parameter that the ranker does not have, with near matches, and for a value that the
    parameter cannot have.
    """
    known = kind.model_fields
    for name in params:
        if name not in known and name != "seed":
            raise unknown_name(f"parameter of ranker {ranker!r}:", name, known)
    try:
        return kind.model_validate({name: value for name, value in params.items() if name in known})
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}, got {e['input']!r}" for e in error.errors())
        raise UsageError(f"ranker {ranker!r}: {wrong}") from error
