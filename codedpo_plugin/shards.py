"""Stages that go problem by problem, in shards: memory does not grow with the run, an interruption costs a shard.

The outputs of :data:`SHARD` problems are a *shard*, a file in the folder of the stage (``execute.shards/``). A line
of the journal beside it says that the shard is there, how many problems are done with it, and what was counted.
When all are there they are joined into the file of the stage. A stage that is started again takes up the shards
that the journal names and works on the problems that are left; the result is the same to the last byte.

The work is one stream from the first problem to the last: where a shard ends is read off its outputs, so that a
pool of workers never waits for the end of a shard.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Nothing
from codedpo_plugin.errors import CodeDPOError, InputError, PluginError
from codedpo_plugin.formats.files import Form, append, digest, writing

SHARD: Final = 256
"""Problems a shard. Finishing one takes some milliseconds, for the disk; running its programs takes seconds."""
JOURNAL: Final = "journal.jsonl"


class OfProblem(Protocol):
    """What belongs to one problem."""

    @property
    def problem_id(self) -> str:
        """Return the problem's id."""


Item = TypeVar("Item", bound=OfProblem)
Output = TypeVar("Output", bound=OfProblem)


def _nothing(*_: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Stream(Generic[Item, Output]):
    """The work of a stage that goes problem by problem."""

    items: Iterable[Item]
    """One for each problem, in their order."""
    work: Callable[[Iterator[Item]], Iterable[Output | Nothing]]
    """Gives the outputs in the order of the problems they belong to; should read no further ahead than it needs.

    Where it says that nothing comes for a problem, a row of such problems is done, too."""
    form: Form[Output]
    output: Path
    total: int | None = None
    """How many items there are, as far as it is known."""
    one_each: bool = False
    """Whether there has to be exactly one output for each problem."""
    tally: Callable[[Output, Counter[str]], object] = _nothing
    """Counts an output."""
    check: Callable[[Mapping[str, int]], None] = _nothing
    """Looks at what was counted before the output appears; raises if it must not."""
    size: int = field(default_factory=lambda: SHARD)
    """Problems a shard."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A line of the journal."""

    number: int
    done: int
    """Problems that are done with it: its own and those before."""
    bytes: int
    digest: str
    counts: Mapping[str, int]
    last: bool


class Shards:
    """The shards of a stage that are there; made anew it takes up those of an interrupted run."""

    def __init__(self, folder: Path, form: Form[Any], size: int) -> None:
        self.folder, self.form, self.size, self.journal = folder, form, size, folder / JOURNAL
        self.number = self.done = 0
        self.complete = False
        self.counts: Counter[str] = Counter()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._take_up()

    def path(self, number: int) -> Path:
        """Return where a shard is."""
        return self.folder / f"{number:07d}{self.form.suffix}"

    def add(self, outputs: Iterable[Any]) -> None:
        """Write the next shard; it counts as there when it is noted.

        Raises InputError where the folder is gone: what is made in its place would lack the shards before.
        """
        with writing(self.folder):
            self.folder.stat()
        self.form.write(self.path(self.number), outputs)

    def note(self, done: int, counts: Mapping[str, int], *, last: bool) -> None:
        """Note that the shard that was written is there."""
        path = self.path(self.number)
        shard = Shard(self.number, done, path.stat().st_size, digest(path), dict(counts), last)
        append(self.journal, json.dumps(asdict(shard)).encode() + b"\n")
        self._count(shard)

    def join(self, output: Path) -> None:
        """Write what all shards hold to one file. Raises InputError for a shard that is damaged or missing."""
        self.form.join(output, map(self._intact, self._all()))

    def _all(self) -> Iterator[Shard]:
        """Yield every shard that was counted. Raises InputError if the journal does not name them all any more."""
        noted = (shard for _, shard in self._noted())
        for number in range(self.number):
            shard = next(noted, None)
            if shard is None or shard.number != number:
                raise InputError(f"{self.journal} no longer names shard {number}. Start again: it is made anew")
            yield shard

    def _take_up(self) -> None:
        """Count the shards that are there, and cut the journal off after them."""
        kept = 0
        for end, shard in self._noted():
            if not self._is_next(shard):
                break
            self._count(shard)
            kept = end
        if self.journal.exists():
            os.truncate(self.journal, kept)

    def _is_next(self, shard: Shard) -> bool:
        """Return whether a shard follows those that are there, and is there itself."""
        path, full = self.path(shard.number), (self.number + 1) * self.size
        expected = shard.number == self.number and (shard.done == full or (shard.last and shard.done < full))
        return expected and path.exists() and path.stat().st_size == shard.bytes

    def _noted(self) -> Iterator[tuple[int, Shard]]:
        """Yield the shards in the journal, up to a line that was torn, and where in it each line ends."""
        if not self.journal.exists():
            return
        end = 0
        with self.journal.open("rb") as lines:
            for line in lines:
                end += len(line)
                try:
                    shard = Shard(**json.loads(line))
                except (ValueError, TypeError):
                    return
                if not line.endswith(b"\n"):
                    return
                yield end, shard

    def _count(self, shard: Shard) -> None:
        self.number, self.done, self.complete = shard.number + 1, shard.done, shard.last
        self.counts.update(shard.counts)

    def _intact(self, shard: Shard) -> Path:
        """Return where a shard is. Raises InputError if it is not what was written."""
        path = self.path(shard.number)
        if digest(path) != shard.digest:
            raise InputError(f"{path} has changed since it was written. Remove it and start again: it is made anew")
        return path


def problems_done(folder: Path) -> int:
    """Return how many problems the journal in a folder of shards says are done; reads its last lines only."""
    journal = folder / JOURNAL
    if not journal.exists():
        return 0
    with journal.open("rb") as opened:
        opened.seek(max(0, journal.stat().st_size - (1 << 16)))
        lines = opened.read().split(b"\n")
    for line in reversed(lines):
        try:
            return int(json.loads(line)["done"])
        except (ValueError, TypeError, KeyError):
            continue
    return 0


def streamed(stream: Stream[Item, Output], context: Context) -> None:
    """Do the work of a stage, or what is left of it, and write its file; ``context.counts`` become those of all.

    Shards are kept in ``context.checkpoints``, which the caller removes when the stage is finished. Raises
    PluginError for outputs that do not belong to the problems in their order.
    """
    if context.checkpoints is None:
        raise ValueError("a stage that is streamed needs a folder for its shards")
    shards = Shards(context.checkpoints, stream.form, stream.size)
    if not shards.complete:
        _go_on(stream, shards, context)
    if shards.number:
        context.counts.clear()
        context.counts.update(shards.counts)
    try:
        stream.check(context.counts)
    except CodeDPOError:
        shutil.rmtree(shards.folder)  # there is nothing to continue
        raise
    shards.join(stream.output)


def _go_on(stream: Stream[Item, Output], shards: Shards, context: Context) -> None:
    """Make the shards that are missing."""
    hand = _Hand(stream, shards.done, context)
    while not shards.complete:
        number, counts = shards.number, Counter[str]()
        shards.add(_tallied(stream, hand.outputs_of(number), counts))
        done = min(hand.index, (number + 1) * stream.size)
        last = hand.finished and done == hand.index
        counts.update(hand.counted(number, last=last))
        shards.note(done, counts, last=last)


def _tallied(stream: Stream[Item, Output], outputs: Iterable[Output], counts: Counter[str]) -> Iterator[Output]:
    """Yield outputs, counting them."""
    for output in outputs:
        stream.tally(output, counts)
        yield output


class _Hand(Generic[Item, Output]):
    """What is between the problems and the shards: which were taken, and where what comes out belongs."""

    def __init__(self, stream: Stream[Item, Output], done: int, context: Context) -> None:
        self.stream, self.context = stream, context
        self.index = done
        """Problems taken so far, those of an earlier run included."""
        self.finished = False
        self._open: deque[tuple[int, str]] = deque()
        """Index and id of the problems whose outputs may still come."""
        self._counted: dict[int, Counter[str]] = {}
        """What the work had counted when the first problem of a shard was about to be taken, by shard."""
        self._outputs = self._all_outputs()
        self._ahead: tuple[int, Output | Nothing] | None = None
        """An output that belongs to a later shard, and the index of its problem."""

    def outputs_of(self, shard: int) -> Iterator[Output]:
        """Yield the outputs of a shard. It ends with its last output where that is known to be the last."""
        end, index = (shard + 1) * self.stream.size, -1
        while not (self.stream.one_each and index == end - 1):
            if self._ahead is None:
                self._ahead = next(self._outputs, None)
            if self._ahead is None or self._ahead[0] >= end:
                return
            (index, output), self._ahead = self._ahead, None
            if not isinstance(output, Nothing):
                yield output

    def _all_outputs(self) -> Iterator[tuple[int, Output | Nothing]]:
        """Yield all outputs, each with the index of its problem."""
        problems = self._problems()
        for output in self.stream.work(problems):
            if self.stream.one_each and isinstance(output, Nothing):
                raise PluginError(f"nothing came for problem {output.problem_id}; see `codedpo plugins`")
            yield self._index_of(output), output
        deque(problems, maxlen=0)  # what the work has left unread is done, too
        if self.stream.one_each and self._open:
            raise PluginError(f"nothing came for problem {self._open[0][1]}; see `codedpo plugins`")
        self.finished = True
        self.context.progress(self.index, self.index)

    def _problems(self) -> Iterator[Item]:
        """Yield the problems that are left, keeping account of them."""
        items, size = iter(self.stream.items), self.stream.size
        deque(islice(items, self.index), maxlen=0)
        self._tell(self.index)
        while True:
            if self.index % size == 0:
                self._counted.setdefault(self.index // size, Counter(self.context.counts))
            item = next(items, None)
            if item is None:
                return
            self._open.append((self.index, item.problem_id))
            self.index += 1
            yield item
            if not self.stream.one_each:
                self._tell(self.index)

    def _index_of(self, output: Output | Nothing) -> int:
        """Return the index of an output's problem. Raises PluginError if that is not, or no longer, in hand."""
        passed: list[tuple[int, str]] = []
        while self._open:
            index, name = self._open[0]
            if name == output.problem_id and not (passed and self.stream.one_each):
                if self.stream.one_each:
                    self._open.popleft()
                    self._tell(index + 1)
                return index
            passed.append(self._open.popleft())
        expected = f", where problem {passed[0][1]} was expected" if passed else ""
        raise PluginError(
            f"something came for problem {output.problem_id}{expected}: outputs have to come in the order of the "
            "problems; see `codedpo plugins`"
        )

    def counted(self, shard: int, *, last: bool) -> dict[str, int]:
        """Return what the work has counted on the problems of a shard; of the last one, and after them."""
        before, now = self._counted.pop(shard), Counter(self.context.counts)
        if not last:
            now = self._counted.setdefault(shard + 1, now)
        return {name: number - before[name] for name, number in now.items()}

    def _tell(self, done: int) -> None:
        self.context.progress(done, self.stream.total)
