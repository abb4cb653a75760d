"""The controls of a widget, as a person finds and moves them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from canarylab.widgets.replica_board import MAX_PODS
from tests.needs import AXE

_SERIOUS = {"serious", "critical"}


def status(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="Status:")


def handle(page: Page, label: str) -> Locator:
    """What is dragged, or moved with the arrow keys."""
    row = page.locator(".widget-slider").filter(has=page.get_by_text(label, exact=True))
    return row.locator(".noUi-handle")


def drag(page: Page, label: str, *, to: int, most: int = MAX_PODS) -> None:
    """Drag a handle to a number."""
    track = handle(page, label).locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
    begin, whole = handle(page, label).bounding_box(), track.bounding_box()
    if begin is None or whole is None:
        raise AssertionError("the slider cannot be seen")
    level = begin["y"] + begin["height"] / 2
    page.mouse.move(begin["x"] + begin["width"] / 2, level)
    page.mouse.down()
    page.mouse.move(whole["x"] + whole["width"] * to / most, level, steps=5)
    page.mouse.up()


def picture(page: Page) -> Locator:
    return page.get_by_alt_text("Dot plot with intervals")


def dark(page: Page) -> None:
    """The same page in the dark theme."""
    page.evaluate(
        "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(page.locator("#jupyterlab-splash")).to_be_hidden()


def serious_findings(page: Page, selector: str) -> list[str]:
    """What axe-core calls serious or critical there."""
    page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"]}
    found = page.evaluate("([where, how]) => axe.run(where, how)", [selector, options])
    return [
        f"{each['id']}: {node['html']}"
        for each in found["violations"]
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]
