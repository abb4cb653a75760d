"""What a pod's manifest refers to: ConfigMaps, Secrets, fields of the pod, and resources.

Variables and files of volumes refer to the same things; `volumes.py` makes the files. Errors are in
the kubelet's words.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from canarylab.kube_objects import Key, Object, key_of
from canarylab.playground.kube.api import Api, find_object
from canarylab.playground.kube.quantities import parse_quantity

_KINDS = ("ConfigMap", "Secret")
_FIELDS_WITH_KEYS = ("labels", "annotations")
_FIELDS = frozenset(
    {
        "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels",
        "metadata.annotations", "spec.nodeName", "spec.serviceAccountName",
    }
)  # fmt: skip


class ConfigError(Exception):
    """The manifest refers to something that is missing; the message is in Kubernetes' words."""


class PodAddress(NamedTuple):
    """The address of a pod, and that of its node."""

    ip: str
    host_ip: str


@dataclass(frozen=True)
class References:
    """What a pod may refer to."""

    pod: Object
    address: PodAddress
    objects: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    """The ConfigMaps and Secrets of its namespace, by kind and name."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """The resources of its node, which limit a container that has no limit."""

    def entries(self, kind: str, reference: Object) -> dict[str, bytes] | None:
        """The entries of a ConfigMap or Secret, or None if it is optional and missing."""
        name = reference.get("name", "")
        if (found := self.objects.get((kind, name))) is not None:
            return _entries(found)
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{name}" not found')

    def texts(self, kind: str, reference: Object) -> dict[str, str]:
        """The entries that can be variables: not the binary ones of a ConfigMap."""
        found = self.entries(kind, reference) or {}
        binary = self.objects.get((kind, reference.get("name", "")), {}).get("binaryData", {})
        return {key: _text(value) for key, value in found.items() if key not in binary}

    def value(self, source: Object, container: Object) -> str | None:
        """The value of a `valueFrom` in a container, or None if it is optional and missing."""
        if "fieldRef" in source:
            return self.field(source["fieldRef"].get("fieldPath", ""))
        if "resourceFieldRef" in source:
            own = {"containerName": container["name"]}
            return self.resource({**own, **source["resourceFieldRef"]})
        for kind, name in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if name in source:
                return self._entry(kind, source[name])
        raise ConfigError(
            "the playground does not read variables from files (fileKeyRef); use a ConfigMap"
        )

    def _entry(self, kind: str, reference: Object) -> str | None:
        key, texts = reference.get("key", ""), self.texts(kind, reference)
        if key in texts or reference.get("optional"):
            return texts.get(key)
        name = f"{key_of(self.pod).namespace}/{reference.get('name', '')}"
        raise ConfigError(f"couldn't find key {key} in {kind} {name}")

    def field(self, path: str) -> str:
        """The text of a field of the pod; labels and annotations are lines of `key="value"`."""
        addresses = {
            "status.podIP": self.address.ip,
            "status.podIPs": self.address.ip,
            "status.hostIP": self.address.host_ip,
            "status.hostIPs": self.address.host_ip,
        }
        if path in addresses:
            return addresses[path]
        part, _, name = path.partition(".")
        name, _, quoted = name.partition("['")
        value = self.pod[part].get(name) if f"{part}.{name}" in _FIELDS else None
        if isinstance(value, str) and not quoted:
            return value
        if name not in _FIELDS_WITH_KEYS:
            raise ConfigError(f"the playground does not support the field {path} in fieldRef")
        if quoted:
            return str((value or {}).get(quoted.removesuffix("']"), ""))
        return "\n".join(f"{key}={_quoted(text)}" for key, text in sorted((value or {}).items()))

    def resource(self, reference: Object) -> str:
        """A limit or request of a container, in units of the divisor, rounded up.

        Without a limit, it is what the node has.
        """
        section, _, name = reference.get("resource", "").partition(".")
        spec = self.pod["spec"]
        containers = [*spec["containers"], *spec.get("initContainers", [])]
        wanted = reference.get("containerName")
        found = next((each for each in containers if each["name"] == wanted), None)
        if found is None:
            raise ConfigError(f"container {wanted} not found")
        amount = found.get("resources", {}).get(section, {}).get(name, "0")
        if section == "limits" and not parse_quantity(amount):
            amount = self.allocatable.get(name, "0")
        divisor = parse_quantity(reference.get("divisor") or "1") or 1
        return str(math.ceil(parse_quantity(amount) / divisor))


async def read_references(api: Api, pod: Object, address: PodAddress) -> References:
    """Read what a pod may refer to, if it refers to anything."""
    spec = pod["spec"]
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    if not spec.get("volumes") and not any(
        "envFrom" in each or any("valueFrom" in entry for entry in each.get("env", []))
        for each in containers
    ):
        return References(pod, address)
    namespace = key_of(pod).namespace
    objects = {
        (kind, key_of(each).name): each
        for kind in _KINDS
        for each in await api.list(kind, namespace)
    }
    node = await find_object(api, "Node", Key("", spec.get("nodeName", ""))) or {}
    return References(pod, address, objects, node.get("status", {}).get("allocatable", {}))


def _entries(obj: Object) -> dict[str, bytes]:
    """The entries of a ConfigMap or Secret as bytes."""
    encoded = obj.get("data", {}) if obj["kind"] == "Secret" else obj.get("binaryData", {})
    texts = {} if obj["kind"] == "Secret" else obj.get("data", {})
    decoded = {key: base64.b64decode(value) for key, value in encoded.items()}
    return {key: value.encode() for key, value in texts.items()} | decoded


def _text(value: bytes) -> str:
    """Bytes as a variable has them, whatever they are."""
    return value.decode(errors="surrogateescape")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
