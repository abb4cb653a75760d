"""Builds an image without Docker, from the same Dockerfile: the image is a folder.

Its name as a builder is `process`, because its images run as processes.

Five instructions make files: WORKDIR, VOLUME, COPY, ADD and RUN. Each result is a layer, the whole
file tree after that instruction, named by everything that went into it (the tree before, the
instruction, the files it copies, the variables it sees); a later build reuses it. A layer is
complete or does not exist: it is made under another name and renamed at the end. One build runs at
a time.

Layers share files by hard links if nothing can write through them: a COPY replaces files and
never writes into one. A RUN line may, and so may a pod; both get real copies.

A RUN line has the image as its root where the kernel allows it (`run_root.py`). Of the caller's
environment it sees what is needed to reach a registry, and nothing else.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from canarylab.display import Report, no_report
from canarylab.errors import LAST_LINES_ADVICE, BuildError, CommandFailedError, SetupError, reason
from canarylab.images import build_context, dockerfile, run_root, yarn
from canarylab.images.build_context import BuildContext, CopiedFile, Dockerignore
from canarylab.images.builder import (
    BuildSource,
    BuildStep,
    BuiltImage,
    LocalRun,
    OnStep,
    app_source,
    is_npm_unreachable,
    not_built_error,
    shorten_output,
)
from canarylab.images.dockerfile import Instruction, RunMount
from canarylab.images.image_config import ImageConfig, plan
from canarylab.images.local_runs import ProcessRuns
from canarylab.images.yarn import uses_yarn
from canarylab.playground import images as image_store
from canarylab.playground.home import Home
from canarylab.playground.images import Image, map_paths, parse_reference
from canarylab.playground.node import pod_root
from canarylab.playground.nodejs import nodejs_version, path_in_folder

KEPT_LAYERS = 64  # the least recently used ones are removed first
LAYER_FORMAT = "2"  # part of every layer's key: a new format reuses no older layer

_NOT_FOUND = 127  # the exit status of a shell for a program that is not there
_OF_ALPINE = re.compile(r"\b(?:apk|addgroup|adduser|delgroup|deluser)\b")  # BusyBox has its own

_PASSED_ON = (
    *("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ"),
    *("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_PASSED_ON_IN_ANY_CASE = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Fill = Callable[[Path], None]
"""Writes a tree into an empty folder."""


class ProcessBuilder:
    """Builds images as folders of one home, and runs them as processes."""

    name = "process"

    def __init__(self, home: Home) -> None:
        self._images, self._runs = home.images, ProcessRuns(home.root / "local")

    def build(self, version: str, on_step: OnStep, report: Report = no_report) -> BuiltImage:
        """Build one version of the app."""
        return self.build_folder(app_source(version), on_step, report)

    def build_folder(
        self, source: BuildSource, on_step: OnStep, report: Report = no_report
    ) -> BuiltImage:
        """Build any folder with a Dockerfile."""
        folder, reference, build_args = source
        report(f"{reference}: reading the Dockerfile")

        def step_done(step: BuildStep) -> None:
            on_step(step)
            report(f"{reference}: step {step.number} of {step.total} is done")

        return _built_image(
            build(folder, reference, images=self._images, build_args=build_args, on_step=step_done)
        )

    def list_images(self) -> list[BuiltImage]:
        """Return every image in the home."""
        return [_built_image(image) for image in image_store.list_images(self._images)]

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run an image as a process that listens on 127.0.0.1 only."""
        image = image_store.find(self._images, reference)
        if image is None:
            raise not_built_error(reference)
        return self._runs.start(image, port=port)

    def running(self) -> list[LocalRun]:
        """Return what this program runs; a process ends with the program that started it."""
        return list(self._runs.running())

    def stop(self, port: int) -> bool:
        """Stop the process on this port."""
        return self._runs.stop(port)

    def stop_all(self) -> list[int]:
        """Stop every process; return the ports that are free again."""
        return self._runs.stop_all()


def build_app_image(version: str, images: Path, on_step: OnStep = lambda step: None) -> Image:
    """Build one version of the app; the versions differ by a build argument."""
    folder, reference, build_args = app_source(version)
    return build(folder, reference, images=images, build_args=build_args, on_step=on_step)


def build(
    context: Path,
    reference: str,
    *,
    images: Path,
    build_args: Mapping[str, str] | None = None,
    on_step: OnStep = lambda step: None,
) -> Image:
    """Build the image of a folder and tag it; `on_step` is called after each instruction.

    Raises DockerfileError, before anything is built, for a line that is not supported, and
    BuildError for a step that failed. A failed build leaves every image as it was.
    """
    parse_reference(reference)
    lines = _read_dockerfile(context)
    planned = plan(lines, build_args)
    with open_layers(images) as layers, layers.scratch() as scratch:
        begin = _yarn_layer(layers) if uses_yarn(context, lines) else None
        tree = _TreeBuilder(BuildContext.of(context), layers, scratch, begin or layers.empty)
        for number, (line, config) in enumerate(planned, start=1):
            started = time.monotonic()
            cached = tree.apply(line, config)
            seconds = time.monotonic() - started
            on_step(BuildStep(number, len(planned), str(line), cached, seconds))
        return tag_layer(_image(reference, planned[-1][1]), tree.layer, images, layers)


class Layer(NamedTuple):
    """A complete file tree, never changed again."""

    tree: Path
    digest: str
    size: int


def layer_key(*parts: str) -> str:
    """Return the name of the layer that is made from these.

    >>> layer_key("a", "b") == layer_key("ab", ""), len(layer_key("a"))
    (False, 64)
    """
    return hashlib.sha256(json.dumps([LAYER_FORMAT, *parts]).encode()).hexdigest()


class LayerStore:
    """The layers of one images folder. Made by `open_layers` only, which holds the lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.empty = self.find(layer_key()) or self.make(layer_key(), lambda tree: None)

    def find(self, key: str) -> Layer | None:
        """Return the layer of that key, if an earlier build made it."""
        file = self._folder / key / "layer.json"
        try:
            written = json.loads(file.read_text())
            os.utime(file.parent)  # mark as used
        except (OSError, ValueError):
            return None
        return Layer(file.parent / "tree", written["digest"], written["size"])

    def make(self, key: str, fill: Fill) -> Layer:
        """Make a new layer atomically; `fill` writes its tree."""
        with self.scratch() as scratch:
            tree = scratch / "tree"
            tree.mkdir()
            fill(tree)
            digest, size = _digest_and_size(tree)
            (scratch / "layer.json").write_text(json.dumps({"digest": digest, "size": size}))
            scratch.rename(self._folder / key)
        return Layer(self._folder / key / "tree", digest, size)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Provide a temporary folder; it is removed afterwards, unless it was renamed."""
        scratch = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def prune(self) -> None:
        """Remove temporary folders of killed builds, and the least recently used layers."""
        for left in self._folder.glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        layers = sorted(self._folder.glob("[!n]*"), key=lambda layer: layer.stat().st_mtime)
        for unused in layers[:-KEPT_LAYERS]:
            renamed = unused.rename(unused.with_name(f"new-{unused.name}"))
            shutil.rmtree(renamed, ignore_errors=True)


@contextmanager
def open_layers(images: Path) -> Iterator[LayerStore]:
    """Open the layers for one build at a time: a second build waits until the first has ended.

    The kernel releases the lock when its process ends, however it ends.
    """
    folder = images / ".layers"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (images / ".lock").open("w")
    except OSError as exc:
        raise SetupError(
            f"Images cannot be written to {images}: {exc.strerror}. "
            "Make the folder writable, or name another with CANARYLAB_HOME."
        ) from exc
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        layers = LayerStore(folder)
        layers.prune()
        yield layers


def copy_tree(source: Path, target: Path) -> None:
    """Fill `target` with copies of everything in `source`, which may be changed."""
    shutil.copytree(
        source, target, symlinks=True, dirs_exist_ok=True, copy_function=image_store.copy_file
    )


def link_tree(source: Path, target: Path) -> None:
    """Fill `target` with hard links to the files of `source`, which may not be written into."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link_or_copy)


class _Command(NamedTuple):
    words: list[str]
    passed_on: Sequence[int] = ()
    """Descriptors of files that it needs."""


def run_line(
    line: Instruction, config: ImageConfig, tree: Path, machine: Mapping[str, str] = os.environ
) -> None:
    """Run a RUN line in `tree`; raise BuildError for an exit status other than 0."""
    folder = build_context.make_folder(tree, config.working_dir)
    with tempfile.TemporaryDirectory() as base:
        if run_root.find_way(os.environ.get(pod_root.SETTING)) == "no":
            _run_on_the_machine(line, config, tree, folder, machine)
            return
        settings = {name: value for name, value in machine.items() if _is_passed_on(name)}
        path = config.values["PATH"]
        environment = run_root.environment(settings, config.run_env, path)
        argv = config.run_command(line)
        words, plan = run_root.command(argv, tree, config.working_dir, {**machine}, base)
        try:
            _run_and_check(line, config, _Command(words, (plan,)), tree, environment)
        finally:
            os.close(plan)


def _run_on_the_machine(
    line: Instruction, config: ImageConfig, tree: Path, folder: Path, machine: Mapping[str, str]
) -> None:
    """Run it in a folder with the paths of this machine, after a look at what it would write."""
    command = _Command([map_paths(word, tree) for word in config.run_command(line)])
    if words := run_root.outside_write(config.run_command(line), tree):
        raise line.build_error(
            f"`{words}` would change this machine, because no image has a root of its own here",
            "Use a path below WORKDIR, or build with `--builder docker`.",
        )
    _run_and_check(line, config, command, folder, run_environment(config, tree, machine))


def _run_and_check(
    line: Instruction,
    config: ImageConfig,
    command: _Command,
    folder: Path,
    environment: dict[str, str],
) -> None:
    with tempfile.TemporaryFile() as output:
        status = _run(command, folder, environment, output)
        if status != 0:
            output.seek(0)
            last = shorten_output(output.read().decode(errors="replace"))
            if (words := last.rpartition("\n")[2]).startswith(run_root.NOT_KEPT):
                raise BuildError(f"{line.where}: {words}")
            if is_npm_unreachable(last):
                raise BuildError(
                    f"{line.where}: `{line}` could not fetch its packages, because npm's registry "
                    "cannot be reached from here. Connect this machine to the network and build "
                    "again, or load a bundle: docs/offline.md says how."
                )
            advice = LAST_LINES_ADVICE
            if _needs_alpine(config, line, status):
                advice = (
                    "Without Docker a RUN line has this machine's programs, and not those of "
                    f"{config.base_image}. Build with Docker, or leave the line out."
                )
            raise CommandFailedError(
                line.where, str(line), status=status, output=last, advice=advice
            )


def _needs_alpine(config: ImageConfig, line: Instruction, status: int) -> bool:
    """Whether a line that failed is likely to have missed a program of Alpine Linux."""
    if "alpine" not in config.base_image:
        return False
    command = " ".join(config.run_command(line))
    return status == _NOT_FOUND or _OF_ALPINE.search(command) is not None


def run_environment(config: ImageConfig, tree: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a RUN line: the image's, over what leads to a registry."""
    return {
        **{name: value for name, value in machine.items() if _is_passed_on(name)},
        **_npm_settings(tree, machine),
        **config.run_env,
        "PATH": f"{tree}/usr/local/bin:{path_in_folder(config.values['PATH'], tree)}",
    }


def tag_layer(
    image: Image,
    layer: Layer,
    images: Path,
    layers: LayerStore,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Image:
    """Give the tag to an image of this layer; keep the present one if nothing changed.

    Each tag gets a copy of the tree: pods run in it, and what they write must reach neither
    another image nor a later build. The previous copy stays for the pods that still run in it.
    """
    before = image_store.find(images, image.reference)
    image_id = _image_id(image, layer)
    if before and before.id == image_id:
        return before
    folder = image_store.folder_of(images, image.reference)
    root = folder / image_id.removeprefix("sha256:")[:12]
    try:
        _copy_layer(layer, root, layers)
    except OSError as exc:
        raise BuildError(
            f"{image.reference} cannot be written to {images}: {reason(exc)}. "
            "Make room or make the folder writable, and build again."
        ) from exc
    created = now().isoformat(timespec="seconds").replace("+00:00", "Z")
    named = replace(image, id=image_id, root=root, size=layer.size, created=created)
    saved = image_store.save(images, named)
    _remove_others(folder, {saved.root, before.root if before else saved.root})
    return saved


@dataclass
class _TreeBuilder:
    """The file tree of each stage, changed by one instruction after the other."""

    context: BuildContext
    layers: LayerStore
    scratch: Path
    """For here-documents and unpacked archives; it ends with the build."""
    base: Layer
    """What a stage on Node.js begins with."""

    def __post_init__(self) -> None:
        self.layer = self.base
        self._stages: dict[int, Layer] = {}

    def apply(self, line: Instruction, config: ImageConfig) -> bool:
        """Carry out an instruction, or reuse its layer; return whether it was reused."""
        builders_by_keyword = {
            **dict.fromkeys(("WORKDIR", "VOLUME"), self._folders),
            **dict.fromkeys(("COPY", "ADD"), self._copy),
            "RUN": self._run,
        }
        if line.keyword == "FROM":
            begun = self.base if config.base is None else self._stages[config.base]
            self.layer = self._stages[config.stage] = begun
        if line.keyword not in builders_by_keyword:
            return False
        with _os_errors(line):
            key, fill = builders_by_keyword[line.keyword](line, config)
            found = self.layers.find(key)
            self.layer = self._stages[config.stage] = found or self.layers.make(key, fill)
            return found is not None

    def _folders(self, line: Instruction, config: ImageConfig) -> tuple[str, Fill]:
        before, folders = self.layer, (config.working_dir, *config.volumes)

        def fill(tree: Path) -> None:
            link_tree(before.tree, tree)
            for folder in folders:
                build_context.make_folder(tree, folder)

        return layer_key("WORKDIR", before.digest, *folders), fill

    def _copied(self, line: Instruction, config: ImageConfig) -> list[CopiedFile]:
        """Return what a COPY line copies."""
        before = self.layer
        stage = config.stage_named(line.flags.get("from", ""))
        context = self.context
        if stage is not None:
            context = BuildContext(self._stages[stage].tree, Dockerignore(), is_image=True)

        def is_folder(path: str) -> bool:
            return (before.tree / path.lstrip("/")).is_dir()

        return build_context.plan_copy(line, config, context, is_folder, self._scratch())

    def _copy(self, line: Instruction, config: ImageConfig) -> tuple[str, Fill]:
        before, files = self.layer, self._copied(line, config)
        planned = build_context.fingerprint(files)

        def fill(tree: Path) -> None:
            link_tree(before.tree, tree)
            if build_context.fingerprint(build_context.copy_files(files, tree)) != planned:
                problem = "a file changed while it was copied"
                raise line.build_error(problem, "Save everything, and build again.")

        return layer_key("COPY", before.digest, planned), fill

    def _run(self, line: Instruction, config: ImageConfig) -> tuple[str, Fill]:
        before = self.layer
        mounts = [self._mounted(line, mount, config) for mount in line.mounts]
        files = [file for _, copied in mounts for file in copied]

        def fill(tree: Path) -> None:
            copy_tree(before.tree, tree)
            with build_context.mount_copies(mounts, tree, self._scratch()):
                run_line(line, config, tree)

        variables = json.dumps(config.run_env, sort_keys=True)
        parts = (
            json.dumps(config.run_command(line)),
            config.working_dir,
            variables,
            nodejs_version(),
            build_context.fingerprint(files),
        )
        return layer_key("RUN", before.digest, *parts), fill

    def _mounted(
        self, line: Instruction, mount: RunMount, config: ImageConfig
    ) -> tuple[str, list[CopiedFile]]:
        """Return a mount's target, and what a RUN line sees there."""
        target = config.path_in_image(mount.target)
        if target == "/":
            raise line.error("--mount has the target /", "Name a file or folder below it.")
        if mount.source is None:
            return target, [CopiedFile(self._scratch(), target)]
        return target, self._copied(_copy_line(line, mount.source, mount), config)

    def _scratch(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.scratch))


def _copy_line(line: Instruction, source: str, mount: RunMount) -> Instruction:
    """Return the COPY line that would keep what a RUN line mounts."""
    words, flags = json.dumps([source, mount.target]), {"from": mount.stage}
    return replace(line, keyword="COPY", text=words, flags=flags, documents=())


def _yarn_layer(layers: LayerStore) -> Layer | None:
    """Return the layer with Yarn; None if it cannot be fetched, which is tried at each build."""
    key = layer_key("YARN", yarn.VERSION)
    try:
        return layers.find(key) or layers.make(key, yarn.install)
    except yarn.YarnUnreachableError:
        return None


def _read_dockerfile(context: Path) -> list[Instruction]:
    file = context / "Dockerfile"
    try:
        return dockerfile.parse(file.read_text(encoding="utf-8"), str(file))
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError(
            f"There is no Dockerfile in {context}. Name the folder that has one."
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BuildError(f"{file} cannot be read: {exc}. Make it a readable text file.") from exc


@contextmanager
def _os_errors(line: Instruction) -> Iterator[None]:
    """Turn an OSError, such as a full disk, into a BuildError that names the line."""
    try:
        yield
    except OSError as exc:
        file = exc.filename2 or exc.filename  # of two, the second is the one that was written
        about = f" ({file})" if file else ""
        problem = f"{line} met an error: {reason(exc)}{about}"
        raise line.build_error(problem, "Correct the problem, and build again.") from exc


def _digest_and_size(tree: Path) -> tuple[str, int]:
    """Return the digest of all names, modes and bytes in a tree, and its size in bytes.

    Raise OSError for a device: only root can copy one, and it would be one of this machine.
    """
    digest, size = hashlib.sha256(), 0
    for path in sorted(tree.rglob("*")):
        name, mode = path.relative_to(tree), path.lstat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise OSError(errno.ENOTSUP, "without Docker an image has no devices", f"/{name}")
        digest.update(os.fsencode(f"{name}\0{mode:o}\0"))
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        elif path.is_file():
            file_bytes = path.read_bytes()
            digest.update(hashlib.sha256(file_bytes).digest())
            size += len(file_bytes)
    return digest.hexdigest(), size


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without links, or one file with too many
        image_store.copy_file(source, target)


def _is_passed_on(name: str) -> bool:
    lowered = name.lower()
    return (
        name in _PASSED_ON or lowered in _PASSED_ON_IN_ANY_CASE or lowered.startswith("npm_config_")
    )


def _npm_settings(tree: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """Send `npm install --global` into the image; keep the machine's own global npmrc.

    npm looks for that file next to the node that runs it, which is here the one from pip.
    """
    settings = {"npm_config_prefix": f"{tree}/usr/local"}
    node = shutil.which("node", path=machine.get("PATH"))
    npmrc = Path(node).resolve().parent.parent / "etc" / "npmrc" if node else None
    if npmrc and npmrc.is_file() and "npm_config_globalconfig" not in machine:
        settings["npm_config_globalconfig"] = str(npmrc)
    return settings


def _run(command: _Command, folder: Path, environment: dict[str, str], output: IO[bytes]) -> int:
    """Return the exit status. All processes it started end with it, or when we are interrupted."""
    try:
        process = subprocess.Popen(
            command.words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=command.passed_on,
        )
    except OSError as exc:
        output.write(f"{command.words[0]}: {exc.strerror}".encode())
        return 127
    try:
        # Not reaped yet, so its pid cannot be reused while we end its process group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _image(reference: str, config: ImageConfig) -> Image:
    """Return the image without its files."""
    return Image(
        reference=reference,
        id="",
        root=Path(),
        working_dir=config.working_dir,
        user=config.user,
        env=dict(config.env),
        entrypoint=list(config.entrypoint),
        command=list(config.command),
        exposed_ports=list(config.exposed_ports),
        labels=dict(config.labels),
        stop_signal=config.stop_signal,
        notes=list(config.notes),
    )


def _image_id(image: Image, layer: Layer) -> str:
    """Return the digest of config and files, which does not depend on the image's name."""
    parts = json.dumps({**asdict(image), "reference": "", "root": "", "files": layer.digest})
    return f"sha256:{hashlib.sha256(parts.encode()).hexdigest()}"


def _copy_layer(layer: Layer, root: Path, layers: LayerStore) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    if root.exists():  # it was renamed when it was complete
        return
    with layers.scratch() as scratch:
        copy_tree(layer.tree, scratch / "tree")
        (scratch / "tree").rename(root)


def _remove_others(folder: Path, kept: set[Path]) -> None:
    for old in folder.iterdir():
        if old.is_dir() and old.resolve() not in kept:
            shutil.rmtree(old, ignore_errors=True)


def _built_image(image: Image) -> BuiltImage:
    return BuiltImage(image.reference, image.size, image.id, tuple(image.notes))
