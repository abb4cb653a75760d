"""A stand-in for kind 0.33: its arguments, its words, its exit statuses, and no cluster.

A failure of a program that it runs has that program's words in a block `Command Output:`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.fakes import docker
from tests.fakes.archive import names_in
from tests.fakes.program import Refused, answer, hang, parsed, say
from tests.fakes.state import Entry, FakeState, normalized

STEPS = (
    "Ensuring node image ({image}) 🖼",
    "Preparing nodes 📦 ",
    "Writing configuration 📜",
    "Starting control-plane 🕹️",
    "Installing CNI 🔌",
    "Installing StorageClass 💾",
    "Waiting ≤ 2m0s for control-plane = Ready ⏳",
)
CREATE_FLAGS = dict.fromkeys(
    ("--name", "-n", "--config", "--image", "--wait", "--kubeconfig"), True
) | {"--retain": False}
FIELDS = {"containerPort", "hostPort", "listenAddress", "protocol"}
PODMAN = "using podman due to KIND_EXPERIMENTAL_PROVIDER\nenabling experimental podman provider"
CGROUP_V1 = (
    "cgroup v1 is deprecated in Kubernetes and will not be supported in a future kind release, "
    "please upgrade to cgroup v2"
)


def main(state: FakeState, arguments: list[str]) -> None:
    """As `kind` itself."""
    match arguments:
        case ["version"]:  # the one command that needs no engine
            answer(f"kind v{state.settings()['kind_version']} go1.26.3 linux/amd64")
        case ["create", "cluster", *rest]:
            _say_provider()
            create(state, rest)
        case ["delete", "cluster", *rest]:
            _say_provider()
            delete(state, rest)
        case ["get", "clusters"]:
            names = state.clusters()
            say("No kind clusters found.") if not names else answer("\n".join(names))
        case ["export", "kubeconfig", *rest]:
            _say_provider()
            export(state, rest)
        case ["load", "image-archive", *rest]:
            _say_provider()
            load(state, rest)
        case [word, *_]:
            raise Refused(f'ERROR: unknown command "{word}" for "kind"')


def create(state: FakeState, arguments: list[str]) -> None:
    """`kind create cluster`."""
    flags, _ = parsed(arguments, CREATE_FLAGS, _unknown)
    config = _config(Path(flags["--config"]))
    name = flags.get("--name") or config["name"]
    image = flags.get("--image") or config["nodes"][0]["image"]
    if state.settings()["cgroup_version"] == "1":
        say(CGROUP_V1)
    if state.cluster(name) is not None:
        raise _failed("create", f'node(s) already exist for a cluster with the name "{name}"')
    say(f'Creating cluster "{name}" ...')
    try:
        _take_steps(state, name, image)
        _write_kubeconfig(state, flags)
    except Refused:
        if state.remove_cluster(name) and "--retain" not in flags:
            say(f'Deleted nodes: ["{name}-control-plane"]')
        raise
    say(f'Set kubectl context to "kind-{name}"\nYou can now use your cluster with:\n')
    say(f"kubectl cluster-info --context kind-{name}\n\nHave a nice day! 👋")


def delete(state: FakeState, arguments: list[str]) -> None:
    """`kind delete cluster`: no cluster of that name is no error.

    A kubeconfig that is locked is one, after the nodes are deleted all the same.
    """
    flags, _ = parsed(arguments, {"--name": True, "-n": True, "--kubeconfig": True}, _unknown)
    name = flags["--name"]
    say(f'Deleting cluster "{name}" ...')
    _obey(state, "delete")
    locked = _edit_kubeconfig(flags, "apiVersion: v1\nkind: Config\n", make=False)
    if locked:
        say(f"failed to update kubeconfig: {locked}")
    if state.remove_cluster(name):
        say(f'Deleted nodes: ["{name}-control-plane"]')
    if locked:
        raise _failed(f'delete cluster "{name}"', locked)


def export(state: FakeState, arguments: list[str]) -> None:
    """`kind export kubeconfig`."""
    known = {"--name": True, "--kubeconfig": True, "--internal": False}
    flags, _ = parsed(arguments, known, _unknown)
    if state.cluster(flags["--name"]) is None:
        raise Refused(
            "ERROR: could not locate any control plane nodes for cluster named "
            f"'{flags['--name']}'. Use the --name option to select a different cluster"
        )
    _write_kubeconfig(state, flags)


def load(state: FakeState, arguments: list[str]) -> None:
    """`kind load image-archive`: the names in the archive become names in the node."""
    flags, rest = parsed(arguments, {"--name": True, "-n": True, "--nodes": True}, _unknown)
    if not rest:
        raise Refused("ERROR: name of image archive is required")
    if not Path(rest[0]).exists():
        raise Refused(f"ERROR: stat {rest[0]}: no such file or directory")
    node = state.cluster(flags["--name"])
    if node is None:
        raise Refused(f'ERROR: no nodes found for cluster "{flags["--name"]}"')
    _obey(state, "load")
    for name, image in names_in(Path(rest[0])).items():
        node["images"][normalized(name)] = image
    state.write_cluster(flags["--name"], node)


def _take_steps(state: FakeState, name: str, image: str) -> None:
    for step in (step.format(image=image.partition("@")[0]) for step in STEPS):
        say(f" • {step}  ...")
        if step.startswith("Preparing"):
            state.add_cluster(name)
        if step.startswith("Waiting") and state.order("late"):
            say(f" ✗ {step}")
            answer(" • WARNING: Timed out waiting for Ready ⚠️")
            continue
        try:
            if step.startswith("Ensuring"):
                _pull(state, image)
            _obey(state, step.partition(" ")[0])
        except Refused:
            say(f" ✗ {step}")
            raise
        say(f" ✓ {step}")
    answer(" • Ready after 17s 💚")


def _pull(state: FakeState, image: str) -> None:
    if _docker(state, "inspect", "--type=image", image)[0] == 0:
        return
    status, words = _docker(state, "pull", image)
    if status:
        command = f'command "docker pull {image}" failed with error: exit status {status}'
        raise _failed("create", f'failed to pull image "{image}": {command}', output=words)


def _docker(state: FakeState, *arguments: str) -> tuple[int, str]:
    """Run docker; as a program of its own if kind is one, in the same process group."""
    if Path(sys.argv[0]).name == "kind":
        command = ["docker", *arguments]  # a child inherits every descriptor, as with a Go program
        done = subprocess.run(command, capture_output=True, text=True, check=False, close_fds=False)
        return done.returncode, done.stderr.strip()
    try:
        docker.main(state, list(arguments))
    except Refused as exc:
        return exc.status, exc.words
    return 0, ""


def _obey(state: FakeState, at: str) -> None:
    order = state.order(f"kind {at}")
    if order is not None and order.get("hang"):
        hang(state)
    elif order is not None and at[0].isupper():
        first, *output = order["words"]
        raise _failed("create", first, output="\n".join(output))
    elif order is not None:
        raise Refused("\n".join(order["words"]))


def _config(path: Path) -> Entry:
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    if (config["kind"], config["apiVersion"]) != ("Cluster", "kind.x-k8s.io/v1alpha4"):
        raise _failed("create", "unknown apiVersion")
    for node in config["nodes"]:
        unknown = set(node) - {"role", "image", "extraPortMappings"}
        unknown |= {key for port in node.get("extraPortMappings", []) for key in set(port) - FIELDS}
        if unknown:
            raise _failed(
                "create", f"unable to decode config: yaml: field {unknown.pop()} not found"
            )
    return config


def _write_kubeconfig(state: FakeState, flags: dict[str, str]) -> None:
    source = state.root / "kubeconfig"
    text = source.read_text() if source.exists() else "apiVersion: v1\nkind: Config\nclusters: []\n"
    if locked := _edit_kubeconfig(flags, text, make=True):
        raise _failed("create", locked)


def _edit_kubeconfig(flags: dict[str, str], text: str, *, make: bool) -> str:
    """The user's own, unless another is named, under a lock as client-go takes it.

    The words of the failure are empty where there is none.
    """
    usual = Path(os.environ["HOME"]) / ".kube" / "config"
    path = Path(flags.get("--kubeconfig") or os.environ.get("KUBECONFIG") or usual)
    lock = path.with_name(f"{path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.touch(exist_ok=False)
    except FileExistsError:
        return f"failed to lock config file: open {lock}: file exists"
    if make or path.exists():
        path.write_text(text)
        path.chmod(0o600)
    lock.unlink()
    return ""


def _say_provider() -> None:
    match os.environ.get("KIND_EXPERIMENTAL_PROVIDER", ""):
        case "":
            pass
        case "podman":
            say(PODMAN)
        case "docker":
            say("using docker due to KIND_EXPERIMENTAL_PROVIDER")
        case other:
            raise AssertionError(f"canarylab does not run kind with {other}")


def _unknown(flag: str) -> Refused:
    return Refused(f"ERROR: unknown flag: {flag}")


def _failed(verb: str, problem: str, *, output: str = "") -> Refused:
    what = "create cluster" if verb == "create" else verb
    block = f"\nCommand Output: {output}" if output else ""
    return Refused(f"ERROR: failed to {what}: {problem}{block}")
