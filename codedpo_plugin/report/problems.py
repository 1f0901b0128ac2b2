"""The problems that are shown one by one: the matrix by score, how the scores settled, the pairs' programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.programs import answer_to
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair, Scores, Verdict
from codedpo_plugin.report.convergence import iterates, trajectory
from codedpo_plugin.report.diff import visible
from codedpo_plugin.report.sample import Outline, PairOutline
from codedpo_plugin.rundir import RunDirectory

MOST_ROWS: Final = 100
"""Solutions, and tests, that a matrix shows; of more, the best and the worst half of that number."""
MOST_PAIRS: Final = 4
"""Pairs of a problem that are shown."""
LONGEST_TEST: Final = 240
LONGEST_PROMPT: Final = 4_000

LETTERS: Final[Mapping[int, str]] = {
    Verdict.PASS: "P",
    Verdict.FAIL: "F",
    Verdict.ERROR: "E",
    Verdict.TIMEOUT: "T",
    Verdict.MEMORY: "M",
    Verdict.CRASH: "C",
    Verdict.FORBIDDEN: "X",
    Verdict.NOT_RUN: "-",
}
"""One letter a verdict, for tables."""


@dataclass(frozen=True, slots=True)
class Role:
    """What part a solution plays in a pair."""

    name: Literal["chosen", "rejected"]
    kind: PairKind

    def __str__(self) -> str:
        return f"{self.name}, {self.kind}"


@dataclass(frozen=True, slots=True)
class Row:
    """A solution or a test in its place by score."""

    number: int
    """Its number among the candidates, from 1."""
    score: float
    passed: int
    """Cells of the whole row or column that pass."""
    text: str = ""
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MatrixView:
    """A pass matrix, solutions and tests in the order of their scores, highest first."""

    verdicts: NDArray[np.uint8]
    """Shape (solutions, tests), as shown."""
    solutions: tuple[Row, ...]
    tests: tuple[Row, ...]
    left_out: tuple[int, int] = (0, 0)
    """Solutions and tests in the middle of the order that are not shown."""

    @property
    def letters(self) -> tuple[str, ...]:
        """Return a string of letters for each solution."""
        return tuple("".join(LETTERS.get(int(v), "?") for v in row) for row in self.verdicts)


@dataclass(frozen=True, slots=True)
class ProblemView:
    """All that is shown of one problem."""

    problem_id: str
    reason: str
    """Why it was chosen; empty for no particular reason."""
    prompt: str
    matrix: MatrixView
    pairs: tuple[PreferencePair, ...]
    outline: Outline
    trajectory: NDArray[np.float64] | None = None
    """Shape (iterations + 1, solutions shown): normalised scores; None where the ranker does not iterate."""


def read_outlines(run: RunDirectory, pairs: Mapping[str, Sequence[PairOutline]]) -> Iterator[Outline]:
    """Yield the outline of every problem, in the order of the run."""
    for matrix, scores in _scored(run):
        passed = matrix.passed
        seen = (passed | np.isin(matrix.verdicts, (Verdict.FAIL, Verdict.NOT_RUN))).sum()
        yield Outline(
            matrix.problem_id,
            passed=float(passed.mean()) if passed.size else 0.0,
            broken=int(passed.size - seen),
            tied=bool(np.ptp(scores.solutions) == 0) if len(scores.solutions) else True,
            pairs=tuple(pairs.get(matrix.problem_id, ())),
        )


def read_problems(run: RunDirectory, outlines: Sequence[Outline], chosen: Mapping[int, str]) -> list[ProblemView]:
    """Return the views of the chosen problems; those without candidates are left out."""
    names = {outlines[position].problem_id: reason for position, reason in chosen.items()}
    candidates = {c.problem_id: c for c in _candidates(run) if c.problem_id in names}
    pairs: dict[str, list[PreferencePair]] = {}
    for pair in read_pairs(run):
        if pair.problem_id in names:
            pairs.setdefault(pair.problem_id, []).append(pair)
    by_name = {outline.problem_id: outline for outline in outlines}
    return [
        _view(candidates[name], matrix, scores, tuple(pairs.get(name, ())), names[name], by_name[name])
        for matrix, scores in _scored(run)
        if (name := matrix.problem_id) in candidates
        if matrix.verdicts.shape == (len(candidates[name].solutions), len(candidates[name].tests))
    ]


def read_pairs(run: RunDirectory, bad: jsonl.BadLines | None = None) -> Iterator[PreferencePair]:
    """Yield the pairs of a run, if there are any; lines that are none go to ``bad``."""
    if run.pairs.exists():
        yield from jsonl.read(run.pairs, jsonl.pair_from, jsonl.BadLines() if bad is None else bad, unique=False)


def _scored(run: RunDirectory) -> Iterator[tuple[PassMatrix, Scores]]:
    """Yield matrix and scores of each problem; up to where they are of different problems."""
    if run.matrix.exists() and run.scores.exists():
        for matrix, scores in zip(parquet.read_matrices(run.matrix), parquet.read_scores(run.scores), strict=False):
            if matrix.problem_id != scores.problem_id:
                return
            yield matrix, scores


def _candidates(run: RunDirectory) -> Iterator[Candidates]:
    if run.candidates.exists():
        yield from jsonl.read(run.candidates, jsonl.candidates_parser(), jsonl.BadLines())


def _view(
    candidates: Candidates,
    matrix: PassMatrix,
    scores: Scores,
    pairs: tuple[PreferencePair, ...],
    reason: str,
    outline: Outline,
) -> ProblemView:
    rows, columns = _order(scores.solutions), _order(scores.tests)
    passed = matrix.passed
    shown = pairs[:MOST_PAIRS]
    roles = _roles(candidates, shown)
    tests = [text if len(text) <= LONGEST_TEST else text[:LONGEST_TEST] + " …" for text in candidates.tests]
    view = MatrixView(
        matrix.verdicts[np.ix_(rows, columns)],
        tuple(Row(i + 1, float(scores.solutions[i]), int(passed[i].sum()), "", roles.get(i, ())) for i in rows),
        tuple(Row(j + 1, float(scores.tests[j]), int(passed[:, j].sum()), visible(tests[j])) for j in columns),
        (len(scores.solutions) - len(rows), len(scores.tests) - len(columns)),
    )
    steps = trajectory(matrix, scores.params)[:, rows] if iterates(scores.ranker) else None
    prompt = visible(candidates.prompt[:LONGEST_PROMPT])
    return ProblemView(candidates.problem_id, reason, prompt, view, shown, outline, steps)


def _order(scores: NDArray[np.float64]) -> list[int]:
    """Return the positions of scores, highest first; of very many the ends."""
    order = [int(i) for i in np.argsort(-scores, kind="stable")]
    half = MOST_ROWS // 2
    return order if len(order) <= MOST_ROWS else [*order[:half], *order[-half:]]


def _roles(candidates: Candidates, pairs: Sequence[PreferencePair]) -> dict[int, tuple[Role, ...]]:
    """Return the roles of solutions, by position. Of equal solutions the first stands for all."""
    answers: dict[str, int] = {}
    for position, program in enumerate(candidates.solutions):
        answers.setdefault(answer_to(candidates.prompt, program, candidates.entry_point), position)
    found: dict[int, tuple[Role, ...]] = {}
    for pair in pairs:
        for text, role in ((pair.chosen, Role("chosen", pair.kind)), (pair.rejected, Role("rejected", pair.kind))):
            if text in answers:
                found[answers[text]] = (*found.get(answers[text], ()), role)
    return found
