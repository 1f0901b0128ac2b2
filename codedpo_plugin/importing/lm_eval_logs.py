"""Candidates from the sample logs of ``lm_eval --log_samples``.

Any code task will do: solutions are the responses (all of them, where the task has repeats), tests come from the
document (HumanEval's ``test``, MBPP's ``test_list``), from the second request of ``codedpo_pairs``, or from a file.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.errors import InputError
from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.formats import jsonl
from codedpo_plugin.generation.extraction import extract_solution, extract_tests
from codedpo_plugin.importing import Imported
from codedpo_plugin.records import Candidates, Problem
from codedpo_plugin.suites.micro import STOP

ID_FIELDS: Final = ("problem_id", "task_id")
MOST_TESTS: Final = 1_000


def read_lm_eval(path: Path, tests: Path | None = None, form: PromptForm = "base") -> Imported:
    """Return the candidates in a sample log, or in all logs (``samples_*.jsonl``) below a folder.

    ``form`` says whether responses continue the prompt or are answers with code blocks. ``tests`` names a
    ``candidates.jsonl`` whose tests are used for problems of the same id. Raises InputError if nothing is found.
    """
    files = sorted(path.rglob("samples_*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no samples_*.jsonl below it; was lm_eval run with --log_samples?")
    imported = Imported()
    extra = _tests_by_problem(tests, imported) if tests else {}
    seen: set[str] = set()
    for file in files:
        for entry in jsonl.read(file, log_entry, imported.bad, unique=False):
            problem_id = _problem_id(entry, task_of(file))
            if problem_id in seen:  # one line per filter; the responses are the same
                imported.counts["repeated_lines"] += 1
                continue
            seen.add(problem_id)
            _add(entry, problem_id, task_of(file), extra.get(problem_id, ()), form, imported)
    if not imported.candidates:
        raise InputError(f"{path}: no problem with solutions and tests. {imported.summary()}")
    return imported


def log_entry(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check that a line is a sample of a generation task."""
    doc, responses = value["doc"], value["resps"]
    if not isinstance(doc, dict):
        raise TypeError("field 'doc' has to be an object")
    if not isinstance(responses, list) or not responses or not all(isinstance(r, list) for r in responses):
        raise TypeError("field 'resps' has to be a list of lists of responses")
    if not all(isinstance(text, str) for r in responses for text in r):
        raise TypeError("the responses are not texts: not a generation task")
    return value


def task_of(file: Path) -> str:
    """Return the task a log is of; its name is ``samples_<task>_<date>.jsonl``."""
    return file.stem.removeprefix("samples_").rpartition("_")[0] or file.stem


def _problem_id(entry: Mapping[str, Any], task: str) -> str:
    """Return the id in the document; where there is none, the number of the document in its task."""
    doc = entry["doc"]
    return str(next((doc[name] for name in ID_FIELDS if name in doc), f"{task}/{entry.get('doc_id')}"))


def answer_form(prompt: str, form: PromptForm = "base") -> PromptForm:
    """Return what answers to a prompt are: tasks asked for in prose are answered as a whole, in any ``form``."""
    for end in ("", "\n    pass"):
        try:
            ast.parse(prompt.rstrip() + end)
        except Parsed:
            continue
        return form
    return "chat"


def _add(
    entry: Mapping[str, Any],
    problem_id: str,
    task: str,
    extra: tuple[str, ...],
    form: PromptForm,
    imported: Imported,
) -> None:
    """Add the candidates of one document, or count why it has none."""
    doc, responses = entry["doc"], entry["resps"]
    prompt = prompt_of(entry)
    entry_point = doc.get("entry_point") or None
    problem = Problem(problem_id, prompt, entry_point)
    whole = answer_form(prompt, form)
    found = [extract_solution(problem, text, whole, STOP, imported.counts) for text in responses[0]]
    solutions = tuple(program for program in found if program is not None)
    # A base model's test prompt ends in the word that begins the first assertion.
    asked = [f"assert{text}" if form == "base" else text for own in responses[1:2] for text in own]
    texts = [*asked, *_document_tests(doc, entry_point), *extra]
    tests = extract_tests(entry_point, texts, MOST_TESTS, imported.counts)
    if not solutions or not tests:
        imported.counts["problem_without_" + ("solutions" if not solutions else "tests")] += 1
        return
    imported.counts.update(solutions=len(solutions), tests=len(tests))
    generator = {"imported_from": "lm-eval", "task": task}
    imported.candidates.append(Candidates(problem_id, prompt, entry_point, solutions, tests, generator))


def prompt_of(entry: Mapping[str, Any]) -> str:
    """Return the prompt in a line's document, else the one that was sent to the model."""
    prompt = entry["doc"].get("prompt")
    if isinstance(prompt, str):
        return prompt
    arguments = entry.get("arguments")
    if isinstance(arguments, dict):  # as the log file has it
        return str(arguments.get("gen_args_0", {}).get("arg_0", ""))
    return str(arguments[0][0]) if arguments else ""


def _document_tests(doc: Mapping[str, Any], entry_point: str | None) -> list[str]:
    """Return the tests in a document: MBPP's list, or the assertions of HumanEval's ``check(candidate)``."""
    if isinstance(doc.get("test_list"), list):
        return [str(test) for test in doc["test_list"]]
    if isinstance(doc.get("test"), str) and entry_point:
        return check_assertions(doc["test"], entry_point)
    return []


def check_assertions(source: str, entry_point: str) -> list[str]:
    """Return the plain assertions of HumanEval's ``check(candidate)``, with the entry point for ``candidate``."""
    try:
        tree = ast.parse(source)
    except Parsed:
        return []
    checks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check"]
    for node in (n for check in checks for n in ast.walk(check) if isinstance(n, ast.Name)):
        node.id = entry_point if node.id == "candidate" else node.id
    return [ast.unparse(s) for check in checks for s in check.body if isinstance(s, ast.Assert)]


def _tests_by_problem(path: Path, imported: Imported) -> dict[str, tuple[str, ...]]:
    """Return the tests in a file by problem."""

    def parse(value: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        return jsonl.text_field(value, "problem_id"), jsonl.texts_field(value, "tests")

    return dict(jsonl.read(path, parse, imported.bad))
