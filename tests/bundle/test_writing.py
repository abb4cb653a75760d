"""Is what is written a tar that everybody reads, and is it there whole or not at all?"""

from __future__ import annotations

import errno
import hashlib
import os
import tarfile
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest

from canarylab.bundle.writing import Archive, written_whole
from canarylab.errors import SetupError


def write(file: Path, members: dict[str, bytes]) -> Archive:
    with written_whole(file) as opened:
        archive = Archive(opened, clock=lambda: 1_700_000_000)
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
    with written_whole(file) as opened:
        opened.write(b"half")
        assert not file.exists()
    assert names(tmp_path) == ["a.tar"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SetupError, RuntimeError])
def test_an_interrupted_one_leaves_the_one_before(end: type[BaseException], tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_text("an earlier bundle")
    with pytest.raises(end), written_whole(file) as opened:
        opened.write(b"half")
        raise end
    assert names(tmp_path) == ["a.tar"]
    assert file.read_text() == "an earlier bundle"


def test_what_a_kill_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").write_bytes(b"left" * 10_000)
    with written_whole(tmp_path / "a.tar") as opened:
        opened.write(b"whole")
    assert (tmp_path / "a.tar").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.tar"]


def test_two_do_not_write_the_same_bundle_at_once(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a.tar") as opened:
        opened.write(b"first")
        with (
            pytest.raises(SetupError, match="being written by another"),
            written_whole(tmp_path / "a.tar"),
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

    with pytest.raises(SetupError, match=words), written_whole(tmp_path / "a.tar") as opened:
        Archive(opened).add("a", fill)
    assert names(tmp_path) == []


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").mkdir()
    with (
        pytest.raises(SetupError, match=r"a\.tar cannot be written: Is a directory"),
        written_whole(tmp_path / "a.tar"),
    ):
        pytest.fail("it was written")


def _put(content: bytes, sink: BinaryIO) -> None:
    sink.write(content)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
