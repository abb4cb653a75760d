"""Tests of RUN lines: what they find, what their writes become, and what is refused."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from canarylab.errors import BuildError, CommandFailedError
from canarylab.images.dockerfile import parse
from canarylab.images.image_config import ImageConfig
from canarylab.images.process_build import run_line
from canarylab.playground.node.pod_root import SETTING
from tests.images.project import Project, files_of, in_background, is_running, unique_sleep
from tests.needs import needs

HERE = ImageConfig(working_dir="/app")
NAME = "canarylab-test-of-run"
TOO_LONG_IN_A_TREE = "/srv" + 20 * f"/{200 * 'x'}" + f"/{60 * 'x'}"  # Linux has 4,095 characters


def run(text: str, tree: Path, machine: dict[str, str] | None = None) -> None:
    tree.mkdir(exist_ok=True)
    (line,) = parse(f"FROM node\nRUN {text}")[1:]
    run_line(line, HERE, tree, machine or {})


@pytest.mark.usefixtures("own_root")
@pytest.mark.parametrize("folder", ["/", "/etc", "/usr/local/bin", "/var/lib", "/opt", "/new/one"])
def test_what_a_line_writes_becomes_the_image_s_alone(tmp_path: Path, folder: str) -> None:
    file = Path(folder, NAME)

    run(f"mkdir -p {folder} && echo canary > {file}", tmp_path / "tree")

    assert (tmp_path / f"tree{file}").read_text() == "canary\n"
    assert not file.exists()


@pytest.mark.usefixtures("own_root")
def test_a_tree_gets_only_what_was_written(project: Project) -> None:
    project.write("start-app", "echo started")
    project.dockerfile("WORKDIR /app", "COPY start-app /usr/local/bin/", "RUN touch a /etc/b /c")

    assert files_of(project.build()) == ["app/a", "c", "etc/b", "usr/local/bin/start-app"]
    assert {path.name for path in project.build().root.iterdir()} == {"app", "c", "etc", "usr"}


@pytest.mark.usefixtures("own_root")
def test_a_line_may_change_and_delete_what_lines_before_it_made(project: Project) -> None:
    project.dockerfile(
        "RUN mkdir /srv/x /opt/x /etc/x; touch /srv/x/a /opt/x/a /etc/x/a /etc/kept",
        "RUN rm /opt/x/a && rm -r /srv/x /etc/x && mkdir /etc/x && echo b > /etc/x/b",
    )

    assert files_of(project.build()) == ["etc/kept", "etc/x/b"]


MAKE_SOCKET = f"""{sys.executable} -c 'import socket; socket.socket(1).bind("socket")'"""


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("more", [[], ["FROM node", "COPY --from=0 /app /app"]])
def test_pipes_and_links_to_nowhere_are_kept_and_sockets_left_out(
    project: Project, more: list[str]
) -> None:
    project.dockerfile(
        "WORKDIR /app",
        "RUN mkfifo -m 600 pipe && ln -s nowhere link",
        f"RUN [ -p pipe ] && {MAKE_SOCKET}",
        *more,
    )
    app = project.build().root / "app"

    kinds = {each.name: stat.filemode(each.lstat().st_mode) for each in app.iterdir()}
    assert kinds == {"pipe": "prw-------", "link": "lrwxrwxrwx"}


@pytest.mark.usefixtures("own_root")
def test_links_of_a_stage_that_lead_anywhere_are_copied(project: Project) -> None:
    links = {"log": "/dev/stdout", "lost": "/nowhere", "up": "../../../srv/x", "own": "/app/log"}
    made = " && ".join(f"ln -s {target} {name}" for name, target in links.items())
    project.dockerfile("WORKDIR /app", f"RUN {made}", "FROM node", "COPY --from=0 /app /app")
    app = project.build().root / "app"

    assert {each.name: str(each.readlink()) for each in app.iterdir()} == links


@pytest.mark.usefixtures("own_root")
def test_a_line_may_replace_a_pipe_and_delete_it(project: Project) -> None:
    project.dockerfile(
        "RUN mkfifo /srv/a /srv/b /etc/c",
        "RUN [ -p /etc/c ] && rm /srv/a /srv/b && echo canary > /srv/a",
    )
    root = project.build().root

    assert [each.name for each in (root / "srv").iterdir()] == ["a"]
    assert (root / "srv/a").read_text() == "canary\n"
    assert (root / "etc/c").is_fifo()


@needs("pod-root")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
@pytest.mark.parametrize("folder", ["/app", "/srv"])
def test_a_device_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv(SETTING, "root")
    project.dockerfile("WORKDIR /app", f"RUN mknod {folder}/zero c 1 5")

    with pytest.raises(BuildError, match=rf"line 3: .* an image has no devices \({folder}/zero\)"):
        project.build()


@pytest.mark.usefixtures("own_root")
@pytest.mark.parametrize("start", ["", "setsid ", "setsid nohup "])
def test_whatever_a_line_leaves_running_ends_with_it(tmp_path: Path, start: str) -> None:
    sleep = unique_sleep()
    run(f"{start}{in_background(sleep)}", tmp_path / "tree")

    assert not is_running(sleep)


@pytest.mark.usefixtures("own_root")
def test_what_a_line_wrote_and_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as failure:
        run(f"mkdir -p {TOO_LONG_IN_A_TREE}; printf made", tmp_path / "tree")

    assert str(failure.value) == (
        "Dockerfile, line 2: what the line wrote cannot be kept: File name too long. "
        "Correct that, and try again."
    )


@pytest.mark.usefixtures("own_root")
def test_of_a_line_that_failed_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError) as failure:
        run(f"mkdir -p {TOO_LONG_IN_A_TREE}; echo full; exit 3", tmp_path / "tree")

    assert (failure.value.status, failure.value.output) == (3, "full")


@pytest.mark.usefixtures("own_root")
def test_a_signal_to_the_group_of_a_line_does_not_end_it(tmp_path: Path) -> None:
    run("kill -TERM 0; touch on", tmp_path / "tree")

    assert (tmp_path / "tree/app/on").exists()


@pytest.mark.usefixtures("own_root")
def test_a_program_that_was_copied_to_usr_local_bin_is_found(project: Project) -> None:
    project.write("make-it", "#!/bin/sh\ntouch /app/made\n").chmod(0o755)
    project.dockerfile("WORKDIR /app", "COPY make-it /usr/local/bin/", "RUN make-it")

    assert "app/made" in files_of(project.build())


@pytest.mark.usefixtures("own_root")
def test_files_can_be_given_to_the_user_of_the_node_image(tmp_path: Path) -> None:
    run("mkdir -p /home/node/app && chown -R node:node /home/node/app", tmp_path / "tree")

    assert (tmp_path / "tree/home/node/app").is_dir()


@pytest.mark.usefixtures("own_root")
def test_settings_of_npm_become_the_image_s_and_not_the_user_s(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    (home / ".npmrc").write_text("audit=false\n")

    run("npm config set fund false && npm config get audit", tmp_path / "tree", {"HOME": str(home)})

    assert (home / ".npmrc").read_text() == "audit=false\n"
    assert (tmp_path / "tree/root/.npmrc").read_text() == "fund=false\n"
    assert not (tmp_path / "tree/usr").exists()


@pytest.mark.usefixtures("own_root")
def test_the_settings_of_the_user_s_npm_count(tmp_path: Path) -> None:
    (npmrc := tmp_path / "npmrc").write_text("registry=https://registry.example/\n")

    run("npm config get registry > registry", tmp_path, {"npm_config_userconfig": str(npmrc)})

    assert (tmp_path / "app/registry").read_text() == "https://registry.example/\n"


@pytest.mark.usefixtures("own_root")
def test_the_cache_of_npm_is_read_and_not_changed(tmp_path: Path) -> None:
    (cache := tmp_path / "npm").mkdir()
    (cache / "_cacache").write_text("canary")
    words = "cat $(npm config get cache)/_cacache > seen; npm cache clean --force; rm -rf ~/.npm"

    run(words, tmp_path / "tree", {"npm_config_cache": str(cache)})

    assert (tmp_path / "tree/app/seen").read_text() == "canary"
    assert (cache / "_cacache").read_text() == "canary"


@pytest.mark.usefixtures("machine_paths")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"npm ci && mkdir -p /{NAME}/cache", f"mkdir -p /{NAME}/cache"),
        (f"echo a > /etc/{NAME}", f"echo a > /etc/{NAME}"),
        (f"cp a b /usr/local/{NAME}/", f"cp a b /usr/local/{NAME}/"),
        ("rm -rf ~/.npm", "rm -rf ~/.npm"),
        ("npm config set fund false", "npm config set"),
        ("npm install; npm cache clean --force", "npm cache clean"),
        ("apt-get update && apt-get install -y curl", "apt-get update"),
        ('["touch", "/etc/x y"]', "touch /etc/x y"),
    ],
)
def test_without_a_root_a_line_that_would_change_the_machine_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BuildError) as failure:
        run(text, tmp_path)

    assert str(failure.value) == (
        f"Dockerfile, line 2: `{words}` would change this machine, because no image has a root of "
        "its own here. Use a path below WORKDIR, or build with `--builder docker`."
    )


@pytest.mark.usefixtures("machine_paths")
@pytest.mark.parametrize(
    "text",
    [
        "npm --version > /dev/null 2>&1",
        "mkdir -p build/a && cp x build/",
        "ls /etc && cat < /dev/null",
    ],
)
def test_without_a_root_other_lines_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/x").touch()

    run(text, tmp_path)


@pytest.mark.usefixtures("machine_paths")
def test_without_a_root_a_path_of_the_image_is_one_of_its_folder(tmp_path: Path) -> None:
    (folder := tmp_path / f"{NAME}/app").mkdir(parents=True)

    run(f"touch /{NAME}/app/a && mkdir /{NAME}/app/b", tmp_path)

    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
