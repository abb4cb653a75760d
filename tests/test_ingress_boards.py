"""What the widgets at the Ingress do on a real lab."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.front_door import Visitor, Way
from canarylab.ingress_boards import IngressRoutes, IngressWeight
from canarylab.traffic.http import HttpResponse
from canarylab.widgets.questions import Explained, as_said

WAY = Way({"prod:80": 0.9, "canary:80": 0.1}, "/", 0, ("Why.",), "foo.bar.com, path /")
PODS = {"prod:80": {"a", "b"}, "canary:80": {"c"}}


class NotedDoor:
    """Notes what it is asked for; stands in for the lab's front door."""

    url = "http://127.0.0.1:8080"

    def __init__(self, pod: str | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._headers = {"X-Version": "1.0", "x-pod": pod} if pod else {}

    def route(self, path: str, visitor: Visitor) -> Way:
        self.asked.append(("route", path, *visitor))
        return WAY

    def ask(self, path: str, visitor: Visitor) -> HttpResponse:
        self.asked.append(("ask", path, *visitor))
        return HttpResponse(200, "OK", self._headers, "hello")

    def pods(self, backend: str) -> set[str]:
        return PODS[backend]

    def set_weight(self, percent: int, ingress: str) -> None:
        self.asked.append(("set_weight", percent, ingress))


def routes(door: NotedDoor) -> IngressRoutes:
    return IngressRoutes(door)  # type: ignore[arg-type]


def test_explaining_sends_nothing() -> None:
    door = NotedDoor()
    explained = routes(door).explain("/", "foo.bar.com", {"X-Canary": "always"}, {})
    assert explained == Explained("foo.bar.com, path /", WAY.shares, "/", 0, ("Why.",))
    assert door.asked == [("route", "/", "foo.bar.com", {"X-Canary": "always"}, {})]


@pytest.mark.parametrize(
    ("pod", "backends", "held"),
    [
        ("a", frozenset({"prod:80"}), True),
        ("c", frozenset({"canary:80"}), True),
        ("x", frozenset(), False),
        (None, frozenset(), None),
    ],
)
def test_who_answered_is_looked_for_behind_the_backends_of_the_rules(
    pod: str | None, backends: frozenset[str], held: bool | None
) -> None:
    explained, answered = routes(NotedDoor(pod)).ask("/", "foo.bar.com", {}, {})
    assert (answered.status, answered.pod, answered.backends) == ("200 OK", pod, backends)
    assert as_said(explained, answered) is held


@pytest.mark.parametrize(
    ("host", "headers", "cookies", "command"),
    [
        ("", {}, {}, "curl -i http://127.0.0.1:8080/canary"),
        (
            "foo.bar.com",
            {"X-Canary": "it's"},
            {"tester": "always"},
            "curl -i -H 'Host: foo.bar.com' -H 'X-Canary: it'\"'\"'s' -b tester=always "
            "http://127.0.0.1:8080/canary",
        ),
    ],
)
def test_curl_sends_the_same(
    host: str, headers: dict[str, str], cookies: dict[str, str], command: str
) -> None:
    assert routes(NotedDoor()).command("/canary", host, headers, cookies) == command


def test_a_weight_is_set_at_its_ingress_and_has_its_kubectl_command() -> None:
    door = NotedDoor()
    board = IngressWeight(door, "ingress-canary", "/")  # type: ignore[arg-type]
    board.set_weight(50)
    assert door.asked == [("set_weight", 50, "ingress-canary")]
    assert board.command(50) == (
        "kubectl annotate --overwrite ingress ingress-canary "
        "nginx.ingress.kubernetes.io/canary-weight=50"
    )
