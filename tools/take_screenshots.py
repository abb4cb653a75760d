"""Take the pictures of the widgets in docs/pictures: `make pictures`.

Each notebook below ends with a widget, is run in a JupyterLab of its own on a playground of its
own, and is used by hand as a person would. It takes a browser: Chromium, as the browser tests.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from tests.browser.controls import status
from tests.browser.jupyter import JupyterLab
from tests.needs import CHROMIUM

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
START = """
from canarylab import Lab
lab = Lab("playground")
lab.build()
lab.reset("03-canary")
"""
WEIGHTS = f"""{START}
for name in ("services", "ingress", "canary"):
    lab.apply(f"manifests/07-weights/{{name}}.yaml")
lab.weight_slider()
"""
PATHS = f"""{START}
for name in ("services", "ingress"):
    lab.apply(f"manifests/06-ingress/{{name}}.yaml")
lab.route_explorer("/canary")
"""
_COLOURS = 128
_TIMEOUT_MS = 180_000  # the first notebook builds the images
_SIZE = {"width": 1180, "height": 1000}


class Screenshot(NamedTuple):
    """A picture of a widget that somebody has used."""

    name: str
    source: str
    """A cell; its last line shows the widget."""
    use: Callable[[Page], None]


def use_board(page: Page) -> None:
    """Two canaries beside three pods of production."""
    expect(status(page)).to_contain_text("expected 25 %")
    page.get_by_label("Canary pods, typed").fill("2")
    page.get_by_role("button", name="Apply").click()
    expect(status(page)).to_contain_text("expected 40 %")


def use_slider(page: Page) -> None:
    """A weight of 30."""
    expect(status(page)).to_contain_text("of 200 requests")
    page.get_by_label("Canary weight, typed").fill("30")
    page.get_by_role("button", name="Apply").click()
    expect(status(page)).to_contain_text("expected 30 %")


def use_explorer(page: Page) -> None:
    """The canary, by its path."""
    expect(status(page)).to_contain_text("By the rules")
    page.get_by_role("button", name="Send the request").click()
    expect(status(page)).to_contain_text("s the rules say")


SCREENSHOTS = [
    Screenshot("replica-board", f"{START}lab.replica_board()", use_board),
    Screenshot("weight-slider", WEIGHTS, use_slider),
    Screenshot("route-explorer", PATHS, use_explorer),
]


def take(screenshots: list[Screenshot]) -> None:
    """Take these screenshots, and print their files."""
    os.environ["CANARYLAB_BUILDER"] = "process"
    with TemporaryDirectory(prefix="canarylab-") as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_default_timeout(_TIMEOUT_MS)
        expect.set_options(timeout=_TIMEOUT_MS)
        lab = JupyterLab(Path(folder))
        try:
            for each in screenshots:
                print(_take(each, lab, page).relative_to(FOLDER.parents[1]))
        finally:
            lab.end_kernels()
            lab.close()
            daemon_control.down(Home(lab.home))
            browser.close()


def _take(screenshot: Screenshot, lab: JupyterLab, page: Page) -> Path:
    notebook, file = f"{screenshot.name}.ipynb", FOLDER / f"{screenshot.name}.png"
    lab.write(notebook, screenshot.source)
    lab.open(page, notebook)
    lab.run_all(page)
    screenshot.use(page)
    seen = page.locator(".canarylab-panel").screenshot()
    palette = Image.open(io.BytesIO(seen)).convert("RGB")
    palette.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    return file


if __name__ == "__main__":
    take(SCREENSHOTS)
