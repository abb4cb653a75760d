"""Ingresses of two rules and a weight; which version answers is drawn at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from canarylab.release.ingress import RouteExplanation
from canarylab.traffic import Request, Sample
from canarylab.traffic.http import HttpResponse


class FakeIngresses:
    """`/canary` leads to the canary and all else to production; the host is foo.bar.com."""

    url = "http://127.0.0.1:8080"

    def __init__(self) -> None:
        self.explained: list[str] = []
        self.requests: list[tuple[str, Request]] = []
        self.before_sending: Callable[[], None] = lambda: None
        self.stranger = ""
        """The pod that answers instead of the right one."""

    def explain(self, path: str, request: Request) -> RouteExplanation:
        self.explained.append(path)
        if request.host != "foo.bar.com":
            return RouteExplanation({}, "", 404, ("No Ingress names this host.",))
        at = "/canary" if path == "/canary" or request.headers or request.cookies else "/"
        name = "canary" if at == "/canary" else "prod"
        reasons = ("The host is served as foo.bar.com.", f"The longest path is {at}.")
        rule = f"foo.bar.com, path {at}"
        return RouteExplanation({f"{name}:80": 1.0}, path, 0, reasons, rule)

    def get(self, path: str, request: Request) -> HttpResponse:
        self.before_sending()
        self.requests.append((path, request))
        if self.stranger:
            headers = {"X-Version": "3.0", "x-pod": self.stranger}
            return HttpResponse(200, "OK", headers, "hello")
        explanation = self.explain(path, request)
        if explanation.status:
            return HttpResponse(404, "Not Found", {}, "nginx")
        version = "2.0" if "canary:80" in explanation.shares else "1.0"
        headers = {"X-Version": version, "x-pod": "pod-a"}
        return HttpResponse(200, "OK", headers, f'"Version {version}"')

    def ready_pods(self, backend: str) -> set[str]:
        return {"pod-a"}


class FakeCanaryIngresses:
    """A canary with a weight of 10; records calls, and fails where a test wants it to."""

    def __init__(self) -> None:
        self.percent = 10
        self.calls: list[str] = []
        self.before_reading: Callable[[], None] = lambda: None
        self.before_setting: Callable[[], None] = lambda: None
        self.before_sampling: Callable[[], None] = lambda: None
        self._random = random.Random(3)

    def weight(self, ingress: str) -> int:
        self.before_reading()
        return self.percent

    def set_weight(self, percent: int, ingress: str) -> None:
        self.before_setting()
        self.calls.append(f"set {ingress} {percent}")
        self.percent = percent

    def sampling_command(self, path: str, *, requests: int) -> str:
        return f"curl {path} {requests}"

    def sample(self, path: str, *, requests: int) -> Sample:
        self.before_sampling()
        self.calls.append(f"sample {path} {requests}")
        share = self.percent / 100
        drawn = ("2.0" if self._random.random() < share else "1.0" for _ in range(requests))
        expected = {"1.0": 1 - share, "2.0": share}
        return replace(Sample.from_versions(drawn).with_expected(expected), expected_from="rules")
