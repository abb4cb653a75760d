"""COPY puts files where Docker would put them, and takes none from outside the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from canarylab.errors import BuildError, DockerfileError
from canarylab.images import copying
from tests.images.contexts import Workshop, files_of


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("COPY a.txt /", ["a.txt"]),
        ("COPY a.txt /b.txt", ["b.txt"]),
        ("COPY a.txt x/y/", ["x/y/a.txt"]),
        ("COPY a.txt x/y", ["x/y"]),
        ("COPY a.txt ./../../z.txt", ["z.txt"]),
        ("COPY /a.txt .", ["a.txt"]),
        ("COPY a.txt b.json x/", ["x/a.txt", "x/b.json"]),
        ("COPY *.json x/", ["x/b.json", "x/c.json"]),
        ("COPY [ab].* x/", ["x/a.txt", "x/b.json"]),
        ("COPY [^ab].* x/", ["x/c.json"]),
        ("COPY ?.txt nothing* x/", ["x/a.txt"]),
        ("COPY src x", ["x/deep/e.ts", "x/main.ts"]),
        ("COPY src/ x/", ["x/deep/e.ts", "x/main.ts"]),
        ("COPY src/*.ts x/", ["x/main.ts"]),
        ("COPY */deep x/", ["x/e.ts"]),
        ("COPY s* x", ["x/deep/e.ts", "x/main.ts"]),
        ('COPY ["a.txt", "with space/"]', ["with space/a.txt"]),
        ("COPY --chown=node:node a.txt x/", ["x/a.txt"]),
    ],
)
def test_files_arrive_where_docker_would_put_them(
    workshop: Workshop, line: str, files: list[str]
) -> None:
    for name in ("a.txt", "b.json", "c.json", "src/main.ts", "src/deep/e.ts"):
        workshop.write(name, name)
    workshop.dockerfile(line)

    assert files_of(workshop.build()) == files


def test_the_whole_folder_comes_as_dockerignore_leaves_it(workshop: Workshop) -> None:
    for name in ("a.txt", "node_modules/x/y.js", "docs/a.md", "docs/keep.md"):
        workshop.write(name, name)
    workshop.write(".dockerignore", "node_modules\ndocs\n!docs/keep.md\nDockerfile\n.dockerignore")
    workshop.dockerfile("COPY . .")

    assert files_of(workshop.build()) == ["a.txt", "docs/keep.md"]


def test_a_file_goes_into_a_folder_that_is_there_already(workshop: Workshop) -> None:
    workshop.write("a.txt", "")
    workshop.dockerfile("RUN mkdir x", "COPY a.txt x")

    assert files_of(workshop.build()) == ["x/a.txt"]


def test_a_later_copy_replaces_an_earlier_one(workshop: Workshop) -> None:
    workshop.write("a.txt", "first")
    workshop.write("b.txt", "second")
    workshop.dockerfile("COPY a.txt /c.txt", "COPY b.txt /c.txt")

    assert (workshop.build().root / "c.txt").read_text() == "second"


def test_of_two_sources_with_one_name_the_last_stays(workshop: Workshop) -> None:
    workshop.write("x/a.txt", "first")
    workshop.write("y/a.txt", "second")
    workshop.dockerfile("COPY x y /z/")

    assert (workshop.build().root / "z/a.txt").read_text() == "second"


def test_a_name_that_is_no_text_is_copied(workshop: Workshop) -> None:
    (workshop.context / os.fsdecode(b"\xff.txt")).touch()
    workshop.dockerfile("COPY *.txt /", "RUN true")

    assert files_of(workshop.build()) == [os.fsdecode(b"\xff.txt")]


def test_a_folder_may_go_where_a_link_leads(workshop: Workshop) -> None:
    workshop.write("src/a.txt", "")
    workshop.dockerfile("RUN mkdir real && ln -s real link", "COPY src link")

    assert "real/a.txt" in files_of(workshop.build())


def test_an_empty_folder_is_copied(workshop: Workshop) -> None:
    (workshop.context / "src" / "empty").mkdir(parents=True)
    workshop.dockerfile("COPY src /src")

    assert (workshop.build().root / "src" / "empty").is_dir()


def test_a_program_stays_a_program(workshop: Workshop) -> None:
    workshop.write("a.sh", "").chmod(0o755)
    workshop.dockerfile("COPY a.sh /")

    assert os.access(workshop.build().root / "a.sh", os.X_OK)


def test_a_link_within_the_folder_stays_a_link(workshop: Workshop) -> None:
    workshop.write("src/a.txt", "text")
    (workshop.context / "src" / "b.txt").symlink_to("a.txt")
    workshop.dockerfile("COPY src /")

    assert (workshop.build().root / "b.txt").readlink() == Path("a.txt")


def test_a_link_that_is_named_becomes_what_it_leads_to(workshop: Workshop) -> None:
    workshop.write("a.txt", "text")
    (workshop.context / "b.txt").symlink_to("a.txt")
    workshop.dockerfile("COPY b.txt /")

    copied = workshop.build().root / "b.txt"
    assert not copied.is_symlink()
    assert copied.read_text() == "text"


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside.txt", "../.."])
@pytest.mark.parametrize("line", ["COPY . /", "COPY x /", "COPY x/link /"])
def test_a_link_out_of_the_folder_is_not_followed(
    workshop: Workshop, line: str, target: str
) -> None:
    (workshop.context / "x").mkdir()
    (workshop.context / "x" / "link").symlink_to(target)
    workshop.dockerfile(line)

    with pytest.raises(BuildError, match=r"line 2: .*link is a link that leads out .*\. Copy"):
        workshop.build()


def test_a_file_below_a_link_out_of_the_folder_is_not_copied(workshop: Workshop) -> None:
    (workshop.context / "link").symlink_to("/etc")
    workshop.dockerfile("COPY link/hostname /")

    with pytest.raises(BuildError, match="leads out of the folder"):
        workshop.build()


def test_links_that_go_round_in_a_circle_do_no_harm(workshop: Workshop) -> None:
    workshop.write("x/a.txt", "")
    (workshop.context / "x" / "b").symlink_to("c")
    (workshop.context / "x" / "c").symlink_to("b")
    workshop.dockerfile("COPY x /")

    assert files_of(workshop.build()) == ["a.txt", "b", "c"]


def test_a_link_in_the_image_does_not_lead_a_copy_out_of_it(
    workshop: Workshop, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    workshop.write("a.txt", "")
    workshop.dockerfile(f"RUN ln -s {tmp_path}/outside x", "COPY a.txt x/")

    with pytest.raises(BuildError, match="a link in the image leads out of it"):
        workshop.build()
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("COPY nothing /", r"context/nothing is not there\. Check the name"),
        ("COPY a.txt nothing /", r"context/nothing is not there\. Check the name"),
        ("COPY nothing* /", r"nothing matches nothing\*\. Check the names"),
        ("COPY hidden.txt /", r"context/hidden.txt is kept out by \.dockerignore\. Check"),
    ],
)
def test_a_source_that_is_not_there_is_named(workshop: Workshop, line: str, problem: str) -> None:
    workshop.write("a.txt", "")
    workshop.write("hidden.txt", "")
    workshop.write(".dockerignore", "hidden.txt")
    workshop.dockerfile(line)

    with pytest.raises(BuildError, match=f"Dockerfile, line 2: .*{problem}"):
        workshop.build()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("COPY a.txt", "names one path only"),
        ("COPY []", "names nothing"),
        ("COPY ../a.txt /", "lies outside the folder"),
        ("COPY x/../../a.txt /", "lies outside the folder"),
        ("COPY a.txt b.txt /c", "2 sources cannot become the one file /c"),
        ("COPY *.txt /c", "2 sources cannot become the one file /c"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(
    workshop: Workshop, line: str, problem: str
) -> None:
    workshop.write("a.txt", "")
    workshop.write("b.txt", "")
    workshop.dockerfile(line)

    with pytest.raises(DockerfileError, match=rf"line 2: .*{problem}.*\. \w.*\."):
        workshop.build()


def test_a_pipe_is_no_file(workshop: Workshop) -> None:
    os.mkfifo(workshop.context / "pipe")
    workshop.dockerfile("COPY . /")

    with pytest.raises(BuildError, match="pipe is neither a file nor a folder"):
        workshop.build()


def test_a_file_does_not_replace_a_folder(workshop: Workshop) -> None:
    workshop.write("a.txt", "")
    workshop.dockerfile("RUN mkdir -p x/a.txt", "COPY a.txt x/")

    with pytest.raises(BuildError, match=r"line 3: COPY a.txt x/ met an error: .*\. Mend that"):
        workshop.build()


def test_a_file_that_changes_while_it_is_copied_is_noticed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workshop.write("a.txt", "before")
    carry_out = copying.carry_out

    def somebody_saves_first(files: list[copying.Copied], tree: Path) -> list[copying.Copied]:
        file.write_text("after")
        return carry_out(files, tree)

    monkeypatch.setattr(copying, "carry_out", somebody_saves_first)
    workshop.dockerfile("COPY a.txt /")

    with pytest.raises(BuildError, match=r"a file changed while it was copied\. Save everything"):
        workshop.build()
