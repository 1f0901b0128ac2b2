"""The page in a real browser: it opens quietly, is read anywhere, used by keyboard, and runs nothing foreign.

Skipped where no Chromium is installed: the library that drives it is among the tests' dependencies, it is not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from codedpo_plugin.report.page import write_report

from .support import HOSTILE, candidates, empty_run, pair, verdicts, write_everything, write_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium: none of chromium, chromium-browser, google-chrome found"
    ),
    pytest.mark.xdist_group("browser"),
]

PATIENCE_MS = 180_000
"""Nothing here is measured in time: a machine that is busy with something else is no failure."""
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 812}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return the page of a run with something in every section."""
    run = write_everything(empty_run(tmp_path_factory.mktemp("browser") / "run"))
    return write_report(run)


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory):
    """Return the page of a run whose every text is an attack."""
    run = empty_run(tmp_path_factory.mktemp("hostile") / "run")
    names = [f"{HOSTILE}{k}" for k in range(3)]
    own = [candidates(k, problem_id=name, prompt=HOSTILE, tests=(HOSTILE,) * 2) for k, name in enumerate(names)]
    texts = {"prompt": HOSTILE, "chosen": f"{HOSTILE}\nx", "rejected": f"y\n{HOSTILE}"}
    pairs = [pair(problem_id=name, **texts) for name in names]
    return write_report(write_run(run, [verdicts("PP", "PF")] * 3, pairs, own))


class Tab:
    """A page that is open, and everything it complained about or asked for."""

    def __init__(self, browser: Browser, path, viewport=DESKTOP, **options) -> None:
        self.context = browser.new_context(viewport=viewport, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        self.page.goto(self.address)

    def ask(self, script: str):
        return self.page.evaluate(script)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def shown(self) -> str:
        return self.page.locator("#problem h3").first.inner_text()


@pytest.fixture
def open_tab(browser):
    """Return a function that opens a page; every page has to stay quiet until the end of the test."""
    tabs: list[Tab] = []

    def open_(path, **options) -> Tab:
        tabs.append(Tab(browser, path, **options))
        return tabs[-1]

    yield open_
    for tab in tabs:
        tab.context.close()
        assert tab.complaints == []
        assert [url for url in tab.requests if url.split("#")[0] != tab.address] == []


def test_the_page_opens_without_a_complaint_and_asks_for_nothing_else(open_tab, report):
    tab = open_tab(report)
    assert tab.page.title() == "run – codedpo"
    assert tab.page.locator("h1").is_visible()
    assert tab.requests == [tab.address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "viewport", [PHONE, {"width": 320, "height": 600}, DESKTOP], ids=["phone", "small", "desktop"]
)
def test_no_screen_has_to_be_scrolled_sideways(open_tab, report, viewport, scheme):
    tab = open_tab(report, viewport=viewport, color_scheme=scheme)
    tab.ask("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert tab.ask("document.documentElement.scrollWidth") <= viewport["width"]


def lightness(tab: Tab) -> float:
    """Return how light the background is, 0 to 255."""
    colour = tab.ask("getComputedStyle(document.body).backgroundColor")
    return sum(map(float, colour[colour.index("(") + 1 : -1].split(",")[:3])) / 3


def test_colours_follow_the_system_and_the_switch_which_is_remembered(open_tab, report):
    tab = open_tab(report, color_scheme="dark")
    assert lightness(tab) < 64
    tab.page.get_by_label("light", exact=True).focus()
    tab.press("Space")
    assert lightness(tab) > 192
    tab.page.reload()
    assert lightness(tab) > 192
    tab.page.get_by_label("auto", exact=True).check(force=True)
    assert lightness(tab) < 64
    tab.page.emulate_media(color_scheme="light")
    assert lightness(tab) > 192


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255);
  };
  const luminance = (colour) => rgb(colour)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  return ["h1", "h1 strong", ".aside p", "small", ".chosen strong", ".rejected strong", ".s", "summary"]
    .filter((selector) => document.querySelector(selector))
    .map((selector) => {
      const own = luminance(getComputedStyle(document.querySelector(selector)).color);
      return [selector, (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05)];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_enough_to_be_read(open_tab, report, scheme):
    found = open_tab(report, color_scheme=scheme).ask(CONTRASTS)
    assert len(found) >= 6
    assert [selector for selector, contrast in found if contrast < 4.5] == []


FILLS = """() => [...document.querySelectorAll("#problem .heat path[class^='v-']")].map((path) => {
  const swatch = document.querySelector(`#problem .verdicts .swatch.${path.getAttribute("class")}`);
  return [getComputedStyle(path).fill, getComputedStyle(swatch).backgroundColor];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_verdict_has_a_fill_of_its_own_and_the_legend_has_the_same(open_tab, tmp_path, scheme):
    run = write_run(empty_run(tmp_path / "run"), [verdicts("PFETMCX-", "FFFFFFFF")])
    fills = open_tab(write_report(run), color_scheme=scheme).ask(FILLS)
    assert len({fill for fill, _ in fills}) == len(fills) == 8
    assert [fill for fill, swatch in fills if fill != swatch] == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_tab, report):
    tab = open_tab(report)
    tab.press("Tab")
    assert tab.ask("document.activeElement.textContent") == "Skip to the content"
    assert tab.page.locator(".skip").bounding_box()["y"] >= 0
    tab.press("Enter")
    assert tab.ask("document.activeElement.id") == "main"


def test_everything_that_takes_the_focus_shows_it_and_comes_in_the_order_of_the_page(open_tab, report):
    tab = open_tab(report)
    tops = []
    for _ in range(60):
        tab.press("Tab")
        if tab.ask("document.activeElement === document.body"):
            break
        style = "(e => { const s = getComputedStyle(e.matches('input[type=radio]') ? e.nextElementSibling : e);"
        assert tab.ask(style + "return s.outlineStyle })(document.activeElement)") == "solid"
        tops.append(tab.ask("document.activeElement.compareDocumentPosition(window.last ?? document.body) & 4"))
        tab.ask("window.last = document.activeElement")
    assert len(tops) > 20
    assert not any(tops)


def test_a_problem_is_chosen_by_keyboard(open_tab, report):
    tab = open_tab(report)
    assert tab.shown == "p1"
    tab.page.locator("#search").focus()
    tab.press("ArrowDown")
    assert tab.shown == "p2"
    assert tab.page.locator("[aria-selected=true]").inner_text().startswith("p2")
    assert tab.ask("document.getElementById('search').getAttribute('aria-activedescendant')") == "option-2"
    tab.press("ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp")
    assert tab.shown == "p0"
    tab.press("Tab")
    assert tab.ask("document.activeElement.id") == "problem-list"
    tab.press("End")
    assert tab.shown == "p2"
    tab.press("Home")
    assert tab.shown == "p0"


def test_the_search_narrows_the_list_and_enter_takes_the_first(open_tab, report):
    tab = open_tab(report)
    tab.page.locator("#search").focus()
    tab.page.keyboard.type("EFFICIENCY")
    assert tab.page.locator("#problem-list li:visible").count() == 1
    assert tab.page.locator(".matches").inner_text() == "1 of 3"
    tab.press("Enter")
    assert tab.shown == "p1"
    tab.press("Escape")
    assert tab.page.locator("#problem-list li:visible").count() == 3
    tab.page.keyboard.type("nothing has this name")
    tab.press("ArrowDown", "Enter")
    assert tab.shown == "p1"


def test_after_a_search_without_a_match_no_key_breaks_the_list(open_tab, report):
    tab = open_tab(report)
    tab.page.locator("#search").focus()
    tab.page.keyboard.type("nothing has this name")
    assert tab.page.locator("#problem-list li:visible").count() == 0
    tab.page.locator("#problem-list").focus()
    tab.press("Home", "End", "PageDown", "ArrowUp", "Enter")
    assert tab.shown == "p1"
    assert tab.page.locator("[aria-selected=true]").count() == 1
    tab.press("Escape", "Home")
    assert tab.shown == "p0"


def test_a_problem_is_chosen_by_pointer_and_has_an_address(open_tab, report, browser):
    tab = open_tab(report)
    tab.page.locator("#problem-list li").last.click()
    assert tab.shown == "p2"
    assert tab.page.url.endswith("#problem=p2")
    tab.page.reload()
    assert tab.shown == "p2"
    tab.ask("location.hash = '#problem=p0'")
    tab.page.wait_for_function("document.querySelector('#problem h3').textContent === 'p0'")
    tab.ask("location.hash = '#problem=%E0%A4%A'")  # not the name of anything


def test_the_arrow_keys_read_the_heat_map(open_tab, report):
    tab = open_tab(report)
    tab.page.locator("#problem .cells").focus()
    tab.press("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft")
    said = tab.page.locator("#problem output").inner_text()
    assert said.startswith("Solution 2 (score ")
    assert "rejected, correctness" in said
    assert ": fail" in said
    assert "assert f(0) == 1" in said


def test_the_pointer_reads_the_heat_map(open_tab, report):
    tab = open_tab(report)
    tab.page.locator("#problem path.v-pass").scroll_into_view_if_needed()
    box = tab.page.locator("#problem path.v-pass").bounding_box()
    tab.page.mouse.move(box["x"] + 3, box["y"] + 3)
    assert ": pass" in tab.page.locator("#problem output").inner_text()


def test_without_script_everything_but_choosing_is_there(open_tab, report):
    tab = open_tab(report, java_script_enabled=False)
    assert tab.shown == "p1"
    assert tab.page.get_by_text("Choosing another problem needs JavaScript").is_visible()
    assert not tab.page.locator(".picker").is_visible()
    assert not tab.page.locator(".theme").is_visible()
    assert tab.page.locator(".chart").first.is_visible()


def test_hostile_text_is_shown_and_does_nothing(open_tab, hostile_report):
    tab = open_tab(hostile_report)
    for number in range(3):
        tab.page.locator("#problem-list li").nth(number).click()
        assert tab.shown == f"{HOSTILE}{number}"
        assert "<img src=x onerror=alert(1)>" in tab.page.locator("#problem .diff").first.inner_text()
        tab.page.locator("#problem .cells").focus()
        tab.press("ArrowRight")
        assert HOSTILE in tab.page.locator("#problem output").inner_text()
    assert tab.page.title() == "run – codedpo"
    assert tab.page.locator("img, iframe, object").count() == 0
    assert tab.page.locator("script").count() == 1


def test_the_browser_itself_refuses_foreign_script_style_and_markup(open_tab, report):
    tab = open_tab(report)
    tab.ask("""() => {
        const script = document.createElement("script");
        try { script.textContent = "document.title = 'owned'"; } catch { /* refused */ }
        document.body.append(script);
        try { document.body.insertAdjacentHTML("beforeend", "<img src=x>"); } catch { /* refused */ }
    }""")
    assert tab.page.title() == "run – codedpo"
    assert tab.page.locator("img").count() == 0
    assert tab.complaints
    tab.complaints.clear()  # the refusals, which are what is wanted here


def test_paper_has_light_colours_and_no_controls(open_tab, report):
    tab = open_tab(report, color_scheme="dark")
    tab.page.emulate_media(media="print", color_scheme="dark")
    assert lightness(tab) > 192
    assert not tab.page.locator(".picker").is_visible()
    assert not tab.page.locator(".theme").is_visible()
    assert tab.page.locator("#problem .diff").first.is_visible()
