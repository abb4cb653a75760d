"""Kubeconfig contexts, and the official Kubernetes client for one.

The files and the context are those that kubectl would use: KUBECONFIG, which may name several
files, else ~/.kube/config; the current context unless another is named. Nothing is written to the
user's own files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from canarylab.errors import SetupError
from canarylab.playground.home import Home

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 10.0, 30.0
_STREAMS = ("watch=", "follow=")  # in the query of a response that ends when it likes


class KubeconfigContext(NamedTuple):
    """A cluster, a user and a namespace, under one name."""

    name: str
    namespace: str
    server: str
    """The API server's address."""
    is_current: bool
    """Whether it is the current context, which kubectl uses by default."""


def api_client(
    kubeconfig: str, context: str | None = None, *, retries: int | None = None, advice: str = ""
) -> Any:
    """The client; raise SetupError if the files do not say how to reach the cluster.

    `kubeconfig` names one file or several, as KUBECONFIG does. Each request that names no time
    limit of its own has one. An error for want of an answer has `advice` as its note.
    """
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415  slow to import
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415

    settings = type.__call__(Configuration)  # a plain call would copy settings others made default
    try:
        load_kube_config(
            kubeconfig,
            context,
            client_configuration=settings,
            persist_config=False,  # a renewed token is not written to the user's file
        )
    except ConfigException as exc:
        raise SetupError(
            f"{kubeconfig} cannot be used as a kubeconfig: {exc}. "
            "Start a cluster with `canarylab up`, or set KUBECONFIG to another file."
        ) from exc
    if is_local(settings.host):
        settings.proxy = None  # the client would use HTTPS_PROXY for this very machine
    settings.retries = _retries() if retries is None else retries
    made: Any = ApiClient(configuration=settings)
    made.call_api = _in_time(made.call_api, advice)
    return made


def reload(client: Any, kubeconfig: str, context: str | None = None) -> None:
    """Set up a client again, in place: whoever holds it goes on with the new address."""
    fresh = api_client(kubeconfig, context)
    client.rest_client.pool_manager.clear()
    client.configuration, client.rest_client = fresh.configuration, fresh.rest_client


def _in_time(call: Callable[..., Any], advice: str) -> Callable[..., Any]:
    """The client's `call_api` with a time limit, and advice for those who get no answer."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    def call_api(method: str, url: str, *rest: Any, _request_timeout: Any = None) -> Any:
        if _request_timeout is None and not any(word in url for word in _STREAMS):
            _request_timeout = (CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S)
        try:
            return call(method, url, *rest, _request_timeout=_request_timeout)
        except HTTPError as exc:
            exc.add_note(advice)
            raise

    return call_api


def _retries() -> Any:
    """Three, as usual in urllib3, but none after a time limit: it would only become longer."""
    from urllib3 import Retry  # noqa: PLC0415
    from urllib3.exceptions import ReadTimeoutError  # noqa: PLC0415

    class RetryUnlessTimedOut(Retry):
        def increment(self, *request: Any, **outcome: Any) -> Retry:  # type: ignore[override]
            if isinstance(error := outcome.get("error"), ReadTimeoutError):
                raise error
            return super().increment(*request, **outcome)

    return RetryUnlessTimedOut(3)


def is_local(server: str) -> bool:
    """Whether this address is a loopback address.

    >>> is_local("https://127.0.0.1:6443"), is_local("https://cluster.example:6443")
    (True, False)
    """
    host = urlsplit(server).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def kubeconfig_files() -> str:
    """What KUBECONFIG names, else the usual file."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def find_context(files: str, name: str | None = None) -> KubeconfigContext:
    """The context of that name, or the current one; raise SetupError if there is none."""
    merged = _merge(files)
    wanted = name or merged.current
    if not wanted:
        raise SetupError(
            f"{files} has no current context. Choose one with CANARYLAB_CONTEXT or `kubectl config "
            f"use-context NAME`; there are: {', '.join(merged.contexts) or 'none'}."
        )
    if wanted not in merged.contexts:
        raise SetupError(
            f'There is no context "{wanted}" in {files}. '
            f"Choose one of: {', '.join(merged.contexts) or 'there are none'}."
        )
    context = merged.contexts[wanted]
    return KubeconfigContext(
        wanted,
        context.get("namespace") or "default",
        merged.servers.get(context.get("cluster", ""), ""),
        wanted == merged.current,
    )


def write_current_context(file: Path, context: str) -> None:
    """Write a kubeconfig that sets the current context and nothing else."""
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": context})
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(text)
    except OSError as exc:
        raise SetupError(
            f"canarylab cannot write {file}: {exc.strerror}. "
            "Make its folder writable, or set CANARYLAB_HOME to another folder."
        ) from exc


class _MergedConfig(NamedTuple):
    current: str
    contexts: dict[str, dict[str, str]]
    servers: dict[str, str]


def _merge(files: str) -> _MergedConfig:
    """All files as one; an earlier file wins over a later one."""
    documents = [_read(Path(file)) for file in files.split(os.pathsep) if file]
    if not any(documents):
        raise SetupError(f"There is no kubeconfig at {files}. {_how_to_get_one(files)}")
    current = next((str(name) for each in documents if (name := each.get("current-context"))), "")
    contexts: dict[str, dict[str, str]] = {}
    servers: dict[str, str] = {}
    for document in reversed(documents):
        contexts |= _by_name(document.get("contexts"), "context")
        clusters = _by_name(document.get("clusters"), "cluster")
        servers |= {name: cluster.get("server", "") for name, cluster in clusters.items()}
    return _MergedConfig(current, contexts, servers)


def _how_to_get_one(files: str) -> str:
    if Home.of_user().kubeconfig in (Path(file).expanduser() for file in files.split(os.pathsep)):
        return (
            "The playground writes it: start that with `canarylab up --cluster playground`, or set "
            "KUBECONFIG to another file."
        )
    return "Save yours there, or set KUBECONFIG to its path."


def _read(file: Path) -> dict[str, object]:
    try:
        document = yaml.safe_load(file.expanduser().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as exc:
        raise SetupError(
            f"{file} cannot be read as a kubeconfig: {exc}. Correct it, or set KUBECONFIG to "
            "another file."
        ) from exc
    if document is not None and not isinstance(document, dict):
        raise SetupError(
            f"{file} is not a kubeconfig. Correct it, or set KUBECONFIG to another file."
        )
    return document or {}


def _by_name(entries: object, key: str) -> dict[str, dict[str, str]]:
    listed = entries if isinstance(entries, list) else []
    return {
        str(entry["name"]): entry.get(key) or {}
        for entry in listed
        if isinstance(entry, dict) and "name" in entry
    }
