"""The playground as a cluster: nothing to install, nothing to pull."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from canarylab.clusters.base import (
    AdaptedManifest,
    LocalCluster,
    ServiceAddress,
    local_node_port,
    node_port,
)
from canarylab.display import Report
from canarylab.errors import ClusterError
from canarylab.images.process_build import build_app_image
from canarylab.kube_objects import Object
from canarylab.playground import daemon_control
from canarylab.playground.daemon_control import DaemonState
from canarylab.playground.home import Home
from canarylab.playground.images import parse_reference
from canarylab.ports import LOOPBACK, NODE_PORTS, is_free, is_held_by
from canarylab.runtime import wait_until
from canarylab.text import join_words

SYNC_TIMEOUT_S = 5.0  # the service proxy syncs within a second
_ROUTING_KINDS = {"Ingress", "Gateway", "HTTPRoute"}


class Playground(LocalCluster):
    """The small cluster inside this package."""

    name = "playground"
    stop_instructions = "The cluster runs on; `canarylab down` ends it."

    def __init__(self, home: Home | None = None, *, api_port: int | None = None) -> None:
        self.home, self._api_port = home or Home.of_user(), api_port

    def start(self, report: Report) -> None:
        """Find the running playground, or start one."""
        report("starting the playground")
        daemon_control.up(self.home, api_port=self._api_port)

    def stop(self) -> bool:
        """End it and all its pods; its objects are kept."""
        return daemon_control.down(self.home)

    def forget(self) -> None:
        """Remove the objects of one that was stopped."""
        daemon_control.forget(self.home)

    def restored(self) -> str | None:
        """What it found when it started, a sentence; None if that was nothing."""
        running = daemon_control.status(self.home)
        if running is None or not running.restored:
            return None
        found = join_words(f"{kind} {count}" for kind, count in running.restored.items())
        return (
            f"When it started, it had from before: {found}. `lab.reset()` removes those of the "
            "lessons; `canarylab down --forget` removes everything."
        )

    def status(self) -> str | None:
        """When it started and where its API answers; a note, if its Ingress is elsewhere."""
        running = daemon_control.status(self.home)
        if running is None:
            return None
        notes = _api_note(running), _ingress_note(running)
        if not daemon_control.answers(running):
            return (
                f"The playground (pid {running.pid}) runs since {running.started}, but does not "
                "answer. End it with `canarylab down`, which keeps its objects, and start it again."
            )
        return (
            f"The playground runs since {running.started}, pid {running.pid}, "
            f"API on {LOOPBACK}:{running.api_port}."
            f"{''.join(f' {note}.' for note in notes if note)}"
        )

    @property
    def kubeconfig(self) -> str:
        """The playground's own file, which is there while it runs."""
        return str(daemon_control.kubeconfig(self.home))

    def load_image(self, reference: str, report: Report) -> str | None:
        """Build the image as a folder, which the kubelet runs, if it is not there yet."""
        report(f"preparing {reference} for the playground")
        build_app_image(parse_reference(reference).tag, self.home.images)
        return None

    def adapt_manifest(self, manifest: Object) -> AdaptedManifest:
        """The manifest, unchanged; a note names the address that answers, if it is unusual."""
        kind, notes = manifest.get("kind"), []
        if kind != "Service" and kind not in _ROUTING_KINDS:
            return AdaptedManifest(manifest)
        running = self._running()
        if kind == "Service":
            notes = [
                f"{LOOPBACK}:{port} belongs to another program, "
                f"so this Service answers at {running.node}:{port}"
                for port in _node_ports(manifest)
                if not _is_ours_or_free(running, port)
            ]
        elif note := _ingress_note(running):
            notes = [note]
        return AdaptedManifest(manifest, tuple(notes))

    def ingress_url(self, status_addresses: Collection[str]) -> str:
        """127.0.0.1:8080, or the node's address if another program had that port."""
        return self._running().ingress_url

    def addresses(
        self, service: Mapping[str, Any], node_hosts: Collection[str]
    ) -> list[ServiceAddress]:
        """The node port on 127.0.0.1, or on the node if another program has that port."""
        address = local_node_port(service)
        running, port = self._running(), node_port(service)
        host = (
            LOOPBACK if port is None else _node_port_host(running, port, is_ready=bool(node_hosts))
        )
        return [address._replace(url=f"http://{host}:{port}", sync_delay_s=0.0)]

    def _running(self) -> DaemonState:
        running = daemon_control.status(self.home)
        if running is None:
            raise ClusterError("The playground does not run. Start it with `canarylab up`.")
        return running


def _node_port_host(running: DaemonState, port: int, *, is_ready: bool) -> str:
    """The host of a node port: 127.0.0.1, if the service proxy listens there or probably will.

    With ready pods the proxy listens soon, on 127.0.0.1 first and then on the node. That is waited
    for: until then another playground may take a port that is free on 127.0.0.1 now.
    """
    is_listening = wait_until(
        lambda: not is_free(port, running.node), timeout_s=SYNC_TIMEOUT_S if is_ready else 0
    )
    if not is_listening:
        return LOOPBACK if _is_ours_or_free(running, port) else running.node
    if is_held_by(running.pid, port):
        return LOOPBACK
    if is_held_by(running.pid, port, running.node):
        return running.node
    raise ClusterError(
        f"Port {port} belongs to another program on all addresses, so this Service has none. "
        "End that program, or give the Service another node port."
    )


def _is_ours_or_free(running: DaemonState, port: int) -> bool:
    """Whether the service proxy listens on this port of 127.0.0.1, or is about to.

    It is checked each time, because the other program may end at any time.
    """
    return is_free(port) or is_held_by(running.pid, port)


def _node_ports(manifest: Object) -> list[int]:
    """The node ports in a learner's manifest, which may be malformed."""
    spec = manifest.get("spec")
    ports = spec.get("ports") if isinstance(spec, dict) else None
    found = [port.get("nodePort") for port in ports or [] if isinstance(port, dict)]
    return [port for port in found if isinstance(port, int) and port in NODE_PORTS]


def _api_note(running: DaemonState) -> str | None:
    if running.api_port_before in {None, running.api_port}:
        return None
    return (
        f"{LOOPBACK}:{running.api_port_before}, its address before, belonged to another program "
        "when it started; the kubeconfig names the new one"
    )


def _ingress_note(running: DaemonState) -> str | None:
    if running.ingress_host == LOOPBACK:
        return None
    return (
        f"{LOOPBACK}:{running.ingress_port} belongs to another program, "
        f"so Ingresses answer at {running.ingress_host}:{running.ingress_port}"
    )
