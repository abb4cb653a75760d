"""Validation of pods, pod templates, and the Deployments, ReplicaSets and Jobs that have one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from canarylab.errors import Cause
from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.apiserver.field_errors import (
    INT32_MAX,
    as_go,
    check_not_negative,
    check_one_of,
    check_unchanged,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_long,
    unsupported,
)
from canarylab.playground.apiserver.validation import containers, names, scheduling, volumes
from canarylab.playground.apiserver.validation.containers import ID
from canarylab.playground.apiserver.validation.fields import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    IP_ADDRESS,
    QUALIFIED_NAME,
    among,
    at_most,
    between,
    each,
    every,
    fields,
    filled,
    needed,
    one_of,
    optional_fields,
    spelled,
)
from canarylab.playground.kube.selectors import by_label_selector

_CHANGEABLE_FIELDS = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_JOB_NUMBERS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
    "ttlSecondsAfterFinished",
)  # fmt: skip
_COMPLETION_MODES = ("NonIndexed", "Indexed")
_UNSERVED_IN_JOBS = frozenset(
    {"backoffLimitPerIndex", "managedBy", "maxFailedIndexes", "podFailurePolicy", "successPolicy"}
)
_NOT_SERVED = "is not served by the playground; leave it out, or use a cluster on kind"
_IMMUTABLE_IN_JOBS = ("completions", "selector", "template", "completionMode")
_JOB_UID_LABEL = "batch.kubernetes.io/controller-uid"
_SELECTOR_MISMATCH = "`selector` does not match template `labels`"
_MAX_SYSCTL, _MAX_HOSTNAME, _MAX_SEARCH_CHARACTERS = 253, 64, 2048
_SYSCTL_PART = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = re.compile(rf"({_SYSCTL_PART}[\./])*{_SYSCTL_PART}")
_CLAIM_WAYS = ("resourceClaimName", "resourceClaimTemplateName")
_TWO_CLAIM_WAYS = (
    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
)
_NO_CLAIM_WAY = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
_SHARED_WITH_NODE = {"hostNetwork": "hostNetwork", "hostPID": "HostPID", "hostIPC": "HostIPC"}
"""Fields, and their names in errors."""
_WINDOWS_OPTIONS = ("securityContext.windowsOptions",)
_FOREIGN_FIELDS = {
    "linux": (_WINDOWS_OPTIONS, _WINDOWS_OPTIONS, "windows options cannot be set for a linux pod"),
    "windows": (
        (
            "securityContext.appArmorProfile", "securityContext.seLinuxOptions",
            "hostUsers", "hostPID", "hostIPC", "securityContext.seccompProfile",
            "securityContext.fsGroup", "securityContext.fsGroupChangePolicy",
            "securityContext.sysctls", "shareProcessNamespace", "securityContext.runAsUser",
            "securityContext.runAsGroup", "securityContext.supplementalGroups",
            "securityContext.supplementalGroupsPolicy", "securityContext.seLinuxChangePolicy",
        ),
        (
            "securityContext.appArmorProfile", "securityContext.seLinuxOptions",
            "securityContext.seccompProfile", "securityContext.capabilities",
            "securityContext.readOnlyRootFilesystem", "securityContext.privileged",
            "securityContext.allowPrivilegeEscalation", "securityContext.procMount",
            "securityContext.runAsUser", "securityContext.runAsGroup",
        ),
        "cannot be set for a windows pod",
    ),
}  # fmt: skip
"""Of each operating system: fields of a pod and of a container that it does not have, and why."""


def validate_pod(pod: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a pod, or of its update."""
    yield from names.validate_metadata(
        pod["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    spec = pod["spec"]
    yield from validate_pod_spec("spec", spec)
    for index, volume in enumerate(spec.get("volumes", [])):
        if "image" in volume and not volume["image"].get("reference"):
            yield required(f"spec.volumes[{index}].image.reference")
    for group in ("containers", "initContainers"):
        yield from _IMAGES(f"spec.{group}", spec.get(group))
    if old is not None:
        yield from _pod_change(spec, old["spec"])
        return
    if spec.get("ephemeralContainers"):
        yield forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        problem = "cannot be set until all schedulingGates have been cleared"
        yield forbidden("spec.nodeName", problem)


def _image(field: str, image: str | None) -> Iterator[Cause]:
    if image and image != image.strip():
        yield invalid(field, image, "must not have leading or trailing whitespace")


_IMAGES = each(fields(image=_image))


def validate_template(field: str, given: Object) -> Iterator[Cause]:
    """Errors of a pod template, whose labels Kubernetes calls `spec.template.labels`."""
    meta = given.get("metadata", {})
    yield from names.validate_labels(f"{field}.labels", meta.get("labels"))
    yield from names.validate_annotations(f"{field}.annotations", meta.get("annotations"))
    spec = given.get("spec", {})
    yield from validate_pod_spec(f"{field}.spec", spec)
    if spec.get("ephemeralContainers"):
        words = "ephemeral containers not allowed in pod template"
        yield forbidden(f"{field}.spec.ephemeralContainers", words)


def validate_pod_spec(field: str, spec: Object) -> Iterator[Cause]:
    """Errors of the spec of a pod."""
    mountable: dict[str, Object] = {}
    yield from volumes.validate_volumes(f"{field}.volumes", spec.get("volumes", []), mountable)
    yield from _resource_claims(f"{field}.resourceClaims", spec.get("resourceClaims", []))
    yield from containers.validate_containers(f"{field}.containers", spec, mountable)
    yield from containers.validate_init_containers(f"{field}.initContainers", spec, mountable)
    yield from _POD_SPEC(field, spec)


def _resource_claims(field: str, claims: Sequence[Object]) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, claim in enumerate(claims):
        item, name = f"{field}[{index}]", claim.get("name", "")
        if name in taken:
            yield duplicate(f"{item}.name", name)
        else:
            yield from needed(DNS_LABEL)(f"{item}.name", name)
        taken |= {name} - {""}
        ways = [way for way in _CLAIM_WAYS if way in claim]
        if len(ways) != 1:
            shown = as_go(claim, "Name", "ResourceClaimName", "ResourceClaimTemplateName")
            yield invalid(item, shown, _TWO_CLAIM_WAYS if ways else _NO_CLAIM_WAY)
        for way in ways:
            yield from DNS_SUBDOMAIN(f"{item}.{way}", claim[way])


def _host_network(field: str, spec: Object) -> Iterator[Cause]:
    """On the network of the node, a port is the same inside and outside."""
    if spec.get("hostNetwork"):
        yield from _SAME_PORTS(f"{field}.containers", spec.get("containers"))


def _same_port(field: str, port: Object) -> Iterator[Cause]:
    on_node = port.get("hostPort")
    if on_node and on_node != port.get("containerPort"):
        problem = "must match `containerPort` when `hostNetwork` is true"
        yield invalid(f"{field}.hostPort", on_node, problem)


def _sysctls(field: str, sysctls: Sequence[Object] | None) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, sysctl in enumerate(sysctls or ()):
        item, name = f"{field}[{index}].name", sysctl.get("name", "")
        if not name:
            yield required(item)
        elif len(name) > _MAX_SYSCTL or not _SYSCTL.fullmatch(name):
            pattern = f"^{_SYSCTL.pattern}$"
            problem = f"must have at most {_MAX_SYSCTL} characters and match regex {pattern}"
            yield invalid(item, name, problem)
        elif name in taken:
            yield duplicate(item, name)
        taken.add(name)


def _shared_processes(field: str, spec: Object) -> Iterator[Cause]:
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        problem = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield invalid(f"{field}.securityContext.shareProcessNamespace", True, problem)


def _dns_config(field: str, spec: Object) -> Iterator[Cause]:
    """Errors of the DNS settings of a pod, which it needs if it takes none from the cluster."""
    field, config = f"{field}.dnsConfig", spec.get("dnsConfig")
    when = "when `dnsPolicy` is None"
    if spec.get("dnsPolicy") != "None":
        yield from _DNS(field, config or {})
    elif config is None:
        yield required(field, f"must provide `dnsConfig` {when}")
    elif not config.get("nameservers"):
        problem = f"must provide at least one DNS nameserver {when}"
        yield required(f"{field}.nameservers", problem)
    else:
        yield from _DNS(field, config)


def _searches(field: str, paths: Sequence[str] | None) -> Iterator[Cause]:
    if len(" ".join(paths or ())) > _MAX_SEARCH_CHARACTERS:
        limit = f"{_MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        yield invalid(field, paths, f"must not have more than {limit}")
    for index, path in enumerate(paths or ()):
        if path != ".":
            yield from _SEARCH_PATH(f"{field}[{index}]", path.removesuffix("."))


def _dns_option(field: str, option: Object) -> Iterator[Cause]:
    if not option.get("name"):
        yield required(field, "must not be empty")


def _scheduling_gates(field: str, gates: Sequence[Object] | None) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, gate in enumerate(gates or ()):
        item, name = f"{field}[{index}]", gate.get("name", "")
        yield from QUALIFIED_NAME(item, name)
        if name in taken:
            yield duplicate(item, name)
        taken.add(name)


def _host_users(field: str, spec: Object) -> Iterator[Cause]:
    """A pod with users of its own shares nothing else with the node."""
    if spec.get("hostUsers") is False:
        for name, path in _SHARED_WITH_NODE.items():
            if spec.get(name):
                yield forbidden(f"{field}.{path}", "when `hostUsers` is false")


def _hostname_override(field: str, spec: Object) -> Iterator[Cause]:
    name, field = spec.get("hostnameOverride"), f"{field}.hostnameOverride"
    if name is None:
        return
    for other in ("setHostnameAsFQDN", "hostNetwork"):
        if spec.get(other):
            yield forbidden(field, f"may not be specified when {other} is true")
    if len(name) > _MAX_HOSTNAME:
        yield too_long(field, _MAX_HOSTNAME)
    yield from DNS_SUBDOMAIN(field, name)


def _overhead(field: str, amounts: Object) -> Iterator[Cause]:
    yield from containers.validate_resources(field, {"limits": amounts})


def _operating_system(field: str, spec: Object) -> Iterator[Cause]:
    """Errors of the name of an operating system, and of fields that it does not have."""
    if "os" not in spec:
        return
    name = spec["os"].get("name")
    yield from needed()(f"{field}.os.name", name)
    yield from _OPERATING_SYSTEMS(f"{field}.os", name)
    in_pod, in_container, problem = _FOREIGN_FIELDS.get(name, ((), (), ""))
    places = [(field, spec, in_pod)]
    places += [
        (f"{field}.{group}[{index}]", container, in_container)
        for group in ("initContainers", "containers")
        for index, container in enumerate(spec.get(group, []))
    ]
    for path, place, foreign in places:
        for name in foreign:
            outer, _, inner = name.rpartition(".")
            if (place.get(outer, {}) if outer else place).get(inner) is not None:
                yield forbidden(f"{path}.{name}", problem)


_SEARCH_PATH = spelled(names.search_path_problems)
_OPERATING_SYSTEMS = filled(among("linux", "windows"))
_SAME_PORTS = each(fields(ports=each(_same_port)))
_SECURITY = optional_fields(
    fsGroup=ID,
    runAsUser=ID,
    runAsGroup=ID,
    supplementalGroups=each(ID),
    sysctls=_sysctls,
    fsGroupChangePolicy=among("Always", "OnRootMismatch"),
    seccompProfile=containers.seccomp_profile,
    appArmorProfile=containers.app_armor_profile,
    supplementalGroupsPolicy=among("Merge", "Strict"),
    seLinuxChangePolicy=among("MountOption", "Recursive"),
)
_DNS = optional_fields(
    nameservers=every(at_most(3, "nameservers"), each(IP_ADDRESS)),
    searches=every(at_most(32, "search paths"), _searches),
    options=each(_dns_option),
)
_POD_SPEC = every(
    _host_network,
    optional_fields(
        restartPolicy=one_of("Always", "OnFailure", "Never"),
        dnsPolicy=one_of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
        nodeSelector=names.validate_labels,
        securityContext=_SECURITY,
    ),
    _shared_processes,
    optional_fields(affinity=scheduling.AFFINITY),
    _dns_config,
    optional_fields(
        readinessGates=each(fields(conditionType=QUALIFIED_NAME)),
        schedulingGates=_scheduling_gates,
        topologySpreadConstraints=scheduling.spread_constraints,
    ),
    _host_users,
    _hostname_override,
    optional_fields(
        serviceAccountName=filled(DNS_SUBDOMAIN),
        nodeName=filled(DNS_SUBDOMAIN),
        activeDeadlineSeconds=between(1, INT32_MAX),
        hostname=filled(DNS_LABEL),
        subdomain=filled(DNS_LABEL),
        tolerations=each(scheduling.toleration),
        hostAliases=each(fields(ip=IP_ADDRESS, hostnames=each(DNS_SUBDOMAIN))),
        priorityClassName=filled(DNS_SUBDOMAIN),
        runtimeClassName=DNS_SUBDOMAIN,
        preemptionPolicy=one_of("PreemptLowerPriority", "Never"),
        overhead=_overhead,
    ),
    _operating_system,
)
"""The fields of a pod in the order of Kubernetes, after its volumes and containers."""


def _pod_change(spec: Object, before: Object) -> Iterator[Cause]:
    """Most fields of a pod are immutable."""
    for group in ("containers", "initContainers"):
        if len(spec.get(group, [])) != len(before.get(group, [])):
            yield forbidden(f"spec.{group}", "pod updates may not add or remove containers")
            return
    deadline = spec.get("activeDeadlineSeconds")
    problems = list(_deadline_change(deadline, before.get("activeDeadlineSeconds")))
    yield from problems
    if problems and deadline is not None:
        return  # Kubernetes looks no further
    yield from _toleration_change(spec.get("tolerations", []), before.get("tolerations", []))
    changed = sorted(_changed_fields(spec, before))
    if changed:
        named = "\n".join(f"  {name}" for name in changed)
        yield forbidden(
            "spec", f"pod updates may not change fields other than {_CHANGEABLE_FIELDS}\n{named}"
        )


def _deadline_change(now: int | None, before: int | None) -> Iterator[Cause]:
    """A deadline can be set, and then only be made shorter."""
    field = "spec.activeDeadlineSeconds"
    if before is None:
        return
    if now is None:
        yield invalid(field, now, "must not update from a positive integer to nil value")
    elif now > before:
        yield invalid(field, now, "must be less than or equal to previous value")


def _toleration_change(now: Sequence[Object], before: Sequence[Object]) -> Iterator[Cause]:
    """Tolerations can be added; of those that are there, only the seconds can change."""
    allowed = [_without(one, "tolerationSeconds") for one in now]
    if not all(_without(one, "tolerationSeconds") in allowed for one in before):
        yield forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        )


def _changed_fields(spec: Object, before: Object) -> Iterator[str]:
    free = {"activeDeadlineSeconds", "tolerations"}  # with rules of their own
    grace, grace_before = (each.get("terminationGracePeriodSeconds") for each in (spec, before))
    if grace == 1 and grace_before is not None and grace_before < 0:
        free.add("terminationGracePeriodSeconds")
    for name in (spec.keys() | before.keys()) - free:
        now, then = spec.get(name), before.get(name)
        if name in ("containers", "initContainers"):
            now, then = (
                [_without(one, "image") for one in now or []],
                [_without(one, "image") for one in then or []],
            )
        if now != then:
            yield name


def _without(obj: Object, field: str) -> Object:
    return {name: value for name, value in obj.items() if name != field}


def validate_deployment(deployment: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Deployment, or of its update."""
    spec = deployment["spec"]
    yield from names.validate_metadata(
        deployment["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    yield from check_not_negative("spec.replicas", spec.get("replicas"))
    yield from _selected_template(spec)
    yield from _strategy("spec.strategy", spec["strategy"])
    yield from check_not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from check_not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    yield from _progress_deadline(spec)
    if old is not None:
        yield from check_unchanged(
            "spec.selector", spec.get("selector"), old["spec"].get("selector")
        )


def validate_replica_set(replica_set: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a ReplicaSet, or of its update."""
    spec = replica_set["spec"]
    yield from names.validate_metadata(
        replica_set["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    yield from check_not_negative("spec.replicas", spec.get("replicas"))
    yield from check_not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from _selected_template(spec)
    if old is not None:
        yield from check_unchanged(
            "spec.selector", spec.get("selector"), old["spec"].get("selector")
        )


def validate_job(job: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Job, or of its update."""
    spec = job["spec"]
    yield from names.validate_metadata(
        job["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    for name in _JOB_NUMBERS:
        yield from check_not_negative(f"spec.{name}", spec.get(name))
    mode = spec["completionMode"]
    yield from check_one_of("spec.completionMode", mode, _COMPLETION_MODES)
    if mode == "Indexed":
        yield forbidden("spec.completionMode", f"Indexed {_NOT_SERVED}")
    for name in sorted(spec.keys() & _UNSERVED_IN_JOBS):
        yield forbidden(f"spec.{name}", f"this field {_NOT_SERVED}")
    yield from _job_selector(job)
    yield from validate_template("spec.template", spec["template"])
    policy = spec["template"]["spec"].get("restartPolicy", "Always")
    if policy == "Always":
        field = "spec.template.spec.restartPolicy"
        yield required(field, 'valid values: "OnFailure", "Never"')
    if old is not None:
        for name in _IMMUTABLE_IN_JOBS:
            yield from check_unchanged(f"spec.{name}", spec.get(name), old["spec"].get(name))


def _job_selector(job: Object) -> Iterator[Cause]:
    spec = job["spec"]
    selector, labels = spec.get("selector"), spec["template"]["metadata"].get("labels", {})
    if selector is None:
        yield required("spec.selector")
        return
    problems = list(names.validate_selector("spec.selector", selector))
    yield from problems
    if not spec["manualSelector"]:
        generated = {"matchLabels": {_JOB_UID_LABEL: job["metadata"].get("uid", "")}}
        if selector != generated:
            yield invalid("spec.selector", selector, "`selector` not auto-generated")
    elif not problems and not by_label_selector(selector)({"metadata": {"labels": labels}}):
        yield invalid("spec.template.metadata.labels", labels, _SELECTOR_MISMATCH)


def _selected_template(spec: Object) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    else:
        problems = list(names.validate_selector("spec.selector", selector))
        yield from problems
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
        if any(problem.field.endswith((".operator", ".values")) for problem in problems):
            yield invalid("spec.selector", selector, "invalid label selector")
            return
    yield from _workload_template(spec["template"], selector)


def _workload_template(template: Object, selector: Object | None) -> Iterator[Cause]:
    if selector is None or not by_label_selector(selector)(template):
        labels = template.get("metadata", {}).get("labels")
        yield invalid("spec.template.metadata.labels", labels, _SELECTOR_MISMATCH)
    yield from validate_template("spec.template", template)
    spec = template["spec"]
    if spec.get("restartPolicy") != "Always":
        yield unsupported(
            "spec.template.spec.restartPolicy", spec.get("restartPolicy", ""), ["Always"]
        )
    if "activeDeadlineSeconds" in spec:
        yield forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            "activeDeadlineSeconds in ReplicaSet is not Supported",
        )


def _strategy(field: str, strategy: Object) -> Iterator[Cause]:
    if strategy["type"] == "Recreate":
        if "rollingUpdate" in strategy:
            yield forbidden(
                f"{field}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
            )
    elif strategy["type"] == "RollingUpdate":
        yield from _rolling_update(f"{field}.rollingUpdate", strategy["rollingUpdate"])
    else:
        shown = {"Type": strategy["type"], "RollingUpdate": strategy.get("rollingUpdate")}
        yield unsupported(field, shown, ["Recreate", "RollingUpdate"])


def _rolling_update(field: str, rolling_update: Object) -> Iterator[Cause]:
    unavailable, surge = rolling_update["maxUnavailable"], rolling_update["maxSurge"]
    yield from count_or_percent(f"{field}.maxUnavailable", unavailable)
    yield from count_or_percent(f"{field}.maxSurge", surge)
    if int_or_percent(unavailable) == 0 and int_or_percent(surge) == 0:
        yield invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    if isinstance(unavailable, str) and int_or_percent(unavailable) > 100:
        yield invalid(f"{field}.maxUnavailable", unavailable, "must not be greater than 100%")


def count_or_percent(field: str, value: int | str) -> list[Cause]:
    """Errors of a number of pods, or of a percentage of them."""
    if isinstance(value, int):
        return check_not_negative(field, value)
    problems = names.percent_problems(value)
    if not problems and int_or_percent(value) > INT32_MAX:
        problems = [f"must be less than or equal to {INT32_MAX}%"]
    return invalid_for_each(field, value, problems)


def int_or_percent(value: int | str) -> int:
    """The number of an integer or percentage; 0 if it is invalid, as Go's Atoi if it is huge."""
    if isinstance(value, int):
        return value
    if names.percent_problems(value):
        return 0
    number = parse_integer(value.removesuffix("%"))
    return 2**63 - 1 if number is None else number


def _progress_deadline(spec: Object) -> Iterator[Cause]:
    deadline = spec.get("progressDeadlineSeconds")
    yield from check_not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        yield invalid(
            "spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"
        )
