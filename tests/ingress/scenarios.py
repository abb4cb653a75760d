"""The scenarios of `requests.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from canarylab.ingress_rules.annotations import PREFIX
from canarylab.kube_objects import Object

FILE = Path(__file__).with_name("requests.yaml")
PATH_TYPES = {"P": "Prefix", "E": "Exact", "I": "ImplementationSpecific"}


@dataclass(frozen=True)
class Case:
    """One request, and what must come of it."""

    scenario: str
    host: str
    target: str
    source: str
    """Where it is written that this must come."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Backends; none where the ingress itself answers."""
    status: int = 200
    path: str = ""
    """What arrives at the backend."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        marks = [f"{name}={value}" for name, value in {**self.headers, **self.cookies}.items()]
        return " ".join([f"{self.scenario}: {self.host}{self.target}", *marks])


@dataclass(frozen=True)
class Scenario:
    """Some Ingresses, and requests."""

    name: str
    ingresses: tuple[Object, ...]
    cases: tuple[Case, ...]


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of them."""
    read = yaml.safe_load(FILE.read_text())
    return tuple(_scenario(entry, read["sources"]) for entry in read["scenarios"])


def cases() -> Iterator[tuple[Scenario, Case]]:
    """Each request with its scenario."""
    for scenario in scenarios():
        for case in scenario.cases:
            yield scenario, case


def _scenario(entry: dict[str, Any], sources: Mapping[str, str]) -> Scenario:
    return Scenario(
        entry["name"],
        # The oldest has the last name, which also decides between Ingresses of one second.
        tuple(_ingress(9 - number, said) for number, said in enumerate(entry["ingresses"])),
        tuple(_case(entry["name"], said, sources) for said in entry["requests"]),
    )


def _case(scenario: str, said: dict[str, Any], sources: Mapping[str, str]) -> Case:
    host, slash, rest = said["ask"].partition("/")
    return Case(
        scenario=scenario,
        host=host,
        target=slash + rest,
        source=sources[said["source"]],
        shares=said.get("shares") or ({said["to"]: 1.0} if "to" in said else {}),
        status=said.get("status", 200),
        path=said.get("path", slash + rest),
        headers=said.get("headers", {}),
        cookies=said.get("cookies", {}),
    )


def _ingress(number: int, said: dict[str, Any]) -> Object:
    spec: Object = {"rules": [_rule(*rule) for rule in said.get("rules", [])]}
    if name := said.get("class", "nginx"):
        spec["ingressClassName"] = name
    if "default" in said:
        spec["defaultBackend"] = _backend(said["default"])
    annotations = {_full(name): value for name, value in said.get("annotations", {}).items()}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": f"ingress-{number}", "annotations": annotations},
        "spec": spec,
    }


def _full(name: str) -> str:
    return name if "/" in name else PREFIX + name


def _rule(host: str, path: str, path_type: str, backend: str) -> Object:
    entry = {"path": path, "pathType": PATH_TYPES[path_type], "backend": _backend(backend)}
    return ({"host": host} if host else {}) | {"http": {"paths": [entry]}}


def _backend(name: str) -> Object:
    return {"service": {"name": name, "port": {"number": 80}}}
