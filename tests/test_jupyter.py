"""`canarylab lab`: the learner's copies, the variables for kernels and terminals, the server."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from canarylab import jupyter, resources
from canarylab.errors import SetupError
from canarylab.images.builder import LOCAL_PORTS
from canarylab.jupyter import jupyter_environment, prepare_lesson_folder, restore_lesson

LESSON = "03-canary.ipynb"
MANIFEST = "manifests/03-canary/canary.yaml"


class ReplacedError(Exception):
    """Stands for the end of this program: JupyterLab has taken its place."""


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the package carries, which a test may change as a new version would."""
    root = tmp_path / "package"
    skipped = shutil.ignore_patterns("node_modules")
    for name in ("notebooks", "manifests", "app"):
        shutil.copytree(resources.folder(name), root / name, ignore=skipped)
    monkeypatch.setattr(resources, "folder", lambda name: root / name)
    return root


@pytest.fixture
def here(tmp_path: Path, packaged: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def start(here: Path, monkeypatch: pytest.MonkeyPatch, *, port: int | None = None) -> list[str]:
    """The command that this program is replaced by."""
    commands: list[list[str]] = []

    def replace(program: str, command: list[str], environment: dict[str, str]) -> NoReturn:
        assert (program, environment["PATH"].split(os.pathsep)[0]) == (
            sys.executable,
            str(Path(sys.executable).parent),
        )
        commands.append(command)
        raise ReplacedError

    monkeypatch.setattr(os, "execve", replace)
    monkeypatch.chdir(here)
    with pytest.raises(ReplacedError):
        jupyter.run_jupyterlab(port=port, browser=False, report=print)
    return commands[0]


def test_jupyterlab_opens_the_first_lesson_of_the_copy(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = start(here, monkeypatch)

    first = min(here.glob("canarylab-lessons/0*.ipynb")).name
    assert f"--ServerApp.root_dir={here}/canarylab-lessons" in command
    assert f"--LabApp.default_url=/lab/tree/{first}" in command
    assert "To stop it, press Ctrl-C" in capsys.readouterr().out


def test_jupyterlab_stays_away_from_the_ports_of_the_lessons(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = start(here, monkeypatch)

    assert jupyter.DEFAULT_PORT not in LOCAL_PORTS.values()
    assert f"--port={jupyter.DEFAULT_PORT}" in command


def test_the_copy_has_notebooks_manifests_and_the_app_but_not_what_they_are_made_from(
    here: Path,
) -> None:
    folder = prepare_lesson_folder(here).path

    assert (folder / LESSON).is_file()
    assert (folder / "solved" / LESSON).is_file()
    assert (folder / MANIFEST).is_file()
    assert (folder / "app" / "Dockerfile").is_file()
    assert not (folder / "source").exists()


def test_the_originals_are_never_edited(here: Path, packaged: Path) -> None:
    before = (packaged / "notebooks" / LESSON).read_text()

    (prepare_lesson_folder(here).path / LESSON).write_text("mine")

    assert (packaged / "notebooks" / LESSON).read_text() == before


def test_the_folder_itself_may_be_where_it_is_started(here: Path) -> None:
    folder = prepare_lesson_folder(here).path

    assert prepare_lesson_folder(folder).path == folder
    assert prepare_lesson_folder(folder / "manifests" / "03-canary").path == folder
    assert not (folder / jupyter.FOLDER).exists()


def test_a_lesson_that_is_new_or_newer_arrives(here: Path, packaged: Path) -> None:
    folder = prepare_lesson_folder(here).path
    (packaged / "notebooks" / LESSON).write_text("newer")
    (packaged / "notebooks" / "99-more.ipynb").write_text("new")

    found = prepare_lesson_folder(here)

    assert (folder / LESSON).read_text() == "newer"
    assert (folder / "99-more.ipynb").read_text() == "new"
    assert found.notes == ()


def test_a_lesson_that_the_learner_changed_is_kept_and_a_newer_one_is_named(
    here: Path, packaged: Path
) -> None:
    folder = prepare_lesson_folder(here).path
    (folder / LESSON).write_text("mine")
    assert prepare_lesson_folder(here).notes == ()

    (packaged / "notebooks" / LESSON).write_text("newer")
    (note,) = prepare_lesson_folder(here).notes

    assert (folder / LESSON).read_text() == "mine"
    assert note.startswith(f"There is a newer {LESSON}, and yours is kept")


def test_without_its_record_nothing_of_the_learner_is_overwritten(
    here: Path, packaged: Path
) -> None:
    folder = prepare_lesson_folder(here).path
    (folder / LESSON).write_text("mine")
    (folder / jupyter.RECORD).write_text("{")

    prepare_lesson_folder(here)

    assert (folder / LESSON).read_text() == "mine"


@pytest.mark.parametrize("name", ["03-canary", "03", "3", LESSON])
def test_a_lesson_and_its_manifests_are_brought_back_and_the_learner_s_kept(
    name: str, here: Path, packaged: Path
) -> None:
    folder = prepare_lesson_folder(here).path
    for path in (LESSON, MANIFEST):
        (folder / path).write_text("mine")

    said = "\n".join(restore_lesson(name, here))

    assert (folder / LESSON).read_text() == (packaged / "notebooks" / LESSON).read_text()
    assert (folder / MANIFEST).read_text() == (packaged / MANIFEST).read_text()
    assert (folder / "03-canary-before-reset.ipynb").read_text() == "mine"
    assert (folder / "manifests/03-canary/canary.yaml.bak").read_text() == "mine"
    assert "Yours is kept as 03-canary-before-reset.ipynb." in said


def test_a_second_reset_keeps_the_first_backup(here: Path) -> None:
    folder = prepare_lesson_folder(here).path
    for text in ("first", "second"):
        (folder / LESSON).write_text(text)
        restore_lesson("03", here)

    assert (folder / "03-canary-before-reset.ipynb").read_text() == "first"
    assert (folder / "03-canary-before-reset-2.ipynb").read_text() == "second"


def test_an_unknown_lesson_is_named_with_those_there_are(here: Path) -> None:
    with pytest.raises(ValueError, match=r'There is no lesson "42"\. Name one of: 0.*03-canary'):
        restore_lesson("42", here)


def test_a_folder_that_cannot_be_written_is_named(here: Path) -> None:
    (here / jupyter.FOLDER).write_text("a file is in the way")

    with pytest.raises(SetupError, match=r"cannot be copied to .*canarylab-lessons"):
        prepare_lesson_folder(here)


def test_what_is_in_the_way_of_a_lesson_is_named(here: Path) -> None:
    folder = prepare_lesson_folder(here).path
    (folder / LESSON).unlink()
    (folder / LESSON).mkdir()

    with pytest.raises(SetupError, match=rf"{LESSON}: Is a directory\. Move away what is there"):
        restore_lesson("03", here)


def test_a_lesson_that_cannot_be_written_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (prepare_lesson_folder(here).path / LESSON).write_text("mine")

    def refuse(original: Path, copy: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(copy))

    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(SetupError, match=rf"{LESSON}: Permission denied"):
        restore_lesson("03", here)


def test_a_link_in_place_of_a_lesson_is_replaced_and_not_followed(
    here: Path, tmp_path: Path
) -> None:
    lesson = prepare_lesson_folder(here).path / LESSON
    lesson.unlink()
    lesson.symlink_to(tmp_path / "elsewhere")

    prepare_lesson_folder(here)

    assert not (tmp_path / "elsewhere").exists()
    assert lesson.is_file()
    assert not lesson.is_symlink()


@pytest.mark.parametrize("value", ["playground", "kind"])
def test_terminals_find_the_programs_and_the_cluster(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_CLUSTER", value)
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path))

    environment, problem = jupyter_environment({"PATH": "/usr/bin"})

    assert environment["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"
    assert environment["KUBECONFIG"].startswith(str(tmp_path))
    assert problem == ()


def test_a_cluster_that_cannot_be_chosen_is_said_and_jupyterlab_opens_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARYLAB_CLUSTER", "moon")

    environment, (problem,) = jupyter_environment({"PATH": "/usr/bin"})

    assert "KUBECONFIG" not in environment
    assert 'no kind of cluster called "moon"' in problem


def test_the_path_is_left_as_it_is_in_an_activated_environment() -> None:
    path = f"{Path(sys.executable).parent}:/usr/bin"

    assert jupyter_environment({"PATH": path})[0]["PATH"] == path


def test_the_question_about_news_of_jupyter_is_switched_off() -> None:
    config = Path(jupyter_environment({"JUPYTER_CONFIG_PATH": "/theirs"})[0]["JUPYTER_CONFIG_PATH"])
    own, theirs = str(config).split(os.pathsep)

    page = json.loads((Path(own) / "labconfig" / "page_config.json").read_text())

    assert page["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
    assert theirs == "/theirs"


def test_kernels_give_memory_back_soon() -> None:
    environment, _ = jupyter_environment({})

    assert {name for name in environment if name.startswith("MALLOC_")} == {
        "MALLOC_ARENA_MAX",
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
    }


def test_a_setting_of_malloc_that_the_learner_made_is_kept() -> None:
    environment, _ = jupyter_environment({"MALLOC_ARENA_MAX": "8"})

    assert environment["MALLOC_ARENA_MAX"] == "8"


@pytest.mark.parametrize("record", [json.dumps({LESSON: [1]}), "[" * 100_000])
def test_a_record_with_anything_in_it_stops_nothing(here: Path, record: str) -> None:
    folder = prepare_lesson_folder(here).path
    (folder / LESSON).write_text("mine")
    (folder / jupyter.RECORD).write_text(record)

    prepare_lesson_folder(here)

    assert (folder / LESSON).read_text() == "mine"


def test_a_folder_that_was_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(SetupError, match="was removed"):
        jupyter.current_folder()
