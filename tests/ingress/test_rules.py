"""The rules send every request of the table where ingress-nginx sends it."""

from __future__ import annotations

import pytest

from canarylab.ingress_rules.ingress_spec import (
    INGRESS_CLASS,
    INGRESS_CONTROLLER,
    parse_ingresses,
    served_ingresses,
)
from canarylab.ingress_rules.routing import ingress_request, route_request
from canarylab.ingress_rules.server_table import BuildResult, build_server_table
from canarylab.kube_objects import EndpointIndex, Object
from tests.ingress.scenarios import Case, Scenario, cases, scenarios

CASES = list(cases())
SPACE = "lab"
NGINX = {"metadata": {"name": INGRESS_CLASS}, "spec": {"controller": INGRESS_CONTROLLER}}


def built(scenario: Scenario) -> BuildResult:
    """The table for a scenario, in a cluster where prod, canary and other have a pod each."""
    ingresses = [_created(ingress) for ingress in scenario.ingresses]
    services = [_service(name) for name in ("prod", "canary", "other", "empty")]
    slices = [_slice(name, n) for n, name in enumerate(("prod", "canary", "other"), start=2)]
    return build_server_table(
        parse_ingresses(served_ingresses(ingresses, [NGINX])), EndpointIndex(services, slices)
    )


@pytest.mark.parametrize(("scenario", "case"), CASES, ids=[str(case) for _, case in CASES])
def test_a_request_goes_where_ingress_nginx_sends_it(scenario: Scenario, case: Case) -> None:
    asked = ingress_request(case.host, case.target, case.headers, case.cookies)
    found = route_request(built(scenario).table, asked)
    shares = {backend.service.name: share for backend, share in found.shares().items()}
    assert (found.status or 200) == case.status
    assert shares == pytest.approx(dict(case.shares))
    if case.shares:
        assert found.target == case.path


def test_the_table_has_at_least_sixty_requests() -> None:
    assert len(CASES) >= 60


def test_every_request_has_its_source() -> None:
    assert all(case.source.startswith("https://") for _, case in CASES)


def test_no_two_scenarios_have_one_name() -> None:
    names = [scenario.name for scenario in scenarios()]
    assert len(set(names)) == len(names)


def _created(ingress: Object) -> Object:
    meta = {**ingress["metadata"], "namespace": SPACE, "creationTimestamp": "2026-11-22T21:42:09Z"}
    return {**ingress, "metadata": meta}


def _service(name: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"ports": [{"port": 80, "targetPort": 3333}]},
    }


def _slice(name: str, number: int) -> Object:
    return {
        "metadata": {
            "name": f"{name}-x",
            "namespace": SPACE,
            "labels": {"kubernetes.io/service-name": name},
        },
        "ports": [{"name": "", "port": 3333}],
        "endpoints": [{"addresses": [f"127.64.0.{number}"], "conditions": {"ready": True}}],
    }
