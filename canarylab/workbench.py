"""What a learner does before there is a cluster: build images, run them, ask them, read files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from canarylab import resources
from canarylab.clusters.base import Cluster
from canarylab.display import FileView, Table, status_line
from canarylab.images.builder import (
    APP_NAME,
    LOCAL_PORTS,
    VERSIONS,
    Builder,
    BuildStep,
    LocalRun,
    OnProgress,
    app_reference,
)
from canarylab.images.choose import BuilderSelection
from canarylab.manifests import Object, differences, load
from canarylab.playground.home import Home
from canarylab.ports import is_held_by_parent, unused
from canarylab.source import source
from canarylab.traffic.http import HttpResponse, get
from canarylab.traffic.text import counted, listed


class Workbench:
    """The half of `Lab` that needs no cluster, but for handing images to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._home = Home.of_user()
        self._local = BuilderSelection(self._home)

    def build(self, *versions: str, builder: Literal["docker", "process"] | None = None) -> Table:
        """Build the app's images, both versions if none is named, and show what there is.

        They are built with Docker where it answers, else without it. The builder that you name is
        used from then on.

        >>> lab.build("2.0", builder="process")
        Built from app/Dockerfile without Docker.
        ...
        """
        chosen = self._local.use(builder)
        with status_line() as say:
            made = [_build(chosen, version, say) for version in versions or VERSIONS]
            notes = [self.cluster.load_image(row[0], say) for row in made]
        said = tuple(dict.fromkeys(note for note in notes if note))
        columns = ("image", "size", "steps reused", "took")
        return Table(_built_with(chosen), columns, made, notes=said)

    def images(self) -> Table:
        """The app's images and their sizes, as `docker images` lists them.

        >>> lab.images()
        2 images of node_app.
        ...
        """
        found = self._local.use().list_images()
        rows = [(each.reference, _short(each.id), _megabytes(each.size)) for each in found]
        return Table(f"{counted(len(rows), 'image')} of {APP_NAME}.", ("image", "id", "size"), rows)

    def run_locally(self, version: str, *, port: int | None = None) -> LocalRun:
        """Run one version on this machine, without a cluster: 1.0 on 8888, 2.0 on 9999.

        Where Jupyter itself has that port, as on Binder, another one is taken.

        >>> lab.run_locally("2.0")
        node_app:2.0 answers at http://127.0.0.1:9999
        >>> lab.run_locally("1.0")
        node_app:1.0 answers at http://127.0.0.1:8888
        """
        return self._local.run(app_reference(version), port=port or _usual_port(version))

    def get(self, url: str) -> HttpResponse:
        """One request, and the answer as `curl -i` shows it.

        >>> lab.get("http://127.0.0.1:8888").body
        '"Version 1.0"'
        """
        return get(url)

    def local_runs(self) -> dict[str, LocalRun]:
        """What runs locally, by version.

        >>> sorted(lab.local_runs())
        ['1.0', '2.0']
        """
        return {run.reference.partition(":")[2]: run for run in self._local.running()}

    def stop_local(self) -> Table:
        """End what runs locally.

        >>> lab.stop_local()
        Free again: port 9999 and port 8888.
        """
        ports = self._local.stop_all()
        return Table(f"Free again: {listed(f'port {port}' for port in ports)}.")

    def show(self, path: str, *, against: str | None = None) -> FileView:
        """A file, with `>` at the lines that another one has not.

        >>> lab.show("manifests/3-canary/canary.yaml")
        manifests/3-canary/canary.yaml
        ...
        """
        text = place(path).read_text()
        other = text if against is None else place(against).read_text()
        title = path if against is None else f"{path}; lines marked > differ from {against}"
        return FileView(title, differences(other, text))

    def read(self, path: str) -> Object:
        """The first object in a manifest, as a dictionary to look at and to change.

        >>> lab.read("manifests/3-canary/canary.yaml")["kind"]
        'Deployment'
        """
        return load(place(path))[0]

    def source(self, name: str) -> FileView:
        """The code that makes it happen, as it runs here.

        >>> lab.source("controllers/rollout").title
        'canarylab/playground/controllers/rollout.py'
        """
        return source(name)


def _build(builder: Builder, version: str, say: OnProgress) -> tuple[str, str, str, str]:
    steps: list[BuildStep] = []
    image = builder.build(version, steps.append, say)
    made = [step for step in steps if step.makes_files]
    reused, seconds = sum(step.cached for step in made), sum(step.seconds for step in steps)
    return image.reference, _megabytes(image.size), f"{reused} of {len(made)}", f"{seconds:.1f} s"


def _built_with(builder: Builder) -> str:
    way = "without Docker" if builder.name == "process" else f"with {builder.name}"
    return f"Built from app/Dockerfile {way}."


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _short(identity: str) -> str:
    """As `docker images` writes it."""
    return identity.removeprefix("sha256:")[:12]


def _usual_port(version: str) -> int:
    usual = LOCAL_PORTS.get(version)
    if usual is None:
        raise ValueError(f"Version {version} has no port of its own. Name one with `port=`.")
    return unused() if is_held_by_parent(usual) else usual


def place(path: str) -> Path:
    """A path as a reader types it, from the notebook's folder or from the repository's."""
    direct = Path(path)
    first, _, rest = path.partition("/")
    if not direct.exists() and first in {"app", "manifests"}:
        return resources.folder("app" if first == "app" else "manifests") / rest
    return direct
