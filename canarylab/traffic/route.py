"""Which address stands behind a host name, and how is it connected to?

The name is looked up once for a sample. Where it stands for several addresses, as `localhost`
does, the first that accepts a connection is used for all requests.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from canarylab.errors import TrafficError
from canarylab.traffic.connection import Address, Connection, PlainConnection
from canarylab.traffic.failure import UNKNOWN_HOST, UNSERVED
from canarylab.traffic.patience import Patience
from canarylab.traffic.request import Request, Target
from canarylab.traffic.secure import SecureConnection

Opener = Callable[[], Connection]


async def find(target: Target, request: Request, patience: Patience) -> Opener:
    """What makes a new connection to the target; it opens when it is first used."""
    address = await _address(target, patience.timeout_s)
    if target.scheme == "http":
        return lambda: PlainConnection(address, patience)
    context = request.tls or ssl.create_default_context()
    name = request.host.partition(":")[0] if request.host else target.host
    return lambda: SecureConnection(address, context, name=name, timeout_s=patience.timeout_s)


async def _address(target: Target, timeout_s: float) -> Address:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise unserved(target.url, UNKNOWN_HOST) from None
    addresses = [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
    for address in addresses if len(addresses) > 1 else ():
        if await _accepts(address, timeout_s):
            return address
    return addresses[0]


async def _accepts(address: Address, timeout_s: float) -> bool:
    family, where = address
    with socket.socket(family, socket.SOCK_STREAM) as tried, suppress(OSError):
        tried.setblocking(False)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(tried, where)
        return True
    return False


def unserved(url: str, kind: str) -> TrafficError:
    """The error for an address where nobody serves."""
    return TrafficError(
        f"Nobody answers at {url}: {UNSERVED[kind]}. "
        "Start what should answer there, or correct the address."
    )
