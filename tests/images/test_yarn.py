"""Yarn in the images of apps that use it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from canarylab.errors import BuildError
from canarylab.images import yarn
from canarylab.images.builder import is_npm_unreachable
from canarylab.images.dockerfile import parse
from canarylab.images.yarn import YarnUnreachableError, uses_yarn
from canarylab.playground.nodejs import path_in_folder
from tests.images.project import Project
from tests.needs import needs


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "RUN yarn"),
        ("Dockerfile", 'CMD [ "yarn", "server" ]'),
        ("Dockerfile", "RUN <<EOF\nyarn build\nEOF"),
        ("package.json", '{"scripts": {"start": "yarn build && node ."}}'),
        ("yarn.lock", ""),
    ],
)
def test_an_app_uses_yarn_if_any_of_its_files_says_so(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    lines = parse(f"FROM node\n{text if name == 'Dockerfile' else 'RUN npm ci'}\n")
    assert uses_yarn(tmp_path, lines)


def test_an_app_without_a_word_of_yarn_does_not_use_it(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "yarns"}')
    assert not uses_yarn(tmp_path, parse("FROM node\nRUN npm ci\n"))


@needs("linux")
def test_an_image_has_yarn_where_docker_s_has_it_and_needs_no_network(project: Project) -> None:
    project.write("package.json", '{"scripts": {"server": "echo hello"}}')
    project.dockerfile("WORKDIR /app", "COPY . .", 'CMD ["yarn", "server"]')
    image = project.build()
    offline = {"npm_config_registry": "http://127.0.0.1:1", "HOME": str(project.context)}
    done = subprocess.run(
        ["yarn", "--silent", "server"],
        cwd=image.working_folder,
        env={"PATH": path_in_folder("/usr/local/bin:/usr/bin:/bin", image.root), **offline},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "hello\n"
    assert (image.root / f"opt/yarn-v{yarn.VERSION}/bin/yarn.js").exists()


@needs("linux")
def test_without_network_it_is_not_installed(tmp_path: Path) -> None:
    unreachable = {"npm_config_cache": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    unreachable["npm_config_registry"] = "http://127.0.0.1:1"
    with pytest.raises(YarnUnreachableError):
        yarn.install(tmp_path / "tree", {**os.environ, **unreachable})


@needs("linux")
def test_a_run_line_without_it_says_so_in_two_sentences(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    project.dockerfile("RUN yarn")
    with pytest.raises(BuildError, match="npm's registry cannot be reached from here"):
        project.build()


def test_yarn_s_own_words_for_a_missing_network_are_known() -> None:
    assert is_npm_unreachable("info There appears to be trouble with your network connection.")
