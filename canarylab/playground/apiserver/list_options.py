"""The options of a list or a watch: which version of the objects a client may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from canarylab.errors import Cause, InvalidError, StatusError
from canarylab.kube_objects import parse_integer
from canarylab.playground.apiserver.field_errors import forbidden, unsupported

_MATCH = "resourceVersionMatch"
_INITIAL_EVENTS = "sendInitialEvents"
_TOO_LARGE = "Too large resource version"


def check_list_options(query: Mapping[str, str], *, is_watch: bool) -> None:
    """Raise InvalidError for options that exclude each other, or a match that there is not."""
    if causes := list(_watch_errors(query) if is_watch else _list_errors(query)):
        raise InvalidError("ListOptions", "meta.k8s.io", "", causes)


def check_version(query: Mapping[str, str], current: int) -> None:
    """Raise StatusError for a version that is not there yet.

    A real server waits three seconds for it, as another one may have it already.
    """
    version = parse_integer(query.get("resourceVersion", ""))
    if version is not None and version > current:
        message = f"Timeout: {_TOO_LARGE}: {version}, current: {current}"
        raise StatusError(
            504, "Timeout", message, (Cause("ResourceVersionTooLarge", "", _TOO_LARGE),)
        )


def _list_errors(query: Mapping[str, str]) -> Iterator[Cause]:
    match, version = query.get(_MATCH, ""), query.get("resourceVersion", "")
    if match and not version:
        yield forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided")
    if match and query.get("continue"):
        yield forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
    if match not in ("Exact", "NotOlderThan", ""):
        yield unsupported(_MATCH, match, ("Exact", "NotOlderThan", ""))
    if (match, version) == ("Exact", "0"):
        yield forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"')
    if _INITIAL_EVENTS in query:
        yield forbidden(_INITIAL_EVENTS, f"{_INITIAL_EVENTS} is forbidden for list")


def _watch_errors(query: Mapping[str, str]) -> Iterator[Cause]:
    match, sends_initial = query.get(_MATCH, ""), _INITIAL_EVENTS in query
    if sends_initial and match != "NotOlderThan":
        yield forbidden(_MATCH, f"{_INITIAL_EVENTS} requires setting {_MATCH} to NotOlderThan")
    if match and not sends_initial:
        yield forbidden(
            _MATCH, f"{_MATCH} is forbidden for watch unless {_INITIAL_EVENTS} is provided"
        )
    if match not in ("NotOlderThan", ""):
        yield unsupported(_MATCH, match, ("NotOlderThan",))
    if match and query.get("continue"):
        yield forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
