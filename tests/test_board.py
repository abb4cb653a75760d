from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from canarylab.board import LabBoard
from canarylab.widgets.board import Act, GoBack, Measure, PromoteByImage, PromoteByReplicas, Scale


def deployment(name: str, replicas: int | None) -> SimpleNamespace:
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name), spec=SimpleNamespace(replicas=replicas)
    )


class NotedLab:
    """Notes what it is asked for; stands in for the verbs the board uses."""

    namespace = "default"

    def __init__(self, *deployments: SimpleNamespace) -> None:
        self.asked: list[tuple[Any, ...]] = []
        listed = SimpleNamespace(items=list(deployments))
        self.apps = SimpleNamespace(list_namespaced_deployment=lambda namespace: listed)

    def image(self, version: str) -> str:
        return f"registry.example/node_app:{version}"

    def scale(self, name: str, replicas: int) -> None:
        self.asked.append(("scale", name, replicas))

    def promote(self, way: str) -> None:
        self.asked.append(("promote", way))

    def reset(self, stage: str) -> None:
        self.asked.append(("reset", stage))

    def url(self) -> str:
        return "http://127.0.0.1:32089"


@pytest.mark.parametrize(
    ("act", "asked"),
    [
        (Scale("canary", 2), ("scale", "nodeapp-canary", 2)),
        (Scale("production", 0), ("scale", "nodeapp-production", 0)),
        (PromoteByReplicas(), ("promote", "replicas")),
        (PromoteByImage(), ("promote", "image")),
        (GoBack(), ("reset", "canary")),
    ],
)
def test_each_act_reaches_the_verb_it_names(act: Act, asked: tuple[Any, ...]) -> None:
    lab = NotedLab()
    act.perform(LabBoard(lab))  # type: ignore[arg-type]
    assert lab.asked == [asked]


@pytest.mark.parametrize(
    ("act", "command"),
    [
        (Scale("canary", 2), "kubectl scale deployment nodeapp-canary --replicas=2"),
        (
            PromoteByImage(),
            "kubectl set image deployment/nodeapp-production "
            "nodeapp=registry.example/node_app:2.0\n"
            "kubectl delete deployment nodeapp-canary",
        ),
        (Measure(), "canarylab sample http://127.0.0.1:32089"),
    ],
)
def test_each_act_has_the_command_that_does_the_same(act: Act, command: str) -> None:
    assert LabBoard(NotedLab()).command(act) == command  # type: ignore[arg-type]


def test_a_deployment_that_is_gone_has_no_replicas() -> None:
    board = LabBoard(NotedLab(deployment("nodeapp-production", 3)))  # type: ignore[arg-type]
    assert board.replicas() == {"production": 3, "canary": 0}
