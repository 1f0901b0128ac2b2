"""How an assertion is judged without trusting the program it is about.

``assert f(2) == 4`` is cut into what only the program can answer (the value of ``f(2)``) and what must not be
left to it (whether that equals 4). The first part becomes a :class:`Check` for the program's process; the second
is a :class:`Judgement`, applied to the value outside. The expected value never enters the program's process.

Three ways of judging, tried in this order:

* *literal*: the value is compared with a literal, on the host;
* *clean*: an expression over the value is evaluated in a confined process that never saw the program
  (``assert abs(f(2) - 4) < 1e-6``); a value that cannot leave the program's process does not pass;
* *inside*: the assertion cannot be cut, because it calls the program with values that exist only while it runs
  (``assert all(f(x) == x for x in range(3))``) or needs a name that only the program can have defined
  (``assert same(f(2), 4)``). It runs in the program's process, and the record says so.
"""

from __future__ import annotations

import ast
import builtins
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import isfinite
from typing import Any, Final

from codedpo_plugin.execution.requests import Check, Mode
from codedpo_plugin.execution.wire import Array, Opaque

PLACEHOLDER: Final = "_answers"
"""The name under which the values of the program's calls appear in a clean judgement."""

Parsed = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing text of unknown origin may raise."""


class Relation(StrEnum):
    """What a literal judgement asks of the value."""

    EQUAL = "=="
    UNEQUAL = "!="
    IS = "is"
    IS_NOT = "is not"
    TRUE = "true"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a value becomes a verdict: one of ``relation``, ``oracle`` and ``clean`` is set, or none: inside."""

    relation: Relation | None = None
    expected: Any = None
    oracle: Callable[[Any], bool] | None = None
    """A trusted function of the value, for suites whose answers are not plainly equal or unequal."""
    surely: Callable[[str], bool] | None = None
    """With an oracle: says of an encoded value that it is right, so that it need not be decoded; or False."""
    clean: str | None = None
    """An expression over ``_answers``, a tuple."""


@dataclass(frozen=True, slots=True)
class TestPlan:
    """A test, cut in two."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    source: str
    check: Check
    judgement: Judgement

    @property
    def inside(self) -> bool:
        """Return whether the program's own process has the last word."""
        return self.check.mode is Mode.INSIDE


def plan_test(source: str, entry_point: str | None = None) -> TestPlan:
    """Cut a test in two. A test that does not parse is planned as inside, where it will raise."""
    inside = TestPlan(source, Check(source, Mode.INSIDE), Judgement())
    try:
        body = ast.parse(source).body
        if len(body) != 1 or not isinstance(body[0], ast.Assert):
            return inside
        condition = body[0].test
        return _literal(source, condition, entry_point) or _clean(source, condition, entry_point) or inside
    except Parsed:
        return inside


_RELATIONS: Final = {
    ast.Eq: Relation.EQUAL,
    ast.NotEq: Relation.UNEQUAL,
    ast.Is: Relation.IS,
    ast.IsNot: Relation.IS_NOT,
}


def _literal(source: str, condition: ast.expr, entry_point: str | None) -> TestPlan | None:
    """Plan a comparison of one value with one literal, or the truth of one call; None if it is neither."""
    relation, value, expected = Relation.TRUE, condition, None
    if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
        relation, value = Relation.FALSE, condition.operand
    if isinstance(condition, ast.Compare) and len(condition.ops) == 1 and type(condition.ops[0]) in _RELATIONS:
        relation = _RELATIONS[type(condition.ops[0])]
        sides = [condition.left, condition.comparators[0]]
        literals = [is_literal(side) for side in sides]
        if literals[0] == literals[1]:
            return None
        value, expected = sides[literals.index(False)], ast.literal_eval(sides[literals.index(True)])
        if relation in (Relation.IS, Relation.IS_NOT) and expected not in (None, True, False):
            return None
        if _decides(value, entry_point):
            return None
    elif not _calls(value, entry_point):
        return None
    return TestPlan(source, Check(ast.unparse(value)), Judgement(relation, expected))


def _calls(node: ast.expr, entry_point: str | None) -> bool:
    """Return whether an expression is a call of the entry point and nothing more."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry_point


def _decides(node: ast.expr, entry_point: str | None) -> bool:
    """Return whether an expression decides something about the program's values, which is not for it to decide."""
    if _calls(node, entry_point):
        return False
    return any(
        isinstance(n, (ast.Compare, ast.BoolOp, ast.Not)) or (isinstance(n, ast.Name) and n.id in _PREDICATES)
        for n in ast.walk(node)
    )


_PREDICATES: Final = frozenset({"all", "any", "bool", "callable", "hasattr", "isinstance", "issubclass"})


def is_literal(node: ast.expr) -> bool:
    """Return whether an expression is a literal that :func:`ast.literal_eval` reads."""
    try:
        ast.literal_eval(node)
    except (*Parsed, TypeError):
        return False
    return True


def _clean(source: str, condition: ast.expr, entry_point: str | None) -> TestPlan | None:
    """Plan an assertion whose calls of the entry point can be taken out of it; None if they cannot."""
    if entry_point is None:
        return None
    cutter = _Cutter(entry_point)
    remainder = cutter.visit(condition)
    if not cutter.calls or cutter.entangled or _beyond_builtins(remainder):
        return None
    values = ast.unparse(ast.Tuple([*cutter.calls], ast.Load()))
    return TestPlan(source, Check(values), Judgement(clean=ast.unparse(remainder)))


def _beyond_builtins(remainder: ast.expr) -> bool:
    """Return whether a clean process is sure to fail, for lack of a name that only the program can have defined.

    To find out there would be to compute the answers twice, as the assertion itself looks such names up first.
    """
    bound = {n.id for n in ast.walk(remainder) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return not bound.union(dir(builtins), (PLACEHOLDER,)).issuperset(_looked_up(remainder))


def _looked_up(node: ast.AST) -> Iterator[str]:
    """Yield the names that an expression looks up whatever the values are."""
    parts: Iterable[ast.AST] = ()
    match node:
        case ast.Name():
            yield node.id
        case ast.BoolOp(values=[first, *_]) | ast.IfExp(test=first):
            parts = [first]
        case ast.Compare(left=left, comparators=[first, *_]):
            parts = [left, first]
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            pass
        case _:
            parts = ast.iter_child_nodes(node)
    for part in parts:
        yield from _looked_up(part)


class _Cutter(ast.NodeTransformer):
    """Replaces each outermost call of the entry point by ``_answers[i]``."""

    def __init__(self, entry_point: str) -> None:
        self.entry_point = entry_point
        self.calls: list[ast.expr] = []
        self.entangled = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Take the call out if it is one of the entry point."""
        if not _calls(node, self.entry_point):
            return self.generic_visit(node)
        self.calls.append(node)
        index = ast.Constant(len(self.calls) - 1)
        return ast.Subscript(ast.Name(PLACEHOLDER, ast.Load()), index, ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Note a use of the entry point that is not a call: it cannot be judged without the program."""
        self.entangled |= node.id == self.entry_point
        return node

    def _scope(self, node: ast.AST) -> ast.AST:
        """Note calls in a scope of its own: their arguments may be names that exist only there."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        self.entangled |= self.entry_point in names
        return node

    visit_Lambda = visit_NamedExpr = _scope  # noqa: N815 - the names ast.NodeVisitor looks for
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _scope  # noqa: N815 - idem


def judge_on_host(judgement: Judgement, value: Any) -> bool:
    """Return whether a value, made of built-ins, satisfies a literal judgement or an oracle."""
    if judgement.oracle is not None:
        return judgement.oracle(value)
    match judgement.relation:
        case Relation.EQUAL:
            return bool(value == judgement.expected)
        case Relation.UNEQUAL:
            return bool(value != judgement.expected)
        case Relation.IS:
            return value is judgement.expected
        case Relation.IS_NOT:
            return value is not judgement.expected
        case Relation.TRUE:
            return bool(value)
        case _:
            return not value


def clean_expression(judgement: Judgement, value: Any) -> str | None:
    """Return the expression to evaluate in a clean process, values filled in; None if they have no source."""
    literal = to_source(value)
    if literal is None or judgement.clean is None:
        return None
    return f"(lambda {PLACEHOLDER}: bool({judgement.clean}))({literal})"


def to_source(value: Any) -> str | None:
    """Return an expression that evaluates to a built-in value, or None for one that has none."""
    match value:
        case Array():
            items = to_source(value.items)
            return items and f"__import__('numpy').array({items})"
        case Opaque():
            return None
        case int() if not -(1 << 2000) < value < (1 << 2000):
            return hex(value)  # decimal digits are limited, see sys.set_int_max_str_digits
        case bool() | int() | str() | bytes() | None | bytearray():
            return repr(value)
        case range():
            return f"range({to_source(value.start)}, {to_source(value.stop)}, {to_source(value.step)})"
        case float():
            return repr(value) if isfinite(value) else f"float('{value}')"
        case complex():
            return f"complex({to_source(value.real)}, {to_source(value.imag)})"
        case Decimal():
            return f"__import__('decimal').Decimal('{value}')"
        case Fraction():
            return f"__import__('fractions').Fraction({to_source(value.numerator)}, {to_source(value.denominator)})"
    return _container_source(value)


def _container_source(value: Any) -> str | None:
    """Return the source of a container, or None if a part of it has none."""
    if isinstance(value, dict):
        pairs = [(to_source(k), to_source(v)) for k, v in value.items()]
        return None if any(None in pair for pair in pairs) else "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    parts = [to_source(item) for item in value]
    if None in parts:
        return None
    inner = ", ".join(part for part in parts if part is not None)
    if isinstance(value, tuple):
        return f"({inner},)" if parts else "()"
    return _BUILDERS[type(value)].format(f"[{inner}]")


_BUILDERS: Final[dict[type, str]] = {
    list: "{}",
    set: "set({})",
    frozenset: "frozenset({})",
    deque: "__import__('collections').deque({})",
    type({}.keys()): "dict.fromkeys({}).keys()",
    type({}.values()): "dict(enumerate({})).values()",
    type({}.items()): "dict({}).items()",
}
"""Sources of containers, given that of a list of what they hold."""
