"""Where a side of a comparison comes from: results of ours, logs of lm-eval, sample files and results of EvalPlus.

What this package has judged is read as it is. What another tool has judged, or nobody, is judged again in the
engine, so that both sides of a comparison are judged by the same rules. A file of which a line cannot be used is
refused: what is missing would change the denominators.
"""

from __future__ import annotations

import ast
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, read_result
from codedpo_plugin.evaluation.run import Samples, judge_samples, read_samples
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.formats import jsonl
from codedpo_plugin.formats.files import open_bytes
from codedpo_plugin.generation.extraction import extract_solution
from codedpo_plugin.importing.evalplus_logs import read_eval_results
from codedpo_plugin.importing.lm_eval_logs import ID_FIELDS, answer_form, log_entry, prompt_of, task_of
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import Suite, SuiteProblem

log = logging.getLogger(__name__)

OURS: Final = "codedpo_"
"""What the names of this package's lm-eval tasks begin with."""
NO_RESULTS: Final = ("codedpo_pairs", "codedpo_oss_instruct", "codedpo_concepts", "codedpo_evol_instruct")
"""Tasks of ours that judge nothing."""

KINDS: Final = (
    "a directory with eval/*.json (`codedpo evaluate -o`), a directory or file of lm-eval's samples_*.jsonl "
    "(`lm_eval --log_samples --output_path`), EvalPlus's samples (.jsonl) or its eval_results.json"
)


@dataclass(frozen=True)
class Judge:
    """How samples are judged that this package has not judged yet."""

    suite: Suite | None = None
    """What they answer; without it they are refused."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    execute: ExecuteConfig = field(default_factory=ExecuteConfig)
    sandboxes: Mapping[str, Sandbox] = field(default_factory=dict)
    ks: tuple[int, ...] = (1,)

    @cached_property
    def problems(self) -> list[SuiteProblem]:
        """Return the problems of the suite, loaded once for both sides."""
        return self.suite.load(self.metadata) if self.suite else []

    def known(self, path: Path) -> tuple[Suite, dict[str, Problem]]:
        """Return the suite and its problems by id. Raises UsageError when no suite was named."""
        if self.suite is None:
            raise UsageError(f"{path}: these samples have to be judged first; name their suite with --suite")
        loaded = replace(self.suite, load=lambda _: self.problems)
        return loaded, {p.problem.problem_id: p.problem for p in self.problems}

    def result(self, suite: Suite, samples: Samples, path: Path) -> SuiteResult:
        """Judge samples. Raises EvaluationError when a line of their file could not be used."""
        refuse_bad(path, samples.bad)
        judged = judge_samples(suite, samples, self.metadata, self.execute, self.sandboxes, self.ks)
        return replace(judged, model={"samples": path.name})


def read_side(path: Path, judge: Judge) -> dict[str, SuiteResult]:
    """Return the results of one side by suite; only of the judge's suite if it has one.

    Raises EvaluationError for what is damaged or of no known kind, UsageError where a suite has to be named.
    """
    if not path.exists():
        raise EvaluationError(f"{path}: there is no such file or directory; expected is {KINDS}")
    if not path.is_dir():
        found = [_read_file(path, judge)]
    elif any((path / "eval").glob("*.json")):
        found = [*read_results(path).values()]
    else:
        found = _read_logs(path, judge)
    wanted = {r.suite: r for r in found if judge.suite is None or r.suite == judge.suite.name}
    if judge.suite and not wanted:
        raise EvaluationError(
            f"{path}: no results of suite {judge.suite.name!r}; it has {', '.join(r.suite for r in found)}"
            f"{_related(judge.suite, found)}"
        )
    return wanted


def _related(suite: Suite, found: Sequence[SuiteResult]) -> str:
    """Return what to do where there are results of the whole of which a suite is a part, or of another part."""
    ids = (sample.problem_id for result in found for sample in result.samples)
    if not suite.prefix or not any(problem_id.startswith(suite.prefix) for problem_id in ids):
        return ""
    return f". A whole and its parts are suites of their own: make one with `codedpo evaluate --suite {suite.name}`"


def read_results(folder: Path) -> dict[str, SuiteResult]:
    """Return the results in a directory's ``eval`` folder by suite. Raises EvaluationError when there are none."""
    files = sorted((folder / "eval").glob("*.json")) if folder.is_dir() else []
    if not files:
        raise EvaluationError(f"{folder}: no results under eval/; make them with `codedpo evaluate … -o {folder}`")
    return {result.suite: result for result in map(read_result, files)}


def refuse_bad(path: Path, bad: jsonl.BadLines) -> None:
    """Raise EvaluationError if lines of a file could not be used."""
    if bad:
        raise EvaluationError(
            f"{path}: {len(bad)} lines cannot be used, and leaving them out would change what is compared:\n{bad}\n"
            "Mend the file, or make results of the rest with `codedpo evaluate --samples`."
        )


def _read_file(path: Path, judge: Judge) -> SuiteResult:
    """Return the result in, or of, one file."""
    if path.suffix == ".json":
        return _read_evalplus(path, judge) if "eval" in _read_json(path) else read_result(path)
    return _read_log(path, judge) if _is_log(path) else _read_samples(path, judge)


def _is_log(path: Path) -> bool:
    """Return whether a file's first line is one of lm-eval's sample logs."""
    with open_bytes(path) as handle:
        return b'"resps"' in handle.readline()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path}: not JSON: {error} (is the file complete?)") from error
    return data if isinstance(data, dict) else {}


# --------------------------------------------------------------------------- EvalPlus


def _read_samples(path: Path, judge: Judge) -> SuiteResult:
    suite, known = judge.known(path)
    return judge.result(suite, read_samples(path, [*known], suite.prefix), path)


def _read_evalplus(path: Path, judge: Judge) -> SuiteResult:
    """Judge the solutions in EvalPlus's results again: its own verdicts follow other limits."""
    suite, known = judge.known(path)
    answers = {task: tuple(e["solution"] for e in own) for task, own in read_eval_results(path).items()}
    _require_known(path, answers, known, suite)
    return judge.result(suite, Samples(answers, "solutions", jsonl.BadLines()), path)


def _require_known(path: Path, answers: Mapping[str, object], known: Mapping[str, Problem], suite: Suite) -> None:
    unknown = [task for task in answers if task not in known]
    if unknown or not answers:
        named = f"tasks that are not in it: {', '.join(unknown[:3])}" if unknown else "no sample"
        raise EvaluationError(f"{path}: not samples of suite {suite.name!r}, it has {named}")


# --------------------------------------------------------------------------- lm-eval


def _read_logs(folder: Path, judge: Judge) -> list[SuiteResult]:
    """Return the results of every log in a folder that is wanted, the newest of each task."""
    files = [f for f in sorted(folder.rglob("samples_*.jsonl")) if task_of(f) not in NO_RESULTS]
    if not files:
        raise EvaluationError(f"{folder}: nothing to compare in it; expected is {KINDS}")
    newest = {task_of(file): file for file in files}  # names end in the date
    folders = {file.parent for file in files}
    if len(folders) > 1:
        raise EvaluationError(f"{folder}: holds several runs, name one: {', '.join(map(str, sorted(folders)))}")
    if len(newest) < len(files):
        log.info("%s: the newest log of each task is read: %s", folder, ", ".join(f.name for f in newest.values()))
    own = {task: file for task, file in newest.items() if task.startswith(OURS)}
    foreign = [file for file in newest.values() if file not in own.values()]
    if judge.suite:
        own = {task: file for task, file in own.items() if task == f"{OURS}{judge.suite.name}"}
    if own:
        _tell_ignored(folder, foreign)
        return [_read_log(file, judge) for file in own.values()]
    if len(foreign) != 1:
        raise UsageError(f"{folder}: give one of the logs in it: {', '.join(map(str, newest.values()))}")
    return [_read_log(foreign[0], judge)]


def _tell_ignored(folder: Path, foreign: list[Path]) -> None:
    """Log that logs of other tasks lie beside ours; to be compared they have to be named."""
    if foreign:
        names = ", ".join(file.name for file in foreign)
        log.warning("%s: not read, as there are logs of tasks of ours: %s; name one with --suite", folder, names)


def _read_log(path: Path, judge: Judge) -> SuiteResult:
    bad = jsonl.BadLines()
    entries = list(jsonl.read(path, log_entry, bad, unique=False))
    refuse_bad(path, bad)
    config = _task_config(path, entries)
    if task_of(path).startswith(OURS):
        return _own_result(path, entries, config)
    suite, known = judge.known(path)
    return judge.result(suite, _foreign_samples(path, entries, suite, known), path)


def _task_config(path: Path, entries: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what lm-eval wrote about a log's task beside it; nothing where that file is gone.

    Raises EvaluationError when the log lacks documents that the run had.
    """
    task, date = task_of(path), path.stem.rpartition("_")[2]
    beside = path.with_name(f"results_{date}.json")
    if not beside.exists():
        return {}
    data = _read_json(beside)
    expected = data.get("n-samples", {}).get(task, {}).get("effective")
    documents = len({entry.get("doc_id") for entry in entries})
    if expected not in (None, documents):
        raise EvaluationError(f"{path}: has {documents} of the {expected} documents of the run: is it complete?")
    config: Mapping[str, Any] = data.get("configs", {}).get(task, {})
    return config


def _own_result(path: Path, entries: list[Mapping[str, Any]], config: Mapping[str, Any]) -> SuiteResult:
    """Return the result that a task of this package has logged."""
    try:
        samples = tuple(
            SampleResult(**ast.literal_eval(one) if isinstance(one, str) else one)
            for entry in entries
            for one in entry["filtered_resps"][0]
        )
        versions = {str(entry["doc"].get("suite_version", "")) for entry in entries}
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError) as error:
        raise EvaluationError(f"{path}: not a log of a task of ours: {type(error).__name__}: {error}") from error
    if not samples or len(versions) != 1:
        raise EvaluationError(
            f"{path}: {'no sample' if not samples else 'samples of several versions of the suite'}"
        )
    metadata = {name: value for name, value in config.get("metadata", {}).items() if name != "baseline"}
    suite, ks = task_of(path).removeprefix(OURS), tuple(metadata.get("ks", (1,)))
    return SuiteResult(suite, {"samples": path.name}, samples, ks, (), metadata, versions.pop())


def _foreign_samples(
    path: Path, entries: list[Mapping[str, Any]], suite: Suite, known: Mapping[str, Problem]
) -> Samples:
    """Return the programs in the log of another task over problems of the suite; what is no program fails.

    Tasks that the suite lacks are left out, and logged: of lm-eval's 500 in ``mbpp`` EvalPlus has kept a part.
    """
    answers: dict[str, tuple[str, ...]] = {}
    counts: Counter[str] = Counter()
    left_out: dict[str, None] = {}
    for entry in entries:
        problem_id = _problem_id(entry["doc"], known)
        problem = known.get(problem_id)
        if problem is None:
            left_out[problem_id] = None
        elif problem_id not in answers:  # one line per filter; the responses are the same
            form = answer_form(prompt_of(entry))
            programs = (extract_solution(problem, text, form, suite.stop, counts) for text in entry["resps"][0])
            answers[problem_id] = tuple(program or "" for program in programs)
    _require_known(path, answers or left_out, known, suite)
    if left_out:
        told = path, len(left_out), len(left_out) + len(answers), suite.name, ", ".join([*left_out][:3])
        log.warning("%s: %d of its %d tasks are not in suite %r and are left out: %s, …", *told)
    if counts:
        log.info("%s: %s", path, ", ".join(f"{name} {number}" for name, number in sorted(counts.items())))
    return Samples(answers, "solutions", jsonl.BadLines())


def _problem_id(doc: Mapping[str, Any], known: Mapping[str, Problem]) -> str:
    """Return the suite's id of a document; MBPP's documents have the number only."""
    given = str(next((doc[name] for name in ID_FIELDS if name in doc), "a document without an id"))
    return given if given in known else next((i for i in (f"Mbpp/{given}",) if i in known), given)
