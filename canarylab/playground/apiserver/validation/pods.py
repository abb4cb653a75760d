"""Validation of pods, pod templates, and the Deployments, ReplicaSets and Jobs that have one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from canarylab.errors import Cause
from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.apiserver.field_errors import (
    INT32_MAX,
    check_not_negative,
    check_one_of,
    check_unchanged,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_many,
    unsupported,
)
from canarylab.playground.apiserver.validation import names, volumes
from canarylab.playground.kube.quantities import parse_quantity
from canarylab.playground.kube.selectors import by_label_selector

MAX_CONTAINERS = 50
"""Containers of one pod: each is a process of this machine. Kubernetes sets no limit."""
PROTOCOLS = ("SCTP", "TCP", "UDP")

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
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
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBE_COUNTS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
    "failureThreshold",
)  # fmt: skip
_HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")
_HEADER_RULE = names.pattern_error(
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    "[-A-Za-z0-9]+",
    "X-Header-Name",
)
_CONTAINER_RESOURCES = ("cpu", "memory", "ephemeral-storage")


def validate_pod(pod: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a pod, or of its update."""
    yield from names.validate_metadata(
        pod["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    yield from validate_pod_spec("spec", pod["spec"])
    for index, container in enumerate(pod["spec"].get("containers", [])):
        image = container.get("image", "")
        if image != image.strip():
            yield invalid(
                f"spec.containers[{index}].image",
                image,
                "must not have leading or trailing whitespace",
            )
    if old is not None:
        yield from _pod_change(pod["spec"], old["spec"])
    elif pod["spec"].get("ephemeralContainers"):
        yield forbidden("spec.ephemeralContainers", "cannot be set on create")


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
    mountable: set[str] = set()
    yield from volumes.validate_volumes(f"{field}.volumes", spec.get("volumes", []), mountable)
    containers, grace_s = spec.get("containers", []), spec.get("terminationGracePeriodSeconds")
    yield from validate_containers(f"{field}.containers", containers, mountable, grace_s)
    yield from check_one_of(
        f"{field}.restartPolicy", spec.get("restartPolicy", ""), _RESTART_POLICIES
    )
    yield from check_one_of(f"{field}.dnsPolicy", spec.get("dnsPolicy", ""), _DNS_POLICIES)
    yield from names.validate_labels(f"{field}.nodeSelector", spec.get("nodeSelector"))
    for name, rule in (
        ("serviceAccountName", names.dns_subdomain_problems),
        ("nodeName", names.dns_subdomain_problems),
    ):
        if spec.get(name):
            yield from invalid_for_each(f"{field}.{name}", spec[name], rule(spec[name]))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= INT32_MAX:
        problem = f"must be between 1 and {INT32_MAX}, inclusive"
        yield invalid(f"{field}.activeDeadlineSeconds", deadline, problem)
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            yield from invalid_for_each(
                f"{field}.{name}", spec[name], names.dns_label_problems(spec[name])
            )


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


def validate_containers(
    field: str, containers: Sequence[Object], mountable: set[str], grace_s: int | None
) -> Iterator[Cause]:
    """Errors of the containers of a pod with these valid volumes and this grace period."""
    if not containers:
        yield required(field)
    if len(containers) > MAX_CONTAINERS:
        yield too_many(field, len(containers), MAX_CONTAINERS)
        return
    taken: set[str] = set()
    for index, container in enumerate(containers):
        item_path = f"{field}[{index}]"
        yield from _container(item_path, container, mountable)
        name = container.get("name", "")
        if name in taken:
            yield duplicate(f"{item_path}.name", name)
        taken.add(name)
        yield from validate_probes(item_path, container, grace_s)


def _container(field: str, container: Object, mountable: set[str]) -> Iterator[Cause]:
    name = container.get("name", "")
    if name:
        yield from invalid_for_each(f"{field}.name", name, names.dns_label_problems(name))
    else:
        yield required(f"{field}.name")
    if not container.get("image"):
        yield required(f"{field}.image")
    policy = container.get("terminationMessagePolicy", "")
    yield from check_one_of(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _container_ports(f"{field}.ports", container.get("ports", []))
    yield from volumes.validate_env(field, container)
    mounts = container.get("volumeMounts", [])
    yield from volumes.validate_volume_mounts(f"{field}.volumeMounts", mounts, mountable)
    pull_policy = container.get("imagePullPolicy", "")
    yield from check_one_of(f"{field}.imagePullPolicy", pull_policy, _PULL_POLICIES)
    yield from validate_resources(f"{field}.resources", container.get("resources", {}))


def _container_ports(field: str, ports: Sequence[Object]) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, port in enumerate(ports):
        item_path, name = f"{field}[{index}]", port.get("name", "")
        if name:
            problems = names.port_name_problems(name)
            yield from invalid_for_each(f"{item_path}.name", name, problems)
            if not problems and name in taken:
                yield duplicate(f"{item_path}.name", name)
            taken.add(name)
        number = port.get("containerPort", 0)
        if number:
            yield from invalid_for_each(
                f"{item_path}.containerPort", number, names.port_number_problems(number)
            )
        else:
            yield required(f"{item_path}.containerPort")
        on_node = port.get("hostPort")
        if on_node:
            yield from invalid_for_each(
                f"{item_path}.hostPort", on_node, names.port_number_problems(on_node)
            )
        yield from check_one_of(f"{item_path}.protocol", port.get("protocol", ""), PROTOCOLS)


def validate_probes(field: str, container: Object, grace_s: int | None) -> Iterator[Cause]:
    """Errors of the probes and hooks of a container; `grace_s` is the pod's grace period."""
    lifecycle = container.get("lifecycle", {})
    for hook in ("postStart", "preStop"):
        if hook in lifecycle:
            yield from _action(f"{field}.lifecycle.{hook}", lifecycle[hook], grace_s)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from _probe(f"{field}.{name}", container[name])
            yield from _probe_limits(f"{field}.{name}", name, container[name])


def _probe(field: str, probe: Object) -> Iterator[Cause]:
    yield from _action(field, probe)
    for count in _PROBE_COUNTS:
        yield from check_not_negative(f"{field}.{count}", probe.get(count))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0")


def _probe_limits(field: str, name: str, probe: Object) -> Iterator[Cause]:
    if name == "readinessProbe":
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None:
            yield invalid(
                f"{field}.terminationGracePeriodSeconds",
                grace,
                "must not be set for readinessProbes",
            )
    elif probe.get("successThreshold", 1) != 1:
        yield invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1")


def _action(field: str, given: Object, grace_s: int | None = None) -> Iterator[Cause]:
    """A probe or hook has exactly one action."""
    actions = [name for name in _ACTIONS if name in given]
    if not actions:
        yield required(field, "must specify a handler type")
        return
    for extra in actions[1:]:
        yield forbidden(f"{field}.{extra}", "may not specify more than 1 handler type")
    first, action = f"{field}.{actions[0]}", given[actions[0]]
    if actions[0] == "exec" and not action.get("command"):
        yield required(f"{first}.command")
    elif actions[0] == "httpGet":
        yield from _http_get(first, action)
    elif actions[0] == "tcpSocket":
        yield from _probe_port(f"{first}.port", action.get("port", 0))
    elif actions[0] == "grpc":
        yield from invalid_for_each(
            f"{first}.port",
            action.get("port", 0),
            names.port_number_problems(action.get("port", 0)),
        )
    elif actions[0] == "sleep":
        yield from _sleep(first, action.get("seconds", 0), grace_s)


def _sleep(field: str, seconds: int, grace_s: int | None) -> Iterator[Cause]:
    """A hook sleeps at most for the grace period, postStart too."""
    if grace_s is not None and not 0 <= seconds <= grace_s:
        limit = f"less than terminationGracePeriodSeconds ({grace_s})"
        yield invalid(field, seconds, f"must be non-negative and {limit}")


def _http_get(field: str, action: Object) -> Iterator[Cause]:
    if not action.get("path"):
        yield required(f"{field}.path")
    yield from _probe_port(f"{field}.port", action.get("port", 0))
    yield from check_one_of(f"{field}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders", []):
        if not _HEADER_NAME.fullmatch(header.get("name", "")):
            yield invalid(f"{field}.httpHeaders", header.get("name", ""), _HEADER_RULE)


def _probe_port(field: str, port: int | str) -> list[Cause]:
    return invalid_for_each(field, port, names.port_problems(port))


def validate_resources(field: str, resources: Object) -> Iterator[Cause]:
    """Errors of the limits and requests of a container."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    yield from _quantities(f"{field}.limits", limits)
    yield from _quantities(f"{field}.requests", requests)
    for name, value in sorted(requests.items()):
        if name in limits and parse_quantity(value) > parse_quantity(limits[name]):
            yield invalid(
                f"{field}.requests",
                value,
                f"must be less than or equal to {name} limit of {limits[name]}",
            )


def _quantities(field: str, amounts: Mapping[str, str]) -> Iterator[Cause]:
    for name, value in sorted(amounts.items()):
        item_path = f"{field}[{name}]"
        yield from invalid_for_each(item_path, name, _resource_name_problems(name))
        if parse_quantity(value) < 0:
            yield invalid(item_path, value, "must be greater than or equal to 0")


def _resource_name_problems(name: str) -> list[str]:
    problems = names.qualified_name_problems(name)
    if problems or "/" in name or name in _CONTAINER_RESOURCES or name.startswith("hugepages-"):
        return problems
    return [
        "must be a standard resource type or fully qualified",
        "must be a standard resource for containers",
    ]
