"""Can this pod, or the pods of this template, be run?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    INT32_MAX,
    duplicate,
    each,
    forbidden,
    invalid,
    one_of,
    required,
)
from canarylab.playground.apiserver.validation import containers, metadata, names
from canarylab.playground.kube.api import Object

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def of_pod(pod: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a pod, or with a change of it."""
    yield from metadata.of_object(pod["metadata"], names.subdomain, namespaced=True)
    yield from specification("spec", pod["spec"])
    for index, container in enumerate(pod["spec"].get("containers", [])):
        image = container.get("image", "")
        if image != image.strip():
            yield invalid(
                f"spec.containers[{index}].image",
                image,
                "must not have leading or trailing whitespace",
            )
    if old is not None:
        yield from _change(pod["spec"], old["spec"])


def template(field: str, given: Object) -> Iterator[Cause]:
    """What is wrong with a template; its labels are named as Kubernetes names them."""
    meta = given.get("metadata", {})
    yield from metadata.of_labels(f"{field}.labels", meta.get("labels"))
    yield from metadata.of_annotations(f"{field}.annotations", meta.get("annotations"))
    yield from specification(f"{field}.spec", given.get("spec", {}))


def specification(field: str, spec: Object) -> Iterator[Cause]:
    """What is wrong with a pod's specification."""
    volumes = spec.get("volumes", [])
    yield from _volumes(f"{field}.volumes", volumes)
    mountable = {volume.get("name", "") for volume in volumes}
    yield from containers.of_pod(f"{field}.containers", spec.get("containers", []), mountable)
    yield from one_of(f"{field}.restartPolicy", spec.get("restartPolicy", ""), _RESTART_POLICIES)
    yield from one_of(f"{field}.dnsPolicy", spec.get("dnsPolicy", ""), _DNS_POLICIES)
    yield from metadata.of_labels(f"{field}.nodeSelector", spec.get("nodeSelector"))
    for name, rule in (("serviceAccountName", names.subdomain), ("nodeName", names.subdomain)):
        if spec.get(name):
            yield from each(f"{field}.{name}", spec[name], rule(spec[name]))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= INT32_MAX:
        problem = f"must be between 1 and {INT32_MAX}, inclusive"
        yield invalid(f"{field}.activeDeadlineSeconds", deadline, problem)
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            yield from each(f"{field}.{name}", spec[name], names.label(spec[name]))


def _volumes(field: str, volumes: Sequence[Object]) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, volume in enumerate(volumes):
        here, name = f"{field}[{index}].name", volume.get("name", "")
        if not name:
            yield required(here)
            continue
        yield from each(here, name, names.label(name))
        if name in taken:
            yield duplicate(here, name)
        taken.add(name)


def _change(spec: Object, before: Object) -> Iterator[Cause]:
    """Almost nothing of a pod may change: a controller makes a new one instead."""
    now, then = spec.get("containers", []), before.get("containers", [])
    if len(now) != len(then):
        yield forbidden("spec.containers", "pod updates may not add or remove containers")
        return
    changed = sorted(_changed_fields(spec, before))
    if changed:
        named = "\n".join(f"  {name}" for name in changed)
        yield forbidden(
            "spec", f"pod updates may not change fields other than {_CHANGEABLE}\n{named}"
        )


def _changed_fields(spec: Object, before: Object) -> Iterator[str]:
    free = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"}
    for name in (spec.keys() | before.keys()) - free:
        now, then = spec.get(name), before.get(name)
        if name in ("containers", "initContainers"):
            now, then = (
                [_without_image(one) for one in now or []],
                [_without_image(one) for one in then or []],
            )
        if now != then:
            yield name


def _without_image(container: Object) -> Object:
    return {name: value for name, value in container.items() if name != "image"}
