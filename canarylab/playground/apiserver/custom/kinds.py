"""Which kinds does the cluster know from a definition alone?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from canarylab.playground.apiserver.custom.gateway import GATEWAY
from canarylab.playground.apiserver.custom.gateway_class import GATEWAY_CLASS
from canarylab.playground.apiserver.custom.http_route import HTTP_ROUTE
from canarylab.playground.apiserver.custom.shape import Shape

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {"Gateway": GATEWAY, "GatewayClass": GATEWAY_CLASS, "HTTPRoute": HTTP_ROUTE}
)
"""What an object of each may hold, beside what it is and its metadata."""
