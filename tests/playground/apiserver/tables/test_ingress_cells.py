"""What stands in the rows of Ingresses and their classes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.playground.apiserver.tables.ingress_cells import ingress_cells, ingress_class_cells
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import ingress

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
META = {"name": "one", "creationTimestamp": "2026-11-22T21:45:20Z"}
DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}


def cells(**fields: Any) -> list[Any]:
    return ingress_cells({**ingress(), "metadata": META, **fields}, NOW)


def hosts(*names: str) -> Any:
    return cells(spec={"rules": [{"host": name} if name else {} for name in names]})[2]


def of_class(*, annotations: Object | None = None, **spec: Any) -> list[Any]:
    meta = {**META, "annotations": annotations or {}}
    return ingress_class_cells({"metadata": meta, "spec": {"controller": "a.b/c", **spec}}, NOW)


def test_an_ingress() -> None:
    assert cells() == ["one", "nginx", "foo.bar.com", "", "80", "3s"]


def test_an_ingress_without_a_class() -> None:
    assert cells(spec={})[1] == "<none>"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ((), "*"),
        (("",), "*"),
        (("", "a"), "a"),
        (("a", "b", "c"), "a,b,c"),
        (("a", "b", "c", "d", "e"), "a,b,c + 2 more..."),
        (("a", "b", "c", ""), "a,b,c + 1 more..."),
        (("", "a", "b", "c"), "a,b,c"),
    ],
)
def test_the_first_three_hosts(names: tuple[str, ...], shown: str) -> None:
    assert hosts(*names) == shown


def test_a_certificate_opens_another_port() -> None:
    assert cells(spec={"tls": [{}]})[4] == "80, 443"


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ([{"ip": "127.0.0.1"}], "127.0.0.1"),
        ([{"hostname": "b.example"}, {"hostname": "a.example"}], "a.example,b.example"),
        ([{"ip": "127.0.0.1"}, {"ip": "127.0.0.1"}, {}], "127.0.0.1"),
    ],
)
def test_every_address_once(entries: list[Object], shown: str) -> None:
    assert cells(status={"loadBalancer": {"ingress": entries}})[3] == shown


def test_a_class() -> None:
    assert of_class() == ["one", "a.b/c", "<none>", "3s"]


def test_the_default_class_is_marked() -> None:
    assert of_class(annotations=DEFAULT)[0] == "one (default)"


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ({"kind": "Settings", "name": "a"}, "Settings/a"),
        ({"apiGroup": "example.com", "kind": "Settings", "name": "a"}, "Settings.example.com/a"),
    ],
)
def test_parameters_of_a_class(reference: Object, shown: str) -> None:
    assert of_class(parameters=reference)[2] == shown
