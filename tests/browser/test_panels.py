"""What all widgets do in JupyterLab, in a real browser; nothing but numbers is behind them."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WatchedPage
from tests.browser.controls import dark, handle, status
from tests.browser.jupyter import JupyterLab
from tests.needs import AXE, needs

pytestmark = needs("browser")

NOTEBOOK = "panels.ipynb"
GONE = "The kernel is gone: run the cell again."
NARROW = {"width": 700, "height": 1000}
SERIOUS = {"serious", "critical"}


class Widget(NamedTuple):
    """A widget, and what shows that it works."""

    name: str
    source: str
    control: str
    """The button that acts."""
    ready: str
    """What its status line says at last."""


BOARD = Widget(
    "replica-board",
    """
from tests.widgets.fake_release import FakeRelease
from canarylab.widgets.replica_board import ReplicaBoard
ReplicaBoard(FakeRelease())
""",
    "Apply",
    "expected 25 %",
)
SLIDER = Widget(
    "weight-slider",
    """
from tests.widgets.fake_ingresses import FakeCanaryIngresses
from canarylab.widgets.weight_slider import WeightSlider
WeightSlider(FakeCanaryIngresses(), "ingress-canary")
""",
    "Apply",
    "expected 10 %",
)
EXPLORER = Widget(
    "route-explorer",
    """
from tests.widgets.fake_ingresses import FakeIngresses
from canarylab.widgets.route_explorer import RouteExplorer
RouteExplorer(FakeIngresses(), host="foo.bar.com")
""",
    "Send the request",
    "it goes to prod:80",
)


@pytest.fixture(params=[BOARD, SLIDER, EXPLORER], ids=lambda each: each.name)
def widget(request: pytest.FixtureRequest) -> Widget:
    each: Widget = request.param
    return each


@pytest.fixture
def page(lab: JupyterLab, watched: WatchedPage, widget: Widget) -> Page:
    """A notebook with the widget, which is ready."""
    lab.write(NOTEBOOK, widget.source)
    lab.open(watched.page, NOTEBOOK)
    lab.run_all(watched.page)
    expect(status(watched.page)).to_contain_text(widget.ready)
    return watched.page


def panel(page: Page) -> Locator:
    return page.locator(".canarylab-panel")


def button(page: Page, label: str) -> Locator:
    return page.get_by_role("button", name=label, exact=True)


def serious_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical in the panel."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run('.canarylab-panel', {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html']}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@needs("axe")
def test_axe_finds_nothing_serious(page: Page) -> None:
    assert serious_findings(page) == []


@needs("axe")
def test_axe_finds_nothing_serious_in_the_dark_theme(
    page: Page, widget: Widget, watched: WatchedPage
) -> None:
    dark(page)
    watched.picture(f"{widget.name}-dark")
    assert serious_findings(page) == []


def test_it_fits_into_700_pixels_beside_the_sidebar(
    page: Page, widget: Widget, watched: WatchedPage
) -> None:
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    expect(page.locator("#jp-left-stack")).to_be_visible()
    watched.picture(f"{widget.name}-narrow")
    output = page.locator(".jp-OutputArea-output").first
    assert output.evaluate("output => output.scrollWidth <= output.clientWidth")
    assert cut(panel(page).locator(".widget-label, button")) == []
    assert overlapping(panel(page).locator("button, input, .widget-slider, textarea, img")) == []


def test_every_label_is_seen_in_full(page: Page) -> None:
    assert cut(panel(page).locator(".widget-label, button")) == []


def test_the_status_is_announced_politely(page: Page, widget: Widget) -> None:
    status(page).evaluate("line => line.dataset.first = 'yes'")
    button(page, widget.control).click()
    expect(panel(page).get_by_text("Sending")).to_be_hidden()
    expect(status(page)).to_have_attribute("data-first", "yes")


def test_escape_goes_back_to_the_cell(page: Page, widget: Widget) -> None:
    button(page, widget.control).focus()
    page.keyboard.press("Escape")
    page.keyboard.press("b")  # in command mode: a cell below
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)


def test_after_a_restart_of_the_kernel_it_says_so_and_can_be_run_again(
    lab: JupyterLab, page: Page, widget: Widget
) -> None:
    lab.restart_kernel(page)
    expect(page.get_by_text(GONE)).to_be_visible()
    expect(button(page, widget.control)).to_be_hidden()
    lab.run_all(page)
    expect(status(page)).to_contain_text(widget.ready)
    expect(page.get_by_text(GONE)).to_be_hidden()


def test_after_the_kernel_was_shut_down_it_says_so(
    lab: JupyterLab, page: Page, widget: Widget
) -> None:
    lab.shut_down_kernel(page)
    expect(page.get_by_text(GONE)).to_be_visible()
    expect(button(page, widget.control)).to_be_hidden()


def test_a_second_one_ends_the_first(lab: JupyterLab, watched: WatchedPage, widget: Widget) -> None:
    page = watched.page
    lab.write(NOTEBOOK, widget.source, widget.source)
    lab.open(page, NOTEBOOK)
    lab.run_all(page)
    expect(page.get_by_text("has ended: a newer one is open. Run its cell again.")).to_be_visible()
    expect(button(page, widget.control)).to_have_count(1)


@pytest.mark.parametrize("widget", [BOARD, SLIDER], ids=lambda each: each.name, indirect=False)
def test_a_slider_can_be_found_by_its_name(page: Page) -> None:
    for label in panel(page).locator(".widget-slider .widget-label").all_inner_texts():
        expect(page.get_by_role("slider", name=label, exact=True)).to_be_visible()


@pytest.mark.parametrize("widget", [SLIDER], ids=lambda each: each.name, indirect=False)
def test_nothing_moves_where_less_motion_is_wanted(page: Page) -> None:
    origin = handle(page, "Canary weight").locator("xpath=..")
    origin.locator("xpath=../..").evaluate("it => it.classList.add('noUi-state-tap')")
    assert origin.evaluate("it => getComputedStyle(it).transitionDuration") == "0s"


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
