"""Lesson 3 in a real browser, with real pods behind the board."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from canarylab.manifests import SERVICE
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.release.connection import Connection
from canarylab.release.endpoints import expected_shares, read_endpoints
from tests.browser.conftest import WatchedPage
from tests.browser.controls import dark, drag, picture, serious_findings, status
from tests.browser.jupyter import JupyterLab
from tests.built_images import built
from tests.needs import needs

pytestmark = [needs("browser"), needs("linux")]

LESSON = Path(__file__).parents[2] / "notebooks" / "03-canary.ipynb"
NOTEBOOK = "03-canary.ipynb"
ACTION_MS = 60_000
"""Scaling, waiting for pods, sending requests, drawing."""


@pytest.fixture
def home(lab: JupyterLab) -> Iterator[Home]:
    """The images are there, as after lesson 1; the lesson itself starts the playground."""
    built(lab.home / "images")
    yield Home(lab.home)
    daemon_control.down(Home(lab.home))


@pytest.fixture
def page(lab: JupyterLab, home: Home, watched: WatchedPage) -> Page:
    """The lesson, run as far as the board, whose first picture is drawn."""
    lesson = nbformat.read(LESSON, as_version=4)  # type: ignore[no-untyped-call]
    sources = [cell.source for cell in lesson.cells]
    board = next(number for number, source in enumerate(sources) if "lab.replica_board()" in source)
    lesson.cells = lesson.cells[: board + 1]
    nbformat.write(lesson, lab.root / NOTEBOOK)  # type: ignore[no-untyped-call]
    lab.open(watched.page, NOTEBOOK)
    lab.run_all(watched.page)
    expect(status(watched.page)).to_contain_text("expected 25 %.", timeout=ACTION_MS)
    return watched.page


def test_dragging_a_slider_scales_real_pods_and_moves_the_shares(
    page: Page, watched: WatchedPage, home: Home
) -> None:
    before = picture(page).last.get_attribute("src")
    drag(page, "Canary pods", to=2)
    page.get_by_role("button", name="Apply", exact=True).click()

    expect(status(page)).to_contain_text("expected 40 %.", timeout=ACTION_MS)
    expect(picture(page).last).not_to_have_attribute("src", before or "")
    with closing(Connection(home.kubeconfig)) as connection:
        assert expected_shares(read_endpoints(connection, SERVICE)) == {"1.0": 0.6, "2.0": 0.4}
    page.locator(".canarylab-panel").scroll_into_view_if_needed()
    watched.picture("lesson-3-board")


@needs("axe")
def test_axe_finds_nothing_serious_in_text_tables_and_our_pictures(page: Page) -> None:
    ours = ".jp-RenderedHTMLCommon, .canarylab-panel"
    assert serious_findings(page, ours) == []
    dark(page)
    assert serious_findings(page, ours) == []
