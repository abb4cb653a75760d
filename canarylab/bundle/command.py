"""canarylab bundle save · bundle load"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from canarylab.bundle.manifest import PARTS, Part
from canarylab.playground.home import Home

app = typer.Typer(
    help="Pack everything for a room without network, and unpack it there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="The archive: class.tar.")]
ALL = ",".join(PARTS)
Parts = Annotated[str, typer.Option(help="What to take, with commas between: " + ALL + ".")]


@app.command("save")
def save_bundle(file: File, parts: Parts = ALL) -> None:
    """Write everything that the lessons need into one archive.

    wheels: canarylab and all that it needs, for this system and this Python. playground: the app,
    built for the playground. images: kind's node, the base image, the app and the ingress
    controller, for Docker.
    """
    from canarylab.bundle.save import Order, save  # noqa: PLC0415  `--help` is quick

    typer.echo(save(file, Home.of_user(), _say, Order(chosen(parts))))


@app.command("load")
def load_bundle(file: File, parts: Parts = ALL) -> None:
    """Check such an archive and make what is in it usable here."""
    from canarylab.bundle.load import load  # noqa: PLC0415

    typer.echo(load(file, Home.of_user(), _say, parts=chosen(parts)))


def chosen(words: str) -> list[Part]:
    """The parts that were named; raise ValueError for one that there is not.

    >>> chosen("wheels, images")
    ['wheels', 'images']
    """
    named = [word.strip() for word in words.split(",") if word.strip()]
    if unknown := [word for word in named if word not in PARTS]:
        raise ValueError(f'A bundle has no part "{unknown[0]}". Choose from: {", ".join(PARTS)}.')
    if not named:
        raise ValueError(f"No part is named. Choose from: {', '.join(PARTS)}.")
    return [cast("Part", word) for word in named]


def _say(words: str) -> None:
    typer.echo(f"{words} ...", err=True)
