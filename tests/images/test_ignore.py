"""A .dockerignore keeps out what Docker would keep out."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from canarylab.errors import BuildError, DockerfileError
from canarylab.images.ignore import Ignore


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
def test_patterns_mean_what_docker_says(text: str, out: str, within: str) -> None:
    ignore = Ignore(text)

    assert [path for path in _paths(out) if not ignore.keeps_out(path)] == []
    assert [path for path in _paths(within) if ignore.keeps_out(path)] == []


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
        ignore = Ignore("\n".join(lines))
        for path in SMALL_PATHS:
            assert ignore.keeps_out(path) == _by_the_book(lines, path), (lines, path)


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
def test_what_is_no_pattern_is_refused_by_its_line(text: str, line: int) -> None:
    with pytest.raises(DockerfileError, match=rf"\.dockerignore, line {line}: .*\. .*\."):
        Ignore(text)


def test_only_an_exception_makes_a_look_into_kept_out_folders_worth_it() -> None:
    assert not Ignore("a\nb").has_exceptions
    assert Ignore("a\n!a/b").has_exceptions


def test_a_folder_without_the_file_keeps_nothing_out(tmp_path: Path) -> None:
    assert not Ignore.of(tmp_path).keeps_out("a")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BuildError, match=r"\.dockerignore cannot be read.*Make it"):
        Ignore.of(tmp_path)
