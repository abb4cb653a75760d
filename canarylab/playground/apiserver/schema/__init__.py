"""Schemas of the kinds that are served: structural ones here, built-in ones in `builtin.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from canarylab.playground.apiserver.schema.gateway import (
    GATEWAY,
    GATEWAY_CLASS,
    REFERENCE_GRANT,
)
from canarylab.playground.apiserver.schema.http_route import HTTP_ROUTE
from canarylab.playground.apiserver.schema.structural import Schema

STRUCTURAL_SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "Gateway": GATEWAY,
        "GatewayClass": GATEWAY_CLASS,
        "HTTPRoute": HTTP_ROUTE,
        "ReferenceGrant": REFERENCE_GRANT,
    }
)
"""The schema of each custom kind, without apiVersion, kind and metadata."""
