"""Can these containers be run?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    duplicate,
    each,
    invalid,
    one_of,
    required,
)
from canarylab.playground.apiserver.validation import amounts, names, probes
from canarylab.playground.kube.api import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def of_pod(field: str, containers: Sequence[Object], volumes: set[str]) -> Iterator[Cause]:
    """What is wrong with the containers of a pod that has these volumes."""
    if not containers:
        yield required(field)
    taken: set[str] = set()
    for index, container in enumerate(containers):
        here = f"{field}[{index}]"
        yield from _container(here, container, volumes)
        name = container.get("name", "")
        if name in taken:
            yield duplicate(f"{here}.name", name)
        taken.add(name)
        yield from probes.of_container(here, container)


def _container(field: str, container: Object, volumes: set[str]) -> Iterator[Cause]:
    name = container.get("name", "")
    if name:
        yield from each(f"{field}.name", name, names.label(name))
    else:
        yield required(f"{field}.name")
    if not container.get("image"):
        yield required(f"{field}.image")
    policy = container.get("terminationMessagePolicy", "")
    yield from one_of(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _ports(f"{field}.ports", container.get("ports", []))
    yield from _environment(field, container)
    yield from _mounts(f"{field}.volumeMounts", container.get("volumeMounts", []), volumes)
    pull_policy = container.get("imagePullPolicy", "")
    yield from one_of(f"{field}.imagePullPolicy", pull_policy, _PULL_POLICIES)
    yield from amounts.of_container(f"{field}.resources", container.get("resources", {}))


def _ports(field: str, ports: Sequence[Object]) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, port in enumerate(ports):
        here, name = f"{field}[{index}]", port.get("name", "")
        if name:
            problems = names.port_name(name)
            yield from each(f"{here}.name", name, problems)
            if not problems and name in taken:
                yield duplicate(f"{here}.name", name)
            taken.add(name)
        number = port.get("containerPort", 0)
        if number:
            yield from each(f"{here}.containerPort", number, names.port_number(number))
        else:
            yield required(f"{here}.containerPort")
        on_node = port.get("hostPort")
        if on_node:
            yield from each(f"{here}.hostPort", on_node, names.port_number(on_node))
        yield from one_of(f"{here}.protocol", port.get("protocol", ""), PROTOCOLS)


def _environment(field: str, container: Object) -> Iterator[Cause]:
    for index, variable in enumerate(container.get("env", [])):
        here, name = f"{field}.env[{index}]", variable.get("name", "")
        if name:
            yield from each(f"{here}.name", name, names.variable(name))
        else:
            yield required(f"{here}.name")
        if "valueFrom" in variable:
            yield from _source(f"{here}.valueFrom", variable)
    for index, source in enumerate(container.get("envFrom", [])):
        if "configMapRef" not in source and "secretRef" not in source:
            yield invalid(
                f"{field}.envFrom[{index}]",
                "",
                "must specify one of: `configMapRef` or `secretRef`",
            )


def _source(field: str, variable: Object) -> Iterator[Cause]:
    said = [source for source in _SOURCES if source in variable["valueFrom"]]
    if not said:
        listed = ", ".join(f"`{source}`" for source in _SOURCES[:-1])
        yield invalid(field, "", f"must specify one of: {listed} or `{_SOURCES[-1]}`")
    elif variable.get("value"):
        yield invalid(field, "", "may not be specified when `value` is not empty")
    elif len(said) > 1:
        yield invalid(field, "", "may not have more than one field specified at a time")


def _mounts(field: str, mounts: Sequence[Object], volumes: set[str]) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, mount in enumerate(mounts):
        here, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{here}.name")
        elif name not in volumes:
            yield Cause("FieldValueNotFound", f"{here}.name", f'Not found: "{name}"')
        if not path:
            yield required(f"{here}.mountPath")
        elif path in taken:
            yield invalid(f"{here}.mountPath", path, "must be unique")
        taken.add(path)
