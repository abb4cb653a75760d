"""COPY and .dockerignore select the files that Docker would, and none outside the folder."""

from __future__ import annotations

import itertools
import os
import re
import socket
import stat
import tarfile
from pathlib import Path

import pytest

from canarylab.errors import BuildError, DockerfileError
from canarylab.images import build_context
from canarylab.images.build_context import CopiedFile, Dockerignore
from tests.images.project import Project, files_of


@pytest.mark.parametrize(
    ("text", "out", "within"),
    [
        ("docs", "docs docs/a docs/a/b", "a/docs docsx"),
        ("docs/", "docs docs/a", "a/docs"),
        ("/docs", "docs", "a/docs"),
        ("./a/../docs", "docs", "a"),
        ("*.md", "a.md .md", "a/b.md"),
        ("**/*.md", "a.md a/b.md a/b/c.md", "a.mdx"),
        ("*/temp*", "a/temp a/tempest", "temp a/b/temp"),
        ("temp?", "tempa", "temp tempab"),
        ("docs/**", "docs/a docs/a/b", "docs"),
        ("[ab].txt", "a.txt b.txt", "c.txt"),
        ("[^ab].txt", "c.txt", "a.txt"),
        ("# comment\n\n  # a name", "# a name", "comment"),
        ("*\n!src", "a a/src", "src src/a src/a/b"),
        ("*\n!src/a", "src src/b", "src/a"),
        ("node_modules\n!node_modules/keep", "node_modules/x", "node_modules/keep/y"),
        ("*.md\n!README*.md\nREADME-secret.md", "a.md README-secret.md", "README.md"),
        ("*.md\nREADME-secret.md\n!README*.md", "a.md", "README.md README-secret.md"),
        ("/\n.\n..\n../a", "", "a b"),
        ("", "", "a"),
    ],
)
def test_patterns_match_as_in_docker(text: str, out: str, within: str) -> None:
    ignore = Dockerignore(text)

    assert [path for path in _paths(out) if not ignore.excludes(path)] == []
    assert [path for path in _paths(within) if ignore.excludes(path)] == []


def _paths(text: str) -> list[str]:
    return [text] if text.startswith("#") else text.split()


SMALL = ["a", "b", "*", "a/b", "*/b", "a/*", "**/b", "a/**", "**"]
SMALL_PATHS = ["/".join(parts) for n in (1, 2, 3) for parts in itertools.product("ab", repeat=n)]


@pytest.mark.parametrize("signs", list(itertools.product(["", "!"], repeat=3)))
def test_the_last_pattern_that_matches_a_path_or_a_folder_above_it_wins(
    signs: tuple[str, ...],
) -> None:
    for patterns in itertools.product(SMALL, repeat=3):
        lines = [sign + pattern for sign, pattern in zip(signs, patterns, strict=True)]
        ignore = Dockerignore("\n".join(lines))
        for path in SMALL_PATHS:
            assert ignore.excludes(path) == _by_the_book(lines, path), (lines, path)


def _by_the_book(lines: list[str], path: str) -> bool:
    """Docker's rule, spelled out: the path or any folder above it, each line in its turn."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    kept_out = False
    for line in lines:
        regex = line.removeprefix("!").replace("**/", "(.+/)?").replace("**", ".+")
        regex = re.sub(r"(?<!\.)\*", "[^/]*", regex)
        if any(re.fullmatch(regex, each) for each in above):
            kept_out = not line.startswith("!")
    return kept_out


@pytest.mark.parametrize(("text", "line"), [("a\n!", 2), ("[b-a]", 1)])
def test_an_invalid_pattern_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(DockerfileError, match=rf"\.dockerignore, line {line}: .*\. .*\."):
        Dockerignore(text)


def test_only_exceptions_make_excluded_folders_be_searched() -> None:
    assert not Dockerignore("a\nb").has_exceptions
    assert Dockerignore("a\n!a/b").has_exceptions


def test_a_folder_without_dockerignore_excludes_nothing(tmp_path: Path) -> None:
    assert not Dockerignore.of(tmp_path).excludes("a")


def test_a_dockerignore_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BuildError, match=r"\.dockerignore cannot be read.*Make it"):
        Dockerignore.of(tmp_path)


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
def test_files_are_copied_to_the_same_paths_as_by_docker(
    project: Project, line: str, files: list[str]
) -> None:
    for name in ("a.txt", "b.json", "c.json", "src/main.ts", "src/deep/e.ts"):
        project.write(name, name)
    project.dockerfile(line)

    assert files_of(project.build()) == files


def test_copying_the_whole_folder_obeys_dockerignore(project: Project) -> None:
    for name in ("a.txt", "node_modules/x/y.js", "docs/a.md", "docs/keep.md"):
        project.write(name, name)
    project.write(".dockerignore", "node_modules\ndocs\n!docs/keep.md\nDockerfile\n.dockerignore")
    project.dockerfile("COPY . .")

    assert files_of(project.build()) == ["a.txt", "docs/keep.md"]


def test_a_file_is_copied_into_an_existing_folder(project: Project) -> None:
    project.write("a.txt", "")
    project.dockerfile("RUN mkdir x", "COPY a.txt x")

    assert files_of(project.build()) == ["x/a.txt"]


def test_a_later_copy_replaces_an_earlier_one(project: Project) -> None:
    project.write("a.txt", "first")
    project.write("b.txt", "second")
    project.dockerfile("COPY a.txt /c.txt", "COPY b.txt /c.txt")

    assert (project.build().root / "c.txt").read_text() == "second"


def test_the_last_of_two_sources_with_one_name_wins(project: Project) -> None:
    project.write("x/a.txt", "first")
    project.write("y/a.txt", "second")
    project.dockerfile("COPY x y /z/")

    assert (project.build().root / "z/a.txt").read_text() == "second"


def test_a_file_name_that_is_not_utf8_is_copied(project: Project) -> None:
    (project.context / os.fsdecode(b"\xff.txt")).touch()
    project.dockerfile("COPY *.txt /", "RUN true")

    assert files_of(project.build()) == [os.fsdecode(b"\xff.txt")]


def test_a_folder_may_be_copied_to_a_link(project: Project) -> None:
    project.write("src/a.txt", "")
    project.dockerfile("RUN mkdir real && ln -s real link", "COPY src link")

    assert "real/a.txt" in files_of(project.build())


def test_an_empty_folder_is_copied(project: Project) -> None:
    (project.context / "src" / "empty").mkdir(parents=True)
    project.dockerfile("COPY src /src")

    assert (project.build().root / "src" / "empty").is_dir()


def test_the_executable_bit_is_copied(project: Project) -> None:
    project.write("a.sh", "").chmod(0o755)
    project.dockerfile("COPY a.sh /")

    assert os.access(project.build().root / "a.sh", os.X_OK)


def test_a_link_within_the_folder_stays_a_link(project: Project) -> None:
    project.write("src/a.txt", "text")
    (project.context / "src" / "b.txt").symlink_to("a.txt")
    project.dockerfile("COPY src /")

    assert (project.build().root / "b.txt").readlink() == Path("a.txt")


def test_a_link_named_as_source_is_followed(project: Project) -> None:
    project.write("a.txt", "text")
    (project.context / "b.txt").symlink_to("a.txt")
    project.dockerfile("COPY b.txt /")

    copied = project.build().root / "b.txt"
    assert not copied.is_symlink()
    assert copied.read_text() == "text"


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside.txt", "../.."])
@pytest.mark.parametrize("line", ["COPY . /", "COPY x /", "COPY x/link /"])
def test_a_link_out_of_the_folder_is_not_followed(project: Project, line: str, target: str) -> None:
    (project.context / "x").mkdir()
    (project.context / "x" / "link").symlink_to(target)
    project.dockerfile(line)

    with pytest.raises(BuildError, match=r"line 2: .*link is a link that leads out .*\. Copy"):
        project.build()


def test_an_absolute_link_is_refused_although_it_leads_to_the_folder(project: Project) -> None:
    (project.context / "link").symlink_to(project.write("a.txt", ""))
    project.dockerfile("COPY . /")

    with pytest.raises(BuildError, match=r"link is a link that leads out of the folder\. Copy"):
        project.build()


def test_a_file_below_a_link_out_of_the_folder_is_not_copied(project: Project) -> None:
    (project.context / "link").symlink_to("/etc")
    project.dockerfile("COPY link/hostname /")

    with pytest.raises(BuildError, match="leads out of the folder"):
        project.build()


def test_a_loop_of_links_is_copied(project: Project) -> None:
    project.write("x/a.txt", "")
    (project.context / "x" / "b").symlink_to("c")
    (project.context / "x" / "c").symlink_to("b")
    project.dockerfile("COPY x /")

    assert files_of(project.build()) == ["a.txt", "b", "c"]


@pytest.mark.parametrize(
    "lines",
    [
        ["COPY a.txt /x/"],
        ["COPY a.txt /x/deep/"],
        ["WORKDIR /x"],
        ["WORKDIR /x/deep", "RUN touch written"],
        ["VOLUME /x/deep"],
        [
            "WORKDIR /y",
            "RUN rmdir /app && ln -s $OUTSIDE /app",
            "WORKDIR /app",
            "RUN touch written",
        ],
    ],
)
def test_a_link_in_the_image_does_not_lead_out_of_it(
    project: Project, tmp_path: Path, lines: list[str]
) -> None:
    (outside := tmp_path / "outside").mkdir()
    project.write("a.txt", "")
    project.dockerfile(
        f"ENV OUTSIDE={outside}", "WORKDIR /app", f"RUN ln -s {outside} ../x", *lines
    )

    with pytest.raises(BuildError, match="a link in the image leads out of it"):
        project.build()
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("COPY nothing /", r"context/nothing does not exist\. Check the name"),
        ("COPY a.txt nothing /", r"context/nothing does not exist\. Check the name"),
        ("COPY nowhere/* /", r"there is no folder .*context/nowhere\. Check the name"),
        ("COPY hidden.txt /", r"context/hidden.txt is excluded by \.dockerignore\. Check"),
    ],
)
def test_a_missing_source_is_named(project: Project, line: str, problem: str) -> None:
    project.write("a.txt", "")
    project.write("hidden.txt", "")
    project.write(".dockerignore", "hidden.txt")
    project.dockerfile(line)

    with pytest.raises(BuildError, match=f"Dockerfile, line 2: .*{problem}"):
        project.build()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("COPY a.txt", "names one path only"),
        ("COPY []", "has no argument"),
        ("COPY ../a.txt /", "lies outside the folder"),
        ("COPY x/../../a.txt /", "lies outside the folder"),
        ("COPY a.txt b.txt /c", "2 sources cannot become the one file /c"),
        ("COPY *.txt /c", "2 sources cannot become the one file /c"),
    ],
)
def test_a_copy_line_without_a_meaning_is_refused(
    project: Project, line: str, problem: str
) -> None:
    project.write("a.txt", "")
    project.write("b.txt", "")
    project.dockerfile(line)

    with pytest.raises(DockerfileError, match=rf"line 2: .*{problem}.*\. \w.*\."):
        project.build()


def test_a_pipe_is_copied_and_a_socket_left_out(project: Project) -> None:
    os.mkfifo(project.context / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(project.context / "socket"))
        project.dockerfile("COPY . /app", "COPY --chmod=600 pipe /")
        root = project.build().root

    assert (root / "pipe").stat().st_mode == stat.S_IFIFO | 0o600
    assert sorted(each.name for each in (root / "app").iterdir()) == ["Dockerfile", "pipe"]
    project.build()
    assert project.made() == []


def test_a_socket_that_is_named_is_refused(project: Project) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(project.context / "socket"))
        project.dockerfile("COPY socket /")
        with pytest.raises(BuildError, match="socket is neither a file nor a folder"):
            project.build()


def test_a_file_does_not_replace_a_folder(project: Project) -> None:
    project.write("a.txt", "")
    project.dockerfile("RUN mkdir -p x/a.txt", "COPY a.txt x/")

    with pytest.raises(BuildError, match=r"line 3: COPY a.txt x/ met an error: .*\. Correct"):
        project.build()


def test_a_file_that_changes_during_the_copy_fails_the_build(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.write("a.txt", "before")
    copy_files = build_context.copy_files

    def save_and_copy(files: list[CopiedFile], tree: Path) -> list[CopiedFile]:
        file.write_text("after")
        return copy_files(files, tree)

    monkeypatch.setattr(build_context, "copy_files", save_and_copy)
    project.dockerfile("COPY a.txt /")

    with pytest.raises(BuildError, match=r"a file changed while it was copied\. Save everything"):
        project.build()


def test_a_pattern_that_matches_nothing_copies_nothing(project: Project) -> None:
    project.write("a.txt", "")
    project.dockerfile("COPY nothing* x/", "COPY a.txt nothing* y/")

    assert files_of(project.build()) == ["y/a.txt"]


def test_a_mode_is_that_of_the_line(project: Project) -> None:
    project.write("bin/a.sh", "")
    project.dockerfile("COPY --chown=node --chmod=755 bin bin", "ADD --chmod=0600 bin/a.sh b.sh")
    root = project.build().root

    assert (root / "bin/a.sh").stat().st_mode & 0o777 == 0o755
    assert (root / "b.sh").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ADD https://example.com/a.tgz /", "ADD of https://example.com/a.tgz is not supported"),
        ("ADD git@example.com:a.git /", "is not supported without Docker"),
        ("COPY --chmod=u+x a.txt /", "as in --chmod=755"),
    ],
)
def test_what_cannot_be_copied_is_refused(project: Project, line: str, problem: str) -> None:
    project.write("a.txt", "")
    project.dockerfile(line)

    with pytest.raises(DockerfileError, match=f"line 2: .*{problem}"):
        project.build()


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:xz"])
def test_add_unpacks_an_archive_and_copy_does_not(project: Project, kind: str) -> None:
    inside = project.write("a.txt", "1")
    with tarfile.open(project.context / "a.tar", kind) as archive:  # type: ignore[call-overload]
        archive.add(inside, "deep/a.txt")
    project.dockerfile("ADD a.tar x/", "COPY a.tar y/", "ADD a.txt z/")

    assert files_of(project.build()) == ["x/deep/a.txt", "y/a.tar", "z/a.txt"]


def test_a_here_document_becomes_a_file(project: Project) -> None:
    project.dockerfile(
        "ENV X=1",
        "COPY <<one <<'two' to/",
        "it's $X",
        "one",
        "$X",
        "two",
        "COPY <<EOF /b.txt",
        "EOF",
    )
    root = project.build().root

    assert (root / "to/one").read_text() == "it's 1\n"
    assert (root / "to/two").read_text() == "$X\n"
    assert (root / "b.txt").read_text() == ""


def test_another_here_document_makes_another_layer(project: Project) -> None:
    project.dockerfile("COPY <<EOF /a.txt", "1", "EOF")
    project.build()
    project.dockerfile("COPY <<EOF /a.txt", "2", "EOF")

    assert (project.build().root / "a.txt").read_text() == "2\n"
