"""Which kubeconfig, which context of it, and which namespace?

As kubectl decides: KUBECONFIG, which may name several files, else ~/.kube/config; the current
context unless another is named. Nothing is written to the user's own files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import yaml

from canarylab.errors import SetupError


class Context(NamedTuple):
    """A cluster, a user and a namespace, under one name."""

    name: str
    namespace: str
    server: str
    """The API server's address."""
    is_current: bool
    """kubectl uses it unless told otherwise."""


def files() -> str:
    """What KUBECONFIG names, else the usual file."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def find(files: str, name: str | None = None) -> Context:
    """The context of that name, or the current one; raise SetupError where there is none."""
    read = _read(files)
    wanted = name or read.current
    if not wanted:
        raise SetupError(
            f"{files} has no current context. Choose one with CANARYLAB_CONTEXT or `kubectl config "
            f"use-context NAME`; there are: {', '.join(read.contexts) or 'none'}."
        )
    if wanted not in read.contexts:
        raise SetupError(
            f'There is no context "{wanted}" in {files}. '
            f"Choose one of: {', '.join(read.contexts) or 'none are there'}."
        )
    said = read.contexts[wanted]
    return Context(
        wanted,
        said.get("namespace") or "default",
        read.servers.get(said.get("cluster", ""), ""),
        wanted == read.current,
    )


def choose(file: Path, context: str) -> None:
    """Write a kubeconfig that says nothing but which context is current."""
    said = {"apiVersion": "v1", "kind": "Config", "current-context": context}
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(yaml.safe_dump(said))
    except OSError as exc:
        raise SetupError(
            f"canarylab cannot write {file}: {exc.strerror}. "
            "Make its folder writable, or name another with CANARYLAB_HOME."
        ) from exc


class _Read(NamedTuple):
    current: str
    contexts: dict[str, dict[str, str]]
    servers: dict[str, str]


def _read(files: str) -> _Read:
    """All files as one: what an earlier file says counts."""
    documents = [_document(Path(file)) for file in files.split(os.pathsep) if file]
    if not any(documents):
        raise SetupError(
            f"There is no kubeconfig at {files}. Save the one you were given there, or name it "
            "with KUBECONFIG."
        )
    current = next((str(said) for each in documents if (said := each.get("current-context"))), "")
    contexts: dict[str, dict[str, str]] = {}
    servers: dict[str, str] = {}
    for document in reversed(documents):
        contexts |= _by_name(document.get("contexts"), "context")
        servers |= {
            name: entry.get("server", "")
            for name, entry in _by_name(document.get("clusters"), "cluster").items()
        }
    return _Read(current, contexts, servers)


def _document(file: Path) -> dict[str, object]:
    try:
        said = yaml.safe_load(file.expanduser().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as exc:
        raise SetupError(
            f"{file} is no readable kubeconfig: {exc}. Mend it, or name another with KUBECONFIG."
        ) from exc
    if said is not None and not isinstance(said, dict):
        raise SetupError(f"{file} is no kubeconfig. Mend it, or name another with KUBECONFIG.")
    return said or {}


def _by_name(entries: object, key: str) -> dict[str, dict[str, str]]:
    listed = entries if isinstance(entries, list) else []
    return {
        str(entry["name"]): entry.get(key) or {}
        for entry in listed
        if isinstance(entry, dict) and "name" in entry
    }
