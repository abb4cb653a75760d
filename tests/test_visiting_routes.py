"""What a visitor of an HTTPRoute gets, and what the lab says of it beforehand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canarylab import stats
from canarylab.errors import RefusedError
from canarylab.lab import Lab
from canarylab.release.accepting import wait_until_accepted
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")
LESSON = "manifests/7-weights"


@pytest.fixture(scope="module")
def lab(playground: RunningPlayground) -> Iterator[Lab]:
    """A canary beside production, a Service for each, and a Gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARYLAB_HOME", str(playground.home.root))
        patch.setenv("CANARYLAB_CLUSTER", "playground")
        lab = Lab()
        lab.reset("canary")
        lab.apply(f"{LESSON}/services.yaml")
        lab.apply(f"{LESSON}/gateway.yaml")
        yield lab
        lab.close()


def test_a_route_says_who_serves_it(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    said = lab.wait_accepted("nodeapp-split").sentence
    assert said == "nodeapp-split is served by canarylab.dev/gateway-controller."


def test_a_route_that_names_no_gateway_there_is_served_by_nobody(lab: Lab) -> None:
    route = lab.read(f"{LESSON}/httproute.yaml")
    route["metadata"]["name"] = "lonely"
    route["spec"]["parentRefs"] = [{"name": "somewhere-else"}]
    lab.apply(route)
    assert wait_until_accepted(lab._connection, "lonely", timeout_s=0.5) == []


def test_visitors_are_split_as_the_weights_say(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=600)
    assert sample.expected == pytest.approx({"1.0": 0.9, "2.0": 0.1})
    assert sample.failed == 0
    assert 0.1 in stats.intervals(sample, confidence=0.999999)["2.0"]


def test_the_header_of_the_route_lets_testers_in(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    lab.wait_accepted("nodeapp-split")
    door = lab.sample_httproute("nodeapp-split", requests=1).url
    tester = {"X-Canary": "always"}
    said = {lab.get(door, host="gateway.foo.bar.com", headers=tester).body for _ in range(20)}
    assert said == {'"Version 2.0"'}


def test_a_mirror_shows_production_alone(lab: Lab) -> None:
    lab.apply(f"{LESSON}/mirror.yaml")
    lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=200)
    assert sample.by_version == {"1.0": 200}


def test_a_route_that_is_not_there_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="nowhere"):
        lab.sample_httproute("nowhere")
