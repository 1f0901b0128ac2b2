"""``report.html``: one self-contained page about a run, readable without a network.

What models wrote is hostile: every text is escaped by the template engine, the policy of the page lets no style and
no script run but its own (by their digests) and nothing be loaded, and the script makes no markup out of text.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import PreferencePair, Verdict
from codedpo_plugin.report import charts, figures
from codedpo_plugin.report.data import ReportData, gather
from codedpo_plugin.report.diff import Hunk, side_by_side, visible
from codedpo_plugin.report.drops import drop_groups
from codedpo_plugin.report.heatmap import heat_map
from codedpo_plugin.report.margins import measure_of
from codedpo_plugin.report.problems import LETTERS, ProblemView
from codedpo_plugin.report.story import headline, interval, key_figures, times
from codedpo_plugin.rundir import RunDirectory

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES: Final = 4_000_000
"""That the problems shown one by one may fill."""


@dataclass(frozen=True, slots=True)
class PairView:
    """A pair with its programs side by side."""

    pair: PreferencePair
    scores: tuple[str, str]
    """Of the chosen and of the rejected program, in words."""
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A problem as a piece of the page."""

    problem_id: str
    summary: str
    reason: str
    interest: tuple[int, ...]
    """What is to be seen: the number of pairs, of kinds of verdicts, of cells."""
    html: Markup


def write_report(run: RunDirectory) -> Path:
    """Write the page about a run and return its path. Raises UsageError if the directory holds no run."""
    page = render(gather(run))
    with atomic_write(run.report) as handle:
        handle.write(page.encode("utf-8", "replace"))
    return run.report


def render(data: ReportData) -> str:
    """Return the page."""
    environment = _environment()
    style, script = _asset("page.css"), _asset("page.js")
    articles = _within(MOST_BYTES, [_article(environment, view) for view in data.problems])
    measure = measure_of(data.ranker)
    return environment.get_template("page.html.j2").render(
        data=data,
        style=Markup(style),  # noqa: S704 - our own files, not data
        script=Markup(script),  # noqa: S704
        policy=_policy(style, script),
        headline=headline(data),
        key_figures=key_figures(data),
        articles=articles,
        opening=max(range(len(articles)), key=lambda number: articles[number].interest, default=None),
        speeds=[(suite, figures.speed_figure(suite)) for suite in data.suites if suite.outcomes],
        measure=measure,
        margins=figures.margin_figure(data.pairs.margins, measure.formula),
        confidence=figures.confidence_figure(data.pairs.confidences),
        pair_speeds=figures.pair_speed_figure(data.pairs.speedups),
        convergence=figures.convergence_figures(data.convergence) if data.convergence else (),
        logprobs=figures.logprob_figure(data.logprobs),
        drops=drop_groups(data.provenance.stages),
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("codedpo_plugin", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"visible": visible, "interval": interval, "known": _known, "times": times}
    environment.globals |= {
        "interval_bar": charts.interval_bar,
        "share_bar": charts.share_bar,
        "verdicts": [(LETTERS[v], v.name.lower()) for v in Verdict],
    }
    return environment


def _known(estimate: Estimate) -> bool:
    return not math.isnan(estimate.value)


def _article(environment: Environment, view: ProblemView) -> Article:
    html = environment.get_template("problem.html.j2").render(
        view=view,
        heat_map=heat_map(view.matrix, _describe(view)),
        figure=figures.trajectory_figure(view),
        pairs=[_pair_view(pair, view) for pair in view.pairs],
    )
    verdicts = view.matrix.verdicts
    interest = (len(view.pairs), len(np.unique(verdicts)), verdicts.size)
    return Article(view.problem_id, _summary(view), view.reason, interest, Markup(html))  # noqa: S704 - escaped by it


def _pair_view(pair: PreferencePair, view: ProblemView) -> PairView:
    """Return a pair with its programs compared, its scores as parts of the highest where that has a sense."""
    highest = max((row.score for row in view.matrix.solutions), default=0.0)
    relative = highest > 0 and min(pair.chosen_score, pair.rejected_score) >= 0
    chosen, rejected = (
        f"{score / highest:.2f} of the highest score" if relative else f"score {score:.4g}"
        for score in (pair.chosen_score, pair.rejected_score)
    )
    return PairView(pair, (chosen, rejected), side_by_side(pair.chosen, pair.rejected))


def _within(limit: int, articles: Sequence[Article]) -> list[Article]:
    """Return articles that fill no more than the limit, at least one.

    Of too many every other one is left out, first of those that were chosen for no particular reason, so that what
    is left is as evenly spread as before.
    """
    kept = list(articles)
    while len(kept) > 1 and sum(len(article.html) for article in kept) > limit:
        spare = [article for article in kept if not article.reason] or kept
        dropped = {article.problem_id for article in spare[1::2] or spare}
        kept = [article for article in kept if article.problem_id not in dropped]
    return kept


def _describe(view: ProblemView) -> str:
    rows, columns = view.matrix.verdicts.shape
    passed = int((view.matrix.verdicts == Verdict.PASS).sum())
    return (
        f"Pass matrix of {view.problem_id}: {rows} solutions by {columns} tests, both by score; "
        f"{passed} of {rows * columns} cells pass"
    )


def _summary(view: ProblemView) -> str:
    """Return what the list says about a problem."""
    parts = []
    for pair in view.outline.pairs:
        if pair.speedup:
            parts.append(f"{pair.kind} {times(pair.speedup)}")
        else:
            parts.append(f"{pair.kind} {pair.margin:.2f}" if pair.margin == pair.margin else str(pair.kind))
    return ", ".join(parts) or ("no pair: all scores equal" if view.outline.tied else "no pair")


@cache
def _asset(name: str) -> str:
    return (files("codedpo_plugin.report") / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return the page's Content-Security-Policy: nothing from anywhere, no style or script but these two."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    return (
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'"
    ).format(*digests)
