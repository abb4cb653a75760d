from __future__ import annotations

import itertools

import pytest

from canarylab.release.endpoints import Endpoint, expected_shares, version_of


def pods(version: str, *, ready: int, unready: int = 0) -> list[Endpoint]:
    states = [True] * ready + [False] * unready
    return [Endpoint("", f"{version}-{n}", version, state) for n, state in enumerate(states)]


@pytest.mark.parametrize(("stable", "canary"), list(itertools.product(range(6), range(1, 6))))
def test_the_share_of_a_version_is_the_share_of_its_ready_pods(stable: int, canary: int) -> None:
    shares = expected_shares(pods("1.0", ready=stable) + pods("2.0", ready=canary, unready=2))
    assert shares["2.0"] == canary / (stable + canary)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_canary_that_is_not_ready_gets_nothing() -> None:
    assert expected_shares(pods("1.0", ready=3) + pods("2.0", ready=0, unready=1)) == {"1.0": 1.0}


def test_nobody_ready_is_nobody_expected() -> None:
    assert expected_shares(pods("1.0", ready=0, unready=3)) == {}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("node_app:1.0", "1.0"),
        ("docker.io/library/node_app:2.0", "2.0"),
        ("host:5000/node_app", "latest"),
        ("node_app:2.0@sha256:abc", "2.0"),
    ],
)
def test_the_version_is_the_tag(image: str, version: str) -> None:
    assert version_of(image) == version
