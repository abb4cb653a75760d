"""Can the kubelet run these probes and hooks?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    each,
    forbidden,
    invalid,
    not_negative,
    one_of,
    required,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.kube.api import Object

_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_COUNTS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
    "failureThreshold",
)  # fmt: skip
_HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")


def of_container(field: str, container: Object) -> Iterator[Cause]:
    """What is wrong with its hooks and its three probes."""
    lifecycle = container.get("lifecycle", {})
    for hook in ("postStart", "preStop"):
        if hook in lifecycle:
            yield from _action(f"{field}.lifecycle.{hook}", lifecycle[hook])
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from _probe(f"{field}.{name}", container[name])
            yield from _of_this_sort(f"{field}.{name}", name, container[name])


def _probe(field: str, probe: Object) -> Iterator[Cause]:
    yield from _action(field, probe)
    for count in _COUNTS:
        yield from not_negative(f"{field}.{count}", probe.get(count))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0")


def _of_this_sort(field: str, name: str, probe: Object) -> Iterator[Cause]:
    if name == "readinessProbe":
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None:
            yield invalid(
                f"{field}.terminationGracePeriodSeconds",
                grace,
                "must not be set for readinessProbes",
            )
    elif probe.get("successThreshold", 1) != 1:
        yield invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1")


def _action(field: str, given: Object) -> Iterator[Cause]:
    """One thing to do, and only one."""
    said = [action for action in _ACTIONS if action in given]
    if not said:
        yield required(field, "must specify a handler type")
        return
    for extra in said[1:]:
        yield forbidden(f"{field}.{extra}", "may not specify more than 1 handler type")
    first, how = f"{field}.{said[0]}", given[said[0]]
    if said[0] == "exec" and not how.get("command"):
        yield required(f"{first}.command")
    elif said[0] == "httpGet":
        yield from _http(first, how)
    elif said[0] == "tcpSocket":
        yield from _port(f"{first}.port", how.get("port", 0))
    elif said[0] == "grpc":
        yield from each(f"{first}.port", how.get("port", 0), names.port_number(how.get("port", 0)))


def _http(field: str, how: Object) -> Iterator[Cause]:
    if not how.get("path"):
        yield required(f"{field}.path")
    yield from _port(f"{field}.port", how.get("port", 0))
    yield from one_of(f"{field}.scheme", how.get("scheme", ""), ("HTTP", "HTTPS"))
    for header in how.get("httpHeaders", []):
        if not _HEADER_NAME.fullmatch(header.get("name", "")):
            yield invalid(f"{field}.httpHeaders", header.get("name", ""), _HEADER_RULE)


_HEADER_RULE = names.pattern_error(
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    "[-A-Za-z0-9]+",
    "X-Header-Name",
)


def _port(field: str, port: int | str) -> list[Cause]:
    return each(field, port, names.port(port))
