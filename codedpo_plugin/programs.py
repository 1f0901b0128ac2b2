"""Programs as texts: when two are the same, and what of one answers a prompt."""

from __future__ import annotations

import ast
from functools import lru_cache

from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.records import PreferencePair, SolutionForm

_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@lru_cache(maxsize=256)  # a problem's pairs ask for the same few programs again and again
def normalise(program: str) -> str:
    """Return a form in which programs that differ only in layout, comments or docstrings are equal.

    A program that does not parse is compared by its text without trailing white space.
    """
    try:
        tree = ast.parse(program)
        for node in ast.walk(tree):
            if isinstance(node, _DOCUMENTED):
                _drop_docstring(node)
        return ast.unparse(tree)
    except Parsed:
        return "\n".join(line.rstrip() for line in program.strip().splitlines())


def _drop_docstring(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        rest = node.body[1:]
        node.body = rest if rest or isinstance(node, ast.Module) else [ast.Pass()]


def answer_to(prompt: str, program: str, entry_point: str | None) -> str:
    """Return what a model that continues ``prompt`` would have to write to give ``program``.

    That is the rest of the program where it contains the end of the prompt (the sanitizer may have moved or
    dropped imports in front of it), and otherwise the whole program. :func:`form_of` tells which.
    """
    if program.startswith(prompt):
        return program[len(prompt) :]
    start = prompt.rfind(f"def {entry_point}") if entry_point else -1
    tail = prompt[start:].rstrip() if start >= 0 else ""
    if not tail or program.count(tail) != 1:
        return program
    head, _, rest = program.partition(tail)
    if not _parts(head) <= _parts(prompt[:start]):
        return program
    _, line_end, indent = prompt[start + len(tail) :].rpartition("\n")
    answer = rest.lstrip("\n").removeprefix(indent) if line_end else rest  # else the prompt ends within a line
    return answer if normalise(prompt[start:] + answer) == normalise(tail + rest) else program


def form_of(program: str, answer: str) -> SolutionForm:
    """Return what :func:`answer_to` gave for a program: all of it, or the rest of the prompt."""
    return SolutionForm.PROGRAM if answer == program else SolutionForm.COMPLETION


def program_from(prompt: str, answer: str, form: SolutionForm | None) -> str:
    """Return the program that an answer to a prompt makes: the inverse of :func:`answer_to`.

    The text alone does not tell: ``y = 2`` after ``x = 1`` is a whole program, or the second line of one. So pairs
    say what their answers are (``form``). An answer that does not say it continues the prompt if its first line
    is indented, or if the prompt ends within a line and both together are Python.
    """
    completes = _seems_to_complete(prompt, answer) if form is None else form is SolutionForm.COMPLETION
    return prompt + answer if completes else answer


def programs_of(pair: PreferencePair) -> tuple[str, str]:
    """Return the chosen and the rejected program of a pair, whole."""
    return (
        program_from(pair.prompt, pair.chosen, pair.chosen_form),
        program_from(pair.prompt, pair.rejected, pair.rejected_form),
    )


def _seems_to_complete(prompt: str, answer: str) -> bool:
    if answer.lstrip("\r\n")[:1].isspace():
        return True
    return not prompt.endswith("\n") and _parses(prompt + answer)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except Parsed:
        return False
    return True


def _parts(code: str) -> set[str]:
    """Return the top-level statements of a piece of code, normalised; the text itself if it does not parse."""
    try:
        return {ast.unparse(statement) for statement in ast.parse(code).body}
    except Parsed:
        return {code}
