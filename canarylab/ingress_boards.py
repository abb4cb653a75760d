"""What do route explorer and weight slider do at the Ingress, and which commands do the same?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from canarylab.front_door import FrontDoor, Visitor
from canarylab.release.weights import WEIGHT
from canarylab.traffic import Sample
from canarylab.widgets.questions import Answered, Explained

Named = Mapping[str, str]


class IngressRoutes:
    """A `RouteBoard` over the Ingresses of the lab."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door

    def explain(self, path: str, host: str, headers: Named, cookies: Named) -> Explained:
        """From the rules as they are now."""
        way = self._door.route(path, Visitor(host, headers, cookies))
        return Explained(way.rule, way.shares, way.path, way.status, way.reasons)

    def ask(
        self, path: str, host: str, headers: Named, cookies: Named
    ) -> tuple[Explained, Answered]:
        """The rules, then the request, then who stands behind the backends."""
        visitor = Visitor(host, headers, cookies)
        way, reply = self._door.route(path, visitor), self._door.ask(path, visitor)
        said = {name.lower(): value for name, value in reply.headers.items()}
        pod = said.get("x-pod")
        answered = Answered(
            f"{reply.status} {reply.reason}".strip(),
            said.get("x-version"),
            pod,
            reply.body,
            frozenset(each for each in way.shares if pod and pod in self._door.pods(each)),
        )
        return Explained(way.rule, way.shares, way.path, way.status, way.reasons), answered

    def command(self, path: str, host: str, headers: Named, cookies: Named) -> str:
        """With curl, which needs no name to be known."""
        said = {**({"Host": host} if host else {}), **headers}
        parts = [part for name, value in said.items() for part in ("-H", f"{name}: {value}")]
        for name, value in cookies.items():
            parts += ["-b", f"{name}={value}"]
        return shlex.join(["curl", "-i", *parts, f"{self._door.url}{path}"])


class IngressWeight:
    """A `WeightBoard` over one canary Ingress, and the path that it takes requests of."""

    def __init__(self, door: FrontDoor, ingress: str, path: str) -> None:
        self._door, self._ingress, self._path = door, ingress, path

    def weight(self) -> int:
        """What its annotation says."""
        return self._door.weight(self._ingress)

    def set_weight(self, percent: int) -> None:
        """By its annotation."""
        self._door.set_weight(percent, self._ingress)

    def sample(self, count: int) -> Sample:
        """Through the Ingress, as anybody."""
        return self._door.sample(self._path, Visitor(), requests=count)

    def command(self, percent: int) -> str:
        """What to type in a terminal instead."""
        return f"kubectl annotate --overwrite ingress {self._ingress} {WEIGHT}={percent}"
