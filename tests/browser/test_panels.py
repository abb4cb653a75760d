"""What all widgets do in JupyterLab, in a real browser; nothing but numbers is behind them.

All of them are in one notebook, since a page and a kernel take longer to start than a test.
"""

from __future__ import annotations

from itertools import combinations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WatchedPage
from tests.browser.controls import dark, handle, serious_findings, status
from tests.browser.jupyter import JupyterLab
from tests.needs import needs

pytestmark = needs("browser")

NOTEBOOK = "panels.ipynb"
IMPORTS = """
from canarylab.widgets.replica_board import ReplicaBoard
from canarylab.widgets.route_explorer import RouteExplorer
from canarylab.widgets.weight_slider import WeightSlider
from tests.widgets.fake_ingresses import FakeCanaryIngresses, FakeIngresses
from tests.widgets.fake_release import FakeRelease
"""
CELLS = (
    f"{IMPORTS}ReplicaBoard(FakeRelease())",
    'WeightSlider(FakeCanaryIngresses(), "ingress-canary")',
    'RouteExplorer(FakeIngresses(), host="foo.bar.com")',
)
READY = ("expected 25 %", "expected 10 %", "it goes to prod:80")
"""What the status lines say at last."""
BUTTONS = ("Apply", "Apply", "Send the request")
GONE = "The kernel is gone: run the cell again."


@pytest.fixture
def page(lab: JupyterLab, watched: WatchedPage) -> Page:
    """A notebook with the three widgets, which are ready."""
    lab.write(NOTEBOOK, *CELLS)
    lab.open(watched.page, NOTEBOOK)
    run(lab, watched.page)
    return watched.page


def run(lab: JupyterLab, page: Page) -> None:
    lab.run_all(page)
    for ready in READY:
        expect(status(page).filter(has_text=ready)).to_be_visible()


def panels(page: Page) -> Locator:
    return page.locator(".canarylab-panel")


def button(panel: Locator, label: str) -> Locator:
    return panel.get_by_role("button", name=label, exact=True)


@needs("axe")
def test_axe_finds_nothing_serious(page: Page) -> None:
    assert serious_findings(page, ".canarylab-panel") == []


@needs("axe")
def test_axe_finds_nothing_serious_in_the_dark_theme(page: Page, watched: WatchedPage) -> None:
    dark(page)
    watched.pictures(panels(page), "dark")
    assert serious_findings(page, ".canarylab-panel") == []


def test_they_fit_into_700_pixels_beside_the_sidebar(page: Page, watched: WatchedPage) -> None:
    page.set_viewport_size({"width": 700, "height": 1000})
    expect(page.locator("#jp-left-stack")).to_be_visible()
    watched.pictures(panels(page), "narrow")
    for panel in panels(page).all():
        assert panel.evaluate("panel => panel.parentElement.scrollWidth <= panel.clientWidth")
        assert cut(panel.locator(".widget-label, button")) == []
        parts = "button, input, .widget-slider, textarea, img, section"
        assert overlapping(panel.locator(parts)) == []


def test_every_label_is_seen_in_full(page: Page) -> None:
    assert cut(panels(page).locator(".widget-label, button")) == []


def test_every_slider_can_be_found_by_its_name(page: Page) -> None:
    for label in panels(page).locator(".widget-slider .widget-label").all_inner_texts():
        expect(page.get_by_role("slider", name=label, exact=True)).to_be_visible()


def test_a_new_status_is_announced_politely(page: Page) -> None:
    """A screen reader announces what changes in an element, and nothing of a new element."""
    line = status(page).filter(has_text=READY[1])
    line.evaluate("line => line.dataset.first = 'yes'")
    page.get_by_label("Canary weight, typed").fill("0")
    button(panels(page).nth(1), "Apply").click()
    expect(page.locator("[data-first]")).to_contain_text("expected 0 %")
    expect(page.locator("[data-first]")).to_have_attribute("role", "status")


def test_nothing_moves_if_less_motion_is_wanted(page: Page) -> None:
    origin = handle(page, "Canary weight").locator("xpath=..")
    origin.locator("xpath=../..").evaluate("it => it.classList.add('noUi-state-tap')")
    assert origin.evaluate("it => getComputedStyle(it).transitionDuration") == "0s"


def test_escape_goes_back_to_the_cell(page: Page) -> None:
    cells = page.locator(".jp-Notebook .jp-Cell")
    for number, label in enumerate(BUTTONS):
        button(panels(page).nth(number), label).focus()
        page.keyboard.press("Escape")
        page.keyboard.press("b")  # in command mode: a cell below
        expect(cells).to_have_count(len(CELLS) + number + 1)


def test_after_a_restart_of_the_kernel_they_say_so_and_can_be_run_again(
    lab: JupyterLab, page: Page
) -> None:
    lab.restart_kernel(page)
    expect_gone(page)
    run(lab, page)
    expect(page.get_by_text(GONE).filter(visible=True)).to_have_count(0)


def test_after_the_kernel_was_shut_down_they_say_so(lab: JupyterLab, page: Page) -> None:
    lab.shut_down_kernel(page)
    expect_gone(page)


def test_after_reloading_the_page_they_go_on(lab: JupyterLab, page: Page) -> None:
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    lab.open(page, NOTEBOOK)
    page.get_by_role("slider", name="Canary weight").press("ArrowRight")
    button(panels(page).nth(1), "Apply").click()
    expect(status(page).filter(has_text="expected 11 %")).to_be_visible()


def test_a_second_one_of_a_kind_ends_the_first(lab: JupyterLab, watched: WatchedPage) -> None:
    lab.write(NOTEBOOK, *CELLS, *CELLS)
    lab.open(watched.page, NOTEBOOK)
    lab.run_all(watched.page)
    ended = watched.page.get_by_text("has ended: a newer one is open. Run its cell again.")
    expect(ended).to_have_count(len(CELLS))
    expect(panels(watched.page).get_by_role("button", name="Send", exact=False)).to_have_count(3)


def expect_gone(page: Page) -> None:
    expect(page.get_by_text(GONE).filter(visible=True)).to_have_count(len(CELLS))
    expect(panels(page).get_by_role("button").filter(visible=True)).to_have_count(0)


def cut(parts: Locator) -> list[str]:
    """The texts that are not to be seen in full."""
    whole = "part => part.scrollWidth <= part.clientWidth && part.scrollHeight <= part.offsetHeight"
    seen = parts.all()
    assert seen
    return [each.inner_text() for each in seen if not each.evaluate(whole)]


def overlapping(parts: Locator) -> list[str]:
    """The pairs of parts that cover each other."""
    boxes = [(each.evaluate("it => it.outerHTML.slice(0, 80)"), box(each)) for each in parts.all()]
    return [
        f"{one} and {other}"
        for (one, (left, top, right, bottom)), (other, (x, y, x_end, y_end)) in combinations(
            boxes, 2
        )
        if left < x_end and x < right and top < y_end and y < bottom
    ]


def box(part: Locator) -> tuple[float, float, float, float]:
    found = part.bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]
