"""Defaults of all kinds, as Kubernetes' API types have them.

They are filled in when an object is created and after every change, so that a removed field gets
its default again, as on a real cluster. `with_initial_status` is for new objects only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from canarylab.kube_objects import DEFAULT_AFFINITY_S, DEFAULT_GRACE_PERIOD_S, Object
from canarylab.playground.apiserver.conversion import cpu_utilization
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.kube.kinds import KINDS, RBAC_GROUP

DEFAULT_MODE = 0o644
DEFAULT_CPU_PERCENT = 80  # of an autoscaler that names no metric
JOB_UID_LABEL, JOB_NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where a container finds the token of its ServiceAccount."""

_NAMESPACE = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
_TOKEN_VOLUME = "kube-api-access-"
_TOKEN_SOURCES = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [_NAMESPACE]}},
]
_TOLERATED_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_ROLLING_UPDATE = {"maxSurge": "25%", "maxUnavailable": "25%"}
_ALL_IN_15_S = {"type": "Percent", "value": 100, "periodSeconds": 15}
_SCALING_RULES: Mapping[str, Object] = MappingProxyType(
    {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, _ALL_IN_15_S],
        },
        "scaleDown": {"selectPolicy": "Max", "policies": [_ALL_IN_15_S]},
    }
)
_INITIAL_STATUS: Mapping[str, Object] = MappingProxyType(
    {
        "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
        "Ingress": {"loadBalancer": {}},
        "Namespace": {"phase": "Active"},
        "PodDisruptionBudget": dict.fromkeys(
            ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0
        ),
        "ReplicaSet": {"replicas": 0},
        "Service": {"loadBalancer": {}},
    }
)
_NODE_PORT_TYPES = ("NodePort", "LoadBalancer")
_PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_SOURCES_WITH_MODE = ("configMap", "secret", "downwardAPI", "projected")


def with_defaults(obj: Object) -> Object:
    """The object with its defaults; the given one is not changed.

    >>> with_defaults({"kind": "Deployment", "metadata": {"name": "nodeapp"}})["spec"]["replicas"]
    1
    """
    complete = _DEFAULTS_BY_KIND.get(obj["kind"])
    return obj if complete is None else complete(obj)


def _deployment(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        **given,
        "strategy": _strategy(given.get("strategy", {})),
        "template": template_with_defaults(given.get("template", {})),
    }
    return {**obj, "spec": spec}


def _strategy(given: Object) -> Object:
    strategy = {"type": "RollingUpdate", **given}
    if strategy["type"] != "RollingUpdate":
        return strategy
    return {**strategy, "rollingUpdate": {**_ROLLING_UPDATE, **given.get("rollingUpdate", {})}}


def _replica_set(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {
        "replicas": 1,
        **given,
        "template": template_with_defaults(given.get("template", {})),
    }
    return {**obj, "spec": spec}


def _service(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {"type": "ClusterIP", "sessionAffinity": "None", **given}
    if "ports" in given:
        spec["ports"] = [_service_port(port) for port in given["ports"]]
    spec |= _affinity(spec)
    if spec["type"] != "ExternalName":
        spec = {
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            **spec,
        }
    if spec["type"] in _NODE_PORT_TYPES:
        spec = {"externalTrafficPolicy": "Cluster", **spec}
    if spec["type"] == "LoadBalancer":
        spec = {"allocateLoadBalancerNodePorts": True, **spec}
    return {**obj, "spec": spec}


def _service_port(given: Object) -> Object:
    port = {"protocol": "TCP", **given}
    if given.get("targetPort") in (None, 0, "") and "port" in given:
        port["targetPort"] = given["port"]
    return port


def _affinity(spec: Object) -> Object:
    if spec["sessionAffinity"] != "ClientIP":
        return {}
    given = spec.get("sessionAffinityConfig", {})
    client = {"timeoutSeconds": DEFAULT_AFFINITY_S, **given.get("clientIP", {})}
    return {"sessionAffinityConfig": {**given, "clientIP": client}}


def _job(obj: Object) -> Object:
    given = obj.get("spec", {})
    if "completions" not in given and "parallelism" not in given:
        given = {"completions": 1, **given}
    spec = {
        "parallelism": 1,
        "backoffLimit": 6,
        "manualSelector": False,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        **given,
        "template": template_with_defaults(given.get("template", {})),
    }
    meta, labels = obj["metadata"], spec["template"]["metadata"].get("labels")
    if labels and not meta.get("labels"):
        meta = {**meta, "labels": labels}
    return {**obj, "metadata": meta, "spec": spec}


def _with_job_labels(job: Object) -> Object:
    """A new Job with the labels by which it finds its pods, unless it has a selector of its own."""
    spec, meta = job["spec"], job["metadata"]
    template = spec["template"]
    given = labels = template["metadata"].get("labels", {})
    if not spec["manualSelector"] and "selector" not in spec:
        uid, name = meta["uid"], meta.get("name", "")
        labels = {
            **labels,
            JOB_UID_LABEL: uid,
            JOB_NAME_LABEL: name,
            "controller-uid": uid,
            "job-name": name,
        }
        selector = {"matchLabels": {JOB_UID_LABEL: uid}}
        template = {**template, "metadata": {**template["metadata"], "labels": labels}}
        spec = {**spec, "selector": selector, "template": template}
    if labels and meta.get("labels", {}) == given:
        meta = {**meta, "labels": labels}
    return {**job, "metadata": meta, "spec": spec}


def _autoscaler(obj: Object) -> Object:
    spec = {"minReplicas": 1, **obj.get("spec", {})}
    if not spec.get("metrics"):
        spec["metrics"] = [cpu_utilization(DEFAULT_CPU_PERCENT)]
    if "behavior" in spec:
        rules = {
            name: {**_SCALING_RULES[name], **given} for name, given in spec["behavior"].items()
        }
        spec["behavior"] = {**_SCALING_RULES, **rules}
    return {**obj, "spec": spec}


def _role_binding(obj: Object) -> Object:
    role_ref = {"apiGroup": RBAC_GROUP, **obj.get("roleRef", {})}
    role_ref["apiGroup"] = role_ref["apiGroup"] or RBAC_GROUP
    if "subjects" not in obj:
        return {**obj, "roleRef": role_ref}
    return {**obj, "roleRef": role_ref, "subjects": [_subject(one) for one in obj["subjects"]]}


def _subject(given: Object) -> Object:
    if given.get("apiGroup") or given.get("kind") not in ("User", "Group"):
        return given
    return {**given, "apiGroup": RBAC_GROUP}


def _namespace(obj: Object) -> Object:
    """A namespace has a label with its name, so that it can be selected."""
    meta = obj["metadata"]
    if not meta.get("name"):
        return obj
    labels = {**meta.get("labels", {}), "kubernetes.io/metadata.name": meta["name"]}
    return {**obj, "metadata": {**meta, "labels": labels}}


def _with_spec(obj: Object) -> Object:
    return {**obj, "spec": obj.get("spec", {})}


def _ingress_class(obj: Object) -> Object:
    spec = obj.get("spec", {})
    if "parameters" in spec:
        spec = {**spec, "parameters": {"scope": "Cluster", **spec["parameters"]}}
    return {**obj, "spec": spec}


def _secret(obj: Object) -> Object:
    """What was written as text is stored as base64, in place of an entry of the same key."""
    kept = {name: value for name, value in obj.items() if name != "stringData"}
    texts = obj.get("stringData", {})
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        kept["data"] = {**obj.get("data", {}), **encoded}
    return {"type": "Opaque", **kept}


def _endpoint_slice(obj: Object) -> Object:
    if "ports" not in obj:
        return {"endpoints": [], **obj}
    ports = [{"name": "", "protocol": "TCP", **port} for port in obj["ports"]]
    return {"endpoints": [], **obj, "ports": ports}


def _endpoints(obj: Object) -> Object:
    if "subsets" not in obj:
        return obj
    return {**obj, "subsets": [_subset(subset) for subset in obj["subsets"]]}


def _subset(given: Object) -> Object:
    if "ports" not in given:
        return given
    return {**given, "ports": [{"protocol": "TCP", **port} for port in given["ports"]]}


def _event(obj: Object) -> Object:
    """An event with the fields that Go always writes."""
    return {
        "eventTime": None,
        "source": {},
        "reportingComponent": "",
        "reportingInstance": "",
        **obj,
    }


def _node(obj: Object) -> Object:
    status = obj.get("status", {})
    if "capacity" in status:
        status = {"allocatable": status["capacity"], **status}
    return {"spec": {}, **obj, "status": status}


def _custom(obj: Object) -> Object:
    complete: Object = structural.with_defaults(STRUCTURAL_SCHEMAS[obj["kind"]], obj)
    return complete


def template_with_defaults(given: Object) -> Object:
    """The pod template of a Deployment or ReplicaSet."""
    return {"metadata": {}, **given, "spec": pod_spec_with_defaults(given.get("spec", {}))}


def pod_with_defaults(given: Object) -> Object:
    """A pod: the defaults of a template, and those of admission."""
    spec = _with_requests(pod_spec_with_defaults(given.get("spec", {})))
    account = spec.get("serviceAccountName", "default")
    spec = {
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        **spec,
        "serviceAccount": account,
        "serviceAccountName": account,
        "tolerations": _with_tolerations(spec.get("tolerations", [])),
    }
    return {**given, "spec": spec}


def _with_tolerations(given: Sequence[Object]) -> list[Object]:
    """A pod stays on a node that is lost for five minutes, unless it says for how long."""
    evicting = [each for each in given if each.get("effect") in (None, "", "NoExecute")]
    tolerated = {each.get("key", "") for each in evicting}
    missing = [] if "" in tolerated else [key for key in _TOLERATED_TAINTS if key not in tolerated]
    fixed = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    return [*given, *({"key": key, **fixed} for key in missing)]


def with_token(pod: Object, account: Object | None, suffix: str) -> Object:
    """A new pod with the volume for the token of its ServiceAccount, mounted in each container.

    A container that mounts something there itself has no need of it, and
    `automountServiceAccountToken: false`, of the pod or else of the account, means no token. The
    copy of a pod, as `kubectl debug` makes it, has the volume already.
    """
    spec = pod.get("spec") or {}
    volumes = spec.get("volumes", [])
    named = (volume.get("name", "") for volume in volumes)
    present = next((name for name in named if name.startswith(_TOKEN_VOLUME)), None)
    name = present or f"{_TOKEN_VOLUME}{suffix}"
    asked = spec.get("automountServiceAccountToken")
    if asked is None:
        asked = (account or {}).get("automountServiceAccountToken", True)
    mount = {"name": name, "readOnly": True, "mountPath": TOKEN_FOLDER}
    groups = {
        group: [_with_mount(container, mount) for container in spec[group]]
        for group in ("containers", "initContainers")
        if group in spec
    }
    if not asked or all(spec[group] == containers for group, containers in groups.items()):
        return pod
    if present is None:
        volumes = [*volumes, {"name": name, "projected": {"sources": _TOKEN_SOURCES}}]
    return {**pod, "spec": {**spec, **groups, "volumes": volumes}}


def _with_mount(container: Object, mount: Object) -> Object:
    mounts = container.get("volumeMounts", [])
    if any(each.get("mountPath") == mount["mountPath"] for each in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}


_DEFAULTS_BY_KIND: Mapping[str, Callable[[Object], Object]] = MappingProxyType(
    {
        "ClusterRoleBinding": _role_binding,
        "Deployment": _deployment,
        "Endpoints": _endpoints,
        "EndpointSlice": _endpoint_slice,
        "Event": _event,
        "Gateway": _custom,
        "GatewayClass": _custom,
        "HTTPRoute": _custom,
        "ReferenceGrant": _custom,
        "HorizontalPodAutoscaler": _autoscaler,
        "Ingress": _with_spec,
        "IngressClass": _ingress_class,
        "Job": _job,
        "Namespace": _namespace,
        "Node": _node,
        "Pod": pod_with_defaults,
        "PodDisruptionBudget": _with_spec,
        "ReplicaSet": _replica_set,
        "RoleBinding": _role_binding,
        "Secret": _secret,
        "Service": _service,
    }
)


def pod_spec_with_defaults(given: Object) -> Object:
    """The spec of a pod or pod template."""
    spec = {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": DEFAULT_GRACE_PERIOD_S,
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
    """Always for the tag `latest` or none, else IfNotPresent.

    >>> pull_policy("node_app:1.0"), pull_policy("node_app"), pull_policy("host:5000/node_app")
    ('IfNotPresent', 'Always', 'Always')
    """
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _with_requests(spec: Object) -> Object:
    """A resource that is limited and not requested is requested in full."""
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
    """The action of a probe or hook."""
    if "httpGet" not in given:
        return given
    return {**given, "httpGet": {"path": "/", "scheme": "HTTP", **given["httpGet"]}}


def _env_var(given: Object) -> Object:
    if "valueFrom" not in given:
        return given
    return {**given, "valueFrom": _reference(given["valueFrom"])}


def _reference(given: Object) -> Object:
    """A variable or file that takes a field of the pod, or a resource of a container."""
    first = {"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}}
    return {**given, **{name: {**first[name], **given[name]} for name in first if name in given}}


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
    if "downwardAPI" in given:
        modes["downwardAPI"] = _downward(modes["downwardAPI"])
    if "sources" in given.get("projected", {}):
        sources = [_projected_source(source) for source in given["projected"]["sources"]]
        modes["projected"] = {**modes["projected"], "sources": sources}
    return {**given, **modes}


def _downward(given: Object) -> Object:
    if "items" not in given:
        return given
    return {**given, "items": [_reference(item) for item in given["items"]]}


def _projected_source(given: Object) -> Object:
    source = dict(given)
    if "downwardAPI" in given:
        source["downwardAPI"] = _downward(given["downwardAPI"])
    if "serviceAccountToken" in given:
        source["serviceAccountToken"] = {"expirationSeconds": 3600, **given["serviceAccountToken"]}
    return source


def with_initial_status(obj: Object) -> Object:
    """A new object with its initial status; a namespace with its finalizer, a Job with labels."""
    kind = KINDS[obj["kind"]]
    if obj["kind"] == "Namespace":
        obj = _with_kubernetes_finalizer(obj)
    if obj["kind"] == "Job":
        obj = _with_job_labels(obj)
    if kind.is_custom:
        return with_defaults({name: obj[name] for name in obj if name != "status"})
    if not kind.has_status or (obj["kind"] == "Node" and "status" in obj):
        return obj  # the kubelet creates its node with a status
    return {**obj, "status": _initial_status(obj)}


def _with_kubernetes_finalizer(namespace: Object) -> Object:
    """The namespace controller removes it when the namespace is empty."""
    spec = namespace.get("spec", {})
    given = spec.get("finalizers", [])
    added = [] if "kubernetes" in given else ["kubernetes"]
    return {**namespace, "spec": {**spec, "finalizers": [*given, *added]}}


def _initial_status(obj: Object) -> Object:
    if obj["kind"] == "Pod":
        return {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}
    return dict(_INITIAL_STATUS.get(obj["kind"], {}))


def qos_class(spec: Object) -> str:
    """The quality of service of a pod.

    >>> qos_class({"containers": [{"name": "nodeapp", "resources": {}}]})
    'BestEffort'
    """
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(entry.get("limits") or entry.get("requests") for entry in resources):
        return "BestEffort"
    return "Guaranteed" if all(map(_is_guaranteed, resources)) else "Burstable"


def _is_guaranteed(resources: Object) -> bool:
    limits = resources.get("limits") or {}
    requests = {**limits, **(resources.get("requests") or {})}
    return {"cpu", "memory"} <= limits.keys() and all(
        requests[name] == limits[name] for name in ("cpu", "memory")
    )
