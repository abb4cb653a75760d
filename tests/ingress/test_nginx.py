"""A real nginx matches the locations, and rewrites the paths, as the rules say."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from canarylab.ingress_rules.annotations import CanaryPolicy
from canarylab.ingress_rules.routing import canary_weight, ingress_request, route_request
from canarylab.ingress_rules.server_table import ServerTable
from tests.ingress.nginx import Seen, ask, name_of, nginx, nginx_that_says
from tests.ingress.scenarios import Scenario, scenarios
from tests.ingress.test_rules import built
from tests.needs import needs

pytestmark = needs("nginx")

RANDOM_TARGETS = 60
_HOSTS = ("foo.bar.com", "test.com", "x.bar.com", "x.y.bar.com", "preview.bar.com", "nowhere.com")
_PIECES = (
    "foo", "bar", "canary", "CANARY", "canarybird", "shop", "something", "new", "a", "b", "x",
    "one", "two", "only", "..", ".", "", "%20", "%2F", "%63anary", "b%20c", "%C3%A4", "%3F", "b1x",
    "a+b", "a&b", "it's", "(x)", "a;b", "a:b@c", "~", "%25", "%23",
)  # fmt: skip


def targets(seed: str) -> list[str]:
    """Paths of a few tricky pieces, some with a query."""
    random = Random(seed)
    return [
        "/"
        + "/".join(random.choices(_PIECES, k=random.randint(0, 4)))
        + random.choice(("", "?q=1"))
        for _ in range(RANDOM_TARGETS)
    ]


def expected(table: ServerTable, host: str, target: str) -> Seen:
    """What the rules say; that a backend has no endpoints is no matter of nginx."""
    found = route_request(table, ingress_request(host, target))
    if found.status in {400, 404} or found.location is None:
        return Seen(found.status)
    if found.status == 503:
        return Seen(200, name_of(found.location).replace("$", "(dollar)"), target)
    return Seen(200, name_of(found.location).replace("$", "(dollar)"), found.target)


@pytest.mark.parametrize("scenario", scenarios(), ids=[entry.name for entry in scenarios()])
def test_nginx_agrees(scenario: Scenario, tmp_path: Path) -> None:
    table = built(scenario).table
    asked = [(case.host, case.target) for case in scenario.cases]
    asked += [(host, target) for host in _HOSTS for target in targets(scenario.name + host)]
    with nginx(table, tmp_path) as port:
        differences = {
            f"{host}{target}": (seen, said)
            for host, target in asked
            if (seen := ask(port, host, target)) != (said := expected(table, host, target))
        }
    assert differences == {}


@pytest.mark.parametrize("annotation", ["X-Canary", "x_canary", "X.Canary"])
def test_nginx_reads_the_same_headers(annotation: str, tmp_path: Path) -> None:
    """As balancer.lua reads `ngx.var["http_" .. name]`, with its hyphens as underscores."""
    policy = CanaryPolicy(header=annotation)
    variable = annotation.lower().replace("-", "_").replace(".", "_")
    with nginx_that_says(f"$http_{variable}", tmp_path) as port:
        for sent in ("X-Canary", "x-canary", "X_Canary", "x_canary", "X.Canary", "X-Canary-2"):
            read = ask(port, "foo.bar.com", "/", {sent: "always"}).target == "always"
            weight = canary_weight(policy, {sent.lower(): "always"}, {})
            assert (weight.share == 1) == (read and "." not in annotation), sent
