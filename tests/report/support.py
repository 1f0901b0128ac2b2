"""Run directories for the tests of the report, written as the stages write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.ranking.self_validation import rank
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair
from codedpo_plugin.report.convergence import trajectory
from codedpo_plugin.report.problems import MatrixView, ProblemView, Row
from codedpo_plugin.report.sample import Outline
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord

HOSTILE = (
    "<script>document.title = 'owned'</script></script></template></pre>"
    '<img src=x onerror=alert(1)> & "q" {{ 7*7 }}'
)
ESTIMATE = {"value": 0.25, "low": 0.125, "high": 0.375, "n": 12}
NOTHING = {"value": None, "low": None, "high": None, "n": 0}
COMPARISON = {
    "suite": "micro",
    "before": {"pass@1": ESTIMATE},
    "after": {"pass@1": ESTIMATE | {"value": 0.75, "low": 0.5, "high": 0.875}},
    "differences": {"pass@1": ESTIMATE | {"value": 0.5, "low": 0.25}},
    "gained": ["a", "b"],
    "lost": [],
    "without_sample": {"before": 0, "after": 0},
    "solved_by_both": 3,
    "mean_speedup": ESTIMATE | {"value": 1.5, "low": 1.25, "high": 2.0},
    "median_speedup": ESTIMATE | {"value": 1.25, "low": 0.75, "high": 2.0},
    "share_10_percent_faster": NOTHING,
    "share_10_percent_slower": NOTHING,
    "outcomes": {"faster": 1, "slower": 1, "same": 0, "unclear": 0, "not_measured": 1},
    "problems": [
        {"problem_id": "p0", "outcome": "faster", "ratio": 2.0, "low": 1.5, "high": 2.5, "rounds": 7},
        {"problem_id": "p1", "outcome": "slower", "ratio": 0.5, "low": 0.25, "high": None, "rounds": 3},
        {"problem_id": "p2", "outcome": "not_measured"},
    ],
}

CHOSEN, REJECTED = "    return x + 1\n", "    return x - 1\n"
PROMPT = "def f(x):\n"


def verdicts(*rows: str) -> np.ndarray:
    """Return a matrix of verdicts from letters: P pass, F fail, E error, T timeout, - not run."""
    return np.array([["PFETMCX-".index(letter) for letter in row] for row in rows], np.uint8)


def pair(number: int = 0, **changes: object) -> PreferencePair:
    """Return a pair whose programs are those of :func:`candidates`."""
    fields = {
        "prompt": PROMPT,
        "chosen": CHOSEN,
        "rejected": REJECTED,
        "kind": PairKind.CORRECTNESS,
        "problem_id": f"p{number}",
        "chosen_score": 2.0,
        "rejected_score": 0.5,
        "margin": 1.5,
    }
    return PreferencePair(**(fields | changes))


def candidates(number: int = 0, rows: int = 2, columns: int = 3, **changes: object) -> Candidates:
    """Return candidates: the chosen program, the rejected one, and further ones."""
    bodies = [CHOSEN, REJECTED, *(f"    return {k}\n" for k in range(rows))][:rows]
    fields = {
        "problem_id": f"p{number}",
        "prompt": PROMPT,
        "entry_point": "f",
        "solutions": tuple(PROMPT + body for body in bodies),
        "tests": tuple(f"assert f({k}) == {k + 1}" for k in range(columns)),
    }
    return Candidates(**(fields | changes))


def empty_run(path: Path) -> RunDirectory:
    """Return a run directory that holds nothing but a manifest."""
    run = RunDirectory(path)
    Manifest(run).set("config", {"seed": 3, "score": {"ranker": "random"}})
    return run


def write_run(
    run: RunDirectory,
    matrices: Sequence[np.ndarray],
    pairs: Sequence[PreferencePair] = (),
    found: Sequence[Candidates] | None = None,
    ranker=rank,
) -> RunDirectory:
    """Write candidates, matrices, scores and pairs."""
    own = [candidates(k, *matrix.shape) for k, matrix in enumerate(matrices)] if found is None else found
    kept = [PassMatrix(c.problem_id, matrix) for c, matrix in zip(own, matrices, strict=True)]
    jsonl.write(run.candidates, own)
    parquet.write_matrices(run.matrix, kept)
    parquet.write_scores(run.scores, [ranker(matrix, {}) for matrix in kept])
    jsonl.write(run.pairs, pairs)
    return run


def write_everything(run: RunDirectory) -> RunDirectory:
    """Write a run in which every section of the page has something to show."""
    matrices = [verdicts("PPF", "PFE"), verdicts("PPP", "FFF"), verdicts("PP-", "PPT")]
    fast = pair(
        1, kind=PairKind.EFFICIENCY, speedup=2.25, confidence=0.75, chosen_cpu_ns=4_000, rejected_cpu_ns=9_000
    )
    write_run(run, matrices, [pair(0, confidence=0.5), pair(1), fast])
    manifest = Manifest(run)
    manifest.finish("execute", StageRecord({}, {"candidates.jsonl": "c0ffee"}, {"cells_pass": 10, "cells": 18}))
    manifest.finish(
        "pairs", StageRecord({"seed": 3}, {}, {"correctness_pairs": 2, "correctness_all_scores_equal": 1})
    )
    run.comparison.write_text(json.dumps([COMPARISON]))
    run.train.mkdir()
    lines = [{"step": s, "kind": k, "mean": -1.0 - s, "count": 4} for s in (0, 1) for k in ("correct", "wrong")]
    (run.train / "logprobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def view(*rows: str, **changes: object) -> ProblemView:
    """Return the view of a problem with a matrix of verdicts, the first solution the best."""
    cells = verdicts(*rows)
    steps = trajectory(PassMatrix("p0", cells), {})
    matrix = MatrixView(
        cells,
        tuple(Row(i + 1, float(len(cells) - i), int((row == 0).sum())) for i, row in enumerate(cells)),
        tuple(Row(j + 1, 1.0, int((column == 0).sum()), f"assert f({j})") for j, column in enumerate(cells.T)),
    )
    fields = {
        "problem_id": "p0",
        "reason": "",
        "prompt": PROMPT,
        "matrix": matrix,
        "pairs": (),
        "outline": Outline("p0", 0.5, 0, tied=False),
        "trajectory": steps,
    }
    return ProblemView(**(fields | changes))


class Page(HTMLParser):
    """What is in a page: tags, addresses, attributes that run code, texts; that every tag is closed."""

    VOID = ("meta", "img", "br", "input", "link", "col", "hr")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "poster", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data.replace("\u00a0", " ")


def parse(drawing) -> ElementTree.Element:
    """Return a drawing as a tree. Raises ParseError if it is not well-formed."""
    return ElementTree.fromstring(str(drawing))


def classed(drawing, css: str) -> list[ElementTree.Element]:
    """Return the elements of a class."""
    return [element for element in parse(drawing).iter() if css in element.get("class", "").split()]
