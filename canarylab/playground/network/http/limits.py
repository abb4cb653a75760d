"""How long and how much does the ingress wait for, and take in?

What ingress-nginx takes when nothing is said:
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds between two signs of life, bytes, and tries."""

    client_s: float = 60.0
    """client-header-timeout and client-body-timeout."""
    keep_alive_s: float = 75.0
    """How long a client may be silent between requests."""
    connect_s: float = 5.0
    """proxy-connect-timeout."""
    answer_s: float = 60.0
    """proxy-read-timeout and proxy-send-timeout; a WebSocket may be silent as long."""
    linger_s: float = 5.0
    """How long the rest of a refused body is read and thrown away: nginx's lingering_timeout."""
    idle_pod_s: float = 4.0
    """A second less than Node keeps a connection: it must not close one that is just taken."""
    target_bytes: int = 8_192
    """large-client-header-buffers: one for the request line, four for everything."""
    head_bytes: int = 32_768
    replay_bytes: int = 65_536
    """How much of a body is kept for another try."""
    tries: int = 3
    """proxy-next-upstream-tries."""


LOOK_EVERY_S = 0.5
"""How often somebody looks whose time is up."""
