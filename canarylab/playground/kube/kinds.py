"""The version of Kubernetes, and the kinds that the playground serves, with their names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

KUBERNETES_VERSION = "v1.36.2"
"""The version whose API the playground serves."""

ON_KIND = "or use a cluster on kind (canarylab up --cluster kind)"
"""The last of the ways to get what the playground does not serve."""


@dataclass(frozen=True)
class Kind:
    """A kind: its names, its API group and version, and which subresources it has."""

    kind: str
    plural: str
    group: str = ""
    version: str = "v1"
    other_versions: tuple[str, ...] = ()
    """Versions that are served as well; `apiserver/conversion.py` converts what differs."""
    other_group: str | None = None
    """A group in which the same objects are served as well."""
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    has_status: bool = True
    has_scale: bool = False
    is_custom: bool = False
    """Whether a CustomResourceDefinition would define it on another cluster."""
    categories: tuple[str, ...] = field(default=())
    instead: str = ""
    """What to do without it, if it is not served."""

    @property
    def singular(self) -> str:
        """`deployment`."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_stored(self) -> bool:
        """Whether objects are stored in this group and version."""
        return self.api_version == KINDS[self.kind].api_version

    @property
    def refusal(self) -> str:
        """What the playground says of it, if it is not served."""
        why = f"the playground does not serve {self.kind} ({self.api_version})"
        return f"{why}. {self.instead}, {ON_KIND}."

    @property
    def qualified(self) -> str:
        """`deployments.apps`, as in error messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


GATEWAY_GROUP = "gateway.networking.k8s.io"
RBAC_GROUP = "rbac.authorization.k8s.io"

_ALL = ("all",)
_GATEWAY_API = ("gateway-api",)
_OTHER_VERSIONS = ("v1beta1",)

KINDS: MappingProxyType[str, Kind] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            Kind("Namespace", "namespaces", short_names=("ns",), namespaced=False),
            Kind("Node", "nodes", short_names=("no",), namespaced=False),
            Kind("ConfigMap", "configmaps", short_names=("cm",), has_status=False),
            Kind("Secret", "secrets", has_status=False),
            Kind("Endpoints", "endpoints", short_names=("ep",), has_status=False),
            Kind(
                "Event", "events", other_group="events.k8s.io", short_names=("ev",),
                has_status=False,
            ),
            Kind("Pod", "pods", short_names=("po",), categories=_ALL),
            Kind("Service", "services", short_names=("svc",), categories=_ALL),
            Kind(
                "Deployment", "deployments", "apps", short_names=("deploy",),
                has_scale=True, categories=_ALL,
            ),
            Kind(
                "ReplicaSet", "replicasets", "apps", short_names=("rs",),
                has_scale=True, categories=_ALL,
            ),
            Kind("ServiceAccount", "serviceaccounts", short_names=("sa",), has_status=False),
            Kind(
                "HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling", "v2",
                other_versions=("v1",), short_names=("hpa",), categories=_ALL,
            ),
            Kind("Job", "jobs", "batch", categories=_ALL),
            Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy", short_names=("pdb",)),
            Kind("Role", "roles", RBAC_GROUP, has_status=False),
            Kind("RoleBinding", "rolebindings", RBAC_GROUP, has_status=False),
            Kind("ClusterRole", "clusterroles", RBAC_GROUP, namespaced=False, has_status=False),
            Kind(
                "ClusterRoleBinding", "clusterrolebindings", RBAC_GROUP,
                namespaced=False, has_status=False,
            ),
            Kind("EndpointSlice", "endpointslices", "discovery.k8s.io", has_status=False),
            Kind("Ingress", "ingresses", "networking.k8s.io", short_names=("ing",)),
            Kind(
                "IngressClass", "ingressclasses", "networking.k8s.io",
                namespaced=False, has_status=False,
            ),
            Kind(
                "GatewayClass", "gatewayclasses", GATEWAY_GROUP, short_names=("gc",),
                namespaced=False, is_custom=True, categories=_GATEWAY_API,
                other_versions=_OTHER_VERSIONS,
            ),
            Kind(
                "Gateway", "gateways", GATEWAY_GROUP, short_names=("gtw",),
                is_custom=True, categories=_GATEWAY_API, other_versions=_OTHER_VERSIONS,
            ),
            Kind(
                "HTTPRoute", "httproutes", GATEWAY_GROUP,
                is_custom=True, categories=_GATEWAY_API, other_versions=_OTHER_VERSIONS,
            ),
            Kind(
                "ReferenceGrant", "referencegrants", GATEWAY_GROUP, short_names=("refgrant",),
                has_status=False, is_custom=True, categories=_GATEWAY_API,
                other_versions=_OTHER_VERSIONS,
            ),
        )
    }
)  # fmt: skip
"""Every kind, by its bare name."""

SERVED_KINDS: tuple[Kind, ...] = tuple(
    replace(kind, version=version)
    for kind in KINDS.values()
    for version in (kind.version, *kind.other_versions)
) + tuple(replace(kind, group=kind.other_group) for kind in KINDS.values() if kind.other_group)
"""Every kind in every group and version that is served."""

_GATEWAYS = "Use an HTTPRoute"
_LEAVE_OUT = "Leave it out"
UNSERVED_KINDS: tuple[Kind, ...] = (
    Kind("LimitRange", "limitranges", short_names=("limits",), instead=_LEAVE_OUT),
    Kind("PersistentVolume", "persistentvolumes", short_names=("pv",), namespaced=False,
         instead="Use a volume of the kind emptyDir, which lasts as long as its pod"),
    Kind("PersistentVolumeClaim", "persistentvolumeclaims", short_names=("pvc",),
         instead="Use a volume of the kind emptyDir, which lasts as long as its pod"),
    Kind("ReplicationController", "replicationcontrollers", short_names=("rc",),
         instead="Use a Deployment"),
    Kind("ResourceQuota", "resourcequotas", short_names=("quota",), instead=_LEAVE_OUT),
    Kind("DaemonSet", "daemonsets", "apps", short_names=("ds",),
         instead="Use a Deployment of one replica, as there is one node"),
    Kind("StatefulSet", "statefulsets", "apps", short_names=("sts",), instead="Use a Deployment"),
    Kind("CronJob", "cronjobs", "batch", short_names=("cj",),
         instead="Create a Job each time, by hand or with a script"),
    Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io", short_names=("netpol",),
         instead=_LEAVE_OUT),
    Kind("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io",
         short_names=("crd", "crds"), namespaced=False, instead="Keep settings in a ConfigMap"),
    Kind("MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
         "admissionregistration.k8s.io", namespaced=False, instead=_LEAVE_OUT),
    Kind("ValidatingWebhookConfiguration", "validatingwebhookconfigurations",
         "admissionregistration.k8s.io", namespaced=False, instead=_LEAVE_OUT),
    Kind("Lease", "leases", "coordination.k8s.io", instead="Run one replica"),
    Kind("PriorityClass", "priorityclasses", "scheduling.k8s.io", short_names=("pc",),
         namespaced=False, instead=_LEAVE_OUT),
    Kind("StorageClass", "storageclasses", "storage.k8s.io", short_names=("sc",),
         namespaced=False, instead="Use a volume of the kind emptyDir"),
    Kind("GRPCRoute", "grpcroutes", GATEWAY_GROUP, instead=_GATEWAYS),
)  # fmt: skip
"""Kinds of Kubernetes that are known by name: discovery has them with no verb, so that kubectl
prints what the server says of them, and `kubectl api-resources` leaves them out. Of such a kind
there are no objects, and its schema says no more than why."""

KNOWN_KINDS: tuple[Kind, ...] = (*SERVED_KINDS, *UNSERVED_KINDS)
"""Every kind that discovery and the OpenAPI documents have."""
