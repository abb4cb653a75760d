"""kind as a cluster: real Kubernetes, one node, in a container on this machine.

`~/.canarylab/kind` holds its kubeconfig (the user's own is never written) and `made.json`: the id
of the node's container and the images that were loaded into it. A cluster called canarylab is
ours if its node has that id; the name alone does not count. While a cluster is made the record has
no id; a record that was left so belongs to a half-made cluster, which the next start deletes.

A program that changes the cluster holds a lock, and the kind program inherits it: when the notebook
that started kind is killed, other programs still wait until that kind has ended.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

import yaml

from canarylab import external_tools, machine
from canarylab.clusters.adapt_manifest import nginx_class, retirement_note
from canarylab.clusters.base import (
    IngressSetup,
    LocalCluster,
    ServiceAddress,
    local_node_port,
    node_port,
)
from canarylab.clusters.kind_images import (
    config,
    find_image,
    pinned_or_tagged_node_image,
    saved_image,
    traefik_image,
    traefik_objects,
)
from canarylab.display import Report
from canarylab.docker_engine import (
    docker_and_cgroups,
    docker_program,
    engine,
    port_of_container,
)
from canarylab.errors import (
    CanaryLabError,
    EngineError,
    SetupError,
    TimedOutError,
    ToolFailedError,
)
from canarylab.kube_objects import Object
from canarylab.machine import Finding
from canarylab.playground.home import Home, write_atomically
from canarylab.playground.images import architecture
from canarylab.ports import LOOPBACK
from canarylab.runtime import repeatedly, wait_until

NAME = "canarylab"
NODE = f"{NAME}-control-plane"
OLDEST_KIND = (0, 33, 0)  # the release that the pinned node image was made for
MAPPED_NODE_PORT, MAPPED_INGRESS_PORT = 32089, 8080
NEEDED_PORTS = (
    (MAPPED_NODE_PORT, "the Service of the lessons, on kind"),
    (MAPPED_INGRESS_PORT, "the Ingress, on kind"),
)
NODE_TIMEOUT_S = 120  # once the node image is there; a node needs about 20 s
API_TIMEOUT_S, API_PAUSE_S, REQUEST_TIMEOUT_S = 120.0, 0.25, 3.0
VERSION_TIMEOUT_S = 5.0
REPEAT_EVERY_S = 0.5
NODE_IMAGE_MB = 400  # to download, about
WAITING = "waiting for another program that is at work on the kind cluster"
PROVIDERS = ("", "docker", "podman")

_NEEDED_FOR = "the kind cluster"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_EMOJI_CATEGORIES = {
    "So",
    "Sk",
    "Mn",
    "Me",
    "Cf",
    "Cn",
    "Co",
}

_OFFLINE = "Check the network, or bring the images with `canarylab bundle load FILE`."
# Words in what kind writes: the problem, and what to try. Preflight cannot foresee these.
_KNOWN_FAILURES = {
    "toomanyrequests": (
        "Docker Hub allows an address 100 pulls in six hours, and they are used up",
        "Wait, sign in with `docker login`, or bring the images with `canarylab bundle load FILE`.",
    ),
    "failed to pull image": ("The node image could not be pulled", _OFFLINE),
    "too many open files": (
        "This system allows too few inotify instances for a node",
        "Allow more with `sudo sysctl fs.inotify.max_user_instances=512`, then try again.",
    ),
    "could not find a log line that matches": (
        "The node did not boot, most often because too few inotify instances are allowed",
        "Allow more with `sudo sysctl fs.inotify.max_user_instances=512`, or give Docker 4 GB of "
        "memory where that many are allowed, and try again.",
    ),
    "no space left on device": (
        "The disk is full",
        "Remove what is not needed, for example with `docker system prune`, and try again.",
    ),
    "port is already allocated": (
        "Another container has port 8080 or 32089",
        "Find it with `docker ps`, stop it, and try again.",
    ),
    "address already in use": (
        "Another program has port 8080 or 32089",
        "Find it with `ss -ltn`, end it, and try again.",
    ),
}
_NAME_IS_TAKEN = "already exist for a cluster with the name"


class KindNode(NamedTuple):
    """The container that is the node of a kind cluster called canarylab."""

    id: str
    is_running: bool


@dataclass(frozen=True)
class ClusterRecord:
    """What is remembered of the cluster that we made."""

    node: str = ""
    """The id of the node's container; empty while the cluster is being made."""
    loaded: Mapping[str, str] = field(default_factory=dict)
    """The images in the node: each name, and the id that it had on this machine."""


class KindCluster(LocalCluster):
    """The cluster that kind makes for us."""

    name = "kind"
    option = " --cluster kind"
    stop_instructions = "The cluster runs on; `canarylab down --cluster kind` deletes it."

    def __init__(self, home: Home | None = None) -> None:
        self.home = home or Home.of_user()
        self._folder = self.home.root / "kind"
        self._kubeconfig = self._folder / "kubeconfig"
        self._record_file = self._folder / "made.json"
        self._lock_file = self._folder / "lock"

    def was_created(self) -> bool:
        """Whether the record names a cluster, running or not. Reads one file only."""
        record = self._record()
        return record is not None and record.node != ""

    def preflight(self) -> list[Finding]:
        """Everything that a new cluster needs, fine or not."""
        docker, cgroups = docker_and_cgroups()
        findings = [docker]
        if docker.is_available:  # without an engine there is nothing to say about its cgroups
            findings += [docker_program(), cgroups]
        findings.append(kind_program())
        findings += [_port(number, needed_for, self.home) for number, needed_for in NEEDED_PORTS]
        store = _image_store(self.home) if docker.is_available else self.home.root
        findings.append(machine.disk(store, needed_for=_NEEDED_FOR))
        return findings

    def start(self, report: Report) -> None:
        """Find our cluster, start it again, or make it."""
        _require(_other_provider())
        if self._answers():
            return
        self._prepare_folder()
        with repeated(report) as report_again, FileLock(self._lock_file, report_again) as lock:
            self._ensure_running(lock, report_again)

    def stop(self) -> bool:
        """Delete the cluster, if it is ours."""
        if not self._lock_file.exists():
            return False
        _require(_other_provider())
        with FileLock(self._lock_file, lambda _words: None):
            record = self._record()
            node = _find_node() if record else None
            is_ours = record is not None and node is not None and record.node in {"", node.id}
            if is_ours:
                self._delete()
            self._forget()
        return is_ours

    def status(self) -> str | None:
        """A sentence with the container and the API server; None if the API does not answer."""
        if not self._answers():
            return None
        server = server_url(self._kubeconfig)
        return f"The kind cluster runs in the container {NODE}, API on {server}."

    @property
    def kubeconfig(self) -> str:
        """Written when the cluster is made."""
        return str(self._kubeconfig)

    def load_image(self, reference: str, report: Report) -> str | None:
        """Copy the image into the node, unless that very image is there."""
        _require(_other_provider())
        self._prepare_folder()
        with repeated(report) as report_again, FileLock(self._lock_file, report_again):
            record = self._record() or ClusterRecord()
            if problem := self._why_not_running(record):
                return f"{reference} is not on a cluster, because {problem}, then build once more."
            image = find_image(reference)
            if image is None:
                raise SetupError(
                    f"There is no image {reference} in Docker on this machine. "
                    "Build it with `canarylab build --builder docker`."
                )
            if record.loaded.get(reference) != image:
                self._copy_into_node(reference, report_again)
                self._write(replace(record, loaded={**record.loaded, reference: image}))
        return None

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """Traefik, unless another controller serves the class `nginx` already.

        kind makes a cluster without an ingress controller.
        """
        found = nginx_class(classes or [])
        labels = (found or {}).get("metadata", {}).get("labels") or {}
        if found is not None and labels.get(_MANAGED_BY) != NAME:
            return IngressSetup(notes=retirement_note(found))
        return IngressSetup(traefik_objects(self._ensure_traefik_image(report)))

    def ingress_url(self, status_addresses: Collection[str]) -> str:
        """Port 80 of the node, which is mapped to 8080 here."""
        return f"http://{LOOPBACK}:{MAPPED_INGRESS_PORT}"

    def addresses(
        self, service: Mapping[str, Any], node_hosts: Collection[str]
    ) -> list[ServiceAddress]:
        """127.0.0.1, for the one node port that is mapped to it; no other can be reached."""
        if node_port(service) not in {None, MAPPED_NODE_PORT}:
            return []
        return [local_node_port(service)]

    def _why_not_running(self, record: ClusterRecord) -> str | None:
        """The reason and what to do, in the middle of a sentence."""
        node = _find_node() if record.node else None
        if node is None or node.id != record.node:
            return "there is no kind cluster. Make it with `canarylab up --cluster kind`"
        if not node.is_running:
            return "the kind cluster is stopped. Start it with `canarylab up --cluster kind`"
        return None

    def _ensure_running(self, lock: FileLock, report: Report) -> None:
        record = self._record()
        try:
            node = _find_node()
        except EngineError:
            if not self.was_created():
                _require(self.preflight())  # names whatever else is missing, too
            raise
        if record is not None and not record.node:
            report("deleting a kind cluster that was left half-made")
            self._delete()
            self._create(lock, report)
        elif node is None:
            self._create(lock, report)
        elif record is None or record.node != node.id:
            raise _foreign_cluster_error()
        else:
            if not node.is_running:
                report("starting the kind cluster again")
                _start_node(node)
            self._wait_for_api(report)

    def _create(self, lock: FileLock, report: Report) -> None:
        """Make the cluster, or leave nothing of it."""
        _require(self.preflight())
        self._forget()
        self._write(ClusterRecord())
        try:
            _create_cluster(self._kubeconfig, lock, report)
            self._wait_for_api(report)
            self._write(ClusterRecord(_require_node().id))
        except BaseException as exc:
            if isinstance(exc, ToolFailedError) and _NAME_IS_TAKEN in exc.output:
                self._forget()  # another program made one after our check
                raise _foreign_cluster_error() from exc
            lock.reacquire("waiting until kind has ended")  # and whatever it has started
            self._delete_half_made(report)
            raise

    def _delete_half_made(self, report: Report) -> None:
        if self._record() != ClusterRecord():
            return  # another start had the lock in between and has deleted it
        report("deleting the half-made kind cluster")
        try:
            self._delete()
        except CanaryLabError:
            report("the half-made kind cluster could not be deleted; the next start does it")

    def _delete(self) -> None:
        """Delete the cluster and then the record of it, so that this can be repeated."""
        # kind ignores a missing cluster, but fails on a leftover lock file. Only kind writes this
        # kubeconfig, and only one kind runs at a time.
        self._kubeconfig.with_name("kubeconfig.lock").unlink(missing_ok=True)
        _run_kind("delete", "cluster", "--name", NAME, "--kubeconfig", self.kubeconfig)
        self._forget()

    def _wait_for_api(self, report: Report) -> None:
        if not self._kubeconfig.exists():
            _run_kind("export", "kubeconfig", "--name", NAME, "--kubeconfig", self.kubeconfig)
            self._kubeconfig.chmod(0o600)
        report("waiting for the API of the kind cluster")
        if not wait_until(
            lambda: api_answers(self._kubeconfig), timeout_s=API_TIMEOUT_S, pause_s=API_PAUSE_S
        ):
            raise TimedOutError(
                f"The kind cluster runs, and its API did not answer within {API_TIMEOUT_S:.0f} s. "
                "Delete it with `canarylab down --cluster kind`, and make it again."
            )

    def _answers(self) -> bool:
        return self.was_created() and api_answers(self._kubeconfig)

    def _copy_into_node(self, reference: str, report: Report) -> None:
        report(f"saving {reference} for kind")
        with saved_image(reference, self._folder / "archives") as archive:
            report(f"loading {reference} into kind")
            _run_kind("load", "image-archive", str(archive), "--name", NAME)

    def _ensure_traefik_image(self, report: Report) -> str:
        """The name by which the node has the image, or pulls it.

        What Docker has, perhaps from a bundle, is not pulled; an archive keeps no digest.
        """
        tag = traefik_image().partition("@")[0]
        if find_image(tag) is None:
            return traefik_image()
        self.load_image(tag, report)
        return tag

    def _record(self) -> ClusterRecord | None:
        try:
            return ClusterRecord(**json.loads(self._record_file.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None  # none yet, or of another version

    def _write(self, record: ClusterRecord) -> None:
        write_atomically(self._record_file, json.dumps(asdict(record)))

    def _forget(self) -> None:
        lock = self._kubeconfig.with_name("kubeconfig.lock")  # as client-go names it
        for path in (self._kubeconfig, lock, self._record_file):
            path.unlink(missing_ok=True)

    def _prepare_folder(self) -> None:
        self.home.prepare()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise SetupError(
                f"canarylab cannot write to {self._folder}: {exc.strerror}. "
                "Make the folder writable, or name another with CANARYLAB_HOME."
            ) from exc


class FileLock:
    """A lock on a file, for the length of a `with`.

    The system releases it when the last process that has its descriptor ends, however it ends.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self._path, self._report = path, report
        self._file: IO[str] | None = None

    def __enter__(self) -> FileLock:
        return self._acquire(WAITING)

    def _acquire(self, waiting: str) -> FileLock:
        file = self._path.open("a")
        if not _try_to_lock(file):
            self._report(waiting)
            try:
                # A flock that blocks would sleep through a Ctrl-C that comes just before it.
                wait_until(lambda: _try_to_lock(file), timeout_s=math.inf)
            except BaseException:
                file.close()
                raise
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def reacquire(self, waiting: str) -> None:
        """Release it, and wait until no process that inherited it is left; `waiting` says so."""
        self.__exit__(None, None, None)
        self._acquire(waiting)

    def fileno(self) -> int:
        """The descriptor, for a program to inherit."""
        if self._file is None:
            raise ValueError("the lock is not held")
        return self._file.fileno()


def _try_to_lock(file: IO[str]) -> bool:
    """Lock a file if no other program has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def repeated(report: Report) -> Iterator[Report]:
    """Give a report whose last words are repeated until there are others.

    kind is silent while it pulls an image, and a status line shows nothing in its first second.
    """
    last = ""

    def tell(words: str) -> None:
        nonlocal last
        last = words
        report(words)

    def repeat() -> None:
        if last:
            report(last)

    with repeatedly(repeat, every_s=REPEAT_EVERY_S, name="kind: report"):
        yield tell


def kind_program(timeout_s: float = VERSION_TIMEOUT_S) -> Finding:
    """Whether kind is installed, is recent enough for the pinned node image, and uses Docker."""
    return next(iter(_other_provider()), None) or _installed_kind(timeout_s)


def _installed_kind(timeout_s: float) -> Finding:
    path = external_tools.find("kind")
    if path is None:
        return _unusable("kind is not installed")
    try:
        done = external_tools.run("kind", "version", timeout_s=timeout_s)
    except ToolFailedError:
        return _unusable("kind did not say its version in time")
    except (SetupError, OSError) as exc:
        return _unusable(f"{path} cannot be run ({exc.__class__.__name__})")
    printed = done.stdout.strip() or done.stderr.strip()
    found = kind_release(printed)
    if found is None:
        first = printed.splitlines()[0][:60] if printed else "nothing"
        return _unusable(f'kind says "{first}", which is not a release')
    if found < OLDEST_KIND:
        return _unusable(f"kind {_dotted(found)} is older than {_dotted(OLDEST_KIND)}")
    return Finding("kind", "fine", f"kind {_dotted(found)} is installed", _NEEDED_FOR)


def kind_release(printed: str) -> tuple[int, ...] | None:
    """The release that `kind version` prints; None for a version before a release.

    >>> kind_release("kind v0.33.0 go1.26.3 linux/amd64")
    (0, 33, 0)
    >>> kind_release("kind v0.33.0-alpha+1f2d go1.26.3 linux/amd64") is None
    True
    """
    found = re.match(r"kind (?:version )?v?(\d+)\.(\d+)\.(\d+)(?:\s|$)", printed)
    return tuple(map(int, found.groups())) if found else None


def api_answers(kubeconfig: Path) -> bool:
    """Whether the API server reads a namespace: then its store and its permissions work too."""
    from kubernetes.client import CoreV1Api  # noqa: PLC0415  slow to import
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    from canarylab.clusters.client import api_client  # noqa: PLC0415

    if not kubeconfig.exists():
        return False
    try:
        client = api_client(str(kubeconfig), retries=0)  # callers repeat the request anyway
    except SetupError:
        return False  # no usable kubeconfig
    try:
        CoreV1Api(client).read_namespace("default", _request_timeout=REQUEST_TIMEOUT_S)
    except (ApiException, HTTPError):
        return False
    finally:
        client.rest_client.pool_manager.clear()
        client.close()
    return True


def server_url(kubeconfig: Path) -> str:
    """The API server's URL in a kubeconfig that kind wrote: `https://127.0.0.1:38417`."""
    return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def creation_step(line: str) -> str | None:
    """The step that begins or fails in this line of kind's output, else None.

    Without a terminal kind writes a line ` • Preparing nodes 📦  ...` when a step begins and
    ` ✓ Preparing nodes 📦 ` or ` ✗ ...` when it ends.

    >>> creation_step(" • Preparing nodes 📦   ...")
    'preparing nodes'
    >>> creation_step(" ✗ Starting control-plane 🕹️")
    'starting control-plane failed'
    >>> creation_step(" ✓ Preparing nodes 📦 ") is None
    True
    """
    mark, _, rest = _ANSI.sub("", line).strip().partition(" ")
    kept = "".join(sign for sign in rest if unicodedata.category(sign) not in _EMOJI_CATEGORIES)
    words = " ".join(kept.split()).removesuffix("...").strip()
    if not words or mark not in {"•", "✗"}:
        return None
    words = words[:1].lower() + words[1:]
    return f"{words} failed" if mark == "✗" else words


def _create_cluster(kubeconfig: Path, lock: FileLock, report: Report) -> None:
    image = pinned_or_tagged_node_image()
    pulled = "" if find_image(image) else f", which Docker pulls: about {NODE_IMAGE_MB} MB"
    timed_out: list[str] = []

    def read(line: str) -> None:
        if "timed out waiting" in line.lower():
            timed_out.append(line)  # kind's exit status is 0 all the same
        elif step := creation_step(line):
            report(f"kind: {step}{pulled if step.startswith('ensuring node image') else ''}")

    report("starting kind")
    arguments = ["create", "cluster", "--name", NAME, "--config", str(config())]
    arguments += ["--kubeconfig", str(kubeconfig), "--wait", f"{NODE_TIMEOUT_S}s"]
    arguments += ["--image", image]
    # Podman's conmon inherits every descriptor from kind, and would hold the lock for as long as
    # the node runs.
    _run_kind(*arguments, report=read, pass_fds=[] if _provider() == "podman" else [lock.fileno()])
    kubeconfig.chmod(0o600)
    if timed_out:
        raise TimedOutError(
            f"The node of the kind cluster was not ready within {NODE_TIMEOUT_S} s. "
            "Close what you do not need, or give Docker more memory and processors, and try again."
        )


def _provider() -> str:
    """What kind runs the node with; it chooses itself where this is empty."""
    return os.environ.get("KIND_EXPERIMENTAL_PROVIDER", "")


def _other_provider() -> list[Finding]:
    """A finding if kind would run the node where the Docker API does not show it."""
    if _provider() in PROVIDERS:
        return []
    words = f"KIND_EXPERIMENTAL_PROVIDER is {_provider()}, and canarylab finds the node of a kind "
    words += "cluster in Docker or Podman only"
    remedy = "Unset the variable, or set it to docker or podman."
    return [Finding("kind", "missing", words, _NEEDED_FOR, remedy)]


def _run_kind(
    *arguments: str, report: Report = lambda _line: None, pass_fds: Collection[int] = ()
) -> None:
    """Run kind to its end; a failure that is known becomes a SetupError with what to do."""
    try:
        external_tools.stream("kind", *arguments, report=report, pass_fds=pass_fds)
    except ToolFailedError as exc:
        output = exc.output.lower()
        for words, (problem, remedy) in _KNOWN_FAILURES.items():
            if words in output:
                raise SetupError(f"{exc.output}\n{problem}. {remedy}") from exc
        raise


def _find_node() -> KindNode | None:
    """The node, running or not, by the label that kind itself uses."""
    with engine() as client:
        filters = {"label": f"io.x-k8s.kind.cluster={NAME}"}
        containers = client.api.containers(all=True, filters=filters)
    nodes = [KindNode(each["Id"], is_running=each["State"] == "running") for each in containers]
    return nodes[0] if nodes else None


def _require_node() -> KindNode:
    node = _find_node()
    if node is None:
        raise SetupError(
            "kind has made the cluster, and its container is not in the engine that answers here. "
            "Let DOCKER_HOST and the Docker context name the same engine."
        )
    return node


def _start_node(node: KindNode) -> None:
    """Start the container of a node that was stopped, by a reboot for example."""
    from docker.errors import APIError  # noqa: PLC0415

    with engine() as client:
        try:
            client.api.start(node.id)
        except APIError as exc:
            raise SetupError(
                f"The node of the kind cluster cannot be started again: {exc.explanation}. "
                "Correct the problem, or make a new cluster after `canarylab down --cluster kind`."
            ) from exc


def _port(number: int, needed_for: str, home: Home) -> Finding:
    found = machine.port(number, needed_for)
    if not machine.is_port_of_playground(number, home):
        return port_of_container(found)
    words = f"Port {number} is in use by the playground"
    return found._replace(words=words, remedy="End it with `canarylab down`.")


def _image_store(home: Home) -> Path:
    """Where the engine keeps its images; a folder that may not be on this machine at all."""
    with engine() as client:
        folder = client.info().get("DockerRootDir")
    return Path(folder) if folder and Path(folder).parent.is_dir() else home.root


def _require(findings: list[Finding]) -> None:
    """Raise SetupError that names everything missing, a line each."""
    missing = [str(finding) for finding in findings if not finding.is_available]
    if missing:
        raise SetupError("\n".join(missing))


def _unusable(words: str) -> Finding:
    release = _dotted(OLDEST_KIND)
    url = f"https://kind.sigs.k8s.io/dl/v{release}/kind-linux-{architecture()}"
    remedy = machine.remedy(
        {
            "Linux": f"Get it with `curl -Lo kind {url}`, then `install kind ~/.local/bin`, "
            "or another folder of PATH.",
            "macOS": "Get it with `brew install kind`, or `brew upgrade kind`.",
            "Windows": "Get it with `winget install Kubernetes.kind`.",
        }
    )
    return Finding("kind", "missing", words, _NEEDED_FOR, remedy)


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))


def _foreign_cluster_error() -> SetupError:
    return SetupError(
        f"A kind cluster called {NAME} is here already, and it is not one that canarylab made. "
        f"Delete it with `kind delete cluster --name {NAME}`, or use it as it is with "
        "CANARYLAB_CLUSTER=kubeconfig."
    )
