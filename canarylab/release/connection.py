"""How do we reach a cluster?

One kubeconfig, one namespace, the official client's API objects, and the cluster's refusals in
its own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError
from urllib3.exceptions import HTTPError

from canarylab.errors import ClusterError, RefusedError, SetupError

Object = dict[str, Any]


class Connection:
    """A cluster, as one kubeconfig and one namespace of it."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        self.kubeconfig, self.namespace = kubeconfig, namespace
        try:
            self._client: Any = config.new_client_from_config(str(kubeconfig))
        except config.ConfigException as exc:
            raise SetupError(
                f"{kubeconfig} is no usable kubeconfig: {exc}. "
                "Start a cluster with `canarylab up`, or name another kubeconfig."
            ) from exc

    @cached_property
    def apps(self) -> Any:
        """Deployments and ReplicaSets: the client's `AppsV1Api`."""
        return client.AppsV1Api(self._client)

    @cached_property
    def core(self) -> Any:
        """Pods, Services, Events: the client's `CoreV1Api`."""
        return client.CoreV1Api(self._client)

    @cached_property
    def discovery(self) -> Any:
        """EndpointSlices: the client's `DiscoveryV1Api`."""
        return client.DiscoveryV1Api(self._client)

    @cached_property
    def dynamic(self) -> Any:
        """Any kind, as plain objects that the server alone judges."""
        return DynamicClient(self._client)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.rest_client.pool_manager.clear()
        self._client.close()

    def plain(self, answer: Any) -> Any:
        """What the client returned, as plain JSON."""
        return self._client.sanitize_for_serialization(answer)


@contextmanager
def refusals(what: str, *, remedy: str) -> Iterator[None]:
    """Turn what the client raises into RefusedError or ClusterError about `what`."""
    try:
        yield
    except (ApiException, DynamicApiError) as exc:
        raise RefusedError(what, kubectl_words(exc.body, exc.reason), remedy) from exc
    except HTTPError as exc:
        raise ClusterError(
            f"The cluster did not answer when asked for {what}. "
            "Is it running? `canarylab status` says, `canarylab up` starts it."
        ) from exc


def kubectl_words(body: Any, reason: str | None) -> str:
    """A refusal as kubectl prints it: one line, or a line for each cause.

    >>> kubectl_words('{"message": "no", "reason": "BadRequest"}', None)
    'Error from server (BadRequest): no'
    """
    try:
        status = json.loads(body)
    except (TypeError, ValueError):
        return f"Error from server: {reason or body}"
    causes = (status.get("details") or {}).get("causes") or []
    if status.get("reason") != "Invalid" or not causes:
        return f"Error from server ({status.get('reason', '')}): {status.get('message', '')}"
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    listed = lines[0] if len(lines) == 1 else "".join(f"\n* {line}" for line in lines)
    details = status["details"]
    return f'The {details["kind"]} "{details.get("name", "")}" is invalid: {listed}'
