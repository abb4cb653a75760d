"""The replica board under a real hand: in JupyterLab, in a real browser."""

from __future__ import annotations

import json

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
LABELS = ("Production pods", "Canary pods", "Production pods, typed", "Canary pods, typed")


@pytest.fixture
def page(lab: JupyterLab, watched: WatchedPage) -> Page:
    """A notebook with a board that has drawn its first picture."""
    cell: dict[str, object] = {"cell_type": "code", "id": "board", "source": CELL, "metadata": {}}
    cell |= {"outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]}
    (lab.root / NOTEBOOK).write_text(json.dumps(whole))
    lab.open(watched.page, NOTEBOOK)
    lab.run_all(watched.page)
    expect(status(watched.page)).to_contain_text("expected 25 %")
    return watched.page


def test_dragging_a_slider_moves_the_shares(page: Page, watched: WatchedPage) -> None:
    before = picture(page).get_attribute("src")
    drag(page, "Canary pods", to=2)

    expect(status(page)).to_contain_text("expected 40 %.")
    expect(picture(page)).not_to_have_attribute("src", before or "")
    watched.picture("replica-board")
    assert (watched.errors, watched.elsewhere) == ([], [])


def test_arrow_keys_do_what_a_hand_does(page: Page) -> None:
    handle(page, "Canary pods").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")

    expect(status(page)).to_contain_text("expected 50 %.")
    expect(page.get_by_label("Canary pods, typed")).to_have_value("3")


def test_a_typed_number_does_what_its_slider_does(page: Page) -> None:
    field = page.get_by_label("Production pods, typed")
    field.fill("1")
    field.press("Enter")

    expect(status(page)).to_contain_text("version 2.0")
    expect(status(page)).to_contain_text("expected 50 %.")


def test_the_command_can_be_copied(page: Page) -> None:
    field = page.get_by_label("Canary pods, typed")
    field.fill("4")
    field.press("Enter")

    terminal = page.get_by_label("The same in a terminal")
    expect(terminal).to_have_value(
        "canarylab sample http://127.0.0.1:32089\n"
        "kubectl scale deployment nodeapp-canary --replicas=4"
    )


def test_promoting_and_going_back(page: Page, watched: WatchedPage) -> None:
    page.get_by_role("button", name="Promote: grow the canary").click()
    expect(status(page)).to_contain_text("version 2.0 answered all 200 requests, expected 100 %")
    watched.picture("replica-board-promoted")

    page.get_by_role("button", name="Go back").click()
    expect(status(page)).to_contain_text("expected 25 %.")
    expect(page.get_by_label("Canary pods, typed")).to_have_value("1")


def test_every_control_has_a_label_that_can_be_seen(page: Page) -> None:
    for label in LABELS:
        seen = page.get_by_text(label, exact=True)
        expect(seen).to_be_visible()
        assert seen.evaluate("label => label.scrollWidth <= label.clientWidth"), f"{label} is cut"
