"""The stages that candidates come from: a model, or a file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from codedpo_plugin.config import GenerateConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.formats.seen import Seen
from codedpo_plugin.manager import Plugins
from codedpo_plugin.records import Candidates, Problem, SolutionForm
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.shards import Stream, streamed
from codedpo_plugin.stages.stage import Stage, dump, require_some

log = logging.getLogger(__name__)

GENERATED_SHARD: Final = 32
"""Problems a shard where a model writes the candidates, which takes longest: a few of its calls."""


def generate(run: RunDirectory, plugins: Plugins, config: GenerateConfig, seed: int) -> Stage:
    """Generate candidates for the problems."""
    source = run.require(run.problems, "run")

    def check(counts: Mapping[str, int]) -> None:
        require_some(counts["problems"], "problem with solutions and tests", counts)

    def work(context: Context) -> None:
        problems = jsonl.read(source, jsonl.problem_from, jsonl.BadLines())
        stream: Stream[Problem, Candidates] = Stream(
            problems,
            lambda left: plugins.generate(left, config, context),
            jsonl.LINES,
            run.candidates,
            total=jsonl.count(source),
            tally=count_problem,
            check=check,
            size=GENERATED_SHARD,
        )
        streamed(stream, context)

    settings = dump(config) | {"seed": seed}
    return Stage("generate", settings, (source,), run.candidates, work, run.shards("generate"))


def take(run: RunDirectory, paths: Sequence[Path], form: SolutionForm, *, problems_made: bool = False) -> Stage:
    """Take candidates from files, checking every line; write the problems that they are for, if they are not there.

    ``problems_made``: the run has made its problems itself; candidates for others are refused.
    """
    bad = jsonl.BadLines()

    def check(counts: Mapping[str, int]) -> None:
        warn_of(bad)
        if not counts["problems"]:
            where = ", ".join(map(str, paths))
            raise InputError(f"{where}: no usable line\n{bad}" if bad else f"{where}: the file is empty")

    def work(context: Context) -> None:
        stream: Stream[Candidates, Candidates] = Stream(
            counted(jsonl.read_files(paths, jsonl.candidates_parser(form), bad), bad, context.counts),
            lambda left: left,
            jsonl.LINES,
            run.candidates,
            total=sum(map(jsonl.count, paths)),
            one_each=True,
            tally=count_problem,
            check=check,
        )
        streamed(stream, context)
        if not _has_problems(run):
            if problems_made:
                raise UsageError(
                    f"{run.problems}, which was made here, lacks problems of the candidates: use another -o"
                )
            _write_problems(run)

    settings: dict[str, object] = {"solution_form": str(form)}
    if len(paths) > 1:
        settings["files"] = [path.name for path in paths]  # in their order, on which that of the problems depends
    return Stage("candidates", settings, tuple(paths), run.candidates, work, run.shards("candidates"))


def check_own(run: RunDirectory, form: SolutionForm) -> None:
    """See that a run's own candidates can be used where they are. Raises InputError and UsageError.

    They are never rewritten: what would have to be left out or completed is refused.
    """
    if form is not SolutionForm.PROGRAM:
        raise UsageError(f"{run.candidates} would have to be rewritten to be taken as {form}s: use another -o")
    bad = jsonl.BadLines()
    number = sum(1 for _ in jsonl.read(run.candidates, jsonl.candidates_parser(form), bad))
    if bad or not number:
        found = f"{len(bad)} lines cannot be used:\n{bad}" if bad else "the file is empty"
        raise InputError(f"{run.candidates}: {found}\nWith another -o they are left out.")
    if not _has_problems(run):
        _write_problems(run)
    log.info("candidates: the %d in %s", number, run.candidates)


def _has_problems(run: RunDirectory) -> bool:
    """Return whether the problems of a run's candidates are there, with the same prompts."""
    if not run.problems.exists():
        return False
    with closing(Seen()) as seen:
        for problem in jsonl.read(run.problems, jsonl.problem_from, jsonl.BadLines()):
            seen.add(f"{problem.problem_id}\0{problem.prompt}", 0)
        return all(seen.add(f"{c.problem_id}\0{c.prompt}", 1) == 0 for c in read_candidates(run))


def _write_problems(run: RunDirectory) -> None:
    """Write the problems of a run's candidates."""
    jsonl.write(run.problems, (Problem(c.problem_id, c.prompt, c.entry_point) for c in read_candidates(run)))


def read_candidates(run: RunDirectory, bad: jsonl.BadLines | None = None) -> Iterator[Candidates]:
    """Yield the candidates of a run, in their order."""
    return jsonl.read(run.candidates, jsonl.candidates_parser(), jsonl.BadLines() if bad is None else bad)


def counted(records: Iterator[Candidates], bad: jsonl.BadLines, counts: Counter[str]) -> Iterator[Candidates]:
    """Yield what is read, and count the bad lines so far."""
    for record in records:
        counts["bad_lines"] = len(bad)
        yield record
    counts["bad_lines"] = len(bad)


def warn_of(bad: jsonl.BadLines) -> None:
    """Log the lines that were left out, if there are any."""
    if bad:
        log.warning("%d lines were left out:\n%s", len(bad), bad)


def count_problem(_: object, counts: Counter[str]) -> None:
    """Count a problem."""
    counts["problems"] += 1
