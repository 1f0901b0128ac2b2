"""The page about a run: complete, self-contained, and safe to open."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace

import pytest
from markupsafe import Markup

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PairKind, PassMatrix
from codedpo_plugin.report import page as page_module
from codedpo_plugin.report.margins import measure_of
from codedpo_plugin.report.page import Article, _within, write_report
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord

from .support import COMPARISON, HOSTILE, Page, candidates, empty_run, pair, verdicts, write_everything, write_run

RANKERS = create_plugins(installed=False).rankers
DANGEROUS = {"img", "iframe", "object", "embed", "link", "base", "form"}


@pytest.fixture
def run(tmp_path):
    return empty_run(tmp_path / "my-run")


def render(run: RunDirectory) -> Page:
    assert write_report(run) == run.report
    page = Page(run.report.read_text("utf-8"))
    assert page.open == []
    return page


def sections(page: Page) -> list[str]:
    names = ("results", "speed", "problems", "convergence", "pairs", "training", "drops", "provenance")
    return [name for name in page.ids if name in names]


def assert_harmless(page: Page) -> None:
    """Assert that nothing but the page's own script can run, and nothing is loaded."""
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert not DANGEROUS & set(page.tags)
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert all(address.startswith("#") for address in page.addresses)


def test_a_directory_without_a_run_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"holds no run: there is no manifest\.json"):
        write_report(RunDirectory(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_nothing_but_a_manifest_has_a_page(run):
    page = render(run)
    assert "my-run – codedpo" in page.text
    assert "This run has only begun." in page.text
    assert "No stage has finished." in page.text
    assert sections(page) == ["provenance"]
    assert_harmless(page)


def test_a_whole_run_has_every_section_and_every_section_is_in_the_contents(run):
    page = render(write_everything(run))
    assert sections(page) == [
        "results",
        "speed",
        "problems",
        "convergence",
        "pairs",
        "training",
        "drops",
        "provenance",
    ]
    assert page.addresses == ["#main", *(f"#{name}" for name in sections(page))]
    assert len(page.ids) == len(set(page.ids))
    assert_harmless(page)


def test_only_the_page_s_own_style_and_script_may_run(run):
    render(write_everything(run))
    text = run.report.read_text("utf-8")
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_before_and_after_stand_beside_each_other_with_intervals(run):
    run.comparison.write_text(json.dumps([COMPARISON]))
    text = render(run).text
    assert "Training raised pass@1 on micro from 0.25 to 0.75; what both models solve runs 1.50× as fast." in text
    assert "0.250 0.125 to 0.375, n = 12" in text
    assert "0.750 0.500 to 0.875, n = 12" in text
    assert "+0.500 +0.250 to +0.375, n = 12" in text
    assert "2 gained, 0 lost of the problems." in text
    assert "1 faster, 1 slower, 1 not measured" in text
    assert not re.search(r"\bnan\b", text)


def test_a_suite_on_which_nothing_is_solved_by_both_says_so(run):
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    changes = {"problems": [], "solved_by_both": 0, "mean_speedup": nothing, "median_speedup": nothing}
    run.comparison.write_text(json.dumps([COMPARISON | changes]))
    assert "No problem is solved by both models: there is nothing to time." in render(run).text


def test_results_of_one_model_are_not_called_before_and_after(run):
    run.result("micro").parent.mkdir(parents=True)
    run.result("micro").write_text(json.dumps({"suite": "micro", "metrics": COMPARISON["before"]}))
    text = render(run).text
    assert "Results" in text
    assert "measured" in text
    assert "Before and after" not in text


def test_problems_are_shown_with_matrix_programs_and_pair(run):
    page = render(write_everything(run))
    assert "Efficiency pair".lower() in page.text.lower()
    assert "2.25× as fast" in page.text
    assert "4 µs" in page.text
    assert "return x + 1" in page.text
    assert page.tags.count("article") == 3
    assert page.tags.count("template") == 2
    assert page.text.count("No pair: all solutions have the same score") == 1
    assert "All problems of the run, one by one." in page.text


def test_the_problem_that_shows_most_is_open(run):
    write_everything(run)
    render(run)
    text = run.report.read_text("utf-8")
    assert 'id="problem" data-number="1"' in text
    assert 'id="problem-1"' not in text


def test_a_problem_without_a_pair_says_why(run):
    write_run(run, [verdicts("PF", "PF")])
    page = render(run)
    assert "No pair: all solutions have the same score, so none is to be preferred." in page.text
    assert "no pair: all scores equal" in page.text


def test_a_sample_says_that_it_is_one(run, monkeypatch):
    write_run(run, [verdicts("PP", "PF")] * 30, [pair(k) for k in range(30)])
    monkeypatch.setattr(page_module, "MOST_BYTES", 1)
    page = render(run)
    assert "1 of 30 problems: the extremes of margin, speed, confidence and errors" in page.text
    assert page.tags.count("article") == 1


def test_the_page_stays_small_whatever_programs_hold(run, monkeypatch):
    monkeypatch.setattr(page_module, "MOST_BYTES", 200_000)
    huge = [candidates(k, solutions=("x" * 100_000, "\n" * 100_000), tests=("t" * 100_000,)) for k in range(20)]
    pairs = [pair(k, chosen="x = 1\n" * 100_000, rejected="<" * 1_000_000) for k in range(20)]
    write_run(run, [verdicts("P", "F")] * 20, pairs, huge)
    render(run)
    assert run.report.stat().st_size < 600_000


def test_of_too_many_bytes_every_other_plain_problem_goes_first():
    def article(number: int, reason: str = "") -> Article:
        return Article(str(number), "", reason, (), Markup("x" * 10))

    articles = [article(k, "no pair" if k in (3, 4) else "") for k in range(10)]
    assert [a.problem_id for a in _within(100, articles)] == [str(k) for k in range(10)]
    assert [a.problem_id for a in _within(60, articles)] == ["0", "2", "3", "4", "6", "8"]
    assert [a.problem_id for a in _within(30, articles)] == ["0", "3", "4"]
    assert [a.problem_id for a in _within(20, articles)] == ["3", "4"]
    assert [a.problem_id for a in _within(1, articles)] == ["3"]
    assert _within(1, []) == []


@pytest.mark.parametrize("field", ["prompt", "chosen", "rejected", "problem_id"])
def test_what_a_model_wrote_is_text_and_nothing_else(run, field):
    hostile = pair(**{field: HOSTILE})
    own = candidates(problem_id=hostile.problem_id, prompt=hostile.prompt, tests=(HOSTILE,))
    write_run(
        run, [verdicts("P", "F")], [hostile, pair(problem_id=hostile.problem_id, kind=PairKind.EFFICIENCY)], [own]
    )
    page = render(run)
    assert HOSTILE in page.text.replace("\n\n", "\n")
    assert_harmless(page)


def test_what_any_other_file_holds_is_text_and_nothing_else(run):
    write_everything(run)
    manifest = Manifest(run)
    manifest.set("config", {"model": HOSTILE})
    manifest.finish(HOSTILE, StageRecord({}, {HOSTILE: HOSTILE}, {HOSTILE: 1}))
    comparison = COMPARISON | {"suite": HOSTILE, "gained": [HOSTILE], "outcomes": {HOSTILE: 1}}
    comparison["problems"] = [{"problem_id": HOSTILE, "outcome": "faster", "ratio": 2.0}]
    run.comparison.write_text(json.dumps([comparison | {"before": {HOSTILE: COMPARISON["before"]["pass@1"]}}]))
    (run.train / "logprobs.jsonl").write_text(json.dumps({"step": 0, "kind": HOSTILE, "mean": 1.0}))
    page = render(run)
    assert page.text.count(HOSTILE) >= 5
    assert_harmless(page)


def test_text_that_has_no_utf8_form_does_not_stop_the_page(run):
    write_run(run, [verdicts("P", "F")], [pair(chosen="x = '\ud800 \x00 größe 😀'")])
    assert "größe 😀" in render(run).text


def test_what_could_not_be_used_is_said(run):
    run.pairs.write_bytes(b"{\n" + jsonl.line(pair()))
    run.comparison.write_text("[{")
    text = render(run).text
    assert "pairs.jsonl: 1 lines left out" in text
    assert "comparison.json: left out, not JSON" in text


def test_pairs_without_a_confidence_say_so(run):
    write_run(run, [verdicts("P", "F")], [pair()])
    text = render(run).text
    assert (
        "No pair has a confidence: the calibration was not fitted on such pairs of the ranker self-validation."
        in text
    )
    assert "calibrated chance" not in text


def ranked(run: RunDirectory, name: str) -> str:
    """Return the page of a run that a built-in ranker scored and paired."""
    ranker, matrices = RANKERS[name], [verdicts("PPP", "PFF", "FFF"), verdicts("PPPP", "PPFF")]
    scores = [ranker(PassMatrix(f"p{k}", matrix), {}).solutions for k, matrix in enumerate(matrices)]
    ends = [(float(own.max()), float(own.min())) for own in scores]
    pairs = [
        pair(k, chosen_score=best, rejected_score=worst, margin=best - worst)
        for k, (best, worst) in enumerate(ends)
    ]
    return render(write_run(run, matrices, pairs, ranker=ranker)).text


@pytest.mark.parametrize("name", sorted(RANKERS))
def test_the_pairs_of_every_built_in_ranker_have_margins(run, name):
    text = ranked(run, name)
    assert "Correctness pairs: margin of the scores" in text
    assert measure_of(name).formula in text
    assert measure_of(name).reading in text
    assert "No margins" not in text
    assert not re.search(r"\bnan\b", text)


@pytest.mark.parametrize("name", sorted(RANKERS))
def test_the_iterations_of_a_ranker_are_shown_or_said_to_be_none(run, name):
    text = ranked(run, name)
    iterating = name == "self-validation"
    assert ("How soon the best solution is known" in text) == iterating
    assert ("again and again" in text) == iterating
    assert (f"The ranker {name} has no iterations to show." in text) != iterating


def test_margins_of_scores_of_which_nothing_is_known_are_said_to_be_none(run):
    def other(matrix, params):
        return replace(RANKERS["random"](matrix, params), ranker="theirs")

    write_run(run, [verdicts("P", "F")], [pair(chosen_score=-1.0, rejected_score=-2.0)], ranker=other)
    text = render(run).text
    assert "No margins are shown: the scores of the ranker theirs can be negative." in text
    assert "A margin near 0" not in text


def test_a_run_of_which_no_pair_could_be_made_says_so(run):
    write_run(run, [verdicts("P", "P")])
    assert "pairs" not in sections(render(run))
    Manifest(run).finish("pairs", StageRecord({}, {}, {"correctness_all_scores_equal": 1}))
    text = render(run).text
    assert "No pair was made. The reasons are below." in text
    assert "A margin near 0" not in text
    assert "No pair has a confidence" not in text


def test_what_was_dropped_is_shown_with_its_share(run):
    text = render(write_everything(run)).text
    assert re.search(r"all solutions have the same score\s*1 33\.3%", text)


def test_versions_configuration_seeds_and_digests_are_shown(run):
    text = render(write_everything(run)).text
    assert "codedpo-plugin" in text
    assert '"ranker": "random"' in text
    assert "c0ffee" in text


def test_every_chart_has_a_name_and_a_table(run):
    render(write_everything(run))
    text = run.report.read_text("utf-8")
    charts = re.findall(r'<svg class="(?:chart|heat)"[^>]*>', text)
    assert len(charts) >= 9
    assert all('role="img"' in chart and re.search(r'aria-label="[^"]+"', chart) for chart in charts)
    assert text.count("The same as a table") == len(re.findall('<svg class="chart"', text))
    assert text.count("The matrix as a table") == len(re.findall('<svg class="heat"', text))


def test_the_page_is_written_anew_and_the_same(run):
    write_everything(run)
    write_report(run)
    first = run.report.read_bytes()
    write_report(run)
    assert run.report.read_bytes() == first
