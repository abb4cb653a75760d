"""What does an Ingress ask for, read once into plain values?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.network.ingress.annotations import Annotations, read

ANY_HOST = "_"
"""The host of a rule without one, as nginx calls it: whatever no other host serves."""


class Backend(NamedTuple):
    """A port of a Service. Rules that name the same one share it, and its canary too."""

    service: Key
    port: str
    """A number or a name, as the Ingress says it."""

    def __str__(self) -> str:
        return f"{self.service.name}:{self.port}"


class Path(NamedTuple):
    """One path of one rule."""

    host: str
    path: str
    exact: bool
    backend: Backend | None
    """None for a `resource` backend, which ingress-nginx does not serve either."""

    def __str__(self) -> str:
        return f"{'any host' if self.host == ANY_HOST else self.host}{self.path}"


class Wish(NamedTuple):
    """One Ingress."""

    key: Key
    created: str
    annotations: Annotations
    default: Backend | None
    hosts: tuple[str, ...]
    paths: tuple[Path, ...]

    @property
    def is_canary(self) -> bool:
        """Does it only add a canary to rules of another Ingress?"""
        return self.annotations.canary is not None


def wishes(ingresses: Iterable[Object]) -> list[Wish]:
    """The oldest first: it keeps what two of them claim.

    A timestamp has whole seconds, so that what one `kubectl apply` creates is equally old; among
    those the last name goes first (sortIngressSlice). Rule and source:
    https://kubernetes.github.io/ingress-nginx/how-it-works/#building-the-nginx-model
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/store/store.go
    """
    read_all = [_wish(ingress) for ingress in ingresses]
    last_name_first = sorted(read_all, key=lambda wish: tuple(wish.key), reverse=True)
    return sorted(last_name_first, key=lambda wish: wish.created)


def _wish(ingress: Object) -> Wish:
    meta, spec, key = ingress["metadata"], ingress["spec"], key_of(ingress)
    rules = spec.get("rules") or []
    return Wish(
        key=key,
        created=meta.get("creationTimestamp") or "",
        annotations=read(meta.get("annotations") or {}),
        default=_backend(key.namespace, spec.get("defaultBackend") or {}),
        hosts=tuple(rule.get("host") or ANY_HOST for rule in rules),
        paths=tuple(path for rule in rules for path in _paths(key.namespace, rule)),
    )


def _paths(namespace: str, rule: Object) -> Iterator[Path]:
    # ImplementationSpecific means Prefix: SetDefaultNGINXPathType in
    # https://github.com/kubernetes/ingress-nginx/blob/main/internal/k8s/main.go
    for entry in (rule.get("http") or {}).get("paths") or []:
        yield Path(
            host=rule.get("host") or ANY_HOST,
            path=entry.get("path") or "/",
            exact=entry.get("pathType") == "Exact",
            backend=_backend(namespace, entry["backend"]),
        )


def _backend(namespace: str, backend: Object) -> Backend | None:
    service = backend.get("service")
    if not service:
        return None
    port = service.get("port") or {}
    return Backend(Key(namespace, service["name"]), str(port.get("number") or port.get("name")))
