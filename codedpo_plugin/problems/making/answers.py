"""Taking answers apart: sections under headings, code in blocks. What is not of the agreed form has a reason.

The form is that of OSS-Instruct (arXiv 2312.02120, figure 2): headings in square brackets on lines of their own,
each once and in order. What a chat model says before the first heading is left out.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.problems.seeds.languages import language_named

LONGEST_ANSWER: Final = 40_000
"""Characters; a model that does not stop writes rubbish."""
FEWEST_WORDS: Final = 8
"""Words of the shortest description that can be complete."""
WIDTH: Final = 96
"""Columns of a description that becomes a documentation string."""

_HEADING: Final = re.compile(r"^[ \t#*]*\[([A-Z][A-Za-z ]*)\][ \t:*]*$", re.MULTILINE)
_BLOCK: Final = re.compile(r"^[ \t]*```[ \t]*([\w+#-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)


class Refused(Exception):  # noqa: N818 - an answer that is of no use is no error
    """An answer, or a part of it, is not as asked for; the message is the reason to count."""


def sections(answer: object, headings: Sequence[str]) -> list[str]:
    """Return the texts under some headings. Raises Refused.

    Reasons: ``answer_is_no_text``, ``answer_empty``, ``answer_too_long``, ``answer_without_<heading>``,
    ``answer_repeats_a_heading``, ``answer_out_of_order``.
    """
    if not isinstance(answer, str):
        raise Refused("answer_is_no_text")
    if not answer.strip():
        raise Refused("answer_empty")
    if len(answer) > LONGEST_ANSWER:
        raise Refused("answer_too_long")
    found = [match for match in _HEADING.finditer(answer) if match[1] in headings]
    names = [match[1] for match in found]
    for heading in headings:
        if heading not in names:
            raise Refused(f"answer_without_{heading.lower().replace(' ', '_')}")
    if len(names) > len(headings):
        raise Refused("answer_repeats_a_heading")
    if names != list(headings):
        raise Refused("answer_out_of_order")
    ends = [match.start() for match in found[1:]] + [len(answer)]
    return [answer[match.end() : end].strip() for match, end in zip(found, ends, strict=True)]


def description_in(text: str) -> str:
    """Return a description if it is one. Raises Refused: ``description_too_short``."""
    if len(text.split()) < FEWEST_WORDS:
        raise Refused("description_too_short")
    return text


def code_in(text: str, language: str) -> str:
    """Return the one code block of a section. Raises Refused.

    Reasons: ``solution_without_code``, ``solution_cut_off`` (a block that does not end),
    ``solution_in_several_blocks``, ``solution_in_another_language``.
    """
    blocks = _BLOCK.findall(text)
    if text.count("```") % 2:
        raise Refused("solution_cut_off")
    if not blocks:
        raise Refused("solution_without_code")
    if len(blocks) > 1:
        raise Refused("solution_in_several_blocks")
    tag, code = blocks[0]
    if tag and language_named(tag) != language:
        raise Refused("solution_in_another_language")
    if not code.strip():
        raise Refused("solution_without_code")
    return textwrap.dedent(code).strip("\n") + "\n"


# --------------------------------------------------------------------------- Python functions


@dataclass(frozen=True, slots=True)
class Head:
    """What is given of a function that is to be written: its name, and imports, signature and documentation."""

    name: str
    prompt: str


def head_in(code: str) -> Head:
    """Return the head of the one function in a code block, with its own documentation. Raises Refused.

    Reasons: ``task_does_not_parse``, ``task_without_one_function``, ``task_without_description``.
    """
    tree = _parse(code) or _parse(code.rstrip() + "\n    pass\n")
    if tree is None:
        raise Refused("task_does_not_parse")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1:
        raise Refused("task_without_one_function")
    description = ast.get_docstring(functions[0])
    if not description or len(description.split()) < FEWEST_WORDS:
        raise Refused("task_without_description")
    return Head(functions[0].name, _head(tree, functions[0], description))


def head_of(program: str, description: str) -> Head | None:
    """Return the head of the function that a program is about, documented by a description; None if unclear.

    That is the only function that no other one uses or, if there are several, the only one the description names.
    """
    tree = _parse(program)
    if tree is None:
        return None
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name != "main"}
    used = {
        name.id
        for own, node in functions.items()
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id in functions and name.id != own
    }
    tops = functions.keys() - used
    if len(tops) != 1:
        tops = {name for name in tops if re.search(rf"\b{re.escape(name)}\b", description)}
    if len(tops) != 1:
        return None
    (name,) = tops
    return Head(name, _head(tree, functions[name], description))


def _parse(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except Parsed:
        return None


def _head(tree: ast.Module, function: ast.FunctionDef, description: str) -> str:
    """Return imports, signature and documentation as a model that continues code is shown them."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    indent = "    "
    shown = "\n".join(_wrapped(line) for line in description.strip().split("\n"))
    documentation = ast.Expr(ast.Constant(f"\n{textwrap.indent(shown, indent)}\n{indent}"))
    function.body, function.decorator_list = [documentation], []
    parts = ["\n".join(map(ast.unparse, imports))] if imports else []
    return "\n\n\n".join([*parts, ast.unparse(function)]) + "\n"


def _wrapped(line: str) -> str:
    """Return a line of prose broken into lines; indented lines and examples stay as they are."""
    if len(line) <= WIDTH or line.startswith((" ", "\t", ">>>", "|")):
        return line
    return textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
