"""How does canarylab itself get there? As wheels that pip installs without an index."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from canarylab import resources
from canarylab.bundle.manifest import part_of
from canarylab.bundle.reading import Bundle
from canarylab.bundle.writing import Archive, in_words
from canarylab.errors import SetupError, ToolFailedError
from canarylab.playground.home import Home

LAST_LINES = 15


def collect(archive: Archive, wanted: Sequence[str], beside: Path) -> None:
    """Have pip make or fetch the wheels of what is wanted, and add them."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".wheels-") as folder:
        _pip("wheel", "--wheel-dir", folder, *wanted)
        for wheel in sorted(Path(folder).glob("*.whl")):
            archive.add(f"wheels/{wheel.name}", partial(_copy, wheel))


def ourselves() -> list[str]:
    """What pip has to be asked for: the folder that canarylab is developed in."""
    checkout = resources.PACKAGE.parent
    if not (checkout / "pyproject.toml").is_file():
        raise SetupError(
            "canarylab is installed here without the folder it was installed from, so there is "
            "nothing to make a wheel of. Save the bundle from that folder, or leave the wheels "
            "out with `--parts playground,images`."
        )
    return [str(checkout)]


def unpack(bundle: Bundle, home: Home) -> Path:
    """Put the wheels where pip can find them, in place of those of an earlier bundle."""
    place, draft = wheelhouse(home), wheelhouse(home).with_suffix(".new")
    names = [entry.name for entry in bundle.manifest.entries if part_of(entry.name) == "wheels"]
    with in_words(place):
        shutil.rmtree(draft, ignore_errors=True)  # of a load that was interrupted
        draft.mkdir(parents=True)
        for name in names:
            with bundle.open(name) as wheel, (draft / Path(name).name).open("wb") as copy:
                shutil.copyfileobj(wheel, copy)
        if place.exists():
            shutil.rmtree(place)
        draft.rename(place)
    return place


def wheelhouse(home: Home) -> Path:
    """Where the wheels lie once they are loaded."""
    return home.root / "wheelhouse"


def pip_line(place: Path) -> str:
    """What installs canarylab from there.

    >>> pip_line(Path("/room/wheelhouse"))
    'python3 -m pip install --no-index --find-links /room/wheelhouse canarylab'
    """
    return f"python3 -m pip install --no-index --find-links {shlex.quote(str(place))} canarylab"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise ToolFailedError(["pip", *arguments], status=done.returncode, output=said)


def _copy(file: Path, sink: BinaryIO) -> None:
    with file.open("rb") as content:
        shutil.copyfileobj(content, sink)
