"""What share of the requests does a canary Ingress take? The knob that needs no pods."""

from __future__ import annotations

from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.wait import sync_count, wait_until_synced

WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"
_REMEDY = "`kubectl get ingresses` lists those there are."


def set_weight(connection: Connection, ingress: str, percent: int) -> None:
    """Write the annotation, and wait until the controller knows."""
    if not 0 <= percent <= 100:
        raise ValueError(f"A weight of {percent} is no share. Give a whole number from 0 to 100.")
    change: Object = {"metadata": {"annotations": {WEIGHT: str(percent)}}}
    with refusals(f'a weight of {percent} for Ingress "{ingress}"', remedy=_REMEDY):
        if read_weight(connection, ingress) == percent:
            return
        before = sync_count(connection, ingress)
        connection.networking.patch_namespaced_ingress(ingress, connection.namespace, change)
        wait_until_synced(connection, ingress, before)


def read_weight(connection: Connection, ingress: str) -> int:
    """What the annotation says; 0 where it says nothing."""
    with refusals(f'Ingress "{ingress}"', remedy=_REMEDY):
        found = connection.networking.read_namespaced_ingress(ingress, connection.namespace)
    return int((found.metadata.annotations or {}).get(WEIGHT, "0"))
