"""Does an obstacle say what happened and what to try?"""

from __future__ import annotations

import errno
from random import Random
from time import monotonic

import pytest

from canarylab.playground.kube.api import Key
from canarylab.playground.network.choice import Chooser
from canarylab.playground.network.listeners import Listeners, Obstacle
from canarylab.playground.network.routes import Address, Route

WEB = Key("lab", "web")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.EADDRINUSE, "Port 80 on 127.64.8.1 is in use by another program"),
        (errno.EACCES, "This user may not listen on port 80"),
        (errno.EADDRNOTAVAIL, "cannot listen on 127.64.8.1:80 (EADDRNOTAVAIL)"),
    ],
)
def test_it_names_the_port_and_the_service_in_two_sentences(error: int, words: str) -> None:
    message = str(Obstacle(WEB, Address("127.64.8.1", 80), error))
    assert words in message
    assert "lab/web" in message
    assert message.count(". ") == 1


async def test_an_address_of_another_machine_is_an_obstacle_and_the_others_are_opened() -> None:
    listeners = Listeners(Chooser(Random(1), monotonic))
    pods = (Address("127.64.0.2", 3333),)
    foreign, own = Address("192.0.2.1", 8000), Address("127.95.240.9", 8000)
    obstacles = listeners.follow({foreign: Route(WEB, pods), own: Route(WEB, pods)})
    listeners.close()
    assert [obstacle.address for obstacle in obstacles] == [foreign]
