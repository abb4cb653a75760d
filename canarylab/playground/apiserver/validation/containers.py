"""Validation of containers: ports, probes and hooks, resources, security."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from canarylab.errors import Cause
from canarylab.kube_objects import Object, is_sidecar
from canarylab.playground.apiserver.field_errors import (
    INT32_MAX,
    as_go,
    check_not_negative,
    check_one_of,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    not_found,
    required,
    too_many,
    unsupported,
)
from canarylab.playground.apiserver.validation import names, volumes
from canarylab.playground.apiserver.validation.fields import (
    DNS_LABEL,
    PORT_NUMBER,
    Check,
    among,
    between,
    each,
    every,
    fields,
    filled,
    needed,
    one_of,
    optional_fields,
    refused,
)
from canarylab.playground.kube.quantities import parse_quantity

MAX_CONTAINERS = 50
"""Containers of one pod: each is a process of this machine. Kubernetes sets no limit."""
PROTOCOLS = ("SCTP", "TCP", "UDP")
ID = between(0, INT32_MAX)
"""The number of a user or group."""

_MAX_RULES, _MAX_EXIT_CODES = 20, 255
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")
_HEADER_RULE = names.pattern_error(
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    "[-A-Za-z0-9]+",
    "X-Header-Name",
)
_CONTAINER_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROFILE = ("Type", "LocalhostProfile")
_GO_SECURITY = (
    "Capabilities", "Privileged", "SELinuxOptions", "WindowsOptions", "RunAsUser", "RunAsGroup",
    "RunAsNonRoot", "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation", "ProcMount",
    "SeccompProfile", "AppArmorProfile",
)  # fmt: skip
_GO_PARTS = {
    "Capabilities": ("Add", "Drop"),
    "SELinuxOptions": ("User", "Role", "Type", "Level"),
    "SeccompProfile": _PROFILE,
    "AppArmorProfile": _PROFILE,
}


def validate_containers(
    field: str, spec: Object, mountable: Mapping[str, Object]
) -> Iterator[Cause]:
    """Errors of the containers of a pod with these valid volumes, by name."""
    containers = spec.get("containers", [])
    if not containers:
        yield required(field)
    if len(containers) > MAX_CONTAINERS:
        yield too_many(field, len(containers), MAX_CONTAINERS)
        return
    taken: set[str] = set()
    for index, container in enumerate(containers):
        item = f"{field}[{index}]"
        yield from _container(item, container, spec, mountable)
        name = container.get("name", "")
        if name in taken:
            yield duplicate(f"{item}.name", name)
        taken.add(name)
        yield from _running(item, container, spec)
        yield from _restarts(item, container)
    yield from _host_ports(field, containers)


def validate_init_containers(
    field: str, spec: Object, mountable: Mapping[str, Object]
) -> Iterator[Cause]:
    """Errors of the init containers of a pod; those that are restarted always are sidecars."""
    containers = spec.get("initContainers", [])
    if len(containers) > MAX_CONTAINERS:
        yield too_many(field, len(containers), MAX_CONTAINERS)
        return
    taken = {container.get("name", "") for container in spec.get("containers", [])}
    for index, container in enumerate(containers):
        item = f"{field}[{index}]"
        yield from _container(item, container, spec, mountable)
        yield from _restarts(item, container)
        name = container.get("name", "")
        if name in taken:
            yield duplicate(f"{item}.name", name)
        taken |= {name} - {""}
        yield from _host_ports(field, [container])
        if is_sidecar(container):
            yield from _running(item, container, spec)
        else:
            yield from _completing(item, container)


def _completing(field: str, container: Object) -> Iterator[Cause]:
    """Errors of an init container that is no sidecar."""
    for name in ("lifecycle", *_PROBES):
        if name in container:
            problem = "may not be set for init containers without restartPolicy=Always"
            yield forbidden(f"{field}.{name}", problem)
    for number, policy in enumerate(container.get("resizePolicy", [])):
        if policy.get("restartPolicy") == "RestartContainer":
            problem = "must not be set to 'RestartContainer' for non-sidecar initContainers"
            where = f"{field}.resizePolicy[{number}].restartPolicy"
            yield invalid(where, "RestartContainer", problem)


def _container(
    field: str, container: Object, spec: Object, mountable: Mapping[str, Object]
) -> Iterator[Cause]:
    """Errors of what every container has."""
    yield from _CONTAINER(field, container)
    yield from volumes.validate_env(field, container)
    yield from volumes.validate_volume_mounts(field, container, mountable)
    yield from volumes.validate_volume_devices(f"{field}.volumeDevices", container, mountable)
    yield from _PULL_POLICY(field, container)
    claims = [claim.get("name", "") for claim in spec.get("resourceClaims", [])]
    yield from validate_resources(f"{field}.resources", container.get("resources", {}), claims)
    yield from _resize_policy(f"{field}.resizePolicy", container, spec)
    if "securityContext" in container:
        security = container["securityContext"]
        has_host_users = spec.get("hostUsers") is not False
        yield from _security(f"{field}.securityContext", security, has_host_users=has_host_users)


def _running(field: str, container: Object, spec: Object) -> Iterator[Cause]:
    """Errors of the hooks and probes of a container."""
    lifecycle, grace_s = container.get("lifecycle", {}), spec.get("terminationGracePeriodSeconds")
    for hook in _HOOKS:
        if hook in lifecycle:
            yield from _action(f"{field}.lifecycle.{hook}", lifecycle[hook], grace_s)
    yield from _EVERY_PROBE(field, container)


def _container_ports(field: str, ports: Sequence[Object] | None) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, port in enumerate(ports or ()):
        item, name = f"{field}[{index}]", port.get("name", "")
        if name:
            problems = names.port_name_problems(name)
            yield from invalid_for_each(f"{item}.name", name, problems)
            if not problems and name in taken:
                yield duplicate(f"{item}.name", name)
            taken.add(name)
        yield from _PORT(item, port)


def _host_ports(field: str, containers: Sequence[Object]) -> Iterator[Cause]:
    """A port of the node can be taken once."""
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports", [])):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in taken:
                yield duplicate(f"{field}[{index}].ports[{number}].hostPort", key)
            taken.add(key)


def _restarts(field: str, container: Object) -> Iterator[Cause]:
    """Errors of a container's own restart policy."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules", [])
    if policy is not None:
        yield from _RESTART_POLICY(f"{field}.restartPolicy", policy)
    elif rules:
        problem = "must specify restartPolicy when restart rules are used"
        yield required(f"{field}.restartPolicy", problem)
    if len(rules) > _MAX_RULES:
        yield too_many(f"{field}.restartPolicyRules", len(rules), _MAX_RULES)
    yield from _RESTART_RULES(f"{field}.restartPolicyRules", rules)


def _exit_codes(field: str, codes: Object | None) -> Iterator[Cause]:
    if codes is None:
        yield required(field, "must be specified")
        return
    yield from _EXIT_CODES(field, codes)
    count = len(codes.get("values", []))
    if count > _MAX_EXIT_CODES:
        yield too_many(f"{field}.values", count, _MAX_EXIT_CODES)


def port_or_name(field: str, port: int | str | None) -> list[Cause]:
    """Errors of a port that is given by its number or by its name."""
    return invalid_for_each(field, port or 0, names.port_problems(port or 0))


def _header(field: str, headers: Sequence[Object] | None) -> Iterator[Cause]:
    for header in headers or ():
        name = header.get("name", "")
        if not _HEADER_NAME.fullmatch(name):
            yield invalid(field, name, _HEADER_RULE)


_ACTIONS: Mapping[str, Check] = {
    "exec": fields(command=needed()),
    "httpGet": fields(
        path=needed(), port=port_or_name, scheme=among("HTTP", "HTTPS"), httpHeaders=_header
    ),
    "tcpSocket": fields(port=port_or_name),
    "grpc": fields(port=PORT_NUMBER),
    "sleep": fields(),
}


def _action(field: str, value: Object, grace_s: int | None = None) -> Iterator[Cause]:
    """A probe or hook has exactly one action; `grace_s` is the grace period of a hook's pod."""
    actions = [name for name in _ACTIONS if name in value]
    if not actions:
        yield required(field, "must specify a handler type")
        return
    first = actions[0]
    yield from _ACTIONS[first](f"{field}.{first}", value[first])
    if first == "sleep":
        yield from _sleep(f"{field}.sleep", value["sleep"].get("seconds", 0), grace_s)
    for extra in actions[1:]:
        yield forbidden(f"{field}.{extra}", "may not specify more than 1 handler type")


def _sleep(field: str, seconds: int, grace_s: int | None) -> Iterator[Cause]:
    """A hook sleeps at most for the grace period, postStart too."""
    if grace_s is not None and not 0 <= seconds <= grace_s:
        limit = f"less than terminationGracePeriodSeconds ({grace_s})"
        yield invalid(field, seconds, f"must be non-negative and {limit}")


def _grace_of_probe(field: str, seconds: int) -> Iterator[Cause]:
    if seconds <= 0:
        yield invalid(field, seconds, "must be greater than 0")


def _one_success(field: str, count: int | None) -> Iterator[Cause]:
    if count != 1:
        yield invalid(field, count, "must be 1")


def validate_resources(
    field: str, resources: Object, claims: Sequence[str] = ()
) -> Iterator[Cause]:
    """Errors of the limits and requests of a container, and of the claims of the pod it uses."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for name, value in sorted(limits.items()):
        yield from _amount(f"{field}.limits[{name}]", name, value)
    for name, value in sorted(requests.items()):
        yield from _amount(f"{field}.requests[{name}]", name, value)
        yield from _request(field, name, value, limits.get(name))
    named = limits.keys() | requests.keys()
    if any(map(_is_huge_page, named)) and not named & {"cpu", "memory"}:
        yield forbidden(field, "HugePages require cpu or memory")
    yield from _claims(f"{field}.claims", resources.get("claims", []), claims)


def _amount(field: str, name: str, value: str) -> Iterator[Cause]:
    yield from invalid_for_each(field, name, _resource_name_problems(name))
    if parse_quantity(value) < 0:
        yield invalid(field, value, "must be greater than or equal to 0")
    if _is_extended(name) and parse_quantity(value) % 1:
        yield invalid(field, value, "must be an integer")


def _request(field: str, name: str, value: str, limit: str | None) -> Iterator[Cause]:
    """What cannot be shared by several pods is requested as it is limited."""
    is_shared = not _is_extended(name) and not _is_huge_page(name)
    if limit is None:
        if not is_shared:
            problem = "Limit must be set for non overcommitable resources"
            yield required(f"{field}.limits", problem)
    elif not is_shared and parse_quantity(value) != parse_quantity(limit):
        yield invalid(f"{field}.requests", value, f"must be equal to {name} limit of {limit}")
    elif parse_quantity(value) > parse_quantity(limit):
        problem = f"must be less than or equal to {name} limit of {limit}"
        yield invalid(f"{field}.requests", value, problem)


def _is_extended(name: str) -> bool:
    """Whether a resource is of others than Kubernetes."""
    return "/" in name and "kubernetes.io/" not in name


def _is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def _resource_name_problems(name: str) -> list[str]:
    problems = names.qualified_name_problems(name)
    if problems or "/" in name or name in _CONTAINER_RESOURCES or _is_huge_page(name):
        return problems
    return [
        "must be a standard resource type or fully qualified",
        "must be a standard resource for containers",
    ]


def _claims(field: str, claims: Sequence[Object], known: Sequence[str]) -> Iterator[Cause]:
    """Errors of the claims that a container uses: of the pod's, each once, whole or in parts."""
    listed = f": {', '.join(sorted(known))}" if known else " which is empty"
    used: set[str] = set()
    for index, claim in enumerate(claims):
        item, name, request = f"{field}[{index}]", claim.get("name", ""), claim.get("request", "")
        if not name:
            yield required(item)
            continue
        key = f"{name}/{request}" if request else name
        if request and name not in used:
            yield from DNS_LABEL(f"{item}.request", request)
        in_parts = not request and any(part.startswith(f"{name}/") for part in used)
        if name in used or key in used or in_parts:
            yield duplicate(item, name if name in used else key)
        used.add(key)
        if name not in known:
            problem = f"must be one of the names in pod.spec.resourceClaims{listed}"
            yield not_found(item, name, problem)


def _resize_policy(field: str, container: Object, spec: Object) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, policy in enumerate(container.get("resizePolicy", [])):
        resource, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if resource in taken:
            yield duplicate(f"{field}[{index}]", resource)
        taken.add(resource)
        yield from check_one_of(field, resource, ("cpu", "memory"))
        yield from check_one_of(field, restart, ("NotRequired", "RestartContainer"))
        if spec.get("restartPolicy") == "Never" and restart != "NotRequired":
            problem = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            yield invalid(field, restart, problem)


def _security(field: str, security: Object, *, has_host_users: bool) -> Iterator[Cause]:
    yield from _SECURITY(field, security)
    if has_host_users and security.get("procMount") == "Unmasked":
        problem = "`hostUsers` must be false to use `Unmasked`"
        yield invalid(f"{field}.procMount", "Unmasked", problem)
    yield from _SECCOMP(field, security)
    if security.get("allowPrivilegeEscalation") is False:
        added = security.get("capabilities", {}).get("add", [])
        wrong = ["`privileged` to true"] if security.get("privileged") else []
        wrong += ["`capabilities.Add` CAP_SYS_ADMIN"] * added.count("CAP_SYS_ADMIN")
        for other in wrong:
            problem = f"cannot set `allowPrivilegeEscalation` to false and {other}"
            yield invalid(field, _go_security(security), problem)
    yield from _APP_ARMOR(field, security)


def _go_security(security: Object) -> Object:
    shown = as_go(security, *_GO_SECURITY)
    return shown | {
        name: as_go(shown[name], *parts) for name, parts in _GO_PARTS.items() if shown[name]
    }


def seccomp_profile(field: str, profile: Object) -> Iterator[Cause]:
    """Errors of a seccomp profile."""
    yield from _profile_type(field, profile)
    yield from _local_profile(field, profile, "seccomp", as_go(profile, *_PROFILE))
    if profile.get("type") == "Localhost":
        where = f"{field}.localhostProfile"
        yield from volumes.descending_path(where, profile.get("localhostProfile", ""))


def app_armor_profile(field: str, profile: Object) -> Iterator[Cause]:
    """Errors of an AppArmor profile."""
    problems = list(_profile_type(field, profile))
    yield from problems
    if not problems:
        yield from _local_profile(field, profile, "AppArmor", profile.get("localhostProfile"))


def _profile_type(field: str, profile: Object) -> Iterator[Cause]:
    type_ = profile.get("type", "")
    if not type_:
        yield required(f"{field}.type", f"type is required when {field.rpartition('.')[2]} is set")
    elif type_ not in _PROFILE_TYPES:
        yield unsupported(f"{field}.type", type_, _PROFILE_TYPES)


def _local_profile(field: str, profile: Object, kind: str, shown: object) -> Iterator[Cause]:
    field, is_local = f"{field}.localhostProfile", profile.get("type") == "Localhost"
    if is_local and "localhostProfile" not in profile:
        yield required(field, f"must be set when {kind} type is Localhost")
    elif not is_local and "localhostProfile" in profile:
        yield invalid(field, shown, f"can only be set when {kind} type is Localhost")


_CONTAINER = fields(
    name=needed(DNS_LABEL),
    image=needed(),
    terminationMessagePolicy=one_of("File", "FallbackToLogsOnError"),
    ports=_container_ports,
)
_PORT = fields(
    containerPort=needed(PORT_NUMBER),
    hostPort=filled(PORT_NUMBER),
    protocol=one_of(*PROTOCOLS),
)
_PULL_POLICY = optional_fields(imagePullPolicy=one_of("Always", "IfNotPresent", "Never"))
_RESTART_POLICY = among("Always", "Never", "OnFailure")
_EXIT_CODES = fields(operator=among("In", "NotIn"))
_RESTART_RULES = each(
    fields(action=among("Restart", "RestartAllContainers"), exitCodes=_exit_codes)
)
_PROBE = every(
    _action,
    optional_fields(
        initialDelaySeconds=check_not_negative,
        timeoutSeconds=check_not_negative,
        periodSeconds=check_not_negative,
        successThreshold=check_not_negative,
        failureThreshold=check_not_negative,
        terminationGracePeriodSeconds=_grace_of_probe,
    ),
)
_PROBE_OF_RESTARTS = every(_PROBE, fields(successThreshold=_one_success))
_NO_GRACE = optional_fields(
    terminationGracePeriodSeconds=refused("must not be set for readinessProbes")
)
_EVERY_PROBE = optional_fields(
    livenessProbe=_PROBE_OF_RESTARTS,
    readinessProbe=every(_PROBE, _NO_GRACE),
    startupProbe=_PROBE_OF_RESTARTS,
)
_SECURITY = optional_fields(runAsUser=ID, runAsGroup=ID, procMount=among("Default", "Unmasked"))
_SECCOMP = optional_fields(seccompProfile=seccomp_profile)
_APP_ARMOR = optional_fields(appArmorProfile=app_armor_profile)
