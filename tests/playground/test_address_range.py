from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from canarylab.errors import SetupError
from canarylab.playground.address_range import PodAddresses
from tests.needs import needs

pytestmark = needs("linux")

TINY = IPv4Network("127.64.0.0/29")  # .2 to .6 can be given out


def test_the_first_two_addresses_are_not_for_pods() -> None:
    assert PodAddresses(TINY).allocate() == "127.64.0.2"


def test_a_released_address_is_used_again_as_late_as_possible() -> None:
    addresses = PodAddresses(TINY)
    order = []
    for _ in range(6):
        order.append(addresses.allocate())
        addresses.release(order[-1])
    assert [address[-1] for address in order] == ["2", "3", "4", "5", "6", "2"]


def test_two_pods_never_share_an_address() -> None:
    addresses = PodAddresses(TINY)
    assert len({addresses.allocate() for _ in range(5)}) == 5


def test_when_none_is_left_the_message_says_what_to_do() -> None:
    addresses = PodAddresses(TINY)
    for _ in range(5):
        addresses.allocate()
    with pytest.raises(SetupError, match="kubectl get pods -A"):
        addresses.allocate()


def test_a_pod_gets_the_address_it_had_before_a_restart() -> None:
    assert PodAddresses(TINY).allocate("127.64.0.5") == "127.64.0.5"


@pytest.mark.parametrize("preferred", ["127.64.0.2", "10.0.0.7"])
def test_an_allocated_or_foreign_address_is_not_allocated(preferred: str) -> None:
    addresses = PodAddresses(TINY)
    addresses.allocate()
    assert addresses.allocate(preferred) == "127.64.0.3"


def test_an_address_that_is_not_bindable_is_skipped() -> None:
    addresses = PodAddresses(TINY, bindable=lambda address: address != "127.64.0.2")
    assert addresses.allocate() == "127.64.0.3"
