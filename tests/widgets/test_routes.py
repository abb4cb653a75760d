"""The route explorer, filled in by code instead of by hand."""

from __future__ import annotations

import threading
from html import unescape
from typing import Any

import pytest

from canarylab.errors import TrafficError
from canarylab.widgets.routes import RouteExplorer
from tests.waiting import until
from tests.widgets.fake_ingress import FakeRoutes
from tests.widgets.hands import controls, failing, html

FIELDS = ("Path", "Host", "Header name", "Header value", "Cookie name", "Cookie value")


@pytest.fixture
def fake() -> FakeRoutes:
    return FakeRoutes()


@pytest.fixture
async def explorer(fake: FakeRoutes) -> Any:
    """An explorer that has explained what it began with."""
    shown = RouteExplorer(fake, host="foo.bar.com", quiet_s=0.01)
    await until(lambda: shown.explained)
    await until(lambda: "The host is served" in html(shown.view))
    yield shown
    shown.close()


async def filled(explorer: RouteExplorer, label: str, text: str, *, until_said: str) -> None:
    controls(explorer.view)[label].value = text
    await until(lambda: until_said in unescape(html(explorer.view)))


async def asked(explorer: RouteExplorer) -> str:
    """Press Ask, and return what the status line says then."""
    controls(explorer.view)["Ask"].click()
    await until(lambda: explorer.answered and explorer.status[0].isdigit())
    await until(lambda: "X-Version" in html(explorer.view))
    return explorer.status


async def test_every_control_has_a_label(explorer: RouteExplorer) -> None:
    assert set(controls(explorer.view)) == {*FIELDS, "Ask"}


async def test_it_begins_with_the_way_of_its_first_request(explorer: RouteExplorer) -> None:
    assert explorer.status == "By the rules it goes to prod:80."
    assert "foo.bar.com, path /" in html(explorer.view)


async def test_it_explains_while_one_types_and_sends_nothing(
    explorer: RouteExplorer, fake: FakeRoutes
) -> None:
    await filled(explorer, "Path", "/canary", until_said="The longest path is /canary.")
    assert explorer.status == "By the rules it goes to canary:80."
    assert fake.asked == []


@pytest.mark.parametrize("kind", ["Header", "Cookie"])
async def test_a_header_or_a_cookie_changes_the_way(explorer: RouteExplorer, kind: str) -> None:
    controls(explorer.view)[f"{kind} name"].value = "X-Canary"
    await filled(explorer, f"{kind} value", "always", until_said="it goes to canary:80.")


async def test_where_no_rule_has_the_request_the_ingress_itself_answers(
    explorer: RouteExplorer,
) -> None:
    said = "By the rules the ingress itself answers 404."
    await filled(explorer, "Host", "other.example", until_said=said)
    assert "nothing: it gets no further" in html(explorer.view)
    assert await asked(explorer) == (
        "404 Not Found. As the rules said: the answer is 404 Not Found and names no pod."
    )


async def test_asking_shows_the_answer_beside_the_rules(
    explorer: RouteExplorer, fake: FakeRoutes
) -> None:
    status = await asked(explorer)
    assert status == "200 OK. As the rules said: pod-a is a ready pod of prod:80."
    shown = unescape(html(explorer.view))
    assert all(part in shown for part in ("200 OK", "1.0", "pod-a", '"Version 1.0"'))
    assert fake.asked == [("/", "foo.bar.com", {}, {})]


async def test_an_answer_of_somebody_else_is_not_what_the_rules_said(
    explorer: RouteExplorer, fake: FakeRoutes
) -> None:
    fake.stranger = "pod-x"
    said = "Not as the rules said: pod-x is no ready pod of prod:80."
    assert await asked(explorer) == f"200 OK. {said}"
    assert said in html(explorer.view)


async def test_another_request_takes_the_answer_away(explorer: RouteExplorer) -> None:
    await asked(explorer)
    await filled(explorer, "Path", "/canary", until_said="Not asked yet.")
    assert explorer.answered is None


async def test_a_burst_of_keys_is_explained_once(fake: FakeRoutes) -> None:
    explorer = RouteExplorer(fake, host="foo.bar.com", quiet_s=0.3)
    for length in range(1, 8):
        controls(explorer.view)["Path"].value = "/canary"[:length]
    await until(lambda: fake.explanations)
    explorer.close()
    assert fake.explanations == ["/canary"]


async def test_the_command_can_be_copied(explorer: RouteExplorer) -> None:
    await filled(explorer, "Path", "/canary", until_said="http://127.0.0.1:8080/canary</textarea>")
    assert explorer.command == "curl -i -H 'Host: foo.bar.com' http://127.0.0.1:8080/canary"


async def test_what_does_not_fit_is_said_and_nothing_old_is_left(explorer: RouteExplorer) -> None:
    await filled(explorer, "Path", "canary", until_said="Begin with a slash")
    assert explorer.status.startswith('This did not work. The path "canary" cannot be sent.')
    await until(lambda: "By the rules" not in html(explorer.view))


@pytest.mark.parametrize(
    ("exc", "said"),
    [
        (TrafficError("Nobody answers. Start it."), "This did not work. Nobody answers. Start it."),
        (KeyError("spec"), "This did not work. KeyError('spec')."),
    ],
)
async def test_an_error_is_said_and_everything_goes_on(
    explorer: RouteExplorer, fake: FakeRoutes, exc: Exception, said: str
) -> None:
    fake.before_asking = failing(exc)
    controls(explorer.view)["Ask"].click()
    await until(lambda: explorer.status == said)
    fake.before_asking = lambda: None
    assert "As the rules said" in await asked(explorer)


async def test_the_status_is_announced_politely(explorer: RouteExplorer) -> None:
    assert 'role="status" aria-live="polite"' in html(explorer.view)


async def test_what_came_back_is_text_and_never_part_of_the_page(
    explorer: RouteExplorer, fake: FakeRoutes
) -> None:
    fake.stranger = "<script>"
    await asked(explorer)
    assert "<script>" not in html(explorer.view)
    assert "<script>" not in explorer._repr_html_()


async def test_without_a_front_end_it_prints_what_it_shows(explorer: RouteExplorer) -> None:
    await asked(explorer)
    shown = explorer._repr_mimebundle_()
    assert shown["text/plain"].splitlines() == [
        f"Route explorer: / as foo.bar.com. {explorer.status}",
        "The host is served as foo.bar.com.",
        "The longest path is /.",
    ]
    parts = (explorer.status, "The longest path is /.", "pod-a", "curl -i")
    assert all(part in shown["text/html"] for part in parts)


async def test_a_front_end_gets_the_live_explorer(explorer: RouteExplorer) -> None:
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()


async def test_a_closed_explorer_leaves_no_thread(fake: FakeRoutes) -> None:
    RouteExplorer(fake).close()
    assert "route explorer" not in {thread.name for thread in threading.enumerate()}
