"""Route explorer and weight slider in JupyterLab, in a real browser, with real pods behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from tests.browser.conftest import WatchedPage
from tests.browser.controls import dark, drag, handle, picture, status
from tests.browser.jupyter import JupyterLab
from tests.built_images import built
from tests.needs import needs

pytestmark = [needs("browser"), needs("linux")]

CELL = """
from tests.browser.ingress_release import release_behind_an_ingress

lab = release_behind_an_ingress()
widget = {widget}
widget
"""
ACTION_MS = 60_000
"""Starting a playground and four pods, or setting a weight and sending requests."""


@pytest.fixture
def home(lab: JupyterLab) -> Iterator[Home]:
    """The images are there; the notebook itself starts the playground."""
    built(lab.home / "images")
    yield Home(lab.home)
    daemon_control.down(Home(lab.home))


def shown(lab: JupyterLab, page: Page, widget: str) -> None:
    """Run a notebook that ends with the widget."""
    lab.write("ingress.ipynb", CELL.format(widget=widget))
    lab.open(page, "ingress.ipynb")
    lab.run_all(page)


def part(page: Page, name: str) -> Locator:
    """The column of the rules, or of the response."""
    return page.get_by_role("region", name=name)


@pytest.fixture
def explorer(lab: JupyterLab, home: Home, watched: WatchedPage) -> Page:
    del home
    shown(lab, watched.page, "lab.route_explorer()")
    expect(status(watched.page)).to_contain_text("it goes to", timeout=ACTION_MS)
    return watched.page


@pytest.fixture
def slider(lab: JupyterLab, home: Home, watched: WatchedPage) -> Page:
    del home
    shown(lab, watched.page, "lab.weight_slider()")
    expect(status(watched.page)).to_contain_text("expected 10 %.", timeout=ACTION_MS)
    return watched.page


def test_another_path_has_another_way_and_its_own_answer(
    explorer: Page, watched: WatchedPage
) -> None:
    page, rules, answer = explorer, part(explorer, "By the rules"), part(explorer, "The response")
    expect(rules).to_contain_text("nodeapp-svc-prod:80 (90 %)")
    page.get_by_label("Path", exact=True).fill("/canary")

    expect(rules).to_contain_text("path /canary, of Ingress ingress-prod-canary")
    expect(rules).to_contain_text("The pod receives the path /canary, unchanged.")
    expect(answer).to_contain_text("Not sent yet.")
    watched.picture("route-explorer-explained")

    page.get_by_role("button", name="Send the request").click()
    expect(answer).to_contain_text("404 Not Found")
    expect(answer).to_contain_text("is a ready pod of nodeapp-svc-canary:80.")
    expect(status(page)).to_contain_text("As the rules say")
    watched.picture("route-explorer-sent")
    dark(page)
    watched.picture("route-explorer-dark")

    page.get_by_label("Host").fill("another.example")
    expect(rules).to_contain_text("the ingress itself, which answers 404")


def test_the_explorer_can_be_worked_from_the_keyboard(explorer: Page) -> None:
    page = explorer
    page.get_by_label("Path", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("/healthz")
    expect(part(page, "By the rules")).to_contain_text("The pod receives the path /healthz")
    for _ in range(6):  # the five other fields, and the button
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(part(page, "The response")).to_contain_text('"alive"')
    terminal = page.get_by_label("The same in a terminal")
    expect(terminal).to_have_value(
        f"curl -i -H 'Host: foo.bar.com' http://{_host(terminal)}/healthz"
    )


def test_dragging_sets_nothing_and_applying_moves_the_shares(
    slider: Page, watched: WatchedPage
) -> None:
    page = slider
    before = picture(page).get_attribute("src") or ""
    drag(page, "Canary weight", to=50, most=100)
    expect(status(page)).to_contain_text("Chosen: the weight is 50 of 100.")
    expect(page.get_by_label("Canary weight, typed")).to_have_value("50")
    expect(picture(page)).to_have_attribute("src", before)
    page.get_by_role("button", name="Apply").click()
    expect(status(page)).to_contain_text("expected 50 %.", timeout=ACTION_MS)
    expect(picture(page)).not_to_have_attribute("src", before)
    annotate, send = page.get_by_label("The same in a terminal").input_value().splitlines()[-2:]
    assert annotate.endswith("ingress-canary nginx.ingress.kubernetes.io/canary-weight=50")
    assert send.startswith("for i in $(seq 200); do curl")
    assert sum(counts_of(send)) == 200
    watched.picture("weight-slider")
    dark(page)
    watched.picture("weight-slider-dark")


def test_arrow_keys_and_enter_set_a_weight(slider: Page) -> None:
    page = slider
    handle(page, "Canary weight").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Canary weight, typed")).to_have_value("11")
    page.get_by_role("button", name="Apply").press("Enter")
    expect(status(page)).to_contain_text("expected 11 %.", timeout=ACTION_MS)


def counts_of(command: str) -> list[int]:
    """The numbers of answers that a command in a terminal counts."""
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


def _host(terminal: Locator) -> str:
    """The address and port in a command."""
    return terminal.input_value().partition("http://")[2].partition("/")[0]
