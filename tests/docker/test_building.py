"""A real engine builds both versions, with the classic builder and with BuildKit."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from canarylab.clusters.kind_images import saved_image
from canarylab.errors import BuildError
from canarylab.images.builder import WITHOUT_DOCKER
from tests.docker.conftest import DockerSetup

OF_OURS = 30e6  # bytes that we may add to the base image


def test_docker_images_shows_both_versions_with_their_sizes(built: DockerSetup) -> None:
    printed = subprocess.run(
        ["docker", "images", "node_app"], capture_output=True, text=True, check=True
    ).stdout
    listed = {each.reference: each for each in built.builder.list_images()}
    for version in ("1.0", "2.0"):
        image = listed[f"node_app:{version}"]
        assert image.id.removeprefix("sha256:")[:12] in printed
        assert f"{image.size / 1e6:.0f}MB" in printed


def test_the_app_adds_little_to_its_base(built: DockerSetup) -> None:
    base = built.client.images.get("node:24-slim").attrs["Size"]
    sizes = {each.reference: each.size - base for each in built.builder.list_images()}
    assert sizes["node_app:1.0"] < OF_OURS
    assert sizes["node_app:2.0"] < OF_OURS


def test_a_second_build_reuses_every_step_and_makes_the_same_image(
    docker: DockerSetup, build_engine: str
) -> None:
    docker.build("2.0")
    before = docker.client.images.get("node_app:2.0").id
    made = [step for step in docker.build("2.0") if step.makes_files]
    assert [step.instruction.split()[0] for step in made] == ["WORKDIR", "COPY", "RUN", "COPY"]
    assert all(step.cached for step in made)
    assert docker.client.images.get("node_app:2.0").id == before


def test_another_version_reuses_every_file_and_is_another_image(
    docker: DockerSetup, build_engine: str
) -> None:
    docker.build("1.0")
    made = [step for step in docker.build("3.0") if step.makes_files]
    ids = {docker.client.images.get(f"node_app:{version}").id for version in ("1.0", "3.0")}
    assert [step.cached for step in made] == [True] * 4
    assert len(ids) == 2


def test_the_current_step_is_reported(docker: DockerSetup, build_engine: str) -> None:
    said: list[str] = []
    docker.builder.build("1.0", lambda step: None, said.append)
    assert any("RUN npm ci" in words for words in said)
    assert all(words.startswith("node_app:1.0: ") for words in said)


def test_a_failed_step_is_explained_and_leaves_nothing(
    docker: DockerSetup, build_engine: str
) -> None:
    before = docker.client.images.get("node_app:1.0").id
    docker.dockerfile("WORKDIR /tmp", 'RUN echo "no luck" >&2 && exit 3', 'CMD ["node"]')
    with pytest.raises(BuildError) as caught:
        docker.build("1.0")
    said = str(caught.value)
    assert "no luck\n" in said
    assert '`RUN echo "no luck" >&2 && exit 3` ended with exit status 3.' in said
    assert said.endswith(WITHOUT_DOCKER)
    assert docker.containers() == []
    assert docker.client.images.get("node_app:1.0").id == before


def test_a_base_image_out_of_reach_is_explained(docker: DockerSetup, build_engine: str) -> None:
    (docker.app / "Dockerfile").write_text("FROM 127.0.0.1:1/nobody/nothing:1\n")
    with pytest.raises(BuildError, match=r"The base image of node_app:1\.0 could not be fetched"):
        docker.build("1.0")


def test_a_missing_file_is_named(docker: DockerSetup, build_engine: str) -> None:
    docker.dockerfile("COPY nothing.txt ./")
    with pytest.raises(BuildError, match=r"nothing\.txt"):
        docker.build("1.0")


def test_a_folder_without_a_dockerfile_is_refused(docker: DockerSetup, build_engine: str) -> None:
    (docker.app / "Dockerfile").unlink()
    with pytest.raises(BuildError, match="Dockerfile"):
        docker.build("1.0")


def test_an_image_can_be_saved_for_a_cluster(built: DockerSetup) -> None:
    with saved_image("node_app:1.0", built.home.root / "saved") as archive:
        shutil.unpack_archive(archive, built.home.root / "unpacked", "tar")
    assert "node_app:1.0" in (built.home.root / "unpacked" / "manifest.json").read_text()
