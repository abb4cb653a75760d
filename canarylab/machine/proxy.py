"""Would calls to this very machine go to a proxy?

Ours do not: the sampler knows no proxies, and the API of a cluster on this machine is asked without
one (`clusters/api_client.py`). kubectl spares loopback addresses too; curl and `requests` do not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from canarylab.machine.finding import Finding

HERE = "127.0.0.1"
NEEDED_FOR = "asking this machine with curl"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def proxy(environment: Mapping[str, str] = os.environ) -> Finding:
    """Which proxy variables are set, and who would ask that proxy for this machine."""
    said = {name.upper(): value for name, value in environment.items() if value}
    names = [name for name in VARIABLES if name in said]
    if not names:
        return Finding("proxy", "fine", "No proxy is set", NEEDED_FOR)
    words = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} set, and NO_PROXY "
    if goes_past(said.get("NO_PROXY", "")):
        return Finding("proxy", "fine", f"{words}spares {HERE}", NEEDED_FOR)
    words += f"does not spare {HERE}: curl and `requests` would ask the proxy"
    remedy = f"`export NO_PROXY={HERE},localhost` before anything else is started."
    return Finding("proxy", "note", words, NEEDED_FOR, remedy)


def goes_past(no_proxy: str) -> bool:
    """Whether NO_PROXY spares 127.0.0.1.

    >>> [goes_past(said) for said in ("localhost", "a.org, 127.0.0.1", "127.0.0.0/8", "*")]
    [False, True, True, True]
    """
    return any(_spares(entry.strip()) for entry in no_proxy.split(","))


def _spares(entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(HERE) in ip_network(entry, strict=False)
    except ValueError:
        return False  # a name
