"""Volumes of a pod."""

from __future__ import annotations

import base64
import errno
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node.references import ConfigError, PodAddress, References
from canarylab.playground.node.volumes import (
    File,
    Mount,
    VolumeError,
    container_mounts,
    make_volumes,
    volume_files,
    write_files,
)

NOW = datetime(2026, 11, 28, 19, 40, tzinfo=UTC)
OBJECTS: dict[tuple[str, str], Object] = {
    ("ConfigMap", "settings"): {
        "kind": "ConfigMap",
        "data": {"colour": "blue", "size": "3"},
        "binaryData": {"picture": "AP8="},
    },
    ("Secret", "login"): {"kind": "Secret", "data": {"token": "YWJjMTIz"}},
}


def references(*volumes: Object, objects: Mapping[tuple[str, str], Object] = OBJECTS) -> References:
    pod = {
        "metadata": {
            "name": "web-1",
            "namespace": "lab",
            "uid": "u-1",
            "labels": {"env": "prod"},
            "creationTimestamp": "2026-11-28T19:00:00Z",
        },
        "spec": {
            "serviceAccountName": "robot",
            "containers": [{"name": "web", "resources": {"limits": {"cpu": "2"}}}],
            "volumes": [{"name": f"v{number}", **each} for number, each in enumerate(volumes)],
        },
    }
    return References(pod, PodAddress("127.64.0.5", "127.64.0.1"), objects)


def files(volume: Object, **how: Any) -> dict[str, tuple[str, str]]:
    """The content and the octal mode of each file."""
    found = volume_files({"name": "v", **volume}, references(**how))
    return {path: (file.data.decode("latin-1"), f"{file.mode:o}") for path, file in found.items()}


def test_a_config_map_has_a_file_for_each_entry() -> None:
    assert files({"configMap": {"name": "settings"}}) == {
        "colour": ("blue", "644"),
        "size": ("3", "644"),
        "picture": ("\x00\xff", "644"),
    }


def test_items_choose_entries_with_a_path_and_a_mode() -> None:
    items = [{"key": "colour", "path": "a/b"}, {"key": "size", "path": "c", "mode": 0o400}]
    assert files({"configMap": {"name": "settings", "items": items, "defaultMode": 0o600}}) == {
        "a/b": ("blue", "600"),
        "c": ("3", "400"),
    }


def test_a_secret_is_decoded() -> None:
    assert files({"secret": {"secretName": "login"}}) == {"token": ("abc123", "644")}


def test_fields_and_resources_of_the_pod_are_files() -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "web", "resource": "limits.cpu"}},
    ]
    assert files({"downwardAPI": {"items": items}}) == {
        "labels": ('env="prod"', "644"),
        "cpu": ("2", "644"),
    }


def test_a_projected_volume_joins_its_sources() -> None:
    sources = [{"configMap": {"name": "settings"}}, {"secret": {"name": "login"}}]
    assert set(files({"projected": {"sources": sources}})) == {"colour", "size", "picture", "token"}


def test_a_token_says_whose_it_is() -> None:
    sources = [{"serviceAccountToken": {"path": "token"}}]
    token, _ = files({"projected": {"sources": sources}})["token"]
    claims = token.split(".")[1]
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert read["sub"] == "system:serviceaccount:lab:robot"


@pytest.mark.parametrize(
    "volume",
    [
        {"configMap": {"name": "nobody", "optional": True}},
        {"secret": {"secretName": "nobody", "optional": True}},
        {
            "secret": {
                "secretName": "login",
                "items": [{"key": "x", "path": "x"}],
                "optional": True,
            }
        },
    ],
)
def test_what_is_optional_may_be_missing(volume: Object) -> None:
    assert files(volume) == {}


@pytest.mark.parametrize(
    ("volume", "problem"),
    [
        ({"configMap": {"name": "nobody"}}, 'configmap "nobody" not found'),
        ({"secret": {"secretName": "nobody"}}, 'secret "nobody" not found'),
        (
            {"configMap": {"name": "settings", "items": [{"key": "x", "path": "x"}]}},
            "configmap references non-existent config key: x",
        ),
        (
            {"secret": {"secretName": "login", "items": [{"key": "x", "path": "x"}]}},
            "references non-existent secret key: x",
        ),
        (
            {"hostPath": {"path": "/etc"}},
            "the playground has no volumes of type hostPath; use an emptyDir, whose files last as "
            "long as the pod, or a cluster on kind",
        ),
        (
            {"projected": {"sources": [{"clusterTrustBundle": {"path": "x"}}]}},
            "the playground has no projected clusterTrustBundle; use an emptyDir, whose files "
            "last as long as the pod, or a cluster on kind",
        ),
    ],
)
def test_a_volume_that_cannot_be_made_is_named(
    volume: Object, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(VolumeError) as caught:
        make_volumes(tmp_path, references(volume), NOW)
    assert str(caught.value) == f'MountVolume.SetUp failed for volume "v0" : {problem}'


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "a\0b", "x" * 300])
def test_a_path_that_no_file_of_a_volume_can_have_is_refused(path: str, tmp_path: Path) -> None:
    volume = {"configMap": {"name": "settings", "items": [{"key": "size", "path": path}]}}
    with pytest.raises(VolumeError):
        make_volumes(tmp_path, references(volume), NOW)


@pytest.mark.parametrize(
    ("method", "after"),
    [("mkdir", 0), ("mkdir", 1), ("write_bytes", 0), ("write_bytes", 2)]
    + [("symlink_to", number) for number in range(4)],
)
def test_what_a_full_disk_kept_from_being_made_is_made_when_there_is_room(
    method: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, original = itertools.count(), getattr(Path, method)

    def fail(*words: Any, **more: Any) -> Any:
        if next(calls) >= after:
            raise OSError(errno.ENOSPC, "No space left on device")  # a write names no file
        return original(*words, **more)

    volume = references({"configMap": {"name": "settings"}})
    with monkeypatch.context() as full:
        full.setattr(Path, method, fail)
        for _ in range(2):
            with pytest.raises(VolumeError, match=r'"v0" : (\w+: )?no space left on device$'):
                make_volumes(tmp_path, volume, NOW)
    assert len(list(tmp_path.glob("v0/..2026*"))) <= 1
    make_volumes(tmp_path, volume, NOW)

    made = sorted(path.name for path in (tmp_path / "v0").iterdir())
    assert made[0].startswith("..2026_")
    assert made[1:] == ["..data", "colour", "picture", "size"]


@pytest.mark.parametrize("path", ["a/b", "a" * 300, "a/b/c"])
def test_files_that_cannot_be_written_leave_nothing_behind(path: str, tmp_path: Path) -> None:
    written = {"a": File(b"one", 0o644), path: File(b"two", 0o644)}
    said = set()
    for _ in range(2):
        with pytest.raises(ConfigError) as refused:
            write_files(tmp_path, written, NOW)
        said.add(str(refused.value))
    assert list(tmp_path.iterdir()) == []
    assert len(said) == 1


def test_an_empty_folder_is_made_once(tmp_path: Path) -> None:
    make_volumes(tmp_path, references({"emptyDir": {}}), NOW)
    (tmp_path / "v0/kept").touch()
    make_volumes(tmp_path, references({"emptyDir": {}}), NOW)
    assert (tmp_path / "v0/kept").exists()


def text(**contents: str) -> dict[str, File]:
    return {name: File(content.encode(), 0o644) for name, content in contents.items()}


def test_files_are_links_through_the_folder_of_the_moment(tmp_path: Path) -> None:
    write_files(tmp_path, text(colour="blue"), NOW)
    assert (tmp_path / "colour").readlink() == Path("..data/colour")
    assert (tmp_path / "..data").readlink().name.startswith("..2026_11_28_19_40_00.")


def test_a_change_replaces_all_files_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_files(tmp_path, text(colour="blue", size="3"), NOW)
    write_files(tmp_path, text(colour="red", shape="round"), NOW)
    seen = {path.name: path.read_text() for path in tmp_path.glob("[!.]*")}
    assert seen == {"colour": "red", "shape": "round"}
    assert len(list(tmp_path.iterdir())) == len({"colour", "shape", "..data", "..2026"})


def test_files_that_are_the_same_are_not_written_again(tmp_path: Path) -> None:
    write_files(tmp_path, text(colour="blue"), NOW)
    before = (tmp_path / "..data").readlink()
    write_files(tmp_path, text(colour="blue"), NOW)
    assert (tmp_path / "..data").readlink() == before


def test_another_mode_is_a_change(tmp_path: Path) -> None:
    write_files(tmp_path, text(colour="blue"), NOW)
    write_files(tmp_path, {"colour": File(b"blue", 0o600)}, NOW)
    assert (tmp_path / "colour").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_open_keeps_its_content(tmp_path: Path) -> None:
    write_files(tmp_path, text(colour="blue"), NOW)
    with (tmp_path / "colour").open() as file:
        write_files(tmp_path, text(colour="red"), NOW)
        assert file.read() == "blue"


VOLUMES: list[Object] = [{"name": "config", "configMap": {}}, {"name": "scratch", "emptyDir": {}}]


def mounts(folder: Path, *mounts: Object, **variables: str) -> tuple[Mount, ...]:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "scratch").mkdir(exist_ok=True)
    container = {"name": "web", "volumeMounts": list(mounts)}
    return container_mounts(folder, VOLUMES, container, variables)


def test_only_an_empty_folder_can_be_written(tmp_path: Path) -> None:
    found = mounts(
        tmp_path,
        {"name": "config", "mountPath": "/etc/app/"},
        {"name": "scratch", "mountPath": "var/../tmp/x"},
        {"name": "scratch", "mountPath": "/read", "readOnly": True},
    )
    assert found == (
        Mount(tmp_path / "config", "/etc/app", read_only=True),
        Mount(tmp_path / "scratch", "/tmp/x", read_only=False),
        Mount(tmp_path / "scratch", "/read", read_only=True),
    )


@pytest.mark.parametrize("is_file", [True, False])
def test_a_mount_in_a_read_only_one_has_its_place(tmp_path: Path, is_file: bool) -> None:
    make_volumes(tmp_path, references({"configMap": {"name": "settings"}}, {"emptyDir": {}}), NOW)
    (tmp_path / "v1/word").write_text("canary")
    inner = {"name": "v1", "mountPath": "/etc/app/deep/inner"}
    inner |= {"subPath": "word"} if is_file else {}
    mounts(tmp_path, inner, {"name": "v0", "mountPath": "/etc/app"})
    place = tmp_path / "v0/deep/inner"
    write_files(tmp_path / "v0", text(colour="red"), NOW)
    assert place.is_file() if is_file else place.is_dir()


def test_a_file_by_sub_path_is_that_of_the_moment(tmp_path: Path) -> None:
    write_files(tmp_path / "config", text(colour="blue"), NOW)
    (found,) = mounts(tmp_path, {"name": "config", "mountPath": "/c", "subPath": "colour"})
    assert (found.source.is_symlink(), found.source.read_text()) == (False, "blue")


def test_a_sub_path_may_use_variables_and_is_made(tmp_path: Path) -> None:
    mount = {"name": "scratch", "mountPath": "/s", "subPathExpr": "of/$(POD)"}
    (found,) = mounts(tmp_path, mount, POD="web-1")
    assert found.source == (tmp_path / "scratch/of/web-1").resolve()
    assert found.source.is_dir()


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ({"subPathExpr": "$(NOBODY)"}, 'missing value for "NOBODY"'),
        ({"subPathExpr": "$(UP)"}, "unable to provision SubPath `../x`: must not contain '..'"),
        ({"subPathExpr": "$(ROOT)"}, "error SubPath `/etc` must not be an absolute path"),
        ({"subPath": "out"}, 'failed to prepare subPath for volumeMount "scratch" of container'),
        ({"subPath": "a\0b"}, 'failed to create subPath directory for volumeMount "scratch" of'),
        ({"mountPath": "/x/.."}, 'volume "scratch" cannot be mounted at "/"'),
    ],
)
def test_a_place_that_cannot_be_mounted_is_refused(
    mount: Object, words: str, tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch/out").symlink_to("/etc")
    given = {"name": "scratch", "mountPath": "/s", **mount}
    with pytest.raises(ConfigError, match=words):
        mounts(tmp_path, given, UP="../x", ROOT="/etc")
