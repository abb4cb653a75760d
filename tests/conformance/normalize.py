"""Replaces what differs from run to run in an answer of kubectl.

That is generated names, ages, addresses, times and the order of rows. Everything else has to
agree, word for word.
"""

from __future__ import annotations

import json
import re
from typing import Any

# What Kubernetes puts into generated names: no vowels, nothing that looks like another letter.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_AGE_BEFORE, _AGE_AFTER = r"(?<![\w.=-])", r"(?![\w%])"

_REPLACEMENTS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
        (r"\b[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} [+-]\d{4}", "<time>"),
        (r"\b\d{4}-\d{2}-\d{2}T[\d:.]+Z?", "<time>"),
        (r"\b(\d{1,3}\.){3}\d{1,3}\b", "<ip>"),
        (rf"(?<=-){_SAFE}{{8,10}}-{_SAFE}{{5}}\b", "<hash>-<id>"),  # a pod
        (rf"(?<=-){_SAFE}{{8,10}}\b(?![-.])", "<hash>"),  # a ReplicaSet
        (r"(?<=pod-template-hash=)\w+", "<hash>"),
        # EndpointSlices, by the Services of the cases.
        (rf"(?<=node-app-){_SAFE}{{5}}\b", "<id>"),
        (rf"(?<=nodeapp-svc-){_SAFE}{{5}}\b", "<id>"),
        (rf"(?<=nodeapp-svc-prod-){_SAFE}{{5}}\b", "<id>"),
        (rf"(?<=nodeapp-svc-canary-){_SAFE}{{5}}\b", "<id>"),
        (r"\(x\d+ over [^)]*\)", ""),  # an event said more than once
        (rf"{_AGE_BEFORE}(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?m?s){_AGE_AFTER}", "<age>"),
        (rf"{_AGE_BEFORE}(?:\d+d)(?:\d+h)?{_AGE_AFTER}", "<age>"),
        (rf"{_AGE_BEFORE}\d+h(?:\d+m)?{_AGE_AFTER}", "<age>"),
        (rf"{_AGE_BEFORE}\d+m{_AGE_AFTER}", "<age>"),
        (r"<invalid>", "<age>"),  # the clocks of two machines
        (r"resourceVersion: \"?\d+\"?", "resourceVersion: <rv>"),
    )
]

_DROPPED = {
    *("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink", "continue"),
    *("lastTransitionTime", "lastUpdateTime", "lastProbeTime", "startTime", "startedAt"),
    *("finishedAt", "eventTime", "firstTimestamp", "lastTimestamp", "deletionTimestamp"),
    *("clusterIP", "clusterIPs", "podIP", "podIPs", "hostIP", "hostIPs", "ip"),
    *("node", "nodeName", "containerID", "imageID"),
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "endpoints.kubernetes.io/last-change-trigger-time",
    # What a node reports beyond what a learner reads.
    *("allocatedResources", "user", "volumeMounts", "tolerations"),
}
_UNORDERED = {"volumes", "conditions", "subsets", "endpoints", "items", "ports"}
_NOISE = (
    "WARNING: version difference",
    "Unknown stream id",  # now and then in kubectl's own log, when exec ends
)
_TABLE = re.compile(r"^[A-Z][A-Z-]+( {2,}[A-Z][A-Z() -]*)+$")
_ADDRESSES = re.compile(r"<ip>(:\d+)?(,<ip>(:\d+)?)+")


def normalized_line(line: str, namespace: str) -> str:
    """One line with placeholders for what differs from run to run.

    >>> normalized_line("nodeapp-canary-5d8bf49c7b-x2klm   1/1     Running   0     41s", "default")
    'nodeapp-canary-<hash>-<id>  1/1  Running  0  <age>'
    """
    line = line.replace(namespace, "<ns>")
    for pattern, replacement in _REPLACEMENTS:
        line = pattern.sub(replacement, line)
    return re.sub(r"(?<=\S)[ \t]{2,}", "  ", line.rstrip())


def normalized_lines(text: str, namespace: str, mode: frozenset[str] = frozenset()) -> list[str]:
    """The lines of an answer; rows of a table and lists of addresses are sorted.

    `mode` holds what the case says of its step: `last`, `sorted`, `set`, `no-events`.
    """
    said = [normalized_line(line, namespace) for line in text.splitlines()]
    if "no-events" in mode:
        said = _without_events(said)
    said = [line for line in said if line and not any(noise in line for noise in _NOISE)]
    if "last" in mode:
        said = said[-1:]
    said = _in_order(said, mode)
    return [_ADDRESSES.sub(lambda found: ",".join(sorted(found[0].split(","))), s) for s in said]


def normalized_tree(value: Any, namespace: str) -> Any:
    """An object without what differs from run to run; unordered lists are sorted.

    >>> normalized_tree({"uid": "1", "conditions": [{"type": "B"}, {"type": "A"}]}, "default")
    {'conditions': [{'type': 'A'}, {'type': 'B'}]}
    """
    if isinstance(value, dict):
        kept = {key: child for key, child in sorted(value.items()) if key not in _DROPPED}
        pairs = {key: _child(key, child, namespace) for key, child in kept.items()}
        return {key: child for key, child in pairs.items() if child != [] or key not in _UNORDERED}
    if isinstance(value, list):
        return [normalized_tree(child, namespace) for child in value]
    return normalized_line(value, namespace) if isinstance(value, str) else value


def _child(key: str, child: Any, namespace: str) -> Any:
    if key == "pod-template-hash":
        return "<hash>"
    if key not in _UNORDERED or not isinstance(child, list):
        return normalized_tree(child, namespace)
    rows = [normalized_tree(row, namespace) for row in child if not _is_token_volume(row)]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def _is_token_volume(row: Any) -> bool:
    return isinstance(row, dict) and str(row.get("name", "")).startswith("kube-api-access")


def _without_events(said: list[str]) -> list[str]:
    kept, skipping = [], False
    for line in said:
        skipping = line.startswith("Events:") or (skipping and (not line or line[0] == " "))
        if not skipping:
            kept.append(line)
    return kept


def _in_order(said: list[str], mode: frozenset[str]) -> list[str]:
    if "set" in mode:
        return sorted(set(said))
    if "sorted" in mode:
        said = sorted(said)
    if said and _TABLE.match(said[0]):
        return [said[0], *sorted(said[1:])]
    return said
