"""The page about a run: complete, self-contained, and safe to open."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.report.page import SHOWN_PAIRS, write_report
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord

HOSTILE = "<script>alert('x')</script> </pre><img src=x onerror=alert(1)> & \"quoted\" {{ config }}"
ESTIMATE = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 12}
NOTHING = {"value": None, "low": None, "high": None, "n": 0}
COMPARISON = {
    "suite": "micro",
    "before": {"pass@1": ESTIMATE},
    "after": {"pass@1": ESTIMATE | {"value": 0.75}, "pass@10": ESTIMATE | {"value": 0.875}},
    "gained": ["a", "b"],
    "lost": [],
    "solved_by_both": 7,
    "mean_speedup": ESTIMATE | {"value": 1.625},
    "median_speedup": None,
    "share_10_percent_faster": NOTHING,
    "share_10_percent_slower": NOTHING,
    "problems": [],
}


class Page(HTMLParser):
    """Collects tags, addresses and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def pair(number: int = 0, **changes: object) -> PreferencePair:
    fields = {
        "prompt": "def f(x):\n",
        "chosen": "    return 1\n",
        "rejected": "    return 2\n",
        "kind": PairKind.CORRECTNESS,
        "problem_id": f"p{number}",
        "chosen_score": 2.0,
        "rejected_score": 0.5,
        "margin": 1.5,
    }
    return PreferencePair(**(fields | changes))


@pytest.fixture
def run(tmp_path):
    """Return a run directory with a manifest of two stages."""
    run = RunDirectory(tmp_path / "my-run")
    manifest = Manifest(run)
    manifest.set("config", {"seed": 3, "score": {"ranker": "random"}})
    manifest.finish("execute", StageRecord({}, {}, {"cells_pass": 12, "cells_timeout": 0}))
    manifest.finish("pairs", StageRecord({}, {}, {"correctness_pairs": 2, "correctness_same_program": 1}))
    return run


def render(run: RunDirectory) -> Page:
    assert write_report(run) == run.report
    page = Page(run.report.read_text("utf-8"))
    assert page.open == []
    return page


def test_a_directory_without_a_run_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"holds no run: there is no manifest\.json"):
        write_report(RunDirectory(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_nothing_but_a_manifest_has_a_page(run):
    page = render(run)
    assert "my-run – codedpo" in page.text
    assert "0 pairs." in page.text
    assert "before and after" not in page.text


def test_the_page_is_self_contained(run):
    page = render(run)
    assert page.addresses == []
    assert not {"script", "link", "iframe", "img"} & set(page.tags)


def test_stages_are_shown_with_what_they_counted_and_zeros_are_not(run):
    text = render(run).text
    assert "cells pass 12" in text
    assert "correctness pairs 2, correctness same program 1" in text
    assert "timeout" not in text


def test_versions_and_configuration_are_shown(run):
    text = render(run).text
    assert "codedpo-plugin" in text
    assert '"ranker": "random"' in text


def test_pairs_are_shown_with_their_programs(run):
    jsonl.write(run.pairs, [pair(), pair(1, kind=PairKind.EFFICIENCY, speedup=2.25)])
    page = render(run)
    assert "2 pairs." in page.text
    assert "p0 – correctness, margin 1.5" in page.text
    assert "p1 – efficiency, margin 1.5, 2.25× faster" in page.text
    assert page.text.count("    return 1\n") == 2


def test_of_many_pairs_the_first_are_shown(run):
    jsonl.write(run.pairs, [pair(number) for number in range(SHOWN_PAIRS + 3)])
    page = render(run)
    assert f"{SHOWN_PAIRS + 3} pairs; the first {SHOWN_PAIRS} are shown." in page.text
    assert page.tags.count("summary") == SHOWN_PAIRS + 1


@pytest.mark.parametrize("field", ["prompt", "chosen", "rejected", "problem_id"])
def test_what_a_model_wrote_is_text_and_nothing_else(run, field):
    jsonl.write(run.pairs, [pair(**{field: HOSTILE})])
    page = render(run)
    assert HOSTILE in page.text
    assert not {"script", "img"} & set(page.tags)


def test_what_a_configuration_or_a_count_holds_is_text_and_nothing_else(run):
    manifest = Manifest(run)
    manifest.set("config", {"model": HOSTILE})
    manifest.finish("train", StageRecord({}, {}, {HOSTILE: 1}))
    assert not {"script", "img"} & set(render(run).tags)


def test_text_that_has_no_utf8_form_does_not_stop_the_page(run):
    jsonl.write(run.pairs, [pair(chosen="x = '\ud800 \x00 größe 😀'")])
    assert "größe 😀" in render(run).text


def test_lines_that_are_no_pairs_are_left_out(run):
    run.pairs.write_bytes(b"{\n" + jsonl.line(pair()))
    assert "1 pairs." in render(run).text


@pytest.mark.parametrize("side", ["before", "after"])
def test_results_are_shown_with_their_interval(run, side):
    where = run.before if side == "before" else run
    result = {"suite": "micro", "metrics": {"pass@1": ESTIMATE}, "counts": {"samples": 24}}
    where.result("micro").parent.mkdir(parents=True)
    where.result("micro").write_text(json.dumps(result))
    text = render(run).text
    assert f"micro{side}pass@10.2500.100 – 0.4001224" in text


def test_a_comparison_is_shown_and_what_is_not_known_is_a_dash(run):
    run.comparison.write_text(json.dumps([COMPARISON]))
    text = render(run).text
    assert "micro: before and after" in text
    assert "0.250 (0.100 – 0.400, n=12)" in text
    assert "0.750 (0.100 – 0.400, n=12)" in text
    assert "problems lost, gained02" in text
    assert "solved by both7" in text
    assert "mean speedup (geometric)1.625 (0.100 – 0.400)" in text
    assert "share ≥ 10% faster–" in text


def test_the_page_is_written_anew_and_the_same(run):
    jsonl.write(run.pairs, [pair()])
    write_report(run)
    first = run.report.read_bytes()
    write_report(run)
    assert run.report.read_bytes() == first
