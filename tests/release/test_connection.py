from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from canarylab.clusters import client as clients
from canarylab.errors import ClusterError, SetupError
from canarylab.playground.credentials import make_credentials, write_kubeconfig
from canarylab.release.connection import Connection, explain_api_errors, kubectl_words
from canarylab.release.pod_exec import run_in_pod


def status(*causes: tuple[str, str]) -> str:
    return json.dumps(
        {
            "reason": "Invalid",
            "message": "long",
            "details": {
                "kind": "Deployment",
                "name": "web_1",
                "causes": [{"field": field, "message": message} for field, message in causes],
            },
        }
    )


def test_one_cause_is_one_line() -> None:
    said = kubectl_words(status(("metadata.name", "Invalid value")), None)
    assert said == 'The Deployment "web_1" is invalid: metadata.name: Invalid value'


def test_two_causes_are_a_line_each() -> None:
    said = kubectl_words(status(("a", "one"), ("b", "two")), None)
    assert said == 'The Deployment "web_1" is invalid: \n* a: one\n* b: two'


def test_an_answer_that_is_no_status_is_shown_as_it_is() -> None:
    assert kubectl_words("<html>", "Bad Gateway") == "Error from server: Bad Gateway"


def test_it_follows_a_kubeconfig_that_is_written_again(tmp_path: Path) -> None:
    file = tmp_path / "config"
    write_kubeconfig(file, make_credentials(), 1111)
    connection = Connection(file)
    held = connection.core.api_client
    write_kubeconfig(file, make_credentials(), 2222)
    assert connection.server == "https://127.0.0.1:2222"
    assert connection.core.api_client is held
    assert held.configuration.host == connection.server


def test_without_its_kubeconfig_it_stays_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "config"
    write_kubeconfig(file, make_credentials(), 1111)
    connection = Connection(file)
    file.unlink()
    assert connection.server == "https://127.0.0.1:1111"


def test_a_cluster_that_does_not_answer_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ANSWER_TIMEOUT_S", 0.05)
    monkeypatch.setattr(clients, "CONNECT_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and never says a word
        write_kubeconfig(tmp_path / "config", make_credentials(), silent.getsockname()[1])
        with closing(Connection(tmp_path / "config")) as connection:
            with (
                pytest.raises(ClusterError, match="did not answer a request about the pods"),
                explain_api_errors("the pods", remedy=""),
            ):
                connection.core.list_namespaced_pod("default")
            with pytest.raises(ClusterError, match="did not answer a request about a command"):
                run_in_pod(connection, "web", ["true"])


def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SetupError, match=r"nowhere cannot be used as a kubeconfig: .*`canarylab up`"
    ):
        Connection(tmp_path / "nowhere")
