"""Documents as learners write them, and what the server makes of them."""

from __future__ import annotations

from typing import Any

from canarylab.errors import Cause
from canarylab.playground.apiserver.documents.decode import decode
from canarylab.playground.apiserver.rules.defaults import with_defaults
from canarylab.playground.apiserver.validation import validate
from canarylab.playground.kube.api import Object
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


def complete(document: Object) -> Object:
    """Read, and with its defaults."""
    return with_defaults(decode(KINDS[document["kind"]], document, validation="Strict").obj)


def causes(document: Object, old: Object | None = None) -> list[Cause]:
    """Why the server would refuse the document, instead of an old one where there is one."""
    return validate(complete(document), None if old is None else complete(old))


def said(document: Object, old: Object | None = None) -> list[str]:
    """The same as kubectl prints it."""
    return [f"{cause.field}: {cause.message}" for cause in causes(document, old)]
