"""JupyterLab on a copy of the lessons, with PATH and KUBECONFIG set for kernels and terminals.

The learner works on copies in a folder of their own. A file that the learner has not changed
follows canarylab when it is updated; a changed one stays as it is until `restore_lesson`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from canarylab import resources
from canarylab.clusters.choose import choose
from canarylab.display import Report, no_report
from canarylab.errors import CanaryLabError, SetupError
from canarylab.playground.home import write_atomically
from canarylab.ports import ensure_free
from canarylab.text import join_words

FOLDER = "canarylab-lessons"
RECORD = ".canarylab-copies.json"
"""The digest of each file as it was copied, by path."""
DEFAULT_PORT = 8890  # Jupyter's own, 8888, is where lesson 01 runs version 1.0

_MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_MMAP_THRESHOLD_": "131072",
}
"""So glibc gives memory back sooner: a kernel that drew ten pictures takes 170 MB, not 198."""
_SKIPPED = {"source", "node_modules", "__pycache__", ".ipynb_checkpoints"}
_CONFIG = Path(__file__).with_name("jupyter_config")  # without the question about Jupyter's news


class LessonFolder(NamedTuple):
    """The learner's folder, and what there is to say about it."""

    path: Path
    notes: tuple[str, ...] = ()


def run_jupyterlab(*, port: int | None, browser: bool, report: Report = no_report) -> NoReturn:
    """Replace this process by JupyterLab, opened at the first lesson."""
    if port is not None:
        ensure_free(port, remedy="Name another one with --port, or leave it out.")
    folder = prepare_lesson_folder(current_folder())
    first = min(folder.path.glob("[0-9][0-9]-*.ipynb")).name
    environment, problem = jupyter_environment(os.environ)
    for line in (*folder.notes, *problem, *_opening_words(folder.path)):
        report(line)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.path}"]
    command += [f"--LabApp.default_url=/lab/tree/{first}", "--ip=127.0.0.1"]
    command += [] if browser else ["--no-browser"]
    # With a command of its own it is no login shell: that would read /etc/profile, which sets PATH.
    shell = environment.get("SHELL") or shutil.which("bash") or "sh"
    command += [f"--ServerApp.terminado_settings={{'shell_command': [{shell!r}]}}"]
    command += ["--allow-root"] if os.geteuid() == 0 else []  # as in most containers
    command += [f"--port={port or DEFAULT_PORT}"]
    command += [] if port is None else ["--ServerApp.port_retries=0"]
    os.chdir(folder.path)  # a terminal starts where the server did
    os.execve(sys.executable, command, environment)


def jupyter_environment(environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables for kernels and terminals, and what is wrong with the chosen cluster.

    The programs of this environment come first on PATH, and KUBECONFIG names the kubeconfig of the
    cluster that the lessons will use, which may not run yet.
    """
    configs = os.pathsep.join(filter(None, [str(_CONFIG), environment.get("JUPYTER_CONFIG_PATH")]))
    programs = str(Path(sys.executable).parent)
    path = environment.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != programs:
        path = os.pathsep.join([programs, path])
    variables = {**_MALLOC, **environment, "PATH": path, "JUPYTER_CONFIG_PATH": configs}
    try:
        return variables | {"KUBECONFIG": str(choose().cluster.kubeconfig)}, ()
    except CanaryLabError as exc:
        return variables, (str(exc),)


def current_folder() -> Path:
    """Where canarylab was started; raises SetupError if that folder is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError as exc:
        raise SetupError(
            "The folder that you are in was removed. Change to another one with cd, and try again."
        ) from exc


def prepare_lesson_folder(here: Path) -> LessonFolder:
    """Create or update the folder with the learner's copies.

    It is the folder that `here` is in, if the lessons are there already, otherwise a new one.
    Raises SetupError if that cannot be written.
    """
    own = (folder for folder in (here, *here.parents) if (folder / RECORD).is_file())
    path = next(own, here / FOLDER)
    with _explain_copy_errors(path):
        path.mkdir(exist_ok=True)
        return LessonFolder(path, tuple(_update(path)))


def restore_lesson(lesson: str, here: Path) -> list[str]:
    """Bring a lesson and its manifests back as they came; the learner's files are kept beside.

    Raises SetupError if a file cannot be written.
    """
    folder = prepare_lesson_folder(here).path
    with _explain_copy_errors(folder):
        return _restore(lesson, folder)


def _restore(lesson: str, folder: Path) -> list[str]:
    originals = dict(_originals())
    name = _lesson_name(lesson, originals)
    record = _read_record(folder)
    restored = []
    for path, original in originals.items():
        if path != f"{name}.ipynb" and not path.startswith(f"manifests/{name}/"):
            continue
        mine = folder / path
        if mine.exists() and _digest(mine) != _digest(original):
            backup = _backup_of(mine)
            mine.replace(backup)
            restored.append(f"Yours is kept as {backup.relative_to(folder)}.")
        _copy(original, mine)
        record[path] = _digest(original)
    _write_record(folder, record)
    return [f"{name}.ipynb is as it came. Close it without saving, and open it again.", *restored]


@contextmanager
def _explain_copy_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise SetupError(
            f"The lessons cannot be copied to {folder}: {exc.filename or folder}: {exc.strerror}. "
            "Move away what is there, or start canarylab lab in a folder that you can write to."
        ) from exc


def _update(folder: Path) -> Iterator[str]:
    """Copy what is missing or has changed in canarylab alone; name what both have changed."""
    record = _read_record(folder)
    kept = []
    for path, original in _originals():
        mine, new = folder / path, _digest(original)
        if mine.exists() and _digest(mine) not in {new, record.get(path)}:
            if record.get(path) != new and path.endswith(".ipynb") and "/" not in path:
                kept.append(path)
            continue
        if not mine.exists() or _digest(mine) != new:
            _copy(original, mine)
        record[path] = new
    _write_record(folder, record)
    if kept:
        yield (
            f"There is a newer {join_words(kept)}, and yours is kept because you changed it. "
            "`canarylab lab --reset LESSON` brings the new one."
        )


def _originals() -> Iterator[tuple[str, Path]]:
    """Each file to copy: its path in the learner's folder, and the original."""
    for name in ("notebooks", "manifests", "app"):
        root = resources.folder(name)
        for file in sorted(root.rglob("*")):
            relative = file.relative_to(root)
            if file.is_file() and not _SKIPPED & set(relative.parts):
                prefix = Path() if name == "notebooks" else Path(name)
                yield (prefix / relative).as_posix(), file


def _lesson_name(lesson: str, originals: Mapping[str, Path]) -> str:
    names = [path.removesuffix(".ipynb") for path in originals if "/" not in path]
    names = [name for name in names if name[:2].isdecimal()]
    wanted = Path(lesson).name.removesuffix(".ipynb")
    found = [name for name in names if wanted in {name, name[:2], name[1:2]}]
    if not found:
        raise ValueError(f'There is no lesson "{lesson}". Name one of: {", ".join(names)}.')
    return found[0]


def _backup_of(mine: Path) -> Path:
    """A free name; kubectl applies no file that ends in `.bak`."""
    number = 1
    while True:
        suffix = "" if number == 1 else f"-{number}"
        if mine.suffix == ".ipynb":
            backup = mine.with_name(f"{mine.stem}-before-reset{suffix}.ipynb")
        else:
            backup = mine.with_name(f"{mine.name}{suffix}.bak")
        if not backup.exists():
            return backup
        number += 1


def _copy(original: Path, mine: Path) -> None:
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.unlink(missing_ok=True)  # a link that leads nowhere: the file it names is not ours
    shutil.copyfile(original, mine)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read_record(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return {}
    except (
        ValueError,
        RecursionError,
    ):  # then every file that differs counts as changed by the learner
        return {}
    if not isinstance(record, dict):
        return {}
    return {path: digest for path, digest in record.items() if isinstance(digest, str)}


def _write_record(folder: Path, record: Mapping[str, str]) -> None:
    write_atomically(folder / RECORD, json.dumps(record, indent=1, sort_keys=True))


def _opening_words(folder: Path) -> tuple[str, ...]:
    return (
        f"Your lessons are in {folder}. The address of JupyterLab is among the lines below.",
        "To stop it, press Ctrl-C here twice. The pods run on until `canarylab down`.",
    )
