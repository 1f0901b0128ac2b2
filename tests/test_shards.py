"""Shards: what is done is kept, what is left is done, and the result does not tell the difference."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Nothing
from codedpo_plugin.errors import InputError, PluginError
from codedpo_plugin.formats.files import Form, atomic_write
from codedpo_plugin.formats.jsonl import join
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.shards import JOURNAL, Shards, Stream, problems_done, streamed

SIZE = 4


@dataclass(frozen=True)
class Item:
    """What belongs to one problem."""

    problem_id: str


def write(path: Path, items: Iterable[Item]) -> int:
    with atomic_write(path) as handle:
        handle.writelines(f"{item.problem_id}\n".encode() for item in items)
    return 0


TEXT = Form(".txt", write, join)


class Work:
    """Passes problems on, counts them, and can be stopped; reads ahead if asked to."""

    def __init__(self, context: Context, *, stop_at: int | None = None, drop: str = "", ahead: int = 1) -> None:
        self.context, self.stop_at, self.drop, self.ahead = context, stop_at, drop, ahead
        self.seen: list[str] = []

    def __call__(self, items: Iterator[Item]) -> Iterator[Item]:
        for item in items:
            if len(self.seen) == self.stop_at:
                raise KeyboardInterrupt
            self.seen.append(item.problem_id)
            if item.problem_id in self.drop.split():
                self.context.counts["dropped"] += 1
                continue
            self.context.counts["seen"] += 1
            yield item


def items(number: int) -> list[Item]:
    return [Item(str(n)) for n in range(number)]


@pytest.fixture
def context(tmp_path) -> Context:
    return fresh(tmp_path)


def fresh(folder: Path) -> Context:
    shards = folder / "stage.shards"
    shards.mkdir(exist_ok=True)
    return Context(create_plugins(installed=False), checkpoints=shards)


def count(_: Item, counts: Counter[str]) -> None:
    counts["outputs"] += 1


def run(folder: Path, number: int, *, one_each: bool = False, **options) -> tuple[Work, Context]:
    """Do a stage, or what is left of it."""
    context = fresh(folder)
    work = Work(context, **options)
    stream = Stream(
        items(number), work, TEXT, folder / "out.txt", number, one_each=one_each, tally=count, size=SIZE
    )
    streamed(stream, context)
    return work, context


def lines(folder: Path) -> list[str]:
    return (folder / "out.txt").read_text().split()


def shards(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "stage.shards").glob("*.txt"))


@pytest.mark.parametrize("one_each", [True, False])
@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 8, 9])
def test_outputs_are_written_in_order_in_shards_of_a_fixed_size(tmp_path, number, one_each):
    _, context = run(tmp_path, number, one_each=one_each)
    assert lines(tmp_path) == [str(n) for n in range(number)]
    full = [path.read_text().count("\n") for path in sorted((tmp_path / "stage.shards").glob("*.txt"))]
    assert [size for size in full if size] == [SIZE] * (number // SIZE) + [number % SIZE] * (number % SIZE > 0)
    assert context.counts == Counter(seen=number, outputs=number)
    assert problems_done(tmp_path / "stage.shards") == number


@pytest.mark.parametrize("drop", ["0", "3 4", "8", "0 1 2 3", "4 5 6 7", "8 9", "0 1 2 3 4 5 6 7 8 9"])
@pytest.mark.parametrize("stop_at", range(11))
def test_an_interrupted_stage_goes_on_after_its_last_shard_and_ends_the_same(tmp_path, stop_at, drop):
    (tmp_path / "whole").mkdir()
    _, whole = run(tmp_path / "whole", 10, drop=drop)
    if stop_at < 10:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, 10, drop=drop, stop_at=stop_at)
        assert not (tmp_path / "out.txt").exists()
    kept = problems_done(tmp_path / "stage.shards")
    assert kept % SIZE == 0
    work, context = run(tmp_path, 10, drop=drop)
    assert work.seen == [str(n) for n in range(kept, 10)]
    assert lines(tmp_path) == lines(tmp_path / "whole")
    assert context.counts == whole.counts


def test_a_row_of_problems_said_to_have_no_output_is_not_done_again(tmp_path):
    def stopping(given: Iterator[Item]) -> Iterator[Nothing]:
        for item in given:
            if item.problem_id == "9":
                raise KeyboardInterrupt
            yield Nothing(item.problem_id)

    with pytest.raises(KeyboardInterrupt):
        streamed(Stream(items(10), stopping, TEXT, tmp_path / "out.txt", size=SIZE), fresh(tmp_path))
    assert run(tmp_path, 10)[0].seen == ["8", "9"]
    assert lines(tmp_path) == ["8", "9"]


def test_nothing_is_no_output_where_each_problem_needs_one(tmp_path, context):
    stream = Stream(items(3), lambda given: (Nothing(i.problem_id) for i in given), TEXT, tmp_path / "out.txt")
    with pytest.raises(PluginError, match="nothing came for problem 0"):
        streamed(replace(stream, one_each=True), context)


def test_no_more_than_what_is_in_flight_is_done_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, stop_at=9)
    assert run(tmp_path, 10)[0].seen == ["8", "9"]


def test_a_shard_is_there_with_its_last_output_where_each_problem_has_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, stop_at=8, one_each=True)
    assert run(tmp_path, 10, one_each=True)[0].seen == ["8", "9"]


def test_a_stage_whose_shards_are_all_there_is_only_joined(tmp_path):
    run(tmp_path, 10)
    (tmp_path / "out.txt").unlink()
    work, context = run(tmp_path, 10)
    assert work.seen == []
    assert lines(tmp_path) == [str(n) for n in range(10)]
    assert context.counts == Counter(seen=10, outputs=10)


def lose(folder: Path) -> None:
    (folder / "0000001.txt").unlink()


def cut(folder: Path) -> None:
    (folder / "0000001.txt").write_text("4\n")


def tear(folder: Path) -> None:
    journal = folder / JOURNAL
    whole = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(whole[0] + whole[1][:-9])


def tear_at_the_very_end(folder: Path) -> None:
    journal = folder / JOURNAL
    whole = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(whole[0] + whole[1].rstrip())


def forget(folder: Path) -> None:
    journal = folder / JOURNAL
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])


@pytest.mark.parametrize("damage", [lose, cut, tear, tear_at_the_very_end, forget])
def test_a_shard_that_is_not_whole_is_made_anew_with_those_after_it(tmp_path, damage):
    run(tmp_path, 10)
    damage(tmp_path / "stage.shards")
    work, context = run(tmp_path, 10)
    assert work.seen == ["4", "5", "6", "7", "8", "9"]
    assert lines(tmp_path) == [str(n) for n in range(10)]
    assert context.counts["outputs"] == 10


def test_a_shard_that_was_changed_is_not_joined(tmp_path):
    run(tmp_path, 10)
    shard = tmp_path / "stage.shards" / "0000001.txt"
    shard.write_text(shard.read_text().replace("5", "6"))
    with pytest.raises(InputError, match=r"0000001\.txt has changed .* Remove it and start again"):
        run(tmp_path, 10)


def test_a_folder_that_vanishes_with_its_mount_is_not_made_anew(tmp_path):
    folder = tmp_path / "stage.shards"
    made = Shards(folder, TEXT, SIZE)
    made.add(items(SIZE))
    made.note(SIZE, {}, last=False)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"stage\.shards: cannot be written: No such file"):
        made.add(items(SIZE))
    assert not folder.exists()


def test_shards_that_the_journal_no_longer_names_are_missed(tmp_path):
    folder = tmp_path / "stage.shards"

    def losing(_: object) -> None:
        journal = folder / JOURNAL
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[1:]))

    context = Context(create_plugins(installed=False), checkpoints=folder)
    stream = Stream(items(2 * SIZE), Work(context), TEXT, tmp_path / "out.txt", check=losing, size=SIZE)
    with pytest.raises(InputError, match="no longer names shard 0"):
        streamed(stream, context)
    assert not (tmp_path / "out.txt").exists()


def test_shards_of_another_size_are_not_used(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, stop_at=9)
    context = fresh(tmp_path)
    work = Work(context)
    streamed(Stream(items(10), work, TEXT, tmp_path / "out.txt", size=3), context)
    assert len(work.seen) == 10
    assert lines(tmp_path) == [str(n) for n in range(10)]


def test_work_may_read_ahead_and_give_several_outputs_for_a_problem(tmp_path, context):
    def work(given: Iterator[Item]) -> Iterator[Item]:
        for item in list(given):
            yield from [item, item]

    streamed(Stream(items(9), work, TEXT, tmp_path / "out.txt", size=SIZE), context)
    assert lines(tmp_path) == [str(n) for n in range(9) for _ in "ab"]
    assert len(shards(tmp_path)) == 3


def test_work_may_leave_problems_unread(tmp_path, context):
    streamed(Stream(items(9), lambda _: [], TEXT, tmp_path / "out.txt", size=SIZE), context)
    assert lines(tmp_path) == []
    assert problems_done(context.checkpoints) == 9


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["0", "2", "1"], "something came for problem 2, where problem 1 was expected"),
        (["0", "0"], "something came for problem 0"),
        (["0", "x"], "something came for problem x"),
        (["0", "1"], "nothing came for problem 2"),
    ],
)
def test_an_output_for_each_problem_is_insisted_on_where_it_is_needed(tmp_path, context, order, message):
    def work(given: Iterator[Item]) -> list[Item]:
        list(given)
        return [Item(name) for name in order]

    with pytest.raises(PluginError, match=message):
        streamed(Stream(items(3), work, TEXT, tmp_path / "out.txt", one_each=True), context)
    assert not (tmp_path / "out.txt").exists()


def test_outputs_out_of_order_are_refused_also_where_problems_may_have_none(tmp_path, context):
    def work(given: Iterator[Item]) -> list[Item]:
        return list(given)[::-1]

    with pytest.raises(PluginError, match="something came for problem 1"):
        streamed(Stream(items(3), work, TEXT, tmp_path / "out.txt"), context)


def test_a_check_that_fails_leaves_no_output_and_nothing_to_continue(tmp_path, context):
    def check(counts: Counter[str]) -> None:
        raise InputError("not one")

    with pytest.raises(InputError, match="not one"):
        streamed(Stream(items(3), iter, TEXT, tmp_path / "out.txt", check=check), context)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_what_was_done_before(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, stop_at=9)
    told = []
    context = fresh(tmp_path)
    context = Context(
        context.plugins, checkpoints=context.checkpoints, progress=lambda done, total: told.append((done, total))
    )
    streamed(Stream(items(10), iter, TEXT, tmp_path / "out.txt", 10, size=SIZE), context)
    assert told[0] == (8, 10)
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("content", [b"", b"{", b'{"done": 4}\n{"do', b'{"done": 4}\n'])
def test_what_is_done_is_read_off_the_end_of_the_journal(tmp_path, content):
    (tmp_path / JOURNAL).write_bytes(content)
    assert problems_done(tmp_path) == (4 if b"4" in content else 0)


def test_the_journal_says_of_each_shard_what_it_holds(tmp_path):
    run(tmp_path, 5, drop="1")
    noted = [json.loads(line) for line in (tmp_path / "stage.shards" / JOURNAL).read_text().splitlines()]
    assert [(s["number"], s["done"], s["last"]) for s in noted] == [(0, 4, False), (1, 5, True)]
    assert noted[0]["counts"] == {"outputs": 3, "seen": 3, "dropped": 1}
    assert len(noted[0]["digest"]) == 64
