"""Gateways that a cluster takes, and those it does not."""

from __future__ import annotations

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import complete, gateway, listener, said

SECRET = {"certificateRefs": [{"name": "certificate"}]}
HOST = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


@pytest.mark.parametrize(
    "document",
    [
        gateway(),
        gateway(listener("a", hostname="a.example"), listener("b", hostname="*.b.example")),
        gateway(listener("a", 80), listener("b", 81)),
        gateway(listener(protocol="HTTPS", port=443, tls=SECRET)),
        gateway(listener(protocol="TLS", port=443, tls={"mode": "Passthrough"})),
        gateway(listener(protocol="example.com/other")),
        gateway(listener(allowedRoutes={"kinds": [{"kind": "HTTPRoute"}]})),
        gateway(addresses=[{"value": "127.0.0.1"}, {"type": "Hostname", "value": "a.example"}]),
        gateway(infrastructure={"labels": {"a.example/team": "lab"}, "annotations": {"a": "b"}}),
        gateway(allowedListeners={"namespaces": {"from": "Same"}}),
    ],
)
def test_a_gateway_in_order(document: Object) -> None:
    assert said(document) == []


def test_routes_come_from_the_same_namespace_if_nobody_says_more() -> None:
    [one] = complete(gateway())["spec"]["listeners"]
    assert one["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_a_gateway_waits_for_its_controller() -> None:
    conditions = complete(gateway())["status"]["conditions"]
    assert [(one["type"], one["status"], one["message"]) for one in conditions] == [
        ("Accepted", "Unknown", "Waiting for controller"),
        ("Programmed", "Unknown", "Waiting for controller"),
    ]


@pytest.mark.parametrize(
    ("listeners", "problem"),
    [
        ([listener(tls=SECRET)], "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"),
        (
            [listener(protocol="https", tls={"mode": "Passthrough"})],
            "tls mode must be Terminate for protocol HTTPS",
        ),
        ([listener(protocol="TLS")], "tls mode must be set for protocol TLS"),
        (
            [listener(protocol="TCP", hostname="a.example")],
            "hostname must not be specified for protocols ['TCP', 'UDP']",
        ),
        (
            [listener("a"), listener("b")],
            "Combination of port, protocol and hostname must be unique for each listener",
        ),
    ],
)
def test_listeners_that_cannot_be(listeners: list[Object], problem: str) -> None:
    assert said(gateway(*listeners)) == [f"spec.listeners: Invalid value: {problem}"]


def test_a_listener_that_ends_encryption_has_a_certificate() -> None:
    assert said(gateway(listener(protocol="HTTPS", tls={}))) == [
        "spec.listeners[0].tls: Invalid value: "
        "certificateRefs or options must be specified when mode is Terminate"
    ]


@pytest.mark.parametrize("kind", ["IPAddress", "Hostname"])
def test_an_address_is_asked_for_once(kind: str) -> None:
    address = {"type": kind, "value": "a.example"}
    assert said(gateway(addresses=[address, address])) == [
        f"spec.addresses: Invalid value: {kind} values must be unique"
    ]


def test_a_host_as_address_is_a_host() -> None:
    assert said(gateway(addresses=[{"type": "Hostname", "value": "a_b"}])) == [
        "spec.addresses[0]: Invalid value: Hostname value must be empty or contain only valid "
        f"characters (matching {HOST})"
    ]


@pytest.mark.parametrize(("field", "what"), [("labels", "Label"), ("annotations", "Annotation")])
def test_what_is_made_for_it_gets_proper_labels(field: str, what: str) -> None:
    assert said(gateway(infrastructure={field: {"-team": "lab"}})) == [
        f"spec.infrastructure.{field}: Invalid value: {what} keys must be in the form of an "
        "optional DNS subdomain prefix followed by a required name segment of up to 63 characters."
    ]


def test_one_port_has_one_setting() -> None:
    ports = [{"port": 443, "tls": {}}, {"port": 443, "tls": {}}]
    assert said(gateway(tls={"frontend": {"default": {}, "perPort": ports}})) == [
        'spec.tls.frontend.perPort[1]: Duplicate value: {"port":443}',
        "spec.tls.frontend.perPort: Invalid value: "
        "Port for TLS configuration must be unique within the Gateway",
    ]
