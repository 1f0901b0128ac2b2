"""How values and messages cross the border of the sandbox: as JSON, never pickled or evaluated.

``to_wire`` runs in the program's process and is as trustworthy as the program: what it returns is a claim.
``decode`` runs on the host and makes built-in values of it, nothing else. This file is loaded by both sides,
by whatever interpreter runs the programs, and therefore imports the standard library only.

Messages between host and worker are frames: a four-byte big-endian length and that many bytes of JSON.
"""

from __future__ import annotations

import json
import os
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

SUITES_KEPT = 4
"""The last suites of checks that a worker or a specialist holds: whoever gave them need not send them again."""


def to_wire(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as something JSON holds without loss; ``decode`` is the inverse.

    Lists and atoms stand for themselves, everything else is a one-key object that names its type. Instances of
    subclasses are sent as the built-in they extend, read through the built-in's own methods, so that what a
    class claims about itself (``__eq__``, ``__iter__``) does not count.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        return value if -(1 << 2000) < value < (1 << 2000) else {"int": hex(value)}
    if depth > 150:
        return {"object": [type_name(kind), True]}
    for base, name in CONTAINERS:
        if isinstance(value, base):
            items = dict.items(value) if base is dict else base.__iter__(value)
            wire = [to_wire(item, depth + 1) for item in items]
            return {name: wire} if name else wire
    return rare_to_wire(value, kind, depth)


CONTAINERS: tuple[tuple[Any, str], ...] = (
    (list, ""),
    (tuple, "tuple"),
    (dict, "dict"),
    (set, "set"),
    (frozenset, "frozenset"),
)
ATOMS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__index__),
    (float, float.__float__),
)


VIEWS: dict[str, str] = {
    "collections.deque": "deque",
    "builtins.dict_keys": "keys",
    "builtins.dict_values": "values",
    "builtins.dict_items": "items",
}
"""What programs return in the place of lists, by the name of its type."""


def rare_to_wire(value: Any, kind: type, depth: int) -> Any:
    """Encode the numbers and collections of the standard library and numpy; of other objects, type and truth."""
    name = type_name(kind)
    for base, plain in ATOMS:
        if isinstance(value, base):
            return to_wire(plain(value))
    if isinstance(value, (bytes, bytearray)):
        return {"bytearray" if kind is bytearray else "bytes": bytes(value).hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if kind is range:
        return {"range": [value.start, value.stop, value.step]}
    if name == "decimal.Decimal":
        return {"decimal": str(value)}
    if name == "fractions.Fraction":
        return {"fraction": [hex(value.numerator), hex(value.denominator)]}
    if name in VIEWS:
        return {VIEWS[name]: [to_wire(item, depth + 1) for item in value]}
    if name.startswith("numpy.") and hasattr(value, "tolist"):
        plain = to_wire(value.tolist())
        return {"array": plain} if name == "numpy.ndarray" else plain
    return {"object": [name, bool(value)]}


def type_name(kind: type) -> str:
    """Return the qualified name of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"[:200]


class Opaque:
    """Stands on the host for a value that has no built-in form. It equals nothing, not even itself."""

    __slots__ = ("truth", "type_name")
    __hash__ = None  # type: ignore[assignment]  # equal to nothing, so not hashable

    def __init__(self, type_name: str, truth: bool) -> None:
        self.type_name, self.truth = type_name, truth

    def __eq__(self, other: object) -> bool:
        return False

    def __bool__(self) -> bool:
        return self.truth

    def __repr__(self) -> str:
        return f"<{self.type_name}>"


class Array(Opaque):
    """Stands on the host, which does without numpy, for one of its arrays: what it holds, as lists."""

    __slots__ = ("items",)

    def __init__(self, items: Any) -> None:
        super().__init__("numpy.ndarray", truth=True)
        self.items = items


def decode(payload: str) -> Any:
    """Return the value of an encoded payload.

    Raises ValueError for anything ``to_wire`` could not have sent, unhashable set members included.
    """
    try:
        return json.loads(payload, object_hook=_from_tag)
    except (TypeError, LookupError, RecursionError, ArithmeticError) as error:
        raise ValueError(f"not an encoded value: {error}") from error


def _from_tag(tagged: dict[str, Any]) -> Any:
    """Rebuild one tagged value; its parts have been rebuilt already."""
    ((name, parts),) = tagged.items()
    if name != "array" and type(parts) is not (str if name in TEXTUAL else list):
        raise ValueError(f"not an encoded {name}")
    return DECODERS[name](parts)


def decimal_from(digits: str) -> Any:
    """Return a Decimal. Only the host comes here: a worker is the dearer to fork the more it has imported."""
    from decimal import Decimal

    return Decimal(digits)


def fraction_from(numerator: str, denominator: str) -> Any:
    """Return a Fraction of two hexadecimal numbers; idem."""
    from fractions import Fraction

    return Fraction(int(numerator, 16), int(denominator, 16))


TEXTUAL = frozenset({"int", "bytes", "bytearray", "decimal"})
"""Tags whose part is a text; that of the others is a list. Nothing else: ``tuple`` of a ``range`` fills memory."""


DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda digits: int(digits, 16),
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*parts),
    "range": lambda parts: range(*parts),
    "decimal": decimal_from,
    "fraction": lambda parts: fraction_from(*parts),
    "deque": deque,
    "keys": lambda parts: dict.fromkeys(parts).keys(),
    "values": lambda parts: dict(enumerate(parts)).values(),
    "items": lambda parts: dict(parts).items(),
    "array": Array,
    "object": lambda parts: Opaque(str(parts[0]), truth=bool(parts[1])),
}


def read_exactly(fd: int, size: int) -> bytes | None:
    """Read ``size`` bytes, or return None at the end of the stream."""
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(fd: int) -> dict[str, Any] | None:
    """Return the next frame, or None when the other side is gone."""
    head = read_exactly(fd, 4)
    body = read_exactly(fd, struct.unpack(">I", head)[0]) if head else None
    frame: dict[str, Any] | None = None if body is None else json.loads(body)
    return frame


def write_frame(fd: int, frame: dict[str, Any]) -> None:
    """Send one frame."""
    body = json.dumps(frame, separators=(",", ":")).encode()
    view = memoryview(struct.pack(">I", len(body)) + body)
    while view:
        view = view[os.write(fd, view) :]
