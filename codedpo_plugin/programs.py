"""Programs as texts: when two are the same, and what of one answers a prompt."""

from __future__ import annotations

import ast
from functools import lru_cache

from codedpo_plugin.execution.assertions import Parsed

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
    dropped imports in front of it), and otherwise the whole program.
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
    if not line_end:  # the prompt ends in the middle of a line
        return rest
    rest = rest.lstrip("\n")
    return rest.removeprefix(indent) if rest.startswith(indent) else program


def _parts(code: str) -> set[str]:
    """Return the top-level statements of a piece of code, normalised; the text itself if it does not parse."""
    try:
        return {ast.unparse(statement) for statement in ast.parse(code).body}
    except Parsed:
        return {code}
