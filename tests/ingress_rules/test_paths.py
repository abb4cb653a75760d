"""Paths as they are compared and rewritten, and their regular expressions."""

from __future__ import annotations

import pytest

from canarylab.ingress_rules.paths import (
    compile_pattern,
    normalize_path,
    rewrite,
    split_target,
)

# https://nginx.org/en/docs/http/ngx_http_core_module.html#location
SAME = ["/", "/a", "/a/", "/a/b.html", "/~user/x_y-z"]
NORMALISED = {
    "//a": "/a",
    "/a//b": "/a/b",
    "/./a": "/a",
    "/a/.": "/a/",
    "/a/..": "/",
    "/a/../b": "/b",
    "/a/b/..": "/a/",
    "/%61": "/a",
    "/a%20b": "/a b",
    "/a%2Fb": "/a/b",
    "/%2e%2e/..": None,
    "/..": None,
    "/%": None,
    "/%0": None,
    "/%00": None,
    "": None,
    "a": None,
}


@pytest.mark.parametrize("path", SAME)
def test_a_plain_path_stays(path: str) -> None:
    assert normalize_path(path) == path


@pytest.mark.parametrize(("path", "seen"), NORMALISED.items())
def test_other_paths_are_compared_as_what_they_mean(path: str, seen: str | None) -> None:
    assert normalize_path(path) == seen


def test_the_query_is_no_part_of_the_path() -> None:
    assert split_target("/a?b=/../c#d") == ("/a", "?b=/../c")


def rewritten(path: str, target: str, asked: str) -> str:
    seen = normalize_path(split_target(asked)[0])
    assert seen is not None
    return rewrite(path, target, seen, asked)


@pytest.mark.parametrize(
    ("path", "target", "asked", "arrives"),
    [
        ("/canary", "/", "/canary/x", "/"),
        ("/canary(/|$)(.*)", "/$2", "/canary/x/y?z=1", "/x/y?z=1"),
        ("/canary(/|$)(.*)", "/$2", "/CANARY", "/"),
        ("/a", "/$3", "/a", "/"),
        ("/a", "/b", "/a?x=2", "/b?x=2"),
        ("/a/(.*)", "/$1", "/a/b%20c", "/b%20c"),
        ("/a/(.*)", "/$1", "/a/b%3Fc", "/b%3Fc"),
        ("/a/(.*)", "/$1", "/a/%C3%A4", "/%C3%A4"),
    ],
)
def test_a_rewrite_replaces_the_whole_path(
    path: str, target: str, asked: str, arrives: str
) -> None:
    assert rewritten(path, target, asked) == arrives


@pytest.mark.parametrize(
    "pattern", ["(", "(?=a)", "(?<!a)b", r"(a)\1", "a{1001}", "a++", "\ud800", "[b-a]"]
)
def test_what_re2_does_not_have_is_refused(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError):
        compile_pattern(pattern)
    assert capfd.readouterr().err == ""


def test_a_pattern_matches_bytes_that_are_not_utf_8() -> None:
    path = normalize_path("/a%FFb")
    assert path is not None
    assert compile_pattern("^/a(.)b").search(path) == (path, "\udcff")
    assert rewritten("/a(.*)", "/$1", "/a%FFb") == "/%FFb"


def test_a_path_with_raw_bytes_is_decoded() -> None:
    assert normalize_path("/\udcff/x") == "/\udcff/x"


def test_case_is_ignored_only_where_asked() -> None:
    assert compile_pattern("^/A").search("/a") is None
    assert compile_pattern("^/A", ignore_case=True).search("/a") == ("/a",)


def test_matching_takes_linear_time() -> None:
    """A backtracking engine would need 2 to the power of 5,000 steps."""
    assert compile_pattern("^/(a+)+$").search("/" + "a" * 5_000 + "!") is None
