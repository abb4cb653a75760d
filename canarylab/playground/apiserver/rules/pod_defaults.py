"""What does a pod get that nobody wrote down?"""

from __future__ import annotations

from typing import Any

from canarylab.playground.kube.api import Object

DEFAULT_MODE = 0o644

_PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_SOURCES_WITH_MODE = ("configMap", "secret", "downwardAPI", "projected")


def template_with_defaults(given: Object) -> Object:
    """The template in a Deployment or a ReplicaSet."""
    return {"metadata": {}, **given, "spec": pod_spec_with_defaults(given.get("spec", {}))}


def pod_with_defaults(given: Object) -> Object:
    """A pod itself: what a template gets, and what admission adds on a real cluster."""
    spec = _with_requests(pod_spec_with_defaults(given.get("spec", {})))
    account = spec.get("serviceAccountName", "default")
    spec = {
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        **spec,
        "serviceAccount": account,
        "serviceAccountName": account,
    }
    return {**given, "spec": spec}


def pod_spec_with_defaults(given: Object) -> Object:
    """Its specification, wherever it stands."""
    spec = {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        **given,
    }
    account = given.get("serviceAccountName") or given.get("serviceAccount")
    if account:
        spec |= {"serviceAccount": account, "serviceAccountName": account}
    for group in ("containers", "initContainers"):
        if group in given:
            spec[group] = [_container(entry) for entry in given[group]]
    if "volumes" in given:
        spec["volumes"] = [_volume(entry) for entry in given["volumes"]]
    return spec


def pull_policy(image: str) -> str:
    """`Always` for an image that may change under its name.

    >>> pull_policy("node_app:1.0"), pull_policy("node_app"), pull_policy("host:5000/node_app")
    ('IfNotPresent', 'Always', 'Always')
    """
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _with_requests(spec: Object) -> Object:
    """Who limits a resource and asks for none of it asks for all of it."""
    return {**spec, "containers": [_with_request(entry) for entry in spec.get("containers", [])]}


def _with_request(container: Object) -> Object:
    resources = container["resources"]
    if not resources.get("limits"):
        return container
    requests = {**resources["limits"], **resources.get("requests", {})}
    return {**container, "resources": {**resources, "requests": requests}}


def _container(given: Object) -> Object:
    container = {
        "imagePullPolicy": pull_policy(given.get("image", "")),
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        **given,
    }
    if "ports" in given:
        container["ports"] = [{"protocol": "TCP", **port} for port in given["ports"]]
    if "env" in given:
        container["env"] = [_env_var(entry) for entry in given["env"]]
    container |= {name: _probe(given[name]) for name in _PROBES if name in given}
    if "lifecycle" in given:
        container["lifecycle"] = _lifecycle(given["lifecycle"])
    return container


def _probe(given: Object) -> Object:
    return {**_PROBE_DEFAULTS, **_action(given)}


def _lifecycle(given: Object) -> Object:
    return {**given, **{name: _action(given[name]) for name in _HOOKS if name in given}}


def _action(given: Object) -> Object:
    """What a probe or a hook does."""
    if "httpGet" not in given:
        return given
    return {**given, "httpGet": {"path": "/", "scheme": "HTTP", **given["httpGet"]}}


def _env_var(given: Object) -> Object:
    source: dict[str, Any] = given.get("valueFrom", {})
    if "fieldRef" not in source:
        return given
    field = {"apiVersion": "v1", **source["fieldRef"]}
    return {**given, "valueFrom": {**source, "fieldRef": field}}


def _volume(given: Object) -> Object:
    if given.keys() <= {"name"}:
        return {**given, "emptyDir": {}}
    modes = {
        source: {"defaultMode": DEFAULT_MODE, **given[source]}
        for source in _SOURCES_WITH_MODE
        if source in given
    }
    if "hostPath" in given:
        modes["hostPath"] = {"type": "", **given["hostPath"]}
    return {**given, **modes}
