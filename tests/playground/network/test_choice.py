"""Who gets a connection?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest

from canarylab.playground.kube.api import Key
from canarylab.playground.network.choice import Chooser
from canarylab.playground.network.routes import Address, Route

LISTENER = Address("127.0.0.1", 32089)
PODS = tuple(Address(f"127.64.0.{number}", 3333) for number in (2, 3, 4, 5))
WEB = Key("lab", "web")
STICKY = Route(WEB, PODS, affinity_s=60)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def chooser(clock: Clock | None = None) -> Chooser:
    return Chooser(Random(7), clock or Clock())


def test_nobody_is_chosen_where_there_is_no_endpoint() -> None:
    assert chooser().choose(LISTENER, Route(WEB, ()), "127.0.0.1") is None


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_endpoint_gets_its_share(count: int) -> None:
    """4,000 draws, and 3.9 standard errors: wrong for one seed in ten thousand, and not for 7."""
    draws, choose, route = 4_000, chooser(), Route(WEB, PODS[:count])
    drawn = Counter(choose.choose(LISTENER, route, "127.0.0.1") for _ in range(draws))
    share = 1 / count
    reach = 3.9 * (share * (1 - share) / draws) ** 0.5
    assert all(abs(drawn[pod] / draws - share) <= reach for pod in PODS[:count])


def test_a_client_with_affinity_stays() -> None:
    choose = chooser()
    assert len({choose.choose(LISTENER, STICKY, "10.0.0.1") for _ in range(50)}) == 1


def test_clients_with_affinity_are_spread() -> None:
    choose = chooser()
    assert {choose.choose(LISTENER, STICKY, f"10.0.0.{n}") for n in range(50)} == set(PODS)


def test_every_visit_makes_the_affinity_last_anew() -> None:
    clock = Clock()
    choose = chooser(clock)
    chosen = set()
    for clock.now in range(0, 3_000, 60):
        chosen.add(choose.choose(LISTENER, STICKY, "10.0.0.1"))
    assert len(chosen) == 1


def test_a_client_that_was_away_too_long_is_drawn_anew() -> None:
    clock = Clock()
    choose = chooser(clock)
    chosen = set()
    for clock.now in range(0, 3_000, 61):
        chosen.add(choose.choose(LISTENER, STICKY, "10.0.0.1"))
    assert len(chosen) > 1


def test_a_client_whose_endpoint_is_gone_gets_another() -> None:
    choose = chooser()
    first = choose.choose(LISTENER, STICKY, "10.0.0.1")
    rest = tuple(pod for pod in PODS if pod != first)
    assert choose.choose(LISTENER, STICKY._replace(endpoints=rest), "10.0.0.1") in rest


def test_clients_that_will_not_come_back_are_forgotten() -> None:
    clock = Clock()
    choose = chooser(clock)
    for number in range(20_000):
        clock.now = number
        choose.choose(LISTENER, STICKY, f"client {number}")
    assert len(choose._visits) <= 4_097
