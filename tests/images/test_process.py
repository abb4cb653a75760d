"""The Dockerfile that Docker builds is built without it, once, and from then on remembered."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from canarylab.errors import BuildError, DockerfileError, ImageNameError, SetupError
from canarylab.images.process import build
from canarylab.playground.images import Image, find, listed, path_with_node
from tests.images.contexts import Workshop, files_of

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
        env={**os.environ, **image.env, "PATH": path_with_node("/usr/bin:/bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_dockerfile_like_the_article_s_is_built_and_runs(workshop: Workshop) -> None:
    workshop.write("Dockerfile", ARTICLE)
    workshop.write("package.json", '{"license": "MIT", "scripts": {"server": "node server.js"}}')
    workshop.write("server.js", 'console.log("Version 1.0")')

    image = workshop.build("filipemotta/node_app:1.0")

    assert output_of(image) == "Version 1.0\n"
    assert image.working_dir == "/usr/src/app"
    assert image.exposed_ports == [3333]
    assert "asks for Node 14" in image.notes[0]


def test_one_source_makes_two_versions(workshop: Workshop) -> None:
    workshop.write("app.js", "console.log(process.env.APP_VERSION)")
    workshop.dockerfile(
        "COPY app.js /",
        "ARG APP_VERSION=1.0",
        "ENV APP_VERSION=$APP_VERSION",
        'CMD ["node", "app"]',
    )

    versions = [workshop.build(f"app:{v}", APP_VERSION=v) for v in ("1.0", "2.0")]

    assert [output_of(image) for image in versions] == ["1.0\n", "2.0\n"]


def test_a_built_image_is_found_by_its_name(workshop: Workshop) -> None:
    workshop.dockerfile("USER node", "LABEL a=b", "STOPSIGNAL SIGINT")

    image = workshop.build("team/app:1")

    assert find(workshop.images, "team/app:1") == image
    assert (image.user, image.labels, image.stop_signal) == ("node", {"a": "b"}, "SIGINT")


def test_every_instruction_is_reported(workshop: Workshop) -> None:
    workshop.dockerfile("WORKDIR /app", "RUN true")
    workshop.build()

    assert [(step.number, step.total, step.instruction) for step in workshop.steps] == [
        (1, 3, "FROM node:24-slim"),
        (2, 3, "WORKDIR /app"),
        (3, 3, "RUN true"),
    ]


def test_the_second_build_makes_nothing_anew(workshop: Workshop) -> None:
    workshop.write("a.txt", "")
    workshop.dockerfile("WORKDIR /app", "COPY a.txt .", "RUN touch b.txt")
    first = workshop.build()

    assert workshop.build() == first
    assert workshop.made() == []


def test_a_changed_file_costs_the_copy_and_what_follows_it(workshop: Workshop) -> None:
    workshop.write("a.txt", "")
    workshop.write("b.txt", "before")
    workshop.dockerfile("COPY a.txt .", "RUN touch made", "COPY b.txt .", "RUN cat b.txt > c.txt")
    workshop.build()
    workshop.write("b.txt", "after")

    image = workshop.build()

    assert workshop.made() == ["COPY b.txt .", "RUN cat b.txt > c.txt"]
    assert (image.root / "c.txt").read_text() == "after"


def test_a_changed_mode_is_a_change(workshop: Workshop) -> None:
    file = workshop.write("a.sh", "")
    workshop.dockerfile("COPY a.sh .")
    workshop.build()
    file.chmod(0o755)
    workshop.build()

    assert workshop.made() == ["COPY a.sh ."]


def test_a_copy_whose_files_are_the_same_undoes_the_change(workshop: Workshop) -> None:
    workshop.write("a.txt", "before")
    workshop.dockerfile("COPY a.txt .", "RUN cat a.txt > /dev/null")
    first = workshop.build()
    workshop.write("a.txt", "after")
    workshop.build()
    workshop.write("a.txt", "before")

    assert workshop.build().id == first.id
    assert workshop.made() == []


@pytest.mark.parametrize("kind", ["ARG", "ENV"])
def test_a_command_runs_again_when_a_variable_it_sees_changes(
    workshop: Workshop, kind: str
) -> None:
    for value in ("one", "two"):
        workshop.dockerfile(f"{kind} A={value}", "RUN echo $A > a.txt")
        image = workshop.build()

    assert workshop.made() == ["RUN echo $A > a.txt"]
    assert (image.root / "a.txt").read_text() == "two\n"


def test_a_variable_set_below_a_command_does_not_disturb_it(workshop: Workshop) -> None:
    workshop.dockerfile("RUN true", "ARG V", "ENV V=$V")
    workshop.build(V="1")
    workshop.build(V="2")

    assert workshop.made() == []


def test_a_command_that_writes_into_a_file_leaves_the_cached_one_alone(workshop: Workshop) -> None:
    workshop.write("a.txt", "1")
    workshop.dockerfile("COPY a.txt .", "RUN printf 2 >> a.txt")
    workshop.build()
    workshop.dockerfile("COPY a.txt .", "RUN printf 3 >> a.txt")

    assert (workshop.build().root / "a.txt").read_text() == "13"


def test_what_a_pod_writes_reaches_neither_another_image_nor_a_later_build(
    workshop: Workshop,
) -> None:
    workshop.write("a.txt", "clean")
    workshop.dockerfile("COPY a.txt .")
    running = workshop.build("app:1")
    (running.root / "a.txt").write_text("dirty")
    (running.root / "new.txt").write_text("dirty")

    other = workshop.build("app:2")

    assert files_of(other) == ["a.txt"]
    assert (other.root / "a.txt").read_text() == "clean"


def test_a_command_that_fails_says_where_and_shows_its_last_lines(workshop: Workshop) -> None:
    workshop.dockerfile("", "RUN seq 100; exit 3")

    with pytest.raises(BuildError) as failure:
        workshop.build()

    lines = str(failure.value).splitlines()
    assert lines[:-1] == [str(n) for n in range(81, 101)]
    assert re.search(r"Dockerfile, line 3: `RUN seq 100; exit 3` ended with .* 3\. .*", lines[-1])


def test_a_failed_build_leaves_the_image_of_that_name_as_it_was(workshop: Workshop) -> None:
    workshop.dockerfile("RUN true")
    before = workshop.build()
    workshop.dockerfile("RUN touch half && false")

    with pytest.raises(BuildError):
        workshop.build()

    assert listed(workshop.images) == [before]
    assert list(workshop.images.glob(".layers/new-*")) == []


def test_a_line_that_is_not_known_stops_the_build_before_it_begins(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.dockerfile(f"RUN touch {tmp_path}/ran", "EXPOSE 53/udp")

    with pytest.raises(DockerfileError, match="line 3"):
        workshop.build()

    assert not (tmp_path / "ran").exists()
    assert not workshop.images.exists()


def test_a_build_argument_that_nobody_asks_for_is_refused(workshop: Workshop) -> None:
    workshop.dockerfile("ARG APP_VERSION")

    with pytest.raises(BuildError, match=r"asks for VERSION\. This Dockerfile knows APP_VERSION\."):
        workshop.build(VERSION="2.0")


def test_a_proxy_may_be_given_without_being_asked_for(workshop: Workshop) -> None:
    workshop.dockerfile("USER node")

    assert workshop.build(HTTPS_PROXY="http://127.0.0.1:1").env == {}


@pytest.mark.parametrize("missing", ["context", "Dockerfile"])
def test_a_folder_without_a_dockerfile_is_named(workshop: Workshop, missing: str) -> None:
    folder = workshop.context / "missing" if missing == "context" else workshop.context

    with pytest.raises(BuildError, match=r"There is no Dockerfile in .*\. Name the folder"):
        build(folder, "app:1", images=workshop.images)


def test_a_dockerfile_that_is_no_text_is_named(workshop: Workshop) -> None:
    (workshop.context / "Dockerfile").write_bytes(b"FROM node\xff")

    with pytest.raises(BuildError, match=r"Dockerfile cannot be read: .*\. Make it"):
        workshop.build()


def test_an_images_folder_that_cannot_be_written_is_named(workshop: Workshop) -> None:
    workshop.dockerfile("RUN true")
    workshop.images.write_text("a file where the folder should be")

    with pytest.raises(SetupError, match=r"Images cannot be written to .*images: .*CANARYLAB_HOME"):
        workshop.build()


def test_a_name_that_no_image_can_have_is_refused(workshop: Workshop) -> None:
    workshop.dockerfile("RUN true")

    with pytest.raises(ImageNameError):
        workshop.build("Not A Name")


def test_two_builds_at_once_do_the_work_once(workshop: Workshop, tmp_path: Path) -> None:
    workshop.dockerfile(f"RUN echo ran >> {tmp_path}/log; touch made")

    def one(number: int) -> Image:
        return build(workshop.context, f"app:{number}", images=workshop.images)

    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(one, range(4)))

    assert (tmp_path / "log").read_text() == "ran\n"
    assert [files_of(image) for image in built] == [["made"]] * 4
