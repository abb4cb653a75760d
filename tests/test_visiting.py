"""What a visitor of the Ingress gets, and what the lab says of it beforehand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canarylab import stats
from canarylab.errors import ClusterError, RefusedError
from canarylab.lab import Lab
from canarylab.manifests import Object
from canarylab.traffic.http import get
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")
LABELS = {"app": "nodeapp"}
CANARY = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-weight": "0",
    "nginx.ingress.kubernetes.io/canary-by-header": "X-Canary",
    "nginx.ingress.kubernetes.io/canary-by-cookie": "tester",
}


def service(name: str, env: str) -> Object:
    spec = {"selector": {**LABELS, "env": env}, "ports": [{"port": 80, "targetPort": 3333}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": LABELS},
        "spec": spec,
    }


def ingress(name: str, backend: str, **annotations: str) -> Object:
    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": backend, "port": {"number": 80}}},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "labels": LABELS, "annotations": annotations},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": "foo.bar.com", "http": {"paths": [path]}}],
        },
    }


@pytest.fixture(scope="module")
def lab(playground: RunningPlayground) -> Iterator[Lab]:
    """Production and a canary behind one Ingress, the canary with a weight of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CANARYLAB_HOME", str(playground.home.root))
        environment.delenv("CANARYLAB_CLUSTER", raising=False)
        lab = Lab()
        lab.reset("canary")
        lab.apply(service("prod", "prod"))
        lab.apply(service("canary", "canary"))
        lab.apply(ingress("main", "prod"))
        lab.apply(ingress("ingress-canary", "canary", **CANARY))
        yield lab
        lab.close()


def test_a_path_alone_goes_to_the_ingress_under_the_host_of_the_lessons(lab: Lab) -> None:
    assert lab.get("/").body == '"Version 1.0"'
    assert lab.get("/", host="another.example").status == 404


def test_the_url_of_an_ingress_is_where_its_controller_answers(lab: Lab) -> None:
    assert get(lab.url("main"), headers={"Host": "foo.bar.com"}).body == '"Version 1.0"'


def test_a_header_and_a_cookie_lead_to_the_canary(lab: Lab) -> None:
    assert lab.get("/", headers={"X-Canary": "always"}).body == '"Version 2.0"'
    assert lab.get("/", cookies={"tester": "always"}).body == '"Version 2.0"'


def test_a_url_is_asked_as_ever_and_may_have_headers(lab: Lab) -> None:
    assert lab.get(lab.url()).status == 200
    assert lab.get(f"{lab.url()}/nowhere", headers={"X-Canary": "always"}).status == 404


def test_the_way_of_a_request_is_told_with_its_reasons(lab: Lab) -> None:
    way = lab.explain_route("/", headers={"X-Canary": "always"})

    assert (way.shares, way.path, way.status) == ({"canary:80": 1.0}, "/", 0)
    assert "Its canary canary:80 takes the request: header X-Canary is always." in way.reasons
    assert repr(way).splitlines() == list(way.reasons)


def test_a_request_that_goes_nowhere_is_told_too(lab: Lab) -> None:
    way = lab.explain_route("/", host="another.example")

    assert (way.shares, way.status) == ({}, 404)
    with pytest.raises(ClusterError, match=r"answers such a request itself, with 404"):
        lab.sample_ingress("/", host="another.example")


@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_the_share_is_the_weight_whatever_the_pods(lab: Lab, percent: int) -> None:
    lab.set_weight(percent)

    sample = lab.sample_ingress(requests=400)

    assert sample.failed == 0
    assert sample.expected is not None
    assert sample.expected.get("2.0", 0.0) == percent / 100
    interval = stats.interval(sample, sample.by_version.get("2.0", 0), confidence=0.9999)
    assert percent / 100 in interval


def test_where_it_was_measured_is_told(lab: Lab) -> None:
    sample = lab.sample_ingress(requests=10)

    assert (sample.cluster, sample.chosen_for) == ("playground, through its Ingress", "request")


def test_testers_get_the_canary_at_weight_nought(lab: Lab) -> None:
    lab.set_weight(0)

    sample = lab.sample_ingress(requests=20, headers={"X-Canary": "always"})

    assert sample.by_version == {"2.0": 20}


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_weight_that_is_no_share(lab: Lab, percent: int) -> None:
    with pytest.raises(ValueError, match="Give a whole number from 0 to 100"):
        lab.set_weight(percent)


def test_the_weight_of_an_ingress_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(RefusedError, match='"nowhere" not found'):
        lab.set_weight(10, "nowhere")
