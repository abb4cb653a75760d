"""The archive is a tar that everybody reads, there complete or not at all, and checked first."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from canarylab.bundle import load
from canarylab.bundle_archive import (
    FORMAT,
    MANIFEST,
    PARTS,
    ArchiveWriter,
    BundleEntry,
    BundleManifest,
    Platform,
    atomic_write,
    is_usable,
    open_bundle,
    part_of,
)
from canarylab.errors import SetupError
from canarylab.playground.home import Home

FILE = Path("class.tar")
HERE = Platform("linux", "amd64", "3.12")
SAID = BundleManifest(
    [BundleEntry("wheels/a-1.whl", 3, "abc"), BundleEntry("images.tar.gz", 5, "def")],
    HERE,
    ["node_app:1.0"],
    "2026-11-23T00:00:00+00:00",
    "0.3.0",
)


def test_what_is_written_is_read() -> None:
    assert BundleManifest.parse(SAID.to_json(), FILE) == SAID
    assert SAID.parts() == ["wheels", "images"]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b"3", b'"format"', json.dumps({"format": FORMAT}).encode()]
)
def test_what_is_none_of_ours_is_refused(text: bytes) -> None:
    with pytest.raises(
        SetupError, match=r"class\.tar is not a bundle of canarylab\. Choose a file"
    ):
        BundleManifest.parse(text, FILE)


@pytest.mark.parametrize("field", ["entries", "machine", "images", "created", "canarylab"])
def test_every_field_is_needed(field: str) -> None:
    written: dict[str, Any] = json.loads(SAID.to_json())
    del written[field]
    with pytest.raises(SetupError, match="is not a bundle"):
        BundleManifest.parse(json.dumps(written).encode(), FILE)


def test_a_later_format_is_named() -> None:
    later = json.dumps({"format": FORMAT + 1}).encode()
    with pytest.raises(SetupError, match=rf"format {FORMAT + 1}, and .* reads format {FORMAT}\."):
        BundleManifest.parse(later, FILE)


@pytest.mark.parametrize(
    "name",
    ["../evil.whl", "wheels/../evil.whl", "/etc/passwd", "wheels/.whl", "wheels/a/b.whl", "", "a"],
)
def test_a_name_that_leads_elsewhere_belongs_to_no_part(name: str) -> None:
    assert part_of(name) is None


@pytest.mark.parametrize(
    ("there", "usable"),
    [
        (HERE, {"wheels", "playground", "images"}),
        (HERE._replace(python="3.11"), {"playground", "images"}),
        (HERE._replace(system="darwin"), {"images"}),
        (HERE._replace(processor="arm64"), set()),
    ],
)
def test_each_part_is_for_some_machines(there: Platform, usable: set[str]) -> None:
    assert {part for part in PARTS if is_usable(part, HERE, there)} == usable


@pytest.fixture
def other_home(tmp_path: Path) -> Home:
    """Of a learner, in the room without network."""
    return Home(tmp_path / "room")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two wheels."""
    with atomic_write(tmp_path / "class.tar") as opened:
        archive = ArchiveWriter(opened)
        archive.add(WHEEL, lambda sink: sink.write(b"wheel" * 300))
        archive.add("wheels/b-1.whl", lambda sink: sink.write(b"another"))
        manifest = BundleManifest(archive.entries, Platform.here())
        archive.add(MANIFEST, lambda sink: sink.write(manifest.to_json()))
        archive.finish()
    return tmp_path / "class.tar"


WHEEL = "wheels/a-1.whl"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def refusal(file: Path, home: Home) -> str:
    with pytest.raises(SetupError) as caught:
        load(file, home, lambda words: None)
    assert not home.root.exists()  # nothing was loaded
    said = str(caught.value)
    assert said.count(". ") == 1, said  # two sentences
    return said


def archive(
    file: Path, said: BundleManifest, extra: Callable[[tarfile.TarFile], None] = lambda tar: None
) -> Path:
    """One empty wheel, what `extra` adds, and a manifest."""
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo(WHEEL))
        extra(tar)
        text = said.to_json()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return file


def listing(*names: str) -> BundleManifest:
    return BundleManifest([BundleEntry(name, 0, NOTHING) for name in names], Platform.here())


def test_a_whole_bundle_is_read(tmp_path: Path) -> None:
    with open_bundle(archive(tmp_path / "a.tar", listing(WHEEL))) as bundle:
        assert bundle.open(WHEEL).read() == b""


def test_a_bundle_cut_off_anywhere_is_refused(
    bundle: Path, other_home: Home, tmp_path: Path
) -> None:
    whole = bundle.read_bytes()
    end = whole.rindex(b"}") + 1  # what follows is padding
    cut = tmp_path / "cut.tar"
    for length in {*range(0, end, 512), *range(0, end, 509), end - 1}:
        cut.write_bytes(whole[:length])
        assert str(cut) in refusal(cut, other_home)


def test_a_changed_byte_is_refused(bundle: Path, other_home: Home) -> None:
    whole = bytearray(bundle.read_bytes())
    whole[600] ^= 1  # in the first wheel
    bundle.write_bytes(whole)
    assert "its checksum differs. Copy the bundle again" in refusal(bundle, other_home)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b" + bytes(2000), bytes(20_000)])
def test_another_file_is_refused(content: bytes, other_home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    assert "is not a bundle of canarylab" in refusal(tmp_path / "a.tar", other_home)


def test_somebody_elses_tar_is_refused(other_home: Home, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("holiday.jpg"))
    assert "is not a bundle of canarylab" in refusal(tmp_path / "a.tar", other_home)


def test_a_file_that_is_not_there_is_named(other_home: Home, tmp_path: Path) -> None:
    said = refusal(tmp_path / "none.tar", other_home)
    assert said.startswith(f"{tmp_path / 'none.tar'} cannot be read: No such file")


@pytest.mark.parametrize("name", ["../evil.whl", "/tmp/evil.whl", "wheels/../../evil.whl", "b.whl"])
def test_a_member_with_another_name_is_refused_even_if_it_is_listed(
    name: str, other_home: Home, tmp_path: Path
) -> None:
    file = archive(
        tmp_path / "a.tar", listing(WHEEL, name), lambda tar: tar.addfile(tarfile.TarInfo(name))
    )
    assert repr(name) in refusal(file, other_home)


def test_a_member_that_is_not_listed_is_refused(other_home: Home, tmp_path: Path) -> None:
    other = "wheels/b-1.whl"
    file = archive(
        tmp_path / "a.tar", listing(WHEEL), lambda tar: tar.addfile(tarfile.TarInfo(other))
    )
    assert repr(other) in refusal(file, other_home)


def test_a_link_in_place_of_a_wheel_is_refused(other_home: Home, tmp_path: Path) -> None:
    link = tarfile.TarInfo("wheels/b-1.whl")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    file = archive(tmp_path / "a.tar", listing(WHEEL, link.name), lambda tar: tar.addfile(link))
    assert "'wheels/b-1.whl'" in refusal(file, other_home)


def test_a_member_that_is_listed_and_not_there_is_refused(other_home: Home, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", listing(WHEEL, "wheels/b-1.whl"))
    assert "wheels/b-1.whl in" in refusal(file, other_home)


def write(file: Path, members: dict[str, bytes]) -> ArchiveWriter:
    with atomic_write(file) as opened:
        archive = ArchiveWriter(opened, clock=lambda: 1_700_000_000)
        for name, content in members.items():
            archive.add(name, partial(_put, content))
        assert archive.finish() == opened.tell()
    return archive


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 3_000_000])
def test_tar_reads_what_was_written(size: int, tmp_path: Path) -> None:
    members = {"a": os.urandom(size), f"wheels/{'long' * 60}.whl": b"x" * size, "last": b"end"}
    archive = write(tmp_path / "a.tar", members)
    with tarfile.open(tmp_path / "a.tar") as tar:
        read = {name: tar.extractfile(name) for name in tar.getnames()}
        assert {name: file.read() for name, file in read.items() if file} == members
    assert (tmp_path / "a.tar").stat().st_size % tarfile.RECORDSIZE == 0
    first = archive.entries[0]
    assert (first.size, first.sha256) == (size, hashlib.sha256(members["a"]).hexdigest())


def test_nothing_has_the_name_until_all_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    with atomic_write(file) as opened:
        opened.write(b"half")
        assert not file.exists()
    assert names(tmp_path) == ["a.tar"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SetupError, RuntimeError])
def test_an_interrupted_one_leaves_the_one_before(end: type[BaseException], tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_text("an earlier bundle")
    with pytest.raises(end), atomic_write(file) as opened:
        opened.write(b"half")
        raise end
    assert names(tmp_path) == ["a.tar"]
    assert file.read_text() == "an earlier bundle"


def test_what_a_kill_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").write_bytes(b"left" * 10_000)
    with atomic_write(tmp_path / "a.tar") as opened:
        opened.write(b"whole")
    assert (tmp_path / "a.tar").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.tar"]


def test_two_do_not_write_the_same_bundle_at_once(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.tar") as opened:
        opened.write(b"first")
        with (
            pytest.raises(SetupError, match="being written by another"),
            atomic_write(tmp_path / "a.tar"),
        ):
            pytest.fail("both write")
    assert (tmp_path / "a.tar").read_bytes() == b"first"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "The disk is full"), (errno.EDQUOT, "The disk is full"), (errno.EIO, "cannot")],
)
def test_a_disk_that_takes_no_more_is_said(number: int, words: str, tmp_path: Path) -> None:
    def fill(sink: BinaryIO) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(SetupError, match=words), atomic_write(tmp_path / "a.tar") as opened:
        ArchiveWriter(opened).add("a", fill)
    assert names(tmp_path) == []


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").mkdir()
    with (
        pytest.raises(SetupError, match=r"a\.tar cannot be written: Is a directory"),
        atomic_write(tmp_path / "a.tar"),
    ):
        pytest.fail("it was written")


def _put(content: bytes, sink: BinaryIO) -> None:
    sink.write(content)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
