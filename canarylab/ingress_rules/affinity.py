"""Session affinity by cookie: `affinity: cookie` keeps a client at one endpoint, canaries included.

The cookie has two parts, a key and a hash of the backend. The hash decides between primary and
canary, before header, cookie and weight of the canary do; the key decides between the endpoints.
`balanced` takes the endpoint whose hash with the key is the greatest, so that a new endpoint takes
over its share of the clients and no others move; `persistent` has the hash of the endpoint itself
as the key, so that a client moves only when its endpoint is gone.
https://kubernetes.github.io/ingress-nginx/examples/affinity/cookie/
`balancer/sticky.lua`, `sticky_balanced.lua` and `sticky_persistent.lua` in
https://github.com/kubernetes/ingress-nginx/tree/main/rootfs/etc/nginx/lua
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import NamedTuple

from canarylab.ingress_rules.annotations import CookieAffinity
from canarylab.ingress_rules.ingress_spec import Backend
from canarylab.ingress_rules.paths import quote_path
from canarylab.kube_objects import Address

_DELIMITER = "|"


class Session(NamedTuple):
    """The affinity of one request to one backend."""

    affinity: CookieAffinity
    backend: Backend
    key: str = ""
    """From the request's cookie; empty without one."""
    location_path: str | None = None
    """The path of a new cookie, unless the affinity names one; None where none may be set."""

    def choose(
        self, endpoints: tuple[Address, ...], failed: Collection[Address], random: Random
    ) -> tuple[Address, str]:
        """The endpoint for a request, and the key for a new cookie, empty if it keeps its own.

        `failed` are the endpoints tried for this request already; of at least one endpoint.

        >>> from canarylab.kube_objects import Key
        >>> web = Backend(Key("default", "web"), "80")
        >>> pods = (Address("10.0.0.1", 80), Address("10.0.0.2", 80))
        >>> new, key = Session(CookieAffinity(), web).choose(pods, (), Random(1))
        >>> Session(CookieAffinity(), web, key).choose(pods, (), Random(2)) == (new, "")
        True
        """
        if not (failed and self.affinity.change_on_failure):
            known = self._endpoint(self.key, endpoints) if self.key else None
            if known is not None:
                return known, ""
        others = [each for each in endpoints if each not in failed] or list(endpoints)
        if self.affinity.is_persistent:
            endpoint = random.choice(others)
            return endpoint, self._name(endpoint)
        while True:  # a random key leads to each endpoint equally often
            key = f"{random.getrandbits(64):016x}"
            if (endpoint := self._greatest(key, endpoints)) in others:
                return endpoint, key

    def set_cookie(self, key: str, now: datetime) -> str | None:
        """The value of Set-Cookie for a new key; None where none may be set."""
        if self.location_path is None:
            return None
        said = self.affinity
        parts = [f"{said.name}={key}{_DELIMITER}{backend_hash(self.backend)}"]
        if said.expires_s is not None:
            expires = now + timedelta(seconds=said.expires_s)
            parts.append(f"Expires={format_datetime(expires, usegmt=True)}")
        if said.max_age_s is not None:
            parts.append(f"Max-Age={said.max_age_s}")
        if said.domain:
            parts.append(f"Domain={said.domain}")
        parts.append(f"Path={said.path or quote_path(self.location_path)}")
        parts += ["Secure"] if said.is_secure else []
        parts.append("HttpOnly")
        parts += [f"SameSite={said.same_site}"] if said.same_site else []
        return "; ".join(parts)

    def _endpoint(self, key: str, endpoints: tuple[Address, ...]) -> Address | None:
        if not self.affinity.is_persistent:
            return self._greatest(key, endpoints)
        return next((each for each in endpoints if self._name(each) == key), None)

    def _name(self, endpoint: Address) -> str:
        return _hash(f"{_name_of(self.backend)}{endpoint.host}:{endpoint.port}")

    def _greatest(self, key: str, endpoints: tuple[Address, ...]) -> Address:
        return max(endpoints, key=lambda each: _hash(f"{key} {each.host}:{each.port}"))


def session_of(
    affinity: CookieAffinity,
    backend: Backend,
    cookies: Mapping[str, str],
    location_path: str | None,
) -> Session:
    """The session of a request with these cookies."""
    key = cookies.get(affinity.name, "").partition(_DELIMITER)[0]
    return Session(affinity, backend, key, location_path)


def is_held(affinity: CookieAffinity | None, backend: Backend, cookies: Mapping[str, str]) -> bool:
    """Whether the cookie of a request keeps it at this backend: `is_affinitized` in sticky.lua."""
    if affinity is None:
        return False
    parts = cookies.get(affinity.name, "").split(_DELIMITER)
    return len(parts) > 1 and parts[1] == backend_hash(backend)


def backend_hash(backend: Backend) -> str:
    """The second part of the cookie."""
    name = _name_of(backend)
    return _hash(_hash(name) + name)


def _name_of(backend: Backend) -> str:
    return f"{backend.service.namespace}-{backend.service.name}-{backend.port}"


def _hash(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
