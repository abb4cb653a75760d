"""The command line: up, down, status, kubeconfig, url, doctor, build, bundle, lab, tour, sample.

Each command imports only what it needs, so that `canarylab --help` is quick.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canarylab.display import Table
from canarylab.errors import CanaryLabError, ClusterError
from canarylab.playground.home import Home

if TYPE_CHECKING:
    from canarylab.traffic import Sample

app = typer.Typer(
    help="Learn canary releases on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

bundle = typer.Typer(
    help="Pack everything for a room without network, and unpack it there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle, name="bundle")

BUNDLE_PARTS = "wheels,playground,images"

ApiPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the playground's API server.")
]
ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="playground, kind or kubeconfig; else what CANARYLAB_CLUSTER says, else the best.",
    ),
]
BundleFile = Annotated[Path, typer.Argument(help="The archive: class.tar.")]
BundleParts = Annotated[
    str, typer.Option(help=f"What to take, with commas between: {BUNDLE_PARTS}.")
]


@app.command()
def up(cluster: ClusterName = None, api_port: ApiPort = None) -> None:
    """Start a cluster, or find the one that runs."""
    from canarylab.clusters.choose import choose
    from canarylab.clusters.playground import Playground
    from canarylab.display import status_line

    chosen = choose(cluster)
    if api_port is not None and chosen.cluster.name != "playground":
        raise typer.BadParameter("only the playground can be told its --api-port")
    if api_port is not None:
        chosen = chosen._replace(cluster=Playground(api_port=api_port))
    with status_line() as report:
        chosen.cluster.start(report)
    print(f"You are on {chosen.reason}.")
    print(chosen.cluster.status())
    print(f"For kubectl: export KUBECONFIG={chosen.cluster.kubeconfig}")


@app.command()
def down(cluster: ClusterName = None) -> None:
    """End a cluster and all its pods: the one you name, else the playground."""
    from canarylab.clusters.choose import choose_to_stop, describe
    from canarylab.images.choose import remove_containers
    from canarylab.text import join_words

    chosen = choose_to_stop(cluster)
    runs = chosen.status() is not None
    if chosen.stop():
        print(f"{_capitalized(describe(chosen))} has ended.")
    else:
        print(
            chosen.stop_instructions
            if runs
            else f"{_capitalized(describe(chosen))} was not running."
        )
    if ports := remove_containers(Home.of_user()):
        print(
            f"Containers of lesson 01 are gone from {join_words(f'port {port}' for port in ports)}."
        )


@app.command()
def status(cluster: ClusterName = None) -> None:
    """Say whether a cluster runs.

    The exit status is 1 when it does not.
    """
    from canarylab.clusters.choose import choose, describe

    chosen = choose(cluster).cluster
    found = chosen.status()
    print(found or f"{_capitalized(describe(chosen))} does not run. `canarylab up` starts it.")
    raise typer.Exit(0 if found else 1)


@app.command()
def kubeconfig(cluster: ClusterName = None) -> None:
    """Print the value for KUBECONFIG.

    For kubectl: export KUBECONFIG=$(canarylab kubeconfig)
    """
    from canarylab.clusters.choose import choose, describe

    chosen = choose(cluster).cluster
    if chosen.status() is None:
        does_not = f"{_capitalized(describe(chosen))} does not run yet."
        typer.echo(f"{does_not} `canarylab up` starts it and writes this file.", err=True)
    print(chosen.kubeconfig)


@app.command()
def url(
    name: Annotated[str, typer.Argument(help="A Service or an Ingress.")] = "nodeapp-svc",
    cluster: ClusterName = None,
) -> None:
    """Print where a Service or an Ingress answers.

    For curl: curl $(canarylab url)
    """
    from contextlib import closing

    from canarylab.clusters.choose import choose, describe
    from canarylab.release.connection import Connection
    from canarylab.release.service_url import reachable_url

    chosen = choose(cluster).cluster
    if chosen.status() is None:
        raise ClusterError(
            f"{_capitalized(describe(chosen))} does not run. `canarylab up` starts it."
        )
    with closing(
        Connection(chosen.kubeconfig, chosen.namespace, context=chosen.context)
    ) as connection:
        print(reachable_url(chosen, connection, name))


@app.command()
def build(
    builder: Annotated[
        str | None,
        typer.Option(
            help="docker or process; else what CANARYLAB_BUILDER says, else Docker if it answers."
        ),
    ] = None,
    cluster: ClusterName = None,
    registry: Annotated[
        str | None,
        typer.Option(help="Push them to this registry, for a cluster on other machines."),
    ] = None,
) -> None:
    """Build node_app:1.0 and node_app:2.0, and load them into the cluster."""
    from canarylab.clusters.choose import choose
    from canarylab.clusters.kubeconfig import push_image
    from canarylab.display import output_with_status_line
    from canarylab.images.builder import VERSIONS
    from canarylab.images.choose import choose_builder

    home = Home.of_user()
    home.prepare()
    chosen, why = choose_builder("docker" if registry else builder, home=home)
    print(f"Building {'without' if chosen.name == 'process' else 'with'} Docker. {why}", flush=True)
    for version in VERSIONS:
        with output_with_status_line(print) as (write, report):
            image = chosen.build(version, write, report)
            if registry is None:
                note = choose(cluster).cluster.load_image(image.reference, report)
            else:
                note = push_image(image.reference, registry, report)
        print(f"{image.reference} is built: {image.size / 1e6:.0f} MB, {image.id[:19]}")
        if note:
            print(note)
    if registry is not None:
        print(f"For the lessons: export CANARYLAB_CLUSTER=kubeconfig CANARYLAB_REGISTRY={registry}")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show what this machine has, what is missing, and what can run on it.

    The exit status is 1 when nothing can run.
    """
    from canarylab.clusters.choose import choose
    from canarylab.clusters.kind import KindCluster
    from canarylab.doctor import diagnose

    try:
        chosen = f"A lesson takes {choose().reason}"
    except CanaryLabError as exc:
        chosen = str(exc).rstrip(".")
    home = Home.of_user()
    found = diagnose(home, has_kind_cluster=KindCluster(home).was_created(), chosen=chosen)
    print(json.dumps(found.to_dict(), indent=2) if as_json else found)
    raise typer.Exit(0 if found.can_run else 1)


@app.command()
def lab(
    port: Annotated[
        int | None, typer.Option(help="Port for JupyterLab; else one that is free.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    reset: Annotated[
        str | None,
        typer.Option(metavar="LESSON", help="Only bring this lesson back as it came: 03-canary."),
    ] = None,
) -> None:
    """Open JupyterLab at the first lesson.

    The lessons are copied to ./canarylab-lessons. One that you have not changed is
    replaced when canarylab has a newer one.
    """
    from canarylab.jupyter import restore_lesson, run_jupyterlab

    if reset is not None:
        print("\n".join(restore_lesson(reset, Path.cwd())))
        return
    run_jupyterlab(port=port, browser=browser, report=lambda line: print(line, flush=True))


@app.command()
def tour(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("output/tour"),
    requests: Annotated[int, typer.Option(min=1, help="Requests at each sample.")] = 400,
) -> None:
    """Run the whole canary release in this terminal, and save pictures.

    The exit status is 1 if a share is not what the pods suggest, or a request failed. Bad luck
    alone does that less than once in 2,000 times.
    """
    from canarylab.tour import report

    raise typer.Exit(0 if report(out, requests) else 1)


@app.command()
def sample(
    url: Annotated[str, typer.Argument(help="Where to send requests: http://127.0.0.1:32089")],
    count: Annotated[
        int | None, typer.Option(help="How many requests; 100 if no bound is given.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="For how long, instead of how many.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="How many at once.")] = 16,
    keep_alive: Annotated[
        int, typer.Option(help="Connections to keep; 0 opens one each time.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print every result as JSON.")] = False,
) -> None:
    """Send requests and count which version answered."""
    from canarylab import traffic

    taken = traffic.sample(
        url, count=count, seconds=seconds, concurrency=concurrency, keep_alive=keep_alive
    )
    print(json.dumps(taken.to_dict()) if as_json else _as_table(taken))


@bundle.command("save")
def save_bundle(file: BundleFile, parts: BundleParts = BUNDLE_PARTS) -> None:
    """Write everything that the lessons need into one archive.

    wheels: canarylab and all that it needs, for this system and this Python. playground: the app,
    built for the playground. images: kind's node, the base image, the app and the ingress
    controller, for Docker.
    """
    from canarylab.bundle import parse_parts, save

    print(save(file, Home.of_user(), _report_to_stderr, parse_parts(parts)))


@bundle.command("load")
def load_bundle(file: BundleFile, parts: BundleParts = BUNDLE_PARTS) -> None:
    """Check such an archive and make what is in it usable here."""
    from canarylab.bundle import load, parse_parts

    print(load(file, Home.of_user(), _report_to_stderr, parse_parts(parts)))


def main() -> None:
    """Run the command line; an expected error is a message and exit status 1, not a traceback.

    Ctrl-C is left to Typer, which ends with status 130.
    """
    try:
        app()
    except (CanaryLabError, ValueError) as exc:
        typer.echo(str(exc), err=True)
        raise SystemExit(1) from exc


def _report_to_stderr(text: str) -> None:
    typer.echo(f"{text} ...", err=True)


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _as_table(taken: Sample) -> Table:
    from canarylab import stats
    from canarylab.text import percent

    rows = [
        (each.name, each.hits, percent(each.observed), each.interval)
        for each in stats.shares(taken)
    ]
    return Table(f"{taken!r}.\n", ("version", "answers", "share", "95 % interval"), rows)
