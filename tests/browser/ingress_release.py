"""A release behind an Ingress, for the notebooks of the browser tests.

Three pods of production and one canary, as in the lessons, without their Service, whose port
another test may have.
"""

from __future__ import annotations

from canarylab.kube_objects import Object
from canarylab.lab import Lab

HOST = "foo.bar.com"
_LABELS = {"app": "nodeapp"}
_NGINX = "nginx.ingress.kubernetes.io"


def release_behind_an_ingress() -> Lab:
    """`/` leads to production and `/canary` to the canary, which takes 10 % of `/` too."""
    lab = Lab()
    lab.reset("empty")
    lab.apply("manifests/02-production/production.yaml")
    lab.apply("manifests/03-canary/canary.yaml")
    for name, env in (("prod", "prod"), ("canary", "canary"), ("canary-weighted", "canary")):
        lab.apply(_service(f"nodeapp-svc-{name}", env))
    paths = {"/": "nodeapp-svc-prod", "/canary": "nodeapp-svc-canary"}
    lab.apply(_ingress("ingress-prod-canary", paths))
    weighted = {f"{_NGINX}/canary": "true", f"{_NGINX}/canary-weight": "10"}
    lab.apply(_ingress("ingress-canary", {"/": "nodeapp-svc-canary-weighted"}, **weighted))
    lab.wait_ready("nodeapp-production")
    lab.wait_ready("nodeapp-canary")
    return lab


def _service(name: str, env: str) -> Object:
    spec = {"selector": {**_LABELS, "env": env}, "ports": [{"port": 80, "targetPort": 3333}]}
    metadata = {"name": name, "labels": _LABELS}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _ingress(name: str, paths: dict[str, str], **annotations: str) -> Object:
    rules = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": 80}}},
        }
        for path, service in paths.items()
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "labels": _LABELS, "annotations": annotations},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": HOST, "http": {"paths": rules}}]},
    }
