"""The replica board under a real hand: in JupyterLab, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WatchedPage
from tests.browser.controls import drag, handle, picture, status
from tests.browser.jupyter import JupyterLab
from tests.needs import needs

pytestmark = needs("browser")

NOTEBOOK = "board.ipynb"
CELL = """
from tests.widgets.fake_release import FakeRelease
from canarylab.widgets.replica_board import ReplicaBoard

board = ReplicaBoard(FakeRelease())
board
"""


@pytest.fixture
def page(lab: JupyterLab, watched: WatchedPage) -> Page:
    """A notebook with a board that has drawn its first picture."""
    lab.write(NOTEBOOK, CELL)
    lab.open(watched.page, NOTEBOOK)
    lab.run_all(watched.page)
    expect(status(watched.page)).to_contain_text("expected 25 %")
    return watched.page


def apply(page: Page) -> None:
    page.get_by_role("button", name="Apply", exact=True).click()


def test_dragging_changes_nothing_and_applying_moves_the_shares(
    page: Page, watched: WatchedPage
) -> None:
    before = picture(page).get_attribute("src") or ""
    drag(page, "Canary pods", to=2)
    expect(status(page)).to_contain_text("Chosen: production 3 pods, canary 2 pods.")
    expect(picture(page)).to_have_attribute("src", before)

    apply(page)
    expect(status(page)).to_contain_text("expected 40 %.")
    expect(picture(page)).not_to_have_attribute("src", before)
    watched.picture("replica-board")


def test_arrow_keys_do_what_a_hand_does(page: Page) -> None:
    handle(page, "Canary pods").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")

    expect(status(page)).to_contain_text("Chosen: production 3 pods, canary 3 pods.")
    expect(page.get_by_label("Canary pods, typed")).to_have_value("3")


def test_a_typed_number_does_what_its_slider_does(page: Page) -> None:
    page.get_by_label("Production pods, typed").fill("1")
    apply(page)

    expect(status(page)).to_contain_text("version 2.0")
    expect(status(page)).to_contain_text("expected 50 %.")


def test_the_commands_can_be_copied(page: Page) -> None:
    page.get_by_label("Canary pods, typed").fill("4")
    page.get_by_label("Requests to send").fill("40")
    apply(page)

    expect(page.get_by_label("The same in a terminal")).to_have_value(
        "canarylab sample http://127.0.0.1:32089 --count 200\n"
        "kubectl scale deployment nodeapp-canary --replicas=4\n"
        "kubectl rollout status deployment nodeapp-canary\n"
        "canarylab sample http://127.0.0.1:32089 --count 40"
    )


def test_promoting_and_starting_again(page: Page, watched: WatchedPage) -> None:
    page.get_by_role("button", name="Promote: canary 3 pods").click()
    expect(status(page)).to_contain_text("version 2.0 answered all 200 requests, expected 100 %")
    watched.picture("replica-board-promoted")

    page.get_by_role("button", name="Start again").click()
    expect(status(page)).to_contain_text("expected 25 %.")
    expect(page.get_by_label("Canary pods, typed")).to_have_value("1")


def test_without_pods_the_picture_is_cleared(page: Page) -> None:
    page.get_by_label("Production pods, typed").fill("0")
    page.get_by_label("Canary pods, typed").fill("0")
    apply(page)
    expect(status(page)).to_contain_text("No pod is there to answer")
    expect(picture(page)).to_have_count(0)
