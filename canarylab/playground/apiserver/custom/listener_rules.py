"""Which listeners can a Gateway not have together?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canarylab.playground.apiserver.custom.shape import Rule


def _each(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda listeners: all(map(holds, listeners))


def _speaks(listener: Any, *protocols: str) -> bool:
    return str(listener["protocol"]).upper() in protocols


def _plain_without_tls(listener: Any) -> bool:
    return not _speaks(listener, "HTTP", "TCP", "UDP") or "tls" not in listener


def _https_ends_here(listener: Any) -> bool:
    has_tls = _speaks(listener, "HTTPS") and "tls" in listener
    return not has_tls or listener["tls"]["mode"] in ("", "Terminate")


def _tls_says_how(listener: Any) -> bool:
    return not _speaks(listener, "TLS") or bool(listener.get("tls", {}).get("mode"))


def _bare_without_host(listener: Any) -> bool:
    return not _speaks(listener, "TCP", "UDP") or not listener.get("hostname")


def _names_differ(listeners: Any) -> bool:
    return len({listener["name"] for listener in listeners}) == len(listeners)


def _places_differ(listeners: Any) -> bool:
    places = {(one["port"], one["protocol"], one.get("hostname")) for one in listeners}
    return len(places) == len(listeners)


LISTENER_RULES = (
    Rule(
        "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']", _each(_plain_without_tls)
    ),
    Rule("tls mode must be Terminate for protocol HTTPS", _each(_https_ends_here)),
    Rule("tls mode must be set for protocol TLS", _each(_tls_says_how)),
    Rule("hostname must not be specified for protocols ['TCP', 'UDP']", _each(_bare_without_host)),
    Rule("Listener name must be unique within the Gateway", _names_differ),
    Rule(
        "Combination of port, protocol and hostname must be unique for each listener",
        _places_differ,
    ),
)
"""Of all listeners of one Gateway."""
