"""Validation of volumes, where containers mount them, and what their variables refer to.

Fields of volumes that the playground does not serve are only checked for being there: the kubelet
says that there is no such volume. https://kubernetes.io/docs/concepts/storage/volumes/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.field_errors import (
    check_one_of,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    not_found,
    required,
    unsupported,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.apiserver.validation.fields import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    Check,
    among,
    each,
    every,
    fields,
    needed,
    optional_fields,
    spelled,
)
from canarylab.playground.kube.quantities import parse_quantity

_TYPES = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs",
    "iscsi", "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte",
    "downwardAPI", "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume",
    "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO",
    "csi", "ephemeral", "image",
)  # fmt: skip
"""In the order in which Kubernetes takes the first one."""
_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hostPath": ("path",),
        "gitRepo": ("repository",),
        "secret": ("secretName",),
        "nfs": ("server", "path"),
        "iscsi": ("targetPortal", "iqn"),
        "persistentVolumeClaim": ("claimName",),
        "configMap": ("name",),
        "csi": ("driver",),
        "ephemeral": ("volumeClaimTemplate",),
    }
)
_HOST_PATH_TYPES = (
    "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"
)  # fmt: skip
_MAX_MODE = 0o777
_MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"
_SOURCES = (
    "secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle",
    "podCertificate",
)  # fmt: skip
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_WITH_KEYS = ("metadata.annotations", "metadata.labels")
_ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_VOLUME_FIELDS = (
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"
)  # fmt: skip
_FIELDS = {*_ENV_FIELDS, *_WITH_KEYS, "spec.restartPolicy", "spec.schedulerName", "status.phase"}
_RESOURCES = tuple(
    f"{section}.{name}"
    for section in ("limits", "requests")
    for name in ("cpu", "ephemeral-storage", "memory")
)
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_DIVISORS = {
    "cpu": (("1m", "1"), "1m and 1 are supported with the cpu resource"),
    "memory": (_SIZES, f"{', '.join(_SIZES)} are supported with the memory resource"),
    "ephemeral-storage": (
        _SIZES,
        f"{', '.join(_SIZES)} are supported with the local ephemeral storage resource",
    ),
}
_MIN_TOKEN_S, _MAX_TOKEN_S = 600, 2**32
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_READ_ONLY_WAYS = ("Disabled", "Enabled", "IfPossible")
_VOLUME = fields(name=needed(DNS_LABEL))
_VARIABLE = fields(name=needed(spelled(names.env_var_name_problems)))
_REFERRED = fields(name=needed(DNS_SUBDOMAIN))
_KEY = fields(name=DNS_SUBDOMAIN, key=needed(spelled(names.config_map_key_problems)))


def validate_volumes(
    field: str, volumes: Sequence[Object], valid: dict[str, Object]
) -> Iterator[Cause]:
    """Errors of the volumes of a pod; those without errors are added to `valid`, by name."""
    for index, volume in enumerate(volumes):
        item, name = f"{field}[{index}]", volume.get("name", "")
        found = [*_volume_source(item, volume), *_VOLUME(item, volume)]
        if name in valid:
            found.append(duplicate(f"{item}.name", name))
        if not found:
            valid[name] = volume
        yield from found


def _volume_source(field: str, volume: Object) -> Iterator[Cause]:
    given = [type_ for type_ in _TYPES if type_ in volume]
    if not given:
        yield required(field, "must specify a volume type")
    for type_ in given[1:]:
        yield forbidden(f"{field}.{type_}", "may not specify more than 1 volume type")
    for type_ in given[:1]:
        path, source = f"{field}.{type_}", volume[type_]
        for name in _REQUIRED.get(type_, ()):
            if not source.get(name):
                yield required(f"{path}.{name}")
        yield from _MODES(path, source)
        if type_ in _RULES:
            yield from _RULES[type_](path, source)


def _empty_dir(field: str, source: Object) -> Iterator[Cause]:
    if parse_quantity(source.get("sizeLimit", "0")) < 0:
        yield forbidden(f"{field}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _no_backsteps(field: str, path: str | None) -> Iterator[Cause]:
    if ".." in (path or "").split("/"):
        yield invalid(field, path, "must not contain '..'")


def _absolute(field: str, path: str | None) -> Iterator[Cause]:
    if not (path or "").startswith("/"):
        yield invalid(field, path or "", "must be an absolute path")


def _mode(field: str, mode: int) -> Iterator[Cause]:
    if not 0 <= mode <= _MAX_MODE:
        yield invalid(field, mode, _MODE_RULE)


def _downward_files(field: str, source: Object) -> Iterator[Cause]:
    for file in source.get("items", []):
        yield from _downward_file(field, file)


def _downward_file(field: str, file: Object) -> Iterator[Cause]:
    path = file.get("path", "")
    if not path:
        yield required(f"{field}.path")
    yield from _file_path(f"{field}.path", path)
    if "fieldRef" in file:
        yield from _field_ref(f"{field}.fieldRef", file["fieldRef"], _VOLUME_FIELDS)
        if "resourceFieldRef" in file:
            problem = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield invalid(field, "resource", problem)
    elif "resourceFieldRef" in file:
        reference = file["resourceFieldRef"]
        yield from _resource_ref(f"{field}.resourceFieldRef", reference, in_volume=True)
    else:
        yield required(field, "one of fieldRef and resourceFieldRef is required")
    yield from _MODES(field, file)


def _projected(field: str, source: Object) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, part in enumerate(source.get("sources", [])):
        item = f"{field}.sources[{index}]"
        given = [name for name in _SOURCES if name in part]
        for name in given:
            yield from _projected_source(field, f"{item}.{name}", name, part[name])
            for file in part[name].get("items", []):
                path = file.get("path", "")
                if path in taken:
                    shown = path if name == "downwardAPI" else part[name].get("name", "")
                    yield invalid(field, shown, "conflicting duplicate paths")
                taken |= {path} - {""}
        if len(given) > 1:
            yield forbidden(item, "may not specify more than 1 volume type per source")


def _projected_source(volume: str, field: str, name: str, source: Object) -> Iterator[Cause]:
    if name == "serviceAccountToken":
        yield from _token(volume, field, source)
    elif name in _RULES:
        if name != "downwardAPI" and not source.get("name"):
            yield required(f"{field}.name")
        yield from _RULES[name](field, source)


def _token(volume: str, field: str, source: Object) -> Iterator[Cause]:
    seconds, path = source.get("expirationSeconds", _MIN_TOKEN_S), source.get("path", "")
    limit = "less than 10 minutes" if seconds < _MIN_TOKEN_S else "larger than 2^32 seconds"
    if not _MIN_TOKEN_S <= seconds <= _MAX_TOKEN_S:
        yield invalid(f"{field}.expirationSeconds", seconds, f"may not specify a duration {limit}")
    if not path:
        yield required(f"{volume}.path")
    yield from _file_path(f"{volume}.path", path)


def _file_path(field: str, path: str) -> Iterator[Cause]:
    """A path of a file in a volume: below it, and not a name that the kubelet uses itself."""
    yield from descending_path(field, path)
    if path.startswith("..") and not path.startswith("../"):
        yield invalid(field, path, "must not start with '..'")


def descending_path(field: str, path: str) -> Iterator[Cause]:
    """Errors of a path that stays below where it starts."""
    if path.startswith("/"):
        yield invalid(field, path, "must be a relative path")
    if ".." in path.split("/"):
        yield invalid(field, path, "must not contain '..'")


def validate_volume_mounts(
    path: str, container: Object, volumes: Mapping[str, Object]
) -> Iterator[Cause]:
    """Errors of the volume mounts of a container; `volumes` are the valid ones of its pod."""
    field, taken = f"{path}.volumeMounts", set[str]()
    devices = container.get("volumeDevices", [])
    for index, mount in enumerate(container.get("volumeMounts", [])):
        item, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{item}.name")
        if name not in volumes:
            yield not_found(f"{item}.name", name)
        if not path:
            yield required(f"{item}.mountPath")
        if path in taken:
            yield invalid(f"{item}.mountPath", path, "must be unique")
        taken.add(path)
        yield from _overlaps(item, mount, "mountPath", devices, "devicePath")
        sub_path, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
        yield from descending_path(f"{field}.subPath", sub_path)
        if sub_path and expression:
            problem = "subPathExpr and subPath are mutually exclusive"
            yield invalid(f"{item}.subPathExpr", expression, problem)
        yield from descending_path(f"{field}.subPathExpr", expression)
        yield from _mount_ways(field, mount, container)


def validate_volume_devices(
    field: str, container: Object, volumes: Mapping[str, Object]
) -> Iterator[Cause]:
    """Errors of the block devices of a container."""
    taken, paths = set[str](), set[str]()
    mounts = container.get("volumeMounts", [])
    for index, device in enumerate(container.get("volumeDevices", [])):
        item, name = f"{field}[{index}]", device.get("name", "")
        if not name:
            yield required(f"{item}.name")
        elif name in taken:
            yield invalid(f"{item}.name", name, "must be unique")
        taken.add(name)
        if name not in volumes:
            yield not_found(f"{item}.name", name)
        elif not volumes[name].keys() & {"persistentVolumeClaim", "ephemeral"}:
            only = "volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            yield invalid(f"{item}.name", name, f"can only use {only}")
        yield from _device_path(f"{item}.devicePath", device.get("devicePath", ""), paths)
        yield from _overlaps(item, device, "devicePath", mounts, "mountPath")


def _device_path(field: str, path: str, taken: set[str]) -> Iterator[Cause]:
    if not path:
        yield required(field)
    if path in taken:
        yield invalid(field, path, "must be unique")
    if ".." in path.split("/"):
        yield invalid(field, path, "can not contain backsteps ('..')")
    taken.add(path)


def _overlaps(
    field: str, one: Object, path: str, others: Sequence[Object], their_path: str
) -> Iterator[Cause]:
    """A volume is mounted or a device, and so is a path."""
    group = "volumeDevices" if path == "mountPath" else "volumeMounts"
    for name, theirs, words in (("name", "name", ""), (path, their_path, " as a path")):
        value = one.get(name, "")
        if any(value == other.get(theirs, "") for other in others):
            yield invalid(f"{field}.{name}", value, f"must not already exist{words} in {group}")


def _mount_ways(field: str, mount: Object, container: Object) -> Iterator[Cause]:
    propagation = mount.get("mountPropagation", "None")
    yield from check_one_of(f"{field}.mountPropagation", propagation, _PROPAGATIONS)
    is_privileged = container.get("securityContext", {}).get("privileged")
    if propagation == "Bidirectional" and not is_privileged:
        problem = "Bidirectional mount propagation is available only to privileged containers"
        yield forbidden(f"{field}.mountPropagation", problem)
    way = mount.get("recursiveReadOnly", "Disabled")
    yield from check_one_of(f"{field}.recursiveReadOnly", way, _READ_ONLY_WAYS)
    if way in _READ_ONLY_WAYS[1:] and not mount.get("readOnly"):
        problem = "may only be specified when readOnly is true"
        yield forbidden(f"{field}.recursiveReadOnly", problem)


def validate_env(field: str, container: Object) -> Iterator[Cause]:
    """Errors of the variables of a container."""
    for index, variable in enumerate(container.get("env", [])):
        item = f"{field}.env[{index}]"
        yield from _VARIABLE(item, variable)
        if "valueFrom" in variable:
            yield from _env_source(f"{item}.valueFrom", variable)
    for index, source in enumerate(container.get("envFrom", [])):
        yield from _env_from(f"{field}.envFrom", index, source)


def _env_from(field: str, index: int, source: Object) -> Iterator[Cause]:
    prefix = source.get("prefix", "")
    problems = names.env_var_name_problems(prefix)
    yield from invalid_for_each(f"{field}[{index}].prefix", prefix, problems)
    given = [name for name in ("configMapRef", "secretRef") if name in source]
    for name in given:
        yield from _REFERRED(f"{field}[{index}].{name}", source[name])
    if not given:
        yield invalid(field, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        yield invalid(field, "", "may not have more than one field specified at a time")


def _env_source(field: str, variable: Object) -> Iterator[Cause]:
    sources = [source for source in _ENV_SOURCES if source in variable["valueFrom"]]
    for source in sources:
        yield from _reference(f"{field}.{source}", source, variable["valueFrom"][source])
    if not sources:
        listed = ", ".join(f"`{source}`" for source in _ENV_SOURCES[:-1])
        yield invalid(field, "", f"must specify one of: {listed} or `{_ENV_SOURCES[-1]}`")
    elif variable.get("value"):
        yield invalid(field, "", "may not be specified when `value` is not empty")
    elif len(sources) > 1:
        yield invalid(field, "", "may not have more than one field specified at a time")


def _reference(field: str, source: str, reference: Object) -> Iterator[Cause]:
    match source:
        case "fieldRef":
            yield from _field_ref(field, reference, _ENV_FIELDS)
        case "resourceFieldRef":
            yield from _resource_ref(field, reference, in_volume=False)
        case "configMapKeyRef" | "secretKeyRef":
            yield from _KEY(field, reference)


def _field_ref(field: str, reference: Object, supported: Sequence[str]) -> Iterator[Cause]:
    given, version = reference.get("fieldPath", ""), reference.get("apiVersion", "v1")
    part, bracket, key = given.removesuffix("']").partition("['")
    has_key = bool(bracket and part and given.endswith("']"))
    if not given:
        yield required(f"{field}.fieldPath")
        return
    if version != "v1":
        problem = f"unsupported pod version: {version}"
    elif has_key:
        problem = "" if part in _WITH_KEYS else f"field label does not support subscript: {given}"
    else:
        problem = "" if given in _FIELDS else f"field label not supported: {given}"
    if problem:
        yield invalid(f"{field}.fieldPath", given, f"error converting fieldPath: {problem}")
    elif has_key:
        key = key.lower() if part == _WITH_KEYS[0] else key
        yield from invalid_for_each(field, key, names.qualified_name_problems(key))
    elif given not in supported:
        yield unsupported(f"{field}.fieldPath", given, supported)


def _resource_ref(field: str, reference: Object, *, in_volume: bool) -> Iterator[Cause]:
    resource, divisor = reference.get("resource", ""), reference.get("divisor", "0")
    name = resource.partition(".")[2]
    if in_volume and not reference.get("containerName"):
        yield required(f"{field}.containerName")
    elif not resource:
        yield required(f"{field}.resource")
    elif resource not in _RESOURCES and not name.startswith("hugepages-"):
        yield unsupported(f"{field}.resource", resource, _RESOURCES)
    if resource in _RESOURCES and parse_quantity(divisor):
        allowed, words = _DIVISORS[name]
        if divisor not in allowed:
            yield invalid(f"{field}.divisor", resource, f"only divisor's values {words}")


_FILE = every(fields(key=needed(), path=needed()), optional_fields(path=_file_path, mode=_mode))
_ITEMS = optional_fields(items=each(_FILE))
_MODES = optional_fields(mode=_mode, defaultMode=_mode)
_RULES: Mapping[str, Check] = MappingProxyType(
    {
        "emptyDir": _empty_dir,
        "hostPath": fields(path=_no_backsteps, type=among("", *_HOST_PATH_TYPES)),
        "secret": _ITEMS,
        "nfs": fields(path=_absolute),
        "configMap": _ITEMS,
        "downwardAPI": _downward_files,
        "projected": _projected,
    }
)
