"""The official client for a context, set up as a guest and a learner need it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_kube_config

from canarylab.errors import SetupError


def api_client(kubeconfig: str, context: str | None = None, *, retries: int | None = None) -> Any:
    """The client; raise SetupError where the files do not say how to reach the cluster.

    `kubeconfig` names one file or several, as KUBECONFIG does.
    """
    settings = type.__call__(Configuration)  # a plain call would copy settings others made default
    try:
        load_kube_config(
            kubeconfig,
            context,
            client_configuration=settings,
            persist_config=False,  # a renewed token is the user's file's affair
        )
    except ConfigException as exc:
        raise SetupError(
            f"{kubeconfig} is no usable kubeconfig: {exc}. "
            "Start a cluster with `canarylab up`, or name another kubeconfig."
        ) from exc
    if is_here(settings.host):
        settings.proxy = None  # the client would ask HTTPS_PROXY for this machine itself
    if retries is not None:
        settings.retries = retries
    return ApiClient(configuration=settings)


def is_here(server: str) -> bool:
    """Does this address belong to this machine alone?

    >>> is_here("https://127.0.0.1:6443"), is_here("https://cluster.example:6443")
    (True, False)
    """
    host = urlsplit(server).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
