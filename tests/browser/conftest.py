"""A real browser and a real JupyterLab, started once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.browser.jupyter import JupyterLab
from tests.needs import CHROMIUM

SCREENSHOTS = Path(__file__).parents[2] / "output" / "screenshots"
_TIMEOUT_MS = 60_000
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-default-apps"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@dataclass
class WatchedPage:
    """A page, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Requests to anywhere but the JupyterLab of this test."""

    def watch(self, home: str) -> None:
        """Write down errors and requests from now on."""

        def note_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.errors.append(message.text)

        def note_request(request: Request) -> None:
            if not request.url.startswith((home, "data:", "blob:")):
                self.elsewhere.append(request.url)

        self.page.on("console", note_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", note_request)

    def picture(self, name: str) -> None:
        """Keep how the page looks, for a person to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def pictures(self, panels: Locator, suffix: str) -> None:
        """Keep how each widget looks."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for number, panel in enumerate(panels.all()):
            panel.screenshot(path=SCREENSHOTS / f"panel-{number}-{suffix}.png")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """JupyterLab, with nobody's settings."""
    serving = JupyterLab(tmp_path_factory.mktemp("jupyter"))
    yield serving
    serving.close()


@pytest.fixture(scope="module")  # while it is open, no other test can have an event loop
def browser() -> Iterator[Browser]:
    """Chromium, which can reach nothing but this machine."""
    with sync_playwright() as driver:
        expect.set_options(timeout=_TIMEOUT_MS)  # 5 s are too few on a busy machine
        started = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def watched(browser: Browser, lab: JupyterLab) -> Iterator[WatchedPage]:
    """A fresh page, watched from its first request on; an error or a request elsewhere fails."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000}, locale="en-US", reduced_motion="reduce"
    )
    watched = WatchedPage(context.new_page())
    watched.page.set_default_timeout(_TIMEOUT_MS)
    watched.watch(lab.url)
    yield watched
    context.close()
    lab.end_kernels()
    assert (watched.errors, watched.elsewhere) == ([], [])
