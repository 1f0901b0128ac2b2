"""JSON lines: problems, candidates and pairs.

A line that cannot be used is counted and reported with file, line number and problem id; the rest goes on.
"""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from codedpo_plugin.contracts import Seed
from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import Form, atomic_write, open_bytes
from codedpo_plugin.formats.seen import Seen
from codedpo_plugin.records import Candidates, MadeProblem, PairKind, PreferencePair, Problem, SolutionForm

T = TypeVar("T")

Record = Seed | Problem | Candidates | PreferencePair

SHOWN: Final = 5
"""Bad lines quoted in full; the others are only counted."""
KEPT: Final = 100
"""Bad lines whose messages are remembered."""


@dataclass(slots=True)
class BadLines:
    """The lines of a file that could not be used."""

    messages: list[str] = field(default_factory=list)
    """What was wrong with the first of them."""
    number: int = 0

    def add(self, path: Path, line: int, problem_id: object, reason: str) -> None:
        """Note one line."""
        self.number += 1
        if len(self.messages) < KEPT:
            whose = f" (problem {problem_id})" if problem_id else ""
            self.messages.append(f"{path}:{line}{whose}: {reason}")

    def __len__(self) -> int:
        return self.number

    def __str__(self) -> str:
        more = self.number - SHOWN
        return "\n".join([*self.messages[:SHOWN], *([f"… and {more} more lines"] if more > 0 else [])])


def _objects(path: Path, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of every line that is a JSON object."""
    with open_bytes(path) as handle:
        for number, raw in _numbered(path, handle, bad):
            if not raw.strip():
                continue
            try:
                value = json.loads(raw.decode("utf-8"))
            except UnicodeDecodeError:
                bad.add(path, number, None, "not UTF-8")
            except (ValueError, RecursionError) as error:
                cut = "" if raw.endswith(b"\n") else " (the file ends here: is it complete?)"
                bad.add(path, number, None, f"not JSON: {error}{cut}")
            else:
                if isinstance(value, dict):
                    yield number, value
                else:
                    bad.add(path, number, None, f"a JSON object is expected, got {type(value).__name__}")


def _numbered(path: Path, lines: IO[bytes], bad: BadLines) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of every line, up to where a damaged archive can be unpacked.

    Raises InputError when the file itself cannot be read on: what is missing then is not bad input.
    """
    number = 0
    try:
        for number, raw in enumerate(lines, 1):
            yield number, raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        bad.add(path, number + 1, None, f"cannot be read any further: {error}")
    except OSError as error:
        raise InputError(f"{path}:{number + 1}: cannot be read: {error.strerror or error}") from error


def read(path: Path, parse: Callable[[Mapping[str, Any]], T], bad: BadLines, *, unique: bool = True) -> Iterator[T]:
    """Yield the record of every usable line of a (possibly gzipped) file.

    With ``unique`` a second line for the same ``problem_id`` is not usable. Raises InputError when the file
    cannot be opened.
    """
    return read_files([path], parse, bad, unique=unique)


def read_files(
    paths: Sequence[Path], parse: Callable[[Mapping[str, Any]], T], bad: BadLines, *, unique: bool = True
) -> Iterator[T]:
    """Yield the records of several files, one file after the other, as if they were one."""
    with closing(Seen()) as seen:
        for index, path in enumerate(paths):
            for number, problem_id, record in _records(path, parse, bad):
                former = seen.add(str(problem_id), index << LINE_BITS | number) if unique else None
                if former is None:
                    yield record
                else:
                    bad.add(path, number, problem_id, f"duplicate of {_place(paths, index, former)}")


LINE_BITS: Final = 40
"""Bits for the line in a number that stands for a line of one of several files."""


def _place(paths: Sequence[Path], index: int, former: int) -> str:
    """Return where a line of one of several files is, seen from the file with an index."""
    number = former & (1 << LINE_BITS) - 1
    where = former >> LINE_BITS
    return f"line {number}" if where == index else f"{paths[where]}:{number}"


def _records(path: Path, parse: Callable[[Mapping[str, Any]], T], bad: BadLines) -> Iterator[tuple[int, object, T]]:
    """Yield line number, problem id and record of every line that can be parsed."""
    for number, value in _objects(path, bad):
        problem_id = value.get("problem_id")
        try:
            record = parse(value)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            bad.add(path, number, problem_id, reason)
        else:
            yield number, problem_id, record


def count(path: Path) -> int:
    """Return the number of lines that are not blank, up to where a damaged archive can be unpacked."""
    with open_bytes(path) as handle:
        return sum(bool(raw.strip()) for _, raw in _numbered(path, handle, BadLines()))


def write(path: Path, records: Iterable[Record]) -> int:
    """Write records, one JSON object a line, keys in the order of their fields; return how many."""
    count = 0
    with atomic_write(path) as handle:
        for count, record in enumerate(records, 1):  # noqa: B007 - the last count is the result
            handle.write(line(record))
    return count


def join(path: Path, parts: Iterable[Path]) -> None:
    """Write to a path what several files hold."""
    with atomic_write(path) as handle:
        for part in parts:
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, handle)


LINES: Final[Form[Record]] = Form(".jsonl", write, join)


def write_objects(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    """Write objects, one a line, keys in their order."""
    with atomic_write(path) as handle:
        handle.writelines(json.dumps(value).encode() + b"\n" for value in objects)


def line(record: Record) -> bytes:
    """Return a record as one line of JSON."""
    # Lone surrogates in model output have no UTF-8 form; escaped they survive a round trip.
    text = json.dumps(asdict(record), ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(asdict(record)).encode() + b"\n"


# --------------------------------------------------------------------------- one parser per record


def text_field(value: Mapping[str, Any], name: str) -> str:
    """Return a field that has to be a string. Raises KeyError or TypeError if it is not there or not one."""
    text = value[name]
    if not isinstance(text, str):
        raise TypeError(f"field {name!r} has to be a string, got {type(text).__name__}")
    return text


def id_field(value: Mapping[str, Any]) -> str:
    """Return the ``problem_id``, which every format has to be able to hold: no lone surrogates."""
    problem_id = text_field(value, "problem_id")
    if not problem_id.isprintable() and any("\ud800" <= c <= "\udfff" for c in problem_id):
        raise ValueError("field 'problem_id' has a character that no file can hold")
    return problem_id


def number_field(value: Mapping[str, Any], name: str) -> float:
    """Return a field that has to be a number."""
    number = value[name]
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise TypeError(f"field {name!r} has to be a number, got {type(number).__name__}")
    return number


def optional_text(value: Mapping[str, Any], name: str) -> str | None:
    """Return a field that may be missing or null but otherwise has to be a string."""
    return None if value.get(name) is None else text_field(value, name)


def texts_field(value: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a field that has to be a list of strings."""
    items = value[name]
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise TypeError(f"field {name!r} has to be a list of strings")
    return tuple(items)


def problem_from(value: Mapping[str, Any]) -> Problem:
    """Return the problem in a line of ``problems.jsonl``, as one that a model made if it has fields of those."""
    known = (
        id_field(value),
        text_field(value, "prompt"),
        optional_text(value, "entry_point"),
        optional_text(value, "language") or "python",
        optional_text(value, "source") or "",
    )
    made = {name: text for name in MADE if (text := optional_text(value, name)) is not None}
    return MadeProblem(*known, **made) if made else Problem(*known)


MADE: Final = ("instruction", "solution", "method", "seed", "licence")
"""The fields of problems that a model made."""


def seed_from(value: Mapping[str, Any]) -> Seed:
    """Return the seed in a line of ``seeds.jsonl``."""
    return Seed(
        text_field(value, "text"),
        optional_text(value, "language") or "python",
        optional_text(value, "source") or "",
        optional_text(value, "licence") or "",
    )


def candidates_parser(
    default_form: SolutionForm = SolutionForm.PROGRAM,
) -> Callable[[Mapping[str, Any]], Candidates]:
    """Return the parser of ``candidates.jsonl``.

    ``default_form`` says what the solutions of a line are that does not declare it in ``solution_form``;
    completions are made whole programs by putting the prompt in front.
    """

    def parse(value: Mapping[str, Any]) -> Candidates:
        prompt = text_field(value, "prompt")
        solutions, tests = texts_field(value, "solutions"), texts_field(value, "tests")
        if not solutions or not tests:
            raise ValueError(f"no {'solutions' if not solutions else 'tests'}: nothing to run")
        form = SolutionForm(value.get("solution_form") or default_form)
        if form is SolutionForm.COMPLETION:
            solutions = tuple(prompt + solution for solution in solutions)
        generator = value.get("generator") or {}
        if not isinstance(generator, dict):
            raise TypeError("field 'generator' has to be an object")
        problem_id, entry_point = id_field(value), optional_text(value, "entry_point")
        return Candidates(problem_id, prompt, entry_point, solutions, tests, generator)

    return parse


def pair_from(value: Mapping[str, Any]) -> PreferencePair:
    """Return the pair in a line of ``pairs.jsonl``."""

    def optional(name: str) -> Any:
        return None if value.get(name) is None else number_field(value, name)

    def form(name: str) -> SolutionForm | None:
        return None if value.get(name) is None else SolutionForm(value[name])

    return PreferencePair(
        prompt=text_field(value, "prompt"),
        chosen=text_field(value, "chosen"),
        rejected=text_field(value, "rejected"),
        kind=PairKind(value["kind"]),
        problem_id=id_field(value),
        chosen_score=number_field(value, "chosen_score"),
        rejected_score=number_field(value, "rejected_score"),
        margin=number_field(value, "margin"),
        confidence=optional("confidence"),
        speedup=optional("speedup"),
        chosen_cpu_ns=optional("chosen_cpu_ns"),
        rejected_cpu_ns=optional("rejected_cpu_ns"),
        chosen_form=form("chosen_form"),
        rejected_form=form("rejected_form"),
    )


def read_all(
    path: Path, parse: Callable[[Mapping[str, Any]], T], *, unique: bool = True
) -> tuple[list[T], BadLines]:
    """Return all records of a file and its bad lines. Raises InputError if no line is usable."""
    bad = BadLines()
    records = list(read(path, parse, bad, unique=unique))
    if not records:
        raise InputError(f"{path}: no usable line\n{bad}" if bad else f"{path}: the file is empty")
    return records, bad
