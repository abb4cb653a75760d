"""The route explorer, filled in by code instead of by hand."""

from __future__ import annotations

import threading
from html import unescape
from typing import Any

import pytest

from canarylab.errors import IngressAddressError, TrafficError
from canarylab.release.ingress import RouteExplanation
from canarylab.traffic import Request
from canarylab.widgets.route_explorer import (
    ObservedResponse,
    RequestForm,
    RouteExplorer,
    curl_command,
    follows_rules,
    verdict,
)
from tests.waiting import until
from tests.widgets.controls import controls, failing, html
from tests.widgets.fake_ingresses import FakeIngresses

FIELDS = ("Path", "Host", "Header name", "Header value", "Cookie name", "Cookie value")


@pytest.fixture
def fake() -> FakeIngresses:
    return FakeIngresses()


@pytest.fixture
async def explorer(fake: FakeIngresses) -> Any:
    """An explorer that has explained what it began with."""
    shown = RouteExplorer(fake, host="foo.bar.com", debounce_s=0.01)
    await until(lambda: shown.explanation)
    await until(lambda: "The host is served" in html(shown.view))
    yield shown
    shown.close()


async def filled(explorer: RouteExplorer, label: str, text: str, *, until_said: str) -> None:
    controls(explorer.view)[label].value = text
    await until(lambda: until_said in unescape(html(explorer.view)))


async def sent(explorer: RouteExplorer) -> str:
    """Press Send, and return the status line afterwards."""
    controls(explorer.view)["Send the request"].click()
    await until(lambda: explorer.observed and explorer.status[0].isdigit())
    await until(lambda: "X-Version" in html(explorer.view))
    return explorer.status


async def test_without_an_address_the_route_is_explained_and_no_command_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_address = failing(IngressAddressError("No Ingress reports an address. Wait."))
    monkeypatch.setattr(FakeIngresses, "url", property(lambda _: no_address()))
    explorer = RouteExplorer(FakeIngresses(), host="foo.bar.com", debounce_s=0.01)
    await until(lambda: explorer.status.startswith("By the rules it goes to"))
    explorer.close()
    assert explorer.command == ""


async def test_every_control_has_a_label(explorer: RouteExplorer) -> None:
    assert set(controls(explorer.view)) == {*FIELDS, "Send the request"}


async def test_it_begins_with_the_route_of_its_first_request(explorer: RouteExplorer) -> None:
    assert explorer.status == "By the rules it goes to prod:80."
    assert "foo.bar.com, path /" in html(explorer.view)


async def test_it_explains_while_one_types_and_sends_nothing(
    explorer: RouteExplorer, fake: FakeIngresses
) -> None:
    await filled(explorer, "Path", "/canary", until_said="The longest path is /canary.")
    assert explorer.status == "By the rules it goes to canary:80."
    assert fake.requests == []


@pytest.mark.parametrize("kind", ["Header", "Cookie"])
async def test_a_header_or_a_cookie_changes_the_route(explorer: RouteExplorer, kind: str) -> None:
    controls(explorer.view)[f"{kind} name"].value = "X-Canary"
    await filled(explorer, f"{kind} value", "always", until_said="it goes to canary:80.")


async def test_where_no_rule_has_the_request_the_ingress_itself_answers(
    explorer: RouteExplorer,
) -> None:
    said = "By the rules the ingress itself answers 404."
    await filled(explorer, "Host", "other.example", until_said=said)
    assert "nothing: no pod gets the request" in html(explorer.view)
    assert await sent(explorer) == (
        "404 Not Found. As the rules say: the response is 404 Not Found and names no pod."
    )


async def test_sending_shows_the_response_beside_the_rules(
    explorer: RouteExplorer, fake: FakeIngresses
) -> None:
    status = await sent(explorer)
    assert status == "200 OK. As the rules say: pod-a is a ready pod of prod:80."
    shown = unescape(html(explorer.view))
    assert all(part in shown for part in ("200 OK", "1.0", "pod-a", '"Version 1.0"'))
    assert fake.requests == [("/", Request(host="foo.bar.com"))]


async def test_a_response_of_another_pod_does_not_follow_the_rules(
    explorer: RouteExplorer, fake: FakeIngresses
) -> None:
    fake.stranger = "pod-x"
    said = "Not as the rules say: pod-x is no ready pod of prod:80."
    assert await sent(explorer) == f"200 OK. {said}"
    assert said in html(explorer.view)


async def test_another_request_removes_the_response(explorer: RouteExplorer) -> None:
    await sent(explorer)
    await filled(explorer, "Path", "/canary", until_said="Not sent yet.")
    assert explorer.observed is None


async def test_a_burst_of_keys_is_explained_once(fake: FakeIngresses) -> None:
    explorer = RouteExplorer(fake, host="foo.bar.com", debounce_s=0.3)
    for length in range(1, 8):
        controls(explorer.view)["Path"].value = "/canary"[:length]
    await until(lambda: fake.explained)
    explorer.close()
    assert fake.explained == ["/canary"]


async def test_the_command_can_be_copied(explorer: RouteExplorer) -> None:
    await filled(explorer, "Path", "/canary", until_said="http://127.0.0.1:8080/canary</textarea>")
    assert explorer.command == "curl -i -H 'Host: foo.bar.com' http://127.0.0.1:8080/canary"


async def test_a_field_that_does_not_fit_is_named_and_the_old_route_removed(
    explorer: RouteExplorer,
) -> None:
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
async def test_an_error_is_shown_and_everything_works_again(
    explorer: RouteExplorer, fake: FakeIngresses, exc: Exception, said: str
) -> None:
    fake.before_sending = failing(exc)
    controls(explorer.view)["Send the request"].click()
    await until(lambda: explorer.status == said)
    fake.before_sending = lambda: None
    assert "As the rules say" in await sent(explorer)


async def test_the_response_is_shown_as_text_and_never_as_html(
    explorer: RouteExplorer, fake: FakeIngresses
) -> None:
    fake.stranger = "<script>"
    await sent(explorer)
    assert "<script>" not in html(explorer.view)
    assert "<script>" not in explorer._repr_html_()


async def test_without_a_front_end_it_prints_what_it_shows(explorer: RouteExplorer) -> None:
    await sent(explorer)
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


async def test_a_closed_explorer_leaves_no_thread(fake: FakeIngresses) -> None:
    RouteExplorer(fake).close()
    assert "route explorer" not in {thread.name for thread in threading.enumerate()}


PROD = RouteExplanation({"prod:80": 1.0}, "/", 0, ())
BOTH = RouteExplanation({"prod:80": 0.9, "canary:80": 0.1}, "/", 0, ())
NOBODY = RouteExplanation({}, "", 404, ())
BEHIND_PROD = frozenset({"prod:80"})


def observed(
    code: str, pod: str | None, backends: frozenset[str] = frozenset()
) -> ObservedResponse:
    return ObservedResponse(code, None, pod, "", backends)


@pytest.mark.parametrize(
    ("explanation", "answer", "follows", "text"),
    [
        (PROD, observed("200 OK", "a", BEHIND_PROD), True, "a is a ready pod of prod:80."),
        (PROD, observed("404 Not Found", "a", BEHIND_PROD), True, "a is a ready pod of prod:80."),
        (PROD, observed("200 OK", "b"), False, "b is no ready pod of prod:80."),
        (BOTH, observed("200 OK", "b"), False, "b is no ready pod of prod:80 and canary:80."),
        (PROD, observed("502 Bad Gateway", None), None, "to prod:80, the response names no pod."),
        (NOBODY, observed("404 Not Found", None), True, "is 404 Not Found and names no pod."),
        (NOBODY, observed("200 OK", None), False, "is 200 OK and names no pod."),
        (
            NOBODY,
            observed("404 Not Found", "a"),
            False,
            "answered; the rules say that the ingress itself answers.",
        ),
    ],
)
def test_a_response_is_compared_with_the_rules(
    explanation: RouteExplanation, answer: ObservedResponse, follows: bool | None, text: str
) -> None:
    assert follows_rules(explanation, answer) is follows
    assert verdict(explanation, answer).endswith(text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (RequestForm("canary", "a.b"), "Begin with a slash"),
        (RequestForm("/a b", "a.b"), "%20"),
        (RequestForm("", "a.b"), "Begin with a slash"),
        (RequestForm("/", "http://a.b/"), "Write it like foo.bar.com"),
        (RequestForm("/", "a.b", "", "always"), "no name"),
        (RequestForm("/", "a.b", "X Canary", "always"), "cannot name a header"),
        (RequestForm("/", "a.b", "X-Canary", "a\nb"), "cannot be sent"),
        (RequestForm("/", "a.b", "Host", "c.d"), "fields of its own"),
        (RequestForm("/", "a.b", "cookie", "a=b"), "fields of its own"),
        (RequestForm("/", "a.b", "", "", "tester", "a; b"), "semicolon"),
    ],
)
def test_a_form_that_cannot_be_sent_is_refused_with_what_to_try(
    form: RequestForm, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        form.request()


def test_fields_become_a_request() -> None:
    form = RequestForm(" /canary?a=b ", "foo.bar.com ", "X-Canary", "always", "tester", "never")
    assert form.request() == (
        "/canary?a=b",
        Request(host="foo.bar.com", headers={"X-Canary": "always"}, cookies={"tester": "never"}),
    )


def test_a_form_is_shown_in_one_line() -> None:
    form = RequestForm("/", "foo.bar.com", "X-Canary", "always", "tester", "never")
    assert str(form) == "/ as foo.bar.com, with X-Canary: always, with cookie tester: never"


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (Request(), "curl -i http://127.0.0.1:8080/canary"),
        (
            Request(host="a.b", headers={"X-Canary": "it's"}, cookies={"tester": "always"}),
            "curl -i -H 'Host: a.b' -H 'X-Canary: it'\"'\"'s' -b tester=always "
            "http://127.0.0.1:8080/canary",
        ),
    ],
)
def test_curl_sends_the_same_request(request_: Request, command: str) -> None:
    assert curl_command("http://127.0.0.1:8080/canary", request_) == command
