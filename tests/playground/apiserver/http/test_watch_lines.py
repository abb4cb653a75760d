"""What a change means to one client."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.changes import Change, Type
from canarylab.playground.apiserver.http.watch_lines import Lines, Start, start_of
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS, SERVED_KINDS
from canarylab.playground.kube.selectors import by_label_query
from tests.playground.apiserver.specimens import gateway


def pod(track: str) -> Object:
    meta = {"name": "web", "labels": {"track": track}, "resourceVersion": "1"}
    return {"kind": "Pod", "metadata": meta}


def told(change: Change) -> str | None:
    line = Lines(KINDS["Pod"], by_label_query("track=canary")).of([change])
    return json.loads(line)["type"] if line else None


@pytest.mark.parametrize(
    ("before", "happened", "after", "expected"),
    [
        (None, "ADDED", "canary", "ADDED"),
        (None, "ADDED", "stable", None),
        ("canary", "MODIFIED", "canary", "MODIFIED"),
        ("stable", "MODIFIED", "canary", "ADDED"),
        ("canary", "MODIFIED", "stable", "DELETED"),
        ("stable", "MODIFIED", "stable", None),
        ("canary", "DELETED", "canary", "DELETED"),
        ("stable", "DELETED", "stable", None),
    ],
)
def test_a_selection_has_a_history_of_its_own(
    before: str | None, happened: Type, after: str, expected: str | None
) -> None:
    previous = None if before is None else pod(before)
    assert told(Change(happened, pod(after), previous, 7)) == expected


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ({}, Start(None, tells_all=True, marks_end=False)),
        ({"resourceVersion": ""}, Start(None, tells_all=True, marks_end=False)),
        ({"resourceVersion": "0"}, Start(None, tells_all=True, marks_end=False)),
        ({"resourceVersion": "7"}, Start(7, tells_all=False, marks_end=False)),
        (
            {"resourceVersion": "7", "sendInitialEvents": "true"},
            Start(None, tells_all=True, marks_end=True),
        ),
        (
            {"resourceVersion": "7", "sendInitialEvents": "False"},
            Start(7, tells_all=False, marks_end=False),
        ),
        ({"sendInitialEvents": "false"}, Start(None, tells_all=False, marks_end=False)),
    ],
)
def test_a_watch_begins_where_the_client_says(query: Mapping[str, str], start: Start) -> None:
    assert start_of(query) == start


def test_a_version_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadRequestError, match="resourceVersion"):
        start_of({"resourceVersion": "latest"})


def test_bookmarks_are_for_those_who_asked() -> None:
    assert Lines(KINDS["Pod"], bool).bookmark(7) == b""


def test_a_watch_of_an_older_version_tells_objects_in_that_version() -> None:
    older = next(
        kind for kind in SERVED_KINDS if (kind.kind, kind.version) == ("Gateway", "v1beta1")
    )
    stored = {**gateway(), "metadata": {"name": "canarylab", "resourceVersion": "7"}}
    lines = Lines(older, by_label_query(""))
    for line in (lines.all([stored]), lines.of([Change("ADDED", stored, None, 7)])):
        assert json.loads(line)["object"] == {**stored, "apiVersion": older.api_version}
