"""The run in a sentence and a few numbers. A difference is claimed only where its interval excludes none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.records import PairKind, Verdict
from codedpo_plugin.report.data import MatrixFacts, ReportData
from codedpo_plugin.report.suites import NOTHING, SuiteFacts


@dataclass(frozen=True, slots=True)
class Word:
    """A part of the headline; numbers stand out."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A number with its name and what is to be known about it."""

    value: str
    name: str
    detail: str = ""


def headline(data: ReportData) -> tuple[Word, ...]:
    """Return the sentence about the run: what training changed, or how far the run has come."""
    compared = next((suite for suite in data.suites if suite.compared and suite.metrics), None)
    if compared is not None:
        return tuple(_change(compared))
    if data.pairs.total:
        problems = data.matrices.problems if data.matrices else 0
        return (
            Word(_count(data.pairs.total, "preference pair"), strong=True),
            Word(f" from {_count(problems, 'problem')}, without a ground-truth test." if problems else "."),
        )
    if data.matrices:
        state = "no pair made" if data.paired else "no pairs yet"
        return Word(_count(data.matrices.total, "cell"), strong=True), Word(f" run, {state}.")
    return (Word("This run has only begun."),)


def _change(suite: SuiteFacts) -> Iterator[Word]:
    """Yield what training did on one suite."""
    sides = (
        (name, suite.before.get(name, NOTHING).value, suite.after.get(name, NOTHING).value)
        for name in suite.metrics
    )
    known = next((side for side in sides if not math.isnan(side[1] + side[2])), None)
    if known is None:
        yield Word(f"{suite.suite} was evaluated before and after training, with nothing in common.")
        return
    metric, before, after = known
    yield from _moved(f"{metric} on {suite.suite}", before, after, suite.differences.get(metric, NOTHING))
    speed = suite.mean_speedup
    if math.isnan(speed.value):
        yield Word(".")
    elif speed.low > 1 or speed.high < 1:
        yield Word("; what both models solve runs ")
        yield Word(times(speed.value), strong=True)
        yield Word(" as fast.")
    else:
        yield Word("; its speed shows no certain change.")


def _moved(what: str, before: float, after: float, difference: Estimate) -> Iterator[Word]:
    """Yield how a metric moved."""
    number = Word(f"{after:.2f}", strong=True)
    if difference.low > 0 or difference.high < 0:
        yield Word(f"Training {'raised' if difference.low > 0 else 'lowered'} {what} from {before:.2f} to ")
        yield number
    else:
        uncertain = "No certain change in " if difference.n else ""
        yield Word(f"{uncertain}{what}: {before:.2f} before training, ")
        yield number
        yield Word(" after")


def key_figures(data: ReportData) -> tuple[KeyFigure, ...]:
    """Return the numbers below the headline."""
    return (*_matrix_figures(data), *_pair_figures(data), *_suite_figures(data))


def _matrix_figures(data: ReportData) -> Iterator[KeyFigure]:
    if data.matrices:
        found = data.matrices
        yield KeyFigure(f"{found.problems:,}", _plural(found.problems, "problem"), _shape(found))
        passed = found.cells.get(Verdict.PASS, 0)
        yield KeyFigure(
            f"{passed / found.total:.0%}" if found.total else "–", "of cells pass", f"of {found.total:,}"
        )


def _shape(found: MatrixFacts) -> str:
    return f"{found.solutions:,} solutions, {found.tests:,} tests"


def _pair_figures(data: ReportData) -> Iterator[KeyFigure]:
    for kind in PairKind:
        count = data.pairs.counts.get(kind, 0)
        if count or data.pairs.total:
            problems, paired = data.matrices.problems if data.matrices else 0, data.pairs.problems.get(kind, 0)
            detail = f"from {paired / problems:.0%} of the problems" if problems else ""
            yield KeyFigure(f"{count:,}", f"{kind} {_plural(count, 'pair')}", detail)


def _suite_figures(data: ReportData) -> Iterator[KeyFigure]:
    for suite in data.suites[:1]:
        for metric, difference in list(suite.differences.items())[:1]:
            if not math.isnan(difference.value):
                yield KeyFigure(
                    f"{difference.value:+.3f}", f"{metric}, {suite.suite}", interval(difference, "+.3f")
                )
        if not math.isnan(suite.mean_speedup.value):
            yield KeyFigure(times(suite.mean_speedup.value), "mean speedup", interval(suite.mean_speedup, ".2f"))


def interval(estimate: Estimate, form: str = ".3f") -> str:
    """Return an interval and the number of problems behind it."""
    if math.isnan(estimate.low):
        return f"n\u00a0=\u00a0{estimate.n:,}"
    return f"{estimate.low:{form}} to {estimate.high:{form}}, n\u00a0=\u00a0{estimate.n:,}"


def times(factor: float) -> str:
    """Return a factor as it is read: two decimals of a small one, whole numbers of a large one."""
    return f"{factor:.2f}×" if factor < 10 else f"{factor:,.0f}×"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {_plural(number, noun)}"


def _plural(number: int, noun: str) -> str:
    return noun if number == 1 else f"{noun}s"
