"""The running playground sends every request of the table where ingress-nginx sends it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ingress.running_cluster import Live
from tests.ingress.scenarios import Scenario, scenarios
from tests.running_playground import RunningPlayground


@pytest.fixture(scope="module")
def live(playground: RunningPlayground) -> Iterator[Live]:
    """The playground, with the table's backends."""
    cluster = Live(str(playground.kubeconfig), playground.running.ingress_url)
    with cluster.backends():
        yield cluster


@pytest.mark.parametrize("scenario", scenarios(), ids=[entry.name for entry in scenarios()])
def test_every_request_goes_where_ingress_nginx_sends_it(live: Live, scenario: Scenario) -> None:
    with live.scenario(scenario):
        assert [live.complaint(case) for case in scenario.cases] == [None] * len(scenario.cases)
