"""Connection to a cluster: one kubeconfig, one namespace, the official client's API objects.

Refusals of the API server are raised as ApiRefusedError, with the words of kubectl.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError
from urllib3.exceptions import HTTPError

from canarylab.clusters.base import AdaptedManifest
from canarylab.clusters.client import api_client, reload
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.kube_objects import Object

__all__ = ["Connection", "Object", "advice_for", "explain_api_errors", "kubectl_words"]

_NO_CACHE_FILE = f"{os.devnull}/kinds"
"""A path at which no file can exist: the client then reads the kinds from the server."""
_ADVICE = "Is it running? `canarylab status` says, `canarylab up` starts it."


class Connection:
    """One namespace of the cluster of a kubeconfig; `adapt` changes manifests for it.

    `advice` says what to try when the cluster does not answer.

    When the kubeconfig has been written again, as a playground does that starts with another port,
    the next request follows it.
    """

    def __init__(
        self,
        kubeconfig: str | Path,
        namespace: str = "default",
        *,
        context: str | None = None,
        adapt: Callable[[Object], AdaptedManifest] = AdaptedManifest,
        advice: str = _ADVICE,
    ) -> None:
        self.kubeconfig, self.namespace, self.adapt = kubeconfig, namespace, adapt
        self.context = context
        self._read_at = _written_at(kubeconfig)
        self._dynamic: Any = None
        self._loaded_client: Any = api_client(str(kubeconfig), context, advice=advice)

    @property
    def _client(self) -> Any:
        """The client, with what the kubeconfig says now; the old address if it has gone."""
        written_at = _written_at(self.kubeconfig)
        if any(written_at) and written_at != self._read_at:
            reload(self._loaded_client, str(self.kubeconfig), self.context)
            self._read_at = written_at
            self._dynamic = None
        return self._loaded_client

    @property
    def apps(self) -> Any:
        """Deployments and ReplicaSets: the client's `AppsV1Api`."""
        return client.AppsV1Api(self._client)

    @property
    def core(self) -> Any:
        """Pods, Services, Events: the client's `CoreV1Api`."""
        return client.CoreV1Api(self._client)

    @property
    def discovery(self) -> Any:
        """EndpointSlices: the client's `DiscoveryV1Api`."""
        return client.DiscoveryV1Api(self._client)

    @property
    def networking(self) -> Any:
        """Ingresses: the client's `NetworkingV1Api`."""
        return client.NetworkingV1Api(self._client)

    @property
    def custom(self) -> Any:
        """Objects of kinds that are additions to Kubernetes: the client's `CustomObjectsApi`."""
        return client.CustomObjectsApi(self._client)

    @property
    def dynamic(self) -> Any:
        """Objects of any kind; only the server validates them.

        The list of kinds is read from the server. By default the client keeps it in a file in the
        folder for temporary files, which another user or an earlier cluster may have written.
        """
        current = self._client  # first, since it may be set up again
        if self._dynamic is None:
            self._dynamic = DynamicClient(current, cache_file=_NO_CACHE_FILE)
        return self._dynamic

    @property
    def server(self) -> str:
        """The API server's address: `https://127.0.0.1:6443`."""
        return str(self._client.configuration.host)

    @property
    def http(self) -> Any:
        """The client's own urllib3 pool, with the certificate authority of the kubeconfig."""
        return self._client.rest_client.pool_manager

    def credentials(self) -> dict[str, str]:
        """The headers that authenticate, renewed where the kubeconfig can."""
        settings = self._client.configuration.auth_settings().values()
        return {entry["key"]: entry["value"] for entry in settings if entry["in"] == "header"}

    def require_answer(self) -> None:
        """Ask for the version, which everybody may; raise urllib3's HTTPError after a time."""
        client.VersionApi(self._client).get_code()

    def in_namespace(self, namespace: str) -> Connection:
        """The same cluster with another namespace, where manifests stay as they are."""
        other = copy(self)
        other.namespace, other.adapt = namespace, AdaptedManifest
        return other

    def close(self) -> None:
        """Close the connections."""
        self._loaded_client.rest_client.pool_manager.clear()
        self._loaded_client.close()

    def plain(self, answer: Any) -> Any:
        """What the client returned, as plain JSON."""
        return self._client.sanitize_for_serialization(answer)


def _written_at(kubeconfig: str | Path) -> tuple[int, ...]:
    """When each file was written; 0 for one that is not there."""
    files = map(Path, str(kubeconfig).split(os.pathsep))
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


@contextmanager
def explain_api_errors(what: str, *, remedy: str) -> Iterator[None]:
    """Turn what the client raises into ApiRefusedError or ClusterError about `what`."""
    try:
        yield
    except (ApiException, DynamicApiError) as exc:
        body = exc.body or _status_of_handshake(exc.reason)
        raise ApiRefusedError(what, kubectl_words(body, exc.reason), remedy) from exc
    except HTTPError as exc:
        raise ClusterError(
            f"The cluster did not answer a request about {what}. {advice_for(exc)}"
        ) from exc


def advice_for(error: HTTPError) -> str:
    """What to try after no answer, in the words for the cluster that was asked."""
    return next(iter(getattr(error, "__notes__", ())), _ADVICE)


def _status_of_handshake(reason: object) -> str | None:
    """The Status of a refused WebSocket; the client has it at the end of a text.

    >>> _status_of_handshake('Handshake status 403 Forbidden -+-+- {} -+-+- {"code": 403}')
    '{"code": 403}'
    """
    _, found, said = str(reason).rpartition(" -+-+- ")
    return said.strip("b'") if found else None


def kubectl_words(body: Any, reason: str | None) -> str:
    """A refusal as kubectl prints it: one line, or a line for each cause.

    >>> kubectl_words('{"message": "no", "reason": "BadRequest"}', None)
    'Error from server (BadRequest): no'
    >>> kubectl_words('{"message": "no"}', None)
    'Error from server: no'
    """
    try:
        status = json.loads(body)
    except (TypeError, ValueError):
        return f"Error from server: {reason or body}"
    details = status.get("details") or {}
    causes = details.get("causes") or []
    if status.get("reason") != "Invalid" or not causes or "kind" not in details:
        why = f" ({status['reason']})" if status.get("reason") else ""
        return f"Error from server{why}: {status.get('message', '')}"
    lines = [f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes]
    listed = lines[0] if len(lines) == 1 else "".join(f"\n* {line}" for line in lines)
    return f'The {details["kind"]} "{details.get("name", "")}" is invalid: {listed}'
