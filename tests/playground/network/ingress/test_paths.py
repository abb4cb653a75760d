"""What path is compared, and what path does a pod get?"""

from __future__ import annotations

import pytest

from canarylab.playground.network.ingress.paths import normalised, split, upstream_target
from canarylab.playground.network.ingress.table import Location

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
    assert normalised(path) == path


@pytest.mark.parametrize(("path", "seen"), NORMALISED.items())
def test_other_paths_are_compared_as_what_they_mean(path: str, seen: str | None) -> None:
    assert normalised(path) == seen


def test_the_query_is_no_part_of_the_path() -> None:
    assert split("/a?b=/../c#d") == ("/a", "?b=/../c")


def rewritten(path: str, target: str, asked: str) -> str:
    seen = normalised(split(asked)[0])
    assert seen is not None
    return upstream_target(Location(path, False, None, rewrite_target=target), seen, asked)


@pytest.mark.parametrize(
    ("path", "target", "asked", "arrives"),
    [
        ("/canary", "/", "/canary/x", "/"),
        ("/canary(/|$)(.*)", "/$2", "/canary/x/y?z=1", "/x/y?z=1"),
        ("/canary(/|$)(.*)", "/${2}", "/CANARY", "/"),
        ("/a", "/$3", "/a", "/"),
        ("/a", "/b?own=1", "/a?x=2", "/b?own=1&x=2"),
        ("/a", "/b?own=1?", "/a?x=2", "/b?own=1"),
        ("/a/(.*)", "/$1", "/a/b%20c", "/b%20c"),
        ("/a/(.*)", "/$1", "/a/b%3Fc", "/b%3Fc"),
        ("/a/(.*)", "/$1", "/a/%C3%A4", "/%C3%A4"),
        ("/a", "", "/a//b/%61", "/a//b/%61"),
    ],
)
def test_a_rewrite_replaces_the_whole_path(
    path: str, target: str, asked: str, arrives: str
) -> None:
    assert rewritten(path, target, asked) == arrives
