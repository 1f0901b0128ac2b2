"""Values and frames across the border of the sandbox."""

from __future__ import annotations

import json
import math
import os
import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterator
from decimal import Decimal
from enum import IntEnum, StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.execution.assertions import to_source
from codedpo_plugin.execution.wire import Opaque, decode, read_frame, to_wire, write_frame

Point = namedtuple("Point", "x y")


class Colour(IntEnum):
    RED = 3


class Word(StrEnum):
    YES = "yes"


class HostileStr(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __format__ = __len__ = __iter__ = __str__


class HostileInt(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __index__(self):
        raise RuntimeError("no")

    __int__ = __str__ = __repr__ = __index__


class HostileList(list):
    def __iter__(self):
        return iter([4])

    def __len__(self):
        return 1

    def __eq__(self, other):
        return True


class HostileDict(dict):
    def items(self):
        return [("right", 4)]

    __iter__ = keys = items


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 7


class Never:
    def __bool__(self):
        return False


def cross(value):
    """Return what arrives on the host of a value sent by a program."""
    return decode(json.dumps(to_wire(value)))


def typed(value):
    """Return a form that tells apart what == does not: 1, True and 1.0; a list in a tuple, 0.0 and -0.0."""
    name = type(value).__name__
    if isinstance(value, dict):
        return name, frozenset((typed(k), typed(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return name, tuple(typed(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return name, frozenset(typed(item) for item in value)
    return name, repr(value) if isinstance(value, (float, complex, Decimal)) else bytes_or_self(value)


def bytes_or_self(value):
    return bytes(value) if isinstance(value, bytearray) else value


hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.fractions()
    | st.decimals(allow_nan=False)
    | st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 3)),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
values = st.recursive(
    hashable | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner, inner)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=20,
)


@given(values)
def test_nested_built_in_values_arrive_as_they_were_sent(value):
    assert typed(cross(value)) == typed(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Point(1, [2]), (1, [2])),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict([("b", 1), ("a", 2)]), {"b": 1, "a": 2}),
        (defaultdict(list, {1: [2]}), {1: [2]}),
        (Colour.RED, 3),
        (Word.YES, "yes"),
        ([Colour.RED, {Word.YES: Colour.RED}], [3, {"yes": 3}]),
        (HostileStr("abc"), "abc"),
        (HostileInt(5), 5),
        (HostileList([1, 2, 3]), [1, 2, 3]),
        (HostileDict(wrong=5), {"wrong": 5}),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003 - a value, not a flag
        (np.str_("s"), "s"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_instance_of_a_subclass_arrives_as_the_built_in_it_extends(value, plain):
    assert typed(cross(value)) == typed(plain)


@pytest.mark.parametrize(
    "value",
    [0, 1 << 1999, 1 << 2000, (1 << 2000) - 1, -(1 << 2000), 1 - (1 << 2000), 10**6000, -(10**6000)],
    ids=lambda n: f"{'-' * (n < 0)}{n.bit_length()}bits",
)
def test_integers_of_any_size_arrive(value):
    assert cross(value) == value


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308])
def test_extreme_floats_arrive(value):
    assert repr(cross(value)) == repr(value)


def test_nan_arrives_as_nan_wherever_it_stands():
    arrived = cross([math.nan, complex(math.nan, 1), Decimal("NaN"), {"a": math.nan}])
    assert repr(arrived) == "[nan, (nan+1j), Decimal('NaN'), {'a': nan}]"


def test_text_that_no_encoding_holds_arrives():
    assert cross("\ud800 \x00 \n \U0001f600") == "\ud800 \x00 \n \U0001f600"


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_deep_values_arrive():
    assert cross(nested(120)) == nested(120)


def test_a_value_nested_too_deeply_is_cut_off_without_an_error():
    assert cross(nested(100_000)) != nested(100_000)


def test_a_value_that_holds_itself_equals_nothing():
    value = []
    value.append(value)
    arrived = cross(value)
    assert arrived != cross(value)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        AlwaysEqual(),
        len,
        iter([1]),
        AlwaysEqual,
        np.array([1, 2]),
        ValueError("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_objects_arrive_as_something_that_equals_nothing(value):
    arrived = cross(value)
    assert isinstance(arrived, Opaque)
    assert not arrived == arrived  # noqa: SIM201 - the point
    assert arrived != 4
    assert [arrived] != [4]
    assert {"a": arrived} != {"a": cross(value)}


@pytest.mark.parametrize(("value", "truth"), [(Never(), False), (iter([1]), True), (AlwaysEqual(), True)])
def test_an_object_keeps_its_truth_and_the_name_of_its_type(value, truth):
    arrived = cross(value)
    assert bool(arrived) is truth
    assert repr(arrived) == f"<{type(value).__module__}.{type(value).__qualname__}>"


@pytest.mark.parametrize(
    "value",
    [deque(), deque([1, [2]]), {}.keys(), {"a": 1, (2,): 1}.keys(), {1: [2]}.values(), {1: [2], 3: 4}.items()],
    ids=repr,
)
def test_deques_and_views_arrive_as_what_they_are(value):
    arrived = cross(value)
    assert type(arrived) is type(value)
    assert list(arrived) == list(value)
    assert list(eval(to_source(arrived))) == list(value)


@pytest.mark.parametrize("value", [[1, 2], [[0.5], [1.5]], [], 4, ["a"]], ids=repr)
def test_an_array_arrives_with_what_it_holds_and_equals_nothing(value):
    arrived = cross(np.array(value))
    assert arrived != arrived
    rebuilt = eval(to_source(arrived))
    assert isinstance(rebuilt, np.ndarray)
    assert rebuilt.tolist() == value


@pytest.mark.parametrize(
    "text", ['{"keys": [[]]}', '{"items": [1]}', '{"deque": {"range": [0, 9, 1]}}', '{"keys": 1}']
)
def test_views_that_no_dictionary_has_are_not_values(text):
    with pytest.raises(ValueError, match="not an encoded"):
        decode(text)


def test_a_set_of_objects_is_not_a_value():
    with pytest.raises(ValueError, match="not an encoded value"):
        cross({AlwaysEqual()})


GARBAGE = [
    *("", "nul", "[1", "'a'", "{}", "1 2", "\x00", "[" * 100_000, '{"tuple":' * 50_000, "9" * 5000),
    *('{"nonsense": 1}', '{"int": "0x1", "tuple": []}', '{"int": "zz"}', '{"int": 5}', '{"int": []}'),
    *('{"tuple": 5}', '{"tuple": "abc"}', '{"tuple": {"bytes": "00"}}', '{"tuple": {"tuple": [1]}}'),
    *('{"set": [[1]]}', '{"set": "abc"}', '{"set": {"range": [0, 3, 1]}}', '{"frozenset": {"dict": []}}'),
    *('{"dict": [1]}', '{"dict": "ab"}', '{"dict": [[1, 2, 3]]}', '{"dict": [[[1], 2]]}', '{"dict": {"dict": []}}'),
    *('{"bytes": "0"}', '{"bytes": 5}', '{"bytearray": "zz"}', '{"bytearray": []}'),
    *('{"complex": ["a", []]}', '{"complex": [1, 2, 3]}', '{"range": [1, 2, 0]}', '{"range": [1.5, 2, 1]}'),
    *('{"decimal": "abc"}', '{"decimal": []}', '{"decimal": [0, [1], 0]}', '{"decimal": 1.5}'),
    *('{"fraction": ["0x1", "0x0"]}', '{"fraction": []}', '{"fraction": 5}', '{"fraction": ["1.5", "1"]}'),
    *('{"object": []}', '{"object": ""}', '{"object": 5}', '{"object": ["a"]}', '{"object": {"dict": []}}'),
    '{"tuple": {"range": [0, 1000000000000000000, 1]}}',
]


@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: payload[:40])
def test_what_no_value_looks_like_raises_value_error_and_nothing_else(payload):
    with pytest.raises(ValueError):  # noqa: PT011 - any, but no other
        decode(payload)


TAGS = [
    *("int", "tuple", "set", "frozenset", "dict", "bytes", "bytearray", "complex"),
    *("range", "decimal", "fraction", "array", "object", "other"),
]
claims = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(["", "0x1", "00", "1e3", "-", "sNaN"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TAGS), inner, min_size=1, max_size=1)
    ),
    max_leaves=8,
)


@given(claims)
def test_any_claim_is_a_value_or_a_value_error(claim):
    payload = json.dumps(claim)
    try:
        value = decode(payload)
    except ValueError:
        return
    assert isinstance(repr(value), str)


@given(st.text(alphabet='[]{}":,0123456789.eE-tfnulrasidobjc \\', max_size=40))
def test_any_text_is_a_value_or_a_value_error(payload):
    try:
        value = decode(payload)
    except ValueError:
        return
    assert isinstance(repr(value), str)


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Return the ends of a pipe, to read and to write."""
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            continue


def test_frames_arrive_in_order(ends):
    reader, writer = ends
    frames = [{"a": 1}, {}, {"text": "é\n\ud800", "list": [None, 1.5]}]
    for frame in frames:
        write_frame(writer, frame)
    assert [read_frame(reader) for _ in frames] == frames


def test_a_frame_larger_than_the_pipe_arrives(ends):
    reader, writer = ends
    frame = {"text": "x" * 3_000_000}
    thread = threading.Thread(target=write_frame, args=(writer, frame))
    thread.start()
    arrived = read_frame(reader)
    thread.join()
    assert arrived == frame


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x09{}", b"\0\0\0\x02{"], ids=len)
def test_a_stream_that_ends_early_has_no_frame(ends, sent):
    reader, writer = ends
    os.write(writer, sent)
    os.close(writer)
    assert read_frame(reader) is None
