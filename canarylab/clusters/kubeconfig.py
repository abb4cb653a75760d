"""A cluster that other people run, reached with a kubeconfig.

All requests stay in one namespace, that of the context, and other users notice none of them: no
list of nodes or namespaces, no cluster-scoped object, no node port of our own choice. Images
reach such a cluster through a registry.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from canarylab import external_tools
from canarylab.clusters import adapt_manifest as adapting
from canarylab.clusters.adapt_manifest import (
    ClusterLimits,
    choose_ingress_class,
    registry_reference,
)
from canarylab.clusters.base import (
    KUBE_PROXY_SYNC_S,
    AdaptedManifest,
    IngressSetup,
    ServiceAddress,
    node_port,
)
from canarylab.clusters.client import (
    KubeconfigContext,
    api_client,
    find_context,
    kubeconfig_files,
    write_current_context,
)
from canarylab.display import Report
from canarylab.errors import IngressAddressError, SetupError, ToolFailedError
from canarylab.kube_objects import Object
from canarylab.playground.home import Home

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

REQUEST_TIMEOUT_S, STATUS_TIMEOUT_S = 10.0, 5.0
_LABELS = {"app": "canarylab-permission-check"}
_DRY_RUN_METADATA: Object = {"name": "canarylab-permission-check", "labels": _LABELS}


class Permissions(NamedTuple):
    """What the user of a context may do beyond what the lessons need."""

    node_ports: bool


class RefusedRequest(NamedTuple):
    """A request that the API server refused."""

    what: str
    """`list pods`, `create deployments`"""
    code: int
    """The HTTP status; 0 if no server answered."""
    message: str


class Kubeconfig:
    """One context of the user's kubeconfig."""

    option = " --cluster kubeconfig"
    stop_instructions = "canarylab did not start this cluster, so it does not stop it."

    def __init__(
        self,
        home: Home | None = None,
        *,
        context: str | None = None,
        registry: str | None = None,
    ) -> None:
        self._home = home or Home.of_user()
        self._files = kubeconfig_files()
        self._context = find_context(self._files, context or os.environ.get("CANARYLAB_CONTEXT"))
        self._registry = registry or os.environ.get("CANARYLAB_REGISTRY") or None
        self._limits = ClusterLimits(registry=self._registry)

    @property
    def name(self) -> str:
        """The context, as figures name it."""
        return f"context {self._context.name}"

    @property
    def namespace(self) -> str:
        """The namespace of the context."""
        return self._context.namespace

    @property
    def context(self) -> str | None:
        """The name of the context."""
        return self._context.name

    def start(self, report: Report) -> None:
        """Find out, without changing anything, whether the lessons can run here."""
        report(f"checking your permissions in namespace {self.namespace}")
        permissions = check_permissions(self._files, self._context)
        self._limits = self._limits._replace(allows_node_ports=permissions.node_ports)

    def stop(self) -> bool:
        """Do nothing: it was there before."""
        return False

    def status(self) -> str | None:
        """The context and its server, if it answers."""
        with api_client(self._files, self._context.name, retries=0) as client:
            if not _answers(client):
                return None
        return f"Context {self._context.name} is at {self._context.server}."

    @property
    def kubeconfig(self) -> str:
        """The user's own files, after one that sets the current context if that is needed."""
        if self._context.is_current:
            return self._files
        chosen = self._home.root / "context.kubeconfig"
        write_current_context(chosen, self._context.name)
        return os.pathsep.join([str(chosen), self._files])

    def load_image(self, reference: str, report: Report) -> str | None:
        """Push it to the registry that was named."""
        if self._registry is None:
            return (
                "The images are on this machine only. If the cluster does not have them, name a "
                "registry with CANARYLAB_REGISTRY."
            )
        return push_image(reference, self._registry, report)

    def image(self, reference: str) -> str:
        """The name with the registry in front."""
        return registry_reference(reference, self._registry)

    def adapt_manifest(self, manifest: Object) -> AdaptedManifest:
        """Without node ports of our choice, with the registry in front of our images."""
        return adapting.adapt_manifest(manifest, self._limits)

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """No objects: nothing is installed here. From now on Ingresses name the class there is."""
        chosen = choose_ingress_class(classes)
        self._limits = self._limits._replace(ingress_class=chosen.name)
        return IngressSetup(notes=chosen.notes)

    def ingress_url(self, status_addresses: Collection[str]) -> str:
        """The first address in the status of the Ingresses."""
        if not status_addresses:
            raise IngressAddressError(
                f"No Ingress in namespace {self.namespace} reports an address, so it is not known "
                "where to send requests. `kubectl describe ingress` shows more; ask the people who "
                "run the cluster."
            )
        return f"http://{next(iter(status_addresses))}"

    def addresses(
        self, service: Mapping[str, Any], node_hosts: Collection[str]
    ) -> list[ServiceAddress]:
        """Its load balancers, then the node port at the API server's host and at the nodes."""
        return [*_load_balancers(service), *self._node_ports(service, node_hosts)]

    def _node_ports(
        self, service: Mapping[str, Any], node_hosts: Collection[str]
    ) -> list[ServiceAddress]:
        number = node_port(service)
        if number is None:
            return []
        server = urlsplit(self._context.server).hostname
        hosts = dict.fromkeys([*([server] if server else []), *node_hosts])
        found = (_unchecked_address(host, number, f"node port {number}") for host in hosts)
        return [each._replace(sync_delay_s=KUBE_PROXY_SYNC_S) for each in found]


def push_image(reference: str, registry: str, report: Report) -> str:
    """Tag and push the image, and say so; raise SetupError if the registry refuses."""
    pushed = registry_reference(reference, registry)
    report(f"pushing {pushed}")

    def report_line(line: str) -> None:
        report(f"pushing {pushed}: {line}")

    try:
        external_tools.check_output("docker", "tag", reference, pushed)
        external_tools.stream("docker", "push", pushed, report=report_line)
    except ToolFailedError as exc:
        raise SetupError(
            f"{exc.output}\n{pushed} could not be pushed. "
            "Log in with `docker login`, or name another registry with CANARYLAB_REGISTRY."
        ) from exc
    return f"{reference} is pushed as {pushed}."


def check_permissions(files: str, context: KubeconfigContext) -> Permissions:
    """What the user of this context may do; raise SetupError if the lessons cannot run.

    Nothing is changed: one entry of each list is read, and objects are created as a dry run, which
    the API server checks, quota included, and does not store.
    """
    with api_client(files, context.name, retries=0) as client:
        refused = list(_refused_requests(client, context))
        if refused:
            raise _not_permitted(refused, context)
        return Permissions(node_ports=_refusal_of(_service(client, context, "NodePort")) is None)


def _answers(client: ApiClient) -> bool:
    """Whether the API server answers anything at all, a refusal included."""
    from kubernetes.client import VersionApi  # noqa: PLC0415  slow

    version = VersionApi(client)
    refusal = _refusal_of(lambda: version.get_code(_request_timeout=STATUS_TIMEOUT_S))
    return refusal is None or refusal[0] != 0


def _load_balancers(service: Mapping[str, Any]) -> list[ServiceAddress]:
    status = service.get("status") or {}
    entries = (status.get("loadBalancer") or {}).get("ingress") or []
    port = service["spec"]["ports"][0]["port"]
    hosts = [entry.get("ip") or entry.get("hostname") for entry in entries]
    return [_unchecked_address(host, port, "its load balancer") for host in hosts if host]


def _unchecked_address(host: str, port: int, description: str) -> ServiceAddress:
    bracketed = f"[{host}]" if ":" in host else host
    return ServiceAddress(f"http://{bracketed}:{port}", description, needs_check=True)


def _not_permitted(refused: list[RefusedRequest], context: KubeconfigContext) -> SetupError:
    code, message, namespace = refused[0].code, refused[0].message, context.namespace
    if code == 0:
        return SetupError(
            f"The cluster of context {context.name} does not answer at {context.server}: "
            f"{message}. Check that it is running and that this machine can reach it."
        )
    if code == 401:
        return SetupError(
            f"The cluster of context {context.name} does not accept your credentials: {message}. "
            "Log in to it again, or ask the people who run it for a new kubeconfig."
        )
    if any("namespaces" in each.message and each.code == 404 for each in refused):
        return SetupError(
            f'There is no namespace "{namespace}" on the cluster of context {context.name}. Ask '
            "the people who run it to create one, or choose another with "
            "`kubectl config set-context --current --namespace=…`."
        )
    listed = "".join(f"\n  {each.what}: {each.message}" for each in refused)
    return SetupError(
        f"In namespace {namespace} of context {context.name} you may not do what the lessons "
        f"need:{listed}\nAsk the people who run the cluster for the role in docs/shared-cluster.md."
    )


def _refused_requests(client: ApiClient, context: KubeconfigContext) -> Iterator[RefusedRequest]:
    for what, request in _needed_requests(client, context).items():
        refusal = _refusal_of(request)
        if refusal is not None:
            yield RefusedRequest(what, *refusal)
            if refusal[0] in {0, 401}:
                return  # every other request would end the same way


def _needed_requests(
    client: ApiClient, context: KubeconfigContext
) -> Mapping[str, Callable[[], object]]:
    from kubernetes.client import AppsV1Api, CoreV1Api, DiscoveryV1Api  # noqa: PLC0415  slow

    apps, core = AppsV1Api(client), CoreV1Api(client)
    lists = {
        "deployments": apps.list_namespaced_deployment,
        "replicasets": apps.list_namespaced_replica_set,
        "pods": core.list_namespaced_pod,
        "services": core.list_namespaced_service,
        "endpointslices": DiscoveryV1Api(client).list_namespaced_endpoint_slice,
    }
    return {
        **{f"list {name}": _list_one(call, context) for name, call in lists.items()},
        "create deployments": _deployment(client, context),
        "create services": _service(client, context, "ClusterIP"),
    }


def _list_one(call: Callable[..., Any], context: KubeconfigContext) -> Callable[[], object]:
    return lambda: call(context.namespace, limit=1, _request_timeout=REQUEST_TIMEOUT_S)


def _deployment(client: ApiClient, context: KubeconfigContext) -> Callable[[], object]:
    from kubernetes.client import AppsV1Api  # noqa: PLC0415

    container = {"name": "nodeapp", "image": "node_app:1.0"}
    template = {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": _LABELS}, "template": template}
    return _dry_run(AppsV1Api(client).create_namespaced_deployment, context, spec)


def _service(client: ApiClient, context: KubeconfigContext, kind: str) -> Callable[[], object]:
    from kubernetes.client import CoreV1Api  # noqa: PLC0415

    spec = {"type": kind, "selector": _LABELS, "ports": [{"port": 80}]}
    return _dry_run(CoreV1Api(client).create_namespaced_service, context, spec)


def _dry_run(
    create: Callable[..., Any], context: KubeconfigContext, spec: Object
) -> Callable[[], object]:
    body = {"metadata": _DRY_RUN_METADATA, "spec": spec}
    return lambda: create(
        context.namespace, body, dry_run="All", _request_timeout=REQUEST_TIMEOUT_S
    )


def _refusal_of(request: Callable[[], object]) -> tuple[int, str] | None:
    """The status, 0 if no server answered, and the message; None if it was allowed."""
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        request()
    except ApiException as exc:
        return exc.status, _message(exc.body) or str(exc.reason)
    except HTTPError as exc:
        return 0, str(getattr(exc, "reason", None) or exc).rpartition(": ")[2]
    return None


def _message(body: Any) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (TypeError, ValueError, AttributeError):
        return ""
