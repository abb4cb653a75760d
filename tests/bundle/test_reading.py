"""Is everything looked at before anything is loaded?"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from canarylab.bundle import manifest
from canarylab.bundle.load import load
from canarylab.bundle.manifest import Entry, Manifest, this_machine
from canarylab.bundle.reading import checked
from canarylab.errors import SetupError
from canarylab.playground.home import Home

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
    file: Path, said: Manifest, extra: Callable[[tarfile.TarFile], None] = lambda tar: None
) -> Path:
    """One empty wheel, what `extra` adds, and a manifest."""
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo(WHEEL))
        extra(tar)
        text = said.to_json().encode()
        info = tarfile.TarInfo(manifest.NAME)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return file


def listing(*names: str) -> Manifest:
    return Manifest([Entry(name, 0, NOTHING) for name in names], this_machine())


def test_a_whole_bundle_is_read(tmp_path: Path) -> None:
    with checked(archive(tmp_path / "a.tar", listing(WHEEL))) as bundle:
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
    assert "its checksum differs. Copy the bundle once more" in refusal(bundle, other_home)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b" + bytes(2000), bytes(20_000)])
def test_another_file_is_refused(content: bytes, other_home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    assert "is no bundle of canarylab" in refusal(tmp_path / "a.tar", other_home)


def test_somebody_elses_tar_is_refused(other_home: Home, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("holiday.jpg"))
    assert "is no bundle of canarylab" in refusal(tmp_path / "a.tar", other_home)


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
