"""An Ingress that exists only as two rules, and answers by the dice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from canarylab.traffic import Sample
from canarylab.widgets.questions import Answered, Explained

Named = Mapping[str, str]


class FakeRoutes:
    """`/canary` leads to the canary and all else to production; the host is foo.bar.com."""

    def __init__(self) -> None:
        self.explanations: list[str] = []
        self.asked: list[tuple[str, str, Named, Named]] = []
        self.before_asking: Callable[[], None] = lambda: None
        self.stranger = ""
        """Who answers instead of those who should."""

    def explain(self, path: str, host: str, headers: Named, cookies: Named) -> Explained:
        self.explanations.append(path)
        if host != "foo.bar.com":
            return Explained("", {}, "", 404, ("No Ingress names this host.",))
        at = "/canary" if path == "/canary" or headers or cookies else "/"
        name = "canary" if at == "/canary" else "prod"
        reasons = ("The host is served as foo.bar.com.", f"The longest path is {at}.")
        return Explained(f"foo.bar.com, path {at}", {f"{name}:80": 1.0}, path, 0, reasons)

    def ask(
        self, path: str, host: str, headers: Named, cookies: Named
    ) -> tuple[Explained, Answered]:
        self.before_asking()
        self.asked.append((path, host, headers, cookies))
        explained = self.explain(path, host, headers, cookies)
        if self.stranger:
            return explained, Answered("200 OK", "3.0", self.stranger, "hello")
        if explained.status:
            return explained, Answered("404 Not Found", None, None, "nginx")
        version = "2.0" if "canary:80" in explained.backends else "1.0"
        backends = frozenset(explained.backends)
        return explained, Answered("200 OK", version, "pod-a", f'"Version {version}"', backends)

    def command(self, path: str, host: str, headers: Named, cookies: Named) -> str:
        return f"curl -i -H 'Host: {host}' http://127.0.0.1:8080{path}"


class FakeWeight:
    """A canary with a weight of 10; writes down what it is told, and fails when it is told to."""

    def __init__(self) -> None:
        self.percent = 10
        self.done: list[str] = []
        self.before_setting: Callable[[], None] = lambda: None
        self.before_sampling: Callable[[], None] = lambda: None
        self._dice = random.Random(3)

    def weight(self) -> int:
        return self.percent

    def set_weight(self, percent: int) -> None:
        self.before_setting()
        self.done.append(f"set {percent}")
        self.percent = percent

    def sample(self, count: int) -> Sample:
        self.before_sampling()
        self.done.append(f"sample {count}")
        share = self.percent / 100
        drawn = ("2.0" if self._dice.random() < share else "1.0" for _ in range(count))
        expected = {"1.0": 1 - share, "2.0": share}
        return replace(Sample.typed(drawn).expecting(expected), suggested_by="rules")

    def command(self, percent: int) -> str:
        return f"kubectl annotate --overwrite ingress ingress-canary canary-weight={percent}"
