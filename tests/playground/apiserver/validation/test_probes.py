"""Probes and hooks that can be run, and others."""

from __future__ import annotations

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import container, pod, said

FIRST = "spec.containers[0]."
ANSWERS = {"httpGet": {"path": "/", "port": 3333}}


def about(name: str, probe: Object) -> list[str]:
    found = said(pod(containers=[container(**{name: probe})]))
    return [sentence.removeprefix(f"{FIRST}{name}") for sentence in found]


@pytest.mark.parametrize(
    "action",
    [
        ANSWERS,
        {"httpGet": {"port": "http", "scheme": "HTTPS"}},
        {"tcpSocket": {"port": 3333}},
        {"exec": {"command": ["true"]}},
        {"grpc": {"port": 3333}},
    ],
)
def test_actions_in_order(action: Object) -> None:
    assert about("readinessProbe", action) == []


IN_RANGE = "must be between 1 and 65535, inclusive"


@pytest.mark.parametrize(
    ("probe", "problems"),
    [
        ({}, [": Required value: must specify a handler type"]),
        (
            {**ANSWERS, "tcpSocket": {"port": 3333}},
            [".tcpSocket: Forbidden: may not specify more than 1 handler type"],
        ),
        ({"httpGet": {"port": 0}}, [f".httpGet.port: Invalid value: 0: {IN_RANGE}"]),
        (
            {"httpGet": {"port": 1, "scheme": "GOPHER"}},
            ['.httpGet.scheme: Unsupported value: "GOPHER": supported values: "HTTP", "HTTPS"'],
        ),
        (
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "a b", "value": "c"}]}},
            [
                '.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of '
                "alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation "
                "is '[-A-Za-z0-9]+')"
            ],
        ),
        ({"tcpSocket": {"port": 99999}}, [f".tcpSocket.port: Invalid value: 99999: {IN_RANGE}"]),
        ({"grpc": {"port": 99999}}, [f".grpc.port: Invalid value: 99999: {IN_RANGE}"]),
        ({"exec": {}}, [".exec.command: Required value"]),
        (
            {**ANSWERS, "periodSeconds": -1},
            [".periodSeconds: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {**ANSWERS, "terminationGracePeriodSeconds": 0},
            [".terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0"],
        ),
        ({**ANSWERS, "successThreshold": 2}, [".successThreshold: Invalid value: 2: must be 1"]),
    ],
)
def test_probes_out_of_order(probe: Object, problems: list[str]) -> None:
    assert about("livenessProbe", probe) == problems


def test_readiness_may_need_several_successes() -> None:
    assert about("readinessProbe", {**ANSWERS, "successThreshold": 2}) == []


def test_readiness_ends_nothing() -> None:
    assert about("readinessProbe", {**ANSWERS, "terminationGracePeriodSeconds": 5}) == [
        ".terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes"
    ]


def test_a_hook_needs_something_to_do() -> None:
    assert about("lifecycle", {"preStop": {}}) == [
        ".preStop: Required value: must specify a handler type"
    ]


def test_a_hook_may_wait() -> None:
    assert about("lifecycle", {"preStop": {"sleep": {"seconds": 3}}}) == []
