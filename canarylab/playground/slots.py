"""Which slot of loopback addresses may this cluster use?

Whoever listens on a slot's first address holds the slot. The system lets go of it when the holder
ends, however it ends, so there is nothing to clean up.
"""

from __future__ import annotations

import socket
import zlib

from canarylab.errors import SetupError
from canarylab.playground.kube.addresses import SLOTS, Slot

CLAIM_PORT = 10250  # a kubelet's; nothing answers here, it is only held


def claim(seed: str) -> tuple[Slot, socket.socket]:
    """The first free slot, beginning at one that `seed` chooses, and what holds it.

    The same home thus gets the same addresses again, unless somebody else took them meanwhile.
    """
    first = zlib.crc32(seed.encode()) % SLOTS
    for number in range(first, first + SLOTS):
        slot = Slot(number % SLOTS)
        held = socket.socket()
        try:
            held.bind((slot.claim, CLAIM_PORT))
            held.listen(1)
        except OSError:
            held.close()
            continue
        return slot, held
    raise SetupError(
        "All addresses from 127.64.0.0 to 127.127.255.255 are taken by other playgrounds. "
        "End some of them with `canarylab down`."
    )
