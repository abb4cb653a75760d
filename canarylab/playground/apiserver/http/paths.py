"""Which object, or which kind of objects, does a path name?"""

from __future__ import annotations

from typing import NamedTuple

from canarylab.playground.kube.api import Key
from canarylab.playground.kube.kinds import SERVED_KINDS, Kind

_BY_PLACE = {(kind.api_version, kind.plural): kind for kind in SERVED_KINDS}
_ABOUT_NAMESPACES = frozenset({"status", "finalize"})


class Target(NamedTuple):
    """What a request is about; without a name, it is about all of them."""

    kind: Kind
    namespace: str | None = None
    """None: in all namespaces, or the kind has none."""
    name: str | None = None
    subresource: str | None = None
    """What stands below the object: `scale`, `log`; behind `proxy` follows a path of the pod's."""

    @property
    def key(self) -> Key:
        """Of the one object it names."""
        return Key(self.namespace or "", self.name or "")


def target(path: str) -> Target | None:
    """Read a path as the Kubernetes API lays them out.

    >>> found = target("/apis/apps/v1/namespaces/lab/deployments/web/scale")
    >>> found.kind.kind, found.namespace, found.name, found.subresource
    ('Deployment', 'lab', 'web', 'scale')
    """
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            return _within("v1", rest)
        case ["apis", group, version, *rest]:
            return _within(f"{group}/{version}", rest)
    return None


def _within(api_version: str, steps: list[str]) -> Target | None:
    namespace = None
    if len(steps) >= 3 and steps[0] == "namespaces" and steps[2] not in _ABOUT_NAMESPACES:
        _, namespace, *steps = steps
    if steps[2:3] == ["proxy"]:
        steps = steps[:3]
    if not 1 <= len(steps) <= 3 or not all([namespace != "", *steps]):
        return None
    kind = _BY_PLACE.get((api_version, steps[0]))
    if kind is None or (namespace is not None and not kind.namespaced):
        return None
    if kind.namespaced and namespace is None and len(steps) > 1:
        return None
    return Target(kind, namespace, *steps[1:])
