"""kind as a cluster: real Kubernetes, one node, in a container on this machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from canarylab.clusters.base import (
    Address,
    Object,
    OwnCluster,
    Report,
    Serving,
    node_port,
    node_port_here,
)
from canarylab.clusters.ingress_classes import about
from canarylab.clusters.kind import api, archive, ingress, making, program
from canarylab.clusters.kind.lock import held
from canarylab.clusters.kind.plan import plan
from canarylab.clusters.kind.preflight import preflight
from canarylab.clusters.kind.state import KindFolder
from canarylab.clusters.kind.trouble import explained
from canarylab.errors import ToolFailedError
from canarylab.machine.finding import Finding
from canarylab.playground.home import Home
from canarylab.ports import LOOPBACK

MAPPED_NODE_PORT, MAPPED_INGRESS_PORT = 32089, 8080


class Kind(OwnCluster):
    """The cluster that kind makes for us."""

    name = "kind"
    ending = "The cluster runs on; `canarylab down --cluster kind` deletes it."

    def __init__(self, home: Home | None = None) -> None:
        self.home = home or Home.of_user()
        self._folder = KindFolder(self.home)

    def is_made(self) -> bool:
        """Whether there should be a cluster of ours, running or not; asks nobody."""
        return self._folder.made() is not None and not self._folder.is_half_made

    def preflight(self) -> list[Finding]:
        """Everything that making the cluster needs, fine or not."""
        return preflight(self.home)

    def start(self, report: Report) -> None:
        """Find our cluster, start it again, or make it."""
        if self._answers():
            return
        self._folder.prepare()
        with held(self._folder.lock, report) as lock:
            making.bring_up(self._folder, lock, report)

    def stop(self) -> bool:
        """Delete the cluster, if it is ours."""
        if not self._folder.lock.exists():
            return False
        with held(self._folder.lock, _say_nothing):
            is_ours = self._is_ours()
            if is_ours:
                making.delete(self._folder)
            self._folder.forget()
        return is_ours

    def status(self) -> str | None:
        """That its API answers, and where."""
        if not self._answers():
            return None
        node, server = program.NODE, api.server(self._folder.kubeconfig)
        return f"The kind cluster runs in the container {node}, API on {server}."

    @property
    def kubeconfig(self) -> str:
        """Written when the cluster is made."""
        return str(self._folder.kubeconfig)

    def load_image(self, reference: str, report: Report) -> str | None:
        """Copy the image into the node, unless that very image is there."""
        self._folder.prepare()
        with held(self._folder.lock, report):
            made = self._folder.made()
            if made is None:
                return _no_cluster_yet(reference)
            image = archive.image_id(reference)
            if made.loaded.get(reference) != image:
                self._load(reference, report)
                self._folder.note_loaded(reference, image)
        return None

    def serve_ingresses(self, classes: Sequence[Object] | None, report: Report) -> Serving:
        """Traefik, unless somebody serves the class already."""
        if found := ingress.somebody_elses(classes):
            return Serving(notes=about(found))
        return Serving(ingress.objects(self._bring(ingress.image(), report)))

    def ingress_url(self, places: Collection[str]) -> str:
        """Port 80 of the node, which is mapped to 8080 here."""
        return f"http://{LOOPBACK}:{MAPPED_INGRESS_PORT}"

    def addresses(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
        """127.0.0.1, for the one node port that is mapped to it; no other can be reached."""
        if node_port(service) not in {None, MAPPED_NODE_PORT}:
            return []
        return [node_port_here(service)]

    def _answers(self) -> bool:
        return self.is_made() and api.answers(self._folder.kubeconfig)

    def _is_ours(self) -> bool:
        if self._folder.made() is None and not self._folder.is_half_made:
            return False
        seen = making.look(self._folder)
        return seen.node is not None and plan(seen) != "refuse"

    def _bring(self, pinned: str, report: Report) -> str:
        """The name by which the node has the image, or pulls it.

        What is here, perhaps from a bundle, need not be pulled; an archive keeps no digest.
        """
        tag = pinned.partition("@")[0]
        if archive.find(tag) is None:
            return pinned
        self.load_image(tag, report)
        return tag

    def _load(self, reference: str, report: Report) -> None:
        report(f"saving {reference} for kind")
        with archive.saved(reference, self._folder.archives) as saved:
            report(f"loading {reference} into kind")
            try:
                program.load(saved)
            except ToolFailedError as exc:
                raise explained(exc) from exc


def _no_cluster_yet(reference: str) -> str:
    return (
        f"{reference} is not on a cluster, because there is no kind cluster yet. "
        "Make it with `canarylab up --cluster kind`, then build once more."
    )


def _say_nothing(words: str) -> None:
    """Stopping has nobody to tell."""
