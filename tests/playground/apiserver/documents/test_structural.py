"""What is left of documents of custom kinds."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.decode import decode
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.specimens import gateway, http_route, rule, weighted

ROUTE = KINDS["HTTPRoute"]


def test_what_is_known_is_kept() -> None:
    assert decode(ROUTE, http_route(), validation="Strict").obj == http_route()


def test_an_unknown_field_is_dropped_and_said() -> None:
    decoded = decode(ROUTE, http_route(rule(backendRefs=[weighted(wait=1)])))
    assert decoded.obj == http_route()
    assert decoded.warnings == ['unknown field "spec.rules[0].backendRefs[0].wait"']


def test_every_unknown_field_is_named() -> None:
    document = {**http_route(hosts=[]), "speck": 1, "metadata": {"name": "a", "lable": "b"}}
    with pytest.raises(BadRequestError) as refused:
        decode(ROUTE, document, validation="Strict")
    assert str(refused.value) == (
        'HTTPRoute in version "v1" cannot be handled as a HTTPRoute: strict decoding error: '
        'unknown field "metadata.lable", unknown field "spec.hosts", unknown field "speck"'
    )


def test_nothing_said_is_nothing() -> None:
    assert decode(ROUTE, http_route(hostnames=None)).obj["spec"].get("hostnames") is None


@pytest.mark.parametrize("wrong", ["ten", 1.5, [], {"a": 1}])
def test_a_value_of_another_type_stays_to_be_refused(wrong: Any) -> None:
    [made] = decode(ROUTE, http_route(rule(backendRefs=wrong))).obj["spec"]["rules"]
    assert made["backendRefs"] == wrong


def test_a_map_may_have_any_key() -> None:
    labels = {"labels": {"team": "lab"}}
    read = decode(KINDS["Gateway"], gateway(infrastructure=labels), validation="Strict").obj
    assert read["spec"]["infrastructure"] == labels


def test_metadata_is_read_as_for_every_kind() -> None:
    with pytest.raises(BadRequestError, match="cannot unmarshal number into Go struct field"):
        decode(ROUTE, {**http_route(), "metadata": {"name": 1}})
