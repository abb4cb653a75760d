"""canarylab up · down · status · kubeconfig · build · lab · tour · sample

Only what a command needs is imported, so that `canarylab --help` is quick.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canarylab.errors import CanaryLabError
from canarylab.playground import lifecycle
from canarylab.playground.home import Home
from canarylab.shown import Shown

if TYPE_CHECKING:
    from canarylab.traffic import Sample

app = typer.Typer(
    help="Learn canary releases on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ApiPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API server.")]


@app.command()
def up(api_port: ApiPort = None) -> None:
    """Start the playground, or find the one that runs."""
    home = Home.of_user()
    running = lifecycle.up(home, api_port=api_port)
    print(f"The playground runs (pid {running.pid}, API on 127.0.0.1:{running.api_port}).")
    print(f"For kubectl: export KUBECONFIG={home.kubeconfig}")


@app.command()
def down() -> None:
    """End the playground and all its pods."""
    ended = lifecycle.down(Home.of_user())
    print("The playground has ended." if ended else "No playground was running.")


@app.command()
def status() -> None:
    """Say whether the playground runs.

    The exit status is 1 when it does not.
    """
    running = lifecycle.status(Home.of_user())
    if running is None:
        print("No playground runs. `canarylab up` starts one.")
        raise typer.Exit(1)
    print(
        f"The playground runs since {running.started}, pid {running.pid}, "
        f"API on 127.0.0.1:{running.api_port}."
    )


@app.command()
def kubeconfig() -> None:
    """Print where the kubeconfig lies.

    For kubectl: export KUBECONFIG=$(canarylab kubeconfig)
    """
    home = Home.of_user()
    if lifecycle.status(home) is None:
        typer.echo(
            "No playground runs yet. `canarylab up` starts it and writes this file.", err=True
        )
    print(home.kubeconfig)


@app.command()
def build() -> None:
    """Build node_app:1.0 and node_app:2.0."""
    from canarylab.images.app import VERSIONS, build_app

    home = Home.of_user()
    home.prepare()
    for version in VERSIONS:
        image = build_app(version, home.images, _say_step)
        print(f"{image.reference} is built: {image.size / 1e6:.0f} MB, {image.id[:19]}")


@app.command()
def lab(
    port: Annotated[
        int | None, typer.Option(help="Port for JupyterLab; else one that is free.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab at lesson 1."""
    from canarylab.jupyter import open_lessons

    raise typer.Exit(open_lessons(port=port, browser=browser))


@app.command()
def tour(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("output/tour"),
    requests: Annotated[int, typer.Option(min=1, help="Requests at each sample.")] = 400,
) -> None:
    """Play the whole story in this terminal, with pictures.

    The exit status is 0 only if every share was what its pods suggest.
    """
    from canarylab.tour_report import report

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
    as_json: Annotated[bool, typer.Option("--json", help="Print every answer as JSON.")] = False,
) -> None:
    """Send requests and count which version answered."""
    from canarylab import traffic

    taken = traffic.sample(
        url, count=count, seconds=seconds, concurrency=concurrency, keep_alive=keep_alive
    )
    print(json.dumps(taken.to_dict()) if as_json else _as_table(taken))


def main() -> None:
    """Run the command line; an expected failure is a message and exit status 1, not a traceback."""
    try:
        app()
    except (CanaryLabError, ValueError) as exc:
        typer.echo(str(exc), err=True)
        raise SystemExit(1) from exc


def _say_step(step: object) -> None:
    print(step)


def _as_table(taken: Sample) -> Shown:
    from canarylab import stats
    from canarylab.traffic.words import percent

    rows = [
        (each.name, each.hits, percent(each.seen), each.interval) for each in stats.shares(taken)
    ]
    return Shown(f"{taken!r}.\n", ("version", "answers", "share", "95 % interval"), rows)
