"""Podman gets a Dockerfile in which the version stands itself."""

from __future__ import annotations

from pathlib import Path

from canarylab import content
from canarylab.images.podman_file import settled, settled_file


def test_the_version_stands_wherever_the_argument_was_mentioned() -> None:
    assert settled("ENV A=$APP_VERSION B=${APP_VERSION} C=$APP_VERSIONS", "2.0") == (
        "ENV A=2.0 B=2.0 C=$APP_VERSIONS"
    )


def test_the_app_s_own_dockerfile_differs_between_versions() -> None:
    app = content.folder("app")
    with settled_file(app, "1.0") as one, settled_file(app, "2.0") as two:
        first, second = one.read_text(), two.read_text()
    assert first.replace("APP_VERSION=1.0", "APP_VERSION=2.0", 2) != first
    assert first != second
    assert len(first.splitlines()) == len(second.splitlines())


def test_the_copy_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node\n")
    with settled_file(tmp_path, "1.0") as copy:
        assert copy.read_text() == "FROM node\n"
    assert not copy.parent.exists()
