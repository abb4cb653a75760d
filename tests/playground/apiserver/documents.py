"""Sample documents, and what the server makes of them."""

from __future__ import annotations

from typing import Any

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.decode import decode
from canarylab.playground.apiserver.defaults import with_defaults
from canarylab.playground.apiserver.validation import validate
from canarylab.playground.kube.kinds import KINDS

LABELS = {"app": "nodeapp", "env": "prod"}


def container(**fields: Any) -> Object:
    return {"name": "nodeapp", "image": "node_app:1.0", **fields}


def template(**spec: Any) -> Object:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [container()], **spec}}


def deployment(name: str = "nodeapp-production", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template(), **spec},
    }


def deployment_of(**fields: Any) -> Object:
    """With one container that has these fields."""
    return deployment(template=template(containers=[container(**fields)]))


def pod(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lonely"},
        "spec": {"containers": [container()], **spec},
    }


def service(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "nodeapp-svc"},
        "spec": {"selector": {"app": "nodeapp"}, "ports": [{"port": 80}], **spec},
    }


def backend(name: str = "nodeapp-svc-prod", port: int = 80) -> Object:
    """A Service, as an Ingress names it."""
    return {"service": {"name": name, "port": {"number": port}}}


def path(path: str = "/", kind: str = "Prefix", **fields: Any) -> Object:
    return {"path": path, "pathType": kind, "backend": backend(), **fields}


def ingress(*paths: Object, **spec: Any) -> Object:
    rules = [{"host": "foo.bar.com", "http": {"paths": list(paths or [path()])}}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "ingress-prod-canary"},
        "spec": {"ingressClassName": "nginx", "rules": rules, **spec},
    }


def job(**spec: Any) -> Object:
    given = {"template": {"spec": {"containers": [container()], "restartPolicy": "Never"}}}
    return named("Job", spec={**given, **spec})


def autoscaler(**spec: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nodeapp-production"}
    given = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6}
    return named("HorizontalPodAutoscaler", spec={**given, **spec})


def disruption_budget(**spec: Any) -> Object:
    given = {"selector": {"matchLabels": LABELS}}
    return named("PodDisruptionBudget", spec={**given, **(spec or {"minAvailable": 2})})


def role(*rules: Object, kind: str = "Role") -> Object:
    reads = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    return named(kind, rules=list(rules or [reads]))


def role_binding(*subjects: Object, kind: str = "RoleBinding", **role_ref: Any) -> Object:
    given = {"kind": kind.removesuffix("Binding"), "name": "reader", **role_ref}
    return named(kind, roleRef=given, subjects=list(subjects))


def named(kind: str, **fields: Any) -> Object:
    api_version = KINDS[kind].api_version
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "some"}, **fields}


def gateway_class(**spec: Any) -> Object:
    return _of_gateway_api("GatewayClass", controllerName="example.com/controller", **spec)


def listener(name: str = "http", port: int = 80, **fields: Any) -> Object:
    return {"name": name, "protocol": "HTTP", "port": port, **fields}


def gateway(*listeners: Object, **spec: Any) -> Object:
    here = list(listeners or [listener()])
    return _of_gateway_api("Gateway", gatewayClassName="nginx", listeners=here, **spec)


def weighted(weight: int = 1, name: str = "nodeapp-svc-prod", **fields: Any) -> Object:
    """A Service, as an HTTPRoute names it."""
    return {"name": name, "port": 80, "weight": weight, **fields}


def rule(**fields: Any) -> Object:
    """Of an HTTPRoute."""
    return {"backendRefs": [weighted()], **fields}


def rewrite(prefix: str = "/") -> Object:
    change = {"type": "ReplacePrefixMatch", "replacePrefixMatch": prefix}
    return {"type": "URLRewrite", "urlRewrite": {"path": change}}


def mirror(**fields: Any) -> Object:
    there = {"backendRef": {"name": "nodeapp-svc-canary", "port": 80}, **fields}
    return {"type": "RequestMirror", "requestMirror": there}


def http_route(*rules: Object, **spec: Any) -> Object:
    fields = {"parentRefs": [{"name": "canarylab"}], "hostnames": ["foo.bar.com"], **spec}
    return _of_gateway_api("HTTPRoute", **fields, rules=list(rules or [rule()]))


def _of_gateway_api(kind: str, **spec: Any) -> Object:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "canarylab"},
        "spec": spec,
    }


def complete(document: Object) -> Object:
    """Read, and with its defaults."""
    return with_defaults(decode(KINDS[document["kind"]], document, validation="Strict").obj)


def causes(document: Object, old: Object | None = None) -> list[Cause]:
    """Why the server would refuse the document, instead of an old one where there is one."""
    return validate(complete(document), None if old is None else complete(old))


def errors_of(document: Object, old: Object | None = None) -> list[str]:
    """The same as kubectl prints it."""
    return [f"{cause.field}: {cause.message}" for cause in causes(document, old)]
