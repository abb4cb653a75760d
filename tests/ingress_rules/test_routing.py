"""The canary's share is what its weight says.

Each count lies inside its 99.9 % interval, plus or minus 3.29 standard errors; the luck is seeded.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from canarylab.ingress_rules.routing import ingress_request, route_request
from tests.ingress_rules.ingress_objects import HOST, built, canary, ingress

REQUESTS = 5_000


@pytest.mark.parametrize("weight", [0, 1, 10, 50, 100])
def test_the_canary_gets_its_share_of_five_thousand(weight: int) -> None:
    random = Random(2026)
    table = built(
        ingress("old", ("/", "prod"), age_s=9),
        canary("new", ("/", "canary"), canary_weight=str(weight)),
    ).table
    found = route_request(table, ingress_request(HOST, "/"))
    drawn = Counter(found.upstream(lambda total: random.randint(1, total)) for _ in range(REQUESTS))
    share = weight / 100
    reach = 3.29 * (share * (1 - share) * REQUESTS) ** 0.5
    assert abs(drawn[found.canary] - share * REQUESTS) <= reach


def test_a_total_of_a_thousand_makes_a_thousandth_possible() -> None:
    table = built(
        ingress("old", ("/", "prod"), age_s=9),
        canary("new", ("/", "canary"), canary_weight="1", canary_weight_total="1000"),
    ).table
    found = route_request(table, ingress_request(HOST, "/"))
    taken = [total_drawn <= 1 for total_drawn in range(1, 1001)]
    assert found.canary_weight is not None
    assert found.canary_weight.share == sum(taken) / 1000
    assert {found.upstream(lambda _: 1), found.upstream(lambda _: 2)} == {
        found.canary,
        found.primary,
    }
