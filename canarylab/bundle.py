"""`canarylab bundle`: what the lessons download, in one archive for machines without network.

It has three parts. wheels: canarylab and all that it needs, which pip installs without an index;
the archive is a plain tar, so a learner without canarylab takes them out with `tar`. playground:
the app as it was built for the playground, with the layers that let a learner build it again
without npm's registry. images: what the engine saves, in one stream, so that layers which images
share are in it once. Loading twice, or again after an interruption, has the same result as loading
once.
"""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from canarylab import __version__, machine, resources
from canarylab.bundle_archive import (
    BUFFER_BYTES,
    IMAGES,
    MANIFEST,
    PARTS,
    PLAYGROUND,
    ArchiveWriter,
    Bundle,
    BundleManifest,
    Part,
    Platform,
    atomic_write,
    explained_os_errors,
    is_usable,
    open_bundle,
)
from canarylab.clusters.kind_images import node_image, traefik_image
from canarylab.display import Report
from canarylab.docker_engine import engine
from canarylab.errors import EngineError, SetupError, ToolFailedError
from canarylab.external_tools import LAST_LINES
from canarylab.images.builder import APP_NAME, VERSIONS, app_reference
from canarylab.images.process_build import build_app_image, open_layers
from canarylab.machine import format_size
from canarylab.playground.home import Home
from canarylab.playground.images import find, folder_of

if TYPE_CHECKING:
    from docker import DockerClient

LAYERS, IMAGE_RECORD = ".layers", "image.json"  # in a folder of images
GZIP_LEVEL = 1  # compression speed matters more than size
ENGINE_TIMEOUT_S = 3600  # an engine may be silent for minutes over a gigabyte


def save(
    file: Path,
    home: Home,
    report: Report,
    parts: Collection[Part] = PARTS,
    projects: Sequence[str] = (),
) -> str:
    """Write the archive and say what it holds.

    `projects` are the requirements for pip; empty means canarylab and all that it needs. Raises
    SetupError, and leaves no archive, if a part cannot be had.
    """
    folder = file.absolute().parent
    if not folder.is_dir():
        raise SetupError(f"There is no folder {folder}. Create it, or choose another place.")
    if "images" in parts:
        _require_engine()  # before the minutes that pip takes
    with atomic_write(file.absolute()) as opened_file:
        archive = ArchiveWriter(opened_file)
        # images first, because they may be refused
        tags = collect_images(archive, wanted_images(), report) if "images" in parts else []
        if "wheels" in parts:
            report("making wheels of canarylab and all that it needs")
            collect_wheels(archive, projects or [checkout()], folder)
        if "playground" in parts:
            report("building the app for the playground")
            collect_playground(archive, home)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = BundleManifest(tuple(archive.entries), Platform.here(), tags, now, __version__)
        archive.add(MANIFEST, lambda sink: sink.write(manifest.to_json()))
        size = archive.finish()
    return (
        f"{file} is saved: {format_size(size)}, for {manifest.platform}.\n"
        f"It holds {_describe(manifest)}."
    )


def load(
    file: Path,
    home: Home,
    report: Report,
    parts: Collection[Part] = PARTS,
    here: Platform | None = None,
) -> str:
    """Check the archive, load what is wanted and usable here, and say what was loaded.

    Raises SetupError if nothing can be loaded.
    """
    here = here or Platform.here()
    report(f"checking {file}")
    with open_bundle(file) as bundle:
        manifest = bundle.manifest
        wanted = [part for part in manifest.parts() if part in parts]
        usable = [part for part in wanted if is_usable(part, manifest.platform, here)]
        if not wanted:
            raise SetupError(
                f"{file} holds {' and '.join(manifest.parts()) or 'nothing'}, but not "
                f"{' and '.join(parts)}. Save a bundle that has these parts, or omit `--parts`."
            )
        if not usable:
            raise SetupError(
                f"{file} is for {manifest.platform}, so nothing in it works on {here}. "
                "Save a bundle on a machine like this one."
            )
        _require_engine_and_disk(usable, manifest, file, home)
        lines = [line for part in usable for line in _load_part(part, bundle, home, report)]
    lines += [
        f"Left out: the {part}, which are for {manifest.platform}; here is {here}."
        for part in wanted
        if part not in usable
    ]
    return "\n".join(lines)


def parse_parts(text: str) -> list[Part]:
    """The parts named in an option's value; raise ValueError for an unknown one.

    >>> parse_parts("wheels, images")
    ['wheels', 'images']
    """
    named = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [word for word in named if word not in PARTS]:
        raise ValueError(f'A bundle has no part "{unknown[0]}". Choose from: {", ".join(PARTS)}.')
    if not named:
        raise ValueError(f"No part is named. Choose from: {', '.join(PARTS)}.")
    return [cast("Part", word) for word in named]


def collect_wheels(archive: ArchiveWriter, wanted: Sequence[str], folder: Path) -> None:
    """Let pip make or fetch the wheels of what is wanted, and add them."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".wheels-") as wheels:
        _run_pip("wheel", "--wheel-dir", wheels, *wanted)
        for wheel in sorted(Path(wheels).glob("*.whl")):
            archive.add(f"wheels/{wheel.name}", partial(_copy, wheel))


def checkout() -> str:
    """The folder that canarylab is developed in, which pip makes its wheel of."""
    folder = resources.PACKAGE.parent
    if not (folder / "pyproject.toml").is_file():
        raise SetupError(
            "canarylab is installed here without the folder it was installed from, so there is "
            "nothing to make a wheel of. Save the bundle from that folder, or leave the wheels "
            "out with `--parts playground,images`."
        )
    return str(folder)


def load_wheels(bundle: Bundle, home: Home) -> Path:
    """Replace the wheels of an earlier bundle by these; return their folder."""
    place, draft = wheelhouse(home), wheelhouse(home).with_suffix(".new")
    with explained_os_errors(place):
        shutil.rmtree(draft, ignore_errors=True)  # of a load that was interrupted
        draft.mkdir(parents=True)
        for entry in bundle.manifest.of("wheels"):
            with (
                bundle.open(entry.name) as wheel,
                (draft / Path(entry.name).name).open("wb") as copy,
            ):
                shutil.copyfileobj(wheel, copy)
        if place.exists():
            shutil.rmtree(place)
        draft.rename(place)
    return place


def wheelhouse(home: Home) -> Path:
    """The folder of the wheels once they are loaded."""
    return home.root / "wheelhouse"


def pip_command(wheels: Path) -> str:
    """The command that installs canarylab from there.

    >>> pip_command(Path("/room/wheelhouse"))
    'python3 -m pip install --no-index --find-links /room/wheelhouse canarylab'
    """
    return f"python3 -m pip install --no-index --find-links {shlex.quote(str(wheels))} canarylab"


def collect_playground(archive: ArchiveWriter, home: Home) -> None:
    """Build both versions of the app, unless they are built, and add them."""
    home.prepare()
    for version in VERSIONS:
        build_app_image(version, home.images)
    with open_layers(home.images):
        archive.add(PLAYGROUND, lambda sink: _pack_images(home.images, sink))


def load_playground(bundle: Bundle, home: Home) -> list[str]:
    """Unpack the images, and return which are new; one that is here already stays as it is."""
    home.prepare()
    with (
        explained_os_errors(home.images),
        open_layers(home.images) as layers,
        layers.scratch() as scratch,
    ):
        with bundle.open(PLAYGROUND) as packed:
            _extract(packed, scratch)
        for layer in (scratch / LAYERS).glob("*"):
            _move_if_new(layer, home.images / LAYERS / layer.name)
        return [
            name
            for name in map(app_reference, VERSIONS)
            if _install_image(name, scratch, home.images)
        ]


def wanted_images() -> list[str]:
    """All images that the lessons run in containers, by the names that the lessons use.

    >>> wanted_images()[-1], wanted_images()[0].partition("@")[0]
    ('node_app:2.0', 'kindest/node:v1.37.0')
    """
    dockerfile = (resources.folder("app") / "Dockerfile").read_text(encoding="utf-8")
    base = re.findall(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    return [node_image(), *base, traefik_image(), *map(app_reference, VERSIONS)]


def tag_of(name: str) -> str:
    """The name without its digest, which an archive does not keep.

    Images that are pinned by digest are saved under their tags; clusters/kind_images.py uses
    the tag if the digest is not here.

    >>> tag_of("kindest/node:v1.37.0@sha256:a1ed")
    'kindest/node:v1.37.0'
    """
    return name.partition("@")[0]


def collect_images(archive: ArchiveWriter, names: Sequence[str], report: Report) -> list[str]:
    """Pull what is missing and add all images; the names that they will have."""
    with _engine_with_long_timeout() as client:
        for name in names:
            _ensure_tagged(client, name, report)
        tags = [tag_of(name) for name in names]
        report(f"saving {len(tags)} images")
        archive.add(IMAGES, lambda sink: _save_images(client, tags, sink))
    return tags


def load_images(bundle: Bundle, report: Report) -> None:
    """Let the engine load the images; one that it has already costs nothing."""
    from docker.errors import APIError  # noqa: PLC0415  docker-py is slow to import

    report(f"loading {len(bundle.manifest.images)} images into Docker")
    with _engine_with_long_timeout() as client, bundle.open(IMAGES) as packed:
        try:
            events: Iterator[dict[str, Any]] = client.api.load_image(packed)  # type: ignore[no-untyped-call]
            problem = next((str(each["error"]) for each in events if "error" in each), None)
        except APIError as exc:
            problem = str(exc.explanation or exc)
    if problem:
        raise SetupError(
            f"Docker did not load the images: {problem}. "
            "If the disk is full, run `docker system prune`. Then load the bundle again."
        )


def _describe(manifest: BundleManifest) -> str:
    """In words: "84 wheels (92 MB) and the app for the playground (5 MB)"."""
    wheels = len(manifest.of("wheels"))
    names: dict[Part, str] = {
        "wheels": f"{wheels} {'wheel' if wheels == 1 else 'wheels'}",
        "playground": "the app for the playground",
        "images": f"{len(manifest.images)} images",
    }
    words = [
        f"{names[part]} ({format_size(sum(entry.size for entry in manifest.of(part)))})"
        for part in manifest.parts()
    ]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _require_engine_and_disk(
    parts: Collection[Part], manifest: BundleManifest, file: Path, home: Home
) -> None:
    if "images" in parts:
        _require_engine()
    unpacked = [part for part in parts if part != "images"]
    needed = sum(entry.size for part in unpacked for entry in manifest.of(part))
    disk = machine.disk(home.root, 3 * needed, "the bundle")  # packed, unpacked, and the one before
    if not disk.is_available:
        raise SetupError(f"{disk.words}, which is too little for {file}. {disk.remedy}")


def _require_engine() -> None:
    """Raise EngineError, with a way to do without, if no engine answers."""
    try:
        with engine():
            return
    except EngineError as exc:
        remedy = f"{exc.remedy} Or leave the images out: `--parts wheels,playground`."
        raise EngineError(exc.why, exc.problem, remedy) from exc


def _load_part(part: Part, bundle: Bundle, home: Home, report: Report) -> list[str]:
    match part:
        case "wheels":
            report("copying the wheels")
            wheels = load_wheels(bundle, home)
            return ["The wheels are copied. Install canarylab with:", f"  {pip_command(wheels)}"]
        case "playground":
            report("copying the app to the playground")
            if new := load_playground(bundle, home):
                return [f"The playground has {' and '.join(new)}."]
            return ["The playground has its images already."]
        case "images":
            load_images(bundle, report)
            return [f"Docker has {', '.join(bundle.manifest.images)}."]


def _run_pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        output = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise ToolFailedError(["pip", *arguments], status=done.returncode, output=output)


def _copy(file: Path, sink: BinaryIO) -> None:
    with file.open("rb") as content:
        shutil.copyfileobj(content, sink)


def _pack_images(images: Path, sink: BinaryIO) -> None:
    paths = [images / LAYERS]
    for name in map(app_reference, VERSIONS):
        if (image := find(images, name)) is not None:
            folder = folder_of(images, name)
            paths += [folder / IMAGE_RECORD, folder / image.root.name]
    with tarfile.open(fileobj=sink, mode="w|gz") as tar:
        for path in paths:
            tar.add(path, path.relative_to(images))


def _extract(packed: IO[bytes], folder: Path) -> None:
    try:
        with tarfile.open(fileobj=packed, mode="r|gz") as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as exc:
        raise SetupError(
            f"The app in this bundle cannot be unpacked: {exc}. "
            "Load only a bundle that `canarylab bundle save` wrote."
        ) from exc


def _install_image(name: str, scratch: Path, images: Path) -> bool:
    """Move an unpacked image to its place; False if it is there already, or not unpacked."""
    if find(images, name) is not None:
        return False
    unpacked, place = folder_of(scratch, name), folder_of(images, name)
    if not (unpacked / IMAGE_RECORD).is_file():
        return False
    for tree in unpacked.iterdir():
        if tree.is_dir():
            _move_if_new(tree, place / tree.name)
    (unpacked / IMAGE_RECORD).replace(place / IMAGE_RECORD)  # last: it makes the image exist
    return True


def _move_if_new(source: Path, target: Path) -> None:
    """Move a folder, unless it is there: such a folder is named by what is in it."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)


@contextmanager
def _engine_with_long_timeout() -> Iterator[DockerClient]:
    with engine() as client:
        client.api.timeout = ENGINE_TIMEOUT_S
        yield client


def _ensure_tagged(client: DockerClient, name: str, report: Report) -> None:
    """Make sure that the engine has the image, under its tag."""
    if not _has(client, name):
        if name.startswith(f"{APP_NAME}:"):
            raise SetupError(
                f"The image {name} is not built. Build it with `canarylab build --builder docker`."
            )
        _pull(client, name, report)
    if tag_of(name) != name and _has(client, name):
        client.images.get(_lookup_name(name)).tag(*tag_of(name).rsplit(":", 1))


def _pull(client: DockerClient, name: str, report: Report) -> None:
    from docker.errors import APIError  # noqa: PLC0415

    report(f"pulling {name}")
    tag, _, digest = name.partition("@")
    repository, _, version = tag.rpartition(":")
    try:
        client.images.pull(repository, tag=digest or version)
    except APIError as exc:
        if digest and _has(client, tag):
            return  # an earlier bundle brought it
        raise SetupError(
            f"The image {name} is not here and cannot be pulled: {exc.explanation or exc}. "
            "Save the bundle on a machine with network, or leave the images out with "
            "`--parts wheels,playground`."
        ) from exc


def _lookup_name(name: str) -> str:
    """A name that every engine looks up: Podman refuses one with tag and digest."""
    tag, separator, digest = name.partition("@")
    return f"{tag.rpartition(':')[0]}@{digest}" if separator else name


def _has(client: DockerClient, name: str) -> bool:
    from docker.errors import APIError  # noqa: PLC0415

    try:
        client.images.get(_lookup_name(name))
    except APIError:
        return False
    return True


def _save_images(client: DockerClient, tags: Sequence[str], sink: BinaryIO) -> None:
    # docker-py saves one image at a time, which would repeat the layers that they share
    url = f"{client.api.base_url}/v{client.api.api_version}/images/get"
    options: dict[str, Any] = {"params": {"names": list(tags)}, "timeout": ENGINE_TIMEOUT_S}
    with client.api.get(url, stream=True, **options) as response:
        if not response.ok:
            raise SetupError(
                f"Docker did not save the images: {response.text.strip()[:200]}. "
                "Check that `docker image save` works, and try again."
            )
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
            for chunk in response.iter_content(BUFFER_BYTES):
                packed.write(chunk)
