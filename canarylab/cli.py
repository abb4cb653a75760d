"""The command line: up, down, status, kubeconfig, url, doctor, build, bundle, lab, tour, sample.

Each command imports only what it needs, so that `canarylab --help` is quick.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canarylab import __version__
from canarylab.display import Table
from canarylab.errors import CanaryLabError, ClusterError, explain
from canarylab.playground.home import Home

if TYPE_CHECKING:
    from canarylab.display import Report
    from canarylab.images.builder import Builder, BuildSource
    from canarylab.traffic import Sample

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

bundle = typer.Typer(
    help="Save what the lessons download in one archive, for computers without network.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle, name="bundle")

_INTERRUPTED = 130  # the exit status after Ctrl-C
BUNDLE_PARTS = "wheels,playground,images"

ApiPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the playground's API server.")
]
ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="playground, kind or kubeconfig. Without it: CANARYLAB_CLUSTER, or the best there is.",
    ),
]
BundleFile = Annotated[Path, typer.Argument(help="The archive, for example class.tar.")]
BundleParts = Annotated[
    str, typer.Option(help=f"The parts to use, separated by commas: {BUNDLE_PARTS}.")
]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"canarylab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Learn canary releases on Kubernetes."""


@app.command()
def up(cluster: ClusterName = None, api_port: ApiPort = None) -> None:
    """Start a cluster, or use the one that is running."""
    from canarylab.clusters.choose import choose
    from canarylab.clusters.playground import Playground
    from canarylab.display import status_line

    chosen = choose(cluster)
    if api_port is not None and chosen.cluster.name != "playground":
        raise typer.BadParameter("--api-port works for the playground only")
    if api_port is not None:
        chosen = chosen._replace(cluster=Playground(api_port=api_port))
    with status_line() as report:
        chosen.cluster.start(report)
    print(f"You are on {chosen.reason}.")
    print(chosen.cluster.status())
    if isinstance(chosen.cluster, Playground) and (restored := chosen.cluster.restored()):
        print(restored)
    print(f"For kubectl: export KUBECONFIG={chosen.cluster.kubeconfig}")


@app.command()
def down(
    cluster: ClusterName = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Remove the playground's objects as well.")
    ] = False,
) -> None:
    """Stop a cluster and all its pods: the playground, or the one you name.

    The playground keeps its objects for the next `canarylab up`.
    """
    from canarylab.clusters.choose import choose_to_stop, describe
    from canarylab.clusters.playground import Playground
    from canarylab.images.choose import remove_containers
    from canarylab.text import join_words

    chosen = choose_to_stop(cluster)
    if forget and not isinstance(chosen, Playground):
        raise typer.BadParameter("--forget works for the playground only")
    runs = chosen.status() is not None
    if chosen.stop():
        print(f"{_capitalized(describe(chosen))} is stopped.")
    else:
        print(
            chosen.stop_instructions
            if runs
            else f"{_capitalized(describe(chosen))} was not running."
        )
    if forget and isinstance(chosen, Playground):
        chosen.forget()
        print("Its objects are removed.")
    elif isinstance(chosen, Playground):
        print("Its objects are kept; `canarylab down --forget` removes them.")
    if ports := remove_containers(Home.of_user()):
        print(f"The containers on {join_words(f'port {port}' for port in ports)} are removed.")


@app.command()
def status(cluster: ClusterName = None) -> None:
    """Say whether a cluster runs.

    The exit status is 1 when it does not.
    """
    from canarylab.clusters.choose import choose, describe_absence

    chosen = choose(cluster).cluster
    found = chosen.status()
    print(found or describe_absence(chosen))
    raise typer.Exit(0 if found else 1)


@app.command()
def kubeconfig(cluster: ClusterName = None) -> None:
    """Print the value for KUBECONFIG.

    For kubectl: export KUBECONFIG=$(canarylab kubeconfig)
    """
    from canarylab.clusters.choose import choose, describe_absence

    chosen = choose(cluster).cluster
    if chosen.status() is None:
        typer.echo(describe_absence(chosen), err=True)
    print(chosen.kubeconfig)


@app.command()
def url(
    name: Annotated[
        str, typer.Argument(help="A Service or an Ingress: web, ingress/web.")
    ] = "nodeapp-svc",
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Without it: that of the lessons.")
    ] = None,
    cluster: ClusterName = None,
) -> None:
    """Print where a Service or an Ingress answers.

    For curl: curl $(canarylab url)
    """
    from contextlib import closing

    from canarylab.clusters.base import advice_without_answer
    from canarylab.clusters.choose import choose, describe_absence
    from canarylab.release.connection import Connection
    from canarylab.release.service_url import reachable_url

    chosen = choose(cluster).cluster
    if chosen.status() is None:
        raise ClusterError(describe_absence(chosen))
    advice = advice_without_answer(chosen)
    space = namespace or chosen.namespace
    connection = Connection(chosen.kubeconfig, space, context=chosen.context, advice=advice)
    with closing(connection):
        print(reachable_url(chosen, connection, name))


@app.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder with an app and its Dockerfile. Without it: node_app."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", "-t", metavar="NAME:TAG", help="The image's name.")
    ] = None,
    build_arg: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="Of an ARG line. May be repeated.")
    ] = [],  # noqa: B006  typer copies it
    builder: Annotated[
        str | None,
        typer.Option(
            help="docker or process. Without it: CANARYLAB_BUILDER, or Docker if it is running."
        ),
    ] = None,
    cluster: ClusterName = None,
    registry: Annotated[
        str | None,
        typer.Option(help="Push the images to this registry, for a cluster on other machines."),
    ] = None,
) -> None:
    """Build the image of a folder, or node_app:1.0 and node_app:2.0, and load it into the cluster.

    With a folder: canarylab build . --tag web:1.0
    """
    from canarylab.clusters.kubeconfig import push_image
    from canarylab.display import output_with_status_line
    from canarylab.images.builder import VERSIONS, app_source, note_latest, read_source
    from canarylab.images.choose import choose_builder

    if folder is None and (tag or build_arg):
        raise typer.BadParameter("--tag and --build-arg need a folder: canarylab build . --tag ...")
    if folder is not None and tag is None:
        raise typer.BadParameter("a folder needs a name for its image: --tag web:1.0")
    own = [read_source(folder, tag, build_arg)] if folder and tag else []
    home = Home.of_user()
    home.prepare()
    chosen, why = choose_builder("docker" if registry else builder, home=home)
    print(f"Building {'without' if chosen.name == 'process' else 'with'} Docker. {why}", flush=True)
    for source in own or [app_source(version) for version in VERSIONS]:
        with output_with_status_line(print) as (write, report):
            image = chosen.build_folder(source, write, report)
            if registry is None:
                note = _load(source, chosen, cluster, report)
            else:
                note = push_image(image.reference, registry, report)
        print(f"{image.reference} is built: {image.size / 1e6:.0f} MB, {image.id[:19]}")
        latest = note_latest(source.reference) if registry is None else None
        for sentence in filter(None, (*image.notes, latest, note)):
            print(sentence)
    if registry is not None and not own:
        print(f"For the lessons: export CANARYLAB_CLUSTER=kubeconfig CANARYLAB_REGISTRY={registry}")


def _load(source: BuildSource, builder: Builder, cluster: str | None, report: Report) -> str | None:
    """Make what was built known to the cluster; return a note, if there is one."""
    from canarylab.clusters.choose import choose
    from canarylab.clusters.playground import Playground
    from canarylab.images.process_build import ProcessBuilder

    chosen = choose(cluster).cluster
    if not isinstance(chosen, Playground):
        return chosen.load_image(source.reference, report)
    if builder.name != ProcessBuilder.name:
        ProcessBuilder(chosen.home).build_folder(source, lambda step: None, report)
    return None


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
        int | None,
        typer.Option(
            min=1, max=65535, help="Port for JupyterLab. Without it: 8890, or the next free one."
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    reset: Annotated[
        str | None,
        typer.Option(
            metavar="LESSON",
            help="Only make this lesson new again, as 03-canary; your file is kept.",
        ),
    ] = None,
) -> None:
    """Open JupyterLab at the first lesson.

    The lessons are copied to the folder canarylab-lessons. A copy that you have changed is never
    overwritten; the others are updated together with canarylab. Stop JupyterLab with Ctrl-C.
    """
    from canarylab.jupyter import current_folder, restore_lesson, run_jupyterlab

    if reset is not None:
        print("\n".join(restore_lesson(reset, current_folder())))
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
        int | None, typer.Option(help="How many requests: 100, unless --seconds is given.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="For how long, instead of how many.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Requests per second, sent at their times whether or not earlier ones were "
            "answered. Without it, each waits for an earlier answer."
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="How many at once: 16, or at most 256 with --rate.")
    ] = None,
    keep_alive: Annotated[
        int, typer.Option(help="Connections to keep open. 0: a new one for each request.")
    ] = 0,
    header: Annotated[
        list[str], typer.Option(metavar="NAME:VALUE", help="A header field. May be repeated.")
    ] = [],  # noqa: B006  typer copies it
    cookie: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="A cookie. May be repeated.")
    ] = [],  # noqa: B006  typer copies it
    host: Annotated[
        str | None, typer.Option(help="The Host header: foo.bar.com reaches an Ingress.")
    ] = None,
    version_header: Annotated[
        str, typer.Option(metavar="NAME", help="The header that names the version.")
    ] = "X-Version",
    version_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="What names the version in the body, where that header is missing; its first "
            "group, if it has one. Without it: the word version and a number after it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="With --json: a line for each answer, or failure.")
    ] = False,
) -> None:
    """Send requests and count which version answered.

    The exit status is 1 if every request failed, and 130 after Ctrl-C, which shows what there is.
    """
    from canarylab import traffic
    from canarylab.display import status_line
    from canarylab.traffic.http import VERSION_PATTERN
    from canarylab.traffic.sampler import DEFAULT_COUNT, ProgressLine

    if answers and not as_json:
        raise typer.BadParameter("--answers works together with --json only")
    plan = traffic.SamplingPlan(
        count=DEFAULT_COUNT if count is None and seconds is None else count,
        seconds=seconds,
        concurrency=concurrency,
        keep_alive=keep_alive,
        rate=rate,
    )
    request = traffic.Request(
        host=host,
        headers=_fields(header, ":", "header", "X-Canary: always"),
        cookies=_fields(cookie, "=", "cookie", "tester=1"),
        version_source=traffic.VersionSource(version_header, version_pattern or VERSION_PATTERN),
    )
    try:
        with status_line() as report:
            progress = ProgressLine(plan, report)
            taken = traffic.measure(url, plan, request=request, on_progress=progress)
        exit_status = 0 if taken.answered else 1
    except traffic.SampleInterrupted as exc:
        taken, exit_status = exc.sample, _INTERRUPTED
    if answers:
        for each in taken.results:
            print(json.dumps(each._asdict()))
    else:
        print(json.dumps(_summary(taken), indent=2) if as_json else _as_table(taken, host))
    raise typer.Exit(exit_status)


@bundle.command("save")
def save_bundle(file: BundleFile, parts: BundleParts = BUNDLE_PARTS) -> None:
    """Save everything that the lessons need in one archive.

    wheels: canarylab and all that it needs, for this system and this Python. playground: the app,
    built for the playground. images: kind's node, the base image, the app and the ingress
    controller, for Docker.
    """
    from canarylab.bundle import parse_parts, save

    print(save(file, Home.of_user(), _report_to_stderr, parse_parts(parts)))


@bundle.command("load")
def load_bundle(file: BundleFile, parts: BundleParts = BUNDLE_PARTS) -> None:
    """Check an archive and load what is in it on this machine."""
    from canarylab.bundle import load, parse_parts

    print(load(file, Home.of_user(), _report_to_stderr, parse_parts(parts)))


def main() -> None:
    """Run the command line; an expected error is a message and exit status 1, not a traceback.

    Ctrl-C is left to Typer, which ends with status 130.
    """
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk is found here, and not when the interpreter ends
    except BrokenPipeError:
        _discard_output()
        raise SystemExit(1) from None
    except Exception as exc:
        if (message := explain(exc)) is None:
            raise
        if isinstance(exc, OSError):
            _discard_output()
        typer.echo(message, err=True)
        raise SystemExit(1) from exc


def _discard_output() -> None:
    """Send what could not be written nowhere, so that the interpreter does not try again."""
    with suppress(OSError):  # no file may be left to open
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _report_to_stderr(text: str) -> None:
    typer.echo(f"{text} ...", err=True)


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _fields(texts: list[str], separator: str, thing: str, example: str) -> dict[str, str]:
    """Header fields or cookies as they are typed: 'Name: value', 'name=value'."""
    fields = {}
    for text in texts:
        name, found, value = text.partition(separator)
        if not found or not name.strip():
            raise ValueError(
                f"{text!r} is not a {thing}. Write a name and a value, as {example!r}."
            )
        fields[name.strip()] = value.strip()
    return fields


def _summary(taken: Sample) -> dict[str, object]:
    """What `canarylab sample --json` prints; docs/sample-json.md describes it."""
    from canarylab import stats

    named = [] if taken.names_no_version or not taken.answered else stats.shares(taken)
    return {
        "url": taken.url,
        "total": taken.total,
        "failed": taken.failures,
        "seconds": taken.seconds,
        "rate_per_s": taken.total / taken.seconds if taken.seconds else None,
        "versions": {
            each.name: {
                "hits": each.hits,
                "share": each.observed,
                "low": each.interval.low,
                "high": each.interval.high,
            }
            for each in named
        },
        "notes": [note for note in (taken.names_no_version, taken.limit, *taken.notes) if note],
    }


def _without_rule(taken: Sample, host: str | None) -> str:
    """What to try if every answer was 404; empty if one was not."""
    if taken.answered or set(taken.failures) != {"status 404"}:
        return ""
    if host:
        return f"Correct the host {host}, or the path of the URL."
    return (
        "For an Ingress that has a host, name it, as in `--host foo.bar.com`; "
        "otherwise correct the path of the URL."
    )


def _as_table(taken: Sample, host: str | None) -> Table:
    from canarylab import stats
    from canarylab.text import percent

    advice = _without_rule(taken, host)
    notes = [note for note in (taken.limit, *taken.notes, advice) if note]
    if taken.names_no_version or not taken.answered:
        return Table(f"{taken!r}.", notes=[taken.names_no_version, *notes])
    rows = [
        (each.name, each.hits, percent(each.observed), each.interval)
        for each in stats.shares(taken)
    ]
    return Table(f"{taken!r}.\n", ("version", "answers", "share", "95 % interval"), rows, notes)
